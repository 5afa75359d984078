"""Effects in, pooled numbers out: of one trial, of independent trials, of effects within trials, of a subset.

`spec` is everywhere a resolved analysis of `protocol`. Pooled estimates and bounds are on the natural scale
(risk ratio, not its logarithm), `se` and `tau2` on the analysis scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trialpool import records
from trialpool.measures import MEASURES, OF_EVENTS, sides_of
from trialpool.priors import literature_of
from trialpool.records import Effect, Pooled, Record, Status, Study, columns_of, sketch, taken
from trialpool.synthesis import counts

if TYPE_CHECKING:
    from trialpool.stats import BayesPool, SharedControl
    from trialpool.stats._tau_priors import TauPrior

Spec = Mapping[str, Any]
Floats = NDArray[np.float64]
RHO = 0.6  # within-trial correlation of sampling errors in the three-level model, metapsy's default
THREE_LEVELS = {"tau2_method": "REML", "interval": "cr2"}
# From so many trials on `interval: auto` is Hartung-Knapp-Sidik-Jonkman with the floor: of two trials with
# τ² = 0 it is 6.5 times the Wald interval (Bender et al. 2018, Res Synth Methods 9: 382, on two to four).
MANY, FLOORED, BAYES = 5, "hksj_adhoc", "bayes"
BOUNDS = ("estimate", "ci_low", "ci_high")
INFERENCE = ("se", "statistic", "df", "p_value", "ci_low", "ci_high")
# Priors of τ, their scales as multiples of the half-normal's: the half-Cauchy has heavier tails, the uniform
# one (0 to 2 for ratios and standardised differences) lets the data speak, up to a τ that no review has seen.
PRIORS = {"half_normal": 1.0, "half_cauchy": 0.6, "uniform": 4.0}
WEAK = "half_normal"
# What stands beside the headline, by the names of a record.
BESIDE = {
    "random": ("random_estimate", "hksj_low", "hksj_high"),
    "common": ("common_estimate", "common_low", "common_high"),
    "bayes": ("bayes_estimate", "bayes_low", "bayes_high"),
}
PREDICTED = ("pi_low", "pi_high")
# Fields that ratios have as ratios in records, and as logarithms in the fits of `stats`.
NATURAL = {*BOUNDS, *PREDICTED, "robust_ci_low", "robust_ci_high", "predictive_median"}
NATURAL |= {"direct", "indirect", *(name for names in BESIDE.values() for name in names)}


def model_of(spec: Spec) -> Mapping[str, Any]:
    """The options of `stats.pool` that an analysis sets; in place of a Bayesian interval the floored one."""
    interval = FLOORED if spec["interval"] in (BAYES, "auto") else spec["interval"]
    return {"tau2_method": spec["tau2_method"], "interval": interval, "level": spec["level"]}


def trials_of(effects: Sequence[Effect]) -> list[str]:
    """The trials of some effects, each once, in their order."""
    return list(dict.fromkeys(effect.study_id for effect in effects))


def status_of(spec: Spec, effects: Sequence[Effect]) -> Status:
    """What becomes of some effects: nothing, one trial as it stands, a pooled result, groups without one."""
    count = len(trials_of(effects))
    undefined = count > 1 and counts.of_counts(spec) and counts.pooled(spec, effects) is None
    several = Status.POOLED if spec.get("total", True) and not undefined else Status.NOT_POOLED
    return Status.NO_DATA if not count else Status.SINGLE_STUDY if count == 1 else several


def without_estimate(record: Record) -> bool:
    """Whether trials are not pooled as the method of their counts has no estimate from any.

    Those of other analyses that are not pooled are too unlike.

    >>> without_estimate(sketch(Record, status="not_pooled", methods={"method": "glmm"}))
    True
    """
    counted = (record.methods.method or counts.IV) != counts.IV
    return record.status is Status.NOT_POOLED and counted and not record.subgroups


def modelled(spec: Spec, effects: Sequence[Effect]) -> Spec:
    """The analysis with the model that its effects get: three levels where they depend and it models that.

    Else `auto` becomes what the number of trials asks for: from five on Hartung-Knapp-Sidik-Jonkman with the
    floor, below a Bayesian interval; where no prior of τ can be given (`unscaled`) the former as well.

    >>> spec = {"interval": "hksj", "several_effects": "prefer", "multi_arm": "covariance"}
    >>> modelled(spec, [sketch(Effect, study_id="A"), sketch(Effect, study_id="A")])["interval"]
    'cr2'
    """
    trials = len(trials_of(effects))
    models = spec["several_effects"] == "multilevel" or spec["multi_arm"] == "covariance"
    if trials < len(effects) and models:
        return {**spec, **THREE_LEVELS}
    interval = policy(spec["interval"], trials)
    known = interval != BAYES or prior_scale(spec, effects) is not None
    return {**spec, "interval": interval if known else FLOORED, "unscaled": not known}


def policy(interval: str, trials: int) -> str:
    """The interval that a number of independent trials gets: `auto` is what that number asks for.

    >>> policy("auto", 4), policy("auto", 5), policy("wald", 4)
    ('bayes', 'hksj_adhoc', 'wald')
    """
    if interval != "auto":
        return interval
    return BAYES if 1 < trials < MANY else FLOORED


def prior_scale(spec: Spec, effects: Sequence[Effect]) -> float | None:
    """The scale of the half-normal prior of τ, on the analysis scale; None where none can be given.

    A scale in standard deviations is multiplied by the typical one of the trials.
    """
    prior = spec["prior"]
    unit = typical_sd(effects) if prior and prior.get("unit") == "sd" else 1.0
    return float(prior["scale"]) * unit if prior and unit else None


def own_prior(spec: Spec) -> str:
    """The name of the prior of τ that an analysis has: half-normal, or one of the literature.

    >>> own_prior({"prior": {"scale": 0.5, "name": "log_t", "location": -3.44, "spread": 2.59}})
    'log_t'
    """
    return literature[0] if (literature := literature_of(spec["prior"])) else WEAK


def priors_of(spec: Spec) -> list[str]:
    """The names of the priors of τ under which an analysis is seen, its own first."""
    return list(dict.fromkeys([own_prior(spec), *PRIORS]))


def typical_sd(effects: Sequence[Effect]) -> float | None:
    """The median over trials of the pooled SD of both arms, or of the one that is described.

    Of a trial that prints a difference only, the SD that its standard error implies: SE / √(1/n₁ + 1/n₂).
    """
    known = []
    for row in effects:
        n1, n2 = row.n_experimental, row.n_control
        if n1 and n2 and row.sd_experimental and row.sd_control and n1 + n2 > 2:
            squares = (n1 - 1) * row.sd_experimental**2 + (n2 - 1) * row.sd_control**2
            known.append(math.sqrt(squares / (n1 + n2 - 2)))
        elif row.sd_experimental and len(sides_of(row.measure)) == 1:
            known.append(row.sd_experimental)
        elif n1 and n2:
            known.append(math.sqrt(row.variance / (1 / n1 + 1 / n2)))
    return float(np.median(known)) if known else None


def sizes_of(spec: Spec, effects: Sequence[Effect]) -> Mapping[str, Any]:
    """The fields of a record that count its effects: status, trials, people of both sides."""
    return {
        "status": status_of(spec, effects),
        "k": len(trials_of(effects)),
        "n_experimental": people(effects, "experimental", spec["multi_arm"] == "split"),
        "n_control": people(effects, "control", spec["multi_arm"] == "split"),
    }


def people(effects: Sequence[Effect], side: str, split: bool = False) -> int | None:
    """People on one side: an arm with several effects counts once, with its largest number.

    Where comparisons `split` it, the arm is the sum of its shares. None where no effect says how many there
    were.

    >>> people([sketch(Effect, study_id="A", n_control=20), sketch(Effect, study_id="B")], "control")
    20
    """
    shares: dict[tuple[str, str], dict[Any, float]] = {}
    for effect in effects:
        count = getattr(effect, f"n_{side}")
        if count is not None:
            outcomes = shares.setdefault((effect.study_id, getattr(effect, f"arm_{side}")), {})
            outcome = (effect.instrument, effect.item, effect.weeks)
            before = outcomes.get(outcome, 0.0)
            outcomes[outcome] = before + count if split else max(before, count)
    return round(sum(max(outcomes.values()) for outcomes in shares.values())) if shares else None


def arrays(effects: Sequence[Effect]) -> tuple[Floats, Floats]:
    """Effects and variances of some rows, each of shape (k,)."""
    return np.array([row.effect for row in effects]), np.array([row.variance for row in effects])


def finite(value: Any) -> float | None:
    """A number of `stats` for a record: None where there is none."""
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None


def numbers_of(kind: type, measure: str, fit: Any, at: Any = -1) -> dict[str, Any]:
    """The fields of a record that a fit of `stats` has by the same names, at one index of its arrays.

    Those of NATURAL come on the natural scale; numbers that are none, and empty words, as None.

    >>> from trialpool.stats import pool
    >>> fit = pool([0.5], [0.1], tau2_method="FE", interval="wald")
    >>> numbers_of(Pooled, "MD", fit)["estimate"], numbers_of(Pooled, "MD", fit)["df"]
    (0.5, None)
    """
    natural, found = MEASURES[measure].natural, {}
    for name in columns_of(kind):
        if hasattr(fit, name):
            value = np.atleast_1d(getattr(fit, name))[at]
            if isinstance(value, np.str_ | np.bool_):
                found[name] = None if value == "" else value.item()
            elif (number := finite(value)) is not None and name in NATURAL:
                found[name] = natural(number)
            else:
                found[name] = number
    if kind in (Pooled, records.Sensitivity) and not MEASURES[measure].has_null:
        found |= dict.fromkeys({"statistic", "p_value"} & found.keys())  # of no effect, which there is not
    return found


def pool_effects(
    spec: Spec, effects: Sequence[Effect], *, beside: bool = True
) -> tuple[Pooled | None, list[float | None]]:
    """The pooled result and each effect's weight in per cent.

    Without what stands `beside` it, the interval of τ² and the other models, independent effects take a third
    of the time.

    Of a single trial its first effect stands as it is. Where trials give several effects, and the analysis
    models them (`several_effects: multilevel`, `multi_arm: covariance`), the three-level model is used, with
    its robust interval. The model is that of `modelled`.
    """
    status = status_of(spec, effects)
    if status in (Status.NO_DATA, Status.NOT_POOLED):
        return None, [None] * len(effects)
    if status is Status.SINGLE_STUDY:
        return _one_effect(spec, effects[0]), [100.0, *[None] * (len(effects) - 1)]
    model = modelled(spec, effects)
    nested = model["interval"] == THREE_LEVELS["interval"]
    if counts.of_counts(spec) and not nested:
        return _of_counts(spec, effects)
    pooled, weights = _nested(model, effects) if nested else _independent(model, effects, beside)
    return pooled, [float(weight) for weight in weights]


def _of_counts(spec: Spec, effects: Sequence[Effect]) -> tuple[Pooled | None, list[float | None]]:
    """Trials as the counts that they are; nothing stands beside, and what the method has not is None."""
    found = counts.pooled(spec, effects)
    if found is None:
        return None, [None] * len(effects)
    return _pooled(spec, "wald", len(effects), found.values), list(found.weights)


def _pooled(spec: Spec, interval: str, trials: int, values: Mapping[str, Any]) -> Pooled:
    """A record's numbers; those of a new trial only from `prediction_from` trials on."""
    numbers = numbers_of(Pooled, spec["measure"], SimpleNamespace(**values)) | {"interval": interval}
    few = trials < spec["prediction_from"]
    return sketch(Pooled, {**numbers, **dict.fromkeys(PREDICTED)} if few else numbers)


