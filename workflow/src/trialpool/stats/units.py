"""When people are not independent: the same people in both arms, or people randomised in clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.checks import Floats, at_least, between, counts, finite, plain, positive, together
from trialpool.stats.effects import Effects


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
    return Effects(plain(d), plain(variance), plain(np.zeros(d.shape)))


def design_effect(cluster_size: ArrayLike, icc: ArrayLike) -> Floats:
    """How much clusters of one size widen a variance: 1 + (m - 1)·ICC (Cochrane Handbook 23.1.4).

    >>> round(float(design_effect(20, 0.05)), 10)
    1.95
    """
    size, rho = together(
        cluster_size=at_least("cluster_size", cluster_size, 1), icc=between("icc", icc, 0, 1)
    )
    return plain(1 + (size - 1) * rho)
