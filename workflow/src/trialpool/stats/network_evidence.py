"""What the evidence of a network consists of: contrasts in, and who contributes what to each comparison out.

Every study is a small network of its own: its contrasts give a Laplacian, whose off-diagonal entries, sign
changed, are the weights of its pairs of arms once they are made independent (Rücker & Schwarzer 2014, Stat
Med 33: 4353). Their sum over studies is that of the network. Everything here is read off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.network import (
    NETWORK_INTERVALS,
    NO_LOOPS,
    TAU2_METHODS,
    Network,
    against_reference,
    by_design,
    fitted,
    gls,
    pair_variances,
    read_network,
    spread_of,
)

ALL_DIRECT = 1 - 1e-8  # a share of direct evidence beyond which nothing indirect is left
NOTHING = 1e-10  # a flow through a comparison that is rounding
SAMPLED = tuple(interval for interval in NETWORK_INTERVALS if interval != "bayes")


@dataclass(frozen=True, slots=True)
class EvidenceSplit:
    """Direct, indirect and network evidence on each pair (m,) of treatments, first minus second.

    `share_direct` is the variance of the network's estimate over that of the direct one, the weight that the
    latter has in the former; NaN where there is no such evidence. `difference` is direct minus indirect,
    `p_value` its test, with the network's tau2. `low` and `high` bound network, direct and indirect (3, m).
    """

    experimental: tuple[str, ...]
    control: tuple[str, ...]
    studies: Floats
    share_direct: Floats
    network: Floats
    network_se: Floats
    direct: Floats
    direct_se: Floats
    indirect: Floats
    indirect_se: Floats
    low: Floats
    high: Floats
    difference: Floats
    difference_se: Floats
    p_value: Floats
    tau2: float


@dataclass(frozen=True, slots=True)
class Contributions:
    """What direct comparisons and studies contribute to the estimate of each pair (m,); rows sum to 1.

    `by_comparison` (m, e) has a column for each pair of `direct` (e,), `by_study` (m, s) for each study.
    """

    experimental: tuple[str, ...]
    control: tuple[str, ...]
    direct: tuple[tuple[str, str], ...]
    studies: tuple[str, ...]
    by_comparison: Floats
    by_study: Floats


@dataclass(frozen=True, slots=True)
class NetHeat:
    """Where designs (d,), sets of treatments compared, disagree.

    `q` (d,) are the parts of the designs in Q between designs. `heat` (d, d) is what detaching the design of
    the column takes off that of the row: positive where the two disagree, negative where they support each
    other. `hat` (d, d) is the weight of the column's direct estimate in the network's of the row's.
    """

    designs: tuple[tuple[str, ...], ...]
    studies: Floats
    q: Floats
    heat: Floats
    hat: Floats
    tau2: float


@dataclass(frozen=True, slots=True)
class AdjustedEffects:
    """Every pair of arms of every study (n,), first minus second, less the direct estimate of its pair."""

    study: tuple[str, ...]
    experimental: tuple[str, ...]
    control: tuple[str, ...]
    effect: Floats
    se: Floats
    adjusted: Floats


@dataclass(frozen=True, slots=True)
class _Laplacians:
    """Weights of each study's pairs of arms at a tau2: Laplacians (s, t, t), and what they pull (s, t)."""

    each: Floats
    pulls: Floats

    def study_pairs(self) -> tuple[Floats, Floats]:
        """Effects and variances (s, t, t) of each study's pairs of arms, NaN where it lacks one of them."""
        inverse = np.asarray(np.linalg.pinv(self.each, hermitian=True), dtype=np.float64)
        means = np.einsum("sij,sj->si", inverse, self.pulls)
        has = np.diagonal(self.each, axis1=1, axis2=2) > 0
        lacks = ~(has[:, :, None] & has[:, None, :] & ~np.eye(has.shape[1], dtype=bool))
        effects, variances = means[:, :, None] - means[:, None, :], pair_variances(inverse)
        return np.where(lacks, np.nan, effects), np.where(lacks, np.nan, variances)

    def direct(self) -> tuple[Floats, Floats]:
        """Direct estimates and variances (t, t): each pair's studies pooled, NaN where there are none."""
        effects, variances = self.study_pairs()
        total = np.nansum(1 / variances, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nansum(effects / variances, axis=0) / total, np.where(total > 0, 1 / total, np.nan)


def _laplacians(data: Network, tau2: float) -> _Laplacians:
    weighted = data.incidence / (1 + tau2 * data.roots)[:, None]
    each = np.zeros((len(data.arms), *[len(data.treatments)] * 2))
    np.add.at(each, data.study, weighted[:, :, None] * data.incidence[:, None, :])
    pulls = np.zeros(each.shape[:2])
    np.add.at(pulls, data.study, weighted * data.y[:, None])
    return _Laplacians(each, pulls)


def _pairs(treatments: Sequence[str]) -> tuple[list[int], list[int], tuple[str, ...], tuple[str, ...]]:
    """Every two treatments, the later one first, as numbers and as names."""
    second, first = map(list, zip(*combinations(range(len(treatments)), 2), strict=True))
    return first, second, tuple(treatments[at] for at in first), tuple(treatments[at] for at in second)


def evidence_split(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    reference: str | None = None,
    tau2_method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> EvidenceSplit:
    """Split every comparison of a network into direct and indirect evidence by back-calculation.

    Arguments as `network_meta_analysis`. The direct estimate pools the studies of a pair with the network's
    tau2; the network's is the mean of it and of the indirect one by their inverse variances, which gives the
    latter (Dias et al. 2010, Stat Med 29: 932; netmeta's netsplit). `node_split` fits the model of each split
    instead, with its own tau2: in studies of several arms the two differ a little.

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> split = evidence_split([0.5, 0.4, 1.2], [0.1] * 3, *arms, tau2_method="FE")
    >>> split.share_direct.round(3).tolist(), split.difference.round(3).tolist()
    ([0.667, 0.667, 0.667], [-0.3, 0.3, -0.3])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, SAMPLED)
    level = check_level(level)
    data = read_network(effects, covariance, experimental, control, study, reference)
    fit, freedom = fitted(data, data.consistent, tau2_method), data.y.size - data.consistent.shape[1]
    df, scale = spread_of(fit.q, interval, freedom)
    first, second, one, other = _pairs(data.treatments)
    against, spread = against_reference(fit)
    network, variance = against[first] - against[second], pair_variances(spread)[first, second]
    direct, direct_variance = (values[first, second] for values in _laplacians(data, fit.tau2).direct())
    share = np.where(np.isnan(direct), 0.0, np.minimum(variance / direct_variance, 1.0))
    mixed = (share > 0) & (share < ALL_DIRECT)
    rest = np.where(share < ALL_DIRECT, 1 - share, np.nan)
    indirect = (network - share * np.where(share > 0, direct, 0.0)) / rest
    estimates = np.array([network, direct, indirect])
    errors = np.sqrt(scale * np.array([variance, direct_variance, variance / rest]))
    difference = np.where(mixed, direct - indirect, np.nan)
    apart = np.where(mixed, np.hypot(errors[1], errors[2]), np.nan)
    bounds, test = infer(estimates, errors, df, level), infer(difference, apart, df, level)
    studies = [sum({*pair} <= arms for arms in data.arms) for pair in zip(first, second, strict=True)]
    return EvidenceSplit(
        experimental=one,
        control=other,
        studies=np.array(studies, dtype=np.float64),
        share_direct=np.where(share >= ALL_DIRECT, 1.0, share),
        network=network,
        network_se=errors[0],
        direct=direct,
        direct_se=errors[1],
        indirect=indirect,
        indirect_se=errors[2],
        low=bounds.ci_low,
        high=bounds.ci_high,
        difference=difference,
        difference_se=apart,
        p_value=np.asarray(test.p_value),
        tau2=fit.tau2,
    )


def contributions(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    reference: str | None = None,
    tau2_method: str = "REML",
) -> Contributions:
    """What each direct comparison and each study contributes to every comparison of a network.

    Arguments as `network_meta_analysis`. A row of the hat matrix is a flow of evidence from one treatment to
    the other. A walker who follows it, at each treatment taking a comparison with the probability of its
    flow, walks a path; a comparison contributes the probability of each path through it over the number of
    comparisons on that path (Davies et al. 2022, Stat Med 41: 2091; netmeta's netcontrib, method
    "randomwalk"). The sum over all paths is taken exactly, by their length, without listing them. Within a
    comparison studies share by weight (Papakonstantinou et al. 2018, F1000Research 7: 610).

    >>> arms = ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    >>> contributions([0.5, 0.4, 1.2], [0.1] * 3, *arms, tau2_method="FE").by_comparison.round(3)[0].tolist()
    [0.667, 0.167, 0.167]
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    data = read_network(effects, covariance, experimental, control, study, reference)
    each = _laplacians(data, fitted(data, data.consistent, tau2_method).tau2).each
    first, second, one, other = _pairs(data.treatments)
    weights, own = -each.sum(axis=0), -each[:, first, second]
    edges = np.flatnonzero(np.abs(weights[first, second]) > NOTHING * np.abs(weights).max())
    if (weights[first, second] < -NOTHING * np.abs(weights).max()).any():
        raise ValueError("covariance: it gives a pair of arms a negative weight, so that nothing flows there")
    inverse = np.linalg.pinv(-weights, hermitian=True)
    flows = [
        _walk(weights, inverse[start] - inverse[end], start, end)
        for start, end in zip(first, second, strict=True)
    ]
    by_comparison = np.array([(flow + flow.T)[first, second][edges] for flow in flows])
    share = own[:, edges] / own[:, edges].sum(axis=0)
    return Contributions(
        one,
        other,
        tuple((one[at], other[at]) for at in edges),
        tuple(dict.fromkeys(map(str, study))),
        by_comparison,
        by_comparison @ share.T,
    )


def _walk(weights: Floats, potential: Floats, start: int, end: int) -> Floats:
    """Contributions (t, t) of the steps of a walk down a potential (t,): probability over length of path."""
    t = potential.size
    flow = np.where(np.eye(t, dtype=bool), 0.0, weights * np.subtract.outer(potential, potential))
    flow = np.where(flow > NOTHING, flow, 0.0)
    out = flow.sum(axis=1, keepdims=True)
    step = np.divide(flow, out, out=np.zeros_like(flow), where=out > 0)
    arrive, leave = np.zeros((t, t)), np.zeros((t, t))  # after, and before, so many steps
    arrive[0, start] = leave[0, end] = 1.0
    for steps in range(1, t):
        arrive[steps], leave[steps] = arrive[steps - 1] @ step, step @ leave[steps - 1]
    length = 1 / (1.0 + np.add.outer(np.arange(t), np.arange(t)))
    return np.asarray(step * (arrive.T @ length @ leave))


def net_heat(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    tau2_method: str = "FE",
) -> NetHeat:
    """Find the designs that disagree with the rest of a network, and those that this is due to.

    Arguments as `network_meta_analysis`. Each design's studies are pooled; what the network leaves of it are
    its residuals, whose square, over its covariance, is its part of Q between designs; a design is detached
    by giving it effects of its own (Krahn, Binder & König 2013, BMC Med Res Methodol 13: 35). The contrasts
    of a design of several arms are taken together. With another `tau2_method` than FE the weights have the
    tau2 of the model where every design has its own effects. Networks where no designs can disagree are
    ValueErrors.

    >>> y, v = [0.5, 0.4, 2.0, 0.6], [0.1, 0.1, 0.1, 0.1]
    >>> found = net_heat(y, v, ["b", "c", "c", "b"], ["a", "b", "a", "a"], ["1", "2", "3", "4"])
    >>> found.designs, found.q.round(3).tolist()
    ((('a', 'b'), ('a', 'c'), ('b', 'c')), [0.882, 1.764, 1.764])
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    data = read_network(effects, covariance, experimental, control, study)
    full, _ = by_design(data)
    if full.shape[1] == data.consistent.shape[1]:
        raise ValueError(NO_LOOPS)
    fit = gls(data, full, fitted(data, full, tau2_method).tau2)
    designs = sorted(set(data.arms), key=sorted)
    of = np.concatenate([[at] * (len(each) - 1) for at, each in enumerate(designs)])
    arms = [sorted(each) for each in designs]
    one = np.eye(len(data.treatments))
    incidence = np.concatenate([one[each[1:]] - one[each[0]] for each in arms])[:, 1:]
    root = np.linalg.inv(np.linalg.cholesky(fit.covariance))  # block by block: designs are independent
    y, x = root @ fit.coefficients, root @ incidence
    member = np.equal.outer(np.arange(len(designs)), of).astype(np.float64)

    def parts(design: Floats) -> Floats:
        rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        return np.asarray(member @ rest**2)

    q = parts(x)
    own = [root[:, of == at] for at in range(len(designs))]
    heat = np.column_stack([q - parts(np.column_stack([x, each])) for each in own])
    hat = np.abs(incidence @ np.linalg.pinv(x) @ root)
    weight = member @ hat @ member.T / member.sum(axis=1, keepdims=True)
    names = tuple(tuple(data.treatments[arm] for arm in each) for each in arms)
    counts = [sum(each == design for each in data.arms) for design in designs]
    return NetHeat(names, np.array(counts, dtype=np.float64), q, heat, weight, fit.tau2)


def comparison_adjusted(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    order: Sequence[str],
    tau2_method: str = "REML",
) -> AdjustedEffects:
    """Effects of a comparison-adjusted funnel plot (Chaimani & Salanti 2012, Res Synth Methods 3: 161).

    Arguments as `network_meta_analysis`. `order` lists every treatment, such as from oldest to newest:
    of each pair the later is compared with the earlier, so that an asymmetry has a meaning. From each study's
    effect the direct estimate of its pair, with the network's tau2, is taken away. A study of m arms has all
    its m(m - 1)/2 pairs.

    >>> arms = ["b", "b", "a"], ["a", "a", "b"], ["1", "2", "3"]
    >>> comparison_adjusted([0.5, 0.7, -0.9], [0.1] * 3, *arms, order="ab").adjusted.round(3).tolist()
    [-0.2, 0.0, 0.2]
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    data = read_network(effects, covariance, experimental, control, study)
    if not np.iterable(order) or sorted(map(str, order)) != sorted(data.treatments):
        raise ValueError(f"order: list each treatment once: {', '.join(sorted(data.treatments))}")
    place = [[*map(str, order)].index(name) for name in data.treatments]
    tau2 = fitted(data, data.consistent, tau2_method).tau2
    direct = _laplacians(data, tau2).direct()[0]
    found, variances = _laplacians(data, 0.0).study_pairs()
    later = np.greater.outer(place, place)
    at, first, second = np.nonzero(np.isfinite(found) & later)
    studies = tuple(dict.fromkeys(map(str, study)))
    own = found[at, first, second]
    return AdjustedEffects(
        study=tuple(studies[row] for row in at),
        experimental=tuple(data.treatments[arm] for arm in first),
        control=tuple(data.treatments[arm] for arm in second),
        effect=own,
        se=np.sqrt(variances[at, first, second]),
        adjusted=own - direct[first, second],
    )
