"""A forest plot as a table: from a result record to the rows, texts and numbers that a reader sees.

The figure, its text alternative and the page all show this one table, so that a number is rounded once. The
decimals of the pooled line hold all down the columns of effects (a ratio has those that `text.ratio` gives
it); both arms of a trial have the same; τ² has two significant digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialpool import text as words
from trialpool.evidence.risk_of_bias import ORDER as WORST
from trialpool.text import MISSING, absent, clean
from trialpool.view.axis import Axis, no_effect, plan_axis

Record = Mapping[str, Any]
SIDES = ("experimental", "control")
OWN = ("estimate", "estimate_low", "estimate_high")
POOLED = ("estimate", "ci_low", "ci_high")
SYMBOLS = IMPUTED, READ_ONCE, CONTRAST, CAUTION = ("†", "‡", "§", "¶")
PLOT_WIDTH = 180.0  # in points, for which ticks are planned
OTHER = "Other trials"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_CAUTIONS = 12  # more trials with cautions than this get one common mark: a letter each buries the plot
MEANINGS = {
    IMPUTED: "Rests on an imputed number (hollow square).",
    READ_ONCE: "Read at its source once, not twice.",
    CONTRAST: "Contrast as published: used as printed, without the arms' own results.",
    CAUTION: "To be read with caution: the reasons stand in studies.csv, column cautions.",
}
_ABBREVIATIONS = re.compile(r"\b(adl|cipn|ctcae|emg|mymop|ncv|ntx|pgic|tss)\b")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a record: its value, how it is printed, and where in the record it stands."""

    value: float | None
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its interval; effects are on the natural scale."""

    estimate: Number
    low: Number
    high: Number

    @property
    def values(self) -> tuple[float | None, float | None, float | None]:
        """Estimate and bounds as numbers."""
        return self.estimate.value, self.low.value, self.high.value

    @property
    def bounded(self) -> bool:
        """Whether the interval is known."""
        return self.low.value is not None and self.high.value is not None

    @property
    def interval(self) -> str:
        """The interval "a to b", a dash where it is not known."""
        return f"{self.low.text} to {self.high.text}" if self.bounded else MISSING


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm as printed: what it received, people, events or mean and SD; what is not known is empty."""

    received: str = ""
    n: str = ""
    events: str = ""
    mean: str = ""
    sd: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One trial's row; `number` is its place among the record's studies, `marks` are those of its footnotes.

    `weeks` is "" where the record names none; `judgements` are those of risk of bias by tool and domain.
    """

    number: int
    label: str
    url: str
    instrument: str
    weeks: str
    arms: Mapping[str, Arm]
    effect: Estimate
    weight: Number
    imputed: bool
    marks: str
    judgements: Mapping[tuple[str, str], str]

    @property
    def worst_judgement(self) -> str:
        """The judgement of its worst domain, "" where no review has judged the trial."""
        return max(self.judgements.values(), key=lambda name: WORST.get(name, 1), default="")


@dataclass(frozen=True, slots=True)
class Pooled:
    """What several trials say together, and how far they differ."""

    trials: str
    effect: Estimate
    tau2: Estimate
    i2: Number


@dataclass(frozen=True, slots=True)
class Group:
    """Trials under one heading ("" where there are no subgroups), with their subtotal if they are pooled."""

    name: str
    studies: tuple[Study, ...]
    subtotal: Pooled | None = None


@dataclass(frozen=True, slots=True)
class ForestTable:
    """All rows of a forest plot from top to bottom and the footnotes, (mark, text), that they call for.

    `total` is None where trials are not pooled; `result` is the total, or of a single trial its effect.
    `people` is "" where no side's number is known; `totals` has people and events of each side.
    """

    measure: str
    level: str
    model: str
    groups: tuple[Group, ...]
    result: Pooled | None
    total: Pooled | None
    prediction: Estimate | None
    people: str
    totals: Mapping[str, Arm]
    notes: tuple[tuple[str, str], ...]

    @property
    def studies(self) -> list[Study]:
        """The trials in the order of their rows."""
        return [study for group in self.groups for study in group.studies]


def forest_table(record: Record) -> ForestTable:
    """The forest table of a result record; missing or None entries leave their part out.

    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.25}
    >>> table = forest_table({"measure": "MD", "studies": [study]})
    >>> table.studies[0].label, table.studies[0].effect.estimate.text, table.studies[0].effect.interval
    ('Lu 2020', '−1.00', '−2.00 to 0.25')
    """
    digits = effect_digits(record)
    parts = _parts(record)
    marks, notes = _footnotes([row for _, members, _ in parts for row in members])
    groups = [
        Group(name, tuple(_study(record, n, row, marks[n], digits) for n, row in members), subtotal)
        for name, members, subtotal in parts
    ]
    methods, pooled = record.get("methods") or {}, record.get("pooled")
    result = _pooled(record, record.get("k"), pooled, "pooled.", digits) if pooled else None
    whole = record.get("status") == "pooled"
    return ForestTable(
        measure=str(record.get("measure") or ""),
        level=words.percent(methods.get("level") or 0.95),
        model="Common effect" if methods.get("tau2_method") == "FE" else "Random effects",
        groups=tuple(groups),
        result=result,
        total=result if whole else None,
        prediction=prediction(record) if whole else None,
        people=_people_of(record),
        totals={side: _total_arm(record, side) for side in SIDES},
        notes=notes,
    )


def effect_digits(record: Record) -> int | None:
    """Decimals of all effects of a record: those of its pooled line; None lets each value have its own.

    >>> effect_digits({"measure": "MD", "pooled": {"estimate": 8.9, "ci_low": -3.2, "ci_high": 21.0}})
    1
    """
    measure = record.get("measure")
    if measure in words.RATIO_MEASURES:
        return None
    if measure == "SMD":
        return 2
    holders, keys = (
        ([record["pooled"]], POOLED) if record.get("pooled") else (record.get("studies") or [], OWN)
    )
    return words.digits_for([row.get(key) for row in holders for key in keys])


def estimate_of(
    record: Record, holder: Record, keys: Sequence[str], place: str = "", digits: int | None = None
) -> Estimate:
    """An estimate and its bounds, the `keys` of `holder` (found at `place` in the record), as printed.

    Without `digits` they have the decimals that suit them alone.

    >>> row = {"estimate": 1.5, "ci_low": 1.0, "ci_high": None}
    >>> estimate_of({"measure": "RR"}, row, POOLED, "pooled.").estimate
    Number(value=1.5, text='1.50', place='pooled.estimate')
    """
    values = [None if absent(holder.get(key)) else holder[key] for key in keys]
    texts = words.format_values(str(record.get("measure")), values, digits)
    estimate, low, high = map(Number, values, texts, [f"{place}{key}" for key in keys])
    return Estimate(estimate, low, high)


def prediction(record: Record) -> Estimate | None:
    """The pooled estimate with its prediction interval, in the decimals of the pooled line; None without one.

    >>> pooled = {"estimate": 9.5, "ci_low": 9.0, "ci_high": 9.9, "pi_low": 7.0, "pi_high": 12.0}
    >>> prediction({"measure": "MD", "pooled": pooled}).interval
    '7.00 to 12.00'
    """
    pooled = record.get("pooled") or {}
    found = estimate_of(record, pooled, ("estimate", "pi_low", "pi_high"), "pooled.", effect_digits(record))
    return found if found.bounded else None


def forest_axis(table: ForestTable, threshold: float | None, left: float = 0.0) -> Axis:
    """The value axis of the plot from an x position; `threshold` is the MCID, where it is drawn.

    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.0}
    >>> forest_axis(forest_table({"measure": "MD", "studies": [study]}), None).labels
    ('−2.0', '−1.5', '−1.0', '−0.5', '0.0')
    """

    def intervals(estimates: Sequence[Estimate]) -> list[tuple[float, float]]:
        bounds = ((found.low.value, found.high.value) for found in estimates)
        return [(low, high) for low, high in bounds if low is not None and high is not None]

    effects = [study.effect for study in table.studies]
    total = [table.total.effect] if table.total else []
    further = [group.subtotal.effect for group in table.groups if group.subtotal]
    further += [table.prediction] if table.prediction else []
    landmarks = [no_effect(table.measure), *(found.estimate.value for found in total), threshold]
    return plan_axis(
        [found.estimate.value for found in effects if found.estimate.value is not None],
        intervals(effects),
        [value for value in landmarks if value is not None],
        pooled=intervals(total),
        further=intervals(further),
        logarithmic=table.measure in words.RATIO_MEASURES,
        left=left,
        right=left + PLOT_WIDTH,
    )


def _parts(record: Record) -> list[tuple[str, list[tuple[int, Record]], Pooled | None]]:
    """Heading, numbered trials and subtotal of each subgroup in the record's order; the other trials last."""
    rows = [(n, row) for n, row in enumerate(record.get("studies") or []) if not absent(row.get("estimate"))]
    subgroups = [(str(group.get("name")), group) for group in record.get("subgroups") or []]
    if not subgroups:
        return [("", rows, None)]
    names = [name for name, _ in subgroups]
    column = record["subgroup_column"]
    parts: list[tuple[str, list[tuple[int, Record]], Pooled | None]] = []
    for number, (name, group) in enumerate(subgroups):
        pooled, k, subtotal = group.get("pooled"), group.get("k") or 0, None
        if pooled and k > 1:
            subtotal = _pooled(record, k, pooled, f"subgroups.{number}.pooled.", effect_digits(record))
        members = [(n, row) for n, row in rows if str(row.get(column)) == name]
        parts.append((words.capital(words.group_name(name)) or OTHER, members, subtotal))
    rest = [(n, row) for n, row in rows if str(row.get(column)) not in names]
    return [*parts, (OTHER, rest, None)] if rest else parts


