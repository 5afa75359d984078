"""Networks of rare events: counts of arms in, odds ratios out, without a correction of empty cells.

Two ways, both of a common effect. Mantel-Haenszel takes the studies of each design together (Greenland 1989,
Biometrics 45: 183) and joins the designs by generalised least squares (Efthimiou et al. 2019, Stat Med 38:
2992). The noncentral hypergeometric likelihood conditions on each study's events (Stijnen et al. 2010, Stat
Med 29: 3046).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag
from scipy.special import gammaln

from trialpool.stats.checks import Floats, finite, labels, not_vanishing, one_of
from trialpool.stats.network import Contrasts, check_connected

CLIMBS = 100  # steps of Newton's method
SILENT = "events: no study has an event in one arm and a person without in another"
NO_TOP = "its odds ratio has no finite estimate; leave it out, or combine it with another"
MOST = 2_000  # events of a study, of which all ways to share them are summed
FAR = 25.0  # a logarithm of an odds ratio that stands for infinity


@dataclass(frozen=True, slots=True)
class _Arms:
    """Events and non-events of the arms of a study by treatment."""

    events: dict[str, float]
    others: dict[str, float]


@dataclass(frozen=True, slots=True)
class PooledDesigns:
    """Log odds ratios of designs: `contrasts`, whose studies are the designs, named by their treatments.

    `studies` (d,) counts those in each, `silent` names studies without events, or in which all had one: they
    tell nothing of an odds ratio and are in none. `left_out` are treatments, each with the design that it is
    left out of, having no events, or only events, in any of its studies.
    """

    contrasts: Contrasts
    designs: tuple[tuple[str, ...], ...]
    studies: tuple[int, ...]
    silent: tuple[str, ...]
    left_out: tuple[tuple[str, tuple[str, ...]], ...] = ()


def mantel_haenszel_network(
    events: ArrayLike, n: ArrayLike, treatment: Sequence[str], study: Sequence[str]
) -> PooledDesigns:
    """Mantel-Haenszel log odds ratios of each design of a network, from its arms (a,): `events` of `n`.

    Hand the contrasts to `network_meta_analysis` with `tau2_method="FE"`, whose Q then is that between
    designs. With two treatments the estimate is Mantel and Haenszel's, its variance Robins, Breslow &
    Greenland's. Of several arms each ratio is the mean over all ways through a third arm, so that they agree.
    A treatment that in all studies of a design has no events, or only events, is left out of it, as netmeta's
    netmetabin does. Raises ValueError where its events and another's are never of one study.

    >>> arms = dict(treatment="abab", study="1122")
    >>> found = mantel_haenszel_network([1, 3, 0, 2], [50, 50, 60, 60], **arms)
    >>> found.contrasts.effects.round(4).tolist(), found.designs
    ([1.6592], (('a', 'b'),))
    """
    arms, silent = _read(events, n, treatment, study)
    if not arms:
        raise ValueError(SILENT)
    found = _by_design(arms)
    left_out = _bare(found)
    compared = {design: tuple(arm for arm in design if (arm, design) not in left_out) for design in found}
    found = {design: studies for design, studies in found.items() if len(compared[design]) > 1}
    if not found:
        raise ValueError("events: no two treatments of a study have events, and people without, to compare")
    pooled = [_pooled(compared[design], studies) for design, studies in found.items()]
    sides = [
        (arm, compared[design][0], ", ".join(design)) for design in found for arm in compared[design][1:]
    ]
    effects = np.concatenate([effect for effect, _ in pooled])
    names = (tuple(side) for side in zip(*sides, strict=True))
    contrasts = Contrasts(effects, block_diag(*(spread for _, spread in pooled)), *names)
    return PooledDesigns(contrasts, tuple(found), tuple(map(len, found.values())), silent, left_out)


def bare_arms(
    events: ArrayLike, n: ArrayLike, treatment: Sequence[str], study: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Treatments, each with a design, without any event, or with nothing but events, in all of its studies:
    of them Mantel and Haenszel's odds ratios do not exist. Arguments as `mantel_haenszel_network`.

    >>> bare_arms([1, 0, 0, 2, 3, 5], [50] * 6, "ababac", "112233")
    ()
    >>> bare_arms([1, 0, 2, 0, 3, 5], [50] * 6, "ababac", "112233")
    (('b', ('a', 'b')),)
    """
    return _bare(_by_design(_read(events, n, treatment, study)[0]))


