"""A review of rare events, rates and hazards, run from its tables: from the configuration to the page."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from trialpool import stats

from .conftest import Review

pytestmark = pytest.mark.workflow
CATHETERS = Path(__file__).parent / "foreign" / "catheters"
OF = "coated-vs-standard"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events") / "catheters"
    shutil.copytree(CATHETERS, folder)
    completed = Review(folder).run()
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return folder / "results"


def record(results, analysis):
    return json.loads((results / "analyses" / analysis / "result.json").read_text("utf-8"))


def counts(letter, size):
    with (CATHETERS / "raw" / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["study_id"].startswith(letter)]
    sides = [[row for row in rows if row["arm"] == arm] for arm in "as"]
    return [np.array([float(row[name]) for row in side]) for side in sides for name in ("events", size)]


def test_mantel_and_haenszel_by_revmans_rule(results):
    found = record(results, f"icu-infection-{OF}-mh")
    fit = stats.mantel_haenszel(*counts("C", "n"), measure="OR", zero_cells="revman")
    assert found["pooled"]["estimate"] == pytest.approx(np.exp(fit.estimate), rel=1e-9)
    assert found["k"] == 17
    assert [row["label"] for row in found["not_used"] if "events_control" in row] == ["Yucel 2004"]
    forest = (results / "analyses" / f"icu-infection-{OF}-mh" / "forest.svg").read_text("utf-8")
    assert "not estimable" in forest
    assert "not estimable" in (results / "index.html").read_text("utf-8")


def test_a_mixed_model_of_the_events(results):
    found = record(results, f"icu-infection-{OF}-glmm")
    fit = stats.glmm(*counts("C", "n"), model="CM.EL")
    assert found["pooled"]["estimate"] == pytest.approx(np.exp(fit.estimate), rel=1e-9)
    assert found["pooled"]["tau2"] == pytest.approx(fit.tau2, rel=1e-9)
    assert {study["weight"] for study in found["studies"]} == {None}
    assert list(found["small_study"]["methods"]) == ["Harbord", "Peters", "Macaskill", "arcsine"]


def test_rates_over_person_years(results):
    found = record(results, f"icu-infections-{OF}")
    fit = stats.pool(*stats.rate_ratio(*counts("D", "person_years")))
    assert found["pooled"]["estimate"] == pytest.approx(np.exp(fit.estimate), rel=1e-9)
    assert "rate ratio" in (results / "README.md").read_text("utf-8")


def test_hazards_of_every_route_and_no_risk_among_them(results):
    found = record(results, f"cancer-survival-{OF}")
    routes = " ".join(study["derivation"] for study in found["studies"])
    for route in ("SE from 97.5% CI", "logarithm as printed", "log ratio = z/√V", "log ratio = (O − E)/V"):
        assert route in routes
    reasons = [row["reason"] for row in found["not_used"]]
    assert "published as risk ratio, which is never taken for a hazard ratio" in reasons
    assert "Hazard ratios are used as published" in " ".join(found["methods"]["text"])


def test_a_hazard_ratio_has_a_number_needed_to_treat_at_a_time(results):
    found = record(results, f"cancer-survival-{OF}")
    appraisal = json.loads((results / "appraisal.json").read_text("utf-8"))
    (shown,) = appraisal["analyses"][f"cancer-survival-{OF}"]["shown"]["risks"]
    bounds = [found["pooled"][name] for name in ("estimate", "ci_low", "ci_high")]
    fit = stats.absolute_effect("HR", *bounds, 0.4)
    names = {"risk": "risk", "difference_low": "difference_low", "nnt": "number_needed"}
    names |= {f"nnt_{end}": f"number_needed_{end}" for end in ("low", "high")}
    for name, own in names.items():
        assert shown[name] == pytest.approx(float(getattr(fit, own)), rel=1e-9)
    page = re.sub(r"<[^>]*>", " ", (results / "index.html").read_text("utf-8"))
    assert re.search(r"at 24 months.*?NNTB\s+[\d.,]+\s+\(NNTB", page, re.DOTALL)
    assert "suppose that hazards are proportional" in " ".join(found["methods"]["text"])


def test_the_figures_asked_for_are_drawn_where_they_apply(results):
    drawn = {path.parent.name: path.name for path in results.glob("analyses/*/labbe.svg")}
    assert set(drawn) == {
        f"icu-{name}"
        for name in (f"infection-{OF}", f"infections-{OF}", f"infection-{OF}-mh", f"infection-{OF}-glmm")
    }
    assert len(list(results.glob("analyses/*/radial.svg"))) == 5


def test_inverse_variance_is_advised_against_where_events_are_rare(results):
    text = " ".join(record(results, f"icu-infection-{OF}")["methods"]["text"])
    assert re.search(r"Inverse variance is not the best method here, as only [\d.]+% of the people", text)


def test_a_trial_without_any_event_was_read_and_is_not_estimable(results):
    appraisal = json.loads((results / "appraisal.json").read_text("utf-8"))
    certainty = appraisal["analyses"][f"icu-infection-{OF}-mh"]["certainty"]
    assert certainty["unread"].startswith("9 of 27 known trials")  # those that count infections over time
    assert "cannot be used" not in certainty["unread"]
    page = (results / "index.html").read_text("utf-8")
    assert "Nobody, or everybody, had the event in both arms, which is not estimable" in page
