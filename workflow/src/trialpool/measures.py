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
SIDES = ("experimental", "control")
AN_EFFECT = (-math.inf, math.inf)  # what a natural value can be


class Of(StrEnum):
    """What a measure is made of."""

    MEANS = "means"
    EVENTS = "events"  # among people
    TIMES = "times"  # events in time: rates, and hazards, of which events among people tell nothing
    CORRELATIONS = "correlations"
    ANYTHING = "anything"  # whatever its trials printed, on an additive scale


def _exp(value: float) -> float:
    return math.inf if value >= 709 else math.exp(value)  # of what is not a number no number


# To a reader's scale and back again, by name.
SCALES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "": (float, float),
    "log": (_exp, math.log),
    "logit": (lambda x: 1 / (1 + _exp(-x)), lambda p: math.log(p / (1 - p))),
    "arcsine": (lambda x: math.sin(min(max(x, 0.0), math.pi / 2)) ** 2, lambda p: math.asin(math.sqrt(p))),
    "root": (lambda x: max(x, 0.0) ** 2, math.sqrt),
    "z": (math.tanh, math.atanh),
}
# What each is called where it is an axis.
SCALE_NAMES = {"log": "logarithm", "logit": "log odds", "arcsine": "arcsine of the root", "root": "root"}
SCALE_NAMES |= {"z": "Fisher's z"}


@dataclass(frozen=True, slots=True)
class Measure:
    """One effect measure: experimental minus (or over) control, or of one `group` alone.

    >>> MEASURES["RR"].natural(0.0), MEASURES["RR"].null, MEASURES["MD"].null
    (1.0, 1.0, 0.0)
    >>> MEASURES["PR"].natural(1.07), MEASURES["PR"].sides, MEASURES["SMCC"].has_null
    (1.0, ('experimental',), True)
    """

    code: str
    name: str
    of: Of
    ratio: bool = False
    reversible: bool = False  # the effect on the opposite outcome follows from it, so that it can be turned
    scale: str = ""  # one of SCALES
    group: bool = False  # it describes one group, and compares it with no other
    change: bool = False  # … from before to after, so that there is such a thing as no change
    in_units: bool = False  # it stands in the unit of the instrument
    spread: bool = False  # of how far values lie apart, not of how high they are
    possible: tuple[float, float] = AN_EFFECT  # natural values

    @property
    def compares(self) -> bool:
        """Whether it compares two arms."""
        return not self.group

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides that it is made of."""
        return SIDES[:1] if self.group else SIDES

    @property
    def has_null(self) -> bool:
        """Whether there is such a thing as no effect."""
        return self.change or not self.group or self.of is Of.CORRELATIONS

    @property
    def scale_name(self) -> str:
        """What the analysis scale is called, "" where it is the natural one."""
        return SCALE_NAMES["log"] if self.ratio else SCALE_NAMES.get(self.scale, "")

    @property
    def null(self) -> float:
        """No effect on the natural scale."""
        return 1.0 if self.ratio else 0.0

    def natural(self, value: float) -> float:
        """From the analysis scale to the one a reader knows: ratios are exponentiated, differences stay.

        What lies outside the possible, such as the bound of an interval, becomes the nearest possible value.
        """
        low, high = self.possible
        found = math.exp(value) if self.ratio else SCALES[self.scale][0](value)
        return min(max(found, low), high)

    def scaled(self, value: float) -> float:
        """The other way round."""
        return math.log(value) if self.ratio else SCALES[self.scale][1](value)

    def naturals(self, values: Iterable[float]) -> list[float]:
        """From the analysis scale, of many."""
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


def _compared() -> Iterable[Measure]:
    yield Measure("MD", "mean difference", Of.MEANS, reversible=True, in_units=True)
    yield Measure("SMD", "standardised mean difference", Of.MEANS, reversible=True)
    yield Measure("ROM", "ratio of means", Of.MEANS, ratio=True)
    yield Measure("RR", "risk ratio", Of.EVENTS, ratio=True)
    yield Measure("OR", "odds ratio", Of.EVENTS, ratio=True, reversible=True)
    yield Measure("RD", "risk difference", Of.EVENTS, reversible=True)
    yield Measure("HR", "hazard ratio", Of.TIMES, ratio=True)
    yield Measure("IRR", "rate ratio", Of.TIMES, ratio=True)
    yield Measure("IRD", "rate difference", Of.TIMES)
    yield Measure("GIV", "effect as printed", Of.ANYTHING)
    yield Measure("CVR", "ratio of coefficients of variation", Of.MEANS, ratio=True, spread=True)
    yield Measure("VR", "ratio of standard deviations", Of.MEANS, ratio=True, spread=True)


def _described() -> Iterable[Measure]:
    """Measures of one group, by metafor's codes."""
    for code in ("SMCC", "SMCR"):
        yield Measure(code, "standardised mean change", Of.MEANS, group=True, change=True)
    yield Measure("MC", "mean change", Of.MEANS, group=True, change=True, in_units=True)
    for code, scale in {"PR": "", "PLN": "log", "PLO": "logit", "PAS": "arcsine"}.items():
        yield Measure(code, "proportion", Of.EVENTS, scale=scale, group=True, possible=(0.0, 1.0))
    for code, scale in {"IR": "", "IRLN": "log", "IRS": "root"}.items():
        yield Measure(code, "rate", Of.TIMES, scale=scale, group=True, possible=(0.0, math.inf))
    yield Measure("MN", "mean", Of.MEANS, group=True, in_units=True)
    yield Measure("MNLN", "mean", Of.MEANS, scale="log", group=True, in_units=True)
    for code, scale in {"COR": "", "ZCOR": "z"}.items():
        yield Measure(code, "correlation", Of.CORRELATIONS, scale=scale, group=True, possible=(-1.0, 1.0))