def _by_design(arms: Mapping[str, _Arms]) -> dict[tuple[str, ...], list[_Arms]]:
    """The studies of each set of treatments compared."""
    found: dict[tuple[str, ...], list[_Arms]] = {}
    for each in arms.values():
        found.setdefault(tuple(sorted(each.events)), []).append(each)
    return found


def _bare(designs: Mapping[tuple[str, ...], Sequence[_Arms]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (arm, design)
        for design, studies in designs.items()
        for arm in design
        if not all(
            sum(of[arm] for of in kind)
            for kind in ([each.events for each in studies], [each.others for each in studies])
        )
    )


def _read(
    events: ArrayLike, n: ArrayLike, treatment: Sequence[str], study: Sequence[str]
) -> tuple[dict[str, _Arms], tuple[str, ...]]:
    """The arms of every study that tells something, and the names of those that do not."""
    x, total = finite("events", events), finite("n", n, above=0)
    if x.ndim != 1 or total.shape != x.shape:
        raise ValueError(f"events {x.shape}, n {total.shape}: need one number for each arm")
    for row in np.flatnonzero((x < 0) | (x > total)):
        raise ValueError(f"events[{row}] is {x[row]:g} of n {total[row]:g}: must be between 0 and n")
    not_vanishing("events", np.where(x > 0, x, 1.0))
    not_vanishing("n", total)
    arms: dict[str, _Arms] = {}
    for name, arm, own, all_ in zip(
        labels("study", study, x.size), labels("treatment", treatment, x.size), x, total, strict=True
    ):
        each = arms.setdefault(name, _Arms({}, {}))
        if arm in each.events:
            raise ValueError(f"study {name!r} has a treatment twice; combine these arms")
        each.events[arm], each.others[arm] = float(own), float(all_ - own)
    for name, each in arms.items():
        if len(each.events) < 2:
            raise ValueError(f"study {name!r} has one arm")
    told = {name for name, each in arms.items() if sum(each.events.values()) and sum(each.others.values())}
    return {name: arms[name] for name in arms if name in told}, tuple(
        name for name in arms if name not in told
    )


def _pooled(design: tuple[str, ...], studies: list[_Arms]) -> tuple[Floats, Floats]:
    """Log odds ratios of the arms of a design against its first, and their covariance."""
    a = np.array([[each.events[arm] for arm in design] for each in studies])
    b = np.array([[each.others[arm] for arm in design] for each in studies])
    total = (a + b).sum(axis=1)[:, None, None]
    cross = a[:, :, None] * b[:, None, :] / total
    sums = cross.sum(axis=0)
    for one, other in zip(*np.nonzero((sums == 0) & ~np.eye(len(design), dtype=bool)), strict=True):
        raise ValueError(
            f"no study of {', '.join(design)} has events of {design[one]} and people without of "
            f"{design[other]}: their odds ratio by Mantel and Haenszel does not exist; use the "
            "hypergeometric likelihood"
        )
    np.fill_diagonal(sums, 1.0)
    logs = np.log(sums / sums.T)
    arms = len(design)
    pairs = list(permutations(range(arms), 2))
    shared = _shared(a, b, sums)
    covariance = np.array([[_covariance(shared, one, other) for other in pairs] for one in pairs])
    mean = np.zeros((arms - 1, len(pairs)))  # of the pairs' logarithms: (L(arm, +) - L(first, +)) / arms
    for row in range(1, arms):
        mean[row - 1] = [((one == row) - (one == 0.0)) / arms for one, _ in pairs]
    return mean @ np.array([logs[pair] for pair in pairs]), mean @ covariance @ mean.T


def _covariance(shared: Floats, one: tuple[int, int], other: tuple[int, int]) -> float:
    """Covariance of the log odds ratios of two ordered pairs: 0 where they have no arm in common."""
    found, (x, y), (z, w) = 0.0, one, other
    if {x, y} == {z, w}:
        return float(shared[x, y, y]) * (1 if x == z else -1)
    for first, second, sign in ((one, other, 1), (one, (w, z), -1), ((y, x), other, -1), ((y, x), (w, z), 1)):
        if first[0] == second[0]:
            found += sign * float(shared[first[0], first[1], second[1]])
    return found


def _shared(a: Floats, b: Floats, sums: Floats) -> Floats:
    """Greenland's covariances (x, y, z) of log ratios x to y and x to z; with y = z the variance of x to y.

    `a`, `b` (k, arms) are events and non-events, `sums` (arms, arms) those of a treatment's events times
    another's non-events over all people of a study.
    """
    per, to, back = (a + b).sum(axis=1) ** -2.0, sums, sums.T

    def three(first: Floats, second: Floats, third: Floats) -> Floats:
        return np.asarray(np.einsum("k,kx,ky,kz->xyz", per, first, second, third))

    found = (
        three(a, b, b) / (to[:, :, None] * to[:, None, :])
        + three(a + b, b, a) / (to[:, :, None] * back[:, None, :])
        + three(a + b, a, b) / (back[:, :, None] * to[:, None, :])
        + three(b, a, a) / (back[:, :, None] * back[:, None, :])
    ) / 3
    cross, both = np.einsum("kx,ky->kxy", a, b), a[:, :, None] + b[:, None, :]
    swapped, other = (np.swapaxes(each, 1, 2) for each in (cross, both))

    def two(products: Floats) -> Floats:
        return np.asarray(np.tensordot(per, products, 1))

    variance = two(cross * both) / to**2 + two(swapped * other) / back**2
    variance = (variance + two(cross * other + swapped * both) / (to * back)) / 2
    at = np.arange(a.shape[1])
    found[:, at, at] = variance
    return found


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """Log odds ratios (t,) against the first treatment, 0 itself, and their covariance (t, t)."""

    treatments: tuple[str, ...]
    effects: Floats
    covariance: Floats
    log_likelihood: float
    studies: int
    silent: tuple[str, ...]

    def contrasts(self) -> Contrasts:
        """The estimates as those of a single study, for `network_meta_analysis` with `tau2_method="FE"`."""
        first, *rest = self.treatments
        names = tuple(rest), (first,) * len(rest), ("all studies",) * len(rest)
        return Contrasts(self.effects[1:], self.covariance[1:, 1:], *names)


def hypergeometric_network(
    events: ArrayLike,
    n: ArrayLike,
    treatment: Sequence[str],
    study: Sequence[str],
    *,
    reference: str | None = None,
) -> Hypergeometric:
    """The conditional maximum likelihood of a network of common odds ratios, from its arms (a,).

    Given a study's events, those of its arms are noncentral hypergeometric: nothing is added to empty
    cells, and several arms are one likelihood. It is concave; Newton's method from even odds
    finds its top. Raises ValueError where there is none: a treatment has no events, or only events.

    >>> fit = hypergeometric_network([1, 3, 0, 2], [50, 50, 60, 60], "abab", "1122")
    >>> fit.effects.round(4).tolist()
    [0.0, 1.6408]
    """
    arms, silent = _read(events, n, treatment, study)
    treatments = sorted({arm for each in arms.values() for arm in each.events})
    if not treatments:
        raise ValueError(SILENT)
    if reference is not None:
        first = one_of("reference", str(reference), treatments)
        treatments.sort(key=lambda name: name != first)
    check_connected([frozenset(map(treatments.index, each.events)) for each in arms.values()], treatments)
    likelihoods = [_Conditional.of(each, treatments) for each in arms.values()]
    effects = np.zeros(len(treatments))
    for _ in range(CLIMBS):
        value, slope, bend = _sum(likelihoods, effects)
        step = np.linalg.solve(bend[1:, 1:], slope[1:]) if np.linalg.cond(bend[1:, 1:]) < 1e12 else None
        if step is None or np.abs(effects).max() > FAR:
            raise ValueError(_endless(arms.values(), treatments))
        share = 1.0
        while _sum(likelihoods, effects + share * np.append(0.0, step))[0] < value - 1e-9 and share > 1e-6:
            share /= 2
        effects[1:] += share * step
        if np.abs(step).max() < 1e-11:
            break
    value, _, bend = _sum(likelihoods, effects)
    covariance = np.pad(np.linalg.inv(bend[1:, 1:]), ((1, 0), (1, 0)))
    return Hypergeometric(tuple(treatments), effects, covariance, value, len(arms), silent)


def _endless(studies: Collection[_Arms], treatments: Sequence[str]) -> str:
    """Why the likelihood has no top, by the treatments that are at fault where one alone is."""
    for arm in treatments:
        own = [each for each in studies if arm in each.events]
        for kind, of in (("no events", "events"), ("only events", "others")):
            if not sum(getattr(each, of)[arm] for each in own):
                return f"events: {arm} has {kind} in any study that tells something: {NO_TOP}"
    return f"events: of some treatments together none has an event, or all have, against the others: {NO_TOP}"


@dataclass(frozen=True, slots=True)
class _Conditional:
    """The likelihood of a study given its events: the treatments of its arms, and for each arm the
    logarithms of the ways (events + 1,) to have so many events. Any `odds` of an event common to all arms
    cancel; those of the whole study keep the numbers within reach of a float."""

    arms: list[int]
    events: Floats
    ways: list[Floats]
    odds: float

    @classmethod
    def of(cls, study: _Arms, treatments: Sequence[str]) -> _Conditional:
        total = sum(study.events.values())
        if any(value % 1 for value in [*study.events.values(), *study.others.values()]):
            raise ValueError("events, n: the hypergeometric likelihood needs whole numbers")
        if total > MOST:
            raise ValueError(f"events: a study has {total:g}: with more than {MOST} take Mantel-Haenszel")
        ways = []
        for arm, own in study.events.items():
            people = own + study.others[arm]
            x = np.arange(min(people, total) + 1)
            ways.append(gammaln(people + 1) - gammaln(x + 1) - gammaln(people - x + 1))
        odds = np.log(total / sum(study.others.values()))
        events = np.array([*study.events.values()])
        return cls([treatments.index(arm) for arm in study.events], events, ways, float(odds))

    def at(self, effects: Floats) -> tuple[float, Floats, Floats]:
        """The log-likelihood, its slope (arms,) and minus its bend (arms, arms) at effects (t,)."""
        own, total = self.odds + effects[self.arms] - effects[self.arms].mean(), int(self.events.sum())
        terms, height = [], 0.0
        for ways, effect in zip(self.ways, own, strict=True):
            log = ways + effect * np.arange(ways.size)
            height += log.max()
            terms.append(np.exp(log - log.max()))
        counts = [np.arange(term.size) for term in terms]
        size = range(len(terms))

        def mean(*of: int) -> float:
            """The sum over all ways of the product of the events of some arms."""
            product = np.ones(1)
            for at in size:
                product = np.convolve(product, terms[at] * counts[at] ** of.count(at))[: total + 1]
            return float(product[total])

        whole = mean()
        if not whole > 0:
            return -np.inf, np.full(len(terms), np.nan), np.full((len(terms),) * 2, np.nan)
        first = np.array([mean(at) for at in size]) / whole
        second = np.array([[mean(at, other) for other in size] for at in size]) / whole
        value = float(self.events @ own) - height - np.log(whole)
        return value, self.events - first, second - np.outer(first, first)


def _sum(studies: Sequence[_Conditional], effects: Floats) -> tuple[float, Floats, Floats]:
    value, slope, bend = 0.0, np.zeros(effects.size), np.zeros((effects.size,) * 2)
    for each in studies:
        height, up, curve = each.at(effects)
        value += height
        slope[each.arms] += up
        bend[np.ix_(each.arms, each.arms)] += curve
    return value, slope, bend
