"""The methods of an analysis in sentences, so that every result names what made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.evidence.methods import selection_sentences

TAU2 = {
    "FE": "common effect (no between-trial variance)",
    "DL": "DerSimonian–Laird",
    "HE": "Hedges",
    "HS": "Hunter–Schmidt",
    "SJ": "Sidik–Jonkman (two-step)",
    "ML": "maximum likelihood",
    "REML": "restricted maximum likelihood (REML)",
    "EB": "empirical Bayes",
    "PM": "Paule–Mandel",
}
INTERVAL = {
    "wald": "Wald interval with normal quantiles",
    "hksj": "Hartung–Knapp–Sidik–Jonkman interval with t quantiles on k − 1 degrees of freedom",
    "hksj_adhoc": "Hartung–Knapp–Sidik–Jonkman interval with t quantiles on k − 1 degrees of freedom, its"
    " variance factor never below 1",
}
EFFECT = {
    "MD": "Mean difference, experimental minus control, variances not pooled",
    "SMD": "Standardised mean difference (Hedges' g, exact correction), experimental minus control",
    "ROM": "Ratio of means, experimental over control, pooled as its logarithm",
    "RR": "Risk ratio, experimental over control, pooled as its logarithm",
    "OR": "Odds ratio, experimental over control, pooled as its logarithm",
    "RD": "Risk difference, experimental minus control",
}
SMD_VARIANCE = {"LS": "large-sample variance", "UB": "unbiased variance"}
MULTI_ARM = {
    "combine": "Arms of one trial on the same side are combined into one",
    "split": "A control arm that serves several comparisons is split between them",
    "covariance": "Effects of one trial that share a control are modelled together (three levels, robust"
    " CR2 standard errors), with the mean correlation that sharing implies",
    "first": "Of several arms of one trial on the same side the first by the stated order is used",
}
SEVERAL = {
    "prefer": "One effect a trial, chosen by the stated order of instruments, items and times",
    "multilevel": "All effects of a trial, in a three-level model with cluster-robust (CR2) standard errors",
}


def method_sentences(spec: Mapping[str, Any]) -> list[str]:
    """Sentences that name the effect measure, the model and the choices made for one analysis.

    >>> spec = {"measure": "RR", "tau2_method": "REML", "interval": "hksj_adhoc", "level": 0.95,
    ...         "scale": None, "multi_arm": "combine", "several_effects": "prefer", "smd_variance": "LS",
    ...         "outcomes": ["improved"], "items": [], "timepoint": "end_of_treatment", "better": "higher"}
    >>> method_sentences(spec)[0]
    'Risk ratio, experimental over control, pooled as its logarithm.'
    """
    effect = EFFECT[spec["measure"]]
    if spec["measure"] == "SMD":
        effect += f", {SMD_VARIANCE[spec['smd_variance']]}"
    if spec["scale"]:
        effect += f", every instrument rescaled to {spec['scale'].replace('-', '–')}"
    model = "Common-effect model" if spec["tau2_method"] == "FE" else "Random-effects model"
    return [
        f"{effect}.",
        f"{model}, between-trial variance by {TAU2[spec['tau2_method']]}; {INTERVAL[spec['interval']]};"
        f" {100 * spec['level']:g}% intervals.",
        "Prediction interval with t quantiles on k − 1 degrees of freedom and the same standard error"
        " (normal quantiles with Wald intervals); I² = τ²/(τ² + typical variance);"
        " interval of τ² by the Q-profile method.",
        f"{MULTI_ARM[spec['multi_arm']]}. {SEVERAL[spec['several_effects']]}.",
        *selection_sentences(spec),
    ]
