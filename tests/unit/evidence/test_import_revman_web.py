"""RevMan Web's data package, both versions; study-centric tables of RevMan Web and Covidence.

The layouts are those that Cochrane documents for the data package of version 1 and its successor, and the
columns of RevMan's own study results; the numbers are made up. One real package was read (see
docs/from_revman.md), none is shipped.
"""

from __future__ import annotations

import contextlib
import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from web_package import (
    EVENTS,
    HALVES,
    LOGS,
    MEANS,
    TALLIES,
    files,
    line,
    package,
    rows,
    settings,
    studies_only,
    total,
)

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.exchange.candidates import Candidates
from trialpool.exchange.own_review import with_own_review
from trialpool.exchange.revman import import_revman, read_review

REML_HKSJ = (-0.366778514795, -1.604721055842, 0.871164026253, 0.185838870249)  # metafor 3.8, test="knha"
REML_WALD = (-0.366778514795, -0.930694866390, 0.197137836801, 0.185838870249)  # test="z"


def totals(candidates: Candidates) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(candidates.files["revman_totals.csv"])))


def chosen(candidates: Candidates, table: str, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row.get(name, "") for name in columns) for row in candidates.rows[table]]


@pytest.mark.parametrize("version", [1, 2])
def test_every_stored_total_is_the_one_of_its_rows(tmp_path: Path, version: int) -> None:
    table = totals(import_revman(package(tmp_path, version)))
    assert [(row["analysis"], row["subgroup"]) for row in table] == [
        ("1.1", "under 65"),
        ("1.1", "over 65"),
        ("1.1", ""),
        ("1.2", ""),
        ("1.3", ""),
        ("1.4", ""),
        ("1.5", ""),
    ]
    assert {row["agree"] for row in table} == {"yes"}, table
    assert [row["method"] for row in table[2:]] == ["MH", "IV", "IV", "EXP_O_E_VAR", "PETO"]


def test_rows_hold_what_was_entered(tmp_path: Path) -> None:
    candidates = import_revman(package(tmp_path))
    counted = chosen(candidates, "events", "study_id", "arm", "events", "n")
    assert counted[:2] == [("Muller2001", "laser", "4", "40"), ("Muller2001", "sham_laser", "11", "42")]
    entered = ("study_id", "measure", "estimate", "spread_type", "spread_low", "o_minus_e", "variance")
    relapse, _, death, _ = chosen(candidates, "contrasts", *entered)
    assert relapse == ("Muller2001", "log_hazard_ratio", "-0.41", "se", "0.21", "", "")
    assert death == ("Muller2001", "hazard_ratio", "", "none", "", "-4.1", "9.5")
    means = chosen(candidates, "continuous", "n", "centre", "spread_type", "spread_low")
    assert means[0] == ("40", "3.1", "sd", "1.2")
    study = candidates.rows["studies"][0]
    assert (study["first_author"], study["year"], study["population"]) == (
        "Müller",
        "2001",
        "adults, in pain",
    )
    (judged,) = candidates.rows["risk_of_bias"]
    assert (judged["domain"], judged["judgement"], judged["tool"]) == (
        "allocation_concealment",
        "low",
        "RoB1",
    )
    assert "sealed envelopes" in judged["note"]


def test_a_total_that_differs_in_the_sixth_decimal_is_called_out(tmp_path: Path) -> None:
    tables = rows()
    tables["settings"][0]["Mean"] = f"{float(str(tables['settings'][0]['Mean'])) + 2e-6:.6f}"
    table = totals(import_revman(package(tmp_path, 2, tables)))
    assert [row["agree"] for row in table if not row["subgroup"]] == ["no", "yes", "yes", "yes", "yes"]


@pytest.mark.parametrize(("method", "remark"), [("HKSJ", ""), ("Wald", "its interval is Wald's")])
def test_reml_with_the_interval_that_is_stored(tmp_path: Path, method: str, remark: str) -> None:
    """RevMan Web names HKSJ as the method of an analysis also where it prints Wald's interval."""
    tables = {"settings": [], "data_rows": [], "subgroups": []}
    values = {"Müller": (-0.9, 0.3), "O'Neil": (0.1, 0.2), "Żak": (-0.4, 0.25)}
    random = {"Analysis model": "Random effects", "Heterogeneity estimator": "REML", "CI method": "HKSJ"}
    stored = REML_HKSJ if method == "HKSJ" else REML_WALD
    tables["settings"].append(
        settings(3, "Score", "Contrast level", "IV", "Mean Difference", **random) | total(stored)
    )
    tables["data_rows"] += [line(3, name, ESTIMATE=y, SE=se) for name, (y, se) in values.items()]
    (row,) = totals(import_revman(package(tmp_path, 2, tables)))
    assert row["agree"] == "yes"
    assert row["remark"].startswith(remark)


