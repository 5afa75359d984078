import numpy as np
import pandas as pd
import pytest
from small_review import answer, chosen, question, reasons, review

from trialpool import io
from trialpool.errors import InputError
from trialpool.evidence.compare import write_comparison
from trialpool.evidence.tables import EFFECTS
from trialpool.stats import shared_control_events, shared_control_means

SHAM = {"arm": "s", "category": "sham", "role": "control"}


def two_arms(**cells):
    return [{"arm": "a", "centre": 3.0, **cells}, {"arm": "s", "centre": 5.0, **cells}]


def test_effect_is_experimental_minus_control():
    (row,) = chosen(answer(review(continuous=two_arms())))
    assert row["effect"] == -2.0
    assert row["variance"] == pytest.approx(4 / 20 + 4 / 20)
    assert (row["arm_experimental"], row["arm_control"], row["label"]) == ("a", "s", "Lu 2020")
    assert row["row_ids"] == "continuous.csv:2 continuous.csv:3"


def test_role_does_not_decide_the_side_but_the_category_does():
    arms = [{"arm": "a", "role": "control"}, {**SHAM, "role": "experimental"}]
    (row,) = chosen(answer(review(arms=arms, continuous=two_arms())))
    assert row["effect"] == -2.0


def test_role_decides_where_one_category_is_on_both_sides():
    arms = [{"arm": "s", "role": "experimental"}, {"arm": "a", "role": "control"}]
    spec = question(control=["manual_acupuncture"])
    (row,) = chosen(answer(review(arms=arms, continuous=two_arms()), spec))
    assert row["effect"] == 2.0


def test_rescaling_to_a_common_range():
    rows = two_arms(instrument="VAS100", spread_low=20.0)
    rows[0]["centre"], rows[1]["centre"] = 30.0, 50.0
    (row,) = chosen(answer(review(continuous=rows), question(scale="0-10")))
    assert row["effect"] == pytest.approx(-2.0)
    assert (row["mean_experimental"], row["sd_experimental"]) == pytest.approx((3.0, 2.0))
    assert "rescaled ×0.1 from 0–100 to 0–10; sign kept" in row["derivation"]


def test_a_report_that_scores_the_other_way_is_reversed_and_says_so():
    rows = two_arms(instrument="FACT_GOG_NTX", domain="symptom_score", better="lower")
    spec = question(domain="symptom_score", better="higher")
    (row,) = chosen(answer(review(continuous=rows), spec))
    assert row["effect"] == 2.0
    assert (row["mean_experimental"], row["mean_control"]) == (41.0, 39.0)
    assert "sign reversed (lower is better in this report, higher in the analysis)" in row["derivation"]
    assert "scored the other way than usual" in row["cautions"]


def test_smd_keeps_direction_over_instruments():
    rows = two_arms(instrument="MNCV", unit="m/s", better="higher")
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD", better="lower")))
    assert row["effect"] == pytest.approx(0.9801104 * 1.0)  # J(38) times (5 - 3)/2


def test_instruments_with_another_range_are_not_mixed_without_a_scale():
    rows = [*two_arms(), *({**row, "study_id": "B", "instrument": "VAS100"} for row in two_arms())]
    arms = [{"arm": "a"}, SHAM, {"arm": "a", "study_id": "B"}, {**SHAM, "study_id": "B"}]
    tables = review(studies=[{}, {"study_id": "B"}], arms=arms, continuous=rows)
    result = answer(tables, question(outcomes=["NRS", "VAS100"]))
    assert [row["study_id"] for row in chosen(result)] == ["A"]
    assert "0 to 10 points" in reasons(result)["other_scale"]


