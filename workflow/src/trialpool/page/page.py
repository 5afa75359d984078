"""results/index.html: a static file that asks nothing of anyone, made from the records and the evidence.

Of very many questions each has such a file of its own. A trial then stands on the page of every question that
names it, so that the way from a number to its source is one click there too; from elsewhere the link leads to
the first of them.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from trialpool import text as words
from trialpool.io import MOST_QUESTIONS
from trialpool.page.render import html_environment
from trialpool.records import Claim, Known, Network, Study, Sureness, Unused
from trialpool.view import review
from trialpool.view.axis import Axis, shared_axis
from trialpool.view.question import Question, interval_name, population_name, scale_key
from trialpool.view.read import Appraised, Row, Tables, grouped
from trialpool.view.study import RESULT_TABLES, trial_views
from trialpool.vocabulary import Vocabulary, general

FOLDER = "questions"
LARGEST_IMAGE = 15_000  # characters of an SVG that the page still holds; a larger one is linked
LARGEST_NETWORK = 60_000  # the same of a network, of which there are few
IMAGE_ROOM = 4_000_000  # characters of all images in the page, which must open quickly
MOST_ROWS_SHOWN = 200  # of a list of unused rows; the rest stays in excluded.csv
ONE_BELOW = {"top": "../", "main": "../index.html"}  # where a question's own page finds the results
Figures = Mapping[str, Mapping[str, str | Path]]  # SVG texts or their files, by analysis and name


def render_pages(
    records: Sequence[Appraised],
    tables: Tables,
    figures: Figures | None = None,
    *,
    instruments: Row | None = None,
    claims: Sequence[Claim] = (),
    flow: Sequence[Row] = (),
    audit: Sequence[Row] = (),
    specs: Mapping[str, Row] | None = None,
    published: Sequence[Row] = (),
    networks: Sequence[Network] = (),
    network_figures: Mapping[str, str | Path] | None = None,
    vocabulary: Vocabulary | None = None,
    title: str = "",
    byline: str = "",
    most_questions: int = MOST_QUESTIONS,
) -> Iterator[tuple[str, str]]:
    """Names and HTML of the pages: index.html, and with more than `most_questions` records one for each.

    `records` stand in the order of the config; `tables` are the evidence tables as lists of rows
    with `row_id`; `figures` ("forest", "funnel" …) are embedded as images, in which nothing can run, as long
    as there is room; `instruments` the catalogue of config/instruments.yaml for full names; `claims` the
    judged claims; `flow`, `audit` and `published` the rows of these CSV files; `networks` those of
    treatments, `network_figures` theirs by name; `specs` the resolved settings by analysis; `vocabulary` the
    words of the review; `title` and `byline` stand at the top.

    >>> [name for name, _ in render_pages([], {})]
    ['index.html']
    """
    specs, figures = specs or {}, figures or {}
    vocabulary = vocabulary or general()
    views, trials = [Question(record) for record in records], trial_views(records, tables, vocabulary)
    known = {trial.study_id: trial for trial in trials}
    raw = {row["row_id"]: row for table in RESULT_TABLES for row in tables.get(table) or []}
    apart = len(records) > most_questions
    theirs = {view.record.analysis: _trials_named(view, known) for view in views} if apart else {}
    home = {trial: analysis for analysis in reversed(theirs) for trial in theirs[analysis]}
    frame = _frame(records, title) | {"specs": specs, "instruments": instruments or {}}
    frame |= {"known": known, "raw": raw, "apart": apart, "vocabulary": vocabulary}
    whole = {
        **{"views": views, "records": records, "tables": tables, "everybody": trials, "byline": byline},
        "by_analysis": {record.analysis: record for record in records},
        "groups": grouped(views, lambda view: population_name(view.record)),
        "axes": _axes(views),
        "claims": claims,
        "flow": review.flow_steps(flow),
        "audit": audit,
        "compared": bool(published),
        "pools": review.published_views(published or tables.get("published_pools") or [], records),
        "networks": networks,
        "levels": list(Sureness),
        "drawn": {name: _data(each, LARGEST_NETWORK) for name, each in (network_figures or {}).items()},
        "trials": [trial for trial in trials if trial.study_id not in home],
        "link": linker(raw, home if apart else None),
        "images": {} if apart else _all_images(figures),
    }
    yield "index.html", _rendered("page.html", frame | whole)
    for view in views if apart else ():
        analysis = view.record.analysis
        named = theirs[analysis]
        own = {
            "title": view.record.title,
            "view": view,
            "trials": [known[trial] for trial in named],
            "link": linker(raw, home, analysis, named),
            "images": _all_images({analysis: figures.get(analysis, {})}),
        }
        yield f"{FOLDER}/{analysis}.html", _rendered("question.html", frame | own | ONE_BELOW)


def _rendered(template: str, context: Mapping[str, object]) -> str:
    return html_environment().get_template(template).render(context)


def _trials_named(view: Question, known: Collection[str]) -> list[str]:
    """The trials of the evidence that the section of a question names, each once."""
    rows: tuple[Known | Unused | Study, ...]
    rows = (*view.record.studies, *view.unread, *view.not_used[:MOST_ROWS_SHOWN])
    return [trial for trial in dict.fromkeys(row.study_id for row in rows) if trial in known]


def _frame(records: Sequence[Appraised], title: str) -> dict[str, object]:
    """What every page of the review needs."""
    script = _rendered("page.js", {})
    return {
        "script": Markup(script),
        "digest": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **dict.fromkeys(("title", "review_title"), title or page_title(records)),
        **{"top": "", "main": ""},
        "most_rows": MOST_ROWS_SHOWN,
        "interval_name": interval_name(records),
    }


def _axes(views: Sequence[Question]) -> dict[tuple[str, ...], Axis]:
    """The axes of the table of all questions: results with one measure, scale and unit share one."""
    pooled = grouped((view for view in views if view.effect), lambda view: scale_key(view.record))
    values = {key: [view.effect.values for view in own if view.effect] for key, own in pooled.items()}
    return {key: shared_axis(key[0], effects) for key, effects in values.items()}


def page_title(records: Sequence[Appraised]) -> str:
    """A title from the conditions of the records.

    >>> from trialpool.records import sketch
    >>> page_title([sketch(Appraised, {"condition": ["HEART_FAILURE"]})])
    'HEART FAILURE'
    """
    names = (record.vocabulary.condition(code) for record in records for code in record.condition)
    return words.capital(words.listing(dict.fromkeys(names))) or "Results"


def _all_images(figures: Figures) -> dict[str, dict[str, Markup]]:
    """The figures of every analysis by name; embedded while they are small and there is room, else empty.

    The forest plot is only linked: the page draws its own.
    """
    room = IMAGE_ROOM
    shown: dict[str, dict[str, Markup]] = {}
    for analysis, named in figures.items():
        shown[analysis] = {}
        for name, figure in named.items():
            data = Markup("") if name == "forest" else _data(figure)
            shown[analysis][name] = data if len(data) <= room else Markup("")
            room -= len(shown[analysis][name])
    return shown


def _data(figure: str | Path, largest: int = LARGEST_IMAGE) -> Markup:
    svg = figure.read_text(encoding="utf-8") if isinstance(figure, Path) else figure
    address = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return Markup(address if len(svg) <= largest else "")


# where a question, a trial and a raw row stand


def linker(
    raw: Mapping[str, Row], home: Mapping[str, str] | None = None, here: str = "", local: Collection[str] = ()
) -> Callable[[str, str], str]:
    """The address of an analysis, a trial or a raw row, from the page of question `here` or the main page.

    `raw` holds the raw rows; `home` tells for each trial the first question that names it, None where all is
    on one page; `local` are the trials on this page.

    >>> link = linker({}, {"T1": "a"})
    >>> link("analysis", "a"), link("trial", "T1"), link("trial", "T2")
    ('questions/a.html#analysis-a', 'questions/a.html#trial-T1', '#trial-T2')
    >>> linker({}, {}, here="a")("analysis", "b")
    'b.html#analysis-b'
    """

    def link(kind: str, key: str) -> str:
        fragment = f"#{words.anchor(kind, key)}"
        trial = raw[key]["study_id"] if kind == "row" else key
        page = "" if home is None else key if kind == "analysis" else home.get(trial, "")
        if page == here or (kind != "analysis" and trial in local):
            return fragment
        if not page:
            return f"../index.html{fragment}"
        return f"{'' if here else f'{FOLDER}/'}{quote(page)}.html{fragment}"

    return link
