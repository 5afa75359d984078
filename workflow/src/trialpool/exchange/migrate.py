"""A configuration or tables of the first form in, those of today out, with every change in words.

The texts of YAML files are kept with their comments; only what has to change is written anew. Tables get the
columns of codebook 2, filled from the words of notes that decided the same before (`schemas/migrate.yaml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trialpool import io
from trialpool.contracts import TABLES, Table
from trialpool.errors import Fault, InputError, row_words
from trialpool.evidence.read import read_raw
from trialpool.evidence.validate import RawTable
from trialpool.exchange.candidates import csv_text
from trialpool.protocol import folder_of_paths
from trialpool.vocabulary import general
from trialpool.yaml_files import LOADER, read_yaml, shipped

RULES = shipped("migrate")
FILES = ("instruments", "claims", "published", "networks")  # of a configuration, beside it
INSTRUMENTS = "config/instruments.yaml"
NUMBER = ""  # of a row in its file, among its cells
Rows = list[dict[str, str]]
Path_ = tuple[str, ...]


@dataclass
class Migration:
    """The files of the new form by name, what was changed, and what a person has to see to."""

    files: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def report(self, source: str) -> str:
        """MIGRATION.md."""
        parts = {"What was changed": self.changed, "What is left to you": self.open}
        lines = [f"# Moved from {source}", ""]
        for heading, entries in parts.items():
            lines += [f"## {heading}", "", *(f"- {entry}" for entry in entries or ["nothing"]), ""]
        return "\n".join(lines)


def migrate(source: str | Path) -> Migration:
    """Bring a configuration with its files and tables, or a folder of tables, to today's form.

    What is of today's form already gives no files. Raises InputError where a file cannot be read; what is at
    fault in it besides is left to `check`.
    """
    path = Path(source)
    done = Migration()
    if path.is_dir():
        if not _is_new([path]):
            _tables([path], "", {}, done)
        return done
    config = _mapping(path)
    base = folder_of_paths(path)
    if not (config.keys() & set(RULES["new"]) or _is_new([base / each for each in _folders(config)])):
        _configuration(path, config, base, done)
        done.open += RULES["otherwise"]
    return done


def write_migration(done: Migration, source: str, folder: str | Path) -> None:
    """Write the files and MIGRATION.md into a new folder, all or none; InputError where it exists."""
    with io.new_folder(folder) as temporary:
        for name, text in {**done.files, "MIGRATION.md": done.report(source)}.items():
            io.write_text(temporary / name, text)


def _mapping(path: Path) -> Mapping[str, Any]:
    content = read_yaml(path)[0] or {}
    if not isinstance(content, Mapping) or not content:
        remedy = "name a configuration, or a folder of tables"
        raise InputError([Fault(str(path), None, "", "", "it holds no keys", remedy)])
    return content


def _folders(config: Mapping[str, Any]) -> list[str]:
    evidence = config.get("evidence") or []
    return [evidence] if isinstance(evidence, str) else list(evidence)


# YAML files, as text


@dataclass
class Text:
    """A YAML file as text, whose keys can be replaced, taken out and added without touching the rest."""

    text: str

    def span(self, path: Path_) -> tuple[int, int, int] | None:
        """First line, line behind the last, and indent of what stands under a key; None for no such key."""
        node, found = yaml.compose(self.text, LOADER), None
        for key in path:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            pair = next(((name, value) for name, value in pairs if name.value == key), None)
            if pair is None:
                return None
            name, node = pair
            block = (
                isinstance(node, yaml.CollectionNode) and not node.flow_style
            )  # ends where the next begins
            end = node.end_mark.line + (node.end_mark.column > 0 and not block)
            found = name.start_mark.line, max(end, name.start_mark.line + 1), name.start_mark.column
        return found and (found[0], self._without_what_follows(*found[:2]), found[2])

    def _without_what_follows(self, first: int, end: int) -> int:
        """The end of a block without the comments and blank lines before the next key."""
        lines = self.text.splitlines()
        while end > first + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        return end

    def taken(self, path: Path_) -> str:
        """Take out what stands under a key, if it stands there on lines of its own; the text of it."""
        span = self.span(path)
        lines = self.text.splitlines()
        if span is None:
            return ""
        part = lines[span[0] : span[1]]
        self.text = "\n".join([*lines[: span[0]], *lines[span[1] :]]) + "\n"
        return "\n".join(part)

    def put(self, key: str, value: str, below: str = "", behind: str = "") -> None:
        """Write `key: value` in its place, else as the first key below another, or behind one, or last."""
        lines = self.text.splitlines()
        if span := self.span((below, key) if below else (key,)):
            comment = re.search(r"\s+#.*$", lines[span[0]])
            said = comment[0] if comment and span[1] == span[0] + 1 else ""
            lines[span[0] : span[1]] = [f"{' ' * span[2]}{key}: {value}{said}"]
        elif below and (around := self.span((below,))):
            lines[around[0] : around[1]] = self._flow_or_indent(lines[around[0] : around[1]], key, value)
        elif below:
            lines += [f"{below}:", f"  {key}: {value}"]
        else:
            place = self.span((behind,)) if behind else None
            lines.insert(place[1] if place else len(lines), f"{key}: {value}")
        self.text = "\n".join(lines) + "\n"

    @staticmethod
    def _flow_or_indent(lines: Sequence[str], key: str, value: str) -> list[str]:
        """The lines of a mapping with one more key, whether it is written in braces or in lines."""
        head, *body = lines
        if "{" in head and not body:
            start, brace, rest = head.partition("{")
            comma = "" if rest.lstrip().startswith("}") else ", "
            return [f"{start}{brace}{key}: {value}{comma}{rest.lstrip()}"]
        first = next((line for line in body if line.strip() and not line.lstrip().startswith("#")), "  x")
        indent = first[: len(first) - len(first.lstrip())]
        return [head, f"{indent}{key}: {value}", *body]


# The configuration and its files


def _configuration(path: Path, config: Mapping[str, Any], base: Path, done: Migration) -> None:
    text = Text(path.read_text(encoding="utf-8"))
    folders = [base / each for each in _folders(config)]
    tables = _tables(folders, "data", config, done)
    names = ["data"] if len(folders) == 1 else [f"data_{at}" for at in range(1, len(folders) + 1)]
    text.put("evidence", names[0] if len(names) == 1 else f"[{', '.join(names)}]")
    for key in ("processed", "results"):
        text.put(key, key)
    groups = ""
    for key in FILES:
        name = config.get(key, INSTRUMENTS if key == "instruments" else None)
        if name is None:
            continue
        own = Text((base / name).read_text(encoding="utf-8"))
        if key == "instruments":
            groups = _groups(own, done)
        elif key == "claims":
            _claims(own, done)
        elif key == "published":
            _published(own, config, tables.get("published_pools", []), done)
        done.files[f"{key}.yaml"] = own.text
        text.put(key, f"{key}.yaml")
    if "vocabulary" not in config:
        done.files["vocabulary.yaml"] = _vocabulary(tables, groups)
        text.put("vocabulary", "vocabulary.yaml", behind="results")
        done.changed.append(
            "vocabulary.yaml is new: the conditions, treatments and domains of the tables, which are a fault "
            "elsewhere, with the groups of treatments. Write their names behind them: readers see these."
        )
    given = config.get("defaults") or {}
    for key, (value, now) in RULES["defaults"].items():
        if key not in given:
            text.put(key, str(value), below="defaults")
            done.changed.append(f"config.yaml, defaults.{key}: {value}, as it was; the default is now {now}.")
    done.files["config.yaml"] = text.text
    where = ", ".join(map(str, folders))
    done.changed.append(
        f"config.yaml: all paths count from its own folder; the tables of {where} lie in data."
    )


def _groups(instruments: Text, done: Migration) -> str:
    """Take the groups of arm categories out of the catalogue: they belong into the vocabulary."""
    groups = instruments.taken(("groups",))
    if groups:
        done.changed.append("instruments.yaml, groups: moved to vocabulary.yaml.")
    return groups


def _claims(claims: Text, done: Migration) -> None:
    """Keys that are gone become those that took their place; defaults that were others are written out."""
    for old, new, said in RULES["claims"]:
        path = tuple(old.split("."))
        if taken := claims.taken(path):
            value = re.sub(r"\s*#.*", "", taken.partition(":")[2]).strip()
            below, _, key = new.partition(".")
            if claims.span((below, key)) is None:
                claims.put(key, value, below=below)
            done.changed.append(f"claims.yaml, {old}: {value} is now {new}: {said}.")
    for place, (value, now) in RULES["rules"].items():
        path = tuple(place.split("."))
        if claims.span(path) is None:
            done.open.append(
                f"claims.yaml does not say {place}, which was {value} and is {now} now: write it to keep it."
            )


def _published(
    published: Text, config: Mapping[str, Any], pools: Sequence[Mapping[str, str]], done: Migration
) -> None:
    """Give every figure an axis for each measure of its rows, in the direction of the analysis beside it."""
    content = yaml.load(published.text, LOADER) or {}
    analyses = config.get("analyses") or {}
    for name, figure in (content.get("figures") or {}).items():
        if "panels" in figure:
            continue
        rows = [
            row for row in pools if row["condition"] == figure["condition"] and _like(figure, row, "outcome")
        ]
        panels: dict[str, str] = {}
        for row in rows:
            rule: Mapping[str, Any] = next(
                (rule for rule in content.get("pools") or [] if _matches(rule, row)), {}
            )
            better = (analyses.get(rule.get("analysis")) or {}).get("better", "")
            panels[row["measure"]] = panels.get(row["measure"]) or better
        panels = panels or {"MD": ""}
        said = ", ".join(
            f"{{measure: {measure}, better: {better or 'lower'}}}" for measure, better in panels.items()
        )
        _put_inside(published, ("figures", name), f"panels: [{said}]")
        unknown = [measure for measure, better in panels.items() if not better]
        if unknown:
            done.open.append(
                f"published.yaml, figures.{name}: which direction of {', '.join(unknown)} is better is not "
                "known from an analysis; lower was written. Pools that point the other way go under `turned`."
            )
    if content.get("figures"):
        done.changed.append("published.yaml: every figure has panels, an axis for each measure of its rows.")


def _like(rule: Mapping[str, Any], row: Mapping[str, str], key: str) -> bool:
    return re.search(str(rule.get(key, "")), row[key], re.IGNORECASE) is not None


def _matches(rule: Mapping[str, Any], row: Mapping[str, str]) -> bool:
    same = rule.get("condition") in (None, row["condition"])
    return same and _like(rule, row, "comparison") and _like(rule, row, "outcome")


def _put_inside(text: Text, path: Path_, line: str) -> None:
    """Add a line to the mapping under a path, at its end."""
    span = text.span(path)
    if span is None:
        return
    lines = text.text.splitlines()
    head, *body = lines[span[0] : span[1]]
    if not body and head.rstrip().endswith("}"):
        lines[span[0]] = f"{head.rstrip()[:-1]}, {line}}}"
    else:
        indent = next(len(each) - len(each.lstrip()) for each in body if each.strip())
        lines.insert(span[1], f"{' ' * indent}{line}")
    text.text = "\n".join(lines) + "\n"


def _vocabulary(tables: Mapping[str, Rows], groups: str) -> str:
    """The words of the tables, named by nothing yet, and the groups as they were written."""
    known = general()
    members = [
        str(word)
        for group in (yaml.load(groups, LOADER) or {"groups": {}})["groups"].values()
        for word in group
    ]
    words = {
        "conditions": _different(tables, ("studies", "published_pools"), "condition"),
        "treatments": list(dict.fromkeys([*_different(tables, ("arms",), "category"), *members])),
    }
    means = _different(tables, ("continuous", "contrasts"), "domain")
    domains = {code: "{of: means}" for code in means if code not in known.domains}
    events = _different(tables, ("events",), "domain")
    domains |= {code: "{of: events}" for code in events if code not in known.domains}
    lines = ["# The words of the review: a code as the tables have it, and what readers see of it."]
    for name, codes in words.items():
        lines += [f"{name}:", *(f"  {code}: null" for code in codes)] if codes else []
    lines += ["domains:", *(f"  {code}: {of}" for code, of in domains.items())] if domains else []
    units = [
        unit for unit in _different(tables, ("continuous", "contrasts"), "unit") if unit not in known.units
    ]
    lines += ["units:", *(f'  "{unit}": {{"{unit}": 1}}' for unit in units)] if units else []
    return "\n".join([*lines, groups]).rstrip() + "\n"


def _different(tables: Mapping[str, Rows], names: Iterable[str], column: str) -> list[str]:
    cells = (row.get(column, "") for name in names for row in tables.get(name, []))
    return list(dict.fromkeys(filter(None, cells)))


# Tables


def _tables(
    folders: Sequence[Path], into: str, config: Mapping[str, Any], done: Migration
) -> dict[str, Rows]:
    """The tables of all folders, brought to codebook 2; all rows by table."""
    every: dict[str, Rows] = {name: [] for name in TABLES}
    faults: list[Fault] = []
    for at, folder in enumerate(folders, 1):
        place = into if len(folders) == 1 else f"{into}_{at}"
        for name, table in TABLES.items():
            raw = read_raw(folder / table.file, table)
            faults += raw.faults
            rows = _rows(raw)
            done.changed += _decided(table, rows)
            done.changed += _first_periods(table, rows, config)
            done.open += _left_open(table, rows)
            done.files[f"{place}/{table.file}".lstrip("/")] = csv_text(table.names, rows)
            every[name] += rows
    if faults:  # a cell might be lost
        raise InputError(faults)
    done.changed.append(
        "The tables have the columns that codebook 2 adds, empty where nothing is known: labels of trials, "
        "what an arm adds to, the direction of single events, from what a count was worked out."
    )
    return every


def _rows(raw: RawTable) -> Rows:
    """The rows of a table, each with its number in the file under NUMBER."""
    cells = {**raw.cells, NUMBER: list(map(str, raw.rows))}
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def _is_new(folders: Iterable[Path]) -> bool:
    """Whether some table in these folders has a column that came with codebook 2."""
    files = ((folder / table.file, table) for folder in folders for table in TABLES.values())
    return any(
        column.optional and column.name not in RULES["old_columns"] and column.name in header
        for file, table in files
        if file.is_file()
        for header in (file.read_text(encoding="utf-8-sig", errors="replace").partition("\n")[0].split(","),)
        for column in table.columns
    )


def _like_words(rows: Rows, column: str, note: str, pattern: str) -> Rows:
    """Rows whose cell of a column is empty and whose note has these words."""
    words = re.compile(pattern, re.IGNORECASE)
    return [row for row in rows if not row[column] and words.search(row[note])]


def _numbers(rows: Rows) -> str:
    return row_words(int(row[NUMBER]) for row in rows)


def _decided(table: Table, rows: Rows) -> Iterator[str]:
    """Fill the columns that words of a note decided before."""
    for tables, column, note, patterns, beside in RULES["columns"]:
        if table.name not in tables.split():
            continue
        for pattern, value in patterns.items():
            found = _like_words(rows, column, note, pattern)
            for row in found:
                row[column] = value
                row |= {beside: row[note]} if beside else {}
            if found:
                yield f"{table.file}, {column}: {value} in {_numbers(found)}: {note} says so (/{pattern}/)."


def _first_periods(table: Table, rows: Rows, config: Mapping[str, Any]) -> Iterator[str]:
    """Trials of which the configuration assumed that their numbers are of the first period only."""
    assumed = config.get("assumptions") or {}
    studies = [study for study, said in assumed.items() if said.get("first_period")]
    found = [row for row in rows if "period" in row and row["study_id"] in studies]
    for row in found:
        row["period"] = "first"
    if found:
        said = "as assumptions.first_period of the config says"
        yield f"{table.file}, period: first in {_numbers(found)}, {said}."


def _left_open(table: Table, rows: Rows) -> Iterator[str]:
    """What a person has to decide from the words of notes."""
    for tables, column, note, pattern, sentence in RULES["open"]:
        found = _like_words(rows, column, note, pattern) if table.name in tables.split() else []
        if found:
            yield sentence.format(file=table.file, rows=_numbers(found)) + "."
