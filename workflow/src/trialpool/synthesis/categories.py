"""What the arms of one side got: in the effects a list of category codes, in a record one word.

Arms that were combined may be of several categories. The record, its tables and the names of subgroups hold
them as one word, the codes joined by "+", which no code contains; only this module writes and reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

JOINT = "+"
COLUMNS = ("category_experimental", "category_control")


def with_category_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the effects or of the known trials as the record holds it.

    >>> with_category_words({"study_id": "A", "category_control": ["sham", "placebo"]})
    {'study_id': 'A', 'category_control': 'sham+placebo'}
    """
    return {**row, **{name: JOINT.join(row[name]) for name in COLUMNS if name in row}}


def categories_of(word: str) -> list[str]:
    """The categories in a record's word.

    >>> categories_of("sham+usual_care"), categories_of("sham")
    (['sham', 'usual_care'], ['sham'])
    """
    return word.split(JOINT)
