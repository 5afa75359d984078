from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.unit.page import demo
from trialpool.page.readme import render_readme
from trialpool.records import Ask


def test_readme_lists_every_analysis_in_a_table_a_condition(records):
    text = render_readme(records)
    assert "## Diabetic peripheral neuropathy" in text
    assert "## Chemotherapy-induced peripheral neuropathy" in text
    assert "| MD −1.20 (−2.00 to −0.40) |" in text
    assert "favours acupuncture (one trial)" in text
    assert "no poolable trial" in text
    assert "3 analyses: 1 pooled; 1 one trial, not a meta-analysis; 1 no poolable trial." in text


def test_readme_links_are_relative_and_tables_are_whole(records):
    text = render_readme(records)
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert "analyses/demo-pain/forest.svg" in targets
    assert "analyses/demo-gap/forest.svg" not in targets
    assert not [target for target in targets if target.startswith("/") or "://" in target]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {9}
    assert text.isascii() is False
    assert "\n\n\n\n" not in text


def test_hostile_titles_break_neither_table_nor_page():
    text = render_readme([demo.record(title=demo.HOSTILE)])
    assert "<script" not in text
    assert "javascript:" not in text
    assert "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {9}


def test_a_network_has_its_figure_its_table_and_what_it_leaves_out(records):
    text = render_readme(records, networks=[demo.network()])
    lines = text[text.index("## Networks of treatments") : text.index("## Files")].splitlines()
    assert "![Network: Made-up network](networks/made-up/network.svg)" in lines
    assert "3 treatments are connected. If trials are alike." in lines
    assert [line for line in lines if line.startswith("|")] == [
        "| Against sham | Effect (interval) | Trials | P-score | Certainty |",
        "| :-- | :-- | --: | --: | :-- |",
        "| needles | MD −1.25 (−2.25 to −0.25) | 3 | 0.93 | low |",
        "| rest | MD 0.50 (−0.50 to 1.50) | 0 | 0.07 | not assessed: no direct comparison |",
    ]
    assert "Left out: Only 2001: responders only." in lines
    assert "1 trial of these treatments has no usable number: Known 2010." in lines
    assert "\n\n\n\n" not in text
    assert "Networks" not in render_readme(records)
    files = {"made-up": [Path("x/split.csv"), Path("x/split.svg")]}
    more = render_readme(records, networks=[demo.network()], network_evidence=files).splitlines()
    links = "[split.csv](networks/made-up/split.csv), [split.svg](networks/made-up/split.svg)"
    assert f"What the evidence consists of: {links}" in more
    assert [line for line in more if line not in text.splitlines()] == [
        f"What the evidence consists of: {links}"
    ]


def test_claims_head_the_readme_with_the_results_that_decide_them():
    shown = demo.everything()
    text = render_readme(shown["records"], shown["claims"])
    (line,) = (line for line in text.splitlines() if "| More than sham. |" in line)
    finding, claim, verdict, resting = line.strip("| ").split(" | ")
    assert finding.startswith("**In DPN, pain was lower with acupuncture than with sham, by 1.20 points (")
    assert (claim, verdict) == ("More than sham.", "suggested")
    assert resting == "[MD −1.20 (−2.00 to −0.40), 3 trials](analyses/demo-pain)"
    gap = "**Not answered: the one known trial (50 people randomised) could not be read for it.**"
    assert f"| {gap} | A gap. | not answered | no usable trial |" in text


def test_the_readme_begins_with_the_question_and_the_short_answers():
    record = demo.certain("low", title="Made-up pain: acupuncture versus sham")
    text = render_readme(
        [record],
        summary=[Ask(question="Does it help?", analyses=("demo-pain",))],
        question="Do needles help?",
    )
    assert text.splitlines()[2:6] == [
        "Do needles help?",
        "",
        "- Does it help? **Made-up pain: better than sham (3 trials).**",
        "- How sure can one be? **Low certainty for 1 result; lowered most for risk of bias.**",
    ]


def test_a_published_prior_is_told_where_an_analysis_has_one(records):
    assert "(half-normal prior of" in render_readme(records)
    own = {"name": "log_normal", "location": -2.06, "spread": 1.51, "source": "a paper", "scale": 0.5}
    first = replace(records[0], methods=replace(records[0].methods, prior=own))
    assert "(half-normal or published prior of" in render_readme([first, *records[1:]])
