"""Two people's codebook tables in; where they differ, how well they agree, and the settled tables out.

Rows are matched by the keys of their table, never by their number. Rows that only one of the two has are
told, with the row of the other that they may be (another arm id, a slip in a key).
"""

from __future__ import annotations

import csv
import io as streams
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from trialpool import io
from trialpool.contracts import EVIDENCE, FORMS, Column, Table
from trialpool.errors import Fault, InputError, nearest, shown, suggestion
from trialpool.evidence.read import read_raw
from trialpool.exchange.candidates import Row, csv_text
from trialpool.exchange.workbook import WORKBOOKS, import_workbook
from trialpool.records import columns_of, to_json
from trialpool.stats.agreement import NOTHING, Limits, cohen_kappa, icc, limits_of_agreement
from trialpool.text import count, listing

SIDES = ("A", "B")
EMPTY = "(empty)"  # what is settled to be nothing
OF_SIDE = {"(A)": 0, "(B)": 1}  # what is settled as one of the two has it
KEEP, DROP = "keep", "drop"  # what is settled of a row that only one has
SETTLE = ("file", "row", "column", "kind", "a", "b", "steers", "near", "settled", "by", "why")
IDENTITIES = ("registration", "doi", "pmid", "pmcid")
NAMING = {"studies": "study_id", "arms": "arm"}  # the column whose cells other tables refer to
ALIKE = 0.5  # the least share of equal cells, besides the key, of two rows that may be one


class Kind(StrEnum):
    """In what two tables differ at a place."""

    ROW_A = "row only in A"
    ROW_B = "row only in B"
    MISSING_A = "missing in A"
    MISSING_B = "missing in B"
    NUMBER = "number differs"
    SPELLING = "spelling differs"  # capitals, spaces and signs aside the same
    TEXT = "text differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell, or one row (no column), in which A and B differ; `row` is its key in words.

    `difference` is B's number less A's; `near` the row of the other that a row which only one has may be.
    """

    file: str
    study_id: str
    row: str
    row_a: int | None
    row_b: int | None
    column: str
    kind: Kind
    a: str
    b: str
    difference: float | None
    steers: bool
    near: str = ""

    def __str__(self) -> str:
        places = zip(SIDES, (self.row_a, self.row_b), strict=True)
        rows = ", ".join(f"{side} row {row}" for side, row in places if row is not None)
        key = " ".join(part.partition(": ")[2] for part in self.row.split("; "))
        column = f", {self.column}: {self._cells()}" if self.column else ""
        near = f"; perhaps {self.near}" if self.near else ""
        steers = "; steers what is pooled" if self.steers and self.column else ""
        return f"{self.file}, {rows} ({key}){column}, {self.kind}{self._by()}{near}{steers}"

    def _cells(self) -> str:
        number = self.difference is not None
        return " / ".join((cell if number else shown(cell)) if cell else "empty" for cell in (self.a, self.b))

    def _by(self) -> str:
        """By how much B's number is another."""
        if self.difference is None:
            return ""
        share = f", {100 * self.difference / abs(float(self.a)):+.3g}%" if float(self.a) else ""
        return f" (B − A = {self.difference:+.10g}{share})".replace("-", "−")