def _one_effect(spec: Spec, effect: Effect) -> Pooled:
    from trialpool.stats import pool

    fit = pool(*arrays([effect]), tau2_method="FE", interval="wald", level=spec["level"])
    values = {name: getattr(fit, name) for name in ("estimate", *INFERENCE)}
    # as the trial prints it: the interval that its standard error gives back is by other quantiles
    printed = {"ci_low": effect.printed_low, "ci_high": effect.printed_high}
    if None not in printed.values():
        scaled = MEASURES[spec["measure"]].scaled
        values |= {name: scaled(value) for name, value in printed.items() if value is not None}
    return _pooled(spec, "wald", 1, values)


def _independent(spec: Spec, effects: Sequence[Effect], beside: bool) -> tuple[Pooled, Floats]:
    """Independent trials: the headline by the interval of the analysis, perhaps beside it the other two."""
    data, scale, bayesian = arrays(effects), prior_scale(spec, effects), spec["interval"] == BAYES
    fit = fitted(*data, **model_of(spec))
    bayes = posterior(spec, effects, scale) if scale and (beside or bayesian) else None
    values = {name: getattr(fit, name) for name in columns_of(Pooled) if hasattr(fit, name)}
    values |= _beside(spec, data, bayes) if beside else {}
    if bayesian:
        headline = {name: getattr(bayes, name) for name in (*BOUNDS, *PREDICTED)}
        values |= dict.fromkeys(INFERENCE) | headline
    elif spec["prediction_df"] != "k-1" and spec["tau2_method"] != "FE":
        values |= _new_trial(spec, data, fit)
    values |= {"prior_scale": scale if own_prior(spec) == WEAK else None}
    pooled = _pooled(spec, spec["interval"], len(effects), values)
    return pooled, np.asarray(fit.weights)