def test_swapped_events_and_rows_for_subgroups_or_the_total_alone(tmp_path: Path) -> None:
    tables = rows()
    tables["settings"][0] |= {"Swap event and non-event": "true", "Effect measure": "Risk Ratio (Non-event)"}
    tables["data_rows"][0]["Applicability"] = "SUBGROUP_ONLY"
    outcome = read_review(package(tmp_path, 2, tables)).outcomes[0]
    assert (outcome.values["SWAP_EVENTS"], outcome.code) == ("YES", "RR")
    assert {name: len(part.data) for name, part in outcome.parts} == {"under 65": 2, "over 65": 1, "": 2}


def test_each_row_of_a_study_that_has_several_in_a_subgroup_is_pooled(tmp_path: Path) -> None:
    """Two drugs against a control that was split: RevMan pools the rows as if they were two studies."""
    tables = rows()
    again = line(1, "Müller", HALVES["Müller"], EVENTS_1=6, TOTAL_1=38, EVENTS_2=5, TOTAL_2=21)
    tables["data_rows"].append(again)
    candidates = with_own_review(import_revman(package(tmp_path, 2, tables)), {})
    asked = candidates.asked
    assert asked is not None
    own = [row["study_id"] for row in asked.rows["events"] if row["events"] == "6" and row["n"] == "38"]
    assert own == ["Muller2001b"]
    assert [row["study_id"] for row in asked.rows["studies"]].count("Muller2001b") == 1
    assert any("several rows, which RevMan pools" in remark for remark in candidates.remarks)
    assert any(each.settings.get("subgroups") for each in asked.questions)  # still one analysis of two groups


def test_rows_of_the_total_alone_are_asked_beside_the_subgroups(tmp_path: Path) -> None:
    tables = rows()
    both = line(1, "Żak", "", EVENTS_1=3, TOTAL_1=30, EVENTS_2=9, TOTAL_2=28)
    for row in tables["data_rows"]:
        if row["Study"] == "Żak" and row["Analysis number"] == 1:
            row["Applicability"] = "SUBGROUP_ONLY"
    tables["data_rows"].append(both | {"Applicability": "OVERALL_ONLY"})
    candidates = import_revman(package(tmp_path, 2, tables))
    assert [row["studies"] for row in totals(candidates)[:3]] == ["2", "1", "3"]
    assert {row["agree"] for row in totals(candidates)[:3]} == {"yes"}
    assert candidates.asked is not None
    titles = [each.title for each in candidates.asked.questions if each.title.startswith("1.1")]
    assert titles == [
        "1.1.1 Pain at rest: under 65: Laser versus sham",
        "1.1.2 Pain at rest: over 65: Laser versus sham",
        "1.1 Pain at rest: Laser versus sham",
    ]


def judged_rows(tmp_path: Path, domain: str, *judgements: str) -> Path:
    """A package whose data rows are judged in a domain, analysis after analysis, the last for all others."""
    out = tmp_path / "x"
    out.mkdir()
    for name, text in files(2, rows()).items():
        (out / Path(name).name).write_text(text, encoding="utf-8")
    head, *lines = (out / "CD1-data-rows.csv").read_text(encoding="utf-8").splitlines()
    said = iter(judgements)
    by_analysis: dict[str, str] = {}
    judged = [f"{head},{domain} (judgement),{domain} (support)"]
    for each in lines:
        number = ".".join(each.split(",")[:2])
        if number not in by_analysis:
            by_analysis[number] = next(said, judgements[-1])
        judged += [f"{each},{by_analysis[number]},no word of it"]
    (out / "CD1-data-rows.csv").write_text("\n".join(judged), encoding="utf-8")
    return out


