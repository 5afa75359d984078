"""Mantel-Haenszel and Peto against rma.mh and rma.peto."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import mantel_haenszel, peto

TABLES = reference("tables")
CASES = {f"{part}-{name}": TABLES[part][name] for part in ("counts", "empty") for name in TABLES[part]}
MEASURES = ("RR", "OR", "RD")


def arms(entry: dict[str, Any]) -> list[np.ndarray]:
    return [np.array(entry[key], dtype=float) for key in ("events1", "n1", "events2", "n2")]


def check(compare: Comparison, label: str, ours: Any, theirs: dict[str, float]) -> None:
    for field, value in theirs.items():
        scale = FLOOR * theirs["se"] if field in ("estimate", "ci_low", "ci_high") else 0.0
        compare(f"{label} {field}", getattr(ours, field), value, floor=scale)


def test_the_grid_is_complete() -> None:
    assert len(TABLES["counts"]) == 10
    assert sorted(TABLES["empty"]) == ["axfors", "nielweise", "ulcer_deaths"]
    for entry in CASES.values():
        assert set(entry["mantel_haenszel"]) == set(MEASURES)
        assert "peto" in entry
    without = [np.add(e["events1"], e["events2"]) == 0 for e in TABLES["empty"].values()]
    assert all(rows.any() for rows in without)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", CASES)
def test_mantel_haenszel_agrees_with_rma_mh(name: str, measure: str) -> None:
    entry = CASES[name]
    compare = Comparison()
    check(compare, measure, mantel_haenszel(*arms(entry), measure=measure), entry["mantel_haenszel"][measure])
    compare.finish()


@pytest.mark.parametrize("name", CASES)
def test_peto_agrees_with_rma_peto(name: str) -> None:
    entry = CASES[name]
    compare = Comparison()
    check(compare, "peto", peto(*arms(entry)), entry["peto"])
    compare.finish()
