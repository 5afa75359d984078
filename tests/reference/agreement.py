"""How close the package must come to R: the one relative tolerance, and floors for values around zero."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# The promise to the reader is 1e-7 relative. What is solved to the last bit here and in R differs by 2e-11
# at worst (p-values far in the tail, where the rounding of the statistic is magnified): hold it to 1e-9.
RELATIVE = 1e-9

# A value that is zero in exact arithmetic, or is a difference of larger ones, has no relative accuracy. It is
# compared with an absolute floor of this share of the scale it lives on (a standard error for effects and
# their limits, the smallest variance for tau2, 1 for statistics): 1e-9 of a standard error cannot be seen.
FLOOR = 1e-9


def words(text: str) -> list[str]:
    """Names written out in a block."""
    return text.split()


@cache
def reference(topic: str) -> dict[str, Any]:
    """Load the committed numbers of one topic."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name(f"{topic}.json").read_text("utf-8"))
    return content


def numbers(values: Any) -> np.ndarray:
    """Numbers as stored (null and the strings of infinities included) as a float array."""
    if isinstance(values, np.ndarray):
        return values.astype(float)
    if isinstance(values, list):
        return np.array([numbers(value) for value in values])
    return np.array(np.nan if values is None else float(values))


def disagreement(ours: Any, theirs: Any, *, relative: float = RELATIVE, floor: float = 0.0) -> float:
    """Largest difference in units of what is allowed: above 1 is too much; NaN agrees with NaN only."""
    a, b = np.asarray(ours, dtype=float), numbers(theirs)
    if a.shape != b.shape:
        raise AssertionError(f"shapes differ: {a.shape} here, {b.shape} in R")
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", divide="ignore"):
        units = np.abs(a - b) / (relative * np.abs(b) + floor)
    units = np.where(equal, 0.0, np.where(np.isfinite(units), units, np.inf))
    return float(units.max(initial=0.0))


class Comparison:
    """Collects every disagreement of one test, so that a failure shows the whole pattern."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.count = 0

    def __call__(
        self, what: str, ours: Any, theirs: Any, *, relative: float = RELATIVE, floor: float = 0.0
    ) -> None:
        self.count += np.size(ours)
        units = disagreement(ours, theirs, relative=relative, floor=floor)
        if not units <= 1:
            shown = np.asarray(ours).tolist(), theirs
            self.wrong.append(f"{what}: here {shown[0]}, R {shown[1]} ({units:.3g} times the tolerance)")

    def finish(self) -> None:
        """Fail with everything that was wrong, or if nothing was compared."""
        assert self.count > 0, "nothing was compared"
        assert not self.wrong, "\n" + "\n".join(self.wrong[:12]) + f"\n{len(self.wrong)} disagree"