def test_several_experimental_arms_are_combined_so_the_control_counts_once():
    arms = [{"arm": "a"}, {"arm": "b", "category": "electroacupuncture"}, SHAM]
    rows = [
        {"arm": "a", "centre": -2.0, "spread_low": 1.5, "n": 20, "measure": "change"},
        {"arm": "b", "centre": 1.0, "spread_low": 1.7, "n": 22, "measure": "change"},
        {"arm": "s", "centre": 0.0, "measure": "change"},
    ]
    (row,) = chosen(answer(review(arms=arms, continuous=rows)))
    assert row["arm_experimental"] == "a+b"
    assert (row["n_experimental"], row["n_control"]) == (42, 20)
    assert row["sd_experimental"] == pytest.approx(2.19603698)
    assert "2 arms combined (a + b)" in row["derivation"]
    assert row["category_experimental"] == ("manual_acupuncture", "electroacupuncture")


@pytest.mark.parametrize("parts", [["a", "b"], ["a"]])
def test_a_pooled_arm_is_never_counted_beside_its_parts(parts):
    arms = [{"arm": "a"}, {"arm": "b"}, {"arm": "p", "pooled_of": "a b"}, SHAM]
    rows = [{"arm": name, "n": 10} for name in parts] + [{"arm": "p", "n": 20}, {"arm": "s"}]
    result = answer(review(arms=arms, continuous=rows))
    (row,) = chosen(result)
    assert row["arm_experimental"] == ("a+b" if len(parts) == 2 else "p")
    assert row["n_experimental"] == 20


@pytest.mark.parametrize(
    ("multi_arm", "expected"),
    [
        ("split", [("a", 10, 10), ("b", 12, 9)]),
        ("covariance", [("a", 10, 19), ("b", 12, 19)]),
        ("first", [("a", 10, 19)]),
    ],
)
def test_other_rules_for_several_arms(multi_arm, expected):
    arms = [{"arm": "a"}, {"arm": "b"}, SHAM]
    rows = [{"arm": "a", "n": 10}, {"arm": "b", "n": 12}, {"arm": "s", "n": 19}]
    result = chosen(answer(review(arms=arms, continuous=rows), question(multi_arm=multi_arm)))
    found = [(row["arm_experimental"], row["n_experimental"], row["n_control"]) for row in result]
    assert sorted(found) == expected


def test_arms_and_contrast_of_one_result_are_never_both_used():
    contrast = {"arm_1": "a", "arm_2": "s"}
    result = answer(review(continuous=two_arms(), contrasts=[contrast]))
    assert [row["kind"] for row in chosen(result)] == ["final"]
    assert "counted once" in reasons(result)["same_result"]


def test_a_baseline_adjusted_contrast_goes_first():
    contrast = {"arm_1": "a", "arm_2": "s", "adjusted": "yes"}
    (row,) = chosen(answer(review(continuous=two_arms(), contrasts=[contrast])))
    assert row["kind"] == "contrast"
    assert row["derivation"].startswith("adjusted mean difference as printed")


def test_a_contrast_printed_the_other_way_round_is_turned():
    contrast = {"arm_1": "s", "arm_2": "a", "estimate": 1.5, "spread_low": 0.5, "spread_high": 2.5}
    (row,) = chosen(answer(review(contrasts=[{**contrast, "n_1": 12, "n_2": 15}])))
    assert row["effect"] == -1.5
    assert (row["n_experimental"], row["n_control"]) == (15, 12)
    assert "turned round" in row["derivation"]


def test_smd_never_mixes_final_values_and_changes():
    studies = [{"study_id": name} for name in "ABC"]
    arms = [{**arm, "study_id": name} for name in "ABC" for arm in ({"arm": "a"}, SHAM)]
    kinds = {"A": "change", "B": "change", "C": "final"}
    rows = [{**row, "study_id": s, "measure": kind} for s, kind in kinds.items() for row in two_arms()]
    result = answer(review(studies=studies, arms=arms, continuous=rows), question(measure="SMD"))
    assert [row["study_id"] for row in chosen(result)] == ["A", "B"]
    assert "changes from baseline" in reasons(result)["other_kind"]
    mixed = chosen(answer(review(studies=studies, arms=arms, continuous=rows)))
    assert len(mixed) == 3


