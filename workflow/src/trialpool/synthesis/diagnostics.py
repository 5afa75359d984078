"""Pooled effects in, what else they say out: influence, small-study effects, three levels, Bayes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from trialpool.measures import MEASURES
from trialpool.records import (
    Cumulative,
    Effect,
    Influence,
    Multilevel,
    Posterior,
    Shrunk,
    SmallStudy,
    SmallStudyMethod,
    columns_of,
    sketch,
)
from trialpool.synthesis.choices import DEPENDENT
from trialpool.synthesis.pool import (
    BOUNDS,
    NATURAL,
    RHO,
    Spec,
    arrays,
    back_transform,
    finite,
    model_of,
    natural_numbers,
    trials_of,
)
from trialpool.text import count

FEWEST_FOR_INFLUENCE = 3
# Scales in standard deviations or log units: half-normal 0.5 as Röver et al. 2021 advise for such effects;
# the half-Cauchy has heavier tails; the uniform prior lets the data speak, up to a τ that no review has seen.
PRIORS = (("half_normal", 0.5), ("half_cauchy", 0.3), ("uniform", 2.0))


def influence_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[Influence, ...]:
    """The measures of Viechtbauer & Cheung 2010 for each trial; none below three trials.

    `influential` marks a trial that any of metafor's usual limits marks.
    """
    if len(effects) < FEWEST_FOR_INFLUENCE:
        return ()
    from trialpool.stats import influence

    fit = influence(*arrays(effects), tau2_method=spec["tau2_method"], interval=spec["interval"])
    names = [name for name in columns_of(Influence) if hasattr(fit, name) and name != "influential"]
    return tuple(
        Influence(
            analysis=spec["analysis"],
            study_id=row.study_id,
            label=row.label,
            **{name: finite(getattr(fit, name)[at]) for name in names},
            influential=bool(fit.influential[at]),
        )
        for at, row in enumerate(effects)
    )


def cumulative_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[Cumulative, ...]:
    """The pooled estimate after each trial in the order given (that of the years), natural scale."""
    if len(effects) < 2:
        return ()
    from trialpool.stats import cumulative

    fit = cumulative(*arrays(effects), **model_of(spec))
    return tuple(
        Cumulative(
            study_id=row.study_id,
            label=row.label,
            year=row.year,
            **natural_numbers(spec["measure"], fit, BOUNDS, at),
        )
        for at, row in enumerate(effects)
    )


def small_study(spec: Spec, effects: Sequence[Effect]) -> SmallStudy:
    """Funnel asymmetry: the tests and adjustments that k allows, or the sentence that says why not.

    Below `robustness.test_k` trials nothing is tested: with few trials a test finds nothing whether or not
    small trials differ (Cochrane Handbook 13.3.5.4). Estimates are on the natural scale.
    """
    wanted, trials = spec["robustness"]["test_k"], count(len(effects), "trial") if effects else "0 trials"
    if len(effects) < wanted:
        few = f"{trials}: too few to test whether small trials differ (at least {wanted} needed)."
        return SmallStudy(sentence=few, methods={})
    from trialpool.stats import begg, egger, pet_peese, selection_model, trim_and_fill

    data, level, tau2_method = arrays(effects), spec["level"], spec["tau2_method"]
    side = "less" if spec["better"] == "lower" else "greater"
    fits = {
        "Egger": egger(*data, level=level, **_predictor(spec, effects)),
        "Begg": begg(*data),
        "trim and fill (L0)": trim_and_fill(*data, **model_of(spec)),
        "PET-PEESE": pet_peese(*data, tau2_method=tau2_method, level=level),
        "selection model (3PSM)": selection_model(*data, alternative=side, level=level),
    }
    methods = {name: _small_study_method(spec, fit) for name, fit in fits.items()}
    p_value = methods["Egger"].p_value
    if p_value is None:
        return SmallStudy(sentence="", methods=methods)
    word = "an asymmetric funnel" if p_value < 0.1 else "no clear asymmetry of the funnel"
    return SmallStudy(sentence=f"{trials}: {word} (Egger's test, p = {p_value:.2g}).", methods=methods)


def _predictor(spec: Spec, effects: Sequence[Effect]) -> dict[str, Any]:
    """Egger's predictor: the size of all trials where the standard error depends on the effect (SMD)."""
    sizes = [[row.n_experimental for row in effects], [row.n_control for row in effects]]
    if spec["measure"] == "SMD" and all(side for column in sizes for side in column):
        return {"predictor": "sample_size", "n1": np.array(sizes[0], float), "n2": np.array(sizes[1], float)}
    return {"predictor": "se"}


