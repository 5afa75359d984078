"""Effects and variances by measure, and conversions between them."""

import numpy as np
import pytest
from small_review import SHAM, answer, chosen, question, reasons, review, two_arms


def test_events_and_zero_cells():
    rows = [{"arm": "a", "events": 0, "n": 10}, {"arm": "s", "events": 3, "n": 12}]
    spec = question(domain="responder", measure="OR", better="higher")
    (row,) = chosen(answer(review(events=rows), spec))
    assert row["effect"] == pytest.approx(np.log(0.5 / 10.5) - np.log(3.5 / 9.5))
    assert "0.5 added to each cell" in row["derivation"]
    assert (row["events_experimental"], row["n_control"]) == (0, 12)


def test_trials_without_any_event_tell_nothing_about_a_ratio():
    rows = [{"arm": "a", "events": 0}, {"arm": "s", "events": 0}]
    spec = question(domain="responder", measure="RR", better="higher")
    result = answer(review(events=rows), spec)
    assert not chosen(result)
    assert "no event in either arm" in reasons(result)["no_events"]
    assert (
        len(chosen(answer(review(events=rows), question(domain="responder", measure="RD", better="higher"))))
        == 1
    )


def test_responders_stand_in_for_an_smd_only_where_allowed_and_needed():
    studies = [{"study_id": "A"}, {"study_id": "B"}]
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    events = [
        {"study_id": study, "arm": arm, "outcome": "pain_50", "events": count}
        for study in "AB"
        for arm, count in (("a", 12), ("s", 6))
    ]
    tables = review(studies=studies, arms=arms, continuous=two_arms(), events=events)
    assert [row["study_id"] for row in chosen(answer(tables, question(measure="SMD")))] == ["A"]
    result = answer(tables, question(measure="SMD", convert=["pain_50"]))
    first, second = chosen(result)
    assert (first["kind"], second["kind"]) == ("final", "events")
    odds = np.log(12 / 8 / (6 / 14))
    assert second["effect"] == pytest.approx(-odds * 3**0.5 / np.pi)
    assert second["variance"] == pytest.approx((1 / 12 + 1 / 8 + 1 / 6 + 1 / 14) * 3 / np.pi**2)
    assert second["imputed"]
    assert second["derivation"].endswith("log odds ratio as SMD (×√3/π), sign reversed")


def test_published_odds_ratios_enter_an_smd_only_where_allowed():
    contrast = {"arm_1": "a", "arm_2": "s", "measure": "odds_ratio", "better": "higher"}
    contrast |= {"estimate": 4.3, "spread_low": 1.9, "spread_high": 9.6}
    tables = review(contrasts=[contrast])
    refused = answer(tables, question(measure="SMD"))
    assert reasons(refused)["other_measure"] == "published as odds ratio"
    (row,) = chosen(answer(tables, question(measure="SMD", convert=["odds_ratio"])))
    assert row["effect"] == pytest.approx(-np.log(4.3) * 3**0.5 / np.pi)


@pytest.mark.parametrize("lender", [{}, {"condition": "ANOTHER"}])  # whoever lends, of whatever condition
def test_an_adjusted_difference_is_standardised_by_a_borrowed_sd_only_where_allowed(lender):
    contrast = {"arm_1": "a", "arm_2": "s", "adjusted": "yes", "n_1": 20, "n_2": 20}
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    rows = [{**row, "study_id": "B"} for row in two_arms()]
    studies = [{"study_id": "A"}, {"study_id": "B", **lender}]
    tables = review(studies=studies, arms=arms, continuous=rows, contrasts=[contrast])
    refused = answer(tables, question(measure="SMD"))
    assert "no SD to standardise by" in reasons(refused)["adjusted"]
    found = {row["study_id"]: row for row in chosen(answer(tables, question(measure="SMD", borrow_sd=True)))}
    assert found["A"]["effect"] == pytest.approx(-1.0 / 2.0)
    assert found["A"]["variance"] ** 0.5 == pytest.approx(1 / 2.02439416 / 2.0)  # t(38), SD 2 in trial B
    assert found["A"]["imputed"]
    assert "SD pooled over 2 arms of other trials" in found["A"]["derivation"]
    assert "borrow_sd=true" in set(map(str, refused.effects["variant"]))


def test_spreads_unequal_sds_and_corrected_ratios_are_those_of_stats():
    from trialpool import stats

    rows = [{"arm": "a", "centre": 3.0, "spread_low": 1.0}, {"arm": "s", "centre": 5.0, "spread_low": 2.0}]
    arms = 3.0, 1.0, 20, 5.0, 2.0, 20
    wanted = {
        ("VR", "LS", False): stats.log_variability_ratio(1.0, 20, 2.0, 20),
        ("CVR", "LS", False): stats.log_cv_ratio(*arms),
        ("SMD", "unequal", False): stats.heteroscedastic_smd(*arms),
        ("ROM", "LS", True): stats.ratio_of_means(*arms, corrected=True),
        ("ROM", "LS", False): stats.ratio_of_means(*arms),
    }
    for (measure, variance, corrected), ours in wanted.items():
        spec = question(measure=measure, smd_variance=variance, rom_corrected=corrected)
        (row,) = chosen(answer(review(continuous=rows), spec))
        assert (row["effect"], row["variance"]) == pytest.approx((ours.effect, ours.variance)), measure
    higher = [{**row, "better": "higher", "instrument": "MNCV", "unit": "m/s"} for row in rows]
    found = reasons(answer(review(continuous=higher), question(measure="CVR")))
    assert found["direction"] == "a coefficient of variation cannot be reversed"
