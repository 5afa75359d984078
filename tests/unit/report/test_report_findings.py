from __future__ import annotations

import pytest

from tests.unit.report import demo
from trialpool.report import claims_view, findings, maps, rob, statements
from trialpool.report.page import render_page


def certain(level="moderate", **changes):
    domains = [
        {"domain": name, "levels_down": down, "reason": "r", "overridden": False}
        for name, down in (("risk_of_bias", 1), ("inconsistency", 0))
    ]
    return demo.record(**changes) | {
        "certainty": {"level": level, "suggested": level, "domains": domains},
        "absolute": None,
    }


@pytest.mark.parametrize(
    ("level", "estimate", "expected"),
    [
        ("high", -1.5, "Compared with sham, acupuncture reduces pain."),
        ("moderate", -2.5, "Compared with sham, acupuncture probably reduces pain by a large amount."),
        ("low", -0.7, "Compared with sham, acupuncture may reduce pain slightly."),
        (
            "very low",
            -1.5,
            "Compared with sham, acupuncture may reduce pain, but the evidence is very uncertain.",
        ),
        ("moderate", -0.2, "Compared with sham, acupuncture probably makes little or no difference to pain."),
    ],
)
def test_statement_follows_size_and_certainty(level, estimate, expected):
    pooled = demo.pooled(estimate=estimate, ci_low=estimate - 0.1, ci_high=estimate + 0.1)
    assert statements.informative_statement(certain(level, pooled=pooled)) == expected


def test_statement_of_harm_names_the_harm():
    pooled = demo.pooled(estimate=1.5, ci_low=1.1, ci_high=2.0)
    studies = [demo.study(1, instrument="dizziness"), demo.study(2, instrument="dizziness")]
    record = certain("low", pooled=pooled, measure="RR", domain="adverse_event", studies=studies)
    told = statements.informative_statement(record)
    assert told == (
        "Compared with sham, acupuncture may increase the number of people with dizziness by a large amount."
    )


@pytest.mark.parametrize("level", ["high", "moderate", "low", "very low"])
def test_nothing_is_reduced_where_the_interval_includes_no_difference(level):
    told = statements.informative_statement(certain(level, pooled=demo.pooled(ci_high=0.4)))
    assert "not settled" in told or "very uncertain about the effect" in told


def test_a_narrow_interval_around_no_effect_is_little_or_no_difference():
    pooled = demo.pooled(estimate=0.05, ci_low=-0.2, ci_high=0.3)
    told = statements.informative_statement(certain("high", pooled=pooled))
    assert told == "Compared with sham, acupuncture makes little or no difference to pain."


def test_no_statement_without_certainty_or_result():
    assert statements.informative_statement(demo.record()) == ""
    assert statements.informative_statement(demo.record(k=0)) == ""


def test_findings_stand_by_comparison_with_their_gaps():
    gap = demo.record("gap", k=0, title="Made-up: nothing", domain="quality_of_life")
    other = certain(analysis="other", control_name="usual care")
    tables = findings.comparison_tables([certain(), gap, other])
    assert [table["heading"] for table in tables] == [
        "Acupuncture compared with sham",
        "Acupuncture compared with usual care",
    ]
    assert [record["analysis"] for record in tables[0]["missing"]] == ["gap"]
    assert tables[0]["rows"][0]["certainty"]["marks"] == "●●●○"


def test_absolute_effects_say_more_or_fewer():
    absolute = {
        **{"assumed_risk": 200.0, "risk": 150.0, "risk_low": 100.0, "risk_high": 210.0},
        **{"difference": -50.0, "difference_low": -100.0, "difference_high": 10.0},
    }
    record = certain(measure="RR", mcid=None, pooled=demo.pooled(estimate=0.75, ci_low=0.5, ci_high=1.05))
    shown = findings.comparison_tables([record | {"absolute": absolute}])[0]["rows"][0]["absolute"]
    assert shown["difference"].striptags() == "50 fewer"
    assert shown["difference_high"].striptags() == "10 more"
    assert 'data-from="demo-pain/absolute.difference"' in shown["difference"]


JUDGED = [
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "10.1/x"},
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "high", "assessed_by": "10.1/y"},
    {"study_id": "B", "tool": "RoB2", "domain": "d2", "judgement": "some_concerns", "assessed_by": "me"},
    {"study_id": "B", "tool": "Jadad", "domain": "blinding", "judgement": "low", "assessed_by": "me"},
]


def test_bias_tables_follow_the_tools_of_the_data_and_show_gaps():
    tables = rob.tool_tables(JUDGED, {"A": "A 2000", "B": "B 2001"}, trials=10)
    assert [table["tool"] for table in tables] == ["RoB2", "Jadad"]
    first, second = tables[0]["rows"]
    assert [len(cell) for cell in first["cells"]] == [2, 0]
    assert [len(cell) for cell in second["cells"]] == [0, 1]
    counts = {bar["judgement"]: bar["count"] for bar in tables[0]["summary"][0]["bars"]}
    assert counts == {"low": 0, "some-concerns": 0, "unclear": 0, "high": 1, "not-judged": 9}
    assert sum(bar["share"] for bar in tables[0]["summary"][0]["bars"]) == pytest.approx(100)


