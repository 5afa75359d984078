"""The effects of an analysis in, every defensible choice out: sets of data, models, the multiverse.

Steegen, Tuerlinckx, Gelman & Vanpaemel 2016 (multiverse); Simonsohn, Simmons & Nelson 2020 (specification
curve). One batched fit a model; nothing is fitted one specification at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.measures import MEASURES
from trialpool.records import Choice, Conclusion, Effect, Level, Multiverse
from trialpool.synthesis.pool import BOUNDS, Floats, Spec, arrays, trials_of

DEFAULT = "default"
INERT = {"sham", "placebo"}
# dependent effects: another model, not another set of independent effects
DEPENDENT = Choice("several_effects", "multilevel")
COVARIANCE = Choice("multi_arm", "covariance")

INCLUSIONS: dict[str, Callable[[Effect], bool]] = {
    "all trials": lambda row: True,
    "low risk of bias": lambda row: row.risk_of_bias == "low",
    "nothing imputed": lambda row: not row.imputed,
    "nothing flagged by the audit": lambda row: not row.audit,
    "sham or placebo control": lambda row: set(row.categories("control")) <= INERT,
    "read twice": lambda row: row.reading == "double",
}
ALL = next(iter(INCLUSIONS))


@dataclass(frozen=True, slots=True)
class DataSets:
    """D sets of effects as padded matrices of shape (D, K); `where` marks what is there.

    `choices` names each set: {"timepoint": "follow_up", "inclusion": "all trials"}, defaults included.
    `rows` are the effects themselves. The first set is that of the main result.
    """

    choices: list[dict[str, str]]
    rows: list[list[Effect]]
    effects: Floats
    variances: Floats
    where: NDArray[np.bool_]


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


def data_sets(effects: Sequence[Effect], *, smallest: int = 2) -> DataSets:
    """The distinct sets of at least `smallest` trials that some choice of data and inclusion gives.

    `effects` are the rows of an analysis' effects table, variants included. A set that pools the same rows as
    an earlier one is not another choice and is left out.

    >>> from trialpool.records import sketch
    >>> rows = [sketch(Effect, study_id=name, effect=0.1, variance=0.2, selected=True, variant=(),
    ...                category_control="sham", imputed=name == "B", reading="double") for name in "AB"]
    >>> data_sets(rows).choices
    [{'inclusion': 'all trials'}]
    """
    by_choices: dict[tuple[Choice, ...], list[Effect]] = {}
    for row in effects:
        if (row.variant or row.selected) and row.variant not in ((DEPENDENT,), (COVARIANCE,)):
            by_choices.setdefault(row.variant, []).append(row)
    dimensions = list(dict.fromkeys(choice.dimension for taken in by_choices for choice in taken))
    choices, rows, seen = [], [], set()
    for taken, candidates in sorted(by_choices.items(), key=lambda entry: entry[0] != ()):
        levels = {choice.dimension: choice.level for choice in taken}
        for inclusion, keeps in INCLUSIONS.items():
            kept = [row for row in candidates if keeps(row)]
            numbers = frozenset((row.study_id, row.effect, row.variance) for row in kept)
            if len(trials_of(kept)) < smallest or numbers in seen:
                continue
            seen.add(numbers)
            choices.append(
                {name: levels.get(name, DEFAULT) for name in dimensions} | {"inclusion": inclusion}
            )
            rows.append(kept)
    return DataSets(choices, rows, *_matrices(rows))


def _matrices(rows: Sequence[Sequence[Effect]]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    shape = (len(rows), max((len(entry) for entry in rows), default=0))
    effects, variances, where = np.zeros(shape), np.ones(shape), np.zeros(shape, dtype=bool)
    for index, entry in enumerate(rows):
        effects[index, : len(entry)], variances[index, : len(entry)] = arrays(entry)
        where[index, : len(entry)] = True
    return effects, variances, where


def models() -> list[tuple[str, str]]:
    """Pairs of τ² method and interval: eight random-effects methods by three intervals, and FE with Wald."""
    from trialpool.stats import INTERVALS, TAU2_METHODS

    random = [(method, interval) for method in TAU2_METHODS if method != "FE" for interval in INTERVALS]
    return [*random, ("FE", "wald")]


def conclusion(low: float | None, high: float | None, null: float, better: str) -> Conclusion:
    """What an interval says: benefit, harm, or unclear when it includes no effect (or is missing).

    >>> str(conclusion(-2.0, -0.5, 0.0, "lower")), str(conclusion(0.8, 1.2, 1.0, "higher"))
    ('benefit', 'unclear')
    """
    if low is None or high is None or low <= null <= high:
        return Conclusion.UNCLEAR
    return Conclusion.BENEFIT if (high < null) == (better == "lower") else Conclusion.HARM


def specifications(spec: Spec, sets: DataSets) -> Specifications:
    """Every set of data under every model."""
    from trialpool.stats import pool

    pairs, size = models(), len(sets.rows)
    fits = [
        pool(
            sets.effects,
            sets.variances,
            where=sets.where,
            tau2_method=tau2_method,
            interval=interval,
            level=spec["level"],
        )
        for tau2_method, interval in pairs
    ]
    numbers = {
        name: np.concatenate([np.asarray(getattr(fit, name), float) for fit in fits]) for name in BOUNDS
    }
    if MEASURES[spec["measure"]].ratio:
        numbers = {name: np.exp(values) for name, values in numbers.items()}
    words = {
        "tau2_method": [method for method, _ in pairs for _ in range(size)],
        "interval": [interval for _, interval in pairs for _ in range(size)],
    }
    words |= {name: [choice[name] for choice in sets.choices] * len(pairs) for name in sets.choices[0]}
    order = np.argsort(numbers["estimate"], kind="stable")
    return Specifications(
        **{name: values[order] for name, values in numbers.items()},
        k=np.tile(sets.where.sum(axis=-1), len(pairs))[order],
        choices={name: [levels[at] for at in order] for name, levels in words.items()},
    )


def multiverse(spec: Spec, every: Specifications) -> Multiverse:
    """What the multiverse says: shares of specifications, range of estimates, which choice moves them most.

    `benefit`: the estimate is on the side of benefit; `clear_benefit`, `clear_harm`: the interval excludes no
    effect; `beyond_mcid`: the estimate reaches the MCID, where there is one. `variance_share`: between-level
    sum of squares of a dimension over the total (estimates on the analysis scale); shares of dimensions need
    not add to one, because not every combination exists. `levels`: the same shares for every level of choice.
    """
    measure, estimate = MEASURES[spec["measure"]], every.estimate
    mcid = (spec["mcid"] or {}).get("value")
    reached = (estimate - measure.null) * (-1 if spec["better"] == "lower" else 1) >= mcid if mcid else None
    scaled = np.log(estimate) if measure.ratio else estimate
    return Multiverse(
        specifications=len(estimate),
        data_sets=len(estimate) // len(models()),
        models=len(models()),
        estimate_low=float(estimate.min()),
        estimate_median=float(np.median(estimate)),
        estimate_high=float(estimate.max()),
        **_shares(spec, every, np.full(len(estimate), True)),
        beyond_mcid=None if reached is None else float(np.mean(reached)),
        variance_share={name: _variance_share(scaled, levels) for name, levels in every.choices.items()},
        levels=tuple(
            Level(
                dimension=dimension,
                level=level,
                specifications=int(at.sum()),
                median=float(np.median(estimate[at])),
                **_shares(spec, every, at),
            )
            for dimension, levels in every.choices.items()
            for level in sorted(set(levels))
            for at in [np.array(levels) == level]
        ),
    )


def _shares(spec: Spec, every: Specifications, at: NDArray[np.bool_]) -> dict[str, float]:
    """Of some specifications, which share lies on the side of benefit, clearly so, and clearly of harm."""
    null, lower = MEASURES[spec["measure"]].null, spec["better"] == "lower"
    below, above = float(np.mean(every.ci_high[at] < null)), float(np.mean(every.ci_low[at] > null))
    better = every.estimate[at] < null if lower else every.estimate[at] > null
    return {
        "benefit": float(np.mean(better)),
        "clear_benefit": below if lower else above,
        "clear_harm": above if lower else below,
    }


def _variance_share(values: Floats, levels: list[str]) -> float:
    total = float(np.sum((values - values.mean()) ** 2))
    if total <= 1e-20 * max(1.0, float(np.sum(values**2))):
        return 0.0
    labels = np.array(levels)
    groups = [values[labels == level] for level in np.unique(labels)]
    return float(sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups) / total)


def share_agreeing(spec: Spec, every: Specifications, main: Conclusion | None) -> float:
    """Share of the specifications that reach the main conclusion.

    >>> two = Specifications(np.array([-1.5, -0.2]), np.array([-2.0, -1.0]), np.array([-1.0, 0.5]),
    ...                      np.array([2, 2]), {})
    >>> share_agreeing({"measure": "MD", "better": "lower"}, two, Conclusion.BENEFIT)
    0.5
    """
    null, pairs = MEASURES[spec["measure"]].null, list(zip(every.ci_low, every.ci_high, strict=True))
    return sum(conclusion(low, high, null, spec["better"]) is main for low, high in pairs) / len(pairs)
