"""Small-study effects among trials of events: regressions that the events themselves do not make significant.

A log odds ratio and its standard error hang on the same four cells, so that Egger's test finds asymmetry
where there is none. Harbord's, Peters', Macaskill's and Rücker's arcsine tests regress on what hangs less on
the effect. As in `bias`, none of them tells publication bias from other reasons why small trials differ.
Trials without any event, or with nothing else, are left out, but of the arcsine test, for which they count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.measures import OF_EVENTS
from trialpool.stats.bias import Egger, regressed
from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.effect_sizes import ZeroCells, arcsine_difference, excess_events, of_events, tables

EVENT_TESTS = ("harbord", "peters", "macaskill", "arcsine")
LINES = ("classic", "random")


def event_test(
    test: str,
    events1: ArrayLike,
    n1: ArrayLike,
    events2: ArrayLike,
    n2: ArrayLike,
    *,
    measure: str = "OR",
    form: str = "classic",
    zero_cells: ZeroCells = 0.5,
    tau2_method: str = "REML",
    level: float = 0.95,
) -> Egger:
    """A regression test of 2x2 tables (k,), one of EVENT_TESTS; the test is of the slope.

    With N people, x events and E, V of the hypergeometric distribution, trial by trial:
    - "harbord" the score (O - E)/V on 1/√V with weights V (Harbord, Egger & Sterne 2006);
    - "peters" the log OR (or another `measure`) on 1/N with weights x(N - x)/N (Peters et al. 2006);
    - "macaskill" the same on N (Macaskill, Walter & Irwig 2001);
    - "arcsine" the arcsine difference on its standard error (Rücker, Schwarzer & Carpenter 2008).
    `form` "classic" is least squares with a free scale and t on k - 2 degrees of freedom, "random" a
    mixed-effects regression with a normal test (of harbord and arcsine only, whose weights are variances).
    `predictor` of the answer is the test's name.

    >>> counts = [1, 2, 3, 4, 8], [20, 40, 40, 90, 200], [5, 4, 6, 9, 12], [20, 40, 40, 90, 200]
    >>> found = event_test("peters", *counts)
    >>> round(found.slope, 2), round(found.p_value, 4)
    (-52.64, 0.0401)
    """
    one_of("test", test, EVENT_TESTS)
    one_of("form", form, LINES if test in ("harbord", "arcsine") else LINES[:1])
    one_of("measure", measure, OF_EVENTS)
    level = check_level(level)
    counts: tuple[Floats, ...] = tables(events1, n1, events2, n2)
    if counts[0].ndim != 1 or not counts[0].size:
        raise ValueError(f"events1 has shape {counts[0].shape}: one analysis at a time here, shape (k,)")
    a, size1, c, size2 = counts
    if test != "arcsine":
        counts = tuple(part[(a + c > 0) & (a + c < size1 + size2)] for part in counts)
    y, v, x = _line(test, counts, measure, zero_cells)
    return regressed(y, v, x, form, test, tau2_method, level)


def _line(
    test: str, counts: tuple[Floats, ...], measure: str, zero_cells: ZeroCells
) -> tuple[Floats, Floats, Floats]:
    """What is regressed, its variance (as weights see it), and on what."""
    a, size1, c, size2 = counts
    if not a.size:
        return a, a, a
    if test == "arcsine":
        y, v = arcsine_difference(*counts)
        return y, v, np.sqrt(v)
    if test == "harbord":
        excess, spread = excess_events(a, size1, c, size2)
        return excess / spread, 1 / spread, 1 / np.sqrt(spread)
    people, events = size1 + size2, a + c
    effects = of_events(measure, counts, zero_cells).effect
    return effects, people / (events * (people - events)), 1 / people if test == "peters" else people
