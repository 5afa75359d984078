"""How many people are treated for one more to have an outcome: differences per 1,000 in, words out, once.

The forest plot, the summary of findings and a fit of the library all say a number needed to treat as here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from trialpool import text as words
from trialpool.synthesis.absolute import absolute as absolute_of
from trialpool.view.forest_table import Number
from trialpool.view.read import Appraised

INFINITY = "∞"


class Needed(NamedTuple):
    """How many people are treated for one more to benefit (`benefit`), or to be harmed, with its interval.

    Where that holds no difference (`through_infinity`) it runs from benefit (`low`) through infinity to harm.
    Where nobody says which is good (`benefit` None) it runs from the side of the estimate to the other.
    """

    benefit: bool | None
    number: Number
    low: Number
    high: Number
    through_infinity: bool

    @property
    def name(self) -> str:
        """NNTB, NNTH, or NNT where nobody says what is good."""
        return {True: "NNTB", False: "NNTH", None: "NNT"}[self.benefit]

    @property
    def sides(self) -> tuple[str, str]:
        """What stands before the ends of an interval that runs through infinity."""
        return ("", "") if self.benefit is None else ("NNTB", "NNTH")

    def __str__(self) -> str:
        """As Altman writes it (1998, BMJ 317: 1309): "NNTB 10 (NNTB 4 to ∞ to NNTH 20)"."""
        if not self.through_infinity:
            return f"{self.name} {self.number.text} ({self.low.text} to {self.high.text})"
        ends = zip(self.sides, (self.low, self.high), strict=True)
        through = f" to {INFINITY} to ".join(f"{side} {end.text}".strip() for side, end in ends)
        return f"{self.name} {self.number.text} ({through})"


def needed(
    differences: Sequence[float], better: str, numbers: Sequence[Number] | None = None
) -> Needed | None:
    """The number needed of a difference and its bounds, per 1,000; None where it is none.

    `better` is "lower" or "higher", or "" where nobody says whether fewer or more people are good; `numbers`
    are the three as a record holds them, each 1,000 / |difference|. They are rounded up (Cochrane Handbook
    15.4.2), those of no difference infinite.

    >>> str(needed((-100, -250, 50), "lower")), str(needed((-100, -200, -50), "higher"))
    ('NNTB 10 (NNTB 4 to ∞ to NNTH 20)', 'NNTH 10 (5 to 20)')
    >>> str(needed((-100, -250, 50), ""))
    'NNT 10 (4 to ∞ to 20)'
    """
    if not differences[0]:
        return None
    found = numbers or [Number(1000 / abs(each) if each else None, "", "") for each in differences]
    number, low, high = (each._replace(text=_rounded_up(each.value)) for each in found)
    good = {"lower": differences[0] < 0, "higher": differences[0] > 0}.get(better)
    through = differences[1] <= 0 <= differences[2]
    first = better == "higher" or (good is None and differences[0] > 0)  # whether the upper end comes first
    low, high = (high, low) if first else (low, high)
    if not through:
        low, high = sorted((low, high), key=lambda each: each.value or math.inf)
    return Needed(good, number, low, high, through)


def _rounded_up(value: float | None) -> str:
    return INFINITY if value is None else words.number(math.ceil(round(value, 6)), 0)


def needed_to_treat(record: Appraised) -> str:
    """The number needed to treat at the median risk of the control arms, in words; "" for none."""
    found = record.absolute or absolute_of(record)
    if found is None:
        return ""
    number = needed((found.difference, found.difference_low, found.difference_high), record.better)
    risk = words.number(found.assumed_risk, 0)
    return (
        f"Number needed to treat: {number} at a risk of {risk} of 1,000 in the control arms" if number else ""
    )
