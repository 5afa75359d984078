"""Could these summaries come from whole numbers? GRIM, GRIMMER and DEBIT, on single values.

GRIM (Brown & Heathers 2017): a mean of n whole numbers is a multiple of 1/n. GRIMMER (Anaya 2016; Allard
2018): their sum of squares is a whole number of the same parity as their sum, which bounds the SD. DEBIT
(Heathers & Brown 2019): of n zeros and ones with mean p the SD is √(p(1 − p)·n/(n − 1)). A score that is the
mean of several whole items has steps of 1/items. Rounding either way of a half is accepted.
"""

from __future__ import annotations

import math

EXACT = 1e-9


def grim(mean: float, n: int, *, items: int = 1, places: int) -> bool:
    """Whether a mean printed with so many decimal places can be that of n scores in steps of 1/items.

    >>> grim(5.19, 28, places=2), grim(5.18, 28, places=2)
    (False, True)
    >>> grim(2.33, 5, items=7, places=2)
    False
    """
    return bool(grim_sums(mean, n, items=items, places=places))


def grim_sums(mean: float, n: int, *, items: int = 1, places: int) -> list[int]:
    """Sums of n·items whole numbers whose mean rounds to the printed one.

    >>> grim_sums(3.5, 10, places=1), grim_sums(3.44, 9, places=2)
    ([35], [31])
    """
    slack = 0.5 * 10.0**-places + EXACT
    size = n * items
    first = math.ceil((mean - slack) * size - EXACT)
    return list(range(first, math.floor((mean + slack) * size + EXACT) + 1))


def grim_can_tell(n: int, *, items: int = 1, places: int) -> bool:
    """Whether the test can fail at all: with steps finer than the rounding every mean is possible.

    >>> grim_can_tell(30, places=1), grim_can_tell(30, places=2)
    (False, True)
    """
    return n * items < 10.0**places


def grimmer(mean: float, sd: float, n: int, *, items: int = 1, places: int, sd_places: int) -> bool:
    """Whether mean and SD can both be those of n scores in steps of 1/items.

    For each possible sum T of whole numbers (the scores times items) there must be a whole sum of squares S,
    S ≡ T (mod 2), S ≥ T²/n, whose SD √((S − T²/n)/(n − 1))/items rounds to the printed one.

    >>> grimmer(2.0, 1.0, 3, places=1, sd_places=1), grimmer(2.0, 1.1, 3, places=1, sd_places=1)
    (True, False)
    """
    slack = 0.5 * 10.0**-sd_places + EXACT
    low, high = max(sd - slack, 0.0) * items, (sd + slack) * items
    for total in grim_sums(mean, n, items=items, places=places):
        least = low**2 * (n - 1) + total**2 / n
        first = math.ceil(least - EXACT)
        first += (first - total) % 2
        if first <= high**2 * (n - 1) + total**2 / n + EXACT:
            return True
    return False


def debit(proportion: float, sd: float, n: int, *, places: int, sd_places: int) -> bool:
    """Whether a proportion and an SD can both be those of n zeros and ones (SD with n − 1 or n).

    >>> debit(0.5, 0.51, 20, places=2, sd_places=2), debit(0.5, 0.3, 20, places=2, sd_places=2)
    (True, False)
    """
    slack, slack_sd = 0.5 * 10.0**-places + EXACT, 0.5 * 10.0**-sd_places + EXACT
    bounds = [min(max(proportion + side, 0.0), 1.0) for side in (-slack, slack)]
    products = [p * (1 - p) for p in bounds]
    top = 0.25 if bounds[0] <= 0.5 <= bounds[1] else max(products)
    low, high = math.sqrt(min(products)), math.sqrt(top * n / (n - 1))
    return bool(low - slack_sd <= sd <= high + slack_sd)