def test_rob_2_beside_data_rows_is_of_each_result(tmp_path: Path) -> None:
    domain = "Bias arising from the randomization process"
    found = import_revman(judged_rows(tmp_path, domain, "Some concerns", "High risk", "Low risk"))
    columns = ("study_id", "tool", "domain", "outcome", "judgement")
    table = chosen(found, "risk_of_bias", *columns)
    read = [row[1:] for row in table if row[:2] == ("Muller2001", "RoB2")]
    assert {row[1] for row in read} == {"randomisation_process"}
    said = {row[3]: row[4] for row in table if row[1] == "RoB2"}
    assert (said["pain_at_rest"], said["pain_vas"], said["relapse"]) == ("some_concerns", "high", "low")
    assert len({row[2] for row in read}) == len(read) > 2
    assert found.asked is not None
    domains = {
        row["?domain"] for name in ("events", "continuous", "contrasts") for row in found.asked.rows[name]
    }
    own = [
        row
        for row in found.asked.rows["risk_of_bias"]
        if (row["study_id"], row["tool"]) == ("Muller2001", "RoB2")
    ]
    assert {row["outcome"] for row in own} <= domains
    assert sorted(row["judgement"] for row in own) == sorted(row[3] for row in read)


def test_judgements_of_outcomes_that_studies_report_are_of_the_analyses_that_pool_them(
    tmp_path: Path,
) -> None:
    tables = rows()
    tables["settings"][1] |= {"Data source": "Study data", "Outcome": "Pain, day 3; Pain, day 7"}
    out = tmp_path / "x"
    out.mkdir()
    contents = files(2, tables)
    domain = "Domain (judgement): Randomisation process"
    judged = f'Study,Outcome,{domain}\nMüller,"Pain, day 7",High risk\nMüller,Elsewhere,Low risk\n'
    contents["CD1-study-data/CD1-risk-of-bias.csv"] = judged
    for name, text in contents.items():
        (out / Path(name).name).write_text(text, encoding="utf-8")
    found = import_revman(out)
    assert found.asked is not None
    (own,) = found.asked.rows["risk_of_bias"]
    codes = {row["?domain"] for row in found.asked.rows["continuous"]}
    assert (own["judgement"], {own["outcome"]}) == ("high", codes)
    assert "1 judgements are of results that no analysis asks for: not in the review." in found.remarks


def test_rob_1_beside_data_rows_is_of_the_study_unless_its_rows_differ(tmp_path: Path) -> None:
    folder = judged_rows(tmp_path, "Selective reporting (reporting bias)", "High risk")
    columns = ("study_id", "domain", "outcome", "judgement")
    read = [row for row in chosen(import_revman(folder), "risk_of_bias", *columns) if "sel" in row[1]]
    assert read == [
        (name, "selective_reporting", "", "high") for name in ("Muller2001", "ONeil2003", "Zak2010")
    ]


def test_a_review_with_rob_2_of_each_result_is_judged_result_by_result(tmp_path: Path) -> None:
    domain = "Bias arising from the randomization process"
    folder = judged_rows(tmp_path, domain, "Some concerns", "High risk", "Low risk")
    out = tmp_path / "new"
    result = CliRunner().invoke(main, ["import", "revman", str(folder), "--out", str(out)])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(main, ["check", str(out / "review" / "config.yaml")])
    assert result.exit_code == 0, result.output


def test_an_interval_without_width_is_no_total(tmp_path: Path) -> None:
    tables = rows()
    tables["settings"][4] |= {"Mean": "0", "CI start": "0", "CI end": "0"}
    assert totals(import_revman(package(tmp_path, 2, tables)))[-1]["remark"].startswith("the file stores no")


def test_each_analysis_is_asked_by_its_own_rules(tmp_path: Path) -> None:
    files_of = with_own_review(import_revman(package(tmp_path)), {}).files
    config = files_of["review/config.yaml"]
    for said in ("measure: HR", "method: mh", "method: peto", "subgroups:", "favours: [Favours laser"):
        assert said in config


# Encodings, zips, folders


@pytest.mark.parametrize(
    ("encoding", "separator", "says"),
    [
        ("utf-8", ",", ""),
        ("utf-16", "\t", "separated by tabs"),
        ("utf-8-sig", ";", "separated by semicolons"),
        ("cp1252", ",", "read as Windows-1252"),
    ],
)
def test_what_spreadsheets_make_of_it_is_read(
    tmp_path: Path, encoding: str, separator: str, says: str
) -> None:
    for name, text in files().items():
        lines = csv.reader(io.StringIO(text.lstrip("\ufeff")))
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(lines)
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes(out.getvalue().encode(encoding, "replace"))
    candidates = import_revman(tmp_path / "x")
    assert {row["agree"] for row in totals(candidates)} == {"yes"}
    assert any(says in remark for remark in candidates.remarks)