def test_final_values_are_preferred_inside_a_trial():
    rows = [*two_arms(measure="change"), *two_arms()]
    (row,) = chosen(answer(review(continuous=rows)))
    assert row["kind"] == "final"


def test_order_of_outcomes_and_items():
    rows = [
        *two_arms(instrument="TSS"),
        *two_arms(item="worst"),
        *two_arms(item="average"),
    ]
    spec = question(measure="SMD", outcomes=["NRS", "TSS"], items=["average", "worst", ""])
    result = answer(review(continuous=rows), spec)
    (row,) = chosen(result)
    assert (row["instrument"], row["item"]) == ("NRS", "average")
    assert {"other_instrument", "other_item_preferred"} <= set(reasons(result))


def test_times():
    rows = [row for weeks in (4, 8, 12) for row in two_arms(weeks=weeks, timepoint="follow_up")]
    rows += two_arms(weeks=None)
    tables = review(continuous=rows)
    specs = [
        question(analysis="late", timepoint="follow_up"),
        question(analysis="middle", timepoint={"weeks": [5, 10]}),
        question(analysis="tie", timepoint={"weeks": [2, 14]}),
        question(analysis="list", timepoint=["during", "end_of_treatment"]),
        question(analysis="none", timepoint={"weeks": [20, 30]}),
    ]
    found = {row["analysis"]: row["weeks"] for row in chosen(answer(tables, *specs))}
    assert pd.isna(found.pop("list"))
    assert found == {"late": 12, "middle": 8, "tie": 8}


def test_multilevel_keeps_every_result_once():
    rows = [*two_arms(), *two_arms(instrument="TSS"), *two_arms(measure="change")]
    contrast = {"arm_1": "a", "arm_2": "s"}
    spec = question(measure="SMD", several_effects="multilevel")
    result = chosen(answer(review(continuous=rows, contrasts=[contrast]), spec))
    assert sorted(row["instrument"] for row in result) == ["NRS", "TSS"]


@pytest.mark.parametrize(("design", "code"), [("crossover", "crossover"), ("cluster", "cluster")])
def test_arms_of_other_designs_are_not_parallel_groups(design, code):
    tables = review(studies=[{"design": design}], continuous=two_arms())
    result = answer(tables)
    assert not chosen(result)
    assert code in reasons(result)
    first = question(assumptions={"A": {"first_period": True, "source": "abstract"}})
    assert len(chosen(answer(tables, first))) == 1


@pytest.mark.parametrize(("period", "used"), [("first", 1), ("second", 0), ("both", 0)])
def test_only_the_first_period_of_a_crossover_is_two_groups_whatever_the_config_assumes(period, used):
    tables = review(studies=[{"design": "crossover"}], continuous=two_arms(period=period))
    assert len(chosen(answer(tables))) == used
    first = question(assumptions={"A": {"first_period": True, "source": "abstract"}})
    assert len(chosen(answer(tables, first))) == used


def test_a_contrast_of_the_first_period_is_one_of_two_groups():
    exact = {"arm_1": "a", "arm_2": "s", "spread_type": "none", "spread_low": None, "spread_high": None}
    exact |= {"p_value": "0.05", "n_1": 12, "n_2": 10}
    both = {"studies": [{"design": "crossover"}]}
    (row,) = chosen(answer(review(**both, contrasts=[{**exact, "period": "first"}])))
    assert row["variance"] ** 0.5 == pytest.approx(1 / 2.08596345)  # t(20)
    assert "crossover" not in row["cautions"]
    (row,) = chosen(answer(review(**both, contrasts=[exact])))
    assert row["variance"] ** 0.5 == pytest.approx(1 / 2.26215716)  # t(9): the same people twice
    assert "crossover" in row["cautions"]


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


