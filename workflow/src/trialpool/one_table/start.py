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
from trialpool.contracts import LOG, TABLES
from trialpool.errors import Fault, InputError
from trialpool.exchange.candidates import TO_FILL_IN, Row, split_name, study_ids, word
from trialpool.exchange.candidates import csv_text as rows_text
from trialpool.measures import (
    CHANGES,
    CORRELATIONS,
    GROUP_MEANS,
    MEASURES,
    PROPORTIONS,
    RATES,
    SIDES,
    Of,
)
from trialpool.one_table.answer import Asked, numbers_of, trials_in
from trialpool.one_table.columns import Columns, names_of, recognise, refuse_several, trials_only
from trialpool.one_table.read import Table, read_table
from trialpool.stats import change_sd
from trialpool.text import capital, short, spaced
from trialpool.yaml_files import shipped

CONDITION = "CONDITION"
NAMES = ("the experimental treatment", "the control treatment")
STAND_IN = "https://to-fill-in.invalid/"  # RFC 2606: nobody can have it
EXAMPLES = {  # one made-up trial, by what its effect is made of
    Of.EVENTS: {"events_e": "12", "n_e": "50", "events_c": "20", "n_c": "50"},
    Of.MEANS: {"mean_e": "4.1", "sd_e": "2.0", "n_e": "50", "mean_c": "5.0", "sd_c": "2.2", "n_c": "50"},
    Of.TIMES: {"estimate": "0.8", "lower": "0.6", "upper": "1.1"},
}
CONTRASTS = {"MD": "mean_difference", "SMD": "smd", "ROM": "ratio_of_means", "RR": "risk_ratio"}
CONTRASTS |= {"OR": "odds_ratio", "RD": "risk_difference", "HR": "hazard_ratio", "IRR": "rate_ratio"}
CONTRASTS |= {"IRD": "rate_difference", "GIV": "generic"}
GROUPS = {  # the same of one group
    code: cells
    for codes, cells in (
        (PROPORTIONS, {"events": "12", "n": "50"}),
        (RATES, {"events": "12", "time": "80"}),
        (GROUP_MEANS, {"mean": "4.1", "sd": "2.0", "n": "50"}),
        (CHANGES, {"m1i": "3", "sd1i": "2", "m2i": "4", "sd2i": "2.2", "ni": "50", "ri": "0.5"}),
        (CORRELATIONS, {"r": "0.4", "n": "50"}),
    )
    for code in codes
}
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
    rows = _rows(table, columns, codes, asked.names if asked.names != SIDES else NAMES)
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
    of_two = EXAMPLES.get(MEASURES[measure].of, EXAMPLES[Of.TIMES])
    cells = {"study": "Example 2020"} | GROUPS.get(measure, of_two)
    return Table("a made-up example", pd.DataFrame([cells], index=[2], dtype=object), ".")


def _codes(names: tuple[str, str]) -> tuple[str, str]:
    """The codes of the arms, by their names."""
    one, other = (re.sub(r"^(?=\d)", "arm_", word(name)) for name in names)
    return (one, other) if one and other and one != other else SIDES


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
        **{"names": asked.names if asked.names != SIDES else NAMES},
        **{"comparison": "-vs-".join(_sides(columns, codes)).replace("_", "-")},
        **{"events": MEASURES[columns.measure].of in (Of.EVENTS, Of.TIMES, Of.ANYTHING)},
        **{"group": MEASURES[columns.measure].group},
    }
    names = ("config", "vocabulary", "instruments")
    return {f"{name}.yaml": environment.get_template(f"new_{name}.j2").render(known) for name in names}


def _sides(columns: Columns, codes: tuple[str, str]) -> tuple[str, ...]:
    """The codes of the arms of each trial: of both, or of the one group."""
    return codes[: len(MEASURES[columns.measure].sides)]


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
    numbers = numbers_of(table, columns)
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
        for role, code, name in zip(SIDES, _sides(columns, codes), names, strict=False):
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
    for arm, code in _arms(columns, codes):
        events, others, years = (own.get(f"{kind}{arm}") for kind in ("events", "others", "person_years"))
        n = own.get(f"n{arm}") if others is None else (events or 0.0) + others
        added = "" if others is None else f"n = {io.cell(events)} with the event + {io.cell(others)} without"
        if n is None:  # over person-time, of people whom the table does not count
            n, added = (
                max(events or 0.0, 1.0),
                f"{TO_FILL_IN}: the number of people; time as the table has it",
            )
        counts = {"events": io.cell(events), "n": io.cell(n), "note": added}
        counts |= {"person_years": io.cell(years)} if years is not None else {}
        rows.append({"arm": code, "outcome": "event", "definition": TO_FILL_IN, **counts})
    return "events", rows


