"""The effect over the dose: its line by hand, whom it leaves out, what it refuses and cautions against."""

import math
from dataclasses import replace

import pytest

from tests.unit.synthesis.made_up import SPEC, effect, effects
from trialpool.records import DoseResponse, Record, from_json, to_json
from trialpool.stats import bayes_pool, dose_response
from trialpool.synthesis import dose
from trialpool.synthesis.analyse import analyse
from trialpool.view.dose import dose_sentence

SESSIONS = (5.0, 10.0, 15.0, 6.0, 8.0, 18.0)
ASKED = SPEC | {"dose": "sessions", "interval": "auto"}


def dosed(rows, doses=SESSIONS):
    return [replace(row, sessions=number) for row, number in zip(rows, doses, strict=True)]


def many(count=12):
    values = [-0.1 * (4 + number) - 0.3 * (number % 3) for number in range(count)]
    return dosed(effects(values), [4.0 + number for number in range(count)])


def test_the_line_is_weighted_least_squares_through_the_origin():
    # Effects -1, -1, -3 at 5, 10, 20 sessions with weights 2, 4, 1: slope -110/850, variance 1/850; at the
    # median of 10 sessions -1100/850.
    rows = [effect(number, y, v) for number, (y, v) in enumerate(((-1.0, 0.5), (-1.0, 0.25), (-3.0, 1.0)))]
    found = dose.dose_response(ASKED | {"tau2_method": "FE", "interval": "wald"}, dosed(rows, (5, 10, 20)))
    assert found.line.slope == pytest.approx(-110 / 850)
    assert found.line.slope_high == pytest.approx(-110 / 850 + 1.959963985 / math.sqrt(850))
    assert (found.typical.dose, found.typical.estimate) == (10, pytest.approx(-1100 / 850))
    assert (found.low, found.high, found.k, found.effects) == (5, 20, 3, 3)
    first, last = found.line.points[0], found.line.points[-1]
    assert (first.dose, first.estimate, first.ci_low, first.ci_high) == (0, 0, 0, 0)
    assert (last.dose, last.estimate) == (20, pytest.approx(-2200 / 850))


def test_ratios_are_drawn_as_ratios_and_their_slope_is_a_logarithm():
    rows = dosed([replace(row, measure="RR") for row in effects()])
    spec = ASKED | {"measure": "RR", "prior": {"scale": 0.5, "source": "made up"}}
    found = dose.dose_response(spec, rows)
    assert found.line.points[0].estimate == 1
    assert found.typical.estimate == pytest.approx(math.exp(found.line.slope * found.typical.dose))


def test_fewer_than_five_trials_get_a_bayesian_interval_whose_prior_is_scaled_to_the_dose():
    rows = dosed(effects())[:3]
    found = dose.dose_response(ASKED, rows)
    # Half of the typical SD, of 30 people an arm with variance 0.05: √(0.05/(2/30)); over the median dose 10.
    scale = 0.5 * math.sqrt(0.05 / (2 / 30)) / 10
    assert (found.line.interval, found.line.prior_scale) == ("bayes", pytest.approx(scale))
    slopes, variances = [-1.4 / 5, -1.1 / 10, -1.6 / 15], [0.05 / 25, 0.05 / 100, 0.05 / 225]
    fit = bayes_pool(slopes, variances, tau_prior=("half_normal", scale))
    bounds = (found.line.slope, found.line.slope_low, found.line.slope_high)
    assert bounds == pytest.approx((fit.estimate, fit.ci_low, fit.ci_high))
    assert found.line.p_value is None
    assert any("3 trials cannot show" in caution for caution in found.cautions)
    five = dose.dose_response(ASKED, dosed(effects())[:5])
    assert (five.line.interval, five.cautions) == ("hksj_adhoc", ())
    asked = dose.dose_response(ASKED | {"interval": "hksj"}, rows)
    assert asked.line.interval == "hksj"


def test_trials_without_a_dose_against_none_are_named():
    rows = dosed(effects())
    rows[1] = replace(rows[1], sessions=None)
    rows[2] = replace(rows[2], category_experimental="acupuncture", category_control="acupuncture")
    rows[3] = replace(rows[3], mean_dose=True)
    found = dose.dose_response(ASKED, rows)
    assert (found.unknown, found.averaged, found.k) == (("T1", "T2"), ("T3",), 4)