def _study(record: Record, number: int, row: Record, marks: str, digits: int | None) -> Study:
    place = f"studies.{number}."
    return Study(
        number=number,
        label=clean(row.get("label") or row.get("study_id")) or "unnamed trial",
        url=words.url(row.get("source_url")),
        instrument=_instrument(row),
        weeks="" if absent(row.get("weeks")) else words.plain_number(round(float(row["weeks"]), 1)),
        arms=_arms(row),
        effect=estimate_of(record, row, OWN, place, digits),
        weight=_number(row, "weight", place, lambda value: f"{words.number(value, 1)}%"),
        imputed=bool(row.get("imputed")),
        marks=marks,
        judgements=_judgements(row.get("judgements")),
    )


def _instrument(row: Record) -> str:
    """A short name of what was measured: "NRS", "MNCV: peroneal"."""
    parts = [clean(words.spaced(row.get(key))) for key in ("instrument", "item")]
    return _ABBREVIATIONS.sub(lambda found: found.group().upper(), ": ".join(filter(None, parts)))


def _arms(row: Record) -> dict[str, Arm]:
    """What either arm got, how many people, and what is known of its result."""
    digits = min(max(words.digits_for([row.get(f"mean_{side}") for side in SIDES]), 1), 2)
    arms = {}
    for side in SIDES:
        mean, sd, events = (row.get(f"{key}_{side}") for key in ("mean", "sd", "events"))
        counted, measured = not absent(events), absent(events) and not absent(mean)
        arms[side] = Arm(
            received=words.capital(clean(row.get(f"label_{side}"))),
            n=_people(row.get(f"n_{side}")),
            events=words.plain_number(events) if counted else "",
            mean=words.number(mean, digits) if measured else "",
            sd=words.number(sd, digits) if measured and not absent(sd) else "",
        )
    return arms