@dataclass(frozen=True, slots=True)
class ColumnAgreement:
    """How A and B agree in one column, over the rows that both have.

    Columns of the key are told only where rows were matched by likeness, too: else they cannot differ.
    `compared` are the rows in which one of the two has something, `share` is that of equal ones in them.
    Cohen's κ of closed vocabularies counts an empty cell as a word; the ICC, and the limits of agreement of
    B − A, are of the rows in which both have a number.
    """

    file: str
    column: str
    steers: bool
    rows: int
    compared: int
    equal: int
    share: float | None
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None
    icc: float | None = None
    icc_low: float | None = None
    icc_high: float | None = None
    mean_difference: float | None = None
    limit_low: float | None = None
    limit_high: float | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """One person's tables: rows by table, each with the number it has in its file."""

    name: str
    rows: Mapping[str, Sequence[Row]]
    numbers: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A row of A and the row of B that is the same, or one of them alone; `b` as A names trials and arms."""

    a: Row | None
    b: Row | None
    row_a: int | None = None
    row_b: int | None = None
    own_b: Row | None = None  # as B names them
    near: str = ""

    @property
    def either(self) -> Row:
        """The row of A, or else of B."""
        return self.a if self.a is not None else self.b or {}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The rows of two extractions, matched, with the differences and the agreement that follow."""

    pairs: Mapping[str, Sequence[Pair]]
    differences: Sequence[Difference]
    agreement: Sequence[ColumnAgreement]

    def summary(self) -> str:
        """How much of what was compared agrees."""
        compared, equal = (
            sum(getattr(each, name) for each in self.agreement) for name in ("compared", "equal")
        )
        rows = sum(None not in (pair.a, pair.b) for pairs in self.pairs.values() for pair in pairs)
        share = f" ({100 * equal / compared:.1f}%)" if compared else ""
        alone = sum(not each.column for each in self.differences)
        cells = len(self.differences) - alone
        steering = sum(each.steers for each in self.differences if each.column)
        parts = [f"{count(rows, 'row')} in both, {equal:,} of {count(compared, 'cell')} equal{share}."]
        parts += (
            [f"{count(cells, 'cell differs', 'cells differ')}, {steering:,} of what is pooled."]
            if cells
            else []
        )
        parts += [f"{count(alone, 'row')} in one only."] if alone else []
        if any(each.near for each in self.differences):
            parts += ["Some of these may be the same: --near takes them so, and compares their cells."]
        return " ".join(parts)


# Reading


def read_extraction(path: str | Path) -> Extraction:
    """The codebook tables in a folder, of which some may lack, in a workbook, or in one CSV file.

    Raises InputError where a table cannot be read, has a column that the codebook does not know, or two rows
    of one key.
    """
    path = Path(path)
    if path.suffix.lower() in WORKBOOKS and path.is_file():
        rows = import_workbook(path).rows
        found = Extraction(str(path), rows, {name: range(2, 2 + len(own)) for name, own in rows.items()})
        files = {name: f"{path}, sheet {name}" for name in rows}
    else:
        files = {name: str(file) for name, file in _files(path).items()}
        raw = {name: read_raw(file, EVIDENCE[name]) for name, file in files.items()}
        lacking = {name: raw[name].absent & {*EVIDENCE[name].key} for name in raw}
        faults = [
            fault
            for name, each in raw.items()
            for fault in each.faults
            if fault.column not in each.absent or fault.column in lacking[name]
        ]
        if faults:
            raise InputError(faults)
        whole = {name: list(map(dict, _records(each.cells))) for name, each in raw.items()}
        found = Extraction(str(path), whole, {name: each.rows for name, each in raw.items()})
    if faults := [fault for name, file in files.items() for fault in _repeated(found, name, file)]:
        raise InputError(faults)
    return found


def _files(path: Path) -> dict[str, Path]:
    """The CSV files of tables at a path."""
    remedy = "name a folder of codebook tables, one such table, or a workbook with a sheet for each"
    if path.is_file():
        if path.stem in EVIDENCE:
            return {path.stem: path}
        header = path.read_text(encoding="utf-8-sig", errors="replace").partition("\n")[0].strip().split(",")
        like = max(EVIDENCE.values(), key=lambda table: len({*table.names} & {*header}))
        if {each.name for each in like.columns if each.name in like.key and not each.optional} <= {*header}:
            return {like.name: path}
        raise InputError([Fault(str(path), 1, "", "", "it is not a table of the codebook", remedy)])
    files = {name: path / table.file for name, table in EVIDENCE.items() if (path / table.file).is_file()}
    if not files:
        problem = (
            "no table of the codebook lies in the folder"
            if path.is_dir()
            else "there is no such file or folder"
        )
        raise InputError([Fault(str(path), None, "", "", problem, remedy)])
    return files


def _records(cells: Mapping[str, Sequence[str]]) -> Iterator[Iterator[tuple[str, str]]]:
    for row in zip(*cells.values(), strict=True):
        yield zip(cells, row, strict=True)


def _repeated(found: Extraction, name: str, file: str) -> Iterator[Fault]:
    """Rows whose key an earlier row has: none could be matched for certain."""
    first: dict[tuple[str | float, ...], int] = {}
    table = EVIDENCE[name]
    for row, number in zip(found.rows[name], found.numbers[name], strict=True):
        earlier = first.setdefault(row_key(table, row), number)
        if earlier != number:
            problem = f"in a second row with the same {', '.join(table.key)}"
            remedy = f"remove one, or tell them apart; the first stands in row {earlier}"
            yield Fault(file, number, table.key[0], row.get(table.key[0], ""), problem, remedy)