def _arms(columns: Columns, codes: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """What stands behind the roles of each arm, and its code."""
    group = MEASURES[columns.measure].group
    return zip(("",) if group else ("_1", "_2"), _sides(columns, codes), strict=True)


def _means(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    rows = []
    spread = "sd" if {"sd", "sd_1"} & own.keys() else "se"
    what = {"instrument": "OUTCOME", "unit": "points", "better": "lower", "measure": "final"}
    what |= {"centre_type": "mean", "spread_type": spread, "note": f"{TO_FILL_IN}: the unit"}
    for arm, code in _arms(columns, codes):
        names = {"n": "n", "mean": "centre", spread: "spread_low"}
        rows.append({"arm": code, **what, **{to: io.cell(own[f"{of}{arm}"]) for of, to in names.items()}})
    return "continuous", rows


def _changes(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    """Values before and after, and the change between them, whose SD rests on their correlation."""
    what = {
        "arm": codes[0],
        "instrument": "OUTCOME",
        "unit": "points",
        "better": "lower",
        "n": io.cell(own["n"]),
    }
    what |= {"centre_type": "mean", "spread_type": "sd", "note": f"{TO_FILL_IN}: the unit"}
    spread = float(change_sd(own["sd_2"], own["sd_1"], own["r"]))
    made = {
        "measure": "change",
        "centre": io.cell(own["mean_1"] - own["mean_2"]),
        "spread_low": io.cell(spread),
    }
    rows = [
        {"timepoint": when, "measure": "final", "centre": io.cell(own[f"mean_{at}"])}
        | {"spread_low": io.cell(own[f"sd_{at}"])}
        for at, when in (("2", "baseline"), ("1", "end_of_treatment"))
    ]
    made["note"] = f"after - before, its SD by r = {own['r']:.10g}"
    return "continuous", [what | row for row in (*rows, made)]


def _correlations(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    what = {"arm": codes[0], "instrument": "OUTCOME", "unit": "points", "better": "lower", "measure": "final"}
    what |= {"centre_type": "correlation", "spread_type": "none", "n": io.cell(own["n"])}
    note = f"{TO_FILL_IN}: what is correlated"
    return "continuous", [what | {"centre": io.cell(own["r"]), "note": note}]


def _estimates(columns: Columns, codes: tuple[str, str], own: Mapping[str, float]) -> Results:
    """A published contrast as the table has it: logarithms as such, the log-rank test's O − E with its V."""
    row = {"arm_1": codes[0], "arm_2": codes[1], "instrument": "OUTCOME", "better": "lower"}
    row |= {"measure": CONTRASTS[columns.measure]}
    if "o_minus_e" in own:
        counts = {"o_minus_e": io.cell(own["o_minus_e"]), "variance": io.cell(own["information"])}
        return "contrasts", [row | counts | {"spread_type": "none"}]
    row |= {"estimate": io.cell(own["estimate"])}
    row |= {"measure": f"{LOG}{row['measure']}"} if columns.log else {}
    notes = []
    if "low" in own:
        row |= {"spread_type": "ci95", **{f"spread_{end}": io.cell(own[end]) for end in ("low", "high")}}
    else:
        notes += [f"SE = √{own['variance']:.10g}"] if "variance" in own else []
        row |= {"spread_type": "se", "spread_low": io.cell(own.get("se", own.get("variance", 0.0) ** 0.5))}
    return "contrasts", [row | {"note": "; ".join(notes)}]


RESULTS = {
    **{"events": _events, "rates": _events, "means": _means, "estimates": _estimates},
    **{"proportions of one group": _events, "rates of one group": _events},
    **{"means of one group": _means, "changes of one group": _changes, "correlations": _correlations},
}


def next_steps(begun: Begun, folder: str | Path) -> Iterator[str]:
    """What was written, what was taken for granted, and what to do next."""
    settings = [name for name in begun.files if "/" not in name]
    yield f"Written to {folder}: {', '.join(settings)}, and seven tables in data."
    yield from ("", "Taken for granted:", *(f"- {each}" for each in begun.said))
    yield f"- Whatever says {TO_FILL_IN!r} in these files."
    yield f"\nIt runs as it is: trialpool run {Path(folder, 'config.yaml')}"
