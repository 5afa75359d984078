"""Effect sizes of two arms with a continuous outcome: mean differences, also standardised, and their ratios.

Everywhere arm 1 is the experimental and arm 2 the control arm: effects are experimental minus (or over)
control. All arguments broadcast against each other; a whole table of trials is one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from trialpool.stats.checks import (
    Floats,
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
    return _made(m1 - m2, variance)


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
        return _made(g, total / (a1 * a2) + g**2 / (2 * (total - 3.94)))
    factor = hedges_factor(freedom)
    g = factor * (m1 - m2) / pooled
    share = 1 / (2 * total) if variance == "LS" else 1 - (freedom - 2) / (freedom * factor**2)
    return _made(g, 1 / a1 + 1 / a2 + share * g**2)


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
    return _made(np.log(m1 / m2), variance)


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


def _made(effect: Floats, variance: Floats) -> Effects:
    effect = np.asarray(effect)
    return Effects(plain(effect), plain(np.asarray(variance)), plain(np.zeros(effect.shape)))
