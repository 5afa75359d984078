"""How a number came about, and why one cannot be used: routes, reason codes, and the texts that travel along.

In: masks and text columns of a table of results. Out: the same table with `route`, `derivation`, `cautions`,
`reason_code` and `reason`, in the one vocabulary that all of the evidence uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:  # the vocabulary alone is wanted where no table is computed
    import pandas as pd

SHOW_ONLY = "show_only"  # the word in the column `use` of rows that are shown and never pooled


class Route(IntEnum):
    """Every route from what a paper prints to a number, the most trusted first.

    Of an arm: 1, 2, 5 to 8; of a published contrast: 0, 3, 4; of events in an SMD: 9. Routes 6 to 9, and an n
    taken as the number randomised, are assumptions: such rows are `imputed`.
    """

    ADJUSTED = 0  # estimate of a model adjusted for baseline, with SE or interval
    PRINTED = 1  # mean and SD, or events, as printed
    ALGEBRA = 2  # SD from the SE or the interval of the mean, by t (Cochrane Handbook 6.5.2.2)
    CONTRAST = 3  # unadjusted published estimate with SE or interval
    FROM_P = 4  # published estimate with an exact p-value (Handbook 6.3.2)
    QUANTILES = 5  # mean by Luo 2018, SD by Wan 2014 from a median with quartiles or range
    CORRELATION = 6  # SD of a change from the SDs before and after and their correlation (Handbook 6.5.2.8)
    BASELINE = 7  # SD of the same arm's baseline
    BORROWED = 8  # SD pooled over other trials with the same instrument
    CONVERTED = 9  # log odds ratio times √3/π


# Why a result is not used; the codes in the tables are these words in lower case.
Reason = StrEnum(
    "Reason",
    "HELD_BACK UNSPECIFIED NO_NUMBERS NO_SPREAD BAD_SPREAD NO_N TOO_FEW SKEWED IMPOSSIBLE CROSSOVER CLUSTER "
    "NO_RATIO NO_EVENTS ALL_EVENTS NO_PEOPLE ZERO_CELLS ADJUSTED OTHER_MEASURE OTHER_UNIT OTHER_SCALE "
    "NO_RANGE DIRECTION OTHER_OUTCOME OTHER_ITEM OTHER_TIME OTHER_KIND OTHER_INSTRUMENT OTHER_ITEM_PREFERRED "
    "OTHER_TIME_PREFERRED PART_OF_ARMS LESS_TRUSTED FINAL_PREFERRED READ_ONCE LATER_IN_TABLE SAME_RESULT "
    "QUESTIONED POOLED_ARM ONE_SIDE OTHER_COMPARISON OTHER_PURPOSE",
)

Texts: TypeAlias = "pd.Series | np.ndarray | Sequence[Any] | str"  # a column of texts or of steps, or a text
Mask: TypeAlias = Any  # a boolean column: pandas' or numpy's
Case: TypeAlias = tuple[Mask, Any, Any]  # where, a Reason (or one a row), words (or one text a row)


def setting(settings: pd.DataFrame, name: str, rows: pd.DataFrame) -> np.ndarray:
    """A setting of the analysis of every row, by its `analysis_index`."""
    return np.asarray(settings[name].to_numpy()[rows["analysis_index"].to_numpy()])


def refuse(table: pd.DataFrame, cases: Iterable[Case], *, override: bool = False) -> None:
    """Give each row the first reason that applies, in place; it keeps one that it has unless `override`.

    `table` without the columns `reason_code` and `reason` gets them, "" where nothing speaks against a row.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"sd": [1.0, 0.0]})
    >>> refuse(table, [(table["sd"] == 0, Reason.NO_SPREAD, "the printed spread is 0")])
    >>> table[["reason_code", "reason"]].values.tolist()
    [['', ''], ['no_spread', 'the printed spread is 0']]
    """
    for name in ("reason_code", "reason"):
        if name not in table:
            table[name] = no_text(len(table))
    codes, reasons = (table[name].to_numpy(dtype=object, copy=True) for name in ("reason_code", "reason"))
    open_ = np.ones(len(table), dtype=bool) if override else codes == ""
    for mask, code, words in cases:
        rows = open_ & np.asarray(mask, dtype=bool)
        codes[rows] = code.value if isinstance(code, Reason) else _of_rows(code, rows)
        reasons[rows] = _of_rows(words, rows)
        open_ &= ~rows
    table["reason_code"], table["reason"] = codes, reasons


def _of_rows(values: Any, rows: np.ndarray) -> Any:
    return values if isinstance(values, str) else np.asarray(values, dtype=object)[rows]


def with_randomised(
    rows: pd.DataFrame, arms: pd.DataFrame, n: str = "n", arm: str = "arm"
) -> tuple[pd.Series, pd.Series]:
    """The number analysed, where none is printed the number randomised; and where that stands in."""
    randomised = arms.set_index(["study_id", "arm"])["n_randomised"]
    stand_in = rows[["study_id", arm]].join(randomised, on=["study_id", arm])["n_randomised"]
    assumed = rows[n].isna() & stand_in.notna()
    return rows[n].where(~assumed, stand_in), assumed


def no_text(size: int) -> np.ndarray:
    """A text column of empty cells."""
    return np.full(size, "", dtype=object)


def plain_text(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with Python strings as text, "" where a cell is missing; equal texts are one object."""
    import pandas as pd

    columns = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            columns[name] = column.to_numpy()
            continue
        codes, texts = pd.factorize(column)  # missing cells get the code -1, the last of the texts
        columns[name] = np.array([*texts, ""], dtype=object)[codes]
    return pd.DataFrame(columns, index=frame.index)


