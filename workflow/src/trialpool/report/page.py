"""results/index.html: a static file that asks nothing of anyone, told from the records and the evidence.

Of very many questions each has such a file of its own (see `parts`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from trialpool import text as words
from trialpool.evidence.risk_of_bias import worst_judgements
from trialpool.figures.formats import formats_of
from trialpool.report import colours, naming
from trialpool.report.claims_view import claim_views
from trialpool.report.findings import comparison_tables
from trialpool.report.forest import analysis_view, overview_rows
from trialpool.report.maps import evidence_map, timeline, with_room
from trialpool.report.parts import MOST_QUESTIONS, homes, linker, page_of, trials_named
from trialpool.report.published_view import published_views
from trialpool.report.readme import grouped, interval_name
from trialpool.report.render import html_environment
from trialpool.report.rob import LIGHTS, tool_tables
from trialpool.report.trials import raw_index, trial_views
from trialpool.report.unused import not_asked, not_asked_view
from trialpool.report.whole import audit_view, flow_view

Record = Mapping[str, Any]
LARGEST_IMAGE = 15_000  # characters of an SVG that the page still holds; a larger one is linked
IMAGE_ROOM = 4_000_000  # characters of all images in the page, which must open quickly
FIGURES = {
    "forest": "forest plot",
    "funnel": "funnel plot",
    "multiverse": "specification curve",
    "influence": "influence of single trials",
    "posterior": "Bayesian posterior",
    "moderators": "moderators",
}
MOST_ROWS_SHOWN = 200  # of a list of unused rows; the rest stays in excluded.csv


def render_page(*args: Any, **settings: Any) -> str:
    """The HTML of results/index.html alone; arguments as of `render_pages`.

    >>> render_page([], {}).startswith("<!DOCTYPE html>")
    True
    """
    return next(render_pages(*args, **settings))[1]


def render_pages(
    records: Sequence[Record],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    figures: Mapping[str, Mapping[str, str | Path]] | None = None,
    *,
    instruments: Mapping[str, Any] | None = None,
    claims: Sequence[Mapping[str, Any]] = (),
    flow: Sequence[Mapping[str, Any]] = (),
    audit: Sequence[Mapping[str, Any]] = (),
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    published: Sequence[Mapping[str, Any]] = (),
    title: str = "",
    most_questions: int = MOST_QUESTIONS,
) -> Iterator[tuple[str, str]]:
    """Names and HTML of the pages: index.html, and with more than `most_questions` records one for each.

    `records` are result records in the order of the config; `tables` the evidence tables as lists of rows
    with `row_id`; `figures` SVG texts (or their files) by analysis and name ("forest", "funnel" …), embedded
    as images, in which nothing can run, as long as there is room;
    `instruments` the catalogue of config/instruments.yaml for full names; `claims` the judged claims;
    `flow` and `audit` the rows of flow.csv and audit.csv; `specs` the resolved settings by analysis;
    `published` the rows of published.csv.

    >>> [name for name, _ in render_pages([], {})]
    ['index.html']
    """
    raw = raw_index(tables)
    views = [
        analysis_view(record, raw, instruments or {}, (specs or {}).get(record["analysis"]))
        for record in records
    ]
    trials = trial_views(records, tables)
    theirs: dict[str, list[str]] = {}
    if len(records) > most_questions:
        theirs = {view["analysis"]: trials_named(view, MOST_ROWS_SHOWN) for view in views}
    home, places = homes(theirs, tables) if theirs else ({}, {})
    frame = _frame(records, title, bool(theirs))
    whole = {
        "link": linker(home),
        "images": {} if theirs else _all_images(figures or {}, specs or {}),
        "trials": [trial for trial in trials if ("trial", trial["study_id"]) not in home],
        "groups": _groups(views),
        "overview": _overview(views),
        "anchors": {row["anchor"] for row in raw.values()},
        "flow": flow_view(flow),
        "pools": published_views(published or tables.get("published_pools") or [], records),
        "compared": bool(published),
    }
    review = _whole_review(records, tables, claims, audit, trials)
    page = html_environment().get_template("page.html")
    yield "index.html", page.render(**frame, **whole, **review, title=frame["review"], top="", main="")
    if theirs:
        shown = {trial["study_id"]: trial for trial in trials}
        for view in views:
            analysis = view["analysis"]
            here = [trial for trial in theirs[analysis] if trial in shown]
            local = {place for trial in here for place in places[trial]}
            part = {"link": linker(home, analysis, local), "trials": [shown[trial] for trial in here]}
            part["images"] = _all_images({analysis: (figures or {}).get(analysis, {})}, specs or {})
            yield page_of(analysis), _question_page(view, frame | part)


def _whole_review(
    records: Sequence[Record],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    claims: Sequence[Mapping[str, Any]],
    audit: Sequence[Mapping[str, Any]],
    trials: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What index.html tells of all questions and trials together; `trials` as of `trial_views`."""
    judgements = tables.get("risk_of_bias") or []
    named = {trial["study_id"]: trial["label"] for trial in trials}
    populations, unmapped = with_room(evidence_map(records))
    return {
        "claims": claim_views(claims, records),
        "findings": comparison_tables(records),
        "facts": headline_facts(records, tables),
        "domains": _distinct(words.capital(words.domain_name(record["domain"])) for record in records),
        "comparisons": _distinct(record["comparison"] for record in records),
        "bias": tool_tables(judgements, named, len(trials)),
        "judged": len(worst_judgements(judgements)),
        "audit": audit_view(audit, named) if audit else None,
        "unasked": not_asked_view(not_asked(records, tables, named), tables),
        "map": populations,
        "unmapped": unmapped,
        "timeline": timeline(trials),
    }


