"""Small vectorised helpers for the texts that travel with every number: derivations, cautions, reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

HELD_BACK = re.compile(r"do not pool|not to be pooled|not poolable|must not be pooled", re.IGNORECASE)
DOUBT = re.compile(
    r"retract|warning|disput|doubt|non-randomi[sz]ed|duplicate|earlier report|misprint",
    re.IGNORECASE,
)


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


def where_text(mask: pd.Series | np.ndarray, text: str) -> np.ndarray:
    """The text where the mask holds, else "".

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


def held_back(notes: pd.Series) -> pd.Series:
    """Rows whose note says in so many words that they must not be pooled.

    >>> held_back(pd.Series(["total score", "same 40 patients, do not pool as parallel arms"])).tolist()
    [False, True]
    """
    return pd.Series([bool(HELD_BACK.search(note)) for note in notes], index=notes.index, dtype=bool)


def study_doubts(studies: pd.DataFrame) -> pd.Series:
    """The setting note of studies whose report is doubted (retracted, disputed, duplicated), by study_id."""
    notes = studies.set_index("study_id")["setting_note"]
    return notes.where([bool(DOUBT.search(note)) for note in notes], "")
