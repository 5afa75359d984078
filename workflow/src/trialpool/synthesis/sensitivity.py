"""Effects in, whether the result hangs on a choice out: sensitivity analysis, multiverse, grade.

`data_sets` are the sets of effects that some choice of data gives. The sensitivity analysis departs from the
main one in one choice at a time; what could not be tried is a row as well, with the reason. The multiverse
has every set under every model (Steegen, Tuerlinckx, Gelman & Vanpaemel 2016; as a specification curve
Simonsohn, Simmons & Nelson 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool import records
from trialpool.measures import LOGS_OF_COUNTS, MEASURES, METHODS, OF_EVENTS, Of, sides_of
from trialpool.records import Choice, Choices, Conclusion, Effect, Grade, Multiverse, Sensitivity, sketch
from trialpool.synthesis import counts, missing, pool
from trialpool.synthesis.pool import BAYES, BOUNDS, THREE_LEVELS, Floats, Spec, numbers_of, trials_of
from trialpool.text import capital, count, format_values
from trialpool.yaml_files import shipped

WORDS = shipped("sentences")
DEFAULT = "default"
INERT = {"sham", "placebo"}
# dependent effects: another model, not another set of independent effects
DEPENDENT = Choice("several_effects", "multilevel")
COVARIANCE = Choice("multi_arm", "covariance")
THREE_LEVEL = {
    DEPENDENT: "all effects of each trial, three-level model",
    COVARIANCE: "multi arm: covariance, three-level model",
}
INERT_CONTROL = "sham or placebo control"
INCLUSIONS: dict[str, Callable[[Effect], bool]] = {
    "all trials": lambda row: True,
    "low risk of bias": lambda row: row.risk_of_bias == "low",
    "not at high risk of bias": lambda row: row.risk_of_bias in ("low", "unclear"),
    "nothing imputed": lambda row: not row.imputed,
    "nothing flagged by the audit": lambda row: not row.audit,
    INERT_CONTROL: lambda row: set(row.categories("control")) <= INERT,
    "read twice": lambda row: row.reading == "double",
    "counts as printed": lambda row: not row.worked_out,
    "everybody randomised was analysed": lambda row: _complete(row),
}
ALL = next(iter(INCLUSIONS))
NOT_HIGH = "not at high risk of bias"  # of trials that are judged; a choice only where some are and some not
WEIGHTED = Choice("weighting", "by risk of bias")
COUNTS = ("events_experimental", "n_experimental", "events_control", "n_control")
OF_SCORES = ("kinds", "r", "source", "borrow_sd")
OF_TWO = ("kinds", "source")  # choices that one group does not leave
OF_POOLED = set(records.columns_of(records.Pooled)) & set(records.columns_of(Sensitivity))
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class DataSet:
    """The effects that one way of choosing data gives.

    `choices`: the level of every dimension of choice, defaults included, such as {"timepoint": "follow_up",
    "inclusion": "all trials"}.
    """

    choices: dict[str, str]
    effects: list[Effect]

    def modelled(self, spec: Spec) -> Spec:
        """The analysis under this set's choices for several effects of one trial, with its model."""
        settings = {COVARIANCE.dimension, DEPENDENT.dimension} & set(self.choices)
        changed = {name: self.choices[name] for name in settings if self.choices[name] != DEFAULT}
        return pool.modelled({**spec, **changed}, self.effects)

    def depend(self, spec: Spec) -> bool:
        """Whether effects depend on each other, so that no model of independent ones takes them."""
        return bool(self.modelled(spec)["interval"] == THREE_LEVELS["interval"])


@dataclass(frozen=True, slots=True)
class Specifications:
    """Every specification of an analysis on the natural scale, sorted by estimate: arrays of shape (S,).

    `choices` holds, for every dimension of choice, the level of each specification: `tau2_method`,
    `interval`, `inclusion`, and the dimensions of data that this analysis has.
    """

    estimate: Floats
    ci_low: Floats
    ci_high: Floats
    k: NDArray[np.int64]
    choices: dict[str, list[str]]

    def columns(self) -> dict[str, list[Any]]:
        """The table of the multiverse, one list a column."""
        numbers = {name: getattr(self, name).tolist() for name in (*BOUNDS, "k")}
        return numbers | self.choices


