"""results/README.md, the summary as a code-hosting site shows it at once, and the rows of summary.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from trialpool.contracts import SUMMARY
from trialpool.page.render import markdown_environment
from trialpool.records import AbsoluteEffect, Ask, Claim, Network, Pooled, Status, columns_of
from trialpool.view.question import Question, interval_name, population_name, status_of
from trialpool.view.read import Appraised, Row, grouped
from trialpool.view.reproduce import checked_of


def render_readme(
    records: Sequence[Appraised],
    claims: Sequence[Claim] = (),
    networks: Sequence[Network] = (),
    summary: Sequence[Ask] = (),
    question: str = "",
    reproduced: Sequence[Row] = (),
    network_evidence: Mapping[str, Sequence[Path]] | None = None,
) -> str:
    """The Markdown text of results/README.md: the review's `question` with the short answers of the page's
    first screen, the claims, a table a condition, the forest plots as links; the `networks` of treatments;
    how many results R gave again, by the rows `reproduced`. Files of `network_evidence` are linked.

    `records` stand in the order of the config; `claims` are judged claims. Texts of records are escaped.

    >>> render_readme([]).splitlines()[0]
    '# Results'
    """
    views = [Question(record, trials=False) for record in records]
    by_analysis = {record.analysis: record for record in records}

    def resting_on(claim: Claim) -> list[Appraised]:
        findings = {finding.analysis: finding for part in claim.parts for finding in part.findings}.values()
        decisive = (by_analysis[each.analysis].restricted(each.restricted) for each in findings)
        return [record for record in decisive if record.pooled]

    page = markdown_environment().get_template("results.md")
    return page.render(
        groups=grouped(views, lambda view: population_name(view.record)),
        by_analysis=by_analysis,
        published_prior=any("name" in (record.methods.prior or {}) for record in records),
        claims=claims,
        networks=networks,
        taken_apart=network_evidence or {},
        summary=summary,
        asked=question,
        resting_on=resting_on,
        folder=lambda record: Markup(f"analyses/{quote(record.analysis)}"),
        interval_name=interval_name(records),
        measures=list(dict.fromkeys(record.measure for record in records)),
        statuses=[status_of(record) for record in records],
        records=records,
        checks=checked_of(records, reproduced),
    )


def summary_row(record: Appraised) -> Mapping[str, object]:
    """One row of summary.csv: numbers untouched, ratios on their natural scale.

    Pooling methods are left empty where nothing was pooled: a single trial used none of them.

    >>> from trialpool.records import sketch
    >>> row = summary_row(sketch(Appraised, {"analysis": "a", "condition": ["ASTHMA"], "status": "no_data"}))
    >>> row["condition"], row["estimate"], row["interval"]
    ('ASTHMA', None, None)
    """
    methods, mcid = record.methods, record.mcid
    row = {column: getattr(record, column, None) for column in SUMMARY.names} | {
        "condition": " ".join(record.condition),
        "experimental": record.experimental_name,
        "control": record.control_name,
        "level": methods.level,
        "n_effects": len(record.studies),
        "n_known": len({known.study_id for known in record.known}),
        "n_not_used": len(record.not_used),
        "mcid": mcid and mcid.value,
        "mcid_unit": mcid and mcid.unit,
        "mcid_source": mcid and mcid.source,
        "certainty": record.certainty and record.certainty.level,
    }
    row |= {key: getattr(record.absolute, key, None) for key in columns_of(AbsoluteEffect)}
    row |= {key: getattr(record.pooled, key, None) for key in columns_of(Pooled)}
    settings = ("tau2_method", "several_effects", "multi_arm")
    if record.status == Status.POOLED:
        return row | {key: getattr(methods, key) for key in settings}
    return row | {"interval": None}
