"""Everything that asks whether one analysis' conclusion holds, gathered for its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.bayes import bayes
from trialpool.synthesis.influence import cumulative_rows, influence_rows
from trialpool.synthesis.moderators import moderator_rows
from trialpool.synthesis.multiverse import level_rows, multiverse, multiverse_summary
from trialpool.synthesis.pooled import RHO, arrays, natural
from trialpool.synthesis.robustness import robustness, share_agreeing
from trialpool.synthesis.sensitivity import sensitivity_rows
from trialpool.synthesis.small_study import small_study
from trialpool.synthesis.specifications import DEPENDENT, data_sets

Row = dict[str, Any]


def probe(
    spec: Mapping[str, Any], effects: Sequence[Row], studies: Sequence[Row]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What to add to the record of an analysis, and its multiverse as columns.

    `effects` are the rows of its effects table, `studies` the pooled rows of its record (forest order). Of an
    analysis that pools fewer than two trials only the sentence of its robustness is left.
    """
    trials = len({row["study_id"] for row in studies})
    sets = data_sets(effects) if trials > 1 else data_sets([])
    sensitivity = sensitivity_rows(spec, sets, effects)
    columns = multiverse(spec, sets) if sensitivity else {}
    summary = multiverse_summary(spec, columns) | {"levels": level_rows(spec, columns)} if columns else None
    agreement = share_agreeing(spec, columns, sensitivity[0]["conclusion"]) if columns else 0.0
    one_each = studies if trials > 1 and spec["several_effects"] == "prefer" else []
    return {
        "robustness": robustness(spec, sensitivity, summary, agreement),
        "sensitivity": sensitivity,
        "multiverse": summary,
        "influence": influence_rows(spec, one_each),
        "cumulative": cumulative_rows(spec, one_each),
        "small_study": small_study(spec, one_each),
        "moderators": moderator_rows(spec, studies if trials > 1 else []),
        "multilevel": multilevel_part(spec, effects, studies),
        "bayes": bayes(spec, one_each),
    }, columns


def multilevel_part(
    spec: Mapping[str, Any], effects: Sequence[Row], studies: Sequence[Row]
) -> dict[str, Any] | None:
    """The three-level model of all effects of all trials, where trials give more effects than one.

    Sampling errors within a trial correlate by 0.6; cluster-robust (CR2) interval with Satterthwaite df.
    None where every trial gives one effect, or fewer than two trials are there.
    """
    rows = [row for row in effects if row["variant"] == DEPENDENT]
    if spec["several_effects"] == "multilevel":
        rows = list(studies)
    trials = {row["study_id"] for row in rows}
    if len(trials) < 2 or len(rows) == len(trials):
        return None
    from trialpool.stats import multilevel

    fit = multilevel(
        *arrays(rows),
        np.array([row["study_id"] for row in rows]),
        rho=RHO,
        level=spec["level"],
    )
    told = {
        name: natural(spec["measure"], float(getattr(fit, name)))
        for name in ("estimate", "ci_low", "ci_high", "robust_ci_low", "robust_ci_high")
    }
    numbers = ("sigma2_between", "sigma2_within", "robust_df", "robust_p_value")
    return {
        "effects": len(rows),
        "trials": len(trials),
        "rho": RHO,
        **told,
        **{name: float(getattr(fit, name)) for name in numbers},
        "caution": str(fit.caution),
    }
