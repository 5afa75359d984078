"""Effect measures: what each code means, what no effect is, and how to get back to a reader's scale.

Ratios are pooled as logarithms. Nothing else in the package lists measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Of(StrEnum):
    """What a measure compares between two arms."""

    MEANS = "means"
    EVENTS = "events"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Measure:
    """One effect measure, experimental minus (or over) control.

    >>> MEASURES["RR"].natural(0.0), MEASURES["RR"].null, MEASURES["MD"].null
    (1.0, 1.0, 0.0)
    """

    code: str
    name: str
    of: Of
    ratio: bool = False

    @property
    def null(self) -> float:
        """No effect on the natural scale."""
        return 1.0 if self.ratio else 0.0

    def natural(self, value: float) -> float:
        """From the analysis scale to the one a reader knows: ratios are exponentiated, the rest stay."""
        return math.exp(value) if self.ratio else float(value)

    def scaled(self, value: float) -> float:
        """The other way round."""
        return math.log(value) if self.ratio else float(value)


MEASURES: dict[str, Measure] = {
    measure.code: measure
    for measure in (
        Measure("MD", "mean difference", Of.MEANS),
        Measure("SMD", "standardised mean difference", Of.MEANS),
        Measure("ROM", "ratio of means", Of.MEANS, ratio=True),
        Measure("RR", "risk ratio", Of.EVENTS, ratio=True),
        Measure("OR", "odds ratio", Of.EVENTS, ratio=True),
        Measure("RD", "risk difference", Of.EVENTS),
        Measure("HR", "hazard ratio", Of.TIMES, ratio=True),
        Measure("IRR", "rate ratio", Of.TIMES, ratio=True),
    )
}
RATIOS = tuple(code for code, measure in MEASURES.items() if measure.ratio)
OF_EVENTS = tuple(code for code, measure in MEASURES.items() if measure.of is Of.EVENTS)
OF_MEANS = tuple(code for code, measure in MEASURES.items() if measure.of is Of.MEANS)
