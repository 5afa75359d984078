"""What is said of a claim before the claim: by hand, for each form of a clause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.page import demo
from trialpool.records import Claim, ClaimKind, sketch
from trialpool.view.finding import Result, claim_finding, dose_words, finding_words

DPN = "In diabetic peripheral neuropathy, "
AGREED = [demo.study(n, estimate=-1.0, estimate_low=-1.6, estimate_high=-0.4) for n in (1, 2)]
SIZE = "3 trials, 123 people"
LOWER = f"{DPN}pain was lower with acupuncture than with sham, by 1.20 points (0.40 to 2.00; {SIZE})"
TITLES = {  # by domain; the population of the second is not that of the record
    "quality_of_life": "Diabetic neuropathy, EQ-5D: a v b",
    "function": "Adults, walking: a v b",
}
UNCLEAR = {"ci_low": -2.0, "ci_high": 0.5}


def found(*results, kind="benefit"):
    return finding_words([Result(result, ClaimKind(kind)) for result in results])


def numbers(low, high, estimate=None):
    return demo.pooled(estimate=(low + high) / 2 if estimate is None else estimate, ci_low=low, ci_high=high)


def against(control, **changes):
    title = f"Diabetic neuropathy, pain: acupuncture versus {control}"
    return demo.certain("very low", title=title, control_name=control, **changes)


def test_a_clear_result_says_what_was_lower_by_how_much_and_in_whom():
    assert found(demo.certain("low")) == f"{LOWER}. Certainty is low."


def test_trials_that_agree_and_no_clear_difference_are_told_as_the_tables_read_them():
    few = against("rest", k=2, studies=AGREED, pooled=demo.pooled(ci_low=-2.4, ci_high=0.0))
    text = found(few, against("sham", k=1, pooled=demo.pooled(**UNCLEAR)), against("placebo", k=0))
    assert text == (
        f"{DPN}both trials favour acupuncture over rest for pain, too few to be sure "
        "(MD −1.20, −2.40 to 0.00; 2 trials, 82 people); against sham, no clear difference "
        "(1 trial, 41 people). One further question has no usable trial. Certainty is very low."
    )


def test_a_second_outcome_of_the_same_comparison_does_not_name_it_again():
    scores = demo.certain(
        "very low",
        **{
            "title": "Diabetic neuropathy, symptom scores: acupuncture versus sham",
            "domain": "symptom_score",
        },
        pooled=numbers(-2.0, -1.0),
    )
    open_ones = [
        demo.certain("very low", domain=domain, k=1, pooled=demo.pooled(**UNCLEAR), title=title)
        for domain, title in TITLES.items()
    ]
    assert found(demo.certain("very low"), scores, *open_ones) == (
        f"{LOWER}; symptom scores were lower, by 1.50 points (1.00 to 2.00; 3 trials, 123 people); "
        "no clear difference in EQ-5D (1 trial, 41 people) or physical function (1 trial, 41 people). "
        "Certainty is very low."
    )


def test_populations_stand_apart_and_prevention_by_its_name():
    prevented = demo.certain(
        "low", condition=["CIPN"], purpose="prevention", k=5, pooled=demo.pooled(**UNCLEAR)
    )
    both = demo.certain("low", condition=["DPN", "CIPN"])
    text = found(prevented, both)
    assert text.startswith(
        "In the prevention of chemotherapy-induced peripheral neuropathy, no clear difference between "
        "acupuncture and sham was seen in pain (5 trials, 205 people). Pain was lower with acupuncture"
    )


@pytest.mark.parametrize(
    ("control", "kind", "said"),
    [
        ("sham", "benefit", "a possible harm"),
        ("sham+waitlist", "benefit", "a possible harm"),
        ("vitamin_b", "benefit", "a possible disadvantage"),
        ("vitamin_b", "harm", "a possible harm"),
        ("vitamin_b", "no_more_harm", "a possible harm"),
    ],
)
def test_what_lies_wholly_on_the_side_of_harm_is_called_so(control, kind, said):
    worse = demo.certain("low", pooled=numbers(0.2, 3.2), studies=[demo.study(1, category_control=control)])
    text = found(worse, kind=kind)
    assert text.startswith(
        f"{DPN}pain was higher with acupuncture than with sham, by 1.70 points (0.20 to 3.20;"
    )
    assert f"people), {said}. " in text


def test_events_are_told_as_ratios_and_turned_scales_as_better_or_worse():
    studies = [demo.study(n, instrument="improved") for n in (1, 2, 3)]
    more = demo.certain("low", measure="RR", domain="responder", better="higher", studies=studies)
    assert found(replace(more, pooled=replace(more.pooled, estimate=1.5, ci_low=1.2, ci_high=1.9))) == (
        f"{DPN}the number of people who improve was higher with acupuncture than with sham "
        "(RR 1.50, 1.20 to 1.90; 3 trials, 123 people). Certainty is low."
    )
    scale = {
        "title": "Diabetic neuropathy, symptom scores: a v b",
        "domain": "symptom_score",
        "better": "higher",
    }
    turned = demo.certain("low", **scale, pooled=numbers(1.0, 3.0))
    assert (
        "symptom scores were better with acupuncture than with sham, by 2.00 points (1.00 to 3.00;"
        in found(turned)
    )


def test_certainty_stands_at_each_result_where_it_differs_and_too_little_is_told():
    small = demo.certain("moderate", pooled=numbers(-0.4, -0.2))
    text = found(small, demo.certain("low", k=5, control_name="rest", pooled=demo.pooled(**UNCLEAR)))
    assert "123 people, moderate certainty), too little to matter; against rest, no clear" in text
    assert text.endswith("(5 trials, 205 people, low certainty).")


def claim(verdict="suggested", reason="", restricted=None, where=None):
    entry = {"analysis": "demo-pain", "verdict": verdict, "restricted": restricted}
    part = {
        "statement": "S",
        "kind": "benefit",
        "verdict": verdict,
        "findings": [entry],
        "where": where or {},
    }
    return sketch(Claim, {"claim": "c", "verdict": verdict, "reason": reason, "parts": [part]})


def test_a_claim_that_is_not_answered_says_why():
    text = claim_finding(claim("not read", "none of the 9 known trials could be read for it"), {})
    assert text == "Not answered: none of the 9 known trials could be read for it."


def test_a_dose_has_the_numbers_and_the_certainty_of_its_trials():
    dosed = {"status": "single_study", "k": 1, "n_experimental": 10, "n_control": 12, "trials": ["A"]}
    dosed |= {"pooled": numbers(-1.5, -0.5), "certainty": {"level": "very low", "suggested": "very low"}}
    where = {"sessions": [8, 16]}
    assert dose_words(where) == "8 to 16 sessions"
    text = claim_finding(claim(restricted=dosed, where=where), {"demo-pain": demo.certain("moderate")})
    assert text == (
        f"{DPN}with 8 to 16 sessions, pain was lower with acupuncture than with sham, by 1.00 points "
        "(0.50 to 1.50; 1 trial, 22 people). Certainty is very low."
    )