def _question_page(view: Record, context: Mapping[str, Any]) -> str:
    template = html_environment().get_template("question.html")
    return template.render(**context, view=view, title=view["title"], top="../", main="../index.html")


def _frame(records: Sequence[Record], title: str, apart: bool) -> dict[str, Any]:
    """What every page of the review needs."""
    script = _source("page.js")
    return {
        "style": Markup(_source("page.css").replace("/* colours */", colours.css_variables())),
        "script": Markup(script),
        "policy": _policy(script),
        "review": title or page_title(records),
        "most_rows": MOST_ROWS_SHOWN,
        "apart": apart,
        "lights": LIGHTS,
        "interval_name": interval_name(records),
    }


def page_title(records: Sequence[Record]) -> str:
    """A title from the conditions of the records.

    >>> page_title([{"condition": ["DPN"]}])
    'Diabetic peripheral neuropathy'
    """
    codes = dict.fromkeys(code for record in records for code in naming.conditions(record))
    names = words.listing(naming.CONDITION_NAMES.get(code, code) for code in codes)
    return words.capital(names) or "Results"


def headline_facts(
    records: Sequence[Record], tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """What the head of the page counts: trials, people randomised, questions by status."""
    studies = tables.get("studies") or []
    people = sum(study["n_randomised"] for study in studies if not words.absent(study.get("n_randomised")))
    used = {study["study_id"] for record in records for study in record.get("studies") or []}
    statuses = [record["status"] for record in records]
    counted = {status: statuses.count(status) for status in naming.STATUS_NAMES}
    return [
        {"value": words.number(len(studies), 0), "name": "trials known"},
        {"value": words.number(people, 0), "name": "people randomised"},
        {"value": words.number(len(used), 0), "name": "trials with usable results"},
        {"value": words.number(counted["pooled"], 0), "name": "questions pooled"},
        {"value": words.number(counted["single_study"], 0), "name": "questions with one trial"},
        {"value": words.number(counted["no_data"], 0), "name": "questions without a poolable trial"},
    ]


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _groups(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Analyses by condition and purpose, then by outcome domain."""
    by_analysis = {view["analysis"]: view for view in views}
    groups = []
    for heading, members in grouped([view["record"] for view in views]):
        domains: dict[str, list[Mapping[str, Any]]] = {}
        for record in members:
            name = words.capital(words.domain_name(record["domain"]))
            domains.setdefault(name, []).append(by_analysis[record["analysis"]])
        named = [(name, _labelled(held)) for name, held in domains.items()]
        groups.append({"heading": heading, "domains": named})
    return groups


def _labelled(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The views of one heading, each with a short label of its own for the list of contents."""
    labels = naming.distinct_labels([view["record"] for view in views])
    return [{**view, "label": label} for view, label in zip(views, labels, strict=True)]


def _overview(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = {row["record"]["analysis"]: row for row in overview_rows(views)}
    return [
        {"heading": heading, "rows": [rows[record["analysis"]] for record in members]}
        for heading, members in grouped([view["record"] for view in views])
    ]


def _source(name: str) -> str:
    environment = html_environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(script: str) -> str:
    """A content security policy: no request to anywhere, no script but this page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _all_images(
    figures: Mapping[str, Mapping[str, str | Path]], specs: Mapping[str, Record]
) -> dict[str, list[dict[str, Any]]]:
    """The figures of every analysis; embedded while they are small and the page has room, linked otherwise.

    The forest plot is only linked: the page draws its own.
    """
    room, shown = IMAGE_ROOM, {}
    for analysis, named in figures.items():
        shown[analysis] = []
        wanted = specs.get(analysis, {}).get("formats")
        for name, figure in named.items():
            data = Markup("") if name == "forest" else _data(figure)
            data = data if len(data) <= room else Markup("")
            room -= len(data)
            title = FIGURES.get(name, words.spaced(name))
            formats = [suffix.removeprefix(".") for suffix in formats_of(name, wanted)]
            shown[analysis].append({"name": name, "title": title, "data": data, "formats": formats})
    return shown


def _data(figure: str | Path) -> Markup:
    svg = figure.read_text(encoding="utf-8") if isinstance(figure, Path) else figure
    if len(svg) > LARGEST_IMAGE:
        return Markup("")
    encoded = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return Markup(f"data:image/svg+xml;base64,{encoded}")
