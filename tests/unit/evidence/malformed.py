"""A corpus of what people do to tables: mutations of the real ones, each with what must come of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trialpool.contracts import FORMS, LARGEST, TABLES, Column, Table

RAW = Path(__file__).parents[3] / "data" / "raw"
STUDIES = (
    *("Chao2019", "Yasuda2011", "Lu2020", "Greenlee2016", "Choi2024", "Dietzel2023", "Garrow2014"),
    *("Shin2018", "Rostock2013", "Backonja1998", "Hershman2013", "Simpson2017"),
)
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mutated file. `becomes` is what must follow: "fault" (naming `row` and `column`, if given) or
    "loads"; `apply` maps the file's bytes to new ones, None meaning that the file is deleted."""

    name: str
    file: str
    becomes: str
    apply: Callable[[bytes], bytes | None]
    row: int | None = None
    column: str = ""


def small_tables() -> dict[str, bytes]:
    """The rows of a dozen real trials (and some published pools), every column: file name to bytes."""
    tables = {}
    for table in TABLES.values():
        header, *rows = parse((RAW / table.file).read_bytes())
        places = {name: header.index(name) for name in table.names if name in header}
        kept = [row for row in rows if row[0] in STUDIES] or rows[:14]
        full = [[row[places[name]] if name in places else "" for name in table.names] for row in kept]
        tables[table.file] = write([table.names, *full])
    return tables


def parse(content: bytes) -> Rows:
    """The records of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def write(rows: Sequence[Sequence[str]], **options: str) -> bytes:
    """Records as CSV bytes."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", **options).writerows(rows)
    return buffer.getvalue().encode()


def corpus() -> Iterator[Mutation]:
    """Every mutation, in a fixed order."""
    small = {file: parse(content) for file, content in small_tables().items()}
    for table in TABLES.values():
        rows = small[table.file]
        yield from _files(table)
        yield from _headers(table, rows)
        yield from _lines(table, rows)
        for turn, column in enumerate(table.columns):
            yield from _cells(table, rows, column, turn)
    yield from _meanings(small)


def _files(table: Table) -> Iterator[Mutation]:
    file = table.file

    def made(
        name: str, becomes: str, apply: Callable[[bytes], bytes | None], row: int | None = None
    ) -> Mutation:
        return Mutation(f"{table.name}: {name}", file, becomes, apply, row)

    yield made("deleted", "fault", lambda content: None)
    yield made("empty", "fault", lambda content: b"", 1)
    yield made("blank lines only", "fault", lambda content: b"\n\n \n", 1)
    yield made("byte-order mark", "loads", lambda content: b"\xef\xbb\xbf" + content)
    yield made("CRLF", "loads", lambda content: content.replace(b"\n", b"\r\n"))
    yield made("CR", "loads", lambda content: content.replace(b"\n", b"\r"))
    yield made("no last line end", "loads", lambda content: content.rstrip(b"\n"))
    yield made("UTF-16", "fault", lambda content: content.decode().encode("utf-16"))
    yield made("Latin-1", "fault", lambda content: content + b"Caf\xe9\n")
    yield made("semicolons", "fault", lambda content: write(parse(content), delimiter=";"), 1)
    yield made("tabs", "fault", lambda content: write(parse(content), delimiter="\t"), 1)
    yield made("a workbook", "fault", lambda content: b"PK\x03\x04" + content)
    yield made("NUL bytes", "fault", lambda content: content[:50] + b"\x00" + content[50:])
    yield made("quoted throughout", "loads", lambda content: _quoted(parse(content)))
    yield made("no header", "fault", lambda content: write(parse(content)[1:]), 1)


def _quoted(rows: Rows) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return buffer.getvalue().encode()


def _headers(table: Table, rows: Rows) -> Iterator[Mutation]:
    def made(name: str, becomes: str, new: Sequence[Sequence[str]], column: str = "") -> Mutation:
        content = write(new)
        where = 1 if becomes == "fault" else None
        return Mutation(f"{table.name}: {name}", table.file, becomes, lambda _: content, where, column)

    for index, name in list(enumerate(table.names))[::4]:
        optional = table.columns[index].optional
        if not optional or not any(row[index] for row in rows[1:]):  # else it loads, as other evidence
            without = [row[:index] + row[index + 1 :] for row in rows]
            yield made(f"no column {name}", "loads" if optional else "fault", without, name)
    header, body = rows[0], rows[1:]
    yield made("unknown column", "fault", [[*header, "remark"], *([*row, "x"] for row in body)], "remark")
    yield made("column twice", "fault", [[*header, header[1]], *([*row, row[1]] for row in body)], header[1])
    yield made(
        "misspelt column", "fault", [[header[0], header[1] + "s", *header[2:]], *body], header[1] + "s"
    )
    yield made("control in column", "fault", [[*header, "no\x1bte\n"], *([*row, ""] for row in body)])
    yield made("huge column name", "fault", [[*header, "x" * 100_000], *([*row, ""] for row in body)])
    yield made("columns reversed", "loads", [row[::-1] for row in rows])
    yield made("spaces in header", "loads", [[f" {name} " for name in header], *body])
    yield made("trailing commas", "loads", [[*row, "", ""] for row in rows])


