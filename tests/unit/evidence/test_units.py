"""Results in another unit than that of their instrument are converted, or left as they are."""

import pandas as pd
import pytest

from trialpool.evidence.scales import in_usual_units
from trialpool.vocabulary import load_vocabulary

CATALOGUE = {"instruments": {"LDL": {"unit": "mmol/l"}, "STAY": {"unit": "days"}, "NRS": {"unit": "points"}}}


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "vocabulary.yaml"
    file.write_text("domains: {lipids: {outcomes: {LDL: {equivalent: {mmol/l: 1, mg/dl: 38.67}}}}}", "utf-8")
    return load_vocabulary(str(file))


def rows(*cells, **more):
    names = ("domain", "instrument", "unit")
    frame = pd.DataFrame([dict(zip(names, row, strict=True)) for row in cells])
    return frame.assign(item="", derivation=[("as printed",)] * len(cells), **more)


def test_arms_are_in_the_unit_of_their_instrument(words):
    given = rows(
        *(("length_of_stay", "STAY", "weeks"), ("length_of_stay", "STAY", "days")),
        *(("lipids", "LDL", "mg/dl"), ("pain", "NRS", "percent"), ("pain", "OTHER", "mm")),
        **{"mean": [2.0, 14.0, 116.01, 30.0, 5.0], "sd": [1.0, 7.0, 38.67, 9.0, 1.0]},
        **{"sd_before": [float("nan"), 6.0, 19.335, 9.0, 1.0]},
    )
    made = in_usual_units(given, CATALOGUE, words)
    assert made["unit"].tolist() == ["days", "days", "mmol/l", "percent", "mm"]
    assert made["mean"].tolist() == pytest.approx([14.0, 14.0, 3.0, 30.0, 5.0])
    assert made["sd"].tolist() == pytest.approx([7.0, 7.0, 1.0, 9.0, 1.0])
    assert made["sd_before"][2] == pytest.approx(0.5)
    assert made["derivation"][0] == ("as printed", "converted from weeks to days (×7)")
    assert made["derivation"][1] == ("as printed",)
    assert given["unit"][0] == "weeks", "the summaries themselves stay as they were"


def test_of_contrasts_only_differences_have_a_unit_to_convert(words):
    measures = ["mean_difference", "change_difference", "smd", "ratio_of_means"]
    given = rows(*[("length_of_stay", "STAY", "weeks")] * 4, measure=measures, estimate=1.0, se=0.5)
    made = in_usual_units(given, CATALOGUE, words)
    assert made["estimate"].tolist() == [7.0, 7.0, 1.0, 1.0]
    assert made["se"].tolist() == [3.5, 3.5, 0.5, 0.5]
    assert [len(steps) for steps in made["derivation"]] == [2, 2, 1, 1]


def test_what_needs_no_conversion_is_not_copied(words):
    given = rows(("length_of_stay", "STAY", "days"), mean=[3.0])
    assert in_usual_units(given, CATALOGUE, words) is given