def _beside(
    spec: Spec, data: tuple[Floats, Floats], bayes: BayesPool | None
) -> Mapping[str, float | bool | None]:
    """The interval of τ², and the estimates of the other models."""
    from trialpool.stats import tau2_interval

    level, bounds = spec["level"], tau2_interval(*data, level=spec["level"])
    random = "REML" if spec["tau2_method"] == "FE" else spec["tau2_method"]
    fits = {
        "random": fitted(*data, random, FLOORED, level),
        "common": fitted(*data, "FE", "wald", level),
        "bayes": bayes,
    }
    found: dict[str, float | bool | None] = {"tau2_empty": bool(bounds.empty)}
    found |= {"tau2_low": float(bounds.low), "tau2_high": float(bounds.high)}
    for model, names in BESIDE.items():
        found |= {name: getattr(fits[model], own, None) for name, own in zip(names, BOUNDS, strict=True)}
    return found


def _new_trial(spec: Spec, data: tuple[Floats, Floats], fit: Any) -> Mapping[str, float]:
    """The prediction interval by the name that the analysis gives, none of fewer trials than it needs."""
    from scipy.special import stdtrit

    from trialpool.stats import prediction_interval

    k, kind, level = len(data[0]), spec["prediction_df"], spec["level"]
    if kind == "k-2":  # Higgins, Thompson & Spiegelhalter 2009, with the standard error of the fit
        reach = stdtrit(k - 2, (1 + level) / 2) if k > 2 else math.nan
        half = reach * math.hypot(fit.se, math.sqrt(fit.tau2))
        return {"pi_low": fit.estimate - half, "pi_high": fit.estimate + half}
    if k < 3:
        return dict.fromkeys(PREDICTED, math.nan)
    low, high = prediction_interval(*data, kind, **model_of(spec))
    return {"pi_low": float(low), "pi_high": float(high)}


