"""A RevMan review, read: its studies, its analyses with their data and stored totals, its judgements.

One notion for every form in which RevMan gives a review out: `rm5` reads RevMan 5's XML, `revman_web` the
tables of RevMan Web and Covidence. The settings and numbers of an analysis keep the names of RevMan 5's
attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from trialpool.contracts import LARGEST, RATIO_CONTRASTS
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import WORDS, Codes, study_ids

REVMAN: Mapping[str, Mapping[str, str]] = WORDS["revman"]  # its words and ours
SIDES = ("1", "2")
STORED = {"estimate": "EFFECT_SIZE", "ci_low": "CI_START", "ci_high": "CI_END", "q": "CHI2", "tau2": "TAU2"}


@dataclass(frozen=True, slots=True)
class Datum:
    """The data of one study in one outcome: its XML attributes, the subgroup it stands in, its footnotes."""

    study: str
    values: Mapping[str, str]
    subgroup: str = ""
    footnote: str = ""
    only: str = ""  # "subgroup" or "total" where it counts in that alone

    def numbers(self, *names: str) -> list[float] | None:
        """Some of its values, None unless all of them are numbers that a trial may report."""
        numbers = [float(cell.number(self.values.get(name)) or "inf") for name in names]
        return numbers if all(abs(value) <= LARGEST for value in numbers) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a comparison; `kind` is DICH, CONT, IV, IPD or OTHER, `values` its attributes.

    `subgroups` maps the names of its subgroups to their attributes, which hold their own totals.
    """

    kind: str
    number: str
    measure: str = ""
    comparison: str = ""
    name: str = ""
    groups: tuple[str, str] = ("", "")
    values: Mapping[str, str] = field(default_factory=dict)
    footnote: str = ""
    data: tuple[Datum, ...] = ()
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    favours: tuple[str, str] = ("", "")
    mark: str = ""  # tells its code from that of another outcome of the same name
    printed: float = 1e-9  # how far a stored total may be from the number that it rounds

    @property
    def labels(self) -> tuple[str, str]:
        """What the two groups are called."""
        return self.groups[0] or "Experimental", self.groups[1] or "Control"

    @property
    def arms(self) -> tuple[str, str]:
        """The arm ids of the two groups, made from their labels.

        >>> Outcome("DICH", "1.1", groups=("Laser", "Sham laser")).arms
        ('laser', 'sham_laser')
        """
        first, second = (cell.word(label, 40) or f"group_{at}" for at, label in enumerate(self.labels, 1))
        return (first, second) if first != second else (f"{first}_1", f"{second}_2")

    @property
    def random(self) -> bool:
        """Whether RevMan pools it with random effects."""
        return self.values.get("RANDOM") == "YES"

    @property
    def code(self) -> str:
        """Our code of its measure, "" where we have none."""
        return REVMAN["codes"].get(self.contrast, "")

    @property
    def contrast(self) -> str:
        """What the codebook calls its measure."""
        return REVMAN["measures"].get(self.measure.casefold().strip(), "effect_unspecified")

    @property
    def ratio(self) -> bool:
        """Whether its effects are ratios."""
        return self.contrast in RATIO_CONTRASTS or "ratio" in self.measure.casefold()

    @property
    def parts(self) -> Iterator[tuple[str, Outcome]]:
        """Its subgroups, each as an outcome of its own with the totals stored for it; the whole."""
        shown = "NO" if self.values.get("TOTALS") == "NO" else "YES"
        settings = {key: value for key, value in self.values.items() if key not in STORED.values()}
        for name, values in self.subgroups.items():
            data = tuple(each for each in self.data if each.subgroup == name and each.only != "total")
            yield name, replace(self, values={**settings, **values, "TOTALS": shown}, data=data)
        yield "", replace(self, data=tuple(each for each in self.data if each.only != "subgroup"))


@dataclass(frozen=True, slots=True)
class Study:
    """An included study: the key by which the data name it, and what the review says of it."""

    key: str
    name: str
    year: str = ""
    journal: str = ""
    doi: str = ""
    population: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judgement of one study in one domain of a tool, in our words, and its reason.

    It is of the whole study; or of its results of an `outcome` (and week), or in the `analysis` of that
    number, of its `outcome` a subgroup of this where one study stands in several.
    """

    study: str
    domain: str
    judgement: str
    reason: str = ""
    tool: str = "RoB1"
    outcome: str = ""
    weeks: str = ""
    analysis: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of a study, and the intervention of the review that it got ("" where none is named)."""

    study: str
    name: str
    intervention: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a study reports of an arm, or of it against the arm `reference`, by RevMan Web's column names."""

    study: str
    outcome: str
    arm: str
    values: Mapping[str, str]
    events: bool = False  # an outcome of events, not of means
    reference: str = ""
    measure: str = ""
    footnote: str = ""


@dataclass(frozen=True)
class Review:
    """A review, read: its analyses, studies and judgements, and where it can be read.

    `arms` and `results` are what the studies report before any analysis, as RevMan Web and Covidence hold it.
    `code` makes the codes of event outcomes, `item` those of subgroups, `instrument` those of scores.
    """

    source: str  # such as "RevMan file x.rm5"
    outcomes: tuple[Outcome, ...]
    studies: tuple[Study, ...]
    judgements: tuple[Judgement, ...] = ()
    arms: tuple[Arm, ...] = ()
    results: tuple[Result, ...] = ()
    title: str = ""
    url: str = ""
    doi: str = ""
    remarks: list[str] = field(default_factory=list)
    code: Codes = field(default_factory=lambda: Codes(100, "outcome"))
    item: Codes = field(default_factory=lambda: Codes(60, "subgroup"))
    instrument: Codes = field(default_factory=lambda: Codes(60, "outcome"))

    @cached_property
    def ids(self) -> dict[str, str]:
        """Our ids of its studies by their keys."""
        names = study_ids((study.name, study.year) for study in self.studies)
        return dict(zip((study.key for study in self.studies), names, strict=True))


def doi_in(text: str) -> str:
    """A DOI, "" where the text is none."""
    return text.strip() if text.strip().startswith("10.") else ""


def joined(*notes: str) -> str:
    """Notes as one."""
    return "; ".join(filter(None, notes))