def _lines(table: Table, rows: Rows) -> Iterator[Mutation]:
    last = len(rows) + 1

    def made(name: str, becomes: str, content: bytes, row: int | None = None, column: str = "") -> Mutation:
        return Mutation(f"{table.name}: {name}", table.file, becomes, lambda _: content, row, column)

    yield made("row twice", "fault", write([*rows, rows[1]]), last, table.key[0])
    yield made("short row", "fault", write([*rows, rows[1][:-2]]), last)
    yield made("long row", "fault", write([*rows, [*rows[1], "more"]]), last)
    yield made("blank rows", "loads", write([rows[0], [], [""] * len(rows[0]), *rows[1:]]))
    yield made(
        "spaces around cells", "loads", write([rows[0], *([f" {cell} " for cell in row] for row in rows[1:])])
    )
    yield made("open quote", "fault", write(rows[:2]) + b'"' + write(rows[2:]), 3)
    yield made("bare quote", "fault", write(rows[:2]) + b'"a"b,' + write(rows[2:]), 3)


def _cells(table: Table, rows: Rows, column: Column, turn: int) -> Iterator[Mutation]:
    """Every sixth value that the column cannot hold, other ones in the next column."""
    index = rows[0].index(column.name)
    row = next((number for number, cells in enumerate(rows) if number and cells[index]), 1)
    for name, value in list(_values(column, rows[row][index]))[turn % 6 :: 6]:
        yield cell(f"{table.name}: {name} in {column.name}", table.file, rows, row, column.name, value)


def _values(column: Column, now: str) -> Iterator[tuple[str, str]]:
    """Values that the column cannot hold."""
    if column.required:
        yield "nothing", ""
    if column.words:
        yield "a misspelt word", column.words[0] + "s"
        yield "capitals", column.words[0].swapcase()
    elif column.is_number:
        yield from (
            ("text", "about 5"),
            ("a decimal comma", f"{now or 1},5"),
            ("NA", "NA"),
            ("infinity", "1e999"),
            ("a vanishing number", "1e-200"),
        )
        yield from (("a formula", "=A1+1"), ("a minus sign", "−1"), ("an error", "#DIV/0!"), ("nan", "nan"))
        if column.low > -LARGEST:
            yield "too little", f"{column.low - 1:g}"
        if column.whole:
            yield "a fraction", f"{now or 2000}.5"
    elif FORMS[column.form].pattern == FORMS["text"].pattern:
        yield "a huge cell", "x" * (FORMS[column.form].longest + 1)
        yield "a control character", "a\x07b"
        yield "a formula", '=HYPERLINK("http://x")'
    else:
        yield from (("a path", "../../etc/passwd"), ("a script", "javascript:alert(1)"), ("a space", "a b,"))


def cell(
    name: str, file: str, rows: Rows, row: int, column: str, value: str, becomes: str = "fault", at: str = ""
) -> Mutation:
    """The table with one cell changed; `row` counts from 0, the header being 0."""
    index = rows[0].index(column)
    content = write([*rows[:row], [*rows[row][:index], value, *rows[row][index + 1 :]], *rows[row + 1 :]])
    return Mutation(name, file, becomes, lambda _: content, row + 1, at or column)


