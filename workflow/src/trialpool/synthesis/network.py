"""Networks of treatments: the trials of several analyses, compared directly and through each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.network_arms import Contrast, components, contrasts_of
from trialpool.synthesis.pooled import natural

Row = Mapping[str, Any]
SMALLEST = 3
LEAGUE_COLUMNS = (
    *("network", "experimental", "control", "trials", "estimate", "ci_low", "ci_high", "p_value"),
    *("pi_low", "pi_high"),
)
RANKING_COLUMNS = ("network", "treatment", "trials", "p_score", "mean_rank", "sd_rank")


def network_record(name: str, rules: Row, records: Sequence[Row]) -> dict[str, Any]:
    """Everything known of one network: treatments, comparisons, fit, league, ranking, inconsistency.

    `records` are those of its analyses, in the order listed. The largest connected part with at least three
    treatments is fitted (REML, common heterogeneity, multi-arm correlation); `sentence` says what is not.
    """
    first = records[0]
    contrasts = contrasts_of(records, rules["nodes"])
    parts = components(contrasts)
    told = {
        "network": name,
        "title": rules["title"],
        **{key: first.get(key) for key in ("measure", "scale", "unit", "better", "direction")},
        "analyses": [record["analysis"] for record in records],
        "trials": len({contrast.study for contrast in contrasts}),
        "outcomes": sorted({contrast.outcome for contrast in contrasts}),
        "parts": parts,
        "edges": _edges(contrasts),
        "studies": _studies(contrasts),
    }
    whole = parts[0] if parts and len(parts[0]) >= SMALLEST else []
    told["sentence"] = _sentence(parts, whole)
    if not whole:
        return told | {"fit": None, "league": [], "ranking": [], "inconsistency": None, "splits": []}
    inside = [contrast for contrast in contrasts if contrast.experimental in whole]
    return told | _fitted(name, rules, first, inside, whole)


def _edges(contrasts: Sequence[Contrast]) -> list[dict[str, Any]]:
    """Directly compared pairs with their number of trials; a trial of three arms counts at all its pairs."""
    arms: dict[str, set[str]] = {}
    for contrast in contrasts:
        arms.setdefault(contrast.study, set()).update((contrast.experimental, contrast.control))
    counts: dict[tuple[str, str], int] = {}
    for treatments in arms.values():
        ordered = sorted(treatments)
        for at, one in enumerate(ordered):
            for other in ordered[at + 1 :]:
                counts[one, other] = counts.get((one, other), 0) + 1
    return [{"treatments": list(pair), "trials": trials} for pair, trials in sorted(counts.items())]


def _studies(contrasts: Sequence[Contrast]) -> list[dict[str, Any]]:
    keys = ("study", "label", "experimental", "control", "outcome", "effect", "variance", "analysis")
    return [{key: getattr(contrast, key) for key in keys} for contrast in contrasts]


def _sentence(parts: Sequence[Sequence[str]], whole: Sequence[str]) -> str:
    if not parts:
        return "No trial compares two of the treatments."
    if not whole:
        return "No three treatments are connected: nothing can be compared through another treatment."
    rest = [", ".join(part) for part in parts[1:]]
    said = f"{len(whole)} treatments are connected."
    return f"{said} Not connected to them, hence not compared: {'; '.join(rest)}." if rest else said


def _fitted(
    name: str, rules: Row, first: Row, contrasts: Sequence[Contrast], whole: Sequence[str]
) -> dict[str, Any]:
    from trialpool.stats import network_inconsistency, network_meta_analysis, node_split, rank_treatments

    data = (
        [contrast.effect for contrast in contrasts],
        covariance(contrasts),
        [contrast.experimental for contrast in contrasts],
        [contrast.control for contrast in contrasts],
        [contrast.study for contrast in contrasts],
    )
    reference = rules["reference"] if rules["reference"] in whole else sorted(whole)[0]
    fit = network_meta_analysis(*data, reference=reference, level=first["methods"]["level"])
    ranking, test, splits = rank_treatments(fit, better=first["better"]), None, None
    test, splits = network_inconsistency(*data), node_split(*data)
    names = ("tau2", "tau2_method", "q", "q_df", "q_p_value", "i2", "contrasts", "studies")
    tested = ("q", "df", "p_value", "designs", "refused", "caution")
    return {
        "fit": {"reference": reference, **{key: getattr(fit, key) for key in names}}
        | ({} if fit.q_df else dict.fromkeys(("q", "q_p_value", "i2"))),  # nothing is left to differ
        "league": _league(name, str(first["measure"]), fit),
        "ranking": _ranking(name, fit, ranking),
        "inconsistency": {key: getattr(test, key) for key in tested},
        "splits": [
            {
                "experimental": splits.experimental[at],
                "control": splits.control[at],
                **{
                    key: natural(str(first["measure"]), float(getattr(splits, key)[at]))
                    for key in ("direct", "indirect")
                },
                "p_value": float(splits.p_value[at]),
            }
            for at in range(len(splits.experimental))
        ],
    }


def covariance(contrasts: Sequence[Contrast]) -> np.ndarray:
    """Sampling covariances (n, n): contrasts of one trial share the variance of its common arm."""
    v = np.diag([contrast.variance for contrast in contrasts])
    for one in range(len(contrasts)):
        for other in range(one):
            if contrasts[one].study == contrasts[other].study:
                v[one, other] = v[other, one] = contrasts[one].shared
    return np.asarray(v)


def _league(name: str, measure: str, fit: Any) -> list[dict[str, Any]]:
    count, rows = len(fit.treatments), []
    fields = {"estimate": "effects", "ci_low": "ci_low", "ci_high": "ci_high"}
    fields |= {"pi_low": "pi_low", "pi_high": "pi_high"}
    for one in range(count):
        for other in range(count):
            if one == other:
                continue
            told = {
                key: natural(measure, float(getattr(fit, field)[one, other])) for key, field in fields.items()
            }
            rows.append(
                {
                    "network": name,
                    "experimental": fit.treatments[one],
                    "control": fit.treatments[other],
                    "trials": int(fit.directly[one, other]),
                    "p_value": float(fit.p_value[one, other]),
                    **told,
                }
            )
    return rows


def _ranking(name: str, fit: Any, ranking: Any) -> list[dict[str, Any]]:
    rows = [
        {
            "network": name,
            "treatment": treatment,
            "trials": int(fit.directly[at].sum()),
            "p_score": float(ranking.p_scores[at]),
            "mean_rank": float(ranking.mean_rank[at]),
            "sd_rank": float(ranking.sd_rank[at]) if math.isfinite(ranking.sd_rank[at]) else None,
        }
        for at, treatment in enumerate(ranking.treatments)
    ]
    return sorted(rows, key=lambda row: (row["mean_rank"], row["treatment"]))
