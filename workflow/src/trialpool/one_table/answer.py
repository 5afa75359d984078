"""One table of trials in; its meta-analysis out, as lines for a terminal and as a folder of files to show.

The fit is the library's, the figures are its, the page shows the same record. Nothing is added but what a
reader has to know: what was taken for granted.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from trialpool import text
from trialpool.api import Dataset, Fit, Regression, Result, effects, pool
from trialpool.api.data import KINDS, appraised
from trialpool.api.results import effect_words
from trialpool.errors import Fault, InputError
from trialpool.evidence.summaries import ASYMMETRY
from trialpool.measures import MEASURES, SIDES
from trialpool.one_table.columns import Columns, names_of, recognise, refuse_several, trials_only
from trialpool.one_table.read import Table, is_missing, read_table
from trialpool.records import Conclusion, conclusion
from trialpool.synthesis import analyse
from trialpool.synthesis import pool as synthesis
from trialpool.yaml_files import shipped

GIVEN = {"events": "events", "n": "n", "mean": "means", "sd": "sds"}  # kind of a role: argument of effects()
GIVEN |= {"person_years": "time", "r": "r"}
COUNTED = ("events", "others", "n")  # kinds of whole numbers
ROW = "row_in_table"
WIDEST = 40  # letters of a trial's name in the terminal
NOT_STATED = "not stated"  # the group of a trial whose cell is empty


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a table, as on the command line; "" and () are not asked.

    `names` are those of the arms, `favours` the words left and right of no effect, `columns` says of roles
    which column they are; `sort`, `style` and the YAML file `forest` are of the forest plot.
    """

    measure: str = ""
    labels: str = ""
    by: str = ""
    moderators: str = ""
    names: tuple[str, str] = SIDES
    favours: tuple[str, str] | None = None
    title: str = ""
    sheet: str = ""
    where: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    tau2_method: str = "REML"
    interval: str = "auto"
    level: float = 0.95
    sort: str = ""
    style: str = ""
    forest: str = ""


@dataclass(frozen=True, eq=False)
class Trials:
    """The trials of a table: their rows as they stand, their effects, what was assumed."""

    table: Table
    columns: Columns
    data: Dataset
    assumed: tuple[str, ...]

    def words(self, option: str, name: str) -> pd.Series:
        """A column that an option names as text, a value a trial, what is missing None."""
        cells = self.table.cells[self.table.column(name, option)]
        return cells.loc[self.data.frame[ROW]].map(lambda cell: None if is_missing(cell) else cell)


def trials_of(path: str | Path, asked: Asked) -> Trials:
    """The effects of the trials in a file.

    Raises InputError with what is wrong with the table, and what mends it.
    """
    table = read_table(path, asked.sheet).only(asked.where)
    refuse_several(table)
    return trials_in(table, recognise(table, asked.measure, asked.labels, asked.columns), asked)


def trials_in(table: Table, columns: Columns, asked: Asked) -> Trials:
    """The effects of the trials in a table whose columns are known; raises InputError as `trials_of`."""
    table, said = trials_only(table, columns)
    arguments = _arguments(table, columns)
    silent = _silent(columns, arguments)
    if silent.all():
        problem = "nobody or everybody had the event in both arms of every trial, so there is no ratio"
        table.refuse(problem, "say --measure RD")
    odd = _lopsided(columns, arguments, names_of(table, columns))
    frame = table.typed()[~silent]
    arguments = {name: _rows(given, ~silent) for name, given in arguments.items()}
    with told(table), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        names = names_of(table, columns)
        label = [names[row] or f"Row {row}" for row in frame.index]
        options: Any = {"label": label, "names": asked.names, **arguments}
        data = effects(frame.rename_axis(ROW).reset_index(), measure=columns.measure, **options)
    left = [f"{text.capital(str(each.message))}." for each in found]
    if silent.any():
        whom = ", ".join(names[row] or f"Row {row}" for row in silent.index[silent])
        left.append(f"Left out, as nobody or everybody had the event in both arms: {whom}.")
    return Trials(
        table, columns, data, (*table.remarks, *columns.assumed, *said, *left, *odd, *_corrected(data))
    )