def _total_arm(record: Record, side: str) -> Arm:
    """People of all trials on one side, and their events where every trial has them."""
    events = [row.get(f"events_{side}") for row in record.get("studies") or []]
    whole = bool(events) and not any(map(absent, events))
    return Arm(n=_people(record.get(f"n_{side}")), events=words.number(sum(events), 0) if whole else "")


def _people(n: Any) -> str:
    """A number of people; halves occur where an arm was split."""
    return "" if absent(n) else words.number(n, 0 if float(n).is_integer() else 1)


def _people_of(record: Record) -> str:
    everybody = words.people(record)
    least = "≥ " if words.some_uncounted(record) else ""
    return "" if everybody is None else f"{least}{words.count(everybody, 'person', 'people')}"


def _pooled(record: Record, k: float | None, holder: Record, place: str, digits: int | None) -> Pooled:
    tau2 = (_number(holder, key, place, words.significant) for key in ("tau2", "tau2_low", "tau2_high"))
    return Pooled(
        trials=words.count(k, "trial"),
        effect=estimate_of(record, holder, POOLED, place, digits),
        tau2=Estimate(*tau2),
        i2=_number(holder, "i2", place, lambda value: f"{words.number(value, 0)}%"),
    )


def _number(holder: Record, key: str, place: str, shown: Callable[[float], str]) -> Number:
    value = None if absent(holder.get(key)) else holder[key]
    return Number(value, MISSING if value is None else shown(value), f"{place}{key}")


