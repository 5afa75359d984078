"""Made-up tables of screened records, from the counts of a flow."""

from __future__ import annotations

from typing import Any

from trialpool.evidence.screening import TABLE

# A public example in the form of the PRISMA2020 package's CSV template (Haddaway 2022, doi 10.1002/cl2.1230),
# of a review of lung cancer; its forward and backward citations are citations here, its studies reports.
EXAMPLE = {
    "database_results": 1697,
    "sources": {"Embase": 650, "OpenAlex": 550, "PubMed": 497},
    "duplicates": 568,
    "excluded_other": 2,
    "records_screened": 1127,
    "records_excluded": 943,
    "dbr_sought_reports": 184,
    "dbr_notretrieved_reports": 133,
    "dbr_assessed": 51,
    "dbr_excluded": {
        "No quantitative exposure-response": 14,
        "Not probability of causation": 7,
        "Outcome not lung cancer": 7,
    },
    "citations_results": 797,
    "other_sought_reports": 42,
    "other_notretrieved_reports": 34,
    "other_assessed": 8,
    "other_excluded": {"Outcome not lung cancer": 5},
    "database_reports": 23,
    "other_reports": 3,
}


def record(number: int, **cells: Any) -> dict[str, str]:
    """A record that is not a duplicate and has no decision yet."""
    own = {"record_id": f"r{number}", "source": "PubMed", "source_kind": "database"}
    return dict.fromkeys(TABLE.names, "") | own | {name: str(value) for name, value in cells.items()}


def example() -> list[dict[str, str]]:
    """The records behind EXAMPLE: each way of finding them in the order of its decisions."""
    sources = [name for name, amount in EXAMPLE["sources"].items() for _ in range(amount)]
    ends = [{"duplicate_of": "r1696"}] * EXAMPLE["duplicates"] + [{"removed": "other"}] * EXAMPLE[
        "excluded_other"
    ]
    ends += [{"screened": "exclude"}] * EXAMPLE["records_excluded"]
    ends += ends_of("dbr", EXAMPLE["database_reports"], "D", screened="include")
    rows = [
        record(at, source=source, **end) for at, (source, end) in enumerate(zip(sources, ends, strict=True))
    ]
    others = [{"screened": "exclude"}] * (EXAMPLE["citations_results"] - EXAMPLE["other_sought_reports"])
    others += ends_of("other", EXAMPLE["other_reports"], "C")
    return rows + [
        record(2000 + at, source="Citations", source_kind="citation", **end) for at, end in enumerate(others)
    ]


def ends_of(way: str, included: int, letter: str, **decided: str) -> list[dict[str, str]]:
    found = decided | {"retrieved": "yes"}
    ends = [decided | {"retrieved": "no"}] * EXAMPLE[f"{way}_notretrieved_reports"]
    for reason, amount in EXAMPLE[f"{way}_excluded"].items():
        ends += [found | {"assessed": "exclude", "reason": reason}] * amount
    return ends + [found | {"assessed": "include", "report_of": f"{letter}{at}"} for at in range(included)]
