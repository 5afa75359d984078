"""results/index.html and trials.html: static files that ask nothing of anyone, of records and evidence.

Of very many questions each has such a file of its own. A trial then stands on the page of every question that
names it, so that the way from a number to its source is one click there too; from elsewhere the link leads to
the first of them.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from trialpool import text as words
from trialpool.io import MOST_QUESTIONS
from trialpool.page.render import html_environment
from trialpool.records import Ask, Claim, Known, Network, Screening, Study, Sureness, Unused
from trialpool.view import reproduce, review
from trialpool.view.prisma import prisma_stages
from trialpool.view.question import Question, interval_name, population_name
from trialpool.view.read import Appraised, Row, Tables, grouped
from trialpool.view.study import RESULT_TABLES, trial_views
from trialpool.view.summary_of_findings import summaries_of_findings
from trialpool.vocabulary import Vocabulary, general

INDEX, TRIALS, FOLDER = "index.html", "trials.html", "questions"
MOST_ROWS_SHOWN = 20  # of a list of unused rows; the rest stays in excluded.csv
ONE_BELOW = {"top": "../", "index": f"../{INDEX}"}  # where a question's own page finds the results
PARTS_AT_ONCE = 1_000  # of a page, as templates give them: a few words each
LARGEST_NETWORK = 60_000  # characters of an SVG that the page holds; a larger one is linked


def render_pages(
    records: Sequence[Appraised],
    tables: Tables,
    figures: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    *,
    instruments: Row | None = None,
    claims: Sequence[Claim] = (),
    flow: Sequence[Row] = (),
    audit: Sequence[Row] = (),
    specs: Mapping[str, Row] | None = None,
    published: Sequence[Row] = (),
    networks: Sequence[Network] = (),
    network_figures: Mapping[str, str | Path] | None = None,
    network_evidence: Mapping[str, Sequence[Path]] | None = None,
    vocabulary: Vocabulary | None = None,
    head: Mapping[str, str] | None = None,
    summary: Sequence[Ask] = (),
    reproduced: Sequence[Row] = (),
    screening: Screening | None = None,
    most_questions: int = MOST_QUESTIONS,
    whole: Callable[[str], Appraised] | None = None,
) -> Iterator[tuple[str, Iterator[str]]]:
    """Names and HTML of the pages: index.html, trials.html; with more than `most_questions` one a record.

    The HTML comes in parts, as that of thousands of questions takes much room, to be read in their order.
    `records` stand in the order of the config; `tables` are the evidence tables as lists of rows
    with `row_id`; `figures` names those of each analysis ("forest", "funnel" …), with the endings of files;
    `instruments` the catalogue of config/instruments.yaml for full names; `claims` the judged claims; `flow`,
    `audit` and `published` the rows of these CSV files; `networks` those of treatments, `network_figures`
    their SVG files by name, shown as images in which nothing can run, `network_evidence` the files of what
    their evidence consists of; `specs` the resolved settings by
    analysis; `screening` the counts of the search; `vocabulary` the words of the review; `head` what stands
    at the top (`Protocol.head`), `summary` the questions that are answered there, `reproduced` what R gave
    for pooled numbers. `whole` reads the record of an analysis for its own page, where `records` lack what
    only that shows (ITS_OWN).

    >>> [name for name, _ in render_pages([], {})]
    ['index.html', 'trials.html']
    """
    specs, figures = specs or {}, figures or {}
    vocabulary = vocabulary or general()
    views = [Question(record, trials=whole is None) for record in records]
    trials = trial_views(records, tables, vocabulary)
    known = {trial.study_id: trial for trial in trials}
    raw = {row["row_id"]: row for table in RESULT_TABLES for row in tables.get(table) or []}
    apart = len(records) > most_questions
    theirs = {view.record.analysis: _trials_named(view, known) for view in views} if apart else {}
    home = {trial: analysis for analysis in reversed(theirs) for trial in theirs[analysis]}
    head = dict.fromkeys(("title", "question", "authors", "search_date", "panels"), "") | dict(head or {})
    frame = _frame(records, head["title"], reproduced) | {"specs": specs, "instruments": instruments or {}}
    frame |= {"known": known, "raw": raw, "apart": apart, "vocabulary": vocabulary, "figures": figures}
    others = [trial for trial in trials if trial.study_id not in home]
    review_wide = {
        **{"views": views, "records": records, "tables": tables, "everybody": trials, "head": head},
        "summary": summary,
        "findings": summaries_of_findings(views),
        "by_analysis": {record.analysis: record for record in records},
        "groups": grouped(views, lambda view: population_name(view.record)),
        **{"claims": claims, "flow": review.flow_steps(flow), "audit": audit},
        "prisma": prisma_stages(screening) if screening else [],
        "compared": bool(published),
        "pools": review.published_views(published or tables.get("published_pools") or [], records),
        **_networks(networks, network_figures or {}, network_evidence or {}),
        "levels": list(Sureness),
        "link": linker(raw, home if apart else None),
    }
    yield INDEX, _rendered("page.html", frame | review_wide)
    own = {"trials": others, "link": linker(raw, home if apart else None, TRIALS, known), "index": INDEX}
    yield TRIALS, _rendered("below.html", frame | own)
    for view in views if apart else ():
        analysis = view.record.analysis
        named = theirs[analysis]
        own = {
            "title": view.record.title,
            "view": Question(whole(analysis)) if whole else view,
            "trials": [known[trial] for trial in named],
            "link": linker(raw, home, _page_of(analysis), named),
        }
        yield f"{FOLDER}/{analysis}.html", _rendered("below.html", frame | own | ONE_BELOW)


def _rendered(template: str, context: Mapping[str, object]) -> Iterator[str]:
    parts = html_environment().get_template(template).generate(context)
    while some := [*islice(parts, PARTS_AT_ONCE)]:
        yield "".join(some)


def _trials_named(view: Question, known: Collection[str]) -> list[str]:
    """The trials of the evidence that the section of a question names, each once."""
    rows: tuple[Known | Unused | Study, ...]
    rows = (*view.record.studies, *view.unread, *view.not_used[:MOST_ROWS_SHOWN])
    return [trial for trial in dict.fromkeys(row.study_id for row in rows) if trial in known]


def _frame(records: Sequence[Appraised], title: str, reproduced: Sequence[Row]) -> dict[str, object]:
    """What every page of the review needs."""
    script = "".join(_rendered("page.js", {}))
    return {
        "script": Markup(script),
        "digest": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **dict.fromkeys(("title", "review_title"), title or page_title(records)),
        **{"top": "", "index": "", "view": None},
        "most_rows": MOST_ROWS_SHOWN,
        "interval_name": interval_name(records),
        "shared": review.shared_methods(records),
        "checks": reproduce.checked_of(records, reproduced),
    }


def page_title(records: Sequence[Appraised]) -> str:
    """A title from the conditions of the records.

    >>> from trialpool.records import sketch
    >>> page_title([sketch(Appraised, {"condition": ["HEART_FAILURE"]})])
    'HEART FAILURE'
    """
    names = (record.vocabulary.condition(code) for record in records for code in record.condition)
    return words.capital(words.listing(dict.fromkeys(names))) or "Results"


def _networks(
    networks: Sequence[Network], figures: Mapping[str, str | Path], evidence: Mapping[str, Sequence[Path]]
) -> dict[str, object]:
    """What the section of networks needs: their graphs, and the files of what their evidence consists of."""
    drawn = {name: _image(each) for name, each in figures.items()}
    return {"networks": networks, "drawn": drawn, "taken_apart": evidence, "image": _image}


def _image(figure: str | Path) -> Markup:
    """An SVG, or the file of one, as the address of an image; empty if it is too large for the page."""
    svg = figure.read_text(encoding="utf-8") if isinstance(figure, Path) else figure
    address = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return Markup(address if len(svg) <= LARGEST_NETWORK else "")


# where a question, a trial and a raw row stand


def linker(
    raw: Mapping[str, Row],
    home: Mapping[str, str] | None = None,
    here: str = INDEX,
    local: Collection[str] = (),
) -> Callable[[str, str], str]:
    """The address of an analysis, a trial or a raw row, from the page `here`.

    `raw` holds the raw rows; `home` tells for each trial the first question that names it, None where the
    questions are on one page; `local` are the trials on this page.

    >>> link = linker({}, {"T1": "a"})
    >>> link("analysis", "a"), link("trial", "T1"), link("trial", "T2")
    ('questions/a.html#analysis-a', 'questions/a.html#trial-T1', 'trials.html#trial-T2')
    >>> linker({}, {}, here="questions/a.html")("analysis", "b")
    '../questions/b.html#analysis-b'
    """

    def link(kind: str, key: str) -> str:
        trial = raw[key]["study_id"] if kind == "row" else key
        if kind == "analysis":
            page = INDEX if home is None else _page_of(key)
        else:
            page = _page_of(home[trial]) if home and trial in home else TRIALS
        away = page != here and (kind == "analysis" or trial not in local)
        above = "../" if "/" in here else ""
        return f"{above + page if away else ''}#{words.anchor(kind, key)}"

    return link


def _page_of(analysis: str) -> str:
    return f"{FOLDER}/{quote(analysis)}.html"
