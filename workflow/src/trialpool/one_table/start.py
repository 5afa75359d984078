"""The files of a new review out, which run as they stand: of one made-up trial, or of the trials of a table.

What nobody told is filled by stand-ins that say so (`candidates.TO_FILL_IN`): a run admits them, `check`
lists them. Numbers keep the place in the table from which they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from trialpool import io
from trialpool.contracts import TABLES
from trialpool.errors import Fault, InputError
from trialpool.exchange.candidates import TO_FILL_IN, Row, split_name, study_ids, word
from trialpool.exchange.candidates import csv_text as rows_text
from trialpool.measures import MEASURES, Of
from trialpool.one_table.answer import Asked, trials_in
from trialpool.one_table.columns import Columns, names_of, recognise, refuse_several, trials_only
from trialpool.one_table.read import Table, read_table
from trialpool.text import capital, short, spaced
from trialpool.yaml_files import shipped

CONDITION = "CONDITION"
NAMES = ("the experimental treatment", "the control treatment")
CODES = ("experimental", "control")
STAND_IN = "https://to-fill-in.invalid/"  # RFC 2606: nobody can have it
EXAMPLES = {  # one made-up trial, by what its effect is made of
    Of.EVENTS: {"events_e": "12", "n_e": "50", "events_c": "20", "n_c": "50"},
    Of.MEANS: {"mean_e": "4.1", "sd_e": "2.0", "n_e": "50", "mean_c": "5.0", "sd_c": "2.2", "n_c": "50"},
    Of.TIMES: {"estimate": "0.8", "lower": "0.6", "upper": "1.1"},
}
CONTRASTS = {"MD": "mean_difference", "SMD": "smd", "ROM": "ratio_of_means", "RR": "risk_ratio"}
CONTRASTS |= {"OR": "odds_ratio", "RD": "risk_difference", "HR": "hazard_ratio", "IRR": "rate_ratio"}
LONGEST_LABEL = 200  # letters, in the table of studies
WHEN = {"timepoint": "end_of_treatment", "reading": "single"}


@dataclass(frozen=True)
class Begun:
    """A review that was begun: its files as text by name, and what to say of them."""

    files: Mapping[str, str]
    said: tuple[str, ...]


def begin(source: str | Path | None, asked: Asked) -> Begun:
    """The files of a review of a table, or of a made-up trial where there is none.

    Raises InputError where no effect can be made of the table, or where reviews do not have the measure.
    """
    table = read_table(source, asked.sheet).only(asked.where) if source else _example(asked.measure or "RR")
    refuse_several(table)
    columns = recognise(table, asked.measure, asked.labels, asked.columns)
    rules = shipped("config.schema")["$defs"]["analysis"]["properties"]["measure"]["enum"]
    if columns.measure not in rules:
        table.refuse(f"a review does not pool {columns.measure} yet", "use trialpool pool, which does")
    if columns.roles.keys() & {"estimate", "o_minus_e"} and columns.measure not in CONTRASTS:
        problem = f"the tables of a review hold no printed {MEASURES[columns.measure].name}"
        table.refuse(problem, "name the numbers of both arms, or use trialpool pool")
    if source:
        trials_in(table, columns, asked)  # which refuses what no effect can be made of
    table, said = trials_only(table, columns)
    codes = _codes(asked.names)
    rows = _rows(table, columns, codes, asked.names if asked.names != CODES else NAMES)
    data = {f"data/{each.file}": rows_text(each.names, rows.get(name, ())) for name, each in TABLES.items()}
    used = {*columns.roles.values(), *columns.label, *_years(columns, table)}
    left = [name for name in table.headings if name not in used]
    more = [f"Not taken along, as no table of a review has such a column: {', '.join(left)}."] if left else []
    return Begun({**_settings(table, columns, codes, asked), **data}, (*columns.assumed, *said, *more))


def write(begun: Begun, folder: str | Path) -> None:
    """Write the files into a folder; InputError, and nothing written, where one of them is there already."""
    io.check_place(folder)
    there = [Path(folder, name) for name in begun.files if Path(folder, name).exists()]
    remedy = "name another folder; nothing was written"
    if there:
        raise InputError([Fault(str(path), None, "", "", "it exists already", remedy) for path in there])
    io.write_all({Path(folder, name): content.rstrip("\n") + "\n" for name, content in begun.files.items()})


def _example(measure: str) -> Table:
    cells = {"study": "Example 2020"} | EXAMPLES.get(MEASURES[measure].of, EXAMPLES[Of.TIMES])
    return Table("a made-up example", pd.DataFrame([cells], index=[2], dtype=object), ".")


def _codes(names: tuple[str, str]) -> tuple[str, str]:
    """The codes of the arms, by their names."""
    one, other = (re.sub(r"^(?=\d)", "arm_", word(name)) for name in names)
    return (one, other) if one and other and one != other else CODES


def _settings(table: Table, columns: Columns, codes: tuple[str, str], asked: Asked) -> dict[str, str]:
    """The YAML files of the review."""
    environment = Environment(
        loader=PackageLoader("trialpool", "schemas"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    known: dict[str, Any] = {
        **{"source": table.name, "condition": CONDITION, "measure": columns.measure},
        **{"title": asked.title or capital(spaced(Path(table.name).stem))},
        **{"experimental": codes[0], "control": codes[1]},
        **{"names": asked.names if asked.names != CODES else NAMES},
        **{"comparison": "-vs-".join(codes).replace("_", "-")},
        **{"events": MEASURES[columns.measure].of is not Of.MEANS},
    }
    names = ("config", "vocabulary", "instruments")
    return {f"{name}.yaml": environment.get_template(f"new_{name}.j2").render(known) for name in names}


def _years(columns: Columns, table: Table) -> list[str]:
    """The column of years."""
    return [name for name in table.headings if name.casefold() in ("year", "study year")][:1]


def _rows(
    table: Table, columns: Columns, codes: tuple[str, str], names: tuple[str, str]
) -> dict[str, list[Row]]:
    """The rows of the codebook's tables, of every trial those that it has numbers for."""
    labels = [short(name, LONGEST_LABEL) or f"Row {at}" for at, name in names_of(table, columns).items()]
    years = [table.cells[name].tolist() for name in _years(columns, table)] or [[""] * len(labels)]
    ids = study_ids(zip(labels, years[0], strict=True))
    numbers = {
        role: table.numbers(name, whole=role[:-2] in ("events", "others", "n"))
        for role, name in columns.roles.items()
    }
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    page = f"{STAND_IN}{quote(table.name)}"
    for at, study, label, year in zip(table.cells.index, ids, labels, years[0], strict=True):
        author, found, _ = split_name(label, year)
        rows["studies"].append(
            {
                **{"study_id": study, "label": label, "first_author": author, "year": found},
                **{"condition": CONDITION, "population": TO_FILL_IN, "design": "parallel"},
                **{"purpose": "treatment", "source_type": "review", "source_url": page},
            }
        )
        for role, code, name in zip(CODES, codes, names, strict=True):
            arm = {"arm": code, "role": role, "category": code, "label": name}
            rows["arms"].append({"study_id": study, **arm})
        own = {role: float(values[at]) for role, values in numbers.items()}
        place = {"source_url": page, "locator": f"{table.name}, row {at}", **WHEN, "domain": "outcome"}
        if not any(map(np.isnan, own.values())):
            name, results = RESULTS[columns.family](columns, codes, own)
            rows[name] += [{"study_id": study, **place, **each} for each in results]
    return rows