def test_known_trials_without_numbers_stay_visible():
    result = answer(review(studies=[{"n_randomised": 60, "source_url": "https://example.org/a"}]))
    assert reasons(result)["no_numbers"]
    (known,) = result.known.to_dict("records")
    assert (known["label"], known["n_randomised"], known["has_numbers"]) == ("Lu 2020", 60, False)
    assert known["category_experimental"] == ("manual_acupuncture",)


def test_other_arms_and_other_purposes_get_one_line_a_study():
    arms = [{"arm": "a", "category": "exercise"}, SHAM]
    assert "other_comparison" in reasons(answer(review(arms=arms, continuous=two_arms())))
    tables = review(continuous=two_arms())
    assert "other_purpose" in reasons(answer(tables, question(purpose="prevention")))


def test_files_of_every_analysis_have_the_full_typed_schema_and_equal_bytes(tmp_path):
    tables = review(continuous=two_arms())
    specs = [question(), question(analysis="empty", condition=["CIPN"])]
    result = answer(tables, *specs)
    tables = ("effects", "excluded", "known")
    for folder in ("one", "two"):
        files = [tmp_path / folder / name / f"{table}.parquet" for name in ("q", "empty") for table in tables]
        write_comparison(result, [["q"], ["empty"]], files)
    paths = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.parquet"))
    assert len(paths) == 6
    for path in paths:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()
    full = pd.read_parquet(tmp_path / "one" / "q" / "effects.parquet")
    empty = pd.read_parquet(tmp_path / "one" / "empty" / "effects.parquet")
    assert list(full) == list(empty) == list(EFFECTS)
    assert full.dtypes.equals(empty.dtypes)
    (row,) = io.read_rows(tmp_path / "one" / "q" / "effects.parquet")
    assert row["effect"] == -2.0
    assert row["n_experimental"] == 20
    assert row["events_control"] is None
    assert not np.isnan(row["variance"])


def assuming(**what):
    return question(assumptions={"A": {**what, "source": "assumed"}})


def test_a_crossover_trial_with_an_assumed_correlation_is_paired():
    # Handbook 5.1 section 16.4.6.4: E 7.0 (2.38), C 6.5 (2.21), n = 10, r = .68: SE .583, SMD .218, SE .256
    rows = [
        {"arm": "a", "centre": 7.0, "spread_low": 2.38, "n": 10},
        {"arm": "s", "centre": 6.5, "spread_low": 2.21, "n": 10},
    ]
    tables = review(studies=[{"design": "crossover"}], continuous=rows)
    (row,) = chosen(answer(tables, assuming(correlation=0.68)))
    assert (row["effect"], row["variance"] ** 0.5) == pytest.approx((0.5, 0.583), abs=5e-4)
    assert row["imputed"]
    assert "r = 0.68 assumed between periods" in row["derivation"]
    (row,) = chosen(answer(tables, assuming(correlation=0.68) | {"measure": "SMD"}))
    assert (row["effect"], row["variance"] ** 0.5) == pytest.approx((0.21771565, 0.25596250))


def test_a_cluster_trial_with_an_assumed_icc_is_widened():
    tables = review(studies=[{"design": "cluster"}], continuous=two_arms())
    (row,) = chosen(answer(tables, assuming(icc=0.05, cluster_size=20)))
    assert row["variance"] == pytest.approx(0.4 * 1.95)
    assert row["imputed"]
    assert "variance ×1.95 for clusters of 20 people (ICC 0.05)" in row["derivation"]


def test_a_contrast_of_a_crossover_trial_is_taken_as_paired_and_says_so():
    contrast = {"arm_1": "a", "arm_2": "s", "n_1": 10, "n_2": 10}
    tables = review(studies=[{"design": "crossover"}], continuous=two_arms(), contrasts=[contrast])
    (row,) = chosen(answer(tables))
    assert row["kind"] == "contrast"
    assert "taken as analysed as a crossover trial" in row["cautions"]


