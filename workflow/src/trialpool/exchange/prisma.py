"""A finished review in; the PRISMA 2020 checklists with their locations, and the counts of its flow, out.

Where an item's answer stands in the results it is named; what stands nowhere is for the author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trialpool import io
from trialpool.contracts import RISK_OF_BIAS, SIGNALLING_ANSWERS
from trialpool.errors import Fault, InputError
from trialpool.evidence.screening import count_screening, read_screening
from trialpool.exchange.finished import read_finished
from trialpool.exchange.word import add_row, add_table, new_document, save_document
from trialpool.records import Reports, Screening
from trialpool.text import markdown
from trialpool.view.prisma import told
from trialpool.yaml_files import shipped

CHECKLISTS = shipped("prisma")
LISTS = ("prisma", "abstract", "networks")
COLUMNS = ("checklist", "section", "item", "name", "location")
FLOW_COLUMNS = ("data", "n")
WIDTHS = (30.0, 12.0, 62.0, 76.0)
TITLE = "PRISMA 2020: flow and checklists"


class Item(NamedTuple):
    """An item of a checklist, in short words of our own, and where its answer stands."""

    checklist: str
    section: str
    item: str
    name: str
    location: str


class Reported(NamedTuple):
    """What a review has that items can point to (`there`), and the counts of its search, if recorded."""

    there: frozenset[str]
    flow: Screening | None


def read_reported(source: str | Path) -> Reported:
    """What there is in the results of a configuration; raises InputError where it has faults or never ran."""
    review = read_finished(source)
    if review.protocol is None:
        remedy = "name the configuration, which says where the evidence and the records of the search lie"
        raise InputError([Fault(str(source), None, "", "", "it is a folder", remedy)])
    protocol, folder, results = review.protocol, review.folder, review.results
    if not (results / "summary.csv").is_file():
        remedy = "run the review first: trialpool run"
        raise InputError([Fault(str(results), None, "", "", "the folder holds no summary.csv", remedy)])
    judged = any(
        file.is_file() and io.read_csv(file)
        for place in protocol.evidence
        for file in (folder / place / table.file for table in (RISK_OF_BIAS, SIGNALLING_ANSWERS))
    )
    flow = None
    if protocol.screening:
        studies = [
            str(row["study_id"])
            for place in protocol.evidence
            for row in io.read_csv(folder / place / "studies.csv")
        ]
        flow = count_screening(read_screening(folder / protocol.screening, studies))
    known = {
        "always": True,
        "question": protocol.question,
        "search_date": protocol.search_date,
        "screening": flow,
        "bias": judged,
        "networks": any(results.glob("networks/*/result.json")),
        "moderators": io.read_csv(results / "moderators.csv"),
    }
    return Reported(frozenset(name for name, there in known.items() if there), flow)


def checklist(reported: Reported) -> Iterator[Item]:
    """Every item of PRISMA 2020, of its abstracts and, of a review with networks, of their extension.

    >>> first, *_, last = checklist(Reported(frozenset({"always"}), None))
    >>> first.item, first.location, last.checklist.split(" (")[0]
    ('1', 'for the author', 'PRISMA 2020 for abstracts')
    """
    for name in LISTS:
        if name != "networks" or "networks" in reported.there:
            for row in CHECKLISTS[name]:
                where = _location(row, reported.there)
                yield Item(CHECKLISTS["sources"][name], row["section"], row["item"], row["name"], where)


def _location(row: Mapping[str, str], there: frozenset[str]) -> str:
    author = CHECKLISTS["author"]
    if row.get("needs") not in there:
        rest = row.get("rest_without")
        return f"{rest}: {author}" if rest else str(author)
    rest = row.get("rest")
    return f"{row['at']}; {rest}: {author}" if rest else row["at"]


def flow_rows(flow: Screening) -> list[Mapping[str, Any]]:
    """The counts by the names of the CSV template of the R package PRISMA2020, columns `data` and `n`."""

    def reasons(reports: Reports) -> str:
        return "; ".join(f"{reason}, {amount}" for reason, amount in reports.reasons.items())

    searched, other = flow.searched, flow.other
    counts = {
        "previous_studies": flow.previous_studies,
        "previous_reports": flow.previous_reports,
        "database_results": searched.found["database"],
        "register_results": searched.found["register"],
        "website_results": other.found["website"],
        "organisation_results": other.found["organisation"],
        "citations_results": other.found["citation"] + other.found["other"],
        "duplicates": searched.duplicates,
        "excluded_automatic": searched.automation,
        "excluded_other": searched.removed,
        "records_screened": searched.screened,
        "records_excluded": searched.excluded,
        "dbr_sought_reports": searched.sought,
        "dbr_notretrieved_reports": searched.not_retrieved,
        "other_sought_reports": other.sought,
        "other_notretrieved_reports": other.not_retrieved,
        "dbr_assessed": searched.assessed,
        "dbr_excluded": reasons(searched),
        "other_assessed": other.assessed,
        "other_excluded": reasons(other),
        "new_studies": flow.new_studies,
        "new_reports": flow.new_reports,
        "total_studies": flow.studies,
        "total_reports": flow.reports,
    }
    return [{"data": name, "n": amount} for name, amount in counts.items()]


def export_prisma(source: str | Path, form: str, out: str | Path) -> int:
    """Write the checklists as "docx", "csv" or "md", or the counts of the flow; returns how many rows."""
    reported = read_reported(source)
    items = list(checklist(reported))
    if form == "flow":
        if reported.flow is None:
            remedy = "name its table of records under screening: in the configuration"
            raise InputError([Fault(str(source), None, "", "", "its screening is not recorded", remedy)])
        rows = flow_rows(reported.flow)
        io.write_csv(out, rows, FLOW_COLUMNS)
        return len(rows)
    write: dict[str, Callable[[Sequence[Item], Sequence[str], Path], None]] = {
        "docx": _write_word,
        "csv": _write_csv,
        "md": _write_markdown,
    }
    flow = list(told(reported.flow)) if reported.flow else [CHECKLISTS["no_screening"]]
    write[form](items, flow, Path(out))
    return len(items)


def _write_csv(items: Sequence[Item], flow: Sequence[str], out: Path) -> None:
    io.write_csv(out, (item._asdict() for item in items), COLUMNS)


def _write_word(items: Sequence[Item], flow: Sequence[str], out: Path) -> None:
    document = new_document(TITLE)
    for line in flow:
        document.add_paragraph(line)
    for name, own in _by_list(items).items():
        document.add_heading(name, 2)
        table = add_table(document, ("Section", "Item", "What it asks", "Where it stands"), WIDTHS)
        for item in own:
            add_row(table, (item.section, item.item, item.name, item.location))
    save_document(document, out)


def _write_markdown(items: Sequence[Item], flow: Sequence[str], out: Path) -> None:
    lines = [f"# {TITLE}", "", *(f"- {markdown(line)}" for line in flow)]
    for name, own in _by_list(items).items():
        lines += ["", f"## {markdown(name)}", "", "| section | item | what it asks | where it stands |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {' | '.join(map(markdown, item[1:]))} |" for item in own]
    io.write_text(out, "\n".join(lines) + "\n")


def _by_list(items: Sequence[Item]) -> dict[str, list[Item]]:
    lists: dict[str, list[Item]] = {}
    for item in items:
        lists.setdefault(item.checklist, []).append(item)
    return lists