Tried = tuple[str, str, DataSet]  # kind of choice, the choice, its effects


def data_sets(effects: Sequence[Effect], *, smallest: int = 2) -> list[DataSet]:
    """The distinct sets of at least `smallest` trials that some choice of data and inclusion gives.

    `effects` are the rows of an analysis' effects table, variants included. The first set is that of the main
    result. One that pools the same rows as an earlier one is not another choice and is left out.

    >>> rows = [sketch(Effect, study_id=name, effect=0.1, variance=0.2, selected=True, variant=(),
    ...                category_control="sham", imputed=name == "B", reading="double") for name in "AB"]
    >>> [each.choices for each in data_sets(rows)]
    [{'inclusion': 'all trials'}]
    """
    by_choices: dict[tuple[Choice, ...], list[Effect]] = {}
    for row in effects:
        if (row.variant or row.selected) and row.variant not in ((DEPENDENT,), (COVARIANCE,)):
            by_choices.setdefault(row.variant, []).append(row)
    defaults = {choice.dimension: DEFAULT for taken in by_choices for choice in taken}
    found, seen = [], set()
    for taken, candidates in sorted(by_choices.items(), key=lambda entry: entry[0] != ()):
        levels = {choice.dimension: choice.level for choice in taken}
        for inclusion, keeps in INCLUSIONS.items():
            kept = [row for row in candidates if keeps(row) and _offered(inclusion, candidates)]
            numbers = frozenset((row.study_id, row.effect, row.variance) for row in kept)
            if len(trials_of(kept)) >= smallest and numbers not in seen:
                seen.add(numbers)
                found.append(DataSet(defaults | levels | {"inclusion": inclusion}, kept))
    return found


def with_weights(spec: Spec, sets: Sequence[DataSet]) -> list[DataSet]:
    """The sets, and each once more with its trials weighted down by their risk of bias.

    The variance of an effect is divided by w, 0 < w ≤ 1, the confidence placed in a trial of such risk
    (`risk_of_bias_weights` of the analysis), the design-adjusted synthesis of Efthimiou 2017 (Stat Med
    36:1210) with risk of bias in place of design: as if the trial had the w-th part of its people. Only where
    every trial of a set is judged and they differ; not where effects depend on each other or are pooled as
    counts.
    """
    weights: Mapping[str, float] = spec.get("risk_of_bias_weights") or {}
    dimension, more = WEIGHTED.dimension, []
    for each in sets if weights and not counts.of_counts(spec) else ():
        known = {weights.get(row.risk_of_bias) for row in each.effects}
        if None not in known and len(known) > 1 and not each.depend(spec):
            rows = [replace(row, variance=row.variance / weights[row.risk_of_bias]) for row in each.effects]
            more.append(DataSet(each.choices | {dimension: WEIGHTED.level}, rows))
    return [
        *(replace(each, choices=each.choices | {dimension: DEFAULT}) if more else each for each in sets),
        *more,
    ]


def with_missing(spec: Spec, sets: Sequence[DataSet]) -> list[DataSet]:
    """The sets, and each of independent effects under every assumption on missing outcomes, if any is asked.

    What changes nothing, as no trial of a set has missing people, is no other set.
    """
    levels = missing.levels(spec)
    found = [replace(each, choices={**each.choices, missing.DIMENSION: DEFAULT}) for each in sets]
    if not levels or not sets:
        return list(sets)
    for each in [each for each in found if not each.depend(spec)]:
        for level, assumed in levels.items():
            effects = missing.moved(spec, each.effects, assumed)
            if effects != each.effects:
                found.append(DataSet({**each.choices, missing.DIMENSION: level}, effects))
    return found


def models(spec: Spec, effects: Sequence[Effect]) -> list[tuple[str, str]]:
    """Pairs of τ² method (or prior of τ) and interval that defensible analyses of independent effects use.

    From five trials on eight random-effects methods by three intervals, the common effect, and three priors;
    below, where t on one to three degrees of freedom and estimates of τ² say little, the analysis' own method
    with the floored and the Wald interval in place of the first 24.
    """
    from trialpool.stats import INTERVALS, TAU2_METHODS

    usual = "REML" if counts.of_counts(spec) else spec["tau2_method"]
    own = [(usual, pool.FLOORED), (usual, "wald")]
    if len(trials_of(effects)) >= pool.MANY:
        own = [(method, interval) for method in TAU2_METHODS if method != "FE" for interval in INTERVALS]
    priors = [(prior, BAYES) for prior in pool.priors_of(spec)] if pool.prior_scale(spec, effects) else []
    return list(dict.fromkeys([*own, ("FE", "wald"), *priors]))


