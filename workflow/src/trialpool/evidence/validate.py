"""Cells and rows of the evidence in, typed frames and a fault for everything wrong with them out.

Cells are judged column by column (presence, length, vocabulary, form, range), as `contracts` has it, then
rows by what they must say of each other: keys, joins, spreads, counts. Equal cells of a column are judged
once; every rule of rows is a mask over a whole table. Implausible *numbers* are no faults of form: the audit
marks them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from types import CodeType
from typing import Any

import numpy as np
import pandas as pd

from trialpool.contracts import (
    ANY_LEVEL,
    CONTRAST_MEASURES,
    EVIDENCE,
    FORMS,
    INTERVALS,
    LARGEST,
    RATIO_CONTRASTS,
    SMALLEST,
    Column,
    Table,
    schema_rows,
)
from trialpool.errors import Fault, nearest
from trialpool.measures import RATIOS
from trialpool.records import SEPARATOR, Effect, columns_of
from trialpool.vocabulary import Known, Vocabulary

TEXT = pd.StringDtype("pyarrow")
FORMULA = r"^(?:=|#(?:REF|N/A|NAME\?|VALUE|DIV/0|NUM|NULL))"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
OF_NUMBERS = ("range", "tiny", "whole")  # checks of what is a number
SUGGESTIONS = 25  # nearest words are searched for the first faults of a rule only: it costs time
MISSING_WORDS = frozenset({"NA", "N/A", "NR", "ND", "NAN", "NULL", "NONE", "-", "--", "–", "—", ".", "?"})
SOURCE = "check it against the source"
OWN_WORD = "; for a word of your own see vocabulary.yaml in config/README.md"
ANYTHING = Known((), False)

Words = Mapping[str, Known]  # of a vocabulary, by its names; of further columns by theirs
Catalogue = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RawTable:
    """The cells of one file as text.

    `cells` maps each codebook column to its cells (stripped, "" = empty), `rows` holds the record number of
    each (header = 1), `ragged` the record numbers of rows whose cells do not line up with the header,
    `absent` the columns that the file lacks and must have. An unreadable file has no rows and lacks every
    column.
    """

    file: str
    cells: dict[str, list[str]]
    rows: list[int]
    ragged: frozenset[int]
    absent: frozenset[str]
    faults: tuple[Fault, ...]


# Cells


def check_cells(raw: RawTable, table: Table, words: Words) -> tuple[pd.DataFrame, list[Fault]]:
    """The typed frame of one file, indexed by record number, and a fault for each cell at fault.

    Numbers are float64 with NaN, text has <NA>; a cell that is no number is missing there, text at fault
    stays, since other rows may join on it.

    >>> counts = Table("counts", (Column("n", "number"),), ())
    >>> raw = RawTable("counts.csv", {"n": ["30", "3O", ""]}, [2, 3, 4], frozenset(), frozenset(), ())
    >>> typed, faults = check_cells(raw, counts, {})
    >>> typed["n"].tolist(), [(fault.row, fault.value) for fault in faults]
    ([30.0, nan, nan], [(3, '3O')])
    """
    typed, faults = {}, []
    for column in table.columns:
        cells, allowed = raw.cells[column.name], _allowed(column, words)
        failed = cache(partial(_first_failed, column=column, allowed=allowed))  # the same cells come again
        broken = {
            row: (check, cell) for row, cell in zip(raw.rows, cells, strict=True) if (check := failed(cell))
        }
        if column.is_number:
            numbers = [
                float(cell) if cell and failed(cell) in ("", *OF_NUMBERS) else np.nan for cell in cells
            ]
            typed[column.name] = np.array(numbers, dtype=float)
        else:
            typed[column.name] = pd.array([cell or None for cell in cells], dtype=TEXT)
        if column.name not in raw.absent:
            faults += [
                cell_fault(raw.file, row, column, check, cell, allowed)
                for row, (check, cell) in broken.items()
                if row not in raw.ragged
            ]
    return pd.DataFrame(typed, pd.Index(raw.rows, dtype="int64")), faults


def _allowed(column: Column, words: Words) -> Known:
    if column.vocabulary:
        return words.get(column.vocabulary, ANYTHING)
    own = (*column.words, *words.get(column.name, ANYTHING).words) if column.words else ()
    return Known(own, bool(own))


def _first_failed(cell: str, column: Column, allowed: Known) -> str:
    """The first check that a cell fails, "" for none."""
    form = FORMS[column.form]
    if not cell:
        return "empty" if column.required else ""
    if len(cell) > form.longest:
        return "length"
    if allowed.closed:
        return "" if cell in allowed.words else "words"
    if allowed.words and allowed.slip_of(cell):
        return "slip"
    if form.pattern == FORMS["text"].pattern:
        return "strange" if re.search(f"{FORMULA}|{CONTROL}", cell) else ""
    if not re.fullmatch(form.pattern, cell, re.ASCII):
        return "form"
    return _failed_by_number(float(cell), column) if column.is_number else ""


def _failed_by_number(number: float, column: Column) -> str:
    """The first of OF_NUMBERS that a number fails, "" for none."""
    if not column.low <= number <= column.high:
        return "range"
    if number and abs(number) < SMALLEST:
        return "tiny"
    return "whole" if column.whole and not number.is_integer() else ""


def cell_fault(
    file: str, row: int, column: Column, check: str, cell: object, allowed: Known = ANYTHING
) -> Fault:
    """Word the fault of one cell.

    >>> print(cell_fault("events.csv", 4, Column("weeks", "number"), "form", "3,5"))
    events.csv, row 4, column weeks: '3,5' is not a number. To mend: write a decimal point, not a comma: 3.5.
    """
    value = "" if cell is pd.NA or cell is None else str(cell)
    if check == "empty":
        wanted = (
            f"one of: {', '.join(allowed.words)}" if allowed.words else f"the {column.name} (see CODEBOOK.md)"
        )
        return Fault(file, row, column.name, "", "the cell is empty", f"fill in {wanted}")
    if re.search(FORMULA, value):
        problem, remedy = "a formula or an error of a spreadsheet", "paste the value itself (as values)"
    elif re.search(CONTROL, value):
        problem, remedy = "text with an invisible control character", "type the cell anew"
    else:
        problem, remedy = _worded(check, value, column, allowed)
    return Fault(file, row, column.name, value, problem, remedy)


def _worded(check: str, value: str, column: Column, allowed: Known) -> tuple[str, str]:
    match check:
        case "length":
            problem = f"{len(value)} characters long, more than {FORMS[column.form].longest}"
            return problem, "shorten it; perhaps a whole document was pasted into the cell"
        case "words":
            near = nearest(value, allowed.words)
            remedy = f"write '{near}'; all words: " if near else "use one of: "
            remedy += ", ".join(allowed.words) + (OWN_WORD if column.vocabulary else "")
            return f"not one of the words for {column.name}", remedy
        case "slip":
            return f"probably a slip of '{allowed.slip_of(value)}'", f"write that{OWN_WORD}"
        case "form":
            form = FORMS[column.form]
            numeric = column.form in {"number", "p_value"}
            return form.problem, (_number_remedy(value, column.whole) if numeric else "") or form.remedy
        case "tiny":
            return "smaller than anything a trial reports", SOURCE
        case "whole":
            return "not a whole number", SOURCE
    if column.low == -LARGEST:
        return "larger than anything a trial reports", SOURCE
    bounds = f"not between {column.low:g} and {column.high:g}"
    return bounds if column.high < LARGEST else f"not {column.low:g} or more", SOURCE


def _number_remedy(value: str, whole: bool) -> str:
    plain = value.replace("−", "-").replace("–", "-")
    if value.upper() in MISSING_WORDS:
        return "leave the cell empty if nothing was reported"
    if plain != value:
        return f"write the minus sign as a hyphen: {plain}"
    thousands, point = value.replace(",", ""), value.replace(",", ".")
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?", value):
        either = whole or value.count(",") > 1 or "." in value
        return f"write {thousands}" + ("" if either else f", or {point} if the comma is a decimal point")
    if value.count(",") == 1 and thousands.lstrip("+-<").isdigit():
        return f"write a decimal point, not a comma: {point}"
    return ""


# Rows


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about the rows of a table.

    `broken` says which rows break it: an expression over the table's columns (as of pandas' `eval`, with
    tables and NAMES behind an "@"), or a function of the frame and all tables. The fault is put on `column`
    with the value found there. The rule is silent for a row that has a fault already in a column that it
    `uses`, and altogether while a table in `needs` could not be read. `problem` may name columns in braces,
    whose values it then shows; `remedy` is text or made from the row and the tables.
    """

    column: str
    broken: str | Callable[[pd.DataFrame, Tables], pd.Series]
    problem: str
    remedy: str | Callable[[Row, Tables], str]
    uses: Sequence[str] = ()
    needs: Sequence[str] = ()

    def of(self, frame: pd.DataFrame, tables: Tables) -> pd.DataFrame:
        """The rows that break the rule."""
        if isinstance(self.broken, str):
            code = _of_columns(self.broken)
            named = {name: frame[name] for name in code.co_names if name in frame}
            found = eval(code, {f"{AT}{name}": value for name, value in {**NAMES, **tables}.items()}, named)
        else:
            found = self.broken(frame, tables)
        broken = found.fillna(False).to_numpy(dtype=bool)
        return frame[broken] if broken.any() else NONE


