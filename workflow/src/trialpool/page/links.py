"""Where a question, a trial and a raw row stand: all on one page, or each question on a page of its own.

A trial stands on the page of every question that names it, so that the way from a number to its source is one
click there too; from elsewhere the link leads to the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import quote

from trialpool import text as words
from trialpool.view.read import Tables
from trialpool.view.unused import RESULT_TABLES

Place = tuple[str, str]  # what it is ("analysis", "trial" or "row"), and its slug, id or anchor
MOST_QUESTIONS = 1000  # on one page: it then has some 50 MB; browsers open 100 MB in many seconds or not
FOLDER = "questions"


def page_of(analysis: str) -> str:
    """The file of a question's own page.

    >>> page_of("pain-1")
    'questions/pain-1.html'
    """
    return f"{FOLDER}/{analysis}.html"


def homes(
    named: Mapping[str, Sequence[str]], tables: Tables
) -> tuple[dict[Place, str], dict[str, list[Place]]]:
    """On which question's page everything stands first, and the places of each trial with its raw rows.

    `named` are the trials that the section of each question names.
    """
    places: dict[str, list[Place]] = {}
    for study in tables.get("studies") or []:
        places[study["study_id"]] = [("trial", study["study_id"])]
    for table in RESULT_TABLES:
        for row in tables.get(table) or []:
            places.setdefault(row["study_id"], []).append(("row", words.anchor("row", row.get("row_id"))))
    home: dict[Place, str] = {("analysis", analysis): analysis for analysis in named}
    for analysis, trials in named.items():
        for trial in trials:
            for place in places.get(trial, ()):
                home.setdefault(place, analysis)
    return home, places


def linker(
    home: Mapping[Place, str], here: str = "", local: Collection[Place] = ()
) -> Callable[[str, str], str]:
    """The address of a place, seen from the page of the question `here` or ("") from the main page.

    `home` is that of `homes`, empty where all is on one page; `local` are places on this page, wherever else
    they stand.

    >>> link = linker({("analysis", "a"): "a", ("trial", "T1"): "a"})
    >>> link("analysis", "a"), link("trial", "T1"), link("trial", "T2")
    ('questions/a.html#analysis-a', 'questions/a.html#trial-T1', '#trial-T2')
    >>> linker({("analysis", "b"): "b"}, here="a")("analysis", "b")
    'b.html#analysis-b'
    """

    def link(kind: str, key: str) -> str:
        fragment = f"#{key if kind == 'row' else words.anchor(kind, key)}"
        page = home.get((kind, key), "")
        if page == here or (kind, key) in local:
            return fragment
        if not page:
            return f"../index.html{fragment}"
        return f"{quote(page)}.html{fragment}" if here else f"{quote(page_of(page))}{fragment}"

    return link
