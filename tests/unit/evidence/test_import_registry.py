"""Registry records: groups, denominators, parameter and spread types, classes, analyses, adverse events."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from registry_record import RECORD

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.exchange.candidates import parse_fill, write_candidates
from trialpool.exchange.registry import import_registry


@pytest.fixture
def record() -> dict[str, Any]:
    return copy.deepcopy(RECORD)


def imported(tmp_path: Path, record: Any) -> Any:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return import_registry(path)


def chosen(rows: Any, **cells: str) -> list[dict[str, str]]:
    return [row for row in rows if all(row.get(name) == value for name, value in cells.items())]


def test_the_study_and_its_arms(tmp_path: Path, record: dict[str, Any]) -> None:
    rows = imported(tmp_path, record).rows
    (study,) = rows["studies"]
    wanted = {"study_id": "NCT01234567", "year": "2019", "country": "Austria, Korea", "pmid": "12345"}
    wanted |= {"design": "parallel", "purpose": "treatment", "n_randomised": "62", "source_type": "registry"}
    assert {name: study[name] for name in wanted} == wanted
    first, second = rows["arms"]
    assert (first["arm"], first["role"], first["category"], first["n_randomised"]) == (
        *("electroacupuncture", "experimental", "", "32"),
    )
    assert (second["role"], second["category"]) == ("control", "sham")


def test_means_with_their_spread_and_denominator(tmp_path: Path, record: dict[str, Any]) -> None:
    row = chosen(imported(tmp_path, record).rows["continuous"], instrument="CHANGE_IN_PAIN_NRS")[0]
    wanted = {"measure": "change", "n": "30", "centre_type": "mean", "centre": "-2.1", "weeks": "8"}
    wanted |= {"spread_type": "sd", "spread_low": "1.5", "spread_high": "", "unit": "points"}
    assert {name: row[name] for name in wanted} == wanted
    assert "outcome measure 1 (primary)" in row["locator"]


def test_classes_carry_their_own_denominators_and_become_items(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    candidates = imported(tmp_path, record)
    median = chosen(candidates.rows["continuous"], item="median nerve")
    assert [row["n"] for row in median] == ["25", "24"]
    assert (median[0]["spread_type"], median[0]["spread_low"], median[0]["spread_high"]) == (
        "ci95",
        "41.0",
        "45.2",
    )
    assert median[0]["centre_type"] == "lsmean"
    assert median[0]["weeks"] == ""  # the time frame names several
    (sural,) = chosen(candidates.rows["continuous"], item="sural nerve, week 12")
    assert (sural["centre"], sural["n"], sural["spread_type"], sural["weeks"]) == ("39.0", "28", "none", "12")
    assert any("no usable number" in remark for remark in candidates.remarks)


def test_categories_of_counts_become_events(tmp_path: Path, record: dict[str, Any]) -> None:
    rows = imported(tmp_path, record).rows["events"]
    better = chosen(rows, outcome="global_impression_improved")
    assert [(row["arm"], row["events"], row["n"]) for row in better] == [
        ("electroacupuncture", "18", "30"),
        ("sham_procedure", "9", "28"),
    ]
    assert len(chosen(rows, outcome="global_impression_not_improved")) == 2


def test_types_written_as_constants_or_in_words_are_the_same(tmp_path: Path, record: dict[str, Any]) -> None:
    measures = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    before = imported(tmp_path, record).rows["continuous"]
    measures[0] |= {"paramType": "Mean", "dispersionType": "STANDARD_DEVIATION"}
    measures[1] |= {"paramType": "Least Squares Mean", "dispersionType": "CONFIDENCE_95"}
    assert imported(tmp_path, record).rows["continuous"] == before


def test_what_fits_no_table_is_named(tmp_path: Path, record: dict[str, Any]) -> None:
    remarks = imported(tmp_path, record).remarks
    assert any("Geometric mean of X" in remark and "not imported" in remark for remark in remarks)
    assert any("not of two groups" in remark for remark in remarks)


def test_analyses_become_contrasts(tmp_path: Path, record: dict[str, Any]) -> None:
    (row,) = imported(tmp_path, record).rows["contrasts"]
    wanted = {"arm_1": "electroacupuncture", "arm_2": "sham_procedure", "measure": "mean_difference"}
    wanted |= {"estimate": "-1.2", "spread_type": "ci95", "spread_low": "-2.0", "spread_high": "-0.4"}
    wanted |= {"p_value": "0.004"}
    assert {name: row[name] for name in wanted} == wanted
    assert "to be checked" in row["note"]


@pytest.mark.parametrize(
    ("change", "spread"),
    [
        ({"ciPctValue": "90"}, "ci90"),
        ({"ciPctValue": "99.0"}, "ci99"),
        ({"ciPctValue": "97.5"}, "none"),
        ({"ciNumSides": "ONE_SIDED"}, "none"),
        (
            {"ciPctValue": "80", "dispersionType": "Standard Error of the Mean", "dispersionValue": "0.4"},
            "se",
        ),
        ({"paramType": "Odds Ratio (OR)", "ciPctValue": "", "dispersionType": "Standard Error"}, "none"),
    ],
)
def test_only_a_two_sided_interval_of_a_level_that_the_codebook_has_is_one(
    tmp_path: Path, record: dict[str, Any], change: dict[str, str], spread: str
) -> None:
    record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0].update(change)
    candidates = imported(tmp_path, record)
    (row,) = candidates.rows["contrasts"]
    assert row["spread_type"] == spread
    assert any("interval of an analysis is not imported" in remark for remark in candidates.remarks) == (
        not spread.startswith("ci")
    )


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        # names as ClinicalTrials.gov offers them; e to the power of .4, .1 and .7
        (
            "Hazard Ratio, log",
            ("0.40", "0.10", "0.70"),
            ("hazard_ratio", "1.491824698", "1.105170918", "2.013752707"),
        ),
        (
            "Odds Ratio, log",
            ("-0.40", "-0.70", "-0.10"),
            ("odds_ratio", "0.670320046", "0.4965853038", "0.904837418"),
        ),
        ("Hazard Ratio (HR)", ("0.8", "0.6", "1.1"), ("hazard_ratio", "0.8", "0.6", "1.1")),
        ("Ratio of geometric LS means", ("0.8", "0.6", "1.1"), ("ratio_of_means", "0.8", "0.6", "1.1")),
        ("Geometric LS Mean Ratio", ("0.8", "0.6", "1.1"), ("ratio_of_means", "0.8", "0.6", "1.1")),
        (
            "Mean Difference of log-transformed values",
            ("0.4", "0.1", "0.7"),
            ("effect_unspecified", "0.4", "0.1", "0.7"),
        ),
        ("Risk Ratio, log", ("400", "-900", "900"), ("effect_unspecified", "400", "-900", "900")),
    ],
)
def test_logarithms_are_no_ratios_and_ratios_of_means_no_differences(
    tmp_path: Path, record: dict[str, Any], name: str, values: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    analysis = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]
    analysis |= dict(zip(("paramValue", "ciLowerLimit", "ciUpperLimit"), values, strict=True)) | {
        "paramType": name
    }
    (row,) = imported(tmp_path, record).rows["contrasts"]
    assert tuple(row[key] for key in ("measure", "estimate", "spread_low", "spread_high")) == wanted
    assert ("logarithms" in row["note"]) == ("log" in name and wanted[0] != "effect_unspecified")


@pytest.mark.parametrize(
    ("title", "classes", "measures"),
    [
        (
            "Change From Baseline in Pain",
            ("Baseline", "Week 12", "Change at Week 12"),
            ("final", "final", "change"),
        ),
        ("Change From Baseline in Pain", ("Baseline", "Week 12"), ("final", "")),
        ("Change From Baseline in Pain", ("Week 4", "Week 12"), ("change", "change")),
        ("Changes From Baseline in GISS Cumulative Score", ("",), ("change",)),
        ("Mean Change in Pain Score From the Baseline Visit", ("",), ("change",)),
        ("Pain", ("Baseline", "Week 12", "Change From Baseline"), ("final", "final", "change")),
        ("Pain From Baseline to Week 8", ("",), ("final",)),
    ],
)
def test_a_class_says_whether_its_values_are_changes(
    tmp_path: Path, record: dict[str, Any], title: str, classes: tuple[str, ...], measures: tuple[str, ...]
) -> None:
    outcome = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    outcome["title"] = title
    outcome["classes"] = [{**outcome["classes"][0], "title": name} for name in classes]
    rows = imported(tmp_path, record).rows["continuous"]
    code = imported(tmp_path, record).rows["continuous"][0]["instrument"]
    first = [row for row in rows if row["instrument"] == code and row["arm"] == "electroacupuncture"]
    assert tuple(row["measure"] for row in first) == measures
    for row, name in zip(first, classes, strict=True):
        assert (row["timepoint"] == "baseline") == (name == "Baseline")
        assert name != "Baseline" or row["weeks"] == "0"


@pytest.mark.parametrize("ids", [[[], "OG000"], [{}, None], ["OG000", 1], "OG000", None])
def test_an_analysis_of_groups_that_are_none_is_left_out(
    tmp_path: Path, record: dict[str, Any], ids: Any
) -> None:
    record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"][0]["groupIds"] = ids
    assert not imported(tmp_path, record).rows["contrasts"]


def test_conditions_that_are_no_list_are_passed_over(tmp_path: Path, record: dict[str, Any]) -> None:
    record["protocolSection"]["conditionsModule"]["conditions"] = 5
    assert imported(tmp_path, record).rows["studies"][0]["population"] == ""


def test_what_is_counted_by_limb_or_spread_in_no_known_way_is_said(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    outcome = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    outcome["denoms"].append({"units": "Feet", "counts": [{"groupId": "OG000", "value": "60"}]})
    outcome["dispersionType"] = "Geometric Coefficient of Variation"
    candidates = imported(tmp_path, record)
    assert chosen(candidates.rows["continuous"], instrument="CHANGE_IN_PAIN_NRS")[0]["n"] == "30"
    assert any("analysed by Feet" in remark for remark in candidates.remarks)
    assert any("Geometric Coefficient of Variation, not imported" in remark for remark in candidates.remarks)


def test_outcomes_alike_up_to_the_cut_keep_codes_of_their_own(tmp_path: Path, record: dict[str, Any]) -> None:
    measures = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    long = "Score of the neuropathy questionnaire in the version for outpatients at the end of treatment: "
    measures.append({**measures[0], "title": f"{long}feet"})
    measures.append({**measures[0], "title": f"{long}hands"})
    rows = imported(tmp_path, record).rows["continuous"]
    assert len({row["instrument"] for row in rows if row["instrument"].startswith("SCORE_OF")}) == 2


def test_adverse_events_deaths_and_withdrawals(tmp_path: Path, record: dict[str, Any]) -> None:
    rows = imported(tmp_path, record).rows["events"]
    counts = {
        (row["domain"], row["outcome"], row["arm"][:4]): (row["events"], row["n"])
        for row in rows
        if "domain" in row
    }
    assert counts["serious_adverse_event", "any", "elec"] == ("1", "30")
    assert counts["serious_adverse_event", "death", "sham"] == ("0", "30")
    assert counts["adverse_event", "any", "elec"] == ("4", "30")
    assert counts["adverse_event", "bruising_at_needle_site", "sham"] == ("1", "30")
    assert counts["withdrawal", "all_causes", "elec"] == ("4", "32")
    assert counts["withdrawal", "adverse_event", "sham"] == ("0", "30")
    assert ("withdrawal", "lack_of_effect", "elec") not in counts


def test_several_periods_leave_withdrawals_out(tmp_path: Path, record: dict[str, Any]) -> None:
    record["resultsSection"]["participantFlowModule"]["periods"] *= 2
    candidates = imported(tmp_path, record)
    assert not chosen(candidates.rows["events"], domain="withdrawal")
    assert any("several periods" in remark for remark in candidates.remarks)


def test_filled_in_candidates_are_valid_evidence(tmp_path: Path, record: dict[str, Any]) -> None:
    filled = ("condition=CIPN", "arms.category=electroacupuncture", "continuous.domain=pain", "better=lower")
    filled += ("timepoint=end_of_treatment", "events.domain=responder", "contrasts.domain=pain")
    write_candidates(imported(tmp_path, record), tmp_path / "new", parse_fill(filled))
    result = CliRunner().invoke(main, ["check", str(tmp_path / "new")])
    assert result.exit_code == 0, result.output


def another(record: dict[str, Any], nct: str, *, posted: bool = True) -> dict[str, Any]:
    """The same record under another number, without its results if they are not `posted`."""
    again = json.loads(json.dumps(record))
    again["protocolSection"]["identificationModule"]["nctId"] = nct
    return again if posted else {"protocolSection": again["protocolSection"]}


def test_every_study_of_a_search_answer_is_taken(tmp_path: Path, record: dict[str, Any]) -> None:
    answer = {
        "studies": [record, another(record, "NCT00000002"), another(record, "NCT00000003", posted=False)]
    }
    candidates = imported(tmp_path, answer)
    assert [row["study_id"] for row in candidates.rows["studies"]] == ["NCT01234567", "NCT00000002"]
    assert "NCT00000003 has no posted results: left out." in candidates.remarks
    assert any(remark.startswith("NCT00000002: Outcome measure") for remark in candidates.remarks)
    one = imported(tmp_path, record)
    for table in ("events", "continuous", "contrasts", "arms"):
        assert len(candidates.rows[table]) == 2 * len(one.rows[table])


def test_several_files_and_folders_are_one_body_of_evidence(tmp_path: Path, record: dict[str, Any]) -> None:
    folder = tmp_path / "records"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps(record))
    (folder / "deep" / "b.json").write_text(json.dumps(another(record, "NCT00000002")))
    (tmp_path / "again.json").write_text(json.dumps(record))
    command = [
        "import",
        "registry",
        str(folder),
        str(tmp_path / "again.json"),
        "--out",
        str(tmp_path / "new"),
    ]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "NCT01234567 stands in several files: the first is taken." in result.output
    result = CliRunner().invoke(main, ["check", str(tmp_path / "new" / "review" / "config.yaml")])
    assert result.exit_code == 0, result.output


def test_every_broken_file_of_a_folder_is_named(tmp_path: Path, record: dict[str, Any]) -> None:
    for name, content in {"a": "{", "b": "[]", "c": json.dumps(record)}.items():
        (tmp_path / f"{name}.json").write_text(content)
    with pytest.raises(InputError) as error:
        import_registry(tmp_path)
    assert [Path(fault.file).name for fault in error.value.faults] == ["a.json", "b.json"]


def test_single_serious_events_are_rows_of_their_own(tmp_path: Path, record: dict[str, Any]) -> None:
    stats = [{"groupId": "EG000", "numAffected": 1, "numAtRisk": 30, "numEvents": 3}]
    stats.append({"groupId": "EG001", "numAffected": 40, "numAtRisk": 30})
    event = {"term": "Death", "organSystem": "General disorders", "stats": stats}
    module = record["resultsSection"]["adverseEventsModule"]
    module["seriousEvents"] = [
        event,
        {**event, "term": "Pain"},
        {**event, "term": "Pain", "organSystem": "Eye"},
    ]
    candidates = imported(tmp_path, record)
    found = chosen(candidates.rows["events"], domain="serious_adverse_event")
    single = [row for row in found if row["outcome"].startswith("serious_")]
    outcomes = [(row["outcome"], row["definition"], row["events"]) for row in single]
    assert outcomes == [
        ("serious_death", "Death", "1"),
        ("serious_pain_general_disorders", "Pain (General disorders)", "1"),
        ("serious_pain_eye", "Pain (Eye)", "1"),
    ]
    assert any(
        remark.startswith("3 numbers of single serious events are not usable")
        for remark in candidates.remarks
    )
    assert any("gives occurrences too (3 numbers)" in remark for remark in candidates.remarks)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not valid JSON"),
        ("[1, 2", "not valid JSON"),
        ("[]", "no API v2 study record"),
        ('{"FullStudiesResponse": {}}', "no API v2 study record"),
        ('{"protocolSection": {"identificationModule": {"nctId": "NCT1"}}}', "not an NCT number"),
        ('{"protocolSection": {"identificationModule": {"nctId": "NCT01234567"}}}', "no posted results"),
        ('{"protocolSection": []}', "not an NCT number"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_what_is_no_record_with_results_is_refused_plainly(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        import_registry(path)
    result = CliRunner().invoke(main, ["import", "registry", str(path), "--out", str(tmp_path / "new")])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not (tmp_path / "new").exists()


def strip(value: Any, removed: str) -> Any:
    if isinstance(value, dict):
        return {key: strip(entry, removed) for key, entry in value.items() if key != removed}
    return [strip(entry, removed) for entry in value] if isinstance(value, list) else value


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for entry in value.values() for key in keys(entry)}
    return {key for entry in value for key in keys(entry)} if isinstance(value, list) else set()


@pytest.mark.parametrize(
    "removed", sorted(keys(RECORD) - {"protocolSection", "resultsSection", "nctId", "identificationModule"})
)
def test_any_field_may_be_absent(tmp_path: Path, removed: str) -> None:
    candidates = imported(tmp_path, strip(RECORD, removed))
    write_candidates(candidates, tmp_path / "new")
    assert (tmp_path / "new" / "studies.csv").exists()
