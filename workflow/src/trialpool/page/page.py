"""results/index.html: a static file that asks nothing of anyone, made from the records and the evidence.

Of very many questions each has such a file of its own (see `links`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from trialpool import text as words
from trialpool.evidence.risk_of_bias import worst_judgements
from trialpool.folders import formats_of
from trialpool.page.links import MOST_QUESTIONS, homes, linker, page_of
from trialpool.page.render import html_environment
from trialpool.records import Claim, Record
from trialpool.view import colours, review
from trialpool.view.axis import shared_axis
from trialpool.view.forest_table import pooled_estimate
from trialpool.view.question import (
    CONDITION_NAMES,
    Question,
    distinct_labels,
    grouped,
    interval_name,
    people,
    question_view,
    scale_key,
    title_parts,
)
from trialpool.view.read import Appraised, Row, Tables
from trialpool.view.study import LIGHTS, raw_index, tool_tables, trial_views
from trialpool.view.unused import not_asked

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
VARIABLES = (  # of the style sheet: colours that have a twin on a dark page
    *("ink", "muted", "rule", "hairline", "paper", "study", "study-light", "pooled", "pooled-light"),
    *("benefit", "benefit-edge"),
)


def render_page(*args: Any, **settings: Any) -> str:
    """The HTML of results/index.html alone; arguments as of `render_pages`.

    >>> render_page([], {}).startswith("<!DOCTYPE html>")
    True
    """
    return next(render_pages(*args, **settings))[1]


def render_pages(
    records: Sequence[Appraised],
    tables: Tables,
    figures: Mapping[str, Mapping[str, str | Path]] | None = None,
    *,
    instruments: Row | None = None,
    claims: Sequence[Claim] = (),
    flow: Sequence[Row] = (),
    audit: Sequence[Row] = (),
    specs: Mapping[str, Row] | None = None,
    published: Sequence[Row] = (),
    title: str = "",
    most_questions: int = MOST_QUESTIONS,
) -> Iterator[tuple[str, str]]:
    """Names and HTML of the pages: index.html, and with more than `most_questions` records one for each.

    `records` stand in the order of the config; `tables` are the evidence tables as lists of rows
    with `row_id`; `figures` SVG texts (or their files) by analysis and name ("forest", "funnel" …), embedded
    as images, in which nothing can run, as long as there is room;
    `instruments` the catalogue of config/instruments.yaml for full names; `claims` the judged claims;
    `flow` and `audit` the rows of flow.csv and audit.csv; `specs` the resolved settings by analysis;
    `published` the rows of published.csv.

    >>> [name for name, _ in render_pages([], {})]
    ['index.html']
    """
    raw, specs, figures = raw_index(tables), specs or {}, figures or {}
    views = [question_view(record, raw, instruments or {}, specs.get(record.analysis)) for record in records]
    trials = trial_views(records, tables)
    theirs: dict[str, list[str]] = {}
    if len(records) > most_questions:
        theirs = {view.record.analysis: _trials_named(view) for view in views}
    home, places = homes(theirs, tables) if theirs else ({}, {})
    frame = _frame(records, title, bool(theirs))
    whole = {
        **_whole_review(records, tables, claims, audit, trials),
        "link": linker(home),
        "images": {} if theirs else _all_images(figures, specs),
        "trials": [trial for trial in trials if ("trial", trial["study_id"]) not in home],
        "groups": _groups(views),
        "overview": _overview(views),
        "anchors": {row["anchor"] for row in raw.values()},
        "flow": review.flow_view(flow),
        "pools": review.published_views(published or tables.get("published_pools") or [], records),
        "compared": bool(published),
    }
    page = html_environment().get_template("page.html")
    yield "index.html", page.render(**frame, **whole, title=frame["review"], top="", main="")
    shown = {trial["study_id"]: trial for trial in trials}
    page = html_environment().get_template("question.html")
    for view in views if theirs else ():
        analysis = view.record.analysis
        here = [trial for trial in theirs[analysis] if trial in shown]
        part = {
            "view": view,
            "link": linker(home, analysis, {place for trial in here for place in places[trial]}),
            "trials": [shown[trial] for trial in here],
            "images": _all_images({analysis: figures.get(analysis, {})}, specs),
        }
        top = {"title": view.record.title, "top": "../", "main": "../index.html"}
        yield page_of(analysis), page.render(**frame, **part, **top)


def _trials_named(view: Question) -> list[str]:
    """The trials that the section of a question names, each once."""
    rows = [*view.record.studies, *view.unread, *view.not_used[:MOST_ROWS_SHOWN]]
    return list(dict.fromkeys(row.study_id for row in rows))


def _whole_review(
    records: Sequence[Appraised],
    tables: Tables,
    claims: Sequence[Claim],
    audit: Sequence[Row],
    trials: Sequence[Row],
) -> dict[str, Any]:
    """What index.html tells of all questions and trials together; `trials` as of `trial_views`."""
    judgements = tables.get("risk_of_bias") or []
    named = {trial["study_id"]: trial["label"] for trial in trials}
    populations, unmapped = review.with_room(review.evidence_map(records))
    domains = (words.capital(words.domain_name(record.domain)) for record in records)
    return {
        "claims": review.claim_views(claims, records),
        "findings": review.comparison_tables(records),
        "facts": review.headline_facts(records, tables),
        "domains": list(dict.fromkeys(domains)),
        "comparisons": list(dict.fromkeys(record.comparison for record in records)),
        "bias": tool_tables(judgements, named, len(trials)),
        "judged": len(worst_judgements(judgements)),
        "audit": review.audit_view(audit, named) if audit else None,
        "unasked": review.not_asked_view(not_asked(records, tables, named), tables),
        "map": populations,
        "unmapped": unmapped,
        "timeline": review.timeline(trials),
    }


def _frame(records: Sequence[Record], title: str, apart: bool) -> dict[str, Any]:
    """What every page of the review needs."""
    script = _source("page.js")
    return {
        "style": Markup(_source("page.css").replace("/* colours */", css_variables())),
        "script": Markup(script),
        "policy": _policy(script),
        "review": title or page_title(records),
        "most_rows": MOST_ROWS_SHOWN,
        "apart": apart,
        "lights": LIGHTS,
        "interval_name": interval_name(records),
    }


def css_variables() -> str:
    """CSS rules that define the colours of the figures for light and for dark pages.

    >>> "--ink: #" in css_variables()
    True
    """
    names = {name: getattr(colours, name.replace("-", "_").upper()) for name in VARIABLES}
    # lights keep their colours on a dark page: the signs on them are white or black on both
    risks = {"low": colours.LOW_RISK, "some": colours.SOME_RISK, "high": colours.HIGH_RISK}
    fixed = " ".join(f"--{name}-risk: {colour};" for name, colour in risks.items())
    light = " ".join(f"--{name}: {colour};" for name, colour in names.items())
    dark = " ".join(f"--{name}: {colours.DARK.get(colour, colour)};" for name, colour in names.items())
    return f":root {{ {light} {fixed} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"


def page_title(records: Sequence[Record]) -> str:
    """A title from the conditions of the records.

    >>> from trialpool.view.read import filled
    >>> page_title([filled(Appraised, {"condition": ["DPN"]})])
    'Diabetic peripheral neuropathy'
    """
    codes = dict.fromkeys(code for record in records for code in record.condition)
    names = words.listing(CONDITION_NAMES.get(code, code) for code in codes)
    return words.capital(names) or "Results"


def _groups(views: Sequence[Question]) -> list[dict[str, Any]]:
    """Questions by condition and purpose, then by outcome domain, each with a label for the contents."""
    by_analysis = {view.record.analysis: view for view in views}
    groups = []
    for heading, members in grouped([view.record for view in views]):
        domains: dict[str, list[Record]] = {}
        for record in members:
            domains.setdefault(words.capital(words.domain_name(record.domain)), []).append(record)
        named = {
            name: list(zip(distinct_labels(own), (by_analysis[r.analysis] for r in own), strict=True))
            for name, own in domains.items()
        }
        groups.append({"heading": heading, "domains": named})
    return groups


def _overview(views: Sequence[Question]) -> list[dict[str, Any]]:
    """The rows of the table of all questions; results with one measure, scale and unit share an axis."""
    on_axis: dict[tuple[str, ...], list[Record]] = {}
    for view in views:
        if view.record.pooled:
            on_axis.setdefault(scale_key(view.record), []).append(view.record)
    axes = {
        key: shared_axis(key[0], [(p.estimate, p.ci_low, p.ci_high) for r in own if (p := r.pooled)])
        for key, own in on_axis.items()
    }
    rows = {}
    for view in views:
        outcome, comparison = title_parts(view.record)
        rows[view.record.analysis] = {
            "title": words.capital(comparison or outcome),
            "detail": words.capital(outcome) if comparison else "",
            "view": view,
            "people": people(view.record) if view.record.pooled else 0,
            "effect": pooled_estimate(view.record),
            "axis": axes.get(scale_key(view.record)),
        }
    return [
        {"heading": heading, "rows": [rows[record.analysis] for record in members]}
        for heading, members in grouped([view.record for view in views])
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
    figures: Mapping[str, Mapping[str, str | Path]], specs: Mapping[str, Row]
) -> dict[str, list[dict[str, Any]]]:
    """The figures of every analysis; embedded while they are small and the page has room, linked otherwise.

    The forest plot is only linked: the page draws its own.
    """
    room = IMAGE_ROOM
    shown: dict[str, list[dict[str, Any]]] = {}
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
