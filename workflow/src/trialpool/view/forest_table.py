"""A forest plot as a table: from a result record to the rows, texts and numbers that a reader sees.

The figure, its text alternative and the page all show this one table, so that a number is rounded once. The
decimals of the pooled line hold all down the columns of effects (a ratio has those that `text.ratio` gives
it); both arms of a trial have the same; τ² has two significant digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from trialpool import records
from trialpool import text as words
from trialpool.bias_tools import severity, worst
from trialpool.measures import OF_RATES, RATES, SIDES, sides_of
from trialpool.records import Record, Status
from trialpool.synthesis.pool import MANY
from trialpool.text import MISSING, absent, capital, clean
from trialpool.view.axis import Axis, Bounds, intervals, plan_axis, with_limits
from trialpool.view.read import Appraised, grouped
from trialpool.vocabulary import Vocabulary
from trialpool.yaml_files import shipped

OVER_TIME = (*OF_RATES, *RATES)  # measures of events over person-years
OWN = ("estimate", "estimate_low", "estimate_high")
PRINTED = ("estimate", "printed_low", "printed_high")  # where a trial prints its interval
POOLED = ("estimate", "ci_low", "ci_high")
SYMBOLS = IMPUTED, READ_ONCE, CONTRAST, CAUTION = ("†", "‡", "§", "¶")
# The models whose intervals stand side by side below MANY trials: the interval of the headline, its words,
# and the fields of the record.
SIDE_BY_SIDE = (
    ("bayes", "Random effects (Bayes)", ("bayes_estimate", "bayes_low", "bayes_high")),
    ("hksj_adhoc", "Random effects (HKSJ)", ("random_estimate", "hksj_low", "hksj_high")),
    ("common", "Common effect", ("common_estimate", "common_low", "common_high")),
)
MODELS = {name: words for name, words, _ in SIDE_BY_SIDE}
PLOT_WIDTH = 180.0  # in points, for which ticks are planned
OTHER = "Other trials"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_CAUTIONS = 12  # more trials with cautions than this get one common mark: a letter each buries the plot


class Number(NamedTuple):
    """A number of a record: its value, how it is printed, and its path ("<analysis>/pooled.estimate")."""

    value: float | None
    text: str
    path: str


class Estimate(NamedTuple):
    """An estimate with its interval; effects are on the natural scale."""

    estimate: Number
    low: Number
    high: Number

    @property
    def values(self) -> Bounds:
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


class Arm(NamedTuple):
    """One arm as printed: what it received, people, events or mean and SD; what is not known is empty."""

    received: str = ""
    n: str = ""
    events: str = ""
    mean: str = ""
    sd: str = ""

    @property
    def cell(self) -> str:
        """All of it in one cell: events / n, mean ± SD (n), or only n."""
        n = self.n or MISSING
        if self.events:
            return f"{self.events} / {n}"
        if self.mean:
            return f"{self.mean}{f' ± {self.sd}' if self.sd else ''} ({n})"
        return f"n = {n}" if self.n else ""


class Study(NamedTuple):
    """One trial's row; `number` is its place among the record's studies, `marks` are those of its footnotes.

    `weeks` is "" where the record names none; `judgements` are those of risk of bias by tool and domain;
    `texts` are the further columns that the plot is asked for.
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
    texts: Mapping[str, str] = {}

    @property
    def worst_judgement(self) -> str:
        """The judgement of its worst domain, "" where no review has judged the trial."""
        return worst(self.judgements.values())


class Inestimable(NamedTuple):
    """A trial whose counts tell nothing of the effect, as nobody or everybody had the event."""

    label: str
    url: str
    instrument: str
    arms: Mapping[str, Arm]


class Pooled(NamedTuple):
    """What several trials say together, and how far they differ."""

    trials: str
    effect: Estimate
    tau2: Estimate
    i2: Number