def fitted(effects: Floats, variances: Floats, tau2_method: str, interval: str, level: float) -> Any:
    """`stats.pool` of some trials, once: headline, row of the sensitivity analysis, specification."""
    return _fitted(tuple(effects.tolist()), tuple(variances.tolist()), tau2_method, interval, level)


@lru_cache(maxsize=512)
def _fitted(
    effects: tuple[float, ...], variances: tuple[float, ...], tau2_method: str, interval: str, level: float
) -> Any:
    from trialpool.stats import pool

    return pool(effects, variances, tau2_method=tau2_method, interval=interval, level=level)


def posterior(spec: Spec, effects: Sequence[Effect], scale: float, prior: str = "") -> BayesPool:
    """The Bayesian model, flat prior of the mean, `prior` of τ; `scale` is that of the half-normal one."""
    numbers = (tuple(column.tolist()) for column in arrays(effects))
    return _bayes(*numbers, tau_prior_of(spec, scale, prior or own_prior(spec)), spec["level"])


def tau_prior_of(spec: Spec, scale: float, prior: str) -> TauPrior:
    """A prior of τ as `stats.bayes_pool` takes it."""
    if prior in PRIORS:
        return prior, scale * PRIORS[prior]
    return literature_of(spec["prior"]) or (prior, scale)