def test_only_addresses_of_reviews_become_links():
    assert rob.assessor_url("10.1/x") == "https://doi.org/10.1/x"
    assert rob.assessor_url("me") == ""
    assert rob.assessor_url("javascript:alert(1)") == ""


def test_map_shows_results_gaps_and_what_nobody_asked():
    gap = demo.record("gap", k=0, domain="quality_of_life")
    single = demo.record("single", k=1, comparison="acupuncture versus usual care")
    (population,) = maps.evidence_map([demo.record(), gap, single])
    assert population["domains"] == ["Pain", "Quality of life"]
    first, second = population["rows"]
    assert [bubble["k"] for cell in first["cells"] for bubble in cell] == [3, 0]
    assert [len(cell) for cell in second["cells"]] == [1, 0]
    radii = [first["cells"][0][0]["radius"], second["cells"][0][0]["radius"]]
    assert radii[0] > radii[1]


def test_timeline_counts_every_dated_trial():
    trials = [
        {"label": f"T{n}", "condition": "DPN", "year": year, "used_in": [1] if n else []}
        for n, year in enumerate((2001.0, 2001.0, 2004.0, None))
    ]
    line = maps.timeline(trials)
    assert line["counts"] == [{"year": 2001, "trials": 2}, {"year": 2004, "trials": 1}]
    assert (len(line["dots"]), line["undated"]) == (3, 1)
    assert sorted(dot["used"] for dot in line["dots"]) == [False, True, True]
    assert maps.timeline([]) is None


def test_a_crowded_year_is_drawn_in_dots_of_several_trials():
    trials = [
        {"label": f"T{n}", "condition": "DPN", "year": 2001 + n % 2, "used_in": [1] * (n < 100)}
        for n in range(300)
    ]
    line = maps.timeline(trials)
    assert line["each"] == 3
    assert [row["trials"] for row in line["counts"]] == [150, 150]
    assert len(line["dots"]) == 2 * (17 + 34)
    assert {dot["label"] for dot in line["dots"]} == {"3 trials", "2 trials", "T298, DPN", "T299, DPN"}
    assert line["conditions"] == ["diabetic peripheral neuropathy"]
    many = [{**trial, "condition": f"C{n}"} for n, trial in enumerate(trials)]
    assert maps.timeline(many)["conditions"] == []


def test_populations_without_room_in_the_map_are_counted_not_hidden():
    records = [demo.record(f"r{n}", condition=[f"C{n}"]) for n in range(maps.MOST_COMPARISONS + 7)]
    shown, left = maps.with_room(maps.evidence_map(records))
    assert (len(shown), left) == (maps.MOST_COMPARISONS, 7)
    page = render_page(records, {})
    assert "7 more populations not shown in this map" in page


def judged_claim(**changes):
    found = {
        **{"analysis": "demo-pain", "verdict": "suggested"},
        "conditions": [{"name": "trials", "met": True, "text": "3 trials", "need": "n"}],
    }
    part = {
        **{"statement": "S", "kind": "benefit", "where": {}, "verdict": "suggested", "reason": ""},
        **{"findings": [found | changes], "change": ["n"]},
    }
    return {
        **{"claim": "c", "name": "", "statement": "S", "verdict": "suggested", "reason": ""},
        **{"parts": [part], "change": ["n"], "also": []},
    }


def test_claims_show_the_numbers_of_the_record_or_of_the_dose():
    (view,) = claims_view.claim_views([judged_claim()], [demo.record()])
    assert 'data-from="demo-pain/pooled.estimate"' in view["parts"][0]["findings"][0]["effect"]
    dosed = {
        **{"status": "single_study", "k": 1, "n_experimental": 10, "n_control": 12, "trials": ["A"]},
        "pooled": demo.pooled(estimate=-0.5),
    }
    (view,) = claims_view.claim_views([judged_claim(restricted=dosed)], [demo.record()])
    shown = view["parts"][0]["findings"][0]
    place = "0.parts.0.findings.0.restricted.pooled.estimate"
    assert f'<data value="-0.5" data-from="claims/{place}">' in shown["effect"]
    assert shown["size"] == "1 trial, 22 people"


@pytest.mark.parametrize(("name", "verb"), [("supplements", "reduce"), ("acupuncture", "reduces")])
def test_verbs_agree_with_the_treatment(name, verb):
    sure = certain("high", experimental_name=name)
    assert f"{name} {verb} pain" in statements.informative_statement(sure)
    open_question = certain("low", experimental_name=name, pooled=demo.pooled(ci_high=0.4))
    assert f"Whether {name} {verb} pain" in statements.informative_statement(open_question)