@pytest.mark.parametrize(
    "path", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:/x.csv"]
)
def test_a_zip_whose_paths_climb_out_is_refused(tmp_path: Path, path: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(path, "Study\n")
    with pytest.raises(InputError, match="leads out of the zip"):
        import_revman(tmp_path / "x.zip")


def test_a_zip_within_the_zip_is_read_as_the_cochrane_library_gives_it(tmp_path: Path) -> None:
    inner = package(tmp_path).read_bytes()
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("CD1/CD1-files/CD1-data.zip", inner)
        archive.writestr("CD1/CD1-article.pdf", b"%PDF")
    assert len(read_review(tmp_path / "whole.zip").outcomes) == 5


def changed(tables: dict[str, list[Any]], table: str, at: int, **cells: object) -> dict[str, list[Any]]:
    tables[table][at] |= {name.replace("_", " "): value for name, value in cells.items()}
    return tables


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        (changed(rows(), "data_rows", 0, Experimental_cases="4,5"),
         "row 2.*Experimental cases.*4,5.*not a number.*decimal point"),
        (changed(rows(), "data_rows", 3, Study=""), "data-rows.csv, row 5.*Study.*empty.*name the study"),
        (changed(rows(), "data_rows", 0, Analysis_number=9),
         "row 2.*Analysis number.*'9'.*settings hold no such"),
        (changed(rows(), "study_information", 1, Study="Müller"), "row 3.*Study.*Müller.*stands twice"),
        ({k: v for k, v in rows().items() if k != "settings"}, "settings of the analyses are missing"),
        (changed(studies_only(), "study_results", 0, Arm="Lasr"), "row 2.*Arm.*'Lasr'.*not an arm.*'Laser'"),
        (changed(studies_only(), "study_results", 2, Outcome=""), "row 4.*Outcome.*empty"),
        ({"study_information": rows()["study_information"]}, "no table of a review"),
    ],
)  # fmt: skip
def test_faults_name_file_row_column_value_and_remedy(tmp_path: Path, tables: Any, says: str) -> None:
    with pytest.raises(InputError, match=f"(?s){says}"):
        import_revman(package(tmp_path, 2, tables))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.zip", b"PK\x03\x04broken", "the zip cannot be read"),
        ("CD2-parameters.csv", b"Study\n", "diagnostic test accuracy"),
        ("x.csv", b"\x00\x01\x02,\n", "no encoding that can be read"),
        ("x.csv", b"Study,Study\na,b\n", "stands twice"),
        ("x.csv", b"Study,Year\na,2001,9\n", "row 2.*3 cells where the head has 2"),
    ],
)
def test_what_is_no_package_is_refused_plainly(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"(?s){says}"):
        import_revman(tmp_path / name)


