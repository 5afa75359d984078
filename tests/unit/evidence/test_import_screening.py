"""References with the decisions of Covidence, Rayyan and ASReview become the table of screened records."""

from __future__ import annotations

import csv

import pytest
from click.testing import CliRunner

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.evidence.screening import count_screening, read_screening
from trialpool.exchange.screening import import_screening, write_screening

RAYYAN = """key,title,year,notes
1,Needles for pain,2020,"RAYYAN-INCLUSION: {""Ann""=>""Included"", ""Bo""=>""Included""}"
2,Rats,2019,"old | RAYYAN-INCLUSION: {""Ann""=>""Excluded""} | RAYYAN-EXCLUSION-REASONS: animals | NOTES: x"
3,Disputed,2018,"RAYYAN-INCLUSION: {""Ann""=>""Included"", ""Bo""=>""Excluded""}"
4,Undecided,2017,"RAYYAN-INCLUSION: {""Ann""=>""Maybe""}"
5,Needles for Pain!,2020,
"""
ASREVIEW = """title,year,doi,asreview_label
Needles,2020,https://doi.org/10.1000/A,1
Rats,2019,10.1000/b,0
Unseen,2018,,
"""
RIS = """TY  - JOUR
TI  - Needles
  for pain
PY  - 2020/03/01
DO  - 10.1000/a
DB  - Embase
N1  - ASReview_relevant
ER  -

TY  - JOUR
T1  - Rats
Y1  - 2019
N1  - ASReview_irrelevant
ER  -
"""
HEAD = "Title,Authors,Published Year,DOI,Covidence #,Study,Notes,Tags\n"
COVIDENCE = {
    "review_1_irrelevant_csv_2026.csv": "Rats,A,2019,,#1,A 2019,,\n",
    "review_1_excluded_csv_2026.csv": 'Wrong,B,2018,,#2,B 2018,"Exclusion reason: Wrong outcomes; Bo",\n',
    "review_1_included_csv_2026.csv": "Needles,C,2020,10.1000/a,#3,C 2020,,\n",
    "review_1_duplicates_csv_2026.csv": "Needles,C,2020,10.1000/A,#4,C 2020,,\nLost,D,2015,,#5,D 2015,,\n",
}


def files(folder, **texts):
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in texts]


def test_rayyans_readers_must_agree(tmp_path):
    made = import_screening(files(tmp_path, **{"r.csv": RAYYAN}), source="MEDLINE")
    assert [row["screened"] for row in made.rows] == ["include", "exclude", "", "", ""]
    assert made.rows[4]["duplicate_of"] == "r1"
    assert {row["source"] for row in made.rows} == {"MEDLINE"}
    assert "1 record" in made.remarks[0]


def test_rayyans_full_texts_carry_the_reason(tmp_path):
    titles = files(tmp_path, **{"a.ris": RIS})
    full = files(tmp_path, **{"full.csv": RAYYAN.splitlines()[0] + "\n" + RAYYAN.splitlines()[2] + "\n"})
    rats = import_screening(titles, full).rows[1]
    assert (rats["screened"], rats["retrieved"], rats["assessed"], rats["reason"]) == (
        "include",
        "yes",
        "exclude",
        "animals",
    )


@pytest.mark.parametrize(("name", "text"), [("a.csv", ASREVIEW), ("a.ris", RIS)])
def test_asreviews_labels(tmp_path, name, text):
    rows = import_screening(files(tmp_path, **{name: text}), kind="register").rows
    assert [row["screened"] for row in rows[:2]] == ["include", "exclude"]
    assert (rows[0]["year"], rows[0]["source_kind"]) == ("2020", "register")
    assert rows[0]["doi"].casefold() == "10.1000/a"
    if name == "a.ris":
        assert (rows[0]["title"], rows[0]["source"]) == ("Needles for pain", "Embase")


def test_covidences_files_say_their_stage_and_close(tmp_path):
    paths = files(tmp_path, **{name: HEAD + text for name, text in COVIDENCE.items()})
    out = tmp_path / "screening.csv"
    ran = CliRunner().invoke(
        main, ["import", "screening", *paths, "--out", str(out), "--source", "Covidence"]
    )
    assert (ran.exit_code, "5 records written" in ran.output) == (0, True)
    flow = count_screening(read_screening(out)).searched
    assert (flow.duplicates, flow.removed, flow.screened, flow.excluded) == (1, 1, 3, 1)
    assert (flow.assessed, flow.reasons, flow.included) == (2, {"Wrong outcomes": 1}, 1)
    with out.open(encoding="utf-8") as stream:
        assert [row["report_of"] for row in csv.DictReader(stream)][2] == "C2020"


def test_what_is_left_to_decide_is_told_and_nothing_is_overwritten(tmp_path):
    made = import_screening(files(tmp_path, **{"a.csv": ASREVIEW}))
    left = write_screening(made, tmp_path / "screening.csv")
    assert left[0].startswith("retrieved: the report was sought") or left[1].startswith("retrieved: ")
    assert any("screened: no decision on title and abstract (1)" in line for line in left)
    with pytest.raises(InputError, match="the file exists"):
        write_screening(made, tmp_path / "screening.csv")


@pytest.mark.parametrize(("name", "text"), [("a.csv", "title\n"), ("b.txt", "nothing here")])
def test_a_file_without_a_reference_is_a_fault(tmp_path, name, text):
    with pytest.raises(InputError, match="no reference stands in it"):
        import_screening(files(tmp_path, **{name: text}))
    with pytest.raises(InputError, match="cannot be read"):
        import_screening([str(tmp_path / "none.ris")])
