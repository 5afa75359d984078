"""What the trials say about probabilities: three priors for the heterogeneity side by side, by quadrature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import arrays, natural
from trialpool.synthesis.specifications import null_value

Row = dict[str, Any]
# Scales in standard deviations or log units: half-normal 0.5 as Röver et al. 2021 advise for such effects;
# the half-Cauchy has heavier tails; the uniform prior lets the data speak, up to a τ that no review has seen.
PRIORS = (("half_normal", 0.5), ("half_cauchy", 0.3), ("uniform", 2.0))


def bayes(spec: Mapping[str, Any], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry a prior: posterior of the mean effect (flat prior), of τ, of a new trial; shrunken trials.

    Probabilities are of benefit (`p_benefit`) and of benefit beyond the MCID (`p_beyond_mcid`), for the mean
    and for a new trial (`..._new`). For mean differences the scale of the prior is multiplied by the typical
    standard deviation of the outcome, sqrt(median(v / (1/n1 + 1/n2))), given as `unit`.
    """
    if len(rows) < 2:
        return []
    from trialpool.stats import bayes_pool

    unit = typical_sd(rows) if spec["measure"] == "MD" else 1.0
    effects, variances = arrays(rows)
    found = []
    for name, scale in PRIORS if unit else ():
        fit = bayes_pool(effects, variances, tau_prior=(name, scale * unit), level=spec["level"])
        found.append({"prior": name, "scale": scale * unit, "unit": unit} | _told(spec, fit, rows))
    return found


def typical_sd(rows: Sequence[Row]) -> float | None:
    """The standard deviation that the variances of mean differences imply, their median over trials.

    >>> typical_sd([{"variance": 0.5, "n_experimental": 16, "n_control": 16}])
    2.0
    """
    implied = [
        row["variance"] / (1 / row["n_experimental"] + 1 / row["n_control"])
        for row in rows
        if row["n_experimental"] and row["n_control"]
    ]
    return float(np.sqrt(np.median(implied))) if implied else None


def _told(spec: Mapping[str, Any], fit: Any, rows: Sequence[Row]) -> dict[str, Any]:
    measure = spec["measure"]
    names = ("estimate", "ci_low", "ci_high", "predictive_median", "pi_low", "pi_high")
    shrunk = zip(rows, fit.shrunk_mean, fit.shrunk_low, fit.shrunk_high, strict=True)
    return {
        **{name: natural(measure, float(getattr(fit, name))) for name in names},
        **{name: float(getattr(fit, name)) for name in ("tau_median", "tau_low", "tau_high")},
        **_probabilities(spec, fit),
        "shrunk": [
            {
                "study_id": row["study_id"],
                "label": row["label"],
                "estimate": natural(measure, float(mean)),
                "ci_low": natural(measure, float(low)),
                "ci_high": natural(measure, float(high)),
            }
            for row, mean, low, high in shrunk
        ],
    }


def _probabilities(spec: Mapping[str, Any], fit: Any) -> dict[str, float | None]:
    from trialpool.stats import posterior_below, predictive_below

    lower, mcid = spec["better"] == "lower", (spec["mcid"] or {}).get("value")
    thresholds = {"p_benefit": 0.0}
    if mcid and null_value(spec["measure"]) == 0.0:
        thresholds["p_beyond_mcid"] = -mcid if lower else mcid
    told: dict[str, float | None] = dict.fromkeys(
        ("p_benefit", "p_benefit_new", "p_beyond_mcid", "p_beyond_mcid_new")
    )
    for name, threshold in thresholds.items():
        for suffix, below in (("", posterior_below), ("_new", predictive_below)):
            probability = float(below(fit, threshold))
            told[name + suffix] = probability if lower else 1 - probability
    return told
