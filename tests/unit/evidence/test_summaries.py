import pytest
from small_review import review

from trialpool.evidence.summaries import harmonise


def arm(**cells):
    table = harmonise(review(continuous=[{"arm": "a", **cells}]))["arms"]
    return table.iloc[0]


def contrast(arms=None, **cells):
    rows = {"contrasts": [{"arm_1": "a", "arm_2": "s", **cells}]}
    if arms:
        rows["arms"] = arms
    return harmonise(review(**rows))["contrasts"].iloc[0]


def test_mean_and_sd_as_printed():
    row = arm()
    assert (row["mean"], row["sd"], row["n"], row["usable"]) == (4.0, 2.0, 20, True)
    assert not row["imputed"]
    assert row["row_ids"] == "continuous.csv:2"


def test_sd_from_se():
    row = arm(spread_type="se", spread_low=0.5, n=16)
    assert row["sd"] == pytest.approx(2.0)
    assert row["derivation"] == ("SD from SE, n = 16",)


def test_sd_from_interval_uses_t():
    # t(9) = 2.262157, so half-width 1 is SE 0.442056, SD 1.397904
    row = arm(centre=2, spread_type="ci95", spread_low=1, spread_high=3, n=10)
    assert row["sd"] == pytest.approx(1.3979040)
    assert row["derivation"] == ("SD from 95% CI with t, n = 10",)


@pytest.mark.parametrize(
    ("centre", "caution"),
    [(2.0, ""), (2.3, "95% CI not symmetric about its estimate"), (3.5, "estimate outside its 95% CI")],
)
def test_odd_intervals_carry_a_caution(centre, caution):
    row = arm(centre=centre, spread_type="ci95", spread_low=1, spread_high=3, n=10)
    assert row["usable"]
    assert row["cautions"] == ((caution,) if caution else ())


def test_median_with_quartiles():
    row = arm(centre_type="median", centre=5, spread_type="iqr", spread_low=3, spread_high=8, n=40)
    assert (row["mean"], row["sd"]) == pytest.approx((5.354875, 3.84464951))
    assert "Luo" in str(row["derivation"])
    assert "Wan" in str(row["derivation"])


def test_median_with_range():
    row = arm(centre_type="median", centre=5, spread_type="range", spread_low=1, spread_high=12, n=40)
    assert (row["mean"], row["sd"]) == pytest.approx((5.30142552, 2.55059960))


def test_skewed_quartiles_are_refused_with_their_statistic():
    row = arm(centre_type="median", centre=3.1, spread_type="iqr", spread_low=3, spread_high=9, n=100)
    assert not row["usable"]
    assert row["reason_code"] == "skewed"
    assert "Shi statistic 0.967, limit 0.264" in row["reason"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"spread_type": "none", "spread_low": None}, "no_spread"),
        ({"spread_low": 0.0}, "no_spread"),
        ({"n": None, "spread_type": "se"}, "no_n"),
        ({"centre_type": "median", "spread_type": "none", "spread_low": None}, "no_spread"),
        (
            {"centre_type": "median", "spread_type": "iqr", "spread_low": 3, "spread_high": 5, "n": 4},
            "too_few",
        ),
        (
            {"centre_type": "median", "centre": 9, "spread_type": "iqr", "spread_low": 3, "spread_high": 5},
            "bad_spread",
        ),
        ({"use": "show_only", "use_reason": "same people twice"}, "held_back"),
    ],
)
def test_what_cannot_be_used_says_why(cells, code):
    row = arm(**cells)
    assert not row["usable"]
    assert row["reason_code"] == code
    assert row["reason"]


def test_number_randomised_stands_in_and_is_marked():
    tables = review(
        arms=[{"arm": "a", "n_randomised": 22}], continuous=[{"arm": "a", "n": None, "note": "n not printed"}]
    )
    row = harmonise(tables)["arms"].iloc[0]
    assert row["n"] == 22
    assert row["imputed"]
    assert row["derivation"][-1] == "n = randomised"
    assert row["cautions"] == ("n not printed",)


def test_events_keep_their_reason():
    held = {"use": "show_only", "use_reason": "counts disagree", "note": "a remark"}
    rows = [{"arm": "a", "events": 21, "n": 20}, {"arm": "s", **held}, {"arm": "a"}]
    table = harmonise(review(events=rows))["events"]
    assert table["reason_code"].tolist() == ["impossible", "held_back", ""]
    assert table["reason"].tolist()[1] == "counts disagree"


def test_the_direction_of_events_is_that_of_their_domain_unless_the_row_says_otherwise():
    rows = [{"arm": "a"}, {"arm": "a", "better": "lower"}, {"arm": "a", "domain": "incidence"}]
    assert harmonise(review(events=rows))["events"]["better"].tolist() == ["higher", "lower", "lower"]


@pytest.mark.parametrize(("spread_type", "quantile"), [("ci90", 1.73406361), ("ci99", 2.87844047)])
def test_intervals_of_other_levels(spread_type, quantile):
    # t(18) at 0.95 and 0.995
    row = contrast(spread_type=spread_type, n_1=10, n_2=10)
    assert row["se"] == pytest.approx(1 / quantile)
    assert row["derivation"] == (f"SE from {spread_type[2:]}% CI with t, df 18",)
    of_arm = arm(spread_type=spread_type, spread_low=3, spread_high=5, n=19)
    assert of_arm["sd"] == pytest.approx(19**0.5 / quantile)


def test_a_row_that_does_not_say_how_often_it_was_read_was_read_once():
    assert arm(reading="")["reading"] == "single"
    assert contrast(reading=None)["reading"] == "single"


def test_doubts_about_a_report_travel_with_its_rows():
    doubt = {"setting_note": "copied", "report_status": "doubted"}
    doubted = harmonise(review(studies=[doubt], continuous=[{"arm": "a"}]))["arms"]
    assert doubted["cautions"].item() == ("copied",)
    plain = harmonise(review(studies=[{"setting_note": "pilot"}], continuous=[{"arm": "a"}]))["arms"]
    assert plain["cautions"].item() == ()


def test_a_mean_with_sd_but_without_any_number_of_people_is_not_used():
    assert arm(n=None)["reason_code"] == "no_n"


def test_counts_that_were_not_printed_say_what_they_come_from():
    rows = [{"arm": "a"}, {"arm": "a", "count_from": "percentage"}, {"arm": "s", "count_from": "complement"}]
    words = [step for (step,) in harmonise(review(events=rows))["events"]["derivation"]]
    assert words[0] == "events as printed"
    assert words[1:] == [
        "events worked out from the printed percentage",
        "events = people less those printed without the event",
    ]