def model_words(tau2_method: str, interval: str) -> str:
    """An estimator of the variance between trials (or its prior) and an interval, as readers see both.

    >>> model_words("REML", "hksj_adhoc"), model_words("half_cauchy", "bayes"), model_words("FE", "wald")
    ('REML, Hartung–Knapp with the floor', 'Bayesian, half-Cauchy prior', 'common effect')
    """
    words: Mapping[str, str] = WORDS["models"]
    of = words["FE"] if tau2_method == "FE" else words[interval]
    return of.format(WORDS["multiverse"]["levels"].get(tau2_method, tau2_method))


def sensitivity_rows(
    spec: Spec, sets: Sequence[DataSet], effects: Sequence[Effect] = ()
) -> tuple[Sensitivity, ...]:
    """The main result, other models, sparse-event methods, data, inclusions, trials; then what was not tried.

    `sets` are the analysis' data sets, the main one first; `effects` the rows of its effects table. Estimates
    are on the natural scale (Peto's is an odds ratio whatever the measure). `changes_conclusion` compares
    with the main result: benefit, harm or unclear. What could not be tried has no estimate and a `reason`.
    """
    if not sets:
        return ()
    main, depend, interval = sets[0], sets[0].depend(spec), sets[0].modelled(spec)["interval"]
    used = (pool.own_prior(spec) if interval == BAYES else spec["tau2_method"], interval)
    counted = counts.of_counts(spec)
    others = [pair for pair in models(spec, main.effects) if not depend and (counted or pair != used)]
    by = "inverse variance, " if counted else ""
    tried = [
        *_pooled(spec, [("main", "as configured", main)]),
        *(row for pair in others for row in _pooled(spec, [("model", by + model_words(*pair), main)], pair)),
        *([] if depend else [*_other_prediction(spec, main, interval), *_sparse(spec, main)]),
        *([] if depend else _other_measure(spec, main)),
        *_pooled(spec, list(_other_data(sets))),
        *(replace(row, n=None) for row in _pooled(spec, list(_dependent(effects)))),
        *_leave_one_out(spec, main),
    ]
    found = tried[0].conclusion
    compared = (replace(row, changes_conclusion=row.conclusion not in (None, found)) for row in tried)
    further = [] if depend or counted else missing.tipping_rows(spec, main.effects)
    return (*compared, *further, *_not_tried(spec, sets, effects))


def _tried(spec: Spec, kind: str, choice: str, data: DataSet, numbers: Mapping[str, Any]) -> Sensitivity:
    """What a set of effects gives; people of both sides, a shared arm once, where all say how many."""
    split, measure = data.modelled(spec)["multi_arm"] == "split", MEASURES[spec["measure"]]
    sides = [pool.people(data.effects, side, split) for side in measure.sides]
    known = all(getattr(row, f"n_{side}") is not None for row in data.effects for side in measure.sides)
    bounds, none = (numbers["ci_low"], numbers["ci_high"]), numbers["estimate"] is None
    return Sensitivity(
        kind=kind,
        choice=choice,
        k=len(trials_of(data.effects)),
        n=sum(side or 0 for side in sides) if known else None,
        conclusion=None
        if none or measure.group
        else records.conclusion(*bounds, measure.null, spec["better"]),
        reason=WORDS["undefined"] if none else None,
        **numbers,
    )


def _pooled(spec: Spec, sets: Iterable[Tried], pair: tuple[str, str] | None = None) -> Iterator[Sensitivity]:
    """The results of sets of effects by the analysis' policy, or by a pair of `models`."""
    for kind, choice, data in sets:
        numbers = _by_model(spec, data, pair) if pair else _by_policy(spec, data)
        yield _tried(spec, kind, choice, data, numbers)


