"""Effect sizes of two arms: mean differences, ratios of means, risk and odds ratios, risk differences.

Arm 1 is the experimental and arm 2 the control arm: effects are experimental minus (or over) control, ratios
as logarithms. All arguments broadcast against each other; a whole table of trials is one call. Where a 2x2
table has an empty cell, `zero_cells` (½ unless told otherwise) is added to all four cells of that table
alone; `Effects.added` says where. Last come designs in which people or arms are not independent: the same
people in both arms, people randomised in clusters, several experimental arms against one control arm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from trialpool.stats.checks import (
    Floats,
    at_least,
    between,
    counts,
    finite,
    not_negative,
    one_of,
    plain,
    positive,
    refuse,
    together,
)

SMD_VARIANCES = ("LS", "UB", "revman5")
NO_RATIO = "an empty cell leaves the ratio undefined: set zero_cells above 0"


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects with their sampling variances; unpacks as `effect, variance = ...`.

    `effect` is on the analysis scale (log for ratios), `added` is what was added to each cell of a 2x2
    table before computing (0 where nothing was, and for every continuous measure). Each has the
    broadcast shape of the inputs.
    """

    effect: Floats
    variance: Floats
    added: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as effect, variance."""
        return iter((self.effect, self.variance))


def mean_difference(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    pooled: bool = False,
) -> Effects:
    """Mean difference, experimental minus control, in the outcome's unit.

    The variance is sd1²/n1 + sd2²/n2, or with `pooled=True` s²(1/n1 + 1/n2) with the pooled within-arm
    SD s (Cochrane Handbook 10.5.1; Borenstein et al. 2009, ch. 4). A variance of 0 is refused.

    >>> effect, variance = mean_difference(5.0, 2.0, 20, 6.0, 2.0, 20)
    >>> float(effect), float(variance)
    (-1.0, 0.4)
    """
    m1, s1, a1, m2, s2, a2 = _arms(mean1, sd1, n1, mean2, sd2, n2, least=2 if pooled else 1)
    common = _pooled_variance(s1, a1, s2, a2) if pooled else None
    variance = s1**2 / a1 + s2**2 / a2 if common is None else common * (1 / a1 + 1 / a2)
    refuse("sd1", s1, variance <= 0, "sd1 and sd2 are both 0, so the difference has no sampling variance")
    return made(m1 - m2, variance)


def standardized_mean_difference(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    variance: str = "LS",
) -> Effects:
    """Hedges' g: the mean difference over the pooled SD, corrected for small samples; no unit.

    With m = n1 + n2 - 2 and N = n1 + n2, g = J·(mean1 - mean2)/s. `variance` selects
    - "LS" (default) 1/n1 + 1/n2 + g²/(2N), exact J (Hedges 1981; Borenstein et al. 2009);
    - "UB" 1/n1 + 1/n2 + (1 - (m - 2)/(m·J²))·g², exact J, unbiased (Hedges 1983; Viechtbauer 2007);
    - "revman5" N/(n1·n2) + g²/(2(N - 3.94)) with J ≈ 1 - 3/(4N - 9) (Deeks & Higgins 2010).

    >>> effect, variance = standardized_mean_difference(55.0, 47.0, 155, 75.0, 64.0, 156)
    >>> round(float(effect), 6), round(float(variance), 8)
    (-0.35517, 0.01306468)
    """
    one_of("variance", variance, SMD_VARIANCES)
    m1, s1, a1, m2, s2, a2 = _arms(mean1, sd1, n1, mean2, sd2, n2, least=1)
    total = a1 + a2
    freedom = total - 2
    refuse("n1", a1, freedom < (3 if variance == "UB" else 2), "n1 + n2 is too small for a pooled SD")
    pooled = np.sqrt(_pooled_variance(s1, a1, s2, a2))
    refuse("sd1", s1, pooled <= 0, "sd1 and sd2 are both 0, nothing to standardise by")
    if variance == "revman5":
        g = (1 - 3 / (4 * total - 9)) * (m1 - m2) / pooled
        return made(g, total / (a1 * a2) + g**2 / (2 * (total - 3.94)))
    factor = hedges_factor(freedom)
    g = factor * (m1 - m2) / pooled
    share = 1 / (2 * total) if variance == "LS" else 1 - (freedom - 2) / (freedom * factor**2)
    return made(g, 1 / a1 + 1 / a2 + share * g**2)


def ratio_of_means(
    mean1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Effects:
    """Log ratio of means, log(mean1/mean2), with variance sd1²/(n1·mean1²) + sd2²/(n2·mean2²).

    Both means must have the same sign and none may be 0 (Hedges, Gurevitch & Curtis 1999; Friedrich 2008).

    >>> effect, variance = ratio_of_means(4.0, 1.0, 25, 2.0, 1.0, 25)
    >>> round(float(effect), 6), round(float(variance), 6)
    (0.693147, 0.0125)
    """
    m1, s1, a1, m2, s2, a2 = _arms(mean1, sd1, n1, mean2, sd2, n2, least=1)
    refuse("mean1", m1, m1 * m2 <= 0, "a ratio needs both means other than 0 and of one sign")
    variance = s1**2 / (a1 * m1**2) + s2**2 / (a2 * m2**2)
    refuse("sd1", s1, variance <= 0, "sd1 and sd2 are both 0, so the ratio has no sampling variance")
    return made(np.log(m1 / m2), variance)


def hedges_factor(freedom: ArrayLike) -> Floats:
    """Exact small-sample correction J = Γ(m/2)/(√(m/2)·Γ((m - 1)/2)) by log-gamma (Hedges 1981), m > 1.

    >>> round(float(hedges_factor(18)), 8)
    0.95764643
    """
    m = positive("freedom", freedom)
    refuse("freedom", m, m <= 1, "must be above 1")
    return plain(np.exp(gammaln(m / 2) - np.log(m / 2) / 2 - gammaln((m - 1) / 2)))


def _arms(
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    least: int,
) -> tuple[Floats, ...]:
    return together(
        mean1=finite("mean1", mean1),
        sd1=not_negative("sd1", sd1),
        n1=counts("n1", n1, least=least),
        mean2=finite("mean2", mean2),
        sd2=not_negative("sd2", sd2),
        n2=counts("n2", n2, least=least),
    )


def _pooled_variance(sd1: Floats, n1: Floats, sd2: Floats, n2: Floats) -> Floats:
    return ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)


def made(effect: Floats, variance: Floats, added: Floats | float = 0.0) -> Effects:
    """Effects as they are handed out; what was `added` to each cell broadcasts."""
    effect = np.asarray(effect * 1.0)
    return Effects(
        plain(effect), plain(np.asarray(variance)), plain(np.broadcast_to(added, effect.shape) * 1.0)
    )


def risk_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: float = 0.5
) -> Effects:
    """Log risk ratio with variance 1/e1 - 1/n1 + 1/e2 - 1/n2 (Cochrane Handbook 10.4; Katz et al. 1978).

    >>> effect, variance = risk_ratio(4, 123, 11, 139)
    >>> round(float(effect), 10), round(float(variance), 10)
    (-0.8893113339, 0.325584765)
    """
    a, b, c, d, added = _cells(events1, n1, events2, n2, zero_cells)
    refuse("events1", a, (a == 0) | (c == 0), NO_RATIO)
    effect = np.log(a / (a + b)) - np.log(c / (c + d))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    refuse("events1", a, variance <= 0, "everybody in both arms had the event: no sampling variance")
    return made(effect, variance, added)


def odds_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: float = 0.5
) -> Effects:
    """Log odds ratio with variance 1/a + 1/b + 1/c + 1/d over the four cells (Woolf 1955).

    >>> result = odds_ratio(0, 10, 3, 12)
    >>> round(float(result.effect), 6), float(result.added)
    (-2.045994, 0.5)
    """
    a, b, c, d, added = _cells(events1, n1, events2, n2, zero_cells)
    refuse("events1", a, (a == 0) | (b == 0) | (c == 0) | (d == 0), NO_RATIO)
    effect = np.log(a / b) - np.log(c / d)
    return made(effect, 1 / a + 1 / b + 1 / c + 1 / d, added)


def risk_difference(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: float = 0.5
) -> Effects:
    """Risk difference with variance p1(1 - p1)/n1 + p2(1 - p2)/n2 (Cochrane Handbook 10.4).

    >>> effect, variance = risk_difference(5, 20, 10, 20)
    >>> float(effect), float(variance)
    (-0.25, 0.021875)
    """
    a, b, c, d, added = _cells(events1, n1, events2, n2, zero_cells)
    size1, size2 = a + b, c + d
    effect = a / size1 - c / size2
    variance = a * b / size1**3 + c * d / size2**3
    refuse("events1", a, variance <= 0, "each arm has all or no events: set zero_cells above 0")
    return made(effect, variance, added)


def peto_odds_ratio(events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Effects:
    """Peto's one-step log odds ratio (O - E)/V with variance 1/V (Yusuf et al. 1985).

    E = n1·x/N and V = n1·n2·x(N - x)/(N²(N - 1)), x the events of both arms together. Nothing is ever
    added; a table without any event (or with nothing else) holds no information and is refused.

    >>> effect, variance = peto_odds_ratio(1, 20, 5, 20)
    >>> round(float(effect), 6), round(float(variance), 6)
    (-1.529412, 0.764706)
    """
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    total, events = size1 + size2, a + c
    nothing = (events == 0) | (events == total)
    refuse("events1", a, nothing, "no or only events in both arms: Peto's method leaves such trials out")
    spread = size1 * size2 * events * (total - events) / (total**2 * (total - 1))
    effect = (a - size1 * events / total) / spread
    return made(effect, 1 / spread)


def tables(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    names: tuple[str, str, str, str] = ("events1", "n1", "events2", "n2"),
) -> tuple[Floats, Floats, Floats, Floats]:
    """Check events and arm sizes (whole numbers, events at most n) and broadcast them together.

    `names` are those of the caller's arguments, for the messages.

    >>> [float(x) for x in tables(1, 10, 2, 12)]
    [1.0, 10.0, 2.0, 12.0]
    """
    values = (events1, n1, events2, n2)
    least = (0, 1, 0, 1)
    read = {name: counts(name, x, least=low) for name, x, low in zip(names, values, least, strict=True)}
    e1, size1, e2, size2 = together(**read)
    refuse(names[0], e1, e1 > size1, f"more events than people ({names[1]})")
    refuse(names[2], e2, e2 > size2, f"more events than people ({names[3]})")
    return e1, size1, e2, size2


def _cells(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, zero_cells: float
) -> tuple[Floats, ...]:
    add = finite("zero_cells", zero_cells)
    refuse("zero_cells", add, add < 0, "must not be negative")
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    b, d = size1 - a, size2 - c
    added = np.where((a == 0) | (b == 0) | (c == 0) | (d == 0), add, 0.0)
    return a + added, b + added, c + added, d + added, added


def crossover_smd(
    mean_difference: ArrayLike, sd1: ArrayLike, sd2: ArrayLike, n: ArrayLike, correlation: ArrayLike
) -> Effects:
    """SMD of n people in both arms: difference over √((sd1² + sd2²)/2), not corrected for small samples.

    Variance (1/n + d²/(2n))·2(1 - r), with r between the two periods (Cochrane Handbook 5.1, 16.4.6.4).

    >>> effect, variance = crossover_smd(0.5, 2.38, 2.21, 10, 0.68)
    >>> round(float(effect), 8), round(float(variance) ** 0.5, 8)
    (0.21771565, 0.2559625)
    """
    difference, s1, s2, size, r = together(
        mean_difference=finite("mean_difference", mean_difference),
        sd1=positive("sd1", sd1),
        sd2=positive("sd2", sd2),
        n=counts("n", n, least=2),
        correlation=between("correlation", correlation, -1, 0.999),
    )
    d = difference / np.sqrt((s1**2 + s2**2) / 2)
    variance = (1 / size + d**2 / (2 * size)) * 2 * (1 - r)
    return made(d, variance)


def design_effect(cluster_size: ArrayLike, icc: ArrayLike) -> Floats:
    """How much clusters of one size widen a variance: 1 + (m - 1)·ICC (Cochrane Handbook 23.1.4).

    >>> round(float(design_effect(20, 0.05)), 10)
    1.95
    """
    size, rho = together(
        cluster_size=at_least("cluster_size", cluster_size, 1), icc=between("icc", icc, 0, 1)
    )
    return plain(1 + (size - 1) * rho)


@dataclass(frozen=True, slots=True)
class SharedControl:
    """Effects (…, m) of m experimental arms and their covariance (…, m, m); unpacks in that order."""

    effect: Floats
    covariance: Floats

    def __iter__(self) -> Iterator[Floats]:
        """Unpack as effect, covariance."""
        return iter((self.effect, self.covariance))


def shared_control_means(
    measure: str,
    mean: ArrayLike,
    sd: ArrayLike,
    n: ArrayLike,
    mean_control: ArrayLike,
    sd_control: ArrayLike,
    n_control: ArrayLike,
) -> SharedControl:
    """MD, SMD or ROM (log) of m arms (…, m) against one control (…), with their covariance (…, m, m).

    Off the diagonal stands what the control contributes: sc²/nc for MD, sc²/(nc·mc²) for ROM, 1/nc +
    gi·gj/(2N) for SMD, whose J (N - m - 1 df) and SD pool all N people of the trial (Gleser & Olkin 2009).

    >>> effect, covariance = shared_control_means("MD", [1.0, 2.0], [1, 1], [10, 10], 0.0, 2.0, 20)
    >>> covariance.round(3).tolist()
    [[0.3, 0.2], [0.2, 0.3]]
    """
    one_of("measure", measure, ("MD", "SMD", "ROM"))
    m, s, a = _experimental(mean=finite("mean", mean), sd=not_negative("sd", sd), n=counts("n", n, least=1))
    mc, sc, ac = together(
        mean_control=finite("mean_control", mean_control),
        sd_control=not_negative("sd_control", sd_control),
        n_control=counts("n_control", n_control, least=1),
    )
    mc, sc, ac = mc[..., None], sc[..., None], ac[..., None]
    if measure == "MD":
        return _with_covariance(m - mc, s**2 / a, sc**2 / ac)
    if measure == "ROM":
        refuse("mean", m, m * mc <= 0, "a ratio needs both means other than 0 and of one sign")
        return _with_covariance(np.log(m / mc), s**2 / (a * m**2), sc**2 / (ac * mc**2))
    total = a.sum(-1, keepdims=True) + ac
    freedom = total - a.shape[-1] - 1
    refuse("n", a, freedom < 2, "too few people for a pooled SD")
    variance = (((a - 1) * s**2).sum(-1, keepdims=True) + (ac - 1) * sc**2) / freedom
    refuse("sd", s, variance <= 0, "every SD is 0, nothing to standardise by")
    g = hedges_factor(freedom) * (m - mc) / np.sqrt(variance)
    joined = _with_covariance(g, 1 / a, 1 / ac)
    products = g[..., :, None] * g[..., None, :] / (2 * total[..., None])
    return SharedControl(joined.effect, joined.covariance + products)


def shared_control_events(
    measure: str,
    events: ArrayLike,
    n: ArrayLike,
    events_control: ArrayLike,
    n_control: ArrayLike,
    *,
    zero_cells: float = 0.5,
) -> SharedControl:
    """RR, OR (log) or RD of m arms (…, m) against one control (…), with their covariance (…, m, m).

    Off the diagonal stands the control's part of the variance: 1/c - 1/nc for RR, 1/c + 1/d for OR,
    p(1 - p)/nc for RD (Gleser & Olkin 2009). If any cell of a trial is empty, `zero_cells` is added to
    every cell of every arm of that trial, so that the arms keep one common control.

    >>> effect, covariance = shared_control_events("RD", [5, 10], [20, 20], 10, 20)
    >>> covariance.round(6).tolist()
    [[0.021875, 0.0125], [0.0125, 0.025]]
    """
    one_of("measure", measure, ("RR", "OR", "RD"))
    e, a = _experimental(events=counts("events", events), n=counts("n", n, least=1))
    add = not_negative("zero_cells", zero_cells)
    names = ("events", "n", "events_control", "n_control")
    a1, size1, c1, size2 = tables(
        e, a, np.asarray(events_control)[..., None], np.asarray(n_control)[..., None], names
    )
    b1, d1 = size1 - a1, size2 - c1
    empty = ((a1 == 0) | (b1 == 0) | (c1 == 0) | (d1 == 0)).any(-1, keepdims=True)
    a1, b1, c1, d1 = (cell + np.where(empty, add, 0.0) for cell in (a1, b1, c1, d1))
    size1, size2 = a1 + b1, c1 + d1
    if measure == "RD":
        return _with_covariance(a1 / size1 - c1 / size2, a1 * b1 / size1**3, (c1 * d1 / size2**3)[..., :1])
    refuse("events", a1, (a1 * c1 == 0) | ((measure == "OR") & (b1 * d1 == 0)), "empty cell: set zero_cells")
    if measure == "RR":
        effect = np.log(a1 / size1) - np.log(c1 / size2)
        return _with_covariance(effect, 1 / a1 - 1 / size1, (1 / c1 - 1 / size2)[..., :1])
    return _with_covariance(np.log(a1 / b1) - np.log(c1 / d1), 1 / a1 + 1 / b1, (1 / c1 + 1 / d1)[..., :1])


def _experimental(**arrays: Floats) -> tuple[Floats, ...]:
    values = together(**arrays)
    if values[0].ndim == 0:
        name = next(iter(arrays))
        raise ValueError(f"{name} has no axis: give the experimental arms along the last axis")
    return values


def _with_covariance(effect: Floats, own: Floats, control: Floats) -> SharedControl:
    covariance = np.eye(effect.shape[-1]) * own[..., None, :] + control[..., None]
    spread = np.diagonal(covariance, axis1=-2, axis2=-1)
    positive("variance", spread)
    return SharedControl(effect, covariance)
