"""Columns decide, notes tell: no decision about a row reads text that is written for people."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from trialpool.contracts import TABLES
from trialpool.evidence.audit import audit
from trialpool.evidence.compare import Comparison
from trialpool.protocol import load_catalogue

Compare = Callable[[dict[str, pd.DataFrame]], Comparison]
PROSE = ("note", "setting_note", "use_reason", "population", "definition", "locator", "cointervention")
TOLD = ["label", "label_experimental", "label_control", "derivation", "cautions", "locator", "reason"]
TOLD += ["cointervention"]


@pytest.fixture(scope="module")
def told(shipped_tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return shipped_tables


@pytest.fixture(scope="module")
def silent(told: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same evidence with "x" in every cell of prose that is not empty."""

    def silenced(name: str, table: pd.DataFrame) -> pd.DataFrame:
        names = [each.name for each in TABLES[name].columns if each.name in PROSE]
        names += ["label"] if name == "arms" else []
        return table.assign(**{each: table[each].where(table[each].isna(), "x") for each in names})

    return {name: silenced(name, table) for name, table in told.items()}


def test_every_effect_and_every_exclusion_stays_when_all_prose_is_x(
    shipped_comparison: Comparison, compared: Compare, silent: dict[str, pd.DataFrame]
) -> None:
    one, other = shipped_comparison, compared(silent)
    assert len(one.effects) > 100
    for name in ("effects", "excluded", "known"):
        left, right = (getattr(each, name).drop(columns=TOLD, errors="ignore") for each in (one, other))
        pd.testing.assert_frame_equal(left, right)


def test_every_finding_of_the_audit_stays_when_all_prose_is_x(
    told: dict[str, pd.DataFrame], silent: dict[str, pd.DataFrame]
) -> None:
    catalogue = load_catalogue("config/instruments.yaml")
    columns = ["rule", "severity", "study_id", "row_ids"]
    one, other = (
        audit(tables, catalogue)[columns].sort_values(columns, ignore_index=True) for tables in (told, silent)
    )
    assert len(one) > 10
    pd.testing.assert_frame_equal(one, other)


def test_a_column_that_is_said_to_steer_nothing_steers_nothing(
    told: dict[str, pd.DataFrame], shipped_comparison: Comparison, compared: Compare
) -> None:
    """`steers` in tables.csv, by which `compare` says which differences matter to what is pooled."""

    def other(name: str, table: pd.DataFrame) -> pd.DataFrame:
        free = [each for each in TABLES[name].columns if each.name not in TABLES[name].steers]
        kept = () if name == "published_pools" else free
        made = {each.name: 1999.0 if each.is_number else "x" for each in kept if not each.words}
        return table.assign(
            **{each: table[each].where(table[each].isna(), value) for each, value in made.items()}
        )

    changed = {name: other(name, table) for name, table in told.items()}
    columns = ["analysis", "study_id", "row_ids", "arm_experimental", "arm_control"]
    columns += ["variant", "effect", "variance", "n_experimental", "n_control", "selected"]
    found = [shipped_comparison.effects, compared(changed).effects]
    one, two = (each[columns].sort_values(columns[:6], ignore_index=True) for each in found)
    pd.testing.assert_frame_equal(one, two)