def _by_policy(spec: Spec, data: DataSet) -> Mapping[str, Any]:
    pooled, _ = pool.pool_effects(data.modelled(spec), data.effects, beside=False)
    if pooled is None:  # as counts of which the method makes nothing
        return dict.fromkeys(OF_POOLED)
    return {name: getattr(pooled, name) for name in OF_POOLED}


def _by_model(spec: Spec, data: DataSet, pair: tuple[str, str]) -> Mapping[str, Any]:
    """Independent effects under one pair of `models`; a prediction interval from `prediction_from` trials."""
    method, interval = pair
    fit: Any
    if interval == BAYES:
        scale = pool.prior_scale(spec, data.effects) or math.nan
        fit = pool.posterior(spec, data.effects, scale, method)
    else:
        fit = pool.fitted(*pool.arrays(data.effects), method, interval, spec["level"])
    numbers = numbers_of(Sensitivity, spec["measure"], fit)
    few = len(data.effects) < spec["prediction_from"]
    return {**numbers, **dict.fromkeys(pool.PREDICTED)} if few else numbers


def _sparse(spec: Spec, data: DataSet) -> Iterator[Sensitivity]:
    """Methods for sparse events without a correction of zero cells; of counts all that give the measure."""
    from trialpool.stats import mantel_haenszel, peto

    measure, columns = spec["measure"], [[getattr(row, name) for row in data.effects] for name in COUNTS]
    if counts.of_counts(spec):
        for name in (name for name, gives in METHODS.items() if measure in gives and name != spec["method"]):
            yield from _pooled({**spec, "method": name}, [("sparse", WORDS["methods"][name], data)])
        return
    if measure in LOGS_OF_COUNTS:
        yield from _pooled({**spec, "method": "glmm"}, [("sparse", WORDS["methods"]["glmm"], data)])
    if measure not in OF_EVENTS or any(value is None for column in columns for value in column):
        return
    tables = [np.array(column, dtype=float) for column in columns]
    methods: dict[str, Any] = {"Mantel–Haenszel": partial(mantel_haenszel, measure=measure)}
    if measure != "RD":
        methods["Peto" if measure == "OR" else "Peto (odds ratio)"] = peto
    for choice, method in methods.items():
        try:
            numbers = numbers_of(Sensitivity, measure, method(*tables, level=spec["level"]))
        except ValueError as error:  # no event in one arm of any trial
            reason = str(error).partition(": ")[2]
            yield Sensitivity(kind="sparse", choice=choice, reason=reason)
            continue
        shown = {name: numbers[name] for name in (*BOUNDS, "p_value")}
        yield _tried(spec, "sparse", choice, data, shown)


def _other_prediction(spec: Spec, data: DataSet, interval: str) -> Iterator[Sensitivity]:
    """The prediction interval, where there is one, with the other degrees of freedom."""
    df = "k-2" if spec["prediction_df"] == "k-1" else "k-1"
    random = interval != BAYES and spec["tau2_method"] != "FE" and not counts.of_counts(spec)
    if random and len(trials_of(data.effects)) >= spec["prediction_from"]:
        by = "normal quantiles" if (interval, df) == ("wald", "k-1") else f"t on {df.replace('-', ' − ')}"
        yield from _pooled({**spec, "prediction_df": df}, [("model", f"prediction interval with {by}", data)])


def _other_measure(spec: Spec, data: DataSet) -> Iterator[Sensitivity]:
    """Odds ratios in place of risk ratios and the other way round, from the same counts."""
    from trialpool import stats

    other = {"RR": "OR", "OR": "RR"}.get(spec["measure"])
    columns = [[getattr(row, name) for name in COUNTS] for row in data.effects]
    if other is None or any(None in row for row in columns):
        return
    if counts.of_counts(spec):  # of which the others than Mantel and Haenszel's give odds ratios only
        changed = [("measure", f"as {MEASURES[other].name}", data)]
        yield from _pooled({**spec, "measure": other}, changed if spec["method"] == "mh" else [])
        return
    make = stats.odds_ratio if other == "OR" else stats.risk_ratio
    found = [make(*row, zero_cells=spec["zero_cells"]) for row in columns]
    pairs = zip(data.effects, found, strict=True)
    rows = [replace(row, effect=float(fit.effect), variance=float(fit.variance)) for row, fit in pairs]
    yield from _pooled(spec, [("measure", f"as {MEASURES[other].name}", replace(data, effects=rows))])