def test_a_missing_column_is_named_with_the_likely_one(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name, text in files().items():
        (tmp_path / "x" / Path(name).name).write_text(
            text.replace("Control SD", "Control S.D."), encoding="utf-8"
        )
    with pytest.raises(InputError, match=r"Control SD.*the column is missing.*Control S\.D\."):
        import_revman(tmp_path / "x")


BITS = (
    '"',
    ",",
    "NaN",
    "1e400",
    "-0",
    "\0",
    "=1+1",
    "%",
    "#N/A",
    "PETO",
    "Contrast level",
    "9" * 40,
    "REML",
    "0%",
)


@settings_of(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([1, 2]),
    table=st.integers(0, 4),
    at=st.floats(0, 1),
    bit=st.sampled_from(BITS),
    cut=st.integers(0, 4),
)
def test_a_damaged_package_is_read_or_refused_never_worse(
    tmp_path_factory: pytest.TempPathFactory, version: int, table: int, at: float, bit: str, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("x")
    for number, (name, text) in enumerate(files(version).items()):
        place = int(at * len(text))
        damaged = text[:place] + bit + text[place + cut :] if number == table else text
        (folder / Path(name).name).write_text(damaged, encoding="utf-8")
    with contextlib.suppress(InputError):
        with_own_review(import_revman(folder), {})


# Study-centric tables


def test_results_by_arm_and_by_contrast(tmp_path: Path) -> None:
    candidates = import_revman(package(tmp_path, 2, studies_only()))
    assert len(candidates.rows["events"]) == 2 * len(EVENTS)
    entered = ("study_id", "arm", "centre", "spread_type", "n", "weeks")
    assert chosen(candidates, "continuous", *entered)[1] == ("Muller2001", "sham", "4.4", "se", "42", "4")
    contrast = ("arm_1", "arm_2", "measure", "estimate", "spread_type", "spread_low", "p_value")
    wanted = ("laser", "sham", "log_hazard_ratio", "-0.41", "se", "0.21", "0.04")
    assert chosen(candidates, "contrasts", *contrast)[0] == wanted
    assert chosen(candidates, "arms", "arm", "role", "category")[:2] == [
        ("laser", "", ""),
        ("sham", "control", "sham"),
    ]
    assert "revman_totals.csv" not in candidates.files


def test_what_studies_report_is_asked_for_each_pair_of_interventions(tmp_path: Path) -> None:
    tables = studies_only()
    for row in (*tables["study_arms"], *tables["study_results"]):
        row |= {"Arm": "Group 1"} if row["Arm"] == "Laser" else {}
    candidates = import_revman(package(tmp_path, 2, tables))
    assert candidates.asked is not None
    asked = [(each.measure, each.table, each.title) for each in candidates.asked.questions]
    assert asked == [
        ("RR", "events", "Pain at rest: Laser versus Sham laser"),
        ("MD", "continuous", "VAS, week 4: Laser versus Sham laser"),
        ("HR", "contrasts", "Relapse: Laser versus Sham laser"),
    ]


def test_without_a_named_control_the_last_arm_is_one_in_the_review_alone(tmp_path: Path) -> None:
    tables = studies_only()
    for row in tables["study_arms"]:
        row["Intervention"] = {"Laser": "Drug A", "Sham": "Drug B"}[str(row["Arm"])]
    del tables["study_results"][6:]
    candidates = import_revman(package(tmp_path, 2, tables))
    assert {role for (role,) in chosen(candidates, "arms", "role")} == {""}
    assert candidates.asked is not None
    assert [each.title for each in candidates.asked.questions] == ["Pain at rest: Drug A versus Drug B"]


def test_covidence_is_read_by_the_same_tables_and_further_ones_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "covidence"
    folder.mkdir()
    for name, text in files(2, studies_only()).items():
        (folder / f"review_1_{Path(name).stem[4:]}.csv").write_text(text, encoding="utf-8")
    (folder / "review_1_study-custom-results.csv").write_text("Study,My label\nMüller,3\n", encoding="utf-8")
    out = tmp_path / "new"
    result = CliRunner().invoke(main, ["import", "covidence", str(folder), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "review_1_study-custom-results.csv is no table that can be read: left out" in result.output
    result = CliRunner().invoke(main, ["check", str(out / "review" / "config.yaml")])
    assert result.exit_code == 0, result.output


def test_rob_2_is_known_by_its_domains_and_keeps_the_result_it_judges(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    tables = files(2, studies_only())
    domain = "Bias arising from the randomization process"
    head = f"Study,Outcome,Domain (judgement): {domain},Domain (support): {domain}"
    lines = "Müller,Pain,Some concerns,no word of it\nMüller,Relapse,High risk,\nŻak,Pain,Not applicable,\n"
    tables["CD1-study-data/CD1-risk-of-bias.csv"] = f"{head}\n{lines}"
    for name, text in tables.items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    candidates = import_revman(folder)
    judged = chosen(candidates, "risk_of_bias", "tool", "domain", "outcome", "judgement")
    code = "randomisation_process"
    assert judged == [("RoB2", code, "pain", "some_concerns"), ("RoB2", code, "relapse", "high")]
    assert "Pain; no word of it" in candidates.rows["risk_of_bias"][0]["note"]
    assert any("not applicable" in remark for remark in candidates.remarks)


def test_means_of_arms_and_logs_are_all_there(tmp_path: Path) -> None:
    review = read_review(package(tmp_path))
    assert [len(outcome.data) for outcome in review.outcomes] == [
        *map(len, (EVENTS, MEANS, LOGS, TALLIES, EVENTS))
    ]
