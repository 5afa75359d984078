"""Does a conclusion hold? From a result record to its results under other choices, as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialpool import text as words
from trialpool.measures import RATIOS
from trialpool.records import Moderator, Record, Sensitivity, Status
from trialpool.synthesis.moderators import moderator_name
from trialpool.text import capital
from trialpool.view.axis import Axis, shared_axis
from trialpool.view.forest_table import Estimate, Number, estimate_at, number_at

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


Choice = tuple[Sensitivity, Estimate, str]  # the record's row, its effect, its conclusion in words


@dataclass(frozen=True, slots=True)
class Moderated:
    """One tested moderator: the effect of each group, or the slope and per what (of ratios only as words)."""

    name: str
    k: Number
    groups: Sequence[tuple[str, Number, Estimate]]
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

    kinds: Mapping[str, Sequence[Choice]]
    axis: Axis | None
    untried: Sequence[str]
    combined: Sequence[Number]
    posterior: tuple[str, Estimate, Number, Number] | None
    multilevel: Estimate | None
    influential: Sequence[str]
    moderators: Moderators | None


def robustness_view(record: Record) -> Robustness | None:
    """What the record says of other choices; None where nothing was pooled."""
    if record.status != Status.POOLED or not record.robustness.grade:
        return None
    choices: dict[str, list[Choice]] = {}
    for number, row in enumerate(record.sensitivity):
        if row.estimate is not None:
            conclusion = CONCLUSIONS.get(str(row.conclusion), str(row.conclusion))
            choice = (row, estimate_at(record, f"sensitivity.{number}"), conclusion)
            choices.setdefault(KIND_NAMES.get(row.kind, row.kind), []).append(choice)
    effects = [effect.values for rows in choices.values() for _, effect, _ in rows]
    whole = ("estimate", "robust_ci_low", "robust_ci_high")
    return Robustness(
        kinds=choices,
        axis=shared_axis(record.measure, effects) if effects else None,
        untried=[f"{row.choice} ({row.reason})" for row in record.sensitivity if row.reason],
        combined=_combined(record),
        posterior=_posterior(record),
        multilevel=estimate_at(record, "multilevel", whole) if record.multilevel else None,
        influential=[row.label for row in record.influence if row.influential],
        moderators=_moderators_view(record),
    )


def _combined(record: Record) -> list[Number]:
    """Least, largest and median estimate of all combinations of choices, shares of clear benefit and harm."""
    if not record.multiverse:
        return []
    keys = ("estimate_median", "estimate_low", "estimate_high")
    spread = estimate_at(record, "multiverse", keys)
    shares = (number_at(record, f"multiverse.clear_{side}", words.percent) for side in ("benefit", "harm"))
    return [spread.low, spread.high, spread.estimate, *shares]


def _posterior(record: Record) -> tuple[str, Estimate, Number, Number] | None:
    """Prior, effect, probability of any benefit and of one beyond the MCID, of the first Bayesian fit."""
    if not record.bayes:
        return None
    prior = record.bayes[0].prior
    benefit = number_at(record, "bayes.0.p_benefit", words.percent)
    beyond = number_at(record, "bayes.0.p_beyond_mcid", words.percent)
    return PRIORS.get(prior, prior), estimate_at(record, "bayes.0"), benefit, beyond


def _moderators_view(record: Record) -> Moderators | None:
    """The moderators of a record; None where none is declared."""
    if not record.moderators:
        return None
    tested = [(n, row) for n, row in enumerate(record.moderators) if row.p_value is not None]
    cautions = dict.fromkeys(part for _, row in tested for part in (row.caution or "").split("; ") if part)
    return Moderators(
        tested=tuple(_moderated(record, number, row) for number, row in tested),
        cautions=tuple(map(capital, cautions)),
        untested=tuple(
            (moderator_name(row.moderator), row.caution or "")
            for row in record.moderators
            if row.p_value is None
        ),
    )


def _moderated(record: Record, number: int, row: Moderator) -> Moderated:
    path = f"moderators.{number}"
    keys = ("slope", "slope_low", "slope_high")
    slope: Estimate | str = ""
    text = per = ""
    if not row.groups:
        text, per = moderator_slope(record.measure, row.moderator, [getattr(row, key) for key in keys])
        slope = text if record.measure in RATIOS else estimate_at(record, path, keys)
    groups = []
    for at, group in enumerate(row.groups):
        inside = f"{path}.groups.{at}"
        name = capital(words.group_name(group.level))
        groups.append((name, number_at(record, f"{inside}.k", str), estimate_at(record, inside)))
    return Moderated(
        name=capital(moderator_name(row.moderator)),
        k=number_at(record, f"{path}.k", str),
        groups=groups,
        slope=slope,
        per=per,
        p_value=number_at(record, f"{path}.p_value", words.p_value),
        p_permutation=number_at(record, f"{path}.p_permutation", words.p_value),
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
