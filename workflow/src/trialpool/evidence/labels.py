"""What a study is called in a figure or a table."""

from __future__ import annotations

import re

import pandas as pd

INITIALS = re.compile(r"(\s+[A-Z]{1,4}){1,2}$")


def study_labels(studies: pd.DataFrame) -> pd.Series:
    """The label of every study, else "Surname year", with a, b … where two would be alike, else the id.

    A letter at the end of the id (`Lu2020b`) is kept.

    >>> frame = pd.DataFrame({"study_id": ["Lu2020", "Lu2020b", "X"], "label": ["", "", "Trial X"],
    ...                       "first_author": ["Lu W", "Lu", ""], "year": [2020.0, 2020.0, 2001.0]})
    >>> study_labels(frame).tolist()
    ['Lu 2020', 'Lu 2020b', 'Trial X']
    """
    labels = []
    columns = ("study_id", "label", "first_author", "year")
    for study, label, author, year in zip(*(studies[name] for name in columns), strict=True):
        if label:
            labels.append(label)
            continue
        surname = INITIALS.sub("", author).strip()
        letter = re.search(r"(?<=\d)[a-z]$", study)
        when = "" if pd.isna(year) else f" {year:.0f}{letter.group() if letter else ''}"
        labels.append(f"{surname}{when}" if surname else study)
    series = pd.Series(labels, index=studies.index, dtype=object)
    again = series.duplicated(keep=False)
    suffix = series.groupby(series).cumcount().map(lambda place: chr(ord("a") + place % 26))
    return series.where(~again, series + suffix)