# Matching


def _value(column: Column, cell: str) -> str | float:
    """A cell such that the same number, however it is written, is the same."""
    if column.is_number and re.fullmatch(FORMS["number"].pattern, cell):
        return float(cell)
    if column.form == "p_value" and re.fullmatch(FORMS["p_value"].pattern, cell):
        sign = cell[0] if cell[0] in "<>" else ""
        return f"{sign}{float(cell.lstrip('<>= ')):.10g}"
    return cell.casefold() if column.form == "doi" else cell


def row_key(table: Table, row: Row) -> tuple[str | float, ...]:
    """The key of a row, numbers as such however they are written."""
    columns = {column.name: column for column in table.columns}
    return tuple(_value(columns[name], row.get(name, "")) for name in table.key)


def _matched(table: Table, a: Sequence[Pair], b: Sequence[Pair]) -> Iterator[Pair]:
    """Rows of A in their order with those of B that have their key, then those that only B has."""
    others = {row_key(table, pair.either): pair for pair in b}
    for pair in a:
        other = others.pop(row_key(table, pair.either), None)
        yield pair if other is None else replace(pair, b=other.b, row_b=other.row_b, own_b=other.own_b)
    yield from others.values()


@dataclass
class Names:
    """What A calls the trials and arms of B, where they seem to be the same by another name."""

    studies: dict[str, str] = field(default_factory=dict)
    arms: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, table: Table, row: Row) -> Row:
        """A row of B in the words of A."""
        study = row.get("study_id", "")
        renamed = dict(row)
        for column in (each for each in table.columns if each.name in row):
            if column.name == "study_id" and table.name != "studies":
                renamed[column.name] = self.studies.get(study, study)
            elif column.form in ("arm", "arms") and NAMING.get(table.name) != column.name:
                words = row[column.name].split(" ")
                renamed[column.name] = " ".join(self.arms.get((study, word), word) for word in words)
        return renamed


def match(a: Extraction, b: Extraction, *, near: bool = False) -> dict[str, list[Pair]]:
    """The rows of every table that one of the two has, matched by key.

    With `near`, rows that seem to be the same are; without it each of them names the other.
    """
    pairs: dict[str, list[Pair]] = {}
    names = Names()
    for name, table in EVIDENCE.items():
        if name not in a.rows and name not in b.rows:
            continue
        own = [Pair(row, None, number) for row, number in _numbered(a, name)]
        other = [Pair(None, names.of(table, row), None, number, row) for row, number in _numbered(b, name)]
        found = list(_matched(table, own, other))
        close = list(_close(table, found))
        for one, two in close:
            if name == "studies":
                names.studies[_cell(two.own_b, "study_id")] = one.either["study_id"]
            elif name == "arms":
                names.arms[_cell(two.own_b, "study_id"), _cell(two.own_b, "arm")] = one.either["arm"]
        pairs[name] = list(_joined(found, close) if near else _pointed(table, found, close))
    return pairs if near else {name: _in_own_words(rows) for name, rows in pairs.items()}


def _in_own_words(pairs: Iterable[Pair]) -> list[Pair]:
    """Pairs that rest on no guess: where only another name parts two rows, they stay two."""
    found = []
    for pair in pairs:
        if pair.a is None or pair.b == pair.own_b or pair.b is None:
            found.append(replace(pair, b=pair.own_b))
            continue
        found.append(replace(pair, b=None, row_b=None, own_b=None, near=f"B's row {pair.row_b}"))
        found.append(replace(pair, a=None, row_a=None, b=pair.own_b, near=f"A's row {pair.row_a}"))
    return found


def _numbered(side: Extraction, name: str) -> Iterator[tuple[Row, int]]:
    return zip(side.rows.get(name, ()), side.numbers.get(name, ()), strict=True)


def _cell(row: Row | None, column: str) -> str:
    return (row or {}).get(column, "")


def _joined(pairs: Iterable[Pair], close: Sequence[tuple[Pair, Pair]]) -> Iterator[Pair]:
    """Pairs in which rows that are close to each other are one."""
    with_a = {id(one): two for one, two in close}
    taken = {id(two) for _, two in close}
    for pair in pairs:
        if id(pair) in taken:
            continue
        other = with_a.get(id(pair))
        yield replace(pair, b=other.b, row_b=other.row_b, own_b=other.own_b) if other else pair


