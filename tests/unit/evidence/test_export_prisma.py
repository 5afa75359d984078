"""The PRISMA 2020 checklists of a review, with what its results hold and what is for the author."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner
from tests.unit.evidence.screened import EXAMPLE, example

from trialpool.cli import main
from trialpool.evidence.screening import Found, count_screening
from trialpool.exchange.prisma import CHECKLISTS, Reported, checklist, flow_rows

EVERYTHING = frozenset({"always", "question", "search_date", "screening", "bias", "networks", "moderators"})


def locations(there):
    return {
        (item.checklist, item.item): item.location for item in checklist(Reported(frozenset(there), None))
    }


def test_the_lists_have_the_published_items():
    items = [row["item"] for row in CHECKLISTS["prisma"]]
    assert {item.rstrip("abcdef") for item in items} == {str(number) for number in range(1, 28)}
    assert len(items) == len(set(items)) == 42
    assert [row["item"] for row in CHECKLISTS["abstract"]] == [str(number) for number in range(1, 13)]
    assert [row["item"] for row in CHECKLISTS["networks"]] == ["S1", "S2", "S3", "S4", "S5"]


def test_what_stands_nowhere_is_for_the_author():
    full, bare = locations(EVERYTHING), locations({"always"})
    prisma, abstract, networks = CHECKLISTS["sources"].values()
    assert full[prisma, "16a"] == "flow.svg"
    assert (
        bare[prisma, "16a"] == "flow.svg begins with the trials known; the search before them: for the author"
    )
    assert full[prisma, "8"].startswith("the table of records; ")
    assert bare[prisma, "8"] == bare[prisma, "26"] == full[prisma, "26"] == "for the author"
    assert (networks, "S1") in full
    assert (networks, "S1") not in bare
    assert (abstract, "12") in bare


def test_every_need_of_an_item_is_one_that_is_looked_for():
    needs = {
        row.get("needs", "always") for name in ("prisma", "abstract", "networks") for row in CHECKLISTS[name]
    }
    assert needs == EVERYTHING


def test_the_counts_have_the_names_of_the_prisma2020_package():
    rows = {
        row["data"]: row["n"] for row in flow_rows(count_screening(list(map(Found, range(9999), example()))))
    }
    for name, amount in EXAMPLE.items():
        if name in rows and not isinstance(amount, dict):
            assert rows[name] == amount, name
    assert rows["dbr_excluded"].startswith("No quantitative exposure-response, 14; ")
    assert (rows["total_studies"], rows["other_excluded"]) == (26, "Outcome not lung cancer, 5")


def test_a_review_that_never_ran_says_what_to_do(tmp_path):
    ran = CliRunner().invoke(main, ["init", str(tmp_path / "review")])
    assert ran.exit_code == 0
    ran = CliRunner().invoke(main, ["export", "prisma", str(tmp_path / "review" / "config.yaml")])
    assert (ran.exit_code, "trialpool run" in ran.output) == (1, True)


@pytest.mark.parametrize("form", ["csv", "md", "docx"])
def test_the_checklists_are_written_the_same_every_time(tmp_path, form):
    if form == "docx":
        pytest.importorskip("docx", reason="python-docx is not installed: make dev")
    assert CliRunner().invoke(main, ["init", str(tmp_path / "review")]).exit_code == 0
    results = tmp_path / "review" / "results"
    results.mkdir()
    for name in ("summary.csv", "moderators.csv"):
        (results / name).write_text("analysis\n", encoding="utf-8")
    written = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.{form}"
        options = [str(tmp_path / "review" / "config.yaml"), "--format", form, "--out", str(out)]
        ran = CliRunner().invoke(main, ["export", "prisma", *options])
        assert (ran.exit_code, ran.output.split(" ")[:2]) == (0, ["54", "rows"])
        written.append(out.read_bytes())
    assert written[0] == written[1]
    if form == "csv":
        with (tmp_path / "a.csv").open(encoding="utf-8") as stream:
            assert len(list(csv.DictReader(stream))) == 54
    ran = CliRunner().invoke(main, ["export", "prisma", options[0], "--format", "flow"])
    assert "its screening is not recorded" in ran.output
