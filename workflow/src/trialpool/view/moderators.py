"""What a moderator of the effect is said to do: a fitted row of a record in, its slope in words out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialpool import text as words

PER = {"sessions": "session", "programme_weeks": "week", "sessions_per_week": "weekly session"}
PER |= {"year": "year", "weeks": "week", "n_randomised": "person"}


def moderator_slope(record: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str]:
    """The slope with its interval, and per what; of ratios, the ratio of ratios per unit.

    >>> row = {"moderator": "year", "slope": 0.0, "slope_low": -0.1, "slope_high": 0.1}
    >>> moderator_slope({"measure": "RR"}, row)
    ('ratio of RRs 1.00 (0.90 to 1.11)', 'per year')
    """
    ratios = record["measure"] in words.RATIO_MEASURES
    measure, values = str(record["measure"]), [row[key] for key in ("slope", "slope_low", "slope_high")]
    if ratios:
        values = [math.exp(min(value, 700.0)) for value in values]
    slope, low, high = words.format_values(measure, values)
    times = f"ratio of {measure}s " if ratios else ""
    return f"{times}{slope} ({low} to {high})", f"per {PER[row['moderator']]}"
