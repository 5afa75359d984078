"""The effects of all analyses as one flat table for other programs, with a note on every column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from trialpool import io, stats
from trialpool.errors import Fault, InputError
from trialpool.yaml_files import shipped

# column of the flat table, column of studies.csv, and what it holds
COLUMNS: list[tuple[str, str, str]] = shipped("exchange")["effects"]
NUMBERS = ("yi", "vi", "sei", "n1i", "n2i", "m1i", "sd1i", "m2i", "sd2i", "ai", "ci", "weeks")


def export_effects(results: str | Path, out: str | Path) -> int:
    """Write the effects of every analysis in a results folder to `out`; returns the number of rows.

    Beside `out` goes `<name>.columns.csv`, which says what each column holds and what R's metafor
    (escalc/rma arguments) and RevMan call it. Raises InputError where the folder holds no analysis.
    """
    files = sorted(Path(results).glob("analyses/*/studies.csv"))
    if not files:
        problem = "the folder holds no analyses/*/studies.csv"
        raise InputError([Fault(str(results), None, "", "", problem, "name a results folder")])
    rows = [row for file in files for row in _rows(file)]
    out = Path(out)
    io.write_csv(out, rows, [name for name, _, _ in COLUMNS])
    notes = [{"column": name, "holds": text} for name, _, text in COLUMNS]
    io.write_csv(out.with_name(f"{out.stem}.columns.csv"), notes, ["column", "holds"])
    return len(rows)


def _rows(file: Path) -> Iterator[Mapping[str, object]]:
    for study in io.read_csv(file):
        if not study.get("effect") or not study.get("variance"):
            continue  # shown in the results, never pooled
        cells = {name: study.get(source, "") or "" for name, source, _ in COLUMNS}
        row = {name: float(cell) if cell and name in NUMBERS else cell for name, cell in cells.items()}
        yield row | {"sei": math.sqrt(float(study["variance"])), "revman_type": revman_type(row)}


_MEANS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
_EVENTS = ("ai", "n1i", "ci", "n2i")
_BY_ARMS: dict[str, tuple[str, tuple[str, ...], Callable[..., stats.Effects]]] = {
    "MD": ("CONTINUOUS", _MEANS, stats.mean_difference),
    "SMD": ("CONTINUOUS", _MEANS, stats.standardized_mean_difference),
    "RR": ("DICHOTOMOUS", _EVENTS, stats.risk_ratio),
    "OR": ("DICHOTOMOUS", _EVENTS, stats.odds_ratio),
    "RD": ("DICHOTOMOUS", _EVENTS, stats.risk_difference),
}


def revman_type(row: Mapping[str, object]) -> str:
    """How a row can be entered in RevMan: by its arms where these give yi and vi again, else by yi and sei.

    >>> row = {"measure": "MD", "yi": -1.0, "vi": 0.4, "n1i": 20.0, "n2i": 20.0}
    >>> revman_type(row), revman_type(row | {"m1i": 5.0, "sd1i": 2.0, "m2i": 6.0, "sd2i": 2.0})
    ('GIV', 'CONTINUOUS')
    """
    kind, columns, compute = _BY_ARMS.get(str(row["measure"]), ("GIV", ("",), stats.mean_difference))
    cells = [row.get(name, "") for name in columns]
    if "" in cells:
        return "GIV"
    try:
        again = compute(*cells)
    except ValueError:
        return "GIV"
    pairs = (float(again.effect), row["yi"]), (float(again.variance), row["vi"])
    same = (math.isclose(new, float(str(old)), rel_tol=1e-6, abs_tol=1e-9) for new, old in pairs)
    return kind if all(same) else "GIV"