def _pointed(table: Table, pairs: Iterable[Pair], close: Sequence[tuple[Pair, Pair]]) -> Iterator[Pair]:
    """Pairs in which rows that are close to each other say so."""
    said = {}
    for one, two in close:
        cells = ((name, _cell(one.a, name), _cell(two.own_b, name)) for name in table.key)
        how = ", ".join(f"{name} {x or 'empty'} / {y or 'empty'}" for name, x, y in cells if x != y)
        said[id(one)] = f"B's row {two.row_b} ({how})"
        said[id(two)] = f"A's row {one.row_a} ({how})"
    for pair in pairs:
        yield replace(pair, near=said[id(pair)]) if id(pair) in said else pair


def _close(table: Table, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, Pair]]:
    """Rows of A alone, each with the row of B alone that it may be, the most alike first; each row once."""
    of_study = table.key[0] if table.name != "studies" else ""
    groups: dict[str, tuple[list[Pair], list[Pair]]] = defaultdict(lambda: ([], []))
    for pair in pairs:
        if pair.a is None or pair.b is None:
            groups[_cell(pair.either, of_study)][pair.a is None].append(pair)
    scored = [
        (likeness, one, two)
        for ones, twos in groups.values()
        for one in ones
        for two in twos
        if (likeness := _likeness(table, one.either, two.either)) is not None
    ]
    taken: set[int] = set()
    for _, one, two in sorted(scored, key=lambda each: -each[0]):
        if not {id(one), id(two)} & taken:
            taken |= {id(one), id(two)}
            yield one, two


def _likeness(table: Table, a: Row, b: Row) -> float | None:
    """The share of equal cells of two rows of different keys; None where they can hardly be the same.

    Rows may be one that differ in one place of their key, and either there only by a slip or hardly in what
    is pooled, and not in what kind of treatment it is; or in two, and not at all in what is pooled. Trials
    are one by registration, DOI or PubMed number.
    """
    filled = [each for each in table.columns if a.get(each.name) or b.get(each.name)]
    same = {each.name: _same(each, a.get(each.name, ""), b.get(each.name, "")) for each in filled}
    if table.name == "studies":
        one, other = identities(a), identities(b)
        if one & other:
            return 2.0
        if {kind for kind, _ in one} & {kind for kind, _ in other}:
            return None
    data = [same[name] for name in same if name not in table.key and name in table.steers]
    told = [same[name] for name in same if name not in table.key and name not in table.steers]
    share = sum(data or told) / max(len(data or told), 1)
    apart = [name for name in table.key if not same.get(name, True)]
    slip = all(_slip(a.get(name, ""), b.get(name, "")) for name in apart)
    other_kind = any(each.vocabulary and not same[each.name] for each in filled if each.name not in table.key)
    alike = slip or (share >= ALIKE and not other_kind)
    if table.name == "studies":
        alike = slip and share >= ALIKE
    alike = (alike and len(apart) == 1) or (len(apart) == 2 and share == 1 and bool(data))
    return sum(same.values()) / len(same) + slip if alike else None


def _slip(one: str, other: str) -> bool:
    """Whether two words may be one, misspelt or shortened."""
    return bool(
        one and other and (nearest(one, [other], 0.75) or one.startswith(other) or other.startswith(one))
    )


def identities(study: Row) -> set[tuple[str, str]]:
    """The numbers by which a trial is known everywhere: kind and number; a cell may hold several.

    >>> sorted(identities({"doi": "10.1000/XY", "registration": "NCT01234567, UMIN000012345"}))
    [('doi', '10.1000/xy'), ('registration', 'nct01234567'), ('registration', 'umin000012345')]
    """
    words = (
        (name, word) for name in IDENTITIES for word in re.split(r"[\s,;]+", study.get(name, "").casefold())
    )
    return {(name, word) for name, word in words if re.search(r"\d{5}|^10\.", word)}


# Comparing


def compare(a: Extraction, b: Extraction, *, near: bool = False) -> Comparison:
    """Where two extractions differ, cell by cell, and how well they agree, column by column."""
    pairs = match(a, b, near=near)
    found = [each for name, rows in pairs.items() for pair in rows for each in _of_pair(EVIDENCE[name], pair)]
    agreed = [
        each
        for name, rows in pairs.items()
        for column in EVIDENCE[name].columns
        if near or column.name not in EVIDENCE[name].key  # of rows with one key that is equal
        if (each := _agreement(EVIDENCE[name], column, rows)) is not None
    ]
    return Comparison(pairs, found, agreed)


