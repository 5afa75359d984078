"""Effect measures: what each code means, what no effect is, and how to get back to a reader's scale.

Ratios are pooled as logarithms, measures of one group on the scale that their code says. Nothing else in the
package lists measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

Values = tuple[float | None, float | None, float | None]  # estimate and interval, on the natural scale


class Of(StrEnum):
    """What a measure compares between two arms."""

    MEANS = "means"
    EVENTS = "events"
    TIMES = "times"  # events in time: rates, and hazards, of which events among people tell nothing
    ANYTHING = "anything"  # whatever its trials printed, on an additive scale
    GROUP = "group"  # nothing: it describes one group


# To a reader's scale and back again, by name.
SCALES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "": (float, float),
    "log": (math.exp, math.log),
    "logit": (lambda x: 1 / (1 + math.exp(-x)), lambda p: math.log(p / (1 - p))),
    "arcsine": (lambda x: math.sin(min(max(x, 0.0), math.pi / 2)) ** 2, lambda p: math.asin(math.sqrt(p))),
    "root": (lambda x: max(x, 0.0) ** 2, math.sqrt),
    "z": (math.tanh, math.atanh),
}


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
    reversible: bool = False  # the effect on the opposite outcome follows from it, so that it can be turned
    scale: str = ""  # one of SCALES

    @property
    def compares(self) -> bool:
        """Whether it compares two arms, so that there is such a thing as no effect."""
        return self.of is not Of.GROUP

    @property
    def null(self) -> float:
        """No effect on the natural scale."""
        return 1.0 if self.ratio else 0.0

    def natural(self, value: float) -> float:
        """From the analysis scale to the one a reader knows: ratios are exponentiated, differences stay."""
        return math.exp(value) if self.ratio else SCALES[self.scale][0](value)

    def scaled(self, value: float) -> float:
        """The other way round."""
        return math.log(value) if self.ratio else SCALES[self.scale][1](value)

    def naturals(self, values: Iterable[float]) -> list[float]:
        """The same of many."""
        return [self.natural(float(value)) for value in values]

    def turned(self, values: Values) -> Values:
        """The effect on the opposite outcome: a score reversed, an event not had. The bounds change places.

        A ValueError unless `reversible`: the risk ratio of people not improved is not the inverse of that of
        people improved, for it hangs on the risk as well.

        >>> MEASURES["MD"].turned((-2.0, -3.0, None)), MEASURES["OR"].turned((0.5, 0.25, 1.0))
        ((2.0, None, 3.0), (2.0, 1.0, 4.0))
        """
        if not self.reversible:
            raise ValueError(f"a {self.name} of the opposite outcome does not follow from it")
        estimate, high, low = map(self._opposite, values)
        return estimate, low, high

    def _opposite(self, value: float | None) -> float | None:
        if value is None or not self.ratio:
            return None if value is None else 0.0 - value  # never minus zero
        return 1.0 / value if value else math.inf


MEASURES: dict[str, Measure] = {
    measure.code: measure
    for measure in (
        Measure("MD", "mean difference", Of.MEANS, reversible=True),
        Measure("SMD", "standardised mean difference", Of.MEANS, reversible=True),
        Measure("ROM", "ratio of means", Of.MEANS, ratio=True),
        Measure("RR", "risk ratio", Of.EVENTS, ratio=True),
        Measure("OR", "odds ratio", Of.EVENTS, ratio=True, reversible=True),
        Measure("RD", "risk difference", Of.EVENTS, reversible=True),
        Measure("HR", "hazard ratio", Of.TIMES, ratio=True),
        Measure("IRR", "rate ratio", Of.TIMES, ratio=True),
        Measure("IRD", "rate difference", Of.TIMES),
        Measure("GIV", "effect as printed", Of.ANYTHING),
        Measure("CVR", "ratio of coefficients of variation", Of.MEANS, ratio=True),
        Measure("VR", "ratio of standard deviations", Of.MEANS, ratio=True),
        Measure("SMCC", "standardised mean change", Of.GROUP),
        Measure("SMCR", "standardised mean change", Of.GROUP),
        Measure("PR", "proportion", Of.GROUP),
        Measure("PLN", "proportion", Of.GROUP, scale="log"),
        Measure("PLO", "proportion", Of.GROUP, scale="logit"),
        Measure("PAS", "proportion", Of.GROUP, scale="arcsine"),
        Measure("IR", "rate", Of.GROUP),
        Measure("IRLN", "rate", Of.GROUP, scale="log"),
        Measure("IRS", "rate", Of.GROUP, scale="root"),
        Measure("MN", "mean", Of.GROUP),
        Measure("MNLN", "mean", Of.GROUP, scale="log"),
        Measure("COR", "correlation", Of.GROUP),
        Measure("ZCOR", "correlation", Of.GROUP, scale="z"),
    )
}
RATIOS = tuple(code for code, measure in MEASURES.items() if measure.ratio)
OF_EVENTS = tuple(code for code, measure in MEASURES.items() if measure.of is Of.EVENTS)
OF_MEANS = tuple(code for code, measure in MEASURES.items() if measure.of is Of.MEANS)
OF_TIMES = tuple(code for code, measure in MEASURES.items() if measure.of is Of.TIMES)
OF_RATES = ("IRR", "IRD")  # made of events over person-time
# Measures that a method of pooling events gives.
METHODS = {
    "mh": (*OF_EVENTS, "IRR", "IRD"),
    **dict.fromkeys(("peto", "glmm", "penalised"), ("OR", "IRR")),
}