def _offered(inclusion: str, rows: Sequence[Effect]) -> bool:
    """Whether an inclusion is a choice: to leave out high risk of bias is one beside trials judged better."""
    risks = {row.risk_of_bias for row in rows}
    return inclusion != NOT_HIGH or ("high" in risks and bool(risks & {"low", "unclear"}))


def _complete(row: Effect) -> bool:
    """Whether as many people were analysed as were randomised."""
    analysed = [getattr(row, f"n_{side}") for side in sides_of(row.measure)]
    return None not in (*analysed, row.n_randomised) and sum(analysed) >= (row.n_randomised or 0)


def _other_data(sets: Sequence[DataSet]) -> Iterator[Tried]:
    """Data sets that depart from the main one in one choice only."""
    for each in sets:
        departs = {name: level for name, level in each.choices.items() if level not in (DEFAULT, ALL)}
        if len(departs) == 1:
            ((name, level),) = departs.items()
            words = f"{name.replace('_', ' ')}: {level.replace('_', ' ')}"
            kind, choice = ("inclusion", level) if name == "inclusion" else ("data", words)
            yield kind, choice, each


def _dependent(effects: Sequence[Effect]) -> Iterator[Tried]:
    """Effects that depend on each other, all of them, which the three-level model takes."""
    for choice, words in THREE_LEVEL.items():
        rows = [row for row in effects if row.variant == (choice,)]
        if 1 < len(trials_of(rows)) < len(rows):
            yield "data", words, DataSet({choice.dimension: choice.level}, rows)


def _leave_one_out(spec: Spec, data: DataSet) -> Iterator[Sensitivity]:
    def without(trial: str) -> DataSet:
        return replace(data, effects=[row for row in data.effects if row.study_id != trial])

    labels = {row.study_id: row.label for row in data.effects}
    sets = [("leave one out", f"without {label}", without(trial)) for trial, label in labels.items()]
    rows = _pooled(spec, sets if len(sets) > 2 else [])
    for trial, row in zip(labels, rows, strict=False):
        yield replace(row, study_id=trial)


def _not_tried(spec: Spec, sets: Sequence[DataSet], effects: Sequence[Effect]) -> Iterator[Sensitivity]:
    """The choices that a sensitivity analysis ought to try and this analysis cannot, each with the reason."""

    def row(kind: str, choice: str, reason: str, k: int | None = None) -> Sensitivity:
        return Sensitivity(kind=kind, choice=choice, k=k, reason=reason)

    main, alone = sets[0].effects, MEASURES[spec["measure"]].group
    events = MEASURES[spec["measure"]].of is Of.EVENTS
    if sets[0].depend(spec):
        yield row("model", "a model of independent effects", WORDS["depend"])
    elif events and not alone and any(getattr(each, name) is None for each in main for name in COUNTS):
        yield row("sparse", "Mantel–Haenszel, Peto", "a trial prints a ratio without its counts")
    elif spec["measure"] == "RD":
        yield row("sparse", "Peto", "gives odds ratios, not risk differences")
    taken = [each.choices for each in sets]
    tried = {name for choices in taken for name, level in choices.items() if level != DEFAULT}
    for name, (choice, reason) in WORDS["dimensions"].items():
        if name not in tried and name not in (OF_SCORES * events + OF_TWO * alone):
            yield row("data", choice, _too_few(name, effects) or reason)
    included = {choices["inclusion"] for choices in taken if len(set(choices.values()) - {DEFAULT}) == 1}
    for name, keeps in INCLUSIONS.items():
        alone_in_vain = alone and name == INERT_CONTROL
        if name == ALL or name in included or alone_in_vain or not _offered(name, main):
            continue
        kept = trials_of([effect for effect in main if keeps(effect)])
        reason = f"leaves {_trials(len(kept))}: too few to pool"
        if all(keeps(effect) for effect in main):
            reason = "leaves out no trial"
        elif len(kept) > 1:
            reason = "pools what another choice above pools"
        yield row("inclusion", name, reason, len(kept))
    if len(trials_of(main)) < 3:
        yield row("leave one out", "one trial left out", "would leave a single trial", 1)


