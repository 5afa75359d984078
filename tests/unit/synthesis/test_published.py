"""Published pools beside ours: matched and turned by written rules, with reasons that can be computed."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.synthesis.made_up import pooled, record
from trialpool.errors import InputError
from trialpool.figures.published import describe_published, draw_published
from trialpool.measures import MEASURES
from trialpool.protocol import read_protocol
from trialpool.records import Status
from trialpool.synthesis.published import load_published, most_trials, published_figure, published_rows

ROOT = Path(__file__).parents[3]
POOL = {
    "review_id": "Lu2019",
    "condition": "DPN",
    "comparison": "acupuncture vs sham",
    "outcome": "pain VAS",
    "n_studies": 12.0,
    "n_participants": None,
    "model": "fixed",
    "measure": "MD",
    "estimate": -1.0,
    "ci_low": -1.5,
    "ci_high": -0.5,
    "source_url": "https://example.org",
}
RECORD = record(
    analysis="dpn-pain",
    comparison="acupuncture versus sham",
    k=4,
    n_experimental=80,
    n_control=78,
    pooled=pooled(-0.4, 0.0),
)
PANELS = [
    {"measure": "MD", "better": "lower"},
    {"measure": "SMD", "better": "lower"},
    {"measure": "OR", "better": "lower"},
]
RULES = {
    "figures": {"dpn-pain": {"title": "Pain", "condition": "DPN", "outcome": "PAIN", "panels": PANELS}},
    "treatments": [{"name": "needles", "comparison": "^acupuncture"}],
    "turned": [
        {"review_id": "Relief2020", "measure": "MD", "reason": "it counts relief"},
        {"review_id": "Relief2020", "measure": "OR", "reason": "it counts relief"},
    ],
    "left_out": [{"review_id": "Odd2021", "outcome": "^pain", "reason": "direction not stated"}],
    "review_trials": {"Lu2019": {"trials": 30, "words": "30 trials"}},
    "pools": [
        {"condition": "CIPN", "comparison": "sham", "outcome": "pain", "analysis": "other"},
        {"condition": "DPN", "comparison": "sham", "outcome": "^pain", "analysis": "dpn-pain"},
    ],
}
NO_RULES = {"figures": {}, "treatments": [], "turned": [], "left_out": [], "review_trials": {}, "pools": []}


def rules_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "published.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_most_trials_of_a_published_pool_count():
    rows = [("a", 5), ("a", 23), ("b", None), ("no rule's", 99)]
    pools = [{"condition": name, "n_studies": n} for name, n in rows]
    rules = {"pools": [{"condition": name, "analysis": name} for name in "ab"]}
    assert most_trials(pools, rules) == {"a": 23}


def one(changes=None, ours=RECORD, rules=RULES):
    (row,) = published_rows([POOL | (changes or {})], rules, [ours])
    return row


def aligned(row, whose=""):
    return tuple(getattr(row, f"{whose}aligned_{name}") for name in ("estimate", "ci_low", "ci_high"))


def test_the_first_matching_rule_names_figure_and_analysis() -> None:
    row = one()
    assert (row.figure, row.analysis, row.year, row.treatment) == ("dpn-pain", "dpn-pain", 2019, "needles")
    assert (row.our_k, row.our_n, row.our_model, row.our_estimate) == (4, 158, "random", -0.2)
    assert row.our_status == "pooled"
    assert (row.n_studies, row.review_trials) == (12.0, 30)


def test_what_is_printed_stays_and_what_is_drawn_is_turned() -> None:
    # A relief of 1.0 (0.5 to 1.5) is a pain of -1.0 (-1.5 to -0.5).
    relief = one({"review_id": "Relief2020", "estimate": 1.0, "ci_low": 0.5, "ci_high": 1.5})
    assert (relief.estimate, relief.ci_low, relief.ci_high) == (1.0, 0.5, 1.5)
    assert aligned(relief) == (-1.0, -1.5, -0.5) == aligned(one())
    assert (relief.turned, one().turned, relief.better) == ("it counts relief", "", "lower")
    # The odds of relief are 4 (2 to 8) times as high, those of no relief 1/4 (1/8 to 1/2).
    odds = {"review_id": "Relief2020", "measure": "OR", "estimate": 4.0, "ci_low": 2.0, "ci_high": 8.0}
    assert aligned(one(odds)) == (0.25, 0.125, 0.5)
    assert aligned(one({"review_id": "Relief2020", "estimate": 1.0, "ci_low": None, "ci_high": 1.5})) == (
        *(-1.0, -1.5),
        None,
    )


def test_a_risk_ratio_is_never_turned(tmp_path: Path) -> None:
    # 8 of 10 against 4 of 10 improved: RR 2; not improved: 2 of 10 against 6 of 10, RR 1/3 and not 1/2.
    assert [code for code, measure in MEASURES.items() if measure.reversible] == ["MD", "SMD", "OR", "RD"]
    with pytest.raises(ValueError, match="risk ratio"):
        MEASURES["RR"].turned((2.0, 1.0, 4.0))
    text = "turned: [{review_id: Li2020, measure: RR, reason: not improved}]"
    with pytest.raises(InputError, match=r"turned.*RR.*left_out"):
        load_published(rules_file(tmp_path, text), [])


def test_ours_is_turned_like_theirs_where_its_measure_allows_that() -> None:
    relief = replace(RECORD, better="higher", pooled=pooled(0.0, 0.4))
    row = one(ours=relief)
    assert (row.our_estimate, row.our_ci_low, row.our_ci_high) == (0.2, 0.0, 0.4)
    assert aligned(row, "our_") == (-0.2, -0.4, 0.0)
    ratio = replace(RECORD, measure="RR", better="higher", pooled=pooled(1.5, 2.5))
    assert aligned(one(ours=ratio), "our_") == (None, None, None)
    assert aligned(one({"review_id": "Odd2021"}), "our_") == (None, None, None)


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ({}, RECORD, True),  # -1.0 and -0.2, lower is better
        ({"estimate": 0.3}, RECORD, False),
        ({}, replace(RECORD, better="higher", pooled=pooled(0.0, 0.4)), True),
        ({}, replace(RECORD, measure="RR", better="higher", pooled=pooled(1.5, 2.5)), True),
        ({}, replace(RECORD, measure="RR", better="higher", pooled=pooled(0.5, 0.7)), False),
        ({"estimate": 0.0}, RECORD, False),
        ({"review_id": "Odd2021"}, RECORD, None),
        ({}, replace(RECORD, status=Status.NO_DATA, pooled=None), None),
        ({"comparison": "yoga vs rest"}, RECORD, None),
    ],
)
def test_directions_are_compared_on_the_side_of_benefit(theirs, ours, same) -> None:
    assert one(theirs, ours).same_direction is same


def test_every_computable_reason_is_given() -> None:
    ours = replace(RECORD, status=Status.NO_DATA)
    rules = RULES | {"pools": [{**RULES["pools"][1], "differs": "any control there"}]}
    assert one(rules=rules).differences == (
        "any control there; 12 trials there, 4 here; fixed effect there, random effects here; "
        "intervals do not overlap"
    )
    same = {"model": "random", "n_studies": 4.0, "ci_high": -0.3}
    assert one(same).differences == "intervals overlap"
    assert one(same | {"ci_low": None}).differences == "an interval is missing"
    assert one(same | {"n_studies": None}).differences.startswith("number of trials in the pool not stated")
    assert one(ours=ours).differences == "no trial with usable numbers here"
    turned = same | {"review_id": "Relief2020", "estimate": 1.0, "ci_low": 0.5, "ci_high": 1.5}
    assert one(turned).differences == "intervals do not overlap"
    assert one(turned | {"ci_low": 0.3}).differences == "intervals overlap"


def test_a_row_left_out_has_its_reason_and_is_set_against_nothing() -> None:
    odd = one({"review_id": "Odd2021", "model": "random"})
    assert (odd.figure, odd.left_out, odd.analysis) == ("", "direction not stated", "dpn-pain")
    assert aligned(odd) == (None, None, None)
    assert odd.differences == "12 trials there, 4 here"
    assert one({"measure": "RR"}).left_out == "no figure shows this outcome"


def test_a_pool_without_a_rule_is_kept_and_said_not_to_be_compared() -> None:
    row = one({"outcome": "quality of life"})
    assert (row.figure, row.analysis) == ("", "")
    assert row.differences == "no analysis here asks this question"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pools: [{condition: DPN, comparison: a, outcome: b, analysis: nothing}]", "nothing"),
        ("pools: [{condition: DPN, comparison: a, analysis: dpn-pain}]", "outcome"),
        ("pools: [{condition: DPN, comparison: '(', outcome: b, analysis: dpn-pain}]", "regular expression"),
        ("figures: {x: {title: t, condition: DPN, outcome: b, panels: []}}", "panels"),
        ("figures: {x: {title: t, condition: D, outcome: b, panels: [{measure: MD}]}}", "better"),
        (
            "figures: {x: {title: t, condition: D, outcome: b, panels: [{measure: MD, better: up}]}}",
            "lower, higher",
        ),
        (
            "figures: {x: {title: t, condition: D, outcome: b, panels: "
            "[{measure: MD, better: lower}, {measure: MD, better: higher}]}}",
            "earlier panel",
        ),
        ("treatments: [{name: needles, comparison: '['}]", "regular expression"),
        ("left_out: [{review_id: Li2020}]", "reason"),
        ("review_trials: {Li2020: {trials: 0, words: none}}", "whole number"),
    ],
)
def test_a_faulty_rule_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_published(rules_file(tmp_path, text), ["dpn-pain"])


def shipped() -> tuple[dict, list[dict]]:
    analyses = read_protocol(ROOT / "config" / "config.yaml").analyses
    rules = load_published(str(ROOT / "config" / "published.yaml"), analyses)
    with (ROOT / "data" / "raw" / "published_pools.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    numbers = ("estimate", "ci_low", "ci_high", "n_studies", "n_participants")
    return rules, [row | {name: float(row[name]) if row[name] else None for name in numbers} for row in rows]


def test_every_shipped_rule_matches_a_shipped_pool() -> None:
    rules, pools = shipped()
    names = {rule["analysis"] for rule in rules["pools"]}
    ours = [replace(RECORD, analysis=name, status=Status.NO_DATA, pooled=None) for name in names]
    for rule in rules["pools"]:
        alone = NO_RULES | {"pools": [rule]}
        assert any(row.analysis for row in published_rows(pools, alone, ours)), rule
    rows = published_rows(pools, rules, ours)
    for name, figure in rules["figures"].items():
        shown = {(row.panel, row.measure) for row in rows if row.figure == name}
        assert shown == {(panel.get("name", ""), panel["measure"]) for panel in figure["panels"]}
    assert {row.treatment for row in rows} == {each["name"] for each in rules["treatments"]}
    assert {row.turned for row in rows} == {"", *(each["reason"] for each in rules["turned"])}
    for each in rules["turned"]:
        found = [row for row in rows if row.review_id == each["review_id"] and row.turned == each["reason"]]
        assert found, each
        assert {row.measure for row in found} == {each["measure"]}
    for each in rules["left_out"]:
        assert any((row.review_id, row.left_out) == (each["review_id"], each["reason"]) for row in rows), each


def test_the_shipped_benefits_lie_on_one_side() -> None:
    rules, pools = shipped()
    rows = published_rows(
        pools, NO_RULES | {key: rules[key] for key in ("figures", "turned", "left_out")}, []
    )
    against = {
        (row.review_id, row.outcome)
        for row in rows
        if row.aligned_estimate is not None
        and (row.aligned_estimate > MEASURES[row.measure].null) != (row.better == "higher")
    }
    assert against == {
        ("Yu2025", "adverse events"),
        ("CaMgEJC2012", "neurotoxicity all grades (NCI-CTC)"),
        ("CaMgEJC2012", "neurotoxicity grade 3 (NCI-CTC)"),
    }
    nowhere = [row.outcome for row in rows if row.left_out == "no figure shows this outcome"]
    assert nowhere == ["sleep interference"]


def test_the_shipped_counts_of_whole_reviews_are_in_the_notes_of_their_rows() -> None:
    rules, pools = shipped()
    for review, whole in rules["review_trials"].items():
        notes = [pool["note"] for pool in pools if pool["review_id"] == review]
        assert any(whole["words"] in note for note in notes), review
        said = {"Four": 4, "Five": 5, "Seven": 7}
        numbers = re.findall(r"[0-9]+|" + "|".join(said), whole["words"], re.IGNORECASE)
        assert whole["trials"] in [said.get(word.capitalize()) or int(word) for word in numbers], review


def test_the_figure_has_a_panel_a_measure_and_ours_once_a_treatment() -> None:
    pools = [
        POOL,
        POOL | {"measure": "SMD"},
        POOL | {"ci_low": None},
        POOL | {"comparison": "TENS vs sham", "n_studies": None, "review_id": "Lu2018"},
    ]
    figure = published_figure("dpn-pain", RULES)
    rows = published_rows(pools, RULES, [RECORD])
    drawn = draw_published(figure, rows)
    gids = [mark.get_gid() for mark in drawn.findobj(lambda mark: mark.get_gid() in ("ours", "theirs"))]
    assert sorted(gids) == ["ours", "ours", "theirs", "theirs", "theirs", "theirs"]
    told = [mark.get_text() for mark in drawn.findobj(lambda mark: hasattr(mark, "get_text"))]
    assert [name for name in told if name in ("Mean difference", "Odds ratio")] == ["Mean difference"]
    assert "Standardised mean difference" in told
    assert [name for name in told if name in ("Needles", "Other treatments")] == [
        *("Needles", "Other treatments", "Needles")
    ]
    assert "−0.20 (−0.40 to 0.00)" in told
    assert "MD −0.20 (−0.40 to 0.00)" in told  # beside an axis of SMD: no mark, only numbers
    assert told.count("not stated") == 1
    assert told.count("12") == 3


def test_the_words_below_an_axis_name_its_directions() -> None:
    def sides(better: str, *comparisons: str) -> list[tuple[str, float]]:
        panels = [PANELS[0] | {"better": better}]
        rules = RULES | {"figures": {"f": RULES["figures"]["dpn-pain"] | {"panels": panels}}}
        rows = published_rows([POOL | {"comparison": each} for each in comparisons], rules, [])
        drawn = draw_published(published_figure("f", rules), rows)
        marks = drawn.findobj(lambda mark: mark.get_gid() == "direction")
        return [mark.get_text() for mark in sorted(marks, key=lambda mark: mark.get_position()[0])]

    assert sides("lower", "acupuncture vs rest") == ["favours needles", "favours control"]
    assert sides("higher", "acupuncture vs rest") == ["favours control", "favours needles"]
    assert sides("higher", "acupuncture vs rest", "yoga vs rest") == ["favours control", "favours treatment"]


def test_a_turned_row_says_what_was_printed() -> None:
    relief = POOL | {"review_id": "Relief2020", "estimate": 1.0, "ci_low": 0.5, "ci_high": 1.5}
    figure, rows = published_figure("dpn-pain", RULES), published_rows([relief], RULES, [RECORD])
    told = describe_published(figure, rows)
    assert "pain VAS; turned, printed 1: −1.00 (−1.50 to −0.50)" in told
    assert "lower is better" in told


def test_without_a_file_there_are_no_rules_and_without_pools_only_a_title():
    assert load_published(None, []) == NO_RULES
    assert describe_published(published_figure("dpn-pain", RULES), []) == "Published pools: Pain."