def _small_study_method(spec: Spec, fit: Any) -> SmallStudyMethod:
    values: dict[str, Any] = {}
    for name in {each.name for each in fields(fit)} & set(columns_of(SmallStudyMethod)):
        value = getattr(fit, name)
        if value is None or isinstance(value, str):
            values[name] = value or None
        else:
            number = finite(np.atleast_1d(np.asarray(value, dtype=float))[-1])
            values[name] = back_transform(spec["measure"], number) if name in BOUNDS else number
    return sketch(SmallStudyMethod, **values)


def multilevel_model(spec: Spec, effects: Sequence[Effect], pooled: Sequence[Effect]) -> Multilevel | None:
    """The three-level model of all effects of all trials, where trials give more effects than one.

    `effects` are the rows of the effects table, `pooled` those of the main result. Sampling errors within a
    trial correlate by 0.6; cluster-robust (CR2) interval with Satterthwaite df. None where every trial gives
    one effect, or fewer than two trials are there.
    """
    modelled = spec["several_effects"] == "multilevel"
    rows = list(pooled) if modelled else [row for row in effects if row.variant == (DEPENDENT,)]
    trials = trials_of(rows)
    if len(trials) < 2 or len(rows) == len(trials):
        return None
    from trialpool.stats import multilevel

    ids = np.array([row.study_id for row in rows])
    fit = multilevel(*arrays(rows), ids, rho=RHO, level=spec["level"])
    return Multilevel(
        effects=len(rows),
        trials=len(trials),
        rho=RHO,
        **natural_numbers(spec["measure"], fit, (*BOUNDS, "robust_ci_low", "robust_ci_high")),
        sigma2_between=float(fit.sigma2_between),
        sigma2_within=float(fit.sigma2_within),
        robust_df=float(fit.robust_df),
        robust_p_value=float(fit.robust_p_value),
        caution=str(fit.caution),
    )


def posteriors(spec: Spec, effects: Sequence[Effect]) -> tuple[Posterior, ...]:
    """One entry a prior of τ: posterior of the mean (flat prior), of τ, of a new trial; shrunken trials.

    Probabilities are of benefit (`p_benefit`) and of benefit beyond the MCID (`p_beyond_mcid`), for the mean
    and for a new trial (`..._new`). For mean differences the scale of the prior is multiplied by the typical
    standard deviation of the outcome, sqrt(median(v / (1/n1 + 1/n2))), given as `unit`.
    """
    unit = typical_sd(effects) if spec["measure"] == "MD" else 1.0
    if len(effects) < 2 or not unit:
        return ()
    from trialpool.stats import bayes_pool

    found = []
    for name, scale in PRIORS:
        fit = bayes_pool(*arrays(effects), tau_prior=(name, scale * unit), level=spec["level"])
        found.append(_posterior(spec, fit, effects, {"prior": name, "scale": scale * unit, "unit": unit}))
    return tuple(found)


def typical_sd(effects: Sequence[Effect]) -> float | None:
    """The standard deviation that the variances of mean differences imply, their median over trials.

    >>> typical_sd([sketch(Effect, variance=0.5, n_experimental=16, n_control=16)])
    2.0
    """
    implied = [
        row.variance / (1 / row.n_experimental + 1 / row.n_control)
        for row in effects
        if row.n_experimental and row.n_control
    ]
    return float(np.sqrt(np.median(implied))) if implied else None


def _posterior(spec: Spec, fit: Any, effects: Sequence[Effect], prior: Mapping[str, Any]) -> Posterior:
    measure = spec["measure"]
    shrunk = zip(effects, fit.shrunk_mean, fit.shrunk_low, fit.shrunk_high, strict=True)
    return Posterior(
        **prior,
        **natural_numbers(measure, fit, (*NATURAL, "predictive_median")),
        tau_median=float(fit.tau_median),
        tau_low=float(fit.tau_low),
        tau_high=float(fit.tau_high),
        **_probabilities(spec, fit),
        shrunk=tuple(
            Shrunk(
                study_id=row.study_id,
                label=row.label,
                **{
                    name: MEASURES[measure].natural(float(value))
                    for name, value in zip(BOUNDS, (mean, low, high), strict=True)
                },
            )
            for row, mean, low, high in shrunk
        ),
    )


def _probabilities(spec: Spec, fit: Any) -> dict[str, Any]:
    from trialpool.stats import posterior_below, predictive_below

    lower, mcid = spec["better"] == "lower", (spec["mcid"] or {}).get("value")
    thresholds = {"p_benefit": 0.0, "p_beyond_mcid": None}
    if mcid and not MEASURES[spec["measure"]].ratio:
        thresholds["p_beyond_mcid"] = -mcid if lower else mcid
    found: dict[str, Any] = {}
    for name, threshold in thresholds.items():
        for suffix, below in (("", posterior_below), ("_new", predictive_below)):
            chance = None if threshold is None else float(below(fit, threshold))
            found[name + suffix] = chance if chance is None or lower else 1 - chance
    return found