def joined(*columns: Texts) -> np.ndarray:
    """Texts joined row by row by blanks, leaving out the empty ones."""
    return np.array([" ".join(filter(None, row)) for row in _rows(columns)], dtype=object)


def steps(*columns: Texts) -> np.ndarray:
    """A column of tuples of steps: row by row those of columns of steps or of single texts ("" for none).

    >>> steps("SE as printed", [("adjusted",), ()], ["", "turned round"]).tolist()
    [('SE as printed', 'adjusted'), ('SE as printed', 'turned round')]
    """
    cells = [sum(map(_steps, row), ()) for row in _rows(columns)]
    return np.fromiter(cells, dtype=object, count=len(cells))


def _steps(cell: Any) -> tuple[str, ...]:
    return ((cell,) if cell else ()) if isinstance(cell, str) else tuple(cell)


def _rows(columns: Sequence[Texts]) -> Iterator[tuple[Any, ...]]:
    """Row by row; one text stands for all rows."""
    size = max(len(column) for column in columns if not isinstance(column, str))
    # walking an arrow-backed column cell by cell is ten times slower
    plain = [each.to_numpy(dtype=object) if hasattr(each, "to_numpy") else each for each in columns]
    return zip(*([each] * size if isinstance(each, str) else each for each in plain), strict=True)


def add_steps(table: pd.DataFrame, column: str, mask: Mask, words: Texts) -> None:
    """Put a step (one text, or one a masked row) behind the steps of some rows, in place."""
    put(table, column, mask, steps(table.loc[mask, column], words))


def put(table: pd.DataFrame, column: str, mask: Mask, cells: np.ndarray) -> None:
    """Put steps into some rows of a column, in place; pandas itself would take a tuple apart."""
    values = table[column].to_numpy(dtype=object, copy=True)
    values[np.asarray(mask, dtype=bool)] = cells
    table[column] = values


def fill(table: pd.DataFrame, mask: Mask, **cells: Any) -> None:
    """Put a cell (one for all of them, or one a row) into some rows of each of these columns, in place."""
    for name, values in cells.items():
        table.loc[mask, name] = values


def where_text(mask: Mask, text: str | pd.Series) -> np.ndarray:
    """The text (one for all rows, or one a row) where the mask holds, else ""."""
    return np.where(np.asarray(mask, dtype=bool), text, "").astype(object)


def unique_steps(derivations: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The steps of different derivations, one after the other."""
    return sum(dict.fromkeys(derivations), ())


def unique_joined(texts: Iterable[str], separator: str) -> str:
    """Different texts joined in their order, each once."""
    return separator.join(dict.fromkeys(filter(None, texts)))


def number_text(value: float) -> str:
    """A number as a person writes it, up to four significant digits."""
    return f"{value:.4g}"
