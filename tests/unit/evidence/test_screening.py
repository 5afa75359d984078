"""The table of screened records: what stands in it must close, and is counted as PRISMA 2020 counts it."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner
from tests.unit.evidence.screened import EXAMPLE, example, record

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.evidence.screening import TABLE, Found, count_screening, read_screening

INCLUDED = {"screened": "include", "retrieved": "yes", "assessed": "include", "report_of": "Lu2020"}


def written(folder, rows):
    path = folder / "screening.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, TABLE.names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def faults_of(folder, rows, studies=None):
    with pytest.raises(InputError) as caught:
        read_screening(written(folder, rows), studies)
    return [str(fault) for fault in caught.value.faults]


def test_the_counts_of_the_prisma2020_packages_example(tmp_path):
    flow = count_screening(read_screening(written(tmp_path, example())))
    searched, other = flow.searched, flow.other
    assert searched.found == {"database": EXAMPLE["database_results"], "register": 0}
    assert searched.sources == EXAMPLE["sources"]
    assert (searched.duplicates, searched.removed) == (EXAMPLE["duplicates"], EXAMPLE["excluded_other"])
    assert (searched.screened, searched.excluded) == (
        EXAMPLE["records_screened"],
        EXAMPLE["records_excluded"],
    )
    assert (searched.sought, searched.not_retrieved, searched.assessed) == (184, 133, 51)
    assert searched.reasons == EXAMPLE["dbr_excluded"]
    assert other.found["citation"] == EXAMPLE["citations_results"]
    assert (other.sought, other.not_retrieved, other.assessed) == (42, 34, 8)
    assert other.reasons == EXAMPLE["other_excluded"]
    assert (searched.included, other.included) == (EXAMPLE["database_reports"], EXAMPLE["other_reports"])
    assert (flow.new_studies, flow.new_reports, flow.studies, flow.previous_reports) == (26, 26, 26, 0)


def test_every_sum_closes():
    flow = count_screening(_found(example()))
    for way in (flow.searched, flow.other):
        assert way.sought == way.not_retrieved + way.assessed
        assert way.assessed == sum(way.reasons.values()) + way.included
    searched = flow.searched
    removed = searched.duplicates + searched.automation + searched.removed
    assert sum(searched.found.values()) == removed + searched.screened
    assert searched.screened == searched.excluded + searched.sought


def _found(rows):
    return [Found(at, cells) for at, cells in enumerate(rows, 2)]


def test_an_update_adds_new_studies_and_reports_to_the_earlier_ones():
    earlier = [
        record(n, source_kind="previous", report_of=study) for n, study in enumerate(("A1", "A1", "B1"))
    ]
    again = record(9, **INCLUDED | {"report_of": "A1"})
    flow = count_screening(_found([*earlier, again, record(10, **INCLUDED), record(11, **INCLUDED)]))
    assert (flow.previous_studies, flow.previous_reports) == (2, 3)
    assert (flow.new_studies, flow.new_reports) == (1, 3)
    assert (flow.studies, flow.reports) == (3, 6)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({}, "column screened: no decision on title and abstract. To mend: write include or exclude"),
        ({"screened": "include"}, "column retrieved: the report was sought"),
        ({"screened": "include", "retrieved": "yes"}, "column assessed: no decision on the full report"),
        (
            {"screened": "exclude", "retrieved": "yes"},
            "column retrieved: 'yes' is a cell of a record that is excl",
        ),
        ({"screened": "include", "retrieved": "no", "assessed": "include"}, "that is not retrieved"),
        (
            INCLUDED | {"assessed": "exclude", "report_of": ""},
            "column reason: a full report is excluded without",
        ),
        (INCLUDED | {"report_of": ""}, "column report_of: an included report is of no trial"),
        (INCLUDED | {"reason": "x"}, "column reason: 'x' is a cell of a record that is included"),
        ({"duplicate_of": "r77"}, "column duplicate_of: 'r77' is not the id of a record"),
        ({"duplicate_of": "r1"}, "column duplicate_of: 'r1' is the record itself"),
        ({"removed": "automation", "screened": "exclude"}, "that is removed before screening"),
        ({"source_kind": "previous"}, "a report of the earlier version is of no trial"),
        ({"source_kind": "databse", "screened": "exclude"}, "databse"),
        ({"source": "", "screened": "exclude"}, "column source"),
    ],
)
def test_what_keeps_a_sum_from_closing_is_a_fault_with_its_remedy(tmp_path, cells, words):
    (fault,) = faults_of(tmp_path, [record(1, **cells)])
    assert words in fault
    assert "screening.csv, row 2, " in fault
    assert "To mend: " in fault


def test_an_id_stands_once(tmp_path):
    (fault,) = faults_of(tmp_path, [record(1, screened="exclude"), record(1, screened="exclude")])
    assert "row 3, column record_id: 'r1' is a record that row 2 has already" in fault


def test_included_reports_and_studies_name_each_other(tmp_path):
    faults = faults_of(tmp_path, [record(1, **INCLUDED)], ["Lu2021"])
    assert "'Lu2020' is not a trial of studies.csv. To mend: did you mean 'Lu2021'" in faults[0]
    assert "'Lu2021' is a trial of studies.csv of which no included report is" in faults[1]
    assert len(read_screening(written(tmp_path, [record(1, **INCLUDED)]), ["Lu2020"])) == 1


def test_check_names_what_keeps_the_sums_of_a_review_from_closing(tmp_path):
    folder = tmp_path / "review"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    with (folder / "config.yaml").open("a", encoding="utf-8") as config:
        config.write("screening: screening.csv\n")
    with (folder / "data" / "studies.csv").open(encoding="utf-8") as stream:
        (study,) = [row["study_id"] for row in csv.DictReader(stream)]
    whole = record(1, **INCLUDED | {"report_of": study})
    written(folder, [whole, record(2)])
    ran = CliRunner().invoke(main, ["check", str(folder / "config.yaml")])
    assert (ran.exit_code, "screening.csv, row 3, column screened: no decision" in ran.output) == (1, True)
    written(folder, [whole, record(2, screened="exclude")])
    ran = CliRunner().invoke(main, ["check", str(folder / "config.yaml")])
    assert ran.exit_code == 0, ran.output