def _too_few(name: str, effects: Sequence[Effect]) -> str:
    """Why variants that exist are not among the data sets."""
    trials: dict[Choices, set[str]] = {}
    for row in effects:
        if [choice.dimension for choice in row.variant] == [name]:
            trials.setdefault(row.variant, set()).add(row.study_id)
    most = max(map(len, trials.values()), default=0)
    return f"leaves {_trials(most)}: too few to pool" if most == 1 else ""


def _trials(amount: int) -> str:
    return count(amount, "trial") if amount else "no trials"


def specifications(spec: Spec, sets: Sequence[DataSet]) -> Specifications:
    """Every set of data under every model that takes it: dependent effects under the three-level model."""
    nested, single = ([each for each in sets if each.depend(spec) is depend] for depend in (True, False))
    made: list[tuple[tuple[str, str], DataSet, Mapping[str, Any]]] = []
    for each in single:
        made += [(pair, each, _by_model(spec, each, pair)) for pair in models(spec, each.effects)]
    for each in single if counts.of_counts(spec) else ():
        made += [
            ((spec["method"], "wald"), each, fit)
            for fit in [_by_policy(spec, each)]
            if fit["estimate"] is not None
        ]
    three = (THREE_LEVELS["tau2_method"], THREE_LEVELS["interval"])
    made += [(three, each, _by_policy(spec, each)) for each in nested]
    made.sort(key=lambda one: one[2]["estimate"])
    every = [dict(zip(THREE_LEVELS, pair, strict=True)) | each.choices for pair, each, _ in made]
    return Specifications(
        **{name: np.array([fit[name] for *_, fit in made], dtype=float) for name in BOUNDS},
        k=np.array([len(trials_of(each.effects)) for _, each, _ in made]),
        choices={name: [choices[name] for choices in every] for name in every[0]},
    )


def multiverse(spec: Spec, every: Specifications) -> Multiverse:
    """What the multiverse says: shares of specifications, range of estimates, which choice moves them most.

    `benefit`: the estimate is on the side of benefit; `clear_benefit`, `clear_harm`: the interval excludes no
    effect; `beyond_mcid`: the estimate reaches the MCID, where there is one. `variance_share`: between-level
    sum of squares of a dimension over the total (estimates on the analysis scale); shares of dimensions need
    not add to one, because not every combination exists. `levels`: the same shares for every level of choice.
    """
    measure, estimate, sides = MEASURES[spec["measure"]], every.estimate, _sides(spec, every)
    mcid = (spec["mcid"] or {}).get("value")
    reached = (estimate - measure.null) * (-1 if spec["better"] == "lower" else 1) >= mcid if mcid else None
    scaled = np.log(estimate) if measure.ratio else estimate
    fitted = set(zip(*(every.choices[name] for name in THREE_LEVELS), strict=True))
    data = set(zip(*(every.choices[name] for name in every.choices if name not in THREE_LEVELS), strict=True))

    def shares(at: NDArray[np.bool_]) -> dict[str, float]:
        return {name: float(np.mean(side[at])) for name, side in sides.items()}

    return Multiverse(
        specifications=len(estimate),
        data_sets=len(data),
        models=len(fitted),
        estimate_low=float(estimate.min()),
        estimate_median=float(np.median(estimate)),
        estimate_high=float(estimate.max()),
        **shares(np.full(len(estimate), True)),
        beyond_mcid=None if reached is None else float(np.mean(reached)),
        variance_share={name: _variance_share(scaled, levels) for name, levels in every.choices.items()},
        levels=tuple(
            records.Level(
                dimension=dimension,
                level=level,
                specifications=int(at.sum()),
                median=float(np.median(estimate[at])),
                **shares(at),
            )
            for dimension, levels in every.choices.items()
            for level in sorted(set(levels))
            for at in [np.array(levels) == level]
        ),
    )


