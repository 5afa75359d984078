"""pandera schemas made from the codebook's specification, and their failures as faults.

Two schemas a table: one for the text of the cells (form, vocabulary, presence), one for the typed frame
(types, ranges, whole numbers, keys, joins). Both are lazy, so that every fault is reported at once. pandera
is slow to import and used by the ingest job and `trialpool check` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

import pandas as pd
import pandera.pandas as pa

from trialpool.contracts import FORMS, LARGEST, Column, Table
from trialpool.errors import Fault, nearest
from trialpool.evidence.checks import Rule
from trialpool.evidence.csvfile import RawTable

TEXT = pd.StringDtype("pyarrow")
FORMULA = r"^(?:=|#(?:REF|N/A|NAME\?|VALUE|DIV/0|NUM|NULL))"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
STRANGE = f"{FORMULA}|{CONTROL}"
SUGGESTIONS = 25  # nearest words are searched for the first faults of a rule only: it costs time
MISSING_WORDS = frozenset({"NA", "N/A", "NR", "ND", "NAN", "NULL", "NONE", "-", "--", "–", "—", ".", "?"})

Words = Mapping[str, Sequence[str]]


def text_frame(raw: RawTable) -> pd.DataFrame:
    """The cells as text (empty = <NA>), indexed by record number.

    >>> raw = RawTable("arms.csv", {"arm": ["acu", ""]}, [2, 4], frozenset(), frozenset(), ())
    >>> text_frame(raw)["arm"].isna().to_dict()
    {2: False, 4: True}
    """
    index = pd.Index(raw.rows, dtype="int64", name="row")
    columns = {name: pd.array(cells, dtype=TEXT) for name, cells in raw.cells.items()}
    frame = pd.DataFrame(columns, index=index)
    return frame.mask(frame == "") if len(frame) else frame


@lru_cache
def text_schema(table: Table, words: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> pa.DataFrameSchema:
    """The schema of a table's cells as text; `words` adds vocabulary, as (column name, words).

    >>> from trialpool.contracts import ARMS
    >>> list(text_schema(ARMS).columns)[:3]
    ['study_id', 'arm', 'role']
    """
    columns = {
        column.name: pa.Column(
            TEXT, _text_checks(column, _allowed(column, dict(words))), nullable=not column.required
        )
        for column in table.columns
    }
    return pa.DataFrameSchema(columns, strict=True)


def _allowed(column: Column, words: Words) -> tuple[str, ...]:
    return (*column.words, *words.get(column.name, ())) if column.words else ()


def _text_checks(column: Column, words: tuple[str, ...]) -> list[pa.Check]:
    form = FORMS[column.form]
    checks = [pa.Check(lambda cells: cells.str.len() <= form.longest, name="length")]
    if words:
        return [*checks, pa.Check(lambda cells: cells.isin(words), name="words")]
    if form.pattern == FORMS["text"].pattern:
        return [*checks, pa.Check(lambda cells: ~cells.str.contains(STRANGE), name="strange")]
    return [*checks, pa.Check(lambda cells: cells.str.fullmatch(form.pattern), name="form")]


@lru_cache
def number_schema(table: Table) -> pa.DataFrameSchema:
    """The schema of the converted numbers: type, range, whole numbers.

    >>> from trialpool.contracts import EVENTS
    >>> list(number_schema(EVENTS).columns)
    ['weeks', 'events', 'n']
    """
    columns = {}
    for column in table.columns:
        if column.is_number:
            columns[column.name] = pa.Column("float64", _number_checks(column), nullable=True)
    return pa.DataFrameSchema(columns)


def _number_checks(column: Column) -> list[pa.Check]:
    checks = [pa.Check(lambda numbers: numbers.between(column.low, column.high), name="range")]
    if column.whole:
        checks.append(pa.Check(lambda numbers: numbers == numbers.round(), name="whole"))
    return checks


def row_schema(rules: Sequence[Rule], tables: Mapping[str, pd.DataFrame]) -> pa.DataFrameSchema:
    """The schema of whole rows: keys, joins, and what cells of one row say about each other.

    >>> from trialpool.evidence.rules import RULES
    >>> frame = pd.DataFrame({"ci_low": [1.0, 3.0], "ci_high": [2.0, 2.0]})
    >>> failures(row_schema(RULES["published_pools"][1:2], {}), frame)["index"].unique().tolist()
    [1]
    """
    checks = [
        pa.Check(partial(rule.holds, tables=tables), name=str(number), ignore_na=False)
        for number, rule in enumerate(rules)
    ]
    return pa.DataFrameSchema(checks=checks)


def failures(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Validate lazily; one row a failed cell: `column`, `check`, `index`.

    >>> schema = pa.DataFrameSchema({"n": pa.Column(checks=pa.Check(lambda n: n > 0, name="positive"))})
    >>> failures(schema, pd.DataFrame({"n": [3, -1]})).to_dict("records")
    [{'column': 'n', 'check': 'positive', 'index': 1}]
    """
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        broken = cases[cases["index"].isna()]
        if len(broken):  # a check that could not run is a fault of this program, not of the input
            raise RuntimeError(f"evidence checks failed to run: {broken['check'].tolist()}") from errors
        return cases[["column", "check", "index"]]
    return pd.DataFrame({"column": [], "check": [], "index": []})


