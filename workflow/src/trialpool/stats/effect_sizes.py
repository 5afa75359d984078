"""Effect sizes of two arms: of means and their spread, of events among people, of events over person-time.

Arm 1 is the experimental and arm 2 the control arm: effects are experimental minus (or over) control, ratios
as logarithms. All arguments broadcast; a whole table of trials is one call. Where a 2x2 table has an empty
cell, `zero_cells` says what is added to that table alone: a number to all four cells, or a rule by its name,
- "none" nothing;
- "constant" 0.5 to all cells, as the number 0.5;
- "treatment_arm" n1/(n1 + n2) to both cells of arm 1 and n2/(n1 + n2) to those of arm 2 (Sweeting, Sutton &
  Lambert 2004), so that arms of unequal size do not by themselves make an effect;
- "revman" 0.5 to all cells, but of a risk difference for its variance alone (Deeks & Higgins 2010).
Last come designs in which people or arms are not independent: paired values, crossover, clusters, several
experimental arms against one control arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from trialpool.measures import OF_EVENTS
from trialpool.stats import checks
from trialpool.stats.checks import Bools, Floats, Unpacks, finite, one_of, plain, read, refuse

SMD_VARIANCES = ("LS", "UB", "revman5", "unequal")
ZERO_CELLS = ("none", "constant", "treatment_arm", "revman")
HALF = 0.5  # what the rules add that add one number
MEANS = {
    "mean1": "number",
    "sd1": "not negative",
    "n1": "people",
    "mean2": "number",
    "sd2": "not negative",
    "n2": "people",
}
NO_RATIO_OF_MEANS = "a ratio needs both means other than 0 and of one sign"
NO_RATIO = "an empty cell leaves the ratio undefined: set zero_cells above 0"
NO_VARIANCE = {
    "MD": "sd1 and sd2 are both 0, so the difference has no sampling variance",
    "ROM": "sd1 and sd2 are both 0, so the ratio has no sampling variance",
    "RR": "everybody in both arms had the event: no sampling variance",
    "RD": "each arm has all or no events: set zero_cells above 0",
    "IRD": "no event in either arm: set zero_cells above 0",
}
ZeroCells = ArrayLike  # a number, or the name of a rule of ZERO_CELLS
Parts = tuple[Floats, Floats, Floats]  # the effect, and what each arm adds to its variance


@dataclass(frozen=True, slots=True)
class Effects(Unpacks):
    """Effects on the analysis scale (log for ratios) with their sampling variances, unpacking as these two.

    `added` is what was added to each cell of a 2x2 table before computing, else 0; by the rule
    "treatment_arm" to each of the experimental arm.
    """

    effect: Floats
    variance: Floats
    added: Floats


def made(effect: Floats, variance: Floats, added: Floats | float = 0.0) -> Effects:
    """Effects as they are handed out; what was `added` to each cell broadcasts."""
    return Effects(
        plain(effect * 1.0), plain(variance), plain(np.broadcast_to(added, np.shape(effect)) * 1.0)
    )


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

    >>> mean_difference(5.0, 2.0, 20, 6.0, 2.0, 20)
    Effects(effect=np.float64(-1.0), variance=np.float64(0.4), added=np.float64(0.0))
    """
    pooled = checks.yes_or_no("pooled", pooled)
    kinds = MEANS | {"n1": "two people", "n2": "two people"} if pooled else MEANS
    arms = m1, s1, a1, m2, s2, a2 = read(kinds, mean1, sd1, n1, mean2, sd2, n2)
    if not pooled:
        return _of_means("MD", *arms)
    variance = _pooled_variance(s1, a1, s2, a2) * (1 / a1 + 1 / a2)
    refuse("sd1", s1, variance <= 0, NO_VARIANCE["MD"])
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
    - "revman5" N/(n1·n2) + g²/(2(N - 3.94)) with J ≈ 1 - 3/(4N - 9) (Deeks & Higgins 2010);
    - "unequal" both, with s the root mean square of sd1 and sd2: see `heteroscedastic_smd`.

    >>> standardized_mean_difference(55.0, 47.0, 155, 75.0, 64.0, 156).effect.round(6)
    np.float64(-0.35517)
    """
    if one_of("variance", variance, SMD_VARIANCES) == "unequal":
        return heteroscedastic_smd(mean1, sd1, n1, mean2, sd2, n2)
    m1, s1, a1, m2, s2, a2 = read(MEANS, mean1, sd1, n1, mean2, sd2, n2)
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
    mean1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    mean2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    corrected: bool = False,
) -> Effects:
    """Log ratio of means, log(mean1/mean2), with variance sd1²/(n1·mean1²) + sd2²/(n2·mean2²).

    Both means must have the same sign and none may be 0 (Hedges, Gurevitch & Curtis 1999; Friedrich 2008).
    `corrected` takes out the bias of small samples: with cᵢ = sdᵢ²/(nᵢ·meanᵢ²) the effect gets (c1 - c2)/2
    more, its variance (c1² + c2²)/2 (Lajeunesse 2015).

    >>> ratio_of_means(4.0, 1.0, 25, 2.0, 1.0, 25).effect.round(6)
    np.float64(0.693147)
    >>> ratio_of_means(4.0, 1.0, 25, 2.0, 1.0, 25, corrected=True).effect.round(6)
    np.float64(0.689397)
    """
    arms = read(MEANS, mean1, sd1, n1, mean2, sd2, n2)
    refuse("mean1", arms[0], _no_ratio_of_means(arms[0], arms[3]), NO_RATIO_OF_MEANS)
    plainly = _of_means("ROM", *arms)
    if not checks.yes_or_no("corrected", corrected):
        return plainly
    _, own, control = _mean_parts("ROM", *arms)
    return made(plainly.effect + (own - control) / 2, plainly.variance + (own**2 + control**2) / 2)


def log_variability_ratio(sd1: ArrayLike, n1: ArrayLike, sd2: ArrayLike, n2: ArrayLike) -> Effects:
    """Log ratio of SDs (lnVR), log(sd1/sd2) + 1/(2(n1 - 1)) - 1/(2(n2 - 1)) (Nakagawa et al. 2015).

    Its variance is 1/(2(n1 - 1)) + 1/(2(n2 - 1)), for values that are normal.

    >>> log_variability_ratio(2.0, 21, 1.0, 21)
    Effects(effect=np.float64(0.6931471805599453), variance=np.float64(0.05), added=np.float64(0.0))
    """
    kinds = {"sd1": "positive", "n1": "two people", "sd2": "positive", "n2": "two people"}
    s1, a1, s2, a2 = read(kinds, sd1, n1, sd2, n2)
    own, control = 1 / (2 * (a1 - 1)), 1 / (2 * (a2 - 1))
    return made(np.log(s1 / s2) + own - control, own + control)


def log_cv_ratio(
    mean1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Effects:
    """Log ratio of coefficients of variation (lnCVR) of values above 0 (Nakagawa et al. 2015).

    lnVR less log(mean1/mean2), with the variances of both added: mean and SD of normal values do not depend
    on each other.

    >>> log_cv_ratio(10.0, 2.0, 21, 10.0, 1.0, 21).effect.round(6)
    np.float64(0.693147)
    """
    kinds = {"mean1": "positive", "sd1": "positive", "n1": "two people"}
    kinds |= {"mean2": "positive", "sd2": "positive", "n2": "two people"}
    m1, s1, a1, m2, s2, a2 = read(kinds, mean1, sd1, n1, mean2, sd2, n2)
    refuse("mean1", m1, _no_ratio_of_means(m1, m2), NO_RATIO_OF_MEANS)
    spread, means = log_variability_ratio(s1, a1, s2, a2), _mean_parts("ROM", m1, s1, a1, m2, s2, a2)
    return made(spread.effect - means[0], spread.variance + means[1] + means[2])


def heteroscedastic_smd(
    mean1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Effects:
    """SMD of arms whose SDs differ: J·(mean1 - mean2)/√((sd1² + sd2²)/2), metafor's SMDH (Bonett 2009).

    J is that of n1 + n2 - 2 degrees of freedom; the variance is J²·(g²(s1⁴/(n1 - 1) + s2⁴/(n2 - 1))/(8s⁴) +
    (s1²/(n1 - 1) + s2²/(n2 - 1))/s²), with s² the mean of both variances.

    >>> heteroscedastic_smd(55.0, 47.0, 155, 75.0, 64.0, 156).effect.round(6)
    np.float64(-0.355342)
    """
    kinds = MEANS | {"n1": "two people", "n2": "two people"}
    m1, s1, a1, m2, s2, a2 = read(kinds, mean1, sd1, n1, mean2, sd2, n2)
    square = (s1**2 + s2**2) / 2
    refuse("sd1", s1, square <= 0, "sd1 and sd2 are both 0, nothing to standardise by")
    factor = hedges_factor(a1 + a2 - 2)
    g = factor * (m1 - m2) / np.sqrt(square)
    spread = (s1**4 / (a1 - 1) + s2**4 / (a2 - 1)) / (8 * square**2)
    return made(g, factor**2 * (g**2 * spread + (s1**2 / (a1 - 1) + s2**2 / (a2 - 1)) / square))


def standardized_mean_change(
    mean1: ArrayLike,
    mean2: ArrayLike,
    sd1: ArrayLike,
    n: ArrayLike,
    correlation: ArrayLike,
    *,
    sd2: ArrayLike | None = None,
) -> Effects:
    """The change of n people from mean2 to mean1 as SMD, J(n - 1)·(mean1 - mean2) over an SD.

    With `sd2` the SD is that of the change, √(sd1² + sd2² - 2r·sd1·sd2), and the variance 1/n + g²/(2n):
    metafor's SMCC (Gibbons et al. 1993). Without it the SD is `sd1`, the raw one of one point in time, and
    the variance 2(1 - r)/n + g²/(2n): SMCR (Becker 1988). `correlation` r is between the two points.

    >>> standardized_mean_change(5.0, 3.0, 2.0, 20, 0.5).effect.round(6)
    np.float64(0.95991)
    >>> standardized_mean_change(5.0, 3.0, 2.0, 20, 0.5, sd2=2.0).variance.round(6)
    np.float64(0.073036)
    """
    kinds = {"mean1": "number", "mean2": "number", "sd1": "positive", "n": "two people"}
    m1, m2, s1, size, r = read(kinds | {"correlation": "correlation"}, mean1, mean2, sd1, n, correlation)
    refuse("n", size, size < 3, "too few people for an SD")
    factor, share, spread = hedges_factor(size - 1), 2 * (1 - r), s1
    if sd2 is not None:
        s2 = finite("sd2", sd2, above=0)
        checks.together(sd1=s1, sd2=s2)
        spread = np.sqrt(s1**2 + s2**2 - 2 * r * s1 * s2)
        share = np.broadcast_to(1.0, spread.shape)
    none = (spread < 1 / checks.HUGE) | (share <= 0)
    refuse("correlation", r, none, "the change does not vary: no SD to divide by")
    g = factor * (m1 - m2) / spread
    return made(g, share / size + g**2 / (2 * size))


def hedges_factor(freedom: ArrayLike) -> Floats:
    """Exact small-sample correction J = Γ(m/2)/(√(m/2)·Γ((m - 1)/2)) (Hedges 1981), m > 1; by log-gamma, or
    where its digits cancel, beyond 10⁴, by the series in 1/m.

    >>> round(float(hedges_factor(18)), 8)
    0.95764643
    """
    m = finite("freedom", freedom, above=1)
    exact = np.exp(gammaln(m / 2) - np.log(m / 2) / 2 - gammaln((m - 1) / 2))
    return plain(np.where(m > 1e4, 1 - 3 / (4 * m) - 7 / (32 * m**2) - 9 / (128 * m**3), exact))


def _no_ratio_of_means(m1: Floats, m2: Floats) -> Bools:
    return np.asarray((np.sign(m1) != np.sign(m2)) | (np.minimum(abs(m1), abs(m2)) < 1 / checks.HUGE))


def _mean_parts(
    measure: str, m1: Floats, s1: Floats, a1: Floats, m2: Floats, s2: Floats, a2: Floats
) -> Parts:
    if measure == "MD":
        return m1 - m2, s1**2 / a1, s2**2 / a2
    return np.log(m1 / m2), s1**2 / (a1 * m1**2), s2**2 / (a2 * m2**2)


def _of_means(measure: str, *arms: Floats) -> Effects:
    effect, own, control = _mean_parts(measure, *arms)
    refuse("sd1", arms[1], own + control <= 0, NO_VARIANCE[measure])
    return made(effect, own + control)


def _pooled_variance(sd1: Floats, n1: Floats, sd2: Floats, n2: Floats) -> Floats:
    return ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)


def risk_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: ZeroCells = 0.5
) -> Effects:
    """Log risk ratio with variance 1/e1 - 1/n1 + 1/e2 - 1/n2 (Cochrane Handbook 10.4; Katz et al. 1978).

    >>> risk_ratio(4, 123, 11, 139).effect.round(6)
    np.float64(-0.889311)
    """
    return of_events("RR", tables(events1, n1, events2, n2), zero_cells)


def odds_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: ZeroCells = 0.5
) -> Effects:
    """Log odds ratio with variance 1/a + 1/b + 1/c + 1/d over the four cells (Woolf 1955).

    >>> odds_ratio(0, 10, 3, 12).added
    np.float64(0.5)
    """
    return of_events("OR", tables(events1, n1, events2, n2), zero_cells)


def risk_difference(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: ZeroCells = 0.5
) -> Effects:
    """Risk difference with variance p1(1 - p1)/n1 + p2(1 - p2)/n2 (Cochrane Handbook 10.4).

    >>> risk_difference(5, 20, 10, 20).variance
    np.float64(0.021875)
    """
    return of_events("RD", tables(events1, n1, events2, n2), zero_cells)


def arcsine_difference(events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Effects:
    """Arcsine difference asin √p1 - asin √p2 with variance 1/(4n1) + 1/(4n2) (Rücker et al. 2009).

    Defined, and its variance free of the effect, in tables with empty cells as well: nothing is added.

    >>> arcsine_difference(0, 10, 3, 12).variance.round(6)
    np.float64(0.045833)
    """
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    effect = np.arcsin(np.sqrt(a / size1)) - np.arcsin(np.sqrt(c / size2))
    return made(effect, 1 / (4 * size1) + 1 / (4 * size2))


def rate_ratio(
    events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, *, zero_cells: ZeroCells = 0.5
) -> Effects:
    """Log ratio of two rates of events over person-time, with variance 1/events1 + 1/events2.

    Where an arm has no event, `zero_cells` is added to the events of both, not to their time (Rothman,
    Greenland & Lash 2008; metafor's IRR).

    >>> rate_ratio(7, 1344, 11, 1988).effect.round(6)
    np.float64(-0.060506)
    """
    return of_rates("IRR", rates(events1, time1, events2, time2), zero_cells)


def rate_difference(
    events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, *, zero_cells: ZeroCells = 0.5
) -> Effects:
    """Difference of two rates of events over person-time, with variance events1/time1² + events2/time2².

    In events per unit of time; `zero_cells` as in `rate_ratio` (metafor's IRD).

    >>> rate_difference(5, 10.0, 2, 10.0)
    Effects(effect=np.float64(0.3), variance=np.float64(0.07), added=np.float64(0.0))
    """
    return of_rates("IRD", rates(events1, time1, events2, time2), zero_cells)


def rates(events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike) -> tuple[Floats, ...]:
    """Check events and person-times and broadcast them together; one person may have several events."""
    kinds = {"events1": "events", "time1": "positive", "events2": "events", "time2": "positive"}
    x, period1, z, period2 = read(kinds, events1, time1, events2, time2)
    checks.not_vanishing("time1", period1)
    checks.not_vanishing("time2", period2)
    return x, period1, z, period2


def of_rates(measure: str, counts: tuple[Floats, ...], zero_cells: ZeroCells) -> Effects:
    """IRR (log) or IRD of checked events and person-times."""
    x, time1, z, time2 = counts
    rule, add = rule_of(zero_cells)
    empty = (x == 0) | (z == 0)
    checks.together(events=empty, zero_cells=add)
    own = control = np.where(empty, add, 0.0)
    if rule == "treatment_arm":
        own = np.where(empty, time1 / (time1 + time2), 0.0)
        control = np.where(empty, 1 - own, 0.0)
    first, second = x + own, z + control
    if measure == "IRR":
        refuse("events1", x, (first == 0) | (second == 0), NO_RATIO)
        return made(np.log(first / time1) - np.log(second / time2), 1 / first + 1 / second, own)
    variance = first / time1**2 + second / time2**2
    refuse("events1", x, variance <= 0, NO_VARIANCE["IRD"])
    effect = x / time1 - z / time2 if rule == "revman" else first / time1 - second / time2
    return made(effect, variance, own)


def peto_odds_ratio(events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Effects:
    """Peto's one-step log odds ratio (O - E)/V with variance 1/V (Yusuf et al. 1985).

    E = n1·x/N and V = n1·n2·x(N - x)/(N²(N - 1)), x the events of both arms together. A table without any
    event (or with nothing else) holds no information and is refused.

    >>> peto_odds_ratio(1, 20, 5, 20).effect.round(6)
    np.float64(-1.529412)
    """
    cells = tables(events1, n1, events2, n2)
    excess, spread = excess_events(*cells)
    nothing = "no or only events in both arms: Peto's method leaves such trials out"
    refuse("events1", cells[0], spread <= 0, nothing)
    return made(excess / spread, 1 / spread)


def excess_events(a: Floats, size1: Floats, c: Floats, size2: Floats) -> tuple[Floats, Floats]:
    """Peto's O - E of 2x2 tables, and its hypergeometric variance V."""
    total, events = size1 + size2, a + c
    spread = size1 * size2 * events * (total - events) / (total**2 * (total - 1))
    return a - size1 * events / total, spread


def excess_rates(x: Floats, time1: Floats, z: Floats, time2: Floats) -> tuple[Floats, Floats]:
    """The same over person-time: O - E, and its binomial variance V."""
    total, events = time1 + time2, x + z
    return x - time1 * events / total, time1 * time2 * events / total**2


def tables(
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    names: tuple[str, str, str, str] = ("events1", "n1", "events2", "n2"),
) -> tuple[Floats, Floats, Floats, Floats]:
    """Check events and arm sizes by the caller's `names` (events at most n) and broadcast them together."""
    kinds = dict(zip(names, ("events", "people") * 2, strict=True))
    e1, size1, e2, size2 = read(kinds, events1, n1, events2, n2)
    refuse(names[0], e1, e1 > size1, f"more events than people ({names[1]})")
    refuse(names[2], e2, e2 > size2, f"more events than people ({names[3]})")
    return e1, size1, e2, size2


def event_parts(measure: str, a: Floats, b: Floats, c: Floats, d: Floats) -> Parts:
    """RR, OR (log) or RD of the cells of 2x2 tables."""
    size1, size2 = a + b, c + d
    if measure == "RR":
        return np.log(a / size1) - np.log(c / size2), 1 / a - 1 / size1, 1 / c - 1 / size2
    if measure == "OR":
        return np.log(a / b) - np.log(c / d), 1 / a + 1 / b, 1 / c + 1 / d
    return a / size1 - c / size2, a * b / size1**3, c * d / size2**3


def of_events(measure: str, counts: tuple[Floats, ...], zero_cells: ZeroCells) -> Effects:
    """RR, OR (log) or RD of checked tables, with what `zero_cells` adds where one has an empty cell."""
    *cells, added = filled(counts, zero_cells)
    refuse("events1", cells[0], _no_ratio(measure, *cells), NO_RATIO)
    effect, own, control = event_parts(measure, *cells)
    refuse("events1", cells[0], own + control <= 0, NO_VARIANCE.get(measure, ""))
    if measure == "RD" and isinstance(zero_cells, str) and zero_cells == "revman":
        effect = counts[0] / counts[1] - counts[2] / counts[3]
    return made(effect, own + control, added)


def rule_of(zero_cells: ZeroCells) -> tuple[str, Floats]:
    """A rule by its name, and the number that it adds to equal arms; a number is the constant rule.

    >>> rule_of("revman"), rule_of(0.1)
    (('revman', array(0.5)), ('constant', array(0.1)))
    """
    if isinstance(zero_cells, str):
        one_of("zero_cells", zero_cells, ZERO_CELLS)
        return zero_cells, np.asarray(0.0 if zero_cells == "none" else HALF)
    return "constant", finite("zero_cells", zero_cells, least=0)


def filled(counts: tuple[Floats, ...], zero_cells: ZeroCells, *, jointly: bool = False) -> tuple[Floats, ...]:
    """Cells a, b, c, d, and what was added to a as one of them is empty, or `jointly` one of the last axis.

    Several arms are filled by one number, as their control has to stay common to them.
    """
    a, size1, c, size2 = counts
    rule, add = rule_of(zero_cells)
    cells = a, size1 - a, c, size2 - c
    empty = np.any([cell == 0 for cell in cells], axis=0)
    if jointly:
        empty, add = np.asarray(empty.any(-1, keepdims=True)), add[..., None]
    checks.together(events=empty, zero_cells=add)
    own = control = np.where(empty, add, 0.0)
    if rule == "treatment_arm" and not jointly:
        own = np.where(empty, size1 / (size1 + size2), 0.0)
        control = np.where(empty, 1 - own, 0.0)
    return cells[0] + own, cells[1] + own, cells[2] + control, cells[3] + control, own


def _no_ratio(measure: str, a: Floats, b: Floats, c: Floats, d: Floats) -> Bools:
    """Where the ratio of a measure is 0 or infinite."""
    needed = {"RR": (a, c), "OR": (a, b, c, d), "RD": (np.ones(1),)}[measure]
    return np.asarray(np.any([cell == 0 for cell in needed], axis=0))


def crossover_smd(
    mean_difference: ArrayLike, sd1: ArrayLike, sd2: ArrayLike, n: ArrayLike, correlation: ArrayLike
) -> Effects:
    """SMD of n people in both arms: difference over √((sd1² + sd2²)/2), not corrected for small samples.

    Variance (1/n + d²/(2n))·2(1 - r), with r between the two periods (Cochrane Handbook 5.1, 16.4.6.4).

    >>> crossover_smd(0.5, 2.38, 2.21, 10, 0.68).effect.round(8)
    np.float64(0.21771565)
    """
    kinds = {"mean_difference": "number", "sd1": "positive", "sd2": "positive", "n": "two people"}
    difference, s1, s2, size = read(kinds, mean_difference, sd1, sd2, n)
    r = finite("correlation", correlation, least=-1, most=0.999)
    d = difference / np.sqrt((s1**2 + s2**2) / 2)
    return made(d, (1 / size + d**2 / (2 * size)) * 2 * (1 - r))


def design_effect(cluster_size: ArrayLike, icc: ArrayLike) -> Floats:
    """How much clusters of one size widen a variance: 1 + (m - 1)·ICC (Cochrane Handbook 23.1.4).

    >>> round(float(design_effect(20, 0.05)), 10)
    1.95
    """
    size, rho = read({"cluster_size": "at least 1", "icc": "share"}, cluster_size, icc)
    return plain(1 + (size - 1) * rho)


@dataclass(frozen=True, slots=True)
class SharedControl(Unpacks):
    """Effects (…, m) of m experimental arms and their covariance (…, m, m); unpacks in that order."""

    effect: Floats
    covariance: Floats


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

    >>> shared_control_means("MD", [1.0, 2.0], [1, 1], [10, 10], 0.0, 2.0, 20).covariance.round(3).tolist()
    [[0.3, 0.2], [0.2, 0.3]]
    """
    one_of("measure", measure, ("MD", "SMD", "ROM"))
    m, s, a = _experimental({"mean": "number", "sd": "not negative", "n": "people"}, mean, sd, n)
    kinds = {"mean_control": "number", "sd_control": "not negative", "n_control": "people"}
    mc, sc, ac = (part[..., None] for part in read(kinds, mean_control, sd_control, n_control))
    if measure != "SMD":
        refuse("mean", m, _no_ratio_of_means(m, mc) & (measure == "ROM"), NO_RATIO_OF_MEANS)
        return _with_covariance(*_mean_parts(measure, m, s, a, mc, sc, ac))
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
    zero_cells: ZeroCells = 0.5,
) -> SharedControl:
    """RR, OR (log) or RD of m arms (…, m) against one control (…), with their covariance (…, m, m).

    Off the diagonal stands the control's part of the variance: 1/c - 1/nc for RR, 1/c + 1/d for OR,
    p(1 - p)/nc for RD (Gleser & Olkin 2009). If any cell of a trial is empty, `zero_cells` is added to
    every cell of every arm of that trial, so that the arms keep one common control.

    >>> shared_control_events("RD", [5, 10], [20, 20], 10, 20).covariance.round(6).tolist()
    [[0.021875, 0.0125], [0.0125, 0.025]]
    """
    one_of("measure", measure, OF_EVENTS)
    e, a = _experimental({"events": "events", "n": "people"}, events, n)
    c, size = checks.numbers("events_control", events_control), checks.numbers("n_control", n_control)
    names = ("events", "n", "events_control", "n_control")
    *cells, _ = filled(tables(e, a, c[..., None], size[..., None], names), zero_cells, jointly=True)
    refuse("events", cells[0], _no_ratio(measure, *cells), "its table has an empty cell: set zero_cells")
    effect, own, control = event_parts(measure, *cells)
    return _with_covariance(effect, own, control[..., :1])


def _experimental(kinds: dict[str, str], *arguments: ArrayLike) -> tuple[Floats, ...]:
    values = read(kinds, *arguments)
    if values[0].ndim == 0:
        raise ValueError(f"{next(iter(kinds))} has no axis: give the experimental arms along the last axis")
    return values


def _with_covariance(effect: Floats, own: Floats, control: Floats) -> SharedControl:
    covariance = np.eye(effect.shape[-1]) * own[..., None, :] + control[..., None]
    finite("variance", np.diagonal(covariance, axis1=-2, axis2=-1), above=0)
    return SharedControl(effect, covariance)