MEASURES: dict[str, Measure] = {measure.code: measure for measure in (*_compared(), *_described())}


def _codes(of: Of | None = None, **having: bool) -> tuple[str, ...]:
    """The codes of the measures that are of something, and have these properties."""
    return tuple(
        code
        for code, measure in MEASURES.items()
        if of in (None, measure.of) and all(getattr(measure, name) is value for name, value in having.items())
    )


RATIOS = _codes(ratio=True)
OF_EVENTS = _codes(Of.EVENTS, group=False)
OF_MEANS = _codes(Of.MEANS, group=False)
OF_TIMES = _codes(Of.TIMES, group=False)
OF_RATES = ("IRR", "IRD")  # made of events over person-time
OF_SPREADS = _codes(spread=True)
IN_UNITS = _codes(in_units=True)
OF_GROUPS = _codes(group=True)
PROPORTIONS = _codes(Of.EVENTS, group=True)
RATES = _codes(Of.TIMES, group=True)
CHANGES = _codes(Of.MEANS, group=True, change=True)
GROUP_MEANS = _codes(Of.MEANS, group=True, change=False)
CORRELATIONS = _codes(Of.CORRELATIONS)


def sides_of(code: str) -> tuple[str, ...]:
    """The sides that a measure is made of, both where it is not known."""
    return MEASURES[code].sides if code in MEASURES else SIDES


# Estimators of τ², by metafor's names; the further ones are no choice of a multiverse.
TAU2_METHODS = ("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
FURTHER_TAU2 = ("HSk", "GENQ", "PMM", "DLIT", "SJIT")
EVERY_TAU2 = (*TAU2_METHODS, *FURTHER_TAU2)
RATIOS_OF_COUNTS, LOGS_OF_COUNTS = ("OR", "IRR"), ("PLO", "IRLN")  # of two arms, of one group
# Measures that a method of pooling events gives.
METHODS = {
    "mh": (*OF_EVENTS, *OF_RATES),
    **dict.fromkeys(("peto", "penalised"), RATIOS_OF_COUNTS),
    "glmm": (*RATIOS_OF_COUNTS, *LOGS_OF_COUNTS),
}