class Group(NamedTuple):
    """Trials under one heading ("" where there are no subgroups), with their subtotal if they are pooled."""

    name: str
    studies: tuple[Study, ...]
    subtotal: Pooled | None = None


class ForestTable(NamedTuple):
    """All rows of a forest plot from top to bottom and the footnotes, (mark, text), that they call for.

    `total` is None where trials are not pooled; `result` is the total, or of a single trial its effect;
        `beside` are, of few trials, the results of the other models that a reader would ask for, by name.
    `totals` has people and events of each side, of trials without an effect (`inestimable`) as well.
    """

    measure: str
    level: str
    model: str
    groups: tuple[Group, ...]
    result: Pooled | None
    total: Pooled | None
    beside: tuple[tuple[str, Estimate], ...]
    prediction: Estimate | None
    people: str
    totals: Mapping[str, Arm]
    notes: tuple[tuple[str, str], ...]
    inestimable: tuple[Inestimable, ...] = ()

    @property
    def weighted(self) -> bool:
        """Whether trials have weights, which a mixed model of events does not give them."""
        return any(study.weight.value is not None for study in self.studies)

    @property
    def studies(self) -> list[Study]:
        """The trials in the order of their rows."""
        return [study for group in self.groups for study in group.studies]


def forest_table(record: Appraised, *, trials: bool = True) -> ForestTable:
    """The forest table of a result record, as its `shape` wants it; what is None leaves its part out.

    Without `trials` it has no row of them, nor of a group.

    >>> from trialpool.records import sketch
    >>> study = {"label": "Lu 2020", "estimate": -1.0, "estimate_low": -2.0, "estimate_high": 0.25}
    >>> table = forest_table(sketch(Appraised, {"measure": "MD", "studies": [study]}))
    >>> table.studies[0].label, table.studies[0].effect.estimate.text, table.studies[0].effect.interval
    ('Lu 2020', '−1.00', '−2.00 to 0.25')
    """
    digits = _effect_digits(record)
    estimable = ((n, row) for n, row in enumerate(record.studies) if not absent(row.estimate))
    rows = _ordered(record, [*estimable]) if trials else []
    parts = _parts(record, rows, digits)
    marks, notes = _footnotes([row for _, members, _ in parts for row in members])
    groups = [
        Group(name, tuple(_study(record, n, row, marks[n], digits) for n, row in members), subtotal)
        for name, members, subtotal in parts
    ]
    result = _pooled(record, record.k, "pooled", digits) if record.pooled else None
    whole = record.status == Status.POOLED
    return ForestTable(
        measure=record.measure,
        level=words.percent(record.methods.level),
        model=_model(record),
        groups=tuple(groups) if trials else (),
        result=result,
        total=result if whole else None,
        beside=_beside(record, digits) if whole else (),
        prediction=prediction(record, in_plot=True) if whole and shows(record, "prediction") else None,
        people=people_words(record, "≥ "),
        totals={side: _total_arm(record, side) for side in sides_of(record.measure)},
        notes=notes,
        inestimable=tuple(_inestimable(record, row) for row in record.not_used if row.inestimable),
    )


def _model(record: Record) -> str:
    """The model of the pooled line: of few trials with its interval, as others stand beside it."""
    if record.methods.method:
        return capital(shipped("sentences")["methods"][record.methods.method])
    if record.methods.tau2_method == "FE":
        return MODELS["common"]
    interval = record.pooled.interval if record.pooled and record.k < MANY else ""
    return MODELS.get(interval, "Random effects")


def _beside(record: Record, digits: int | None) -> tuple[tuple[str, Estimate], ...]:
    """The other models' results: those that are asked for, or all of few trials."""
    asked = record.shape.show if record.shape else None
    if not record.pooled or record.methods.method or (asked is None and record.k >= MANY):
        return ()
    headline = "common" if record.methods.tau2_method == "FE" else record.pooled.interval
    if asked is not None and headline not in ("common", "bayes"):
        headline = "hksj_adhoc"  # the random-effects line is there already, whatever its interval
    wanted = asked if asked is None else [name.replace("random", "hksj_adhoc") for name in asked]
    others = [
        (model, keys)
        for name, model, keys in SIDE_BY_SIDE
        if name != headline and (wanted is None or name in wanted)
    ]
    found = [(model, estimate_at(record, "pooled", keys, digits, in_plot=True)) for model, keys in others]
    return tuple((model, estimate) for model, estimate in found if estimate.bounded)