@pytest.mark.parametrize(
    ("doses", "says"),
    [
        ((5, 10, None, None, None, None), "known of 2 trials, and 3 are needed"),
        ((None,) * 6, "known of no trial"),
        ((12,) * 6, "all of the 6 trials have one dose (12)"),
    ],
)
def test_too_few_doses_are_refused_in_words(doses, says):
    found = dose.dose_response(ASKED, dosed(effects(), doses))
    assert says in found.refused
    assert found.line is None
    record, _ = analyse(ASKED | {"dose": "sessions"}, dosed(effects(), doses))
    assert dose_sentence(record).startswith("No dose-response: ")


def test_nothing_is_said_of_a_dose_that_is_not_asked_for():
    assert dose.dose_response(SPEC, dosed(effects())) is None
    record, _ = analyse(SPEC, dosed(effects()))
    assert "dose_response" not in to_json(record)
    assert dose_sentence(record) == ""


def test_a_spline_needs_ten_comparisons_at_four_doses():
    found = dose.dose_response(ASKED, many())
    fit = dose_response([row.effect for row in many()], [0.05] * 12, range(4, 16), shape="spline")
    assert found.spline.knots == pytest.approx(fit.knots)
    assert found.spline.p_linearity == pytest.approx(fit.linearity_p_value)
    assert found.spline.points[0].estimate == 0
    assert found.no_spline == ""
    few = dose.dose_response(ASKED, many(9))
    assert few.spline is None
    assert few.no_spline == "9 comparisons at 9 different doses: a curve needs 10 and 4"
    alike = dosed(many(), [10.0] * 9 + [12.0, 14.0, 16.0])
    assert dose.dose_response(ASKED, alike).no_spline == "too few trials differ in their dose for a curve"


def test_doses_within_a_factor_of_two_are_cautioned_against():
    near = dosed(effects(), (10, 12, 14, 16, 18, 20))
    (caution,) = dose.dose_response(ASKED, near).cautions
    assert "within a factor of 2 (10 to 20)" in caution
    assert dose.dose_response(ASKED, dosed(effects(), (9, 12, 14, 16, 18, 20))).cautions == ()


def test_arms_of_one_trial_kept_apart_share_their_control():
    """SDs of 2, 20 people everywhere: variances 0.4, covariance 0.2; a trial's slope is z'S⁻¹y/z'S⁻¹z."""
    arms = {"sd_experimental": 2.0, "n_experimental": 20, "sd_control": 2.0, "n_control": 20}
    arms |= {"mean_control": 5.0}
    rows = [
        effect(number, y, 0.4, mean_experimental=5 + y, arm_experimental=arm, sessions=at, **arms)
        for number, y, arm, at in ((0, -1.0, "low", 10.0), (0, -3.0, "high", 20.0), (1, -1.0, "a", 10.0))
    ] + [effect(2, -2.0, 0.4, mean_experimental=3.0, sessions=10.0, **arms)]
    spec = ASKED | {"multi_arm": "covariance", "tau2_method": "FE", "interval": "wald"}
    found = dose.dose_response(spec, rows)
    # S⁻¹ = [[10/3, -5/3], [-5/3, 10/3]], z'S⁻¹ = (0, 50): slope -150/1000 with weight 1000;
    # the others -0.1 and -0.2 with weight 250 each.
    assert found.line.slope == pytest.approx((-150 - 25 - 50) / 1500)
    assert (found.k, found.effects) == (3, 4)


def test_the_sentence_says_what_is_found_and_what_is_not():
    rows = dosed(effects())
    rows[5] = replace(rows[5], sessions=None)
    record, _ = analyse(ASKED | {"moderators": ["sessions"]}, rows)
    said = dose_sentence(record)
    assert "over the number of sessions (5 to 15 in 5 trials)" in said
    assert "per session, which is MD" in said
    assert "that more does more is the assumption of the line" in said
    assert "Among the trials alone" in said
    assert said.endswith("Not in it, without a known dose against none: Trial 5.")
    curved, _ = analyse(ASKED, many())
    assert "Test of departure from that line: p" in dose_sentence(curved)


def test_the_part_comes_back_from_json():
    record, _ = analyse(ASKED, many())
    assert from_json(DoseResponse, to_json(record.dose_response)) == record.dose_response
    assert from_json(Record, to_json(record)).dose_response.spline is not None
    assert any("one-stage model" in sentence for sentence in record.methods.text)