def _arguments(table: Table, columns: Columns) -> dict[str, Any]:
    """The arguments of `effects` by the roles of the columns."""
    numbers = {
        role: table.numbers(name, whole=kind_of(role) in COUNTED) for role, name in columns.roles.items()
    }
    for arm in "12":
        if f"others_{arm}" in numbers:
            numbers[f"n_{arm}"] = numbers[f"events_{arm}"] + numbers.pop(f"others_{arm}")
        if f"se_{arm}" in numbers:
            numbers[f"sd_{arm}"] = numbers.pop(f"se_{arm}") * np.sqrt(numbers[f"n_{arm}"])
    if "se" in numbers and "mean" in numbers:
        numbers["sd"] = numbers.pop("se") * np.sqrt(numbers["n"])
    if "o_minus_e" in numbers:
        numbers["estimate"] = numbers.pop("o_minus_e") / numbers["information"]
        numbers["variance"] = 1 / numbers.pop("information")
    if columns.family == "estimates":
        given: dict[str, Any] = {"effect": numbers["estimate"], "log": columns.log}
        given |= {name: numbers[name] for name in ("se", "variance") if name in numbers}
        return given | ({"ci": (numbers["low"], numbers["high"])} if "low" in numbers else {})
    kinds = [kind for kind in dict.fromkeys(map(kind_of, numbers)) if kind in KINDS[columns.measure]]
    return {
        GIVEN[kind]: numbers[kind] if kind in numbers else (numbers[f"{kind}_1"], numbers[f"{kind}_2"])
        for kind in kinds
    }


def numbers_of(table: Table, columns: Columns) -> dict[str, pd.Series]:
    """The numbers of a table by their roles, counts as whole ones."""
    roles = columns.roles.items()
    return {role: table.numbers(name, whole=kind_of(role) in COUNTED) for role, name in roles}


def kind_of(role: str) -> str:
    """What a role is of, whichever arm it is of.

    >>> kind_of("person_years_1"), kind_of("n")
    ('person_years', 'n')
    """
    return role[:-2] if role[-2:] in ("_1", "_2") else role


def _lopsided(columns: Columns, arguments: Mapping[str, Any], names: pd.Series) -> list[str]:
    """Whose printed interval is not symmetric about its estimate beyond rounding, on the scale of pooling."""
    if "ci" not in arguments:
        return []
    values = [arguments["effect"], *arguments["ci"]]
    if MEASURES[columns.measure].ratio and not columns.log:
        values = [np.log(value.where(value > 0)) for value in values]
    middle, low, high = values
    off = (middle - (low + high) / 2).abs() > ASYMMETRY * (high - low) / 2
    whom = ", ".join(names[row] or f"Row {row}" for row in off.index[off])
    why = "not symmetric about the estimate, so that its width alone is used, about the estimate"
    return [f"The printed interval is {why}: {whom}."] if whom else []


def _rows(given: Any, kept: pd.Series) -> Any:
    """An argument of some rows."""
    if isinstance(given, tuple):
        return tuple(each[kept] for each in given)
    return given[kept] if isinstance(given, pd.Series) else given


def _silent(columns: Columns, arguments: Mapping[str, Any]) -> pd.Series:
    """Trials that tell nothing of a ratio: no event in both arms, or nothing else (Handbook 10.4.4)."""
    if columns.family not in ("events", "rates") or not MEASURES[columns.measure].ratio:
        return next(iter(_flat(arguments))).isna() & False
    (e1, e2), (n1, n2) = arguments["events"], arguments.get("n", (np.inf, np.inf))
    return (e1 + e2 == 0) | ((e1 == n1) & (e2 == n2))


def _flat(arguments: Mapping[str, Any]) -> Iterator[pd.Series]:
    for given in arguments.values():
        yield from given if isinstance(given, tuple) else [given]


def _corrected(data: Dataset) -> list[str]:
    """Whose empty cells were filled."""
    if "events_experimental" not in data.arms or data.measure not in MEASURES:
        return []
    if data.measure in ("PAS", "IRS"):
        return []
    sides = [(data.arms[f"events_{side}"], data.arms.get(f"n_{side}")) for side in data.natural.sides]
    empty = np.any([(events == 0) | (n is not None and events == n) for events, n in sides], axis=0)
    names = [name for name, each in zip(data.labels, empty, strict=True) if each]
    return [f"0.5 is added to every cell of trials with an empty one: {', '.join(names)}."] if names else []