def shows(record: Record, part: str) -> bool:
    """Whether the forest plot of a record shows a part, such as "prediction" or "q"."""
    asked = record.shape.show if record.shape else None
    hidden = part == "prediction" and record.shape is not None and record.shape.prediction == "none"
    return part in (shipped("forest")["usual"] if asked is None else asked) and not hidden


def _ordered(record: Appraised, rows: Numbered) -> Numbered:
    """Numbered trials in the order that is asked for; those of which it is not known last."""
    name = (record.shape.sort if record.shape else None) or "table"
    if name.removeprefix("-") == "table":
        return rows if name == "table" else rows[::-1]
    key = SORTS[name.removeprefix("-")]
    known = [(found, row) for row in rows if not absent(found := key(row[1]))]
    known.sort(key=lambda each: each[0], reverse=name.startswith("-"))
    return [row for _, row in known] + [row for row in rows if absent(key(row[1]))]


def _analysed(row: records.Study) -> float | None:
    """How many people of a trial were analysed; None where one side is not reported."""
    sides = [getattr(row, f"n_{side}") for side in sides_of(row.measure)]
    return None if None in sides else sum(sides)


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


SORTS: Mapping[str, Callable[[records.Study], Any]] = {
    "year": lambda row: row.year,
    "effect": lambda row: row.effect,
    "precision": lambda row: row.variance,
    "weight": lambda row: _minus(row.weight),
    "n": lambda row: _minus(_analysed(row)),
    "label": lambda row: clean(row.label or row.study_id).casefold(),
    "risk_of_bias": lambda row: _worst(_judgements(row.judgements)),
}


def _worst(judgements: Mapping[tuple[str, str], str]) -> int | None:
    return max(map(severity, judgements.values()), default=None)


def _effect_digits(record: Record) -> int | None:
    """Decimals of all effects of a record: those of its pooled line; None lets each value have its own."""
    if record.pooled:
        return words.digits_of(record.measure, [getattr(record.pooled, key) for key in POOLED])
    return words.digits_of(record.measure, [getattr(study, key) for study in record.studies for key in OWN])


def number_at(record: Record, path: str, shown: Callable[[Any], str]) -> Number:
    """The number at a path in a record such as "studies.0.weight"; `shown` makes its text."""
    value = _part_at(record, path)
    return Number(value, MISSING if value is None else shown(value), f"{record.analysis}/{path}")


def _part_at(part: Any, path: str) -> Any:
    for step in path.split("."):
        step_in = isinstance(part, dict) or step.isdigit()
        part = part[int(step) if step.isdigit() else step] if step_in else getattr(part, step)
    return part


def estimate_at(
    record: Record,
    path: str,
    keys: Sequence[str] = POOLED,
    digits: int | None = None,
    *,
    in_plot: bool = False,
) -> Estimate:
    """An estimate and its bounds, the fields `keys` at a path in a record, as printed.

    Without `digits` they have the decimals that suit them alone; `in_plot` those that the plot is asked for.
    """
    part, own = _part_at(record, path), record.shape.digits if record.shape and in_plot else None
    values = [_part_at(part, key) for key in keys]
    texts = words.format_values(record.measure, values, digits)
    if own is not None:
        texts = [words.fixed(record.measure, value, own) for value in values]
    paths = (f"{record.analysis}/{path}.{key}" for key in keys)
    return Estimate(*map(Number, values, texts, paths))


def pooled_estimate(record: Record) -> Estimate | None:
    """The pooled estimate (of one trial, its own) in the decimals that suit it alone; None without one."""
    return estimate_at(record, "pooled") if record.pooled else None


