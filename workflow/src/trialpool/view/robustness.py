"""Does a conclusion hold? From a result record to its results under other choices, as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialpool import text as words
from trialpool.measures import RATIOS
from trialpool.records import Moderator, Record, Sensitivity, Status
from trialpool.synthesis.moderators import moderator_name
from trialpool.text import capital
from trialpool.view.axis import Axis, shared_axis
from trialpool.view.forest_table import POOLED, Estimate, Number, estimate_of

KIND_NAMES = {
    "main": "As configured",
    "model": "Another model",
    "sparse": "A method for rare events",
    "inclusion": "A stricter choice of trials",
    "data": "Another choice of data",
    "leave one out": "One trial left out",
}
CONCLUSIONS = {"benefit": "benefit", "harm": "disadvantage", "unclear": "no clear difference"}
PRIORS = {"half_normal": "half-normal", "half_cauchy": "half-Cauchy", "uniform": "uniform"}
PER = {"sessions": "session", "programme_weeks": "week", "sessions_per_week": "weekly session"}
PER |= {"year": "year", "weeks": "week", "n_randomised": "person"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The result under one other choice."""

    row: Sensitivity
    effect: Estimate
    conclusion: str


@dataclass(frozen=True, slots=True)
class Moderated:
    """One tested moderator: the effect of each group, or the slope and per what (of ratios only as words)."""

    name: str
    k: Number
    groups: tuple[tuple[str, Number, Estimate], ...]
    slope: Estimate | str
    per: str
    p_value: Number
    p_permutation: Number


@dataclass(frozen=True, slots=True)
class Moderators:
    """The moderators of a question: those tested, cautions about these, names and reasons of the others."""

    tested: tuple[Moderated, ...]
    cautions: tuple[str, ...]
    untested: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Robustness:
    """Whether a conclusion holds: every other choice by kind on one axis, and what further methods say.

    `combined` is the range of estimates over all combinations of choices, with the shares of clear ones;
    `posterior` the effect, the prior's name and the probabilities of a Bayesian fit.
    """

    kinds: tuple[tuple[str, tuple[Choice, ...]], ...]
    axis: Axis | None
    untried: tuple[str, ...]
    combined: tuple[Number, ...]
    posterior: tuple[str, Estimate, Number, Number] | None
    multilevel: Estimate | None
    influential: tuple[str, ...]
    moderators: Moderators | None


def robustness_view(record: Record) -> Robustness | None:
    """What the record says of other choices; None where nothing was pooled."""
    if record.status != Status.POOLED or not record.robustness.grade:
        return None
    choices: dict[str, list[Choice]] = {}
    for number, row in enumerate(record.sensitivity):
        if row.estimate is not None:
            effect = _estimate(record, row, f"sensitivity.{number}.")
            conclusion = CONCLUSIONS.get(str(row.conclusion), str(row.conclusion))
            choices.setdefault(row.kind, []).append(Choice(row, effect, conclusion))
    effects = [choice.effect.values for rows in choices.values() for choice in rows]
    levels, robust = record.multilevel, ("estimate", "robust_ci_low", "robust_ci_high")
    return Robustness(
        kinds=tuple((KIND_NAMES.get(kind, kind), tuple(rows)) for kind, rows in choices.items()),
        axis=shared_axis(record.measure, effects) if effects else None,
        untried=tuple(f"{row.choice} ({row.reason})" for row in record.sensitivity if row.reason),
        combined=_combined(record),
        posterior=_posterior(record),
        multilevel=_estimate(record, levels, "multilevel.", robust) if levels else None,
        influential=tuple(row.label for row in record.influence if row.influential),
        moderators=moderators_view(record),
    )


def _estimate(record: Record, holder: Any, place: str, keys: Sequence[str] = POOLED) -> Estimate:
    return estimate_of(record.measure, holder, keys, f"{record.analysis}/{place}")