AT, NONE = "at_", pd.DataFrame()


@cache
def _of_columns(expression: str) -> CodeType:
    """An expression of `Rule.broken` as Python for whole columns, without the time that pandas parses it."""
    tree = _Columns().visit(ast.parse(expression.replace("@", AT), mode="eval"))
    return compile(ast.fix_missing_locations(tree), "schemas/rules.csv", "eval")


class _Columns(ast.NodeTransformer):
    """`and`, `or`, `not` and `in` of cells become those of columns."""

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        sign = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        return reduce(lambda left, right: ast.BinOp(left, sign, right), node.values)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return ast.UnaryOp(ast.Invert(), node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        (sign,), (other,) = node.ops, node.comparators
        if isinstance(other, ast.Constant) and isinstance(
            other.value, str
        ):  # to which an empty cell is unequal
            other = ast.List([other], ast.Load())
        elif not isinstance(sign, ast.In | ast.NotIn):
            return node
        among = ast.Call(ast.Attribute(node.left, "isin", ast.Load()), [other], [])
        return among if isinstance(sign, ast.In | ast.Eq) else ast.UnaryOp(ast.Invert(), among)


def row_faults(
    tables: Tables,
    files: Mapping[str, str],
    marked: set[tuple[str, str]],
    unreadable: set[str],
    vocabulary: Vocabulary,
) -> Iterator[Fault]:
    """The rows that break a rule, but for those with a fault already in a cell that the rule uses.

    `files` maps the label in a `row_id` to the file's path, `marked` holds (row_id, column) of cells at fault
    (column "" for a whole row), `unreadable` the tables whose key could not be read. `vocabulary` knows the
    outcomes of domains.
    """
    outcome = _misspelt("outcome", lambda row: tuple(vocabulary.domain(row["domain"]).outcomes), "domain")
    for name, frame in tables.items():
        for rule in (*RULES[name], outcome) if name == "events" else RULES[name]:
            if frame.empty or unreadable & {name, *rule.needs}:
                continue
            broken = rule.of(frame, tables)
            if broken.empty:  # which pandas is slow to make records of
                continue
            uses = {rule.column, *rule.uses, ""}
            for count, row in enumerate(broken.to_dict("records")):
                if not any((row["row_id"], column) in marked for column in uses):
                    yield _row_fault(rule, row, tables, files, count)


def _row_fault(rule: Rule, row: Row, tables: Tables, files: Mapping[str, str], count: int) -> Fault:
    label, number = str(row["row_id"]).rsplit(":", 1)
    cell = row[rule.column]
    value = "" if pd.isna(cell) else f"{cell:.10g}" if isinstance(cell, float) else str(cell)
    remedy = rule.remedy
    if callable(remedy):
        remedy = remedy(row, tables) if count < SUGGESTIONS else "see the first faults of this kind"
    problem = rule.problem.format_map(row) if "{" in rule.problem else rule.problem
    return Fault(files[label], int(number), rule.column, value, problem, remedy)


def _pairs(*columns: pd.Series) -> pd.Series:
    """Several text columns as one key a row; missing cells count as empty."""
    return pd.Series(list(zip(*(each.fillna("") for each in columns), strict=True)), columns[0].index)


def _key_rule(table: Table) -> Rule:
    """No two rows of the table have the same key; the second one is at fault."""
    key = list(table.key)

    def remedy(row: Row, tables: Tables) -> str:
        same = tables[table.name]
        for column in key:
            same = same[same[column].isna() if pd.isna(row[column]) else same[column] == row[column]]
        first = same["row_id"].iloc[0].replace(":", " row ")
        return f"remove one, or tell them apart; the first stands in {first}"

    problem = f"in a second row with the same {', '.join(key)}"
    return Rule(key[0], lambda frame, tables: frame.duplicated(key, keep="first"), problem, remedy, table.key)


def _study_remedy(row: Row, tables: Tables) -> str:
    near = nearest(str(row["study_id"]), tables["studies"]["study_id"].dropna())
    return f"write '{near}', or add the trial to studies.csv" if near else "add the trial to studies.csv"


def _arm_rule(column: str) -> Rule:
    """The row's study and arm stand together in arms.csv."""

    def broken(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        arms = tables["arms"]
        here = _pairs(frame["study_id"], frame[column]).isin(set(_pairs(arms["study_id"], arms["arm"])))
        known = {*tables["studies"]["study_id"], *arms["study_id"]}  # else the study's own rule speaks
        return ~here & frame["study_id"].isin(known)

    def remedy(row: Row, tables: Tables) -> str:
        arms = tables["arms"]
        known = sorted(arms["arm"][arms["study_id"] == row["study_id"]].dropna())
        if near := nearest(str(row[column]), known):
            return f"write '{near}', or add the arm to arms.csv"
        listed = ", ".join(known)
        return f"use one of its arms ({listed}), or add the arm to arms.csv" if known else "add it there"

    problem = "not an arm of this study in arms.csv"
    return Rule(column, broken, problem, remedy, ("study_id", column), ("arms", "studies"))


def _not_single_arms(study: pd.Series, arm: pd.Series, pooled_of: pd.Series) -> pd.Series:
    """Whether pooled arms name anything but other arms of their study, each once, none itself pooled."""
    single = set(_pairs(study, arm)[pooled_of.isna()])
    lists = [[(of, part) for part in parts.split()] for of, parts in _pairs(study, pooled_of)]
    wrong = [not set(parts) <= single or len(set(parts)) < len(parts) for parts in lists]
    return pd.Series(wrong, study.index, dtype=bool)


def _no_other_arm(study: pd.Series, arm: pd.Series, other: pd.Series) -> pd.Series:
    return ~_pairs(study, other).isin(set(_pairs(study, arm))) | (other == arm)


def _not_crossover(study: pd.Series, studies: pd.DataFrame) -> pd.Series:
    return study.isin(studies.loc[studies["design"] != "crossover", "study_id"])


def _joined(cells: pd.Series) -> pd.Series:
    """Cells with the sign that parts several choices in one."""
    return cells.str.contains(SEPARATOR, regex=False)


def _misspelling(word: str, known: Sequence[str]) -> str:
    """The known word that `word` is probably a slip of; a different digit makes a word of its own, ""."""
    letters = {"".join(sign for sign in each if not sign.isdigit()) for each in known}
    own = "".join(sign for sign in word if not sign.isdigit())
    return "" if word in known or own in letters else nearest(word, known, 0.85)


def _misspelt(column: str, known: Callable[[Row], Sequence[str]], *beside: str) -> Rule:
    """A word that is probably a slip of one of those known for its row."""
    uses = (*beside, column)

    def slip(row: Row) -> str:
        return "" if any(pd.isna(row[name]) for name in uses) else _misspelling(str(row[column]), known(row))

    def broken(frame: pd.DataFrame, tables: Tables) -> pd.Series:
        words = frame[list(uses)].drop_duplicates()
        slips = {tuple(row[name] for name in uses) for row in words.to_dict("records") if slip(row)}
        return pd.Series(
            [key in slips for key in _pairs(*(frame[name] for name in uses))], frame.index, dtype=bool
        )

    return Rule(column, broken, "probably misspelt", lambda row, tables: f"write '{slip(row)}'", uses)


LISTED = schema_rows("rules")
NAMES = {  # what the expressions of schemas/rules.csv may name behind an "@", besides tables
    **{
        "intervals": [*INTERVALS, ANY_LEVEL],
        "ratios": list(RATIOS),
        "ratio_contrasts": list(RATIO_CONTRASTS),
    },
    **{"not_single_arms": _not_single_arms, "no_other_arm": _no_other_arm, "not_crossover": _not_crossover},
    **{"effect_columns": list(columns_of(Effect)), "joined": _joined},
}


def _rules(table: Table) -> Iterator[Rule]:
    """What the columns of a table ask for, and the rules of schemas/rules.csv (without a table: of all)."""
    yield _key_rule(table)
    if "study_id" in table.names and table.name != "studies":
        problem = "not a study of studies.csv"
        yield Rule("study_id", "study_id not in @studies.study_id", problem, _study_remedy, (), ("studies",))
    if table.name != "arms":
        yield from (_arm_rule(name) for name in ("arm", "arm_1", "arm_2") if name in table.names)
    for row in LISTED:
        column, broken = row["column"], row["broken"]
        if row["table"] in (table.name, "") and column in table.names:
            words, named = re.findall(r"\w+", broken), re.findall(r"@(\w+)", broken)
            yield Rule(column, broken, row["problem"], row["remedy"], words, named)
    if table.name == "contrasts":
        yield _misspelt("measure", lambda row: CONTRAST_MEASURES)


RULES = {name: tuple(_rules(table)) for name, table in EVIDENCE.items()}


def unknown_instruments(tables: Tables, catalogue: Catalogue, events: Collection[str] = ()) -> list[Fault]:
    """Instruments in the evidence that the catalogue does not explain: one fault each, at its first row.

    `catalogue` is config/instruments.yaml as loaded; "CODE:item" entries count as CODE. What contrasts of the
    domains of `events` name is an event, not an instrument.
    """
    known = sorted({str(code).split(":")[0] for code in catalogue["instruments"]})
    faults = []
    for frame in (tables[name] for name in ("continuous", "contrasts") if name in tables):
        if events:
            frame = frame[~frame["domain"].isin(list(events))]
        for code, rows in frame[~frame["instrument"].isin(known)].groupby("instrument", sort=False):
            file, row = rows["row_id"].iloc[0].rsplit(":", 1)
            near = nearest(str(code), known, 0.8)
            remedy = f"write '{near}', or " * bool(near) + "add it to instruments.yaml"
            problem = f"not in the instrument catalogue (rows: {len(rows)})"
            faults.append(Fault(file, int(row), "instrument", str(code), problem, remedy))
    return faults