def check_cells(raw: RawTable, table: Table, words: Words) -> tuple[pd.DataFrame, list[Fault]]:
    """Judge and convert the cells of one file.

    Returns the typed frame (numbers float64 with NaN, text with <NA>; a cell that is at fault is missing
    there, unless it is text that other rows may join on) and a fault for each cell at fault.

    >>> counts = Table("counts", (Column("n", "number"),), ())
    >>> raw = RawTable("counts.csv", {"n": ["30", "3O", ""]}, [2, 3, 4], frozenset(), frozenset(), ())
    >>> typed, faults = check_cells(raw, counts, {})
    >>> typed["n"].tolist(), [(fault.row, fault.value) for fault in faults]
    ([30.0, nan, nan], [(3, '3O')])
    """
    text = text_frame(raw)
    found: dict[tuple[int, str], str] = {}
    _note(found, failures(text_schema(table, _hashable(words)), text))
    typed = text.copy()
    for column in table.columns:
        if column.is_number:
            bad = [row for row, name in found if name == column.name]
            cells = text[column.name].mask(text.index.isin(bad))
            typed[column.name] = pd.to_numeric(cells).astype("float64").to_numpy()
    _note(found, failures(number_schema(table), typed))
    columns = {column.name: column for column in table.columns}
    silent = raw.absent | {""}
    faults = [
        cell_fault(raw.file, row, columns[name], check, text.at[row, name], _allowed(columns[name], words))
        for (row, name), check in found.items()
        if name not in silent and row not in raw.ragged
    ]
    return typed, faults


def _hashable(words: Words) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((column, tuple(more)) for column, more in words.items())


def _note(found: dict[tuple[int, str], str], cases: pd.DataFrame) -> None:
    for column, check, row in zip(cases["column"], cases["check"], cases["index"], strict=True):
        found.setdefault((int(row), str(column)), str(check))


def cell_fault(
    file: str, row: int, column: Column, check: str, cell: object, words: Sequence[str] = ()
) -> Fault:
    """Word the fault of one cell.

    >>> from trialpool.contracts import WEEKS
    >>> print(cell_fault("events.csv", 4, WEEKS, "form", "3,5"))
    events.csv, row 4, column weeks: '3,5' is not a number. To mend: write a decimal point, not a comma: 3.5.
    """
    value = "" if cell is pd.NA or cell is None else str(cell)
    if check == "not_nullable":
        return Fault(file, row, column.name, "", "the cell is empty", f"fill in {_wanted(column, words)}")
    if re.search(FORMULA, value):
        problem, remedy = "a formula or an error of a spreadsheet", "paste the value itself (as values)"
    elif re.search(CONTROL, value):
        problem, remedy = "text with an invisible control character", "type the cell anew"
    else:
        problem, remedy = _WORDING[check](value, column, words)
    return Fault(file, row, column.name, value, problem, remedy)


def _wanted(column: Column, words: Sequence[str]) -> str:
    return f"one of: {', '.join(words)}" if words else f"the {column.name} (see CODEBOOK.md)"


def _form(value: str, column: Column, words: Sequence[str]) -> tuple[str, str]:
    form = FORMS[column.form]
    if column.form in {"number", "p_value"}:
        plain = value.replace("−", "-").replace("–", "-")
        if value.upper() in MISSING_WORDS:
            return form.problem, "leave the cell empty if nothing was reported"
        if plain != value:
            return form.problem, f"write the minus sign as a hyphen: {plain}"
        if value.count(",") == 1 and value.replace(",", "").lstrip("+-<").isdigit():
            return form.problem, f"write a decimal point, not a comma: {value.replace(',', '.')}"
    return form.problem, form.remedy


def _range(value: str, column: Column, words: Sequence[str]) -> tuple[str, str]:
    if column.low > -LARGEST and column.high < LARGEST:
        return f"not between {column.low:g} and {column.high:g}", "check it against the source"
    if column.low > -LARGEST:
        return f"not {column.low:g} or more", "check it against the source"
    return "larger than anything a trial reports", "check it against the source"


OWN = ("condition", "category")  # the vocabularies to which another review adds its own words
OWN_WORD = "; for a word of your own see 'Another review' in config/README.md"

_WORDING: dict[str, Callable[[str, Column, Sequence[str]], tuple[str, str]]] = {
    "length": lambda value, column, words: (
        f"{len(value)} characters long, more than {FORMS[column.form].longest}",
        "shorten it; perhaps a whole document was pasted into the cell",
    ),
    "words": lambda value, column, words: (
        f"not one of the words for {column.name}",
        (f"write '{near}'; all words: " if (near := nearest(value, words)) else "use one of: ")
        + ", ".join(words)
        + (OWN_WORD if column.name in OWN else ""),
    ),
    "form": _form,
    "range": _range,
    "whole": lambda value, column, words: ("not a whole number", "check it against the source"),
}
