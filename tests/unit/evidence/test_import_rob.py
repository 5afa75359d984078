"""Judgements from robvis, Covidence and the workbook of RoB 2; of the last two made-up files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from trialpool.bias_tools import tools
from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.evidence.read import examine
from trialpool.exchange.candidates import write_candidates
from trialpool.exchange.risk_of_bias import import_rob

# Example data of robvis 0.3.0 (data_rob2, data_robins_i, data_quadas; McGuinness & Higgins 2021), in short.
SHORT = dict(
    zip(
        "LSHMCNU",
        ("Low", "Some concerns", "High", "Moderate", "Critical", "No information", "Unclear"),
        strict=True,
    )
)
ROB2 = "LLLLLL SLLLLS NLSLLS LLHLSH HHLLSH LHSLLH LSSHLH LSLLLS LLHLLH"
ROBINS = "MCLLMMMC MNMLLLMM MXLXLLLX XMLLMMLX MCLLMMMC MMLMMXMX MXLLXMLX MLXMLXMX MXLLLLMX XLLLXMXX"
QUADAS = "LLLLL SLLLS SLSLS LLHLH HHLLH LHSLH LSSHH LSLLS LLHLH SLLNS SHSSS LLLLL"
REVIEW = "10.1002/jrsm.1411"


def robvis(path: Path, short: str) -> Path:
    words = {**SHORT, "X": "Serious"}
    rows = short.split()
    header = ["Study", *(f"D{number}" for number in range(1, len(rows[0]))), "Overall"]
    lines = [[f"Study {n}", *(words[letter] for letter in row)] for n, row in enumerate(rows, start=1)]
    path.write_text("\n".join(",".join(line) for line in [header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "short", "tool", "counts", "left_out"),
    [
        ("rob2", ROB2, "RoB2", {"low": 31, "some_concerns": 11, "high": 11}, 1),
        (
            "robins",
            ROBINS,
            "ROBINS-I",
            {"low": 27, "moderate": 29, "serious": 19, "critical": 4, "no_information": 1},
            0,
        ),
        ("quadas", QUADAS, "QUADAS-2", {"low": 31, "unclear": 17, "high": 12}, 0),
    ],
)
def test_robvis_example_data_come_in_whole(tmp_path, name, short, tool, counts, left_out):
    found = import_rob([robvis(tmp_path / f"{name}.csv", short)], assessed_by=REVIEW)
    rows = found.rows["risk_of_bias"]
    assert {row["tool"] for row in rows} == {tool}
    assert Counter(row["judgement"] for row in rows) == counts
    assert list(dict.fromkeys(row["domain"] for row in rows)) == [*tools()[tool].domains, "overall"]
    assert sum("left out" in remark for remark in found.remarks) == left_out
    assert len(found.rows["studies"]) == len(short.split())
    assert {row["assessed_by"] for row in rows} == {REVIEW}


def test_the_whole_of_robvis_rob2_is_what_our_rule_makes_of_its_domains(tmp_path):
    rows = import_rob([robvis(tmp_path / "a.csv", ROB2)]).rows["risk_of_bias"]
    by: dict[str, dict[str, str]] = {}
    for row in rows:
        by.setdefault(row["study_id"], {})[row["domain"]] = row["judgement"]
    judged = [tools()["RoB2"].judge_overall(each) for each in by.values()]
    stated = [each["overall"] for each in by.values()]
    assert [a for a, b in zip(judged, stated, strict=True) if a != b] == [
        ""
    ]  # the one whose domain has no judgement


def test_named_domains_and_another_tool(tmp_path):
    file = tmp_path / "rob1.csv"
    file.write_text(
        "Study,Random.sequence.generation,Allocation.concealment,Blinding.of.participants.and.personnel,"
        "Blinding.of.outcome.assessment,Incomplete.outcome.data,Selective.reporting,Other.sources.of.bias,Weight\n"
        "Lu 2020,Low,Unclear,High,No information,Low,Low,Low,33.3\n",
        encoding="utf-8",
    )
    rows = import_rob([file]).rows["risk_of_bias"]
    assert [row["domain"] for row in rows] == list(tools()["RoB1"].domains)
    assert [row["judgement"] for row in rows][:4] == ["low", "unclear", "high", "unclear"]
    other = tmp_path / "jadad.csv"
    other.write_text("Study,Withdrawals described\nLu 2020,High\n", encoding="utf-8")
    with pytest.raises(InputError, match="--tool"):
        import_rob([other])
    (row,) = import_rob([other], tool="Jadad").rows["risk_of_bias"]
    assert (row["tool"], row["domain"], row["judgement"]) == ("Jadad", "withdrawals_described", "high")


def covidence(path: Path) -> Path:
    """Made up: columns as Covidence names those of every export, then judgement and text of each domain."""
    domains = ["Sequence generation", "Allocation concealment", "Blinding of participants and personnel"]
    domains += [
        "Blinding of outcome assessment",
        "Incomplete outcome data",
        "Selective outcome reporting",
        "Other issues",
    ]
    header = ["Covidence #", "Study ID", "Title", "Reviewer Name"]
    header += [f"{domain} {kind}" for domain in domains for kind in ("judgement", "supporting text")]
    ann, both = (["Low", "said so"] * 7, ["High", "agreed"] * 7)
    lines = [
        header,
        ["12", "Lu 2020", "A trial", "Ann", *ann],
        ["12", "Lu 2020", "A trial", "Consensus", *both],
    ]
    lines += [["13", "Hua 2019", "Another", "Ann", *ann], ["13", "Hua 2019", "Another", "Bob", *both]]
    pd.DataFrame(lines[1:], columns=header).to_csv(path, index=False)
    return path


def test_covidence_gives_the_consensus_with_its_text(tmp_path):
    found = import_rob([covidence(tmp_path / "quality.csv")])
    rows = found.rows["risk_of_bias"]
    assert [row["domain"] for row in rows[:7]] == list(tools()["RoB1"].domains)
    assert {(row["study_id"], row["judgement"]) for row in rows} == {("Lu2020", "high"), ("Hua2019", "low")}
    assert rows[0]["note"] == "agreed; quality.csv row 3"
    assert found.remarks == ["Hua 2019 has 2 rows and no consensus: quality.csv row 4 was taken."]


ANSWERS = {
    **{"1.1": "Y", "1.2": "PY", "1.3": "N", "2.1": "Y", "2.2": "N", "2.3": "N", "2.4": "NA", "2.5": "NA"},
    **{"2.6": "Y", "2.7": "NA", "3.1": "Y", "3.2": "NA", "3.3": "NA", "3.4": "NA"},
    **{"4.1": "N", "4.2": "N", "4.3": "Y", "4.4": "Y", "4.5": "N", "5.1": "NI", "5.2": "N", "5.3": "N"},
}


def workbook(path: Path, **changes: str) -> Path:
    """Made up: the columns of the sheet Results of the RoB 2 workbook (beta 8, 9), a title above."""
    cells: dict[str, object] = {
        **{"Unique ID": "1", "Study ID": "Lu 2020", "Ref or Label": "", "Aim": "assignment to intervention"},
        **{"Experimental": "a", "Comparator": "b", "Outcome": "Pain at week 12", "Results": "", "Weight": 1},
    }
    algorithm = {"1": "Low", "2": "Low", "3": "Low", "4": "Some concerns", "5": "Some concerns"}
    for domain in "12345":
        for question, answer in ANSWERS.items():
            if question[0] == domain:
                cells[question] = answer
        cells[f"Note for {domain}.1"] = f"text {domain}"
        cells[f"{domain}.0 Algorithm result"] = algorithm[domain]
        cells[f"{domain}.0 Assessor's {'j' if domain == '3' else 'J'}udgement"] = algorithm[domain]
    cells |= {
        "Algorithm's overall Judgement": "Some concerns",
        "Assessor's overall Judgement": "Some concerns",
    }
    cells |= changes
    book = Workbook()
    book.active.title = "Intro"
    sheet = book.create_sheet("Results")
    sheet.append(["RoB 2"])
    sheet.append([float(name) if name == "1.1" else name for name in cells])  # as Excel may hold it
    sheet.append(list(cells.values()))
    book.save(path)
    return path


def test_the_workbook_of_rob_2_brings_answers_and_judgements(tmp_path):
    found = import_rob([workbook(tmp_path / "ROB2.xlsx")], assessed_by=REVIEW)
    assert found.remarks == []
    rows = found.rows["risk_of_bias"]
    assert [row["judgement"] for row in rows] == [*(["low"] * 3), *(["some_concerns"] * 3)]
    assert {(row["outcome"], row["weeks"], row["tool"]) for row in rows} == {("pain", "12", "RoB2")}
    assert len(found.rows["signalling_answers"]) == len(ANSWERS)
    write_candidates(found, tmp_path / "new")
    answers = (tmp_path / "new" / "signalling_answers.csv").read_text(encoding="utf-8")
    assert "Lu2020,RoB2,randomisation_process,pain,,12,1.1,Y,10.1002/jrsm.1411,text 1\n" in answers
    _, faults = examine(tmp_path / "new")
    assert {fault.file.rpartition("/")[2] for fault in faults} == {"studies.csv"}


def test_an_assessor_who_overrode_the_algorithm_must_say_why(tmp_path):
    changes = {"5.0 Assessor's Judgement": "Low", "Aim": "adhering to intervention (per-protocol)"}
    found = import_rob([workbook(tmp_path / "ROB2.xlsx", **changes)])
    row = found.rows["risk_of_bias"][4]
    assert (row["tool"], row["judgement"], row["algorithm"], row["note"]) == (
        *("RoB2-adhering", "low", "some_concerns", ""),
    )


def test_an_algorithm_that_is_not_ours_is_told(tmp_path):
    found = import_rob([workbook(tmp_path / "ROB2.xlsx", **{"4.0 Algorithm result": "High"})])
    assert any("the file's algorithm says high, ours some_concerns" in remark for remark in found.remarks)


def test_trials_keep_the_ids_of_the_evidence(tmp_path):
    evidence = tmp_path / "raw"
    evidence.mkdir()
    columns = (
        "study_id,first_author,year,journal,country,doi,pmid,pmcid,registration,condition,population,design,"
    )
    columns += "n_randomised,setting_note,purpose,source_type,source_url"
    row = "LuTrial,Lu X,2020" + "," * 14
    (evidence / "studies.csv").write_text(f"{columns}\n{row}\n", encoding="utf-8")
    file = tmp_path / "rob.csv"
    file.write_text(
        "Study,D1,D2,D3,D4,D5\nLu 2020,Low,Low,Low,Low,Low\nHua 2019,High,Low,Low,Low,Low\n", "utf-8"
    )
    found = import_rob([file], evidence=evidence)
    assert {row["study_id"] for row in found.rows["risk_of_bias"]} == {"LuTrial", "Hua2019"}
    assert [row["study_id"] for row in found.rows["studies"]] == ["Hua2019"]
    assert any("Hua2019" in remark for remark in found.remarks)


def test_the_command_writes_a_new_folder_and_names_what_is_left_to_do(tmp_path):
    file = robvis(tmp_path / "robvis.csv", ROB2)
    done = CliRunner().invoke(
        main, ["import", "rob", str(file), "--out", str(tmp_path / "new"), "--assessed-by", REVIEW]
    )
    assert done.exit_code == 0, done.output
    assert "53  risk_of_bias" in done.output
    empty = tmp_path / "empty.csv"
    empty.write_text("Name,Age\nx,1\n", encoding="utf-8")
    for bad, said in ((empty, "--tool"), (tmp_path / "none.csv", "none.csv")):
        done = CliRunner().invoke(main, ["import", "rob", str(bad), "--out", str(tmp_path / "no")])
        assert (done.exit_code, said in done.output) == (1, True), done.output