@lru_cache(maxsize=512)
def _bayes(
    effects: tuple[float, ...], variances: tuple[float, ...], prior: TauPrior, level: float
) -> BayesPool:
    """A fit once, as of `fitted`."""
    from trialpool.stats import bayes_pool

    return bayes_pool(effects, variances, tau_prior=prior, level=level)


def _nested(spec: Spec, effects: Sequence[Effect]) -> tuple[Pooled, Floats]:
    """Three levels: τ² shown is between plus within trials, weights are those of the marginal variance.

    A new effect lies as the mean does, by the robust standard error and its t quantile, and τ² further: it
    cannot be surer than the mean (as it is in metafor's model-based predict beside a robust interval).
    """
    from scipy.special import stdtrit

    from trialpool.stats import multilevel

    numbers, variances = arrays(effects)
    trials = np.array([row.study_id for row in effects])
    rho = RHO if spec["several_effects"] == "multilevel" else shared_correlation(spec, effects)
    fit = multilevel(numbers, variances, trials, rho=rho, level=spec["level"])
    tau2 = fit.sigma2_between + fit.sigma2_within
    half = stdtrit(fit.robust_df, (1 + spec["level"]) / 2) * math.sqrt(fit.robust_se**2 + tau2)
    values = {name: getattr(fit, name) for name in ("estimate", "q", "q_df", "q_p_value")}
    values |= {name: getattr(fit, f"robust_{name}") for name in INFERENCE}
    values |= {"tau2": tau2, "i2": fit.i2_between + fit.i2_within}
    values |= {"pi_low": fit.estimate - half, "pi_high": fit.estimate + half}
    weights = 1 / (variances + tau2)
    return _pooled(spec, spec["interval"], len(set(trials)), values), 100 * weights / weights.sum()


def shared_correlation(spec: Spec, effects: Sequence[Effect]) -> float:
    """Mean correlation of sampling errors over all pairs of effects that share a control (0 if none do).

    From the arms' own numbers (Gleser & Olkin 2009); pairs known only as published contrasts count as 1/2,
    the correlation of two equally large arms against a control of their size.

    >>> row = sketch(Effect, study_id="A", arm_control="c", mean_experimental=1.0, sd_experimental=2.0,
    ...              n_experimental=20, mean_control=0.0, sd_control=2.0, n_control=20)
    >>> shared_correlation({"measure": "MD", "zero_cells": 0.5}, [row, replace(row, mean_experimental=2.0)])
    0.5
    """
    groups: dict[tuple[str, str], list[Effect]] = {}
    for row in effects:
        groups.setdefault((row.study_id, row.arm_control), []).append(row)
    found = [pair_correlations(spec, group) for group in groups.values() if len(group) > 1]
    return float(np.concatenate(found).mean()) if found else 0.0


def pair_correlations(spec: Spec, effects: Sequence[Effect]) -> Floats:
    """The correlations of all pairs of effects that share a control, shape (m(m - 1)/2,)."""
    above, measure = np.triu_indices(len(effects), 1), spec["measure"]
    arms = [arm_numbers(measure, row, "experimental") for row in effects]
    controls = [arm_numbers(measure, row, "control") for row in effects]
    if None in (*arms, *controls):
        return np.full(len(above[0]), 0.5)
    result = shared_control(measure, arms, controls[0], spec["zero_cells"])
    spread = np.sqrt(np.diagonal(result.covariance))
    return np.asarray((result.covariance / np.outer(spread, spread))[above])


def arm_numbers(measure: str, effect: Effect, side: str) -> tuple[float, ...] | None:
    """Events and people of an arm, or its mean, SD and people; None where it has none of its own."""
    names = ("events", "n") if measure in OF_EVENTS else ("mean", "sd", "n")
    numbers = tuple(getattr(effect, f"{name}_{side}") for name in names)
    return None if None in numbers else numbers


def shared_control(
    measure: str, arms: Sequence[Any], control: Any, zero_cells: float | str = 0.5
) -> SharedControl:
    """Arms of a trial, as `arm_numbers` has them, against one: effects and covariance (Gleser 2009)."""
    from trialpool.stats import shared_control_events, shared_control_means

    columns = zip(*arms, strict=True)
    if measure in OF_EVENTS:
        return shared_control_events(measure, *columns, *control, zero_cells=zero_cells)
    return shared_control_means(measure, *columns, *control)