Results = tuple[str, list[Row]]  # the table, and what its rows say of a trial


def _events(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    rows = []
    for arm, code in zip("12", codes, strict=True):
        events, others = own[f"events_{arm}"], own.get(f"others_{arm}")
        n = own[f"n_{arm}"] if others is None else events + others
        added = "" if others is None else f"n = {io.cell(events)} with the event + {io.cell(others)} without"
        counts = {"events": io.cell(events), "n": io.cell(n), "note": added}
        rows.append({"arm": code, "outcome": "event", "definition": TO_FILL_IN, **counts})
    return "events", rows


def _means(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    rows = []
    spread = "sd" if "sd_1" in own else "se"
    what = {"instrument": "OUTCOME", "unit": "points", "better": "lower", "measure": "final"}
    what |= {"centre_type": "mean", "spread_type": spread, "note": f"{TO_FILL_IN}: the unit"}
    for arm, code in zip("12", codes, strict=True):
        names = {"n": "n", "mean": "centre", spread: "spread_low"}
        rows.append({"arm": code, **what, **{to: io.cell(own[f"{of}_{arm}"]) for of, to in names.items()}})
    return "continuous", rows


def _estimates(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    """A published contrast; ratios on their natural scale, their standard errors on that of the logarithm."""
    if "o_minus_e" in own:
        o_minus_e, v = own["o_minus_e"], own["information"]
        own = {"estimate": o_minus_e / v, "variance": 1 / v}
    natural = np.exp if columns.log else float
    row = {"arm_1": codes[0], "arm_2": codes[1], "instrument": "OUTCOME", "better": "lower"}
    row |= {"measure": CONTRASTS[columns.measure], "estimate": io.cell(float(natural(own["estimate"])))}
    notes = [f"exponential of {own['estimate']:.10g}"] if columns.log else []
    if "low" in own:
        bounds = {f"spread_{end}": io.cell(float(natural(own[end]))) for end in ("low", "high")}
        row |= {"spread_type": "ci95", **bounds}
    else:
        notes += [f"SE = √{own['variance']:.10g}"] if "variance" in own else []
        row |= {"spread_type": "se", "spread_low": io.cell(own.get("se", own.get("variance", 0.0) ** 0.5))}
    return "contrasts", [row | {"note": "; ".join(notes)}]


RESULTS = {"events": _events, "means": _means, "estimates": _estimates}


def next_steps(begun: Begun, folder: str | Path) -> Iterator[str]:
    """What was written, what was taken for granted, and what to do next."""
    settings = [name for name in begun.files if "/" not in name]
    yield f"Written to {folder}: {', '.join(settings)}, and seven tables in data."
    yield from ("", "Taken for granted:", *(f"- {each}" for each in begun.said))
    yield f"- Whatever says {TO_FILL_IN!r} in these files."
    yield f"\nIt runs as it is: trialpool run {Path(folder, 'config.yaml')}"
