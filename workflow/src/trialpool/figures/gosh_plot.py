"""The cloud of subsets of trials: each subset's estimate against its heterogeneity (GOSH, Olkin 2012)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialpool.figures import style
from trialpool.figures.panel import (
    Panel,
    across,
    log_value,
    logarithmic,
    new_panel,
    put_frame,
    put_letter,
    put_points,
    roomy,
    value_name,
)
from trialpool.figures.sheet import BAND, Sheet, put_line
from trialpool.text import clean
from trialpool.view.axis import no_effect

MOST_DRAWN = 1200
SHOWN = 0.995
HEAD = 20.0
LEAST_I2 = -4.0  # the axis begins below zero, so that subsets without heterogeneity do not lie on it


def draw_gosh(
    sheet: Sheet, record: Mapping[str, Any], place: tuple[float, float, float], height: float, letter: str
) -> None:
    """The cloud at (left, top, right): all subsets of at least two trials, at most 1,200 evenly chosen drawn.

    The trial whose presence moves the mean of the cloud most is named, and its subsets drawn in orange.
    """
    from trialpool.stats import gosh

    rows = record["studies"]
    left, top, right = place
    found = gosh(
        [row["effect"] for row in rows],
        [row["variance"] for row in rows],
        tau2_method=record["methods"]["tau2_method"],
        smallest=2,
    )
    keep = np.unique(np.linspace(0, len(found.estimate) - 1, MOST_DRAWN).round().astype(int))
    estimates, i2, members = found.estimate[keep], found.i2[keep], found.members[keep]
    pivot = _pivot(found.estimate, found.members)
    edge = (1 - SHOWN) / 2
    low, high = np.quantile(estimates, [edge, 1 - edge])
    whole = roomy([float(low), float(high), log_value(record, record["pooled"]["estimate"])], 0.08)
    panel = new_panel(whole, (LEAST_I2, 100.0), (left, top, right, top + height), log_x=logarithmic(record))
    name = f"Subsets with {clean(rows[pivot]['label'])} in orange (GOSH)"
    put_letter(sheet, left - 36, top - HEAD + 8, letter, name)
    put_frame(sheet, panel, value_name(record), "I², per cent")
    xs = panel.x.left + (estimates - panel.x.low) / (panel.x.high - panel.x.low) * (right - left)
    ys = panel.bottom - (i2 - LEAST_I2) / (100 - LEAST_I2) * height
    radius = 1.8 if len(keep) < 100 else 1.2 if len(keep) < 500 else 0.8
    inside = (xs >= left) & (xs <= right)
    for chosen, colour in ((~members[:, pivot], style.STUDY), (members[:, pivot], style.POOLED)):
        at = inside & chosen
        put_points(sheet, list(zip(xs[at], ys[at], strict=True)), radius, fill=colour, gid="subsets")
    _guides(sheet, record, panel)


def _guides(sheet: Sheet, record: Mapping[str, Any], panel: Panel) -> None:
    for value, colour, dashes in (
        (no_effect(record["measure"]), style.INK, None),
        (record["pooled"]["estimate"], style.POOLED, (1, 1.6)),
    ):
        x = across(panel, value)
        if panel.x.left < x < panel.x.right:
            put_line(sheet, (x, x), (panel.top, panel.bottom), colour=colour, dashes=dashes, level=BAND)


def _pivot(estimates: NDArray[np.float64], members: NDArray[np.bool_]) -> int:
    """The trial whose subsets differ most, on average, from those without it.

    >>> _pivot(np.array([0.0, 1.0, 1.0]), np.array([[True, False], [False, True], [True, True]]))
    1
    """
    inside = members.sum(axis=0)
    outside = len(members) - inside
    within = estimates @ members / np.maximum(inside, 1)
    without = estimates @ ~members / np.maximum(outside, 1)
    return int(np.argmax(np.where((inside > 0) & (outside > 0), np.abs(within - without), -1.0)))