def _share(record: Record, holder: Any, place: str, key: str) -> Number:
    value = getattr(holder, key)
    return Number(value, words.percent(value), f"{record.analysis}/{place}{key}")


def _combined(record: Record) -> tuple[Number, ...]:
    """Least, largest and median estimate of all combinations of choices, shares of clear benefit and harm."""
    found = record.multiverse
    if not found:
        return ()
    keys = ("estimate_median", "estimate_low", "estimate_high")
    range_of = _estimate(record, found, "multiverse.", keys)
    shares = (_share(record, found, "multiverse.", key) for key in ("clear_benefit", "clear_harm"))
    return (range_of.low, range_of.high, range_of.estimate, *shares)


def _posterior(record: Record) -> tuple[str, Estimate, Number, Number] | None:
    """Prior, effect, probability of any benefit and of one beyond the MCID, of the first Bayesian fit."""
    if not record.bayes:
        return None
    fit, place = record.bayes[0], "bayes.0."
    benefit, beyond = (_share(record, fit, place, key) for key in ("p_benefit", "p_beyond_mcid"))
    return PRIORS.get(fit.prior, fit.prior), _estimate(record, fit, place), benefit, beyond


def moderators_view(record: Record) -> Moderators | None:
    """The moderators of a record; None where none is asked for.

    >>> from trialpool.view.read import Appraised, filled
    >>> row = {"moderator": "any", "k": 3, "caution": "3 trials: at least 4 are needed"}
    >>> moderators_view(filled(Appraised, {"moderators": [row]})).untested
    (('any moderator', '3 trials: at least 4 are needed'),)
    """
    if not record.moderators:
        return None
    tested = [(n, row) for n, row in enumerate(record.moderators) if row.p_value is not None]
    cautions = dict.fromkeys(part for _, row in tested for part in row.caution.split("; ") if part)
    return Moderators(
        tested=tuple(_moderated(record, number, row) for number, row in tested),
        cautions=tuple(map(capital, cautions)),
        untested=tuple(
            (moderator_name(row.moderator), row.caution) for row in record.moderators if row.p_value is None
        ),
    )


def _moderated(record: Record, number: int, row: Moderator) -> Moderated:
    inside = f"moderators.{number}."
    place = f"{record.analysis}/{inside}"
    keys = ("slope", "slope_low", "slope_high")
    slope: Estimate | str = ""
    told = per = ""
    if not row.groups:
        told, per = moderator_slope(record.measure, row.moderator, [getattr(row, key) for key in keys])
        slope = told if record.measure in RATIOS else _estimate(record, row, inside, keys)
    return Moderated(
        name=capital(moderator_name(row.moderator)),
        k=Number(row.k, str(row.k), f"{place}k"),
        groups=tuple(
            (
                capital(words.group_name(group.level)),
                Number(group.k, str(group.k), f"{place}groups.{at}.k"),
                _estimate(record, group, f"{inside}groups.{at}."),
            )
            for at, group in enumerate(row.groups)
        ),
        slope=slope,
        per=per,
        p_value=Number(row.p_value, words.p_value(row.p_value), f"{place}p_value"),
        p_permutation=Number(row.p_permutation, words.p_value(row.p_permutation), f"{place}p_permutation"),
    )


def moderator_slope(measure: str, moderator: str, slope: Sequence[float]) -> tuple[str, str]:
    """A slope with its interval (three values) in words, and per what; of ratios, the ratio of ratios.

    >>> moderator_slope("RR", "year", [0.0, -0.1, 0.1])
    ('ratio of RRs 1.00 (0.90 to 1.11)', 'per year')
    """
    ratios = measure in RATIOS
    values = [math.exp(min(value, 700.0)) for value in slope] if ratios else slope
    middle, low, high = words.format_values(measure, values)
    times = f"ratio of {measure}s " if ratios else ""
    return f"{times}{middle} ({low} to {high})", f"per {PER[moderator]}"
