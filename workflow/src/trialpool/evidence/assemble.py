"""All candidate effects of all analyses in one table, from arms, events and published contrasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trialpool.evidence.candidates import arm_candidates, arm_rows, arm_totals, arm_weights
from trialpool.evidence.conversions import behind_the_asked, event_questions
from trialpool.evidence.designs import check_assumptions
from trialpool.evidence.doses import with_doses
from trialpool.evidence.labels import study_labels
from trialpool.evidence.leftovers import cells_without_comparison
from trialpool.evidence.published import contrast_candidates, scaled_contrasts
from trialpool.evidence.questions import arm_sides
from trialpool.evidence.scale import spec_frame
from trialpool.evidence.select import choose
from trialpool.evidence.words import joined, plain_text, where_text

SIDES = ("experimental", "control")
OF_A_SIDE = ("arm_id", "arms", "label", "category", "n", "mean", "sd", "events")
KEPT = (
    *("analysis", "study_id", "table", "cell", "result", "comparison", "made", "partial", "basis", "trust"),
    *("imputed", "reading", "outcome_rank", "item_rank", "time_rank", "time_order", "low", "high"),
    *("kind", "domain", "instrument", "item", "unit", "weeks", "timepoint", "effect", "variance"),
    *(f"{name}_{side}" for side in SIDES for name in OF_A_SIDE),
    *(
        f"{name}_experimental"
        for name in ("cointervention", "sessions", "programme_weeks", "sessions_per_week")
    ),
    *("derivation", "cautions", "source_url", "locator", "row_ids", "reason_code", "reason"),
)
LEAVES_OUT = "leaves out an arm of the trial that would fit"


@dataclass(frozen=True, slots=True)
class Asked:
    """The analyses put to the trials: who is on which side (`sides`), and how many arms there are."""

    specs: Sequence[Mapping[str, Any]]
    frame: pd.DataFrame
    studies: pd.DataFrame
    arms: pd.DataFrame
    sides: pd.DataFrame
    totals: pd.DataFrame
    catalogue: Mapping[str, Any]


def ask(
    tables: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]
) -> Asked:
    """Put analyses to the studies and arms tables; `study_label` is added to the studies."""
    studies, arms = plain_text(tables["studies"]), with_doses(plain_text(tables["arms"]))
    check_assumptions(specs, studies)
    studies["study_label"] = study_labels(studies)
    sides = arm_sides(specs, studies, arms)
    totals = arm_totals(sides, arms, arm_weights(arms))
    return Asked(specs, spec_frame(list(specs)), studies, arms, sides, totals, catalogue)


def candidate_table(
    harmonised: Mapping[str, pd.DataFrame], asked: Asked
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidate effects (columns KEPT) before any choice, and the results of arms that gave no comparison.

    A candidate has an effect, or a `reason_code` that says why not.
    """
    found, without = [], []
    for name in ("arms", "events"):
        specs = event_questions(asked.specs) if name == "events" else asked.specs
        rows = arm_rows(specs, harmonised[name], asked.arms, asked.studies, asked.sides)
        rows = behind_the_asked(rows, asked.frame) if name == "events" else rows
        part = arm_candidates(rows, harmonised[name], asked.frame, asked.catalogue, asked.totals)
        found.append(_kept(part, part["cell"], name, found))
        without.append(cells_without_comparison(rows, harmonised[name], part))
    printed = contrast_candidates(
        *(asked.specs, harmonised["contrasts"], asked.arms, asked.studies, asked.sides, asked.totals),
        harmonised["arms"],
    )
    part = scaled_contrasts(printed, asked.catalogue, asked.frame)
    found.append(_kept(part, part["row"], "contrasts", found))
    candidates = pd.concat(found, ignore_index=True)
    left_out = candidates["partial"].fillna(False).astype(bool)
    candidates["cautions"] = joined(candidates["cautions"], where_text(left_out, LEAVES_OUT))
    return candidates, pd.concat(without, ignore_index=True)


def decided(candidates: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Candidates with `selected`, and with the reason where one with an effect was not chosen."""
    decisions = choose(candidates[candidates["reason_code"] == ""], asked.frame)
    table = candidates.assign(selected=False)
    table.loc[decisions.index, ["selected", "reason_code", "reason"]] = decisions
    return table


def _kept(part: pd.DataFrame, key: pd.Series, table: str, before: list[pd.DataFrame]) -> pd.DataFrame:
    """The columns that go on; `result` numbers, over all tables, what is used together or not at all."""
    start = max((int(other["result"].max()) + 1 for other in before if len(other)), default=0)
    result = key.to_numpy(dtype=np.int64) + start
    return part.assign(result=result, table=table).reindex(columns=list(KEPT))