def _of_pair(table: Table, pair: Pair) -> Iterator[Difference]:
    """The differences of a row that both have, cell by cell; or that one of the two lacks it."""
    row = pair.either
    words = "; ".join(f"{name}: {row[name]}" for name in table.key if row.get(name))
    place = table.file, row.get("study_id", ""), words, pair.row_a, pair.row_b
    if pair.a is None or pair.b is None:
        kind = Kind.ROW_B if pair.a is None else Kind.ROW_A
        yield Difference(*place, "", kind, "", "", None, bool(table.steers), pair.near)
        return
    for column in table.columns:
        one, other = pair.a.get(column.name, ""), pair.b.get(column.name, "")
        if not _same(column, one, other):
            kind, difference = _kind(column, one, other)
            steers = column.name in table.steers
            yield Difference(*place, column.name, kind, one, other, difference, steers)


def _same(column: Column, one: str, other: str) -> bool:
    return one == other or _value(column, one) == _value(column, other)


def _kind(column: Column, one: str, other: str) -> tuple[Kind, float | None]:
    if not one or not other:
        return (Kind.MISSING_B if one else Kind.MISSING_A), None
    x, y = _value(column, one), _value(column, other)
    if isinstance(x, float) and isinstance(y, float):
        return Kind.NUMBER, y - x
    folded = [re.sub(r"[\W_]+", "", text).casefold() for text in (one, other)]
    return (Kind.SPELLING if folded[0] == folded[1] and folded[0] else Kind.TEXT), None


def _agreement(table: Table, column: Column, pairs: Iterable[Pair]) -> ColumnAgreement | None:
    """How a column agrees; None where neither has anything in it."""
    cells = [
        (pair.a.get(column.name, ""), pair.b.get(column.name, ""))
        for pair in pairs
        if pair.a is not None and pair.b is not None
    ]
    filled = [(one, other) for one, other in cells if one or other]
    if not filled:
        return None
    equal = sum(_same(column, *pair) for pair in filled)
    kappa = numbers = NOTHING
    limits = Limits(*[float("nan")] * 3)
    if column.words or column.vocabulary:
        kappa = cohen_kappa(*zip(*cells, strict=True))
    if column.is_number:
        values = [(_value(column, one), _value(column, other)) for one, other in filled]
        both = [(x, y) for x, y in values if isinstance(x, float) and isinstance(y, float)]
        if both:
            numbers, limits = icc(both), limits_of_agreement(*zip(*both, strict=True))
    return ColumnAgreement(
        *(table.file, column.name, column.name in table.steers),
        *(len(cells), len(filled), equal),
        equal / len(filled),
        *(kappa.estimate, kappa.ci_low, kappa.ci_high),
        *(numbers.estimate, numbers.ci_low, numbers.ci_high),
        *(limits.mean, limits.low, limits.high),
    )


def write_comparison(found: Comparison, folder: str | Path) -> None:
    """Write differences.csv, agreement.csv and settle.csv into a new folder."""
    tables: dict[str, tuple[Sequence[str], Iterable[Mapping[str, object]]]] = {
        "differences.csv": (columns_of(Difference), map(to_json, found.differences)),
        "agreement.csv": (columns_of(ColumnAgreement), map(to_json, found.agreement)),
        "settle.csv": (SETTLE, map(to_json, found.differences)),
    }
    with io.new_folder(folder) as temporary:
        for name, (columns, rows) in tables.items():
            cells = [{column: _as_text(row.get(column)) for column in columns} for row in rows]
            io.write_text(temporary / name, csv_text(columns, cells))


def _as_text(value: object) -> str:
    """A cell as it is; the tables are to be read back."""
    return value if isinstance(value, str) else io.cell(value)


# Settling


Place = tuple[str, str, str]  # file, row, column


def read_settled(path: str | Path) -> list[Row]:
    """The rows of a settled settle.csv; a spreadsheet may have saved it with semicolons."""
    file = Path(path)
    if not file.is_file():
        raise InputError([Fault(str(path), None, "", "", "there is no such file", "name a settle.csv")])
    text = file.read_text(encoding="utf-8-sig")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(streams.StringIO(text, newline=""), delimiter=separator)
    lacking = [name for name in SETTLE if name not in (reader.fieldnames or ())]
    if lacking:
        problem = f"the column {listing(lacking)} is missing"
        raise InputError(
            [Fault(str(path), 1, "", "", problem, "take the settle.csv that compare --out wrote")]
        )
    return [{name: (cell or "").strip() for name, cell in row.items() if name} for row in reader]