def prediction(record: Record, *, in_plot: bool = False) -> Estimate | None:
    """The pooled estimate with its prediction interval, in the decimals of the pooled line, if it has one."""
    if not record.pooled:
        return None
    keys = ("estimate", "pi_low", "pi_high")
    interval = estimate_at(record, "pooled", keys, _effect_digits(record), in_plot=in_plot)
    return interval if interval.bounded else None


def some_uncounted(record: Record) -> bool:
    """Whether a trial does not say how many people it analysed, so that the record's number is a least."""
    names = [f"n_{side}" for side in sides_of(record.measure)]
    return any(absent(getattr(study, name)) for study in record.studies for name in names)


def forest_axis(
    table: ForestTable,
    threshold: float | None,
    left: float = 0.0,
    width: float = PLOT_WIDTH,
    shape: records.Shape | None = None,
) -> Axis:
    """The value axis of the plot from an x position; `threshold` is the MCID, where it is drawn."""
    total = [table.total.effect.values] if table.total else []
    further = [group.subtotal.effect for group in table.groups if group.subtotal]
    further += [table.prediction] if table.prediction else []
    axis = plan_axis(
        table.measure,
        [study.effect.values for study in table.studies],
        [*(estimate for estimate, _, _ in total), threshold],
        pooled=intervals(total),
        further=intervals(each.values for each in further),
        left=left,
        right=left + width,
    )
    return with_limits(axis, shape.limits, shape.ticks) if shape else axis


Numbered = list[tuple[int, records.Study]]  # trials with their places in the record


def _parts(
    record: Appraised, rows: Numbered, digits: int | None
) -> list[tuple[str, Numbered, Pooled | None]]:
    """Heading, numbered trials and subtotal of each subgroup in the record's order; the other trials last."""
    if not record.subgroups:
        return [("", rows, None)]
    members = grouped(rows, lambda row: records.group_of(row[1], str(record.subgroup_column)))
    parts: list[tuple[str, Numbered, Pooled | None]] = []
    known = record.vocabulary
    names = {"condition": known.condition, "instrument": known.code, "item": known.code}
    for number, group in enumerate(record.subgroups):
        subtotal = None
        if group.pooled and group.k > 1:
            subtotal = _pooled(record, group.k, f"subgroups.{number}.pooled", digits)
        name = names.get(str(record.subgroup_column), record.vocabulary.treatment)
        heading = _heading(record, group.name, words.capital(clean(name(group.name))) or OTHER)
        parts.append((heading, members.pop(group.name, []), subtotal))
    rest = sorted((row for own in members.values() for row in own), key=lambda row: row[0])
    return [*parts, (OTHER, rest, None)] if rest else parts


def _heading(record: Record, group: str, usual: str) -> str:
    """The heading over a group of trials: the usual one, another that is asked for, or none."""
    asked = record.shape.group_headers if record.shape else None
    if isinstance(asked, Mapping):
        return clean(asked.get(group, asked.get(usual, usual)))
    return "" if asked is False else usual


def _study(record: Appraised, number: int, row: records.Study, marks: str, digits: int | None) -> Study:
    path = f"studies.{number}"
    own = (record.shape and record.shape.labels) or {}
    return Study(
        number=number,
        label=clean(own.get(row.study_id, own.get(row.label, "")) or row.label or row.study_id)
        or "unnamed trial",
        url=words.url(row.source_url),
        instrument=measured_by(row, record.vocabulary),
        weeks="" if row.weeks is None else words.plain_number(round(row.weeks, 1)),
        arms=_arms(row),
        effect=estimate_at(record, path, OWN if row.printed_low is None else PRINTED, digits, in_plot=True),
        weight=number_at(record, f"{path}.weight", lambda value: f"{words.number(value, 1)}%"),
        imputed=row.imputed,
        marks=marks,
        judgements=_judgements(row.judgements),
        texts={name: _trial_text(record, number, name) for name in _asked_texts(record)},
    )


