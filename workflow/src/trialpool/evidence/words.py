"""Small vectorised helpers for the texts that travel with every number: derivations, cautions, reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

SHOW_ONLY = "show_only"  # the word in the column `use` of rows that are shown and never pooled


def plain_text(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose text columns hold Python strings, "" where a cell is missing; equal texts are one object.

    >>> plain_text(pd.DataFrame({"a": pd.array(["x", pd.NA], dtype="string")}))["a"].tolist()
    ['x', '']
    """
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            columns[name] = column.to_numpy()
            continue
        codes, texts = pd.factorize(column)  # missing cells get the code -1, the last place
        columns[name] = np.array([*texts, ""], dtype=object)[codes]
    return pd.DataFrame(columns, index=frame.index)


def joined(*parts: pd.Series | Sequence[str] | str, separator: str = "; ") -> np.ndarray:
    """Join texts row by row, leaving out the empty ones.

    >>> joined(pd.Series(["a", ""]), pd.Series(["b", "c"])).tolist()
    ['a; b', 'c']
    """
    size = max(len(part) for part in parts if not isinstance(part, str))
    columns = [[part] * size if isinstance(part, str) else texts(part) for part in parts]
    joined_texts = [separator.join(filter(None, row)) for row in zip(*columns, strict=True)]
    return np.array(joined_texts, dtype=object)


def texts(values: pd.Series | Sequence[str]) -> list[str]:
    """Python strings of a column; walking an arrow-backed column cell by cell is ten times slower.

    >>> texts(pd.Series(["a", "b"]))
    ['a', 'b']
    """
    if isinstance(values, pd.Series):
        values = values.to_numpy(dtype=object)
    return list(values)


def where_text(mask: pd.Series | np.ndarray, text: str | pd.Series) -> np.ndarray:
    """The text (one for all rows, or one a row) where the mask holds, else "".

    >>> where_text(np.array([True, False]), "n = randomised").tolist()
    ['n = randomised', '']
    """
    return np.where(np.asarray(mask, dtype=bool), text, "").astype(object)


def unique_joined(texts: Sequence[str], separator: str = "; ") -> str:
    """Different texts joined in their order, each once.

    >>> unique_joined(["a", "b", "a", ""])
    'a; b'
    """
    return separator.join(dict.fromkeys(filter(None, texts)))


def number_text(value: float) -> str:
    """A number as a person writes it, up to four significant digits.

    >>> number_text(0.1), number_text(45.0), number_text(1 / 3)
    ('0.1', '45', '0.3333')
    """
    return f"{value:.4g}"


def study_doubts(studies: pd.DataFrame) -> pd.Series:
    """What is said of studies whose report is doubted or retracted, by study_id; "" for the others.

    >>> studies = {"study_id": ["A", "B"], "report_status": ["doubted", ""], "setting_note": ["copied", "x"]}
    >>> study_doubts(pd.DataFrame(studies)).tolist()
    ['copied', '']
    """
    table = studies.set_index("study_id")
    return table["setting_note"].where(table["report_status"] != "", "")