def _sides(spec: Spec, every: Specifications) -> dict[str, NDArray[np.bool_]]:
    """Which specifications lie on the side of benefit, which clearly so, which clearly on that of harm."""
    null, sign = MEASURES[spec["measure"]].null, -1 if spec["better"] == "lower" else 1
    low, high = sign * (every.ci_low - null), sign * (every.ci_high - null)
    clear, harm = (low > 0) & (high > 0), (low < 0) & (high < 0)
    return {"benefit": sign * (every.estimate - null) > 0, "clear_benefit": clear, "clear_harm": harm}


def _variance_share(values: Floats, levels: list[str]) -> float:
    total = float(np.sum((values - values.mean()) ** 2))
    if total <= 1e-20 * max(1.0, float(np.sum(values**2))):
        return 0.0
    labels = np.array(levels)
    groups = [values[labels == level] for level in np.unique(labels)]
    return float(sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups) / total)


def robustness(spec: Spec, rows: Sequence[Sensitivity], multiverse: Multiverse | None) -> records.Robustness:
    """Grade and sentence, from the share of the specifications that reach the main conclusion (`agreement`).

    Rules, thresholds from `spec["robustness"]`: below `smallest_k` trials not assessable; robust if at least
    `robust` of the specifications agree and no trial left out changes the conclusion; sensitive if at least
    `sensitive` agree; fragile otherwise. `breaks` lists what changes the conclusion.
    """
    if MEASURES[spec["measure"]].group:
        return sketch(records.Robustness, grade=Grade.NOT_ASSESSABLE, sentence=_range_words(spec, rows))
    fewest, main = spec["robustness"]["smallest_k"], rows[0] if rows else None
    if main is None or main.conclusion is None or multiverse is None or (main.k or 0) < fewest:
        few = f"Not assessable: {main.k if main else 'fewer than two'} trials, at least {fewest} are needed."
        return sketch(records.Robustness, grade=Grade.NOT_ASSESSABLE, sentence=few)
    if multiverse.specifications < 2:
        alone = "Not assessable: no other model or choice of data can be tried."
        return sketch(records.Robustness, grade=Grade.NOT_ASSESSABLE, sentence=alone)
    clear = {Conclusion.BENEFIT: multiverse.clear_benefit, Conclusion.HARM: multiverse.clear_harm}
    agreement = clear.get(main.conclusion, round(1 - sum(clear.values()), 12))
    changing = [row for row in rows if row.changes_conclusion]
    grade, words = _grade(spec["robustness"], agreement, changing), WORDS["conclusions"][main.conclusion]
    share = f"{100 * agreement:.0f}% of {multiverse.specifications} specifications"
    same = f"{capital(WORDS['grades'][grade])}: {share} reach the same conclusion ({words})"
    if main.conclusion is Conclusion.UNCLEAR:  # that others say no more is no praise
        same = f"{share} include no difference as well"
    changes = f"it changes with {_named(changing)}" if changing else "no single change of choice alters it"
    return records.Robustness(
        grade=grade,
        sentence=f"{same}; {changes}.",
        agreement=agreement,
        breaks=tuple(
            records.Break(kind=row.kind, choice=row.choice, to=row.conclusion)
            for row in changing
            if row.conclusion
        ),
    )


def _range_words(spec: Spec, rows: Sequence[Sensitivity]) -> str:
    """How far other choices move what is told of one group, which concludes nothing."""
    known = [row.estimate for row in rows if row.estimate is not None]
    if len(known) < 2:
        return "Not assessable: one group is described, and no other choice can be tried."
    low, high = format_values(spec["measure"], [min(known), max(known)])
    return f"One group is described, so that no conclusion can change; other choices give {low} to {high}."


def _grade(rules: Mapping[str, float], agreement: float, changing: Sequence[Sensitivity]) -> Grade:
    hangs_on_one = any(row.kind == "leave one out" for row in changing)
    if agreement >= rules["robust"] and not hangs_on_one:
        return Grade.ROBUST
    return Grade.SENSITIVE if agreement >= rules["sensitive"] else Grade.FRAGILE


def _named(changing: Sequence[Sensitivity]) -> str:
    """What changes it, kind by kind: the first few by name, the rest by number."""
    parts = []
    for kind, words in WORDS["kinds"].items():
        names = [row.choice.removeprefix("without ") for row in changing if row.kind == kind]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        if names:
            parts.append(f"{words} ({', '.join(names[:MOST_NAMED])}{more})")
    return "; ".join(parts)
