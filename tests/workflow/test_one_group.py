"""A review that describes one group of each trial, run from its tables: its numbers are metafor's."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.reference.agreement import reference
from trialpool.measures import MEASURES

from .conftest import Review

pytestmark = pytest.mark.workflow
FOLDER = Path(__file__).parent / "foreign" / "one_group"
ANALYSES = {
    "PLO": "vasospasm-improved-hyperdynamic",
    "PR": "vasospasm-improved-raw-hyperdynamic",
    "MN": "stroke-stay-stroke-unit",
    "ZCOR": "chronic-adherence-treated",
    "IRLN": "icu-infections-standard",
    "MC": "back-mc-yoga",
    "SMCC": "back-smcc-yoga",
    "SMCR": "back-smcr-yoga",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_group") / "review"
    shutil.copytree(FOLDER, folder)
    completed = Review(folder).run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return folder / "results"


def record(results, analysis):
    return json.loads((results / "analyses" / analysis / "result.json").read_text("utf-8"))


def told(results, name="index.html"):
    return " ".join(re.sub(r"<[^>]*>", " ", (results / name).read_text("utf-8")).split())


@pytest.mark.parametrize("measure", ANALYSES)
def test_numbers_are_metafors(results, measure):
    theirs, ours = reference("one_group")[measure], record(results, ANALYSES[measure])
    studies = sorted(ours["studies"], key=lambda study: int(study["study_id"][1:]))
    for name in ("effect", "variance"):
        assert [study[name] for study in studies] == pytest.approx(theirs[name], rel=1e-9, abs=1e-12)
    pooled, natural = ours["pooled"], MEASURES[measure].natural
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        assert pooled[name] == pytest.approx(natural(theirs[name]), rel=1e-7)
    assert pooled["tau2"] == pytest.approx(theirs["tau2"], rel=1e-7, abs=1e-12)
    low, high = MEASURES[measure].possible
    assert all(low <= pooled[name] <= high for name in ("ci_low", "ci_high", "pi_low", "pi_high"))


def test_nothing_is_said_of_a_comparison(results):
    for analysis in ANALYSES.values():
        found = record(results, analysis)
        assert (found["control_name"], found["n_control"]) == ("", None)
        assert {row["arm_control"] for row in found["studies"]} == {""}
        assert found["multiverse"] is None
        assert {row.get("conclusion") for row in found["sensitivity"]} == {None}
        forest = (results / "analyses" / analysis / "forest.svg").read_text("utf-8")
        assert "favours" not in forest
        assert "favours" not in " ".join(found["methods"]["text"])
    with (results / "summary.csv").open(newline="") as stream:
        assert {(row["n_control"], row["control"], row["certainty"]) for row in csv.DictReader(stream)} == {
            ("", "", "")
        }


def test_the_page_tells_a_group_in_its_own_numbers(results):
    page = told(results)
    for sentence in (
        "Of 100 people with hyperdynamic therapy, 76 (95% CI 65 to 84) had the event (improvement); 14",
        "In a new, similar trial 43 to 93 of 100 may be expected (95% prediction interval).",
        "The mean of time in hospital with care in a stroke unit was 38.3 days (95% CI 22.5 to 54.1)",
        "Without a control group a change cannot be ascribed to the treatment.",
        "not graded: nothing is compared",
        "one group, not compared",
    ):
        assert sentence in page
    assert "No clear difference between" not in page
    assert "Test of no difference" not in page


def test_zero_events_several_arms_and_other_kinds_are_told(results):
    filled = {row["study_id"]: row["derivation"] for row in record(results, ANALYSES["PLO"])["studies"]}
    assert [study for study, steps in filled.items() if "0.5 added to each cell" in steps] == ["P5", "P8"]
    made = {row["study_id"]: row for row in record(results, ANALYSES["SMCR"])["studies"]}
    assert "2 arms combined (y1 + y2)" in made["Z1"]["derivation"]
    assert [study for study, row in made.items() if row["imputed"]] == ["Z5", "Z6"]
    reasons = {row["reason"] for row in record(results, ANALYSES["SMCR"])["not_used"]}
    assert reasons == {"the analysis is of changes from baseline, not of values at that time"}


def test_methods_say_what_was_done(results):
    texts = {code: " ".join(record(results, slug)["methods"]["text"]) for code, slug in ANALYSES.items()}
    for code, said in (
        ("PLO", "Proportion of one group, pooled as log odds. "),
        ("PLO", "0.5 is added to those with and those without the event where nobody, or everybody, had"),
        ("IRLN", "Rates are made of the events and person-years of the group"),
        ("MN", "Changes from baseline are never taken for values."),
        ("ZCOR", "Correlation in one group, pooled as Fisher's z. "),
        ("SMCC", "after minus before, by the SD of the change (Gibbons et al. 1993)"),
        ("SMCR", "after minus before, by the SD before (Becker 1988)"),
        ("SMCR", "The correlation of both follows from the SDs before, after and of the change"),
        ("MC", "Arms of one trial that are of the group are combined into one"),
    ):
        assert said in texts[code]
    mixed = " ".join(record(results, "vasospasm-improved-hyperdynamic-glmm")["methods"]["text"])
    assert "Random-effects generalised linear mixed model of the events" in mixed
    assert "a random intercept a trial" in mixed


def test_a_mixed_model_of_one_group(results):
    from trialpool import stats

    found = record(results, "vasospasm-improved-hyperdynamic-glmm")
    events = [row["events_experimental"] for row in found["studies"]]
    fit = stats.glmm_single(events, [row["n_experimental"] for row in found["studies"]], measure="PLO")
    assert found["pooled"]["estimate"] == pytest.approx(MEASURES["PLO"].natural(fit.estimate), rel=1e-9)
    plain = record(results, ANALYSES["PLO"])["sensitivity"]
    same = next(row for row in plain if row["kind"] == "sparse")
    assert same["estimate"] == pytest.approx(found["pooled"]["estimate"], rel=1e-9)