@contextmanager
def told(table: Table) -> Iterator[None]:
    """Faults that the library finds in the numbers or the options, as faults of the table."""
    try:
        yield
    except ValueError as problem:
        _refuse(table, str(problem))


def _refuse(table: Table, problem: str) -> NoReturn:
    raise InputError(
        [Fault(table.name, None, "", "", problem, "correct the cell, or the option that names it")]
    )


@dataclass(frozen=True, eq=False)
class Answer:
    """The meta-analysis of a table, with its groups and its regression where they were asked for."""

    trials: Trials
    asked: Asked
    fit: Fit
    groups: Result | None
    regression: Regression | None
    notes: tuple[str, ...]  # what was left out of the two

    @property
    def by(self) -> pd.Series | None:
        """The group of each trial, if groups were asked for."""
        return groups_of(self.trials, self.asked.by) if self.asked.by else None

    @property
    def assumed(self) -> tuple[str, ...]:
        """What was taken for granted, in sentences."""
        return (*self.trials.assumed, *self.notes)

    @property
    def title(self) -> str:
        """The title that was asked for, or the name of the file."""
        return self.asked.title or text.capital(text.spaced(Path(self.trials.table.name).stem))

    @property
    def has_funnel(self) -> bool:
        """Whether there are enough trials for a funnel plot to say something."""
        return self.fit.k >= text.MANY_TRIALS

    @property
    def has_bubble(self) -> bool:
        """Whether the regression is on one number."""
        return self.regression is not None and len(self.regression.frame) == 2 and self._moderator is not None

    @property
    def _moderator(self) -> str | None:
        name = self.asked.moderators.strip()
        frame = self.trials.data.frame
        return name if name in frame and pd.api.types.is_numeric_dtype(frame[name]) else None

    @cached_property
    def record(self) -> Any:
        """The record that the page shows."""
        by, fit = self.by, self.fit
        record = fit.record(None if by is None else by.tolist())
        return appraised(fit.data, record, self.title, self.asked.favours)

    @property
    def finding(self) -> str:
        """What was found, in a sentence or two."""
        from trialpool.view.question import is_plural, result_sentence

        fit, measure = self.fit, self.fit.data.natural
        if measure.group:
            return result_sentence(self.record)
        noun = shipped("headings")["compared"].get(fit.measure, "the effect")
        named = fit.data.names != SIDES
        one, other = fit.data.names if named else (f"the {side} arm" for side in SIDES)
        found = conclusion(fit.ci_low, fit.ci_high, measure.null, "higher")
        beside = "with" if named else "in"
        verb = "were" if is_plural(noun) else "was"
        compared = "higher" if found is Conclusion.BENEFIT else "lower"
        opening = f"{text.capital(noun)} {verb} {compared} {beside} {one} than {beside} {other}"
        if found is Conclusion.UNCLEAR:
            opening = f"No clear difference in {noun} between {one} and {other} was shown"
        return result_sentence(self.record, opening)

    def methods(self, with_prior: bool = False) -> tuple[str, ...]:
        """Measure, model and prediction in sentences; `with_prior` also the Bayesian model."""
        from trialpool.api.fit import spec_of

        rows = self.fit.data.rows()
        spec = synthesis.modelled(spec_of(self.fit.data, self.fit.settings), rows)
        scale = synthesis.prior_scale(spec, rows) if with_prior else None
        return analyse.method_sentences(spec, self.record.status, scale)

    @property
    def group_rows(self) -> list[tuple[str, ...]]:
        """Of every group its name, result, trials and heterogeneity."""
        frame = self.groups.to_frame() if self.groups is not None else pd.DataFrame()
        return [
            (
                f"{self.asked.by} {name}",
                effect_words(self.fit.measure, row["estimate"], row["ci_low"], row["ci_high"]),
                text.count(row["k"], "trial"),
                f"I² {text.percent(row['i2'] / 100)}" if row["k"] > 1 else "",
            )
            for name, row in frame.iterrows()
        ]

    @property
    def term_rows(self) -> list[tuple[str, ...]]:
        """Of every term of the regression its name, coefficient and p-value; of ratios as a factor."""
        frame = self.regression.to_frame() if self.regression is not None else pd.DataFrame()
        ratio = "estimate" in frame
        names = (
            ("estimate", "estimate_low", "estimate_high") if ratio else ("coefficient", "ci_low", "ci_high")
        )
        rows: list[tuple[str, ...]] = []
        for term, row in frame.iterrows():
            middle, low, high = (text.significant(row[name], 3) for name in names)
            what = f"ratio of {self.fit.measure}s " if ratio else "difference "
            behind = ""
            if term == "Intercept":
                what, behind = f"{self.fit.measure} ", " where every moderator is 0"
            rows.append(
                (str(term), f"{what}{middle} ({low} to {high}){behind}", text.p_value(row["p_value"]))
            )
        return rows

    def lines(self) -> Iterator[str]:
        """The answer for a terminal: the result, the trials, groups and moderators, what was assumed."""
        yield self.fit.result
        yield self.finding
        yield ""
        yield from _table_lines(self.fit)
        for more, rows in ((self.groups, self.group_rows), (self.regression, self.term_rows)):
            if more is not None:
                yield from ("", str(more), *(f"  {' · '.join(filter(None, row))}" for row in rows))
        yield from ("", "Taken for granted:", *(f"- {each}" for each in self.assumed))
        yield f"- {' '.join(self.methods(self.fit.interval == synthesis.BAYES))}"