def studies_of(spec: Spec, effects: Sequence[Effect], weights: Sequence[float | None]) -> tuple[Study, ...]:
    """Every effect with its weight and its own interval (normal quantiles, as each stands alone)."""
    if not effects:
        return ()
    from scipy.special import ndtri

    reach, natural = float(ndtri(0.5 + spec["level"] / 2)), MEASURES[spec["measure"]].natural

    def study(row: Effect, weight: float | None) -> Study:
        half = reach * math.sqrt(row.variance)
        low, high = row.effect - half, row.effect + half
        shown = {"estimate": row.effect, "estimate_low": low, "estimate_high": high}
        shown = {name: natural(value) for name, value in shown.items()}
        return taken(Study, row, ci_low=low, ci_high=high, weight=weight, **shown)

    return tuple(map(study, effects, weights))


def subgroups_of(
    spec: Spec, studies: Sequence[Study]
) -> tuple[tuple[records.Subgroup, ...], records.SubgroupTest | None]:
    """The pooled effect of every subgroup (own τ², own interval), and their test (see `stats.subgroups`).

    The test needs at least two subgroups of independent effects, and that they are pooled with each other.
    Trials of unknown group stand together under "", and are not tested.
    """
    if not spec["subgroups"] or not studies:
        return (), None
    labels = [records.group_of(row, spec["subgroups"]) for row in studies]
    groups = []
    for name in sorted(set(labels), key=lambda name: (not name, name)):
        rows = [row for row, label in zip(studies, labels, strict=True) if label == name]
        pooled, _ = pool_effects({**spec, "total": True}, rows)
        if pooled:
            groups.append(records.Subgroup(name=name, k=len(trials_of(rows)), pooled=pooled))
    named = [group for group in groups if group.name]
    if len(named) < 2 or len(trials_of(studies)) < len(studies) or not spec.get("total", True):
        return tuple(groups), None
    from trialpool.stats import subgroups

    if counts.of_counts(spec):
        return tuple(groups), _test_between(spec, named)
    known = [row for row, label in zip(studies, labels, strict=True) if label]
    fit = subgroups(*arrays(known), list(filter(None, labels)), **model_of(spec))
    return tuple(groups), taken(records.SubgroupTest, fit)


def _test_between(spec: Spec, groups: Sequence[records.Subgroup]) -> records.SubgroupTest:
    """Subgroups pooled as counts: the heterogeneity of their estimates, as RevMan has it."""
    from trialpool.stats import pool

    scaled, pooled = MEASURES[spec["measure"]].scaled, [group.pooled for group in groups]
    estimates = [scaled(each.estimate or 0.0) for each in pooled]
    fit = pool(estimates, [(each.se or 0.0) ** 2 for each in pooled], tau2_method="FE", interval="wald")
    values = {"statistic": fit.q, "df": fit.q_df, "p_value": fit.q_p_value}
    return records.SubgroupTest(**{name: float(value) for name, value in values.items()}, df2=None)


def restrict_record(record: Record, where: Mapping[str, Sequence[float]]) -> Record:
    """The record of those effects whose numbers lie within all bounds, pooled again by its own methods.

    `where` = {field: [low, high]}. An effect that does not report a number is left out: nothing is assumed of
    it. Robustness and small-study effects are answers of the whole, so the restricted record has none.

    >>> record = sketch(Record, status=Status.NO_DATA, studies=())
    >>> restrict_record(record, {"sessions": [8, 16]}) is record
    True
    """

    def within(study: Study) -> bool:
        numbers = ((getattr(study, name), low, high) for name, (low, high) in where.items())
        return all(number is not None and low <= number <= high for number, low, high in numbers)

    effects = [study for study in record.studies if within(study)]
    if len(effects) == len(record.studies):
        return record
    spec = records.to_json(record.methods) | {"measure": record.measure}
    spec["total"] = record.status is not Status.NOT_POOLED
    pooled, weights = pool_effects(spec, effects)
    return replace(
        record,
        **sizes_of(spec, effects),
        pooled=pooled,
        studies=tuple(replace(row, weight=weight) for row, weight in zip(effects, weights, strict=True)),
        robustness=sketch(records.Robustness),
        small_study=sketch(records.SmallStudy),
    )