def _meanings(small: dict[str, Rows]) -> Iterator[Mutation]:
    """Cells that are fine by themselves and wrong beside the others."""
    for file, column, value, where, at in MEANINGS:
        rows = small[file]
        row = next(
            number
            for number, cells in enumerate(rows)
            if number and all(cells[rows[0].index(name)] in wanted for name, wanted in where.items())
        )
        yield cell(f"{file}: {column} = {value!r} where {where}", file, rows, row, column, value, "fault", at)
    for file in ("arms.csv", "continuous.csv", "contrasts.csv", "events.csv", "risk_of_bias.csv"):
        yield cell(f"{file}: dangling study", file, small[file], 1, "study_id", "Nobody1999")
    for file, column in (("continuous.csv", "arm"), ("contrasts.csv", "arm_1"), ("events.csv", "arm")):
        yield cell(f"{file}: dangling {column}", file, small[file], 1, column, "nothing")
    rows = small["studies.csv"]
    lone = write([*rows, ["Lone1999", *rows[1][1:]]])
    yield Mutation("study without arms", "studies.csv", "fault", lambda _: lone, len(rows) + 1, "study_id")
    for file in ("arms.csv", "events.csv"):
        wide = small[file]
        index = next(n for n, name in enumerate(wide[0]) if name in ("label", "journal", "locator"))
        huge = write([*wide[:1], [*wide[1][:index], "x" * 5_000_000, *wide[1][index + 1 :]], *wide[2:]])
        yield Mutation(f"{file}: 5 MB cell", file, "fault", lambda _, huge=huge: huge, 2, wide[0][index])


CI, SD, NONE = {"spread_type": ("ci95",)}, {"spread_type": ("sd",)}, {"spread_type": ("none",)}
Where = dict[str, tuple[str, ...]]
MEANINGS: tuple[tuple[str, str, str, Where, str], ...] = (
    ("continuous.csv", "spread_low", "900", CI, ""),
    ("continuous.csv", "spread_high", "-900", CI, "spread_low"),
    ("continuous.csv", "spread_high", "", CI, ""),
    ("continuous.csv", "spread_low", "", CI, ""),
    ("continuous.csv", "spread_low", "", SD, ""),
    ("continuous.csv", "spread_low", "-1", SD, ""),
    ("continuous.csv", "spread_high", "1", SD, ""),
    ("continuous.csv", "spread_low", "1", NONE, ""),
    ("continuous.csv", "spread_high", "1", NONE, ""),
    ("continuous.csv", "spread_type", "none", SD, "spread_low"),
    ("continuous.csv", "spread_type", "ci95", SD, "spread_high"),
    ("continuous.csv", "weeks", "3", {"timepoint": ("baseline",)}, ""),
    ("continuous.csv", "weeks", "0", {"timepoint": ("end_of_treatment",)}, "timepoint"),
    ("continuous.csv", "measure", "change", {"timepoint": ("baseline",)}, ""),
    ("contrasts.csv", "spread_low", "900", CI, ""),
    ("contrasts.csv", "spread_high", "", CI, ""),
    ("contrasts.csv", "spread_low", "1", NONE, ""),
    ("contrasts.csv", "spread_type", "se", CI, "spread_high"),
    ("contrasts.csv", "estimate", "", NONE, ""),
    ("contrasts.csv", "arm_2", "acu", {"arm_1": ("acu",)}, ""),
    ("contrasts.csv", "measure", "mean_diference", {}, ""),
    ("contrasts.csv", "measure", "risk_ratio", {"estimate": ("-24.7",)}, "estimate"),
    ("contrasts.csv", "p_value", "1.2", {}, ""),
    ("contrasts.csv", "p_value", "p < .05", {}, ""),
    ("events.csv", "events", "9999", {}, ""),
    ("events.csv", "n", "0", {}, ""),
    ("events.csv", "outcome", "improvd", {"domain": ("responder",)}, ""),
    ("events.csv", "domain", "responders", {}, ""),
    ("events.csv", "source_url", "ftp://example.org/x", {}, ""),
    ("events.csv", "source_url", "www.example.org", {}, ""),
    ("arms.csv", "pooled_of", "acu_weekly nobody", {"arm": ("acu_pooled",)}, ""),
    ("arms.csv", "pooled_of", "acu_weekly acu_weekly", {"arm": ("acu_pooled",)}, ""),
    ("arms.csv", "pooled_of", "acu_weekly acu_pooled", {"arm": ("acu_pooled",)}, ""),
    ("arms.csv", "pooled_of", "acu_weekly,acu_twice", {"arm": ("acu_pooled",)}, ""),
    ("arms.csv", "category", "Electroacupuncture", {}, ""),
    ("studies.csv", "condition", "DNP", {}, ""),
    ("studies.csv", "year", "20200", {}, ""),
    ("studies.csv", "doi", "https://doi.org/10.1093/pm/pnz117", {}, ""),
    ("published_pools.csv", "ci_low", "900", {"measure": ("RR",)}, ""),
    ("published_pools.csv", "estimate", "-0.3", {"measure": ("RR",)}, ""),
    ("published_pools.csv", "i2_percent", "120", {}, ""),
)