def _judgements(line: Any) -> dict[tuple[str, str], str]:
    """The judgement of each (tool, domain) from the line in which an effect carries them."""
    found = {}
    for part in str(line or "").split("; "):
        name, _, judgement = part.rpartition(" ")
        tool, _, domain = name.partition(": ")
        if domain:
            found[tool, domain] = judgement
    return found


def _footnotes(rows: Sequence[tuple[int, Record]]) -> tuple[dict[int, str], tuple[tuple[str, str], ...]]:
    """The marks of every numbered trial, and (mark, text) of every footnote, symbols before letters."""
    many = sum(bool(caution_text(row)) for _, row in rows) > MOST_CAUTIONS
    letters = iter(LETTERS)
    mark_of: dict[str, str] = {}
    marks = {}
    for number, row in rows:
        caution = caution_text(row)
        called = (
            (IMPUTED, row.get("imputed")),
            (READ_ONCE, row.get("reading") == "single"),
            (CONTRAST, row.get("kind") == "contrast"),
            (CAUTION, many and caution),
        )
        own = [mark for mark, applies in called if applies]
        mark_of |= {MEANINGS[mark]: mark for mark in own}
        if caution and not many:
            mark_of[caution] = mark_of.get(caution) or next(letters)
            own.append(mark_of[caution])
        marks[number] = " ".join(own)
    order = [*SYMBOLS, *LETTERS]
    notes = sorted(((mark, text) for text, mark in mark_of.items()), key=lambda note: order.index(note[0]))
    return marks, tuple(notes)


def caution_text(row: Record) -> str:
    """All cautions of one trial as one text, each once, and what was added to a table with a zero.

    >>> caution_text({"cautions": "n not printed; SD from SE; n not printed"})
    'n not printed; SD from SE.'
    >>> caution_text({"derivation": "events as printed; 0.5 added to each cell"})
    '0.5 added to each cell.'
    """
    added = [step for step in str(row.get("derivation") or "").split(";") if "added to each cell" in step]
    parts = [clean(part).rstrip(".") for part in [*str(row.get("cautions") or "").split(";"), *added]]
    text = "; ".join(dict.fromkeys(part for part in parts if part))
    if text[1:2].isalpha():  # a symbol such as n stays small
        text = words.capital(text)
    return f"{text}." if text else ""
