"""Effect sizes of two arms with events: risk ratio, odds ratio, risk difference, Peto odds ratio.

Arm 1 is the experimental, arm 2 the control arm. Where a 2x2 table has an empty cell, `zero_cells`
(½ unless told otherwise) is added to all four cells of that table alone; `Effects.added` says where.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats.checks import Floats, counts, finite, plain, refuse, together
from trialpool.stats.effects import Effects


def risk_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: float = 0.5
) -> Effects:
    """Log risk ratio with variance 1/e1 - 1/n1 + 1/e2 - 1/n2 (Cochrane Handbook 10.4; Katz et al. 1978).

    >>> effect, variance = risk_ratio(4, 123, 11, 139)
    >>> round(float(effect), 10), round(float(variance), 10)
    (-0.8893113339, 0.325584765)
    """
    a, b, c, d, added = _cells(events1, n1, events2, n2, zero_cells)
    refuse("events1", a, (a == 0) | (c == 0), _NO_RATIO)
    effect = np.log(a / (a + b)) - np.log(c / (c + d))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    refuse("events1", a, variance <= 0, "everybody in both arms had the event: no sampling variance")
    return Effects(plain(effect), plain(variance), plain(added))


def odds_ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, *, zero_cells: float = 0.5
) -> Effects:
    """Log odds ratio with variance 1/a + 1/b + 1/c + 1/d over the four cells (Woolf 1955).

    >>> result = odds_ratio(0, 10, 3, 12)
    >>> round(float(result.effect), 6), float(result.added)
    (-2.045994, 0.5)
    """
    a, b, c, d, added = _cells(events1, n1, events2, n2, zero_cells)
    refuse("events1", a, (a == 0) | (b == 0) | (c == 0) | (d == 0), _NO_RATIO)
    effect = np.log(a / b) - np.log(c / d)
    return Effects(plain(effect), plain(1 / a + 1 / b + 1 / c + 1 / d), plain(added))


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
    return Effects(plain(effect), plain(variance), plain(added))


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
    return Effects(plain(effect), plain(1 / spread), plain(np.zeros(np.shape(effect))))


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


_NO_RATIO = "an empty cell leaves the ratio undefined: set zero_cells above 0"


def _cells(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, zero_cells: float
) -> tuple[Floats, ...]:
    add = finite("zero_cells", zero_cells)
    refuse("zero_cells", add, add < 0, "must not be negative")
    a, size1, c, size2 = tables(events1, n1, events2, n2)
    b, d = size1 - a, size2 - c
    added = np.where((a == 0) | (b == 0) | (c == 0) | (d == 0), add, 0.0)
    return a + added, b + added, c + added, d + added, added
