"""A review of a file's own analyses: the rules of the file, stand-ins that are told, and no fault."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from registry_record import RECORD
from rm5 import FIRST, SECOND, THIRD, cont, dich, key, labels, review, tag

from trialpool.cli import main
from trialpool.exchange.candidates import Candidates, parse_fill, write_candidates
from trialpool.exchange.own_review import _stood_in, with_own_review
from trialpool.exchange.registry import import_registry
from trialpool.exchange.revman import import_revman
from trialpool.exchange.workbook import import_workbook
from trialpool.jobs import check_review

GRAPH = "<GRAPH_LABEL_1>{}</GRAPH_LABEL_1><GRAPH_LABEL_2>{}</GRAPH_LABEL_2>"
MEANS = {"EFFECT_MEASURE": "MD", "METHOD": "IV", "RANDOM": "NO", "CI_TOTAL": "90", "UNITS": "points"}
COUNTS = {"EFFECT_MEASURE": "OR", "METHOD": "PETO", "RANDOM": "NO", "SUBGROUPS": "NO", "TOTALS": "YES"}


def written(candidates: Candidates, out: Path, *fill: str) -> dict[str, Any]:
    """The configuration of the review in a new folder, which has no fault."""
    known = parse_fill(fill)
    write_candidates(with_own_review(candidates, known), out, known)
    config: dict[str, Any] = yaml.safe_load((out / "review" / "config.yaml").read_text(encoding="utf-8"))
    return config


def imported(folder: Path, extra: str = "", *fill: str) -> Mapping[str, Any]:
    """The analyses of a RevMan file with `extra` outcomes, by their numbers."""
    path = folder / "laser.rm5"
    path.write_text(review("UTF-8", extra), encoding="utf-8")
    config = written(import_revman(path), folder / "new", *fill)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "new" / "review")
        assert check_review("config.yaml")["analyses"] == len(config["analyses"])
    return {entry["title"].split(" ")[0]: entry for entry in config["analyses"].values()}


def rows(folder: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(folder / "new" / "review" / "data" / f"{table}.csv")


def test_each_stored_analysis_is_asked_by_its_own_rules(tmp_path: Path) -> None:
    asked = imported(tmp_path)
    assert [*asked] == ["1.1", "1.2"]
    events, means = asked.values()
    assert events["title"] == "1.1 Pain at rest: Laser versus sham"
    assert (events["measure"], events["method"], events["subgroups"]) == ("RR", "mh", "instrument")
    assert "tau2_method" not in events
    assert (means["measure"], "tau2_method" in means, "subgroups" in means) == ("MD", False, False)
    assert [(each["experimental_name"], each["control_name"]) for each in (events, means)] == [
        ("Laser", "Sham laser")
    ] * 2
    assert (events["experimental"], events["control"]) == (["laser"], ["sham"])
    assert "In the RevMan file by Mantel-Haenszel, fixed effect: RR 0.441 (0.241 to 0.806)." in events["note"]
    assert "Here it is pooled" not in events["note"]
    config = yaml.safe_load((tmp_path / "new" / "review" / "config.yaml").read_text(encoding="utf-8"))
    assert config["defaults"] == {
        **{"tau2_method": "DL", "interval": "wald", "forest": "revman", "zero_cells": "revman"}
    }
    words = yaml.safe_load((tmp_path / "new" / "review" / "vocabulary.yaml").read_text(encoding="utf-8"))
    assert words["conditions"] == {"LASER_FOR_PAIN_NUMBNESS": "Laser for pain & numbness"}
    assert sorted(words["short"].values()) == ["Week 12", "Week 4"]


def test_candidate_rows_stay_empty_and_every_stand_in_is_told(tmp_path: Path) -> None:
    imported(tmp_path)
    assert pd.read_csv(tmp_path / "new" / "events.csv")["domain"].isna().all()
    assert rows(tmp_path, "events")["domain"].eq("pain_at_rest").all()
    report = (tmp_path / "new" / "IMPORT.md").read_text(encoding="utf-8")
    assert "Stand-ins in review/data/events.csv, timepoint: end_of_treatment (6 cells)." in report
    assert "Stand-ins in review/data/studies.csv, design: parallel (3 cells)." in report
    assert rows(tmp_path, "studies")["source_url"].eq("https://doi.org/10.1002/14651858.CD000001").all()


def test_what_is_filled_in_goes_before_stand_ins(tmp_path: Path) -> None:
    fill = ("condition=NUMBNESS", "category=other", "timepoint=follow_up", "events.domain=responder")
    asked = imported(tmp_path, "", *fill)["1.1"]
    assert (asked["condition"], asked["domain"], asked["better"]) == ("NUMBNESS", "responder", "higher")
    assert (asked["experimental"], asked["control"]) == (["other"], ["sham"])
    assert asked["timepoint"] == ["follow_up"]


@pytest.mark.parametrize(
    ("left", "right", "better"),
    [
        ("Favours laser", "Favours sham laser", "lower"),
        ("Favours sham laser", "Favours laser", "higher"),
        ("Favours control", "Favours laser", "higher"),
        ("Better", "Worse", "lower"),
    ],
)
def test_favours_words_are_those_stored_and_tell_the_direction(
    tmp_path: Path, left: str, right: str, better: str
) -> None:
    body = labels("Sleep") + GRAPH.format(left, right) + cont(FIRST)
    asked = imported(tmp_path, tag("CONT_OUTCOME", body, NO=3, **MEANS))["1.3"]
    assert (asked["favours"], asked["better"]) == ([left, right], better)
    assert (asked["level"], asked["tau2_method"]) == (0.9, "FE")


def test_outcomes_of_one_name_keep_to_their_own_numbers(tmp_path: Path) -> None:
    extra = tag("CONT_OUTCOME", labels("Pain, VAS") + cont(FIRST).replace('MEAN_1="3.1"', 'MEAN_1="3.9"'),
                NO=3, **MEANS)  # fmt: skip
    asked = imported(tmp_path, extra)
    codes = [asked[number]["outcomes"] for number in ("1.2", "1.3")]
    assert codes == [["PAIN_VAS_1_2"], ["PAIN_VAS_1_3"]]
    table = rows(tmp_path, "continuous")
    assert table[table["instrument"] == "PAIN_VAS_1_3"]["centre"].tolist() == [3.9, 4.4]


def test_people_without_the_event_are_counted_where_revman_does(tmp_path: Path) -> None:
    extra = tag("DICH_OUTCOME", labels("Cure") + dich(FIRST), NO=3, SWAP_EVENTS="YES", **COUNTS)
    asked = imported(tmp_path, extra)["1.3"]
    own = rows(tmp_path, "events").query("outcome == 'cure'")
    assert own["events"].tolist() == [36, 31]
    assert own["count_from"].eq("complement").all()
    assert asked["method"] == "peto"
    assert "by Peto, fixed effect." in asked["note"]


def test_a_trial_in_several_subgroups_counts_once(tmp_path: Path) -> None:
    parts = [(FIRST, SECOND), (FIRST, THIRD)]
    body = "".join(
        tag("DICH_SUBGROUP", f"<NAME>Week {number}</NAME>{''.join(map(dich, names))}", NO=number)
        for number, names in enumerate(parts, 1)
    )
    extra = tag("DICH_OUTCOME", labels("Cure") + body, NO=3, **COUNTS | {"SUBGROUPS": "YES"})
    asked = imported(tmp_path, extra)
    assert [number for number in asked if number.startswith("1.3")] == ["1.3.1", "1.3.2"]
    report = (tmp_path / "new" / "IMPORT.md").read_text(encoding="utf-8")
    assert "Analysis 1.3 (Cure) is asked by subgroup, without its total" in report


def test_groups_without_a_total_stay_without_one(tmp_path: Path) -> None:
    body = "".join(tag("DICH_SUBGROUP", f"<NAME>{name}</NAME>{dich(name)}", NO=1) for name in (FIRST, SECOND))
    extra = tag("DICH_OUTCOME", labels("Cure") + body, NO=3, **COUNTS | {"TOTALS": "SUB"})
    assert imported(tmp_path, extra)["1.3"]["total"] is False


def test_a_stored_estimate_is_asked_by_its_measure_or_named(tmp_path: Path) -> None:
    stored = {"STUDY_ID": key(FIRST), "EFFECT_SIZE": "0.6", "CI_START": "0.4", "CI_END": "0.9"}
    datum = tag("IV_DATA", "", **stored)
    extra = "".join(
        tag("IV_OUTCOME", f"{labels(name)}<EFFECT_MEASURE>{measure}</EFFECT_MEASURE>{datum}", NO=number)
        for number, name, measure in ((3, "Relapse", "Odds Ratio"), (4, "Speed", "Vigour"))
    )
    asked = imported(tmp_path, extra)
    assert asked["1.3"]["measure"] == "OR"
    assert "1.4" not in asked
    report = (tmp_path / "new" / "IMPORT.md").read_text(encoding="utf-8")
    assert "Analysis 1.4 (Speed) is not asked: a review does not pool Vigour." in report


def test_a_record_asks_its_outcome_measures(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    record = copy.deepcopy(RECORD)
    record["protocolSection"]["conditionsModule"] = {"conditions": ["22q11 deletion"]}
    path.write_text(json.dumps(record), encoding="utf-8")
    config = written(import_registry(path), tmp_path / "new")
    assert len(config["analyses"]) > 3
    for entry in config["analyses"].values():
        assert set(entry["experimental"]).isdisjoint(entry["control"])
        assert entry["condition"] == "X22Q11_DELETION"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "new" / "review")
        check_review("config.yaml")


def test_the_command_says_how_to_draw_them(tmp_path: Path) -> None:
    (tmp_path / "laser.rm5").write_text(review("UTF-8"), encoding="utf-8")
    out = tmp_path / "new"
    result = CliRunner().invoke(main, ["import", "revman", str(tmp_path / "laser.rm5"), "--out", str(out)])
    assert f"its own analyses run: trialpool run {out}/review/config.yaml" in result.output
    result = CliRunner().invoke(main, ["check", str(out / "review" / "config.yaml")])
    assert "      2  analyses" in result.output
    assert "No faults found." in result.output


def test_a_workbook_asks_what_its_trials_compare(tmp_path: Path) -> None:
    from openpyxl import Workbook

    from trialpool.contracts import TABLES

    book = Workbook()
    cells: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    for study, counts in {"Lee2001": (4, 40, 11, 42), "Kim2003": (6, 51, 9, 49)}.items():
        for arm, (events, n) in zip(("yoga", "sham"), (counts[:2], counts[2:]), strict=True):
            role = "experimental" if arm == "yoga" else "control"
            own = {"study_id": study, "arm": arm}
            cells["arms"].append({**own, "role": role, "category": arm, "label": arm})
            own |= {"domain": "recurrence", "outcome": "attack", "timepoint": "end_of_treatment"}
            own |= {"source_url": "https://example.org/1", "locator": "Table 1"}
            cells["events"].append({**own, "events": events, "n": n})
        own = {"study_id": study, "condition": "MIGRAINE", "design": "parallel", "purpose": "treatment"}
        cells["studies"].append({**own})
    for name, table in TABLES.items():
        sheet = book.create_sheet(name)
        sheet.append(list(table.names))
        for line in cells[name]:
            sheet.append([line.get(column, "") for column in table.names])
    book.save(tmp_path / "trials.xlsx")
    config = written(import_workbook(tmp_path / "trials.xlsx"), tmp_path / "new")
    (entry,) = config["analyses"].values()
    assert (entry["title"], entry["measure"]) == ("Recurrence: yoga versus sham", "RR")
    assert (entry["condition"], entry["domain"], entry["outcomes"]) == ("MIGRAINE", "recurrence", ["attack"])
    assert (entry["experimental"], entry["control"], entry["better"]) == (["yoga"], ["sham"], "lower")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "new" / "review")
        assert check_review("config.yaml")["events"] == 4


def test_a_workbook_with_slips_is_brought_in_all_the_same(tmp_path: Path) -> None:
    from openpyxl import Workbook

    from trialpool.contracts import ARMS, EVENTS

    book = Workbook()
    for table in (ARMS, EVENTS):
        book.create_sheet(table.name).append(list(table.names))
    book["arms"].append(["Lee2001", "yoga", "Treatment", "yoga", "yoga"])
    book["arms"].append(["Lee2001", "sham", "control", "sham", "sham"])
    for arm in ("yoga", "sham", "other"):
        book["events"].append(["Lee2001", arm, "", "attack", *[""] * 5, 4, 40])
    book.save(tmp_path / "trials.xlsx")
    candidates = with_own_review(import_workbook(tmp_path / "trials.xlsx"), {})
    assert "No analysis of its own can be drawn: no outcome has rows of two sides." in candidates.remarks
    book["arms"]["C2"] = "experimental"
    book.save(tmp_path / "trials.xlsx")
    files = with_own_review(import_workbook(tmp_path / "trials.xlsx"), {}).files
    assert "condition: CONDITION" in files["review/config.yaml"]


def test_rows_of_the_baseline_get_their_stand_ins_too() -> None:
    base = {"study_id": "A", "arm": "a", "instrument": "NRS", "weeks": "0"}
    rows = {"continuous": [base, base | {"timepoint": "baseline"}]}
    whole, _ = _stood_in(rows, {})
    assert [(row["timepoint"], row["unit"]) for row in whole["continuous"]] == [("baseline", "points")] * 2