def answer(path: str | Path, asked: Asked) -> Answer:
    """The meta-analysis of the trials in a file.

    Raises InputError where the table, or a column that is asked for, does not allow it.
    """
    trials = trials_of(path, asked)
    notes: list[str] = []
    with told(trials.table):
        with _noted(notes):
            fit = pool(trials.data, tau2_method=asked.tau2_method, interval=asked.interval, level=asked.level)
        with _noted(notes, "comparison of groups: "):
            groups = fit.subgroups(_told_apart(trials, asked.by)) if asked.by else None
        with _noted(notes, "meta-regression: "):
            told_of = replace(
                fit.data, frame=fit.data.frame.drop(columns=ROW)
            )  # which is ours, not the table's
            regression = replace(fit, data=told_of).regress(asked.moderators) if asked.moderators else None
    notes += [f"{fit.advice}."] if fit.advice else []
    return Answer(trials, asked, fit, groups, regression, tuple(dict.fromkeys(notes)))


def groups_of(trials: Trials, by: str) -> pd.Series:
    """The group of each trial; those that do not say theirs are one."""
    return trials.words("--by", by).fillna(NOT_STATED)


def _told_apart(trials: Trials, by: str) -> pd.Series:
    """The same; InputError where all trials are of one group."""
    groups = groups_of(trials, by)
    if groups.nunique() < 2:
        problem = f"--by {by}: all trials are of the group {groups.iloc[0]!r}, so there is nothing to compare"
        trials.table.refuse(problem, "name a column in which they differ, or leave out --by")
    return groups


@contextmanager
def _noted(notes: list[str], of: str = "") -> Iterator[None]:
    """What the library warns of becomes a note each, in which it says what it is of."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    notes += [f"{text.capital(of + str(each.message))}." for each in found]


def _table_lines(fit: Fit) -> Iterator[str]:
    """A line a trial, with its weight."""
    frame = fit.to_frame()
    names = [text.short(label, WIDEST) for label in fit.data.labels]
    wide = max(map(len, [*names, "trial"]))
    rows = frame[["estimate", "estimate_low", "estimate_high"]].to_numpy().tolist()
    digits = text.digits_of(fit.measure, [each for row in rows for each in row[:1]])
    shown = [text.format_values(fit.measure, row, digits) for row in rows]
    bounds = [f"{low} to {high}" for _, low, high in shown]
    estimate, interval = max(len(row[0]) for row in shown), max(map(len, bounds))
    estimate, level = max(estimate, len(fit.measure)), f"{text.percent(fit.settings['level'])} CI"
    interval = max(interval, len(level))
    yield f"{'trial':<{wide}}  {fit.measure:>{estimate}}  {level:<{interval}}  weight"
    for name, (middle, *_), bound, weight in zip(names, shown, bounds, frame["weight"], strict=True):
        share = "" if math.isnan(weight) else text.percent(weight / 100, 1)
        yield f"{name:<{wide}}  {middle:>{estimate}}  {bound:<{interval}}  {share:>6}"