def change_trials(**cells):
    """Trial A prints a change without SD beside baseline and final SDs; B prints all three, twice."""
    times = {"baseline": {"weeks": 0, "timepoint": "baseline"}, "end": {}}
    rows = []
    for study, sds in {"A": (12.4, 15.2, None), "B": (10.0, 10.0, 10.0 * 0.4**0.5)}.items():
        for arm in ("a", "s"):
            rows.append({"study_id": study, "arm": arm, "spread_low": sds[0], **times["baseline"]})
            rows.append({"study_id": study, "arm": arm, "spread_low": sds[1]})
            change = {"measure": "change", "spread_low": sds[2], "centre": -2.0 if arm == "a" else -1.0}
            if sds[2] is None:
                change["spread_type"] = "none"
            rows.append({"study_id": study, "arm": arm, **change})
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    return review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)


def test_the_sd_of_a_change_rests_on_r_found_in_other_trials_or_assumed():
    kinds = {"kinds": ["change", "final"]}
    found = {row["study_id"]: row for row in chosen(answer(change_trials(), question(**kinds)))}
    # B: r = (100 + 100 - 40)/200 = 0.8; Handbook 6.5.2.8: with r = .80, (12.4, 15.2) -> 9.12315735
    assert found["A"]["sd_experimental"] == pytest.approx(9.12315735)
    assert "r = 0.8 (mean of 2 arms that print all three SDs)" in found["A"]["derivation"]
    assert found["A"]["imputed"]
    assert not found["B"]["imputed"]
    spec = question(**kinds, change_correlation=0.5, correlation_source="assumed")
    found = {row["study_id"]: row for row in chosen(answer(change_trials(), spec))}
    assert found["A"]["sd_experimental"] == pytest.approx((12.4**2 + 15.2**2 - 12.4 * 15.2) ** 0.5)
    assert "r = 0.5 assumed" in found["A"]["derivation"]


def test_final_values_come_before_changes_that_rest_on_r():
    assert {row["kind"] for row in chosen(answer(change_trials()))} == {"final"}


@pytest.mark.parametrize(("made", "printed"), [("change", "final"), ("final", "change")])
def test_a_kind_is_made_of_the_other_and_the_baseline(made, printed):
    rows = [
        {"arm": "a", "centre": 6.0, "weeks": 0, "timepoint": "baseline"},
        {"arm": "s", "centre": 5.5, "weeks": 0, "timepoint": "baseline"},
        *two_arms(measure=printed),
    ]
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD", kinds=[made])))
    means = (3.0 - 6.0, 5.0 - 5.5) if made == "change" else (3.0 + 6.0, 5.0 + 5.5)
    assert (row["kind"], row["mean_experimental"], row["mean_control"]) == (made, *means)
    assert row["imputed"]
    assert "baseline" in row["derivation"]
    (row,) = chosen(answer(review(continuous=rows), question(measure="SMD")))
    assert row["kind"] == printed


def test_sds_are_borrowed_only_where_the_analysis_says_so():
    rows = [*two_arms(spread_type="none", spread_low=None)]
    rows += [
        {**row, "study_id": "B", "n": n, "spread_low": sd}
        for row, n, sd in zip(two_arms(), (11, 31), (1.0, 3.0), strict=True)
    ]
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    tables = review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)
    assert [row["study_id"] for row in chosen(answer(tables))] == ["B"]
    found = {row["study_id"]: row for row in chosen(answer(tables, question(borrow_sd=True)))}
    assert found["A"]["sd_experimental"] == pytest.approx(((10 * 1 + 30 * 9) / 40) ** 0.5)
    assert found["A"]["imputed"]
    assert "its SD pooled over 2 arms of other trials" in found["A"]["derivation"]


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