def _asked_texts(record: Record) -> list[str]:
    """The columns of the plot that say something of a trial besides what is always known."""
    every, asked = shipped("forest"), (record.shape and record.shape.columns) or ()
    return [name for name in asked if name not in (*every["blocks"], *every["arms"]) or name in WEIGHTS]


WEIGHTS = {"weight_common": "FE", "weight_random": ""}  # the estimator of τ² of each; the analysis' own


def _trial_text(record: Appraised, number: int, name: str) -> str:
    """One further column of a trial's row, by the column's name."""
    row, known = record.studies[number], record.vocabulary
    if name in WEIGHTS:
        return _model_weight(record, number, WEIGHTS[name])
    if row.columns and name in row.columns:
        return clean(row.columns[name])
    judgement = worst(_judgements(row.judgements).values())
    own: dict[str, Callable[[], str]] = {
        "people": lambda: _people(_analysed(row)),
        "instrument": lambda: measured_by(row, known),
        "condition": lambda: clean(known.condition(row.condition)),
        "timepoint": lambda: words.TIMEPOINT_NAMES.get(row.timepoint, words.spaced(row.timepoint)),
        "risk_of_bias": lambda: words.spaced(judgement),
    }
    if name in own:
        return own[name]()
    value = getattr(row, name, "")
    return "" if absent(value) else words.spaced(clean(value)) if isinstance(value, str) else _plainly(value)


def _plainly(value: float) -> str:
    return words.plain_number(round(value, 1))


def _model_weight(record: Record, number: int, method: str) -> str:
    """The weight of a trial in the common-effect or the random-effects model, whichever the headline is."""
    from trialpool import stats

    rows = record.studies
    own = method or ("REML" if record.methods.tau2_method == "FE" else record.methods.tau2_method)
    fit = stats.pool([row.effect for row in rows], [row.variance for row in rows], tau2_method=own)
    return f"{words.number(float(fit.weights[number]), 1)}%"


def _inestimable(record: Appraised, row: records.Unused) -> Inestimable:
    arms = {}
    for side in SIDES:
        n, events = (getattr(row, f"{name}_{side}") for name in ("n", "events"))
        arms[side] = Arm(n=_people(n), events=words.plain_number(events))
    return Inestimable(
        label=clean(row.label or row.study_id) or "unnamed trial",
        url=words.url(row.source_url),
        instrument=measured_by(row, record.vocabulary),
        arms=arms,
    )


def measured_by(row: records.Study | records.Unused, vocabulary: Vocabulary) -> str:
    """A short name of what was measured: "NRS", "MNCV: peroneal"."""
    parts = [vocabulary.code(clean(code)) for code in (row.instrument, row.item)]
    return ": ".join(filter(None, parts))


def _arms(row: records.Study) -> dict[str, Arm]:
    """What either arm got, how many people, and what is known of its result."""
    digits = min(max(words.digits_for([row.mean_experimental, row.mean_control]), 1), 2)
    arms = {}
    for side in sides_of(row.measure):
        mean, sd, events = (getattr(row, f"{key}_{side}") for key in ("mean", "sd", "events"))
        counted, measured = not absent(events), absent(events) and not absent(mean)
        timed = counted and row.measure in OVER_TIME  # over person-years, whoever they were
        amount = _years(getattr(row, f"person_years_{side}")) if timed else _people(getattr(row, f"n_{side}"))
        arms[side] = Arm(
            received=words.capital(clean(getattr(row, f"label_{side}"))),
            n=amount,
            events=words.plain_number(events) if counted else "",
            mean=words.number(mean, digits) if measured else "",
            sd=words.number(sd, digits) if measured and not absent(sd) else "",
        )
    return arms