def settle(found: Comparison, settled: Sequence[Row], file: str) -> dict[str, list[Row]]:
    """The agreed rows of every table: A's with what was settled, in A's order, then what only B has.

    Raises InputError where a difference is not settled, or what is settled is no difference any more or no
    possible cell.
    """
    given = {(row["file"], row["row"], row["column"]): (at, row) for at, row in enumerate(settled, 2)}
    decided: dict[Place, str] = {}
    faults: list[Fault] = []
    for each in found.differences:
        place = each.file, each.row, each.column
        number, row = given.pop(place, (None, {}))
        try:
            decided[place] = _decision(each, row)
        except ValueError as error:
            where = " ".join(filter(None, (each.file, each.row, each.column)))
            faults.append(
                Fault(
                    file,
                    number,
                    "settled",
                    row.get("settled", ""),
                    f"{error.args[0]} ({where})",
                    error.args[1],
                )
            )
    faults += [
        Fault(
            file,
            number,
            "row",
            row["row"],
            "no difference of the two any more",
            "compare them anew, with --near if that was said before",
        )
        for number, row in given.values()
    ]
    if faults:
        raise InputError(faults)
    return _agreed(found, decided)


def _decision(each: Difference, row: Row) -> str:
    """What a cell was settled to be, or KEEP or DROP of a row; ValueError (problem, remedy) for none."""
    said = row.get("settled", "")
    if not said:
        problem = "the difference is not settled" if row else "the difference is not in the table"
        raise ValueError(
            problem, f"write (A), (B){f', {EMPTY} or the value' if each.column else ', keep or drop'}"
        )
    if not each.column:
        has = each.kind is Kind.ROW_B
        words = {KEEP: KEEP, DROP: DROP, "(A)": DROP if has else KEEP, "(B)": KEEP if has else DROP}
        if said.casefold() not in {word.casefold() for word in words}:
            raise ValueError("no word for a row", "write keep, drop, (A) or (B)")
        return next(what for word, what in words.items() if word.casefold() == said.casefold())
    table = EVIDENCE[each.file.removesuffix(".csv")]
    column = next(column for column in table.columns if column.name == each.column)
    if not (_same(column, row["a"], each.a) and _same(column, row["b"], each.b)):
        raise ValueError("settled between other values than the tables have now", "compare them anew")
    if said.upper() in OF_SIDE:
        return (each.a, each.b)[OF_SIDE[said.upper()]]
    if said.casefold() == EMPTY:
        return ""
    if column.words and said not in column.words:
        raise ValueError(f"not one of the words for {column.name}", suggestion(said, column.words))
    if not re.fullmatch(FORMS[column.form].pattern, said):
        raise ValueError(FORMS[column.form].problem, FORMS[column.form].remedy)
    return said


def _agreed(found: Comparison, decided: Mapping[Place, str]) -> dict[str, list[Row]]:
    agreed: dict[str, list[Row]] = {}
    names = Names()
    for name, pairs in found.pairs.items():
        table, rows = EVIDENCE[name], []
        for pair in pairs:
            row = {column: pair.either.get(column, "") for column in table.names}
            for each in _of_pair(table, pair):
                what = decided[each.file, each.row, each.column]
                row |= {each.column: what} if each.column else {}
                if each.column == NAMING.get(name):
                    _rename(names, name, each, what)
                if not each.column and what == DROP:
                    break
            else:
                rows.append(row)
        agreed[name] = rows
    return {name: [names.of(EVIDENCE[name], row) for row in rows] for name, rows in agreed.items()}


def _rename(names: Names, table: str, each: Difference, name: str) -> None:
    """Note what a trial or arm is called in the end, by what A calls it."""
    if table == "studies":
        names.studies[each.a] = name
    else:
        names.arms[each.study_id, each.a] = name


def write_agreed(agreed: Mapping[str, Sequence[Row]], settled: Sequence[Row], folder: str | Path) -> None:
    """Write the agreed tables into a new folder, and settled.csv: who settled what, how and why."""
    with io.new_folder(folder) as temporary:
        for name, rows in agreed.items():
            io.write_text(temporary / EVIDENCE[name].file, csv_text(EVIDENCE[name].names, rows))
        io.write_text(temporary / "settled.csv", csv_text(SETTLE, settled))