@pytest.mark.parametrize("measure", ["MD", "SMD", "RR"])
def test_comparisons_with_a_common_control_agree_with_their_covariance(measure):
    arms = [{"arm": "a"}, {"arm": "b"}, SHAM]
    numbers = [("a", 3.0, 1.5, 10, 6), ("b", 4.0, 2.5, 14, 0), ("s", 5.0, 2.0, 20, 3)]
    rows = [{"arm": arm, "centre": m, "spread_low": s, "n": n} for arm, m, s, n, _ in numbers]
    events = [{"arm": arm, "n": n, "events": e} for arm, _, _, n, e in numbers]
    changes = {"measure": measure, "multi_arm": "covariance"}
    if measure == "RR":
        changes |= {"domain": "responder", "better": "higher"}
        expected = shared_control_events("RR", [6, 0], [10, 14], 3, 20)
    else:
        expected = shared_control_means(measure, [3.0, 4.0], [1.5, 2.5], [10, 14], 5.0, 2.0, 20)
    found = chosen(answer(review(arms=arms, continuous=rows, events=events), question(**changes)))
    assert [row["arm_experimental"] for row in found] == ["a", "b"]
    assert [row["effect"] for row in found] == pytest.approx(list(expected.effect))
    assert [row["variance"] for row in found] == pytest.approx(list(np.diag(expected.covariance)))


@pytest.mark.parametrize(
    ("study", "design", "words"),
    [
        ("B", "crossover", "not the study_id of any trial"),
        ("A", "parallel", "a parallel trial, which needs none"),
    ],
)
def test_an_assumption_about_no_such_trial_is_a_fault(study, design, words):
    spec = question(assumptions={study: {"first_period": True, "source": "a guess"}})
    with pytest.raises(InputError, match=words):
        answer(review(studies=[{"design": design}], continuous=two_arms()), spec)


def test_an_adjusted_difference_is_standardised_by_a_borrowed_sd_only_where_allowed():
    contrast = {"arm_1": "a", "arm_2": "s", "adjusted": "yes", "n_1": 20, "n_2": 20}
    arms = [{**arm, "study_id": name} for name in "AB" for arm in ({"arm": "a"}, SHAM)]
    rows = [{**row, "study_id": "B"} for row in two_arms()]
    studies = [{"study_id": "A"}, {"study_id": "B"}]
    tables = review(studies=studies, arms=arms, continuous=rows, contrasts=[contrast])
    refused = answer(tables, question(measure="SMD"))
    assert "no SD to standardise by" in reasons(refused)["adjusted"]
    found = {row["study_id"]: row for row in chosen(answer(tables, question(measure="SMD", borrow_sd=True)))}
    assert found["A"]["effect"] == pytest.approx(-1.0 / 2.0)
    assert found["A"]["variance"] ** 0.5 == pytest.approx(1 / 2.02439416 / 2.0)  # t(38), SD 2 in trial B
    assert found["A"]["imputed"]
    assert "SD pooled over 2 arms of other trials" in found["A"]["derivation"]
    assert "borrow_sd=true" in set(refused.effects["variant"])


def test_doses_that_follow_from_others_come_with_the_effect():
    arms = [
        {"arm": "a", "weeks": 4, "sessions_per_week": 3},
        {"arm": "b", "weeks": 8, "sessions": 20},
        {"arm": "ab", "pooled_of": "a b"},
        {"arm": "s", "category": "sham", "role": "control"},
    ]
    rows = [{"arm": "ab", "centre": 3.0}, {"arm": "s", "centre": 5.0}]
    together = answer(review(arms=arms, continuous=rows), question()).effects
    (row,) = together[together["selected"]].to_dict("records")
    assert (row["sessions"], row["programme_weeks"], row["sessions_per_week"]) == (16.0, 6.0, 2.75)
    both = [{**rows[0], "arm": "a"}, {**rows[0], "arm": "b"}, rows[1]]
    combined = answer(review(arms=arms, continuous=both), question()).effects
    (row,) = combined[combined["selected"]].to_dict("records")
    assert (row["arm_experimental"], row["sessions"], row["sessions_per_week"]) == ("a+b", 16.0, 2.75)