def _total_arm(record: Record, side: str) -> Arm:
    """People of all trials on one side, and their events where every trial has them."""
    beside = [row for row in record.not_used if row.inestimable]
    events = [getattr(row, f"events_{side}") for row in (*record.studies, *beside)]
    whole, people = bool(events) and not any(map(absent, events)), getattr(record, f"n_{side}")
    if record.measure in OVER_TIME and whole and not beside:
        years = [getattr(row, f"person_years_{side}") for row in record.studies]
        return Arm(n=_years(None if None in years else sum(years)), events=words.number(sum(events), 0))
    if people is not None:
        people += sum(round(getattr(row, f"n_{side}") or 0) for row in beside)
    return Arm(n=_people(people), events=words.number(sum(events), 0) if whole else "")


def _people(n: float | None) -> str:
    """A number of people; halves occur where an arm was split."""
    return "" if n is None else words.number(n, 0 if float(n).is_integer() else 1)


def _years(amount: float | None) -> str:
    """Person-years, to a tenth of few."""
    return "" if amount is None else words.number(amount, 0 if amount >= 100 else 1)


def people(record: Record) -> int | None:
    """Analysed people of all sides that the measure has; None where one is not reported."""
    if len(sides_of(record.measure)) == 1:
        return record.n_experimental
    return words.people(record.n_experimental, record.n_control)


def people_words(record: Record, least: str = "at least ", unknown: str = "") -> str:
    """How many people were analysed, or `unknown`; after `least` where some trials do not say."""
    amount = people(record)
    least = least if some_uncounted(record) else ""
    return unknown if amount is None else f"{least}{words.count(amount, 'person', 'people')}"


def _pooled(record: Record, k: int, path: str, digits: int | None) -> Pooled:
    keys = ("tau2", "tau2_low", "tau2_high")
    tau2 = (number_at(record, f"{path}.{key}", words.significant) for key in keys)
    return Pooled(
        trials=words.count(k, "trial"),
        effect=estimate_at(record, path, POOLED, digits, in_plot=True),
        tau2=Estimate(*tau2),
        i2=number_at(record, f"{path}.i2", lambda value: f"{words.number(value, 0)}%"),
    )


def _judgements(line: str) -> dict[tuple[str, str], str]:
    """The judgement of each (tool, domain) from the line in which an effect carries them."""
    parts = (part.rpartition(" ") for part in line.split("; "))
    named = ((name.partition(": "), judgement) for name, _, judgement in parts)
    return {(tool, domain): judgement for (tool, _, domain), judgement in named if domain}


def _footnotes(rows: Numbered) -> tuple[dict[int, str], tuple[tuple[str, str], ...]]:
    """The marks of every numbered trial, and (mark, text) of every footnote, symbols before letters."""
    many = sum(bool(_caution_text(row)) for _, row in rows) > MOST_CAUTIONS
    letters: dict[str, str] = {}  # of the texts of cautions
    marks = {}
    for number, row in rows:
        caution = _caution_text(row)
        called = {
            IMPUTED: row.imputed,
            READ_ONCE: row.reading == "single",
            CONTRAST: row.kind == "contrast",
            CAUTION: many and caution,
        }
        own = [mark for mark, applies in called.items() if applies]
        if caution and not many:
            own.append(letters.setdefault(caution, LETTERS[len(letters)]))
        marks[number] = " ".join(own)
    texts = shipped("sentences")["views"]["marks"] | {letter: caution for caution, letter in letters.items()}
    used = set(" ".join(marks.values()).split())
    return marks, tuple((mark, texts[mark]) for mark in (*SYMBOLS, *LETTERS) if mark in used)


def _caution_text(row: records.Study) -> str:
    """All cautions of one trial as one text, each once, and what was added to a table with a zero."""
    added = [step for step in row.derivation if "added to each cell" in step]
    parts = [clean(part).rstrip(".") for part in [*row.cautions, *added]]
    text = "; ".join(dict.fromkeys(part for part in parts if part))
    if text[1:2].isalpha():  # a symbol such as n stays small
        text = words.capital(text)
    return f"{text}." if text else ""
