"""What the comparison of each analysis is made of, so that only analyses of which something changed are
compared again.

In: an `AnalysisContext`, the tables and findings behind it. Out: a hash an analysis. An analysis takes its
trials by their condition, since trials that it leaves out are told too, and their results by its domains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pandas as pd

from trialpool.evidence.match import AnalysisContext, Spec, domains_of
from trialpool.io import fingerprint

OF_TRIALS = ("studies", "arms", "risk_of_bias")
PLACES = {"at", "at_1", "at_2", "result_id"}  # of rows among those of other trials


def made_of(
    context: AnalysisContext, tables: Mapping[str, pd.DataFrame], findings: pd.DataFrame
) -> dict[str, str]:
    """Of each analysis a hash: its settings, its trials, their results in its domains, findings on these.

    `tables` are those that `context` was made of. The catalogue of instruments and the vocabulary count for
    all; the code is not in it.
    """
    condition = dict(zip(context.studies["study_id"], context.studies["condition"], strict=True))
    parts: dict[tuple[str, str], list[object]] = defaultdict(list)
    of_row: dict[str, set[tuple[str, str]]] = defaultdict(set)  # a mean may also make a contrast elsewhere

    def add(table: pd.DataFrame, domains: Iterable[str] | None = None) -> None:
        told = table.drop(columns=PLACES.intersection(table)).itertuples(index=False, name=None)
        for study, domain, row in zip(table["study_id"], domains or [""] * len(table), told, strict=True):
            parts[condition[study], domain].append(row)

    for table in (tables[name] for name in OF_TRIALS if name in tables):
        add(table[table["study_id"].isin(condition)])
    add(context.studies[["study_id", "study_label"]])
    for table in context.summaries.values():
        add(table, list(table["domain"]))
        for study, domain, rows in zip(table["study_id"], table["domain"], table["row_ids"], strict=True):
            for row in rows.split():
                of_row[row].add((condition[study], domain))
    for finding in findings[["row_ids", "rule", "severity", "finding"]].itertuples(index=False, name=None):
        for part in {part for row in str(finding[0]).split() for part in of_row.get(row, ())}:
            parts[part].append(finding)
    known = {part: fingerprint(rows) for part, rows in parts.items()}
    words = fingerprint((context.catalogue, context.vocabulary))

    def of(spec: Spec) -> object:
        domains = "", *domains_of(spec, context.vocabulary)
        return words, spec, [known.get((name, domain)) for name in spec["condition"] for domain in domains]

    return {spec["analysis"]: fingerprint(of(spec)) for spec in context.specs}
