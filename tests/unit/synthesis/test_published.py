"""Published pools beside ours: matched by written rules, with reasons that can be computed."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.synthesis.made_up import pooled, record
from trialpool.errors import InputError
from trialpool.figures.published import describe_published, draw_published
from trialpool.protocol import read_protocol
from trialpool.records import PublishedPool, Status, sketch
from trialpool.synthesis.published import differences, load_published, most_trials, published_rows

ROOT = Path(__file__).parents[3]
POOL = {
    "review_id": "Lu2019",
    "condition": "DPN",
    "comparison": "acupuncture vs sham",
    "outcome": "pain VAS",
    "n_studies": 12.0,
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
RULES = {
    "figures": {"dpn-pain": {"title": "Pain", "condition": "DPN", "outcome": "PAIN"}},
    "pools": [
        {"condition": "CIPN", "comparison": "sham", "outcome": "pain", "analysis": "other"},
        {"condition": "DPN", "comparison": "sham", "outcome": "^pain", "analysis": "dpn-pain"},
    ],
}


def rules_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "published.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_most_trials_of_a_published_pool_count():
    pools = [
        sketch(PublishedPool, analysis=name, n_studies=n) for name, n in (("a", 5), ("a", 23), ("b", None))
    ]
    assert most_trials([*pools, sketch(PublishedPool, analysis="", n_studies=99)]) == {"a": 23}


def test_the_first_matching_rule_names_figure_and_analysis() -> None:
    (row,) = published_rows([POOL], RULES, [RECORD])
    assert (row.figure, row.analysis, row.year) == ("dpn-pain", "dpn-pain", 2019)
    assert (row.our_k, row.our_n, row.our_model, row.our_estimate) == (4, 158, "random", -0.2)
    assert row.our_status == "pooled"


def test_every_computable_reason_is_given() -> None:
    assert differences(POOL, RECORD, "any control there") == [
        "any control there",
        "12 trials there, 4 here",
        "fixed effect there, random effects here",
        "intervals do not overlap",
    ]
    assert differences(POOL | {"model": "random", "n_studies": 4.0, "ci_high": -0.3}, RECORD) == [
        "intervals overlap"
    ]
    assert differences(POOL | {"ci_low": None}, RECORD)[-1] == "an interval is missing"
    assert differences(POOL, replace(RECORD, status=Status.NO_DATA)) == ["no trial with usable numbers here"]


def test_a_pool_without_a_rule_is_kept_and_said_not_to_be_compared() -> None:
    (row,) = published_rows([POOL | {"outcome": "quality of life"}], RULES, [RECORD])
    assert (row.figure, row.analysis) == ("", "")
    assert row.differences == "no analysis here asks this question"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pools: [{condition: DPN, comparison: a, outcome: b, analysis: nothing}]", "nothing"),
        ("pools: [{condition: DPN, comparison: a, analysis: dpn-pain}]", "outcome"),
        ("pools: [{condition: DPN, comparison: '(', outcome: b, analysis: dpn-pain}]", "regular expression"),
        ("figures: {x: {title: t, condition: DPN, outcome: b, colour: red}}", "colour"),
    ],
)
def test_a_faulty_rule_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_published(rules_file(tmp_path, text), ["dpn-pain"])


def test_every_shipped_rule_matches_a_shipped_pool() -> None:
    analyses = read_protocol(ROOT / "config" / "config.yaml").analyses
    rules = load_published(str(ROOT / "config" / "published.yaml"), analyses)
    with (ROOT / "data" / "raw" / "published_pools.csv").open(encoding="utf-8") as stream:
        pools = [row | {"n_studies": None} for row in csv.DictReader(stream)]
    for rule in rules["pools"]:
        alone = {"figures": {}, "pools": [rule]}
        ours = replace(RECORD, analysis=rule["analysis"], status=Status.NO_DATA)
        assert any(row.analysis for row in published_rows(pools, alone, [ours])), rule
    found = {row.figure for row in published_rows(pools, {**rules, "pools": []}, [])}
    assert set(rules["figures"]) <= found


def test_the_figure_has_a_panel_a_measure_and_ours_once() -> None:
    rows = published_rows([POOL, POOL | {"measure": "SMD"}, POOL | {"ci_low": None}], RULES, [RECORD])
    figure = draw_published("Pain", rows)
    gids = [mark.get_gid() for mark in figure.findobj(lambda mark: mark.get_gid() in ("ours", "theirs"))]
    assert sorted(gids) == ["ours", "theirs", "theirs", "theirs"]
    told = [mark.get_text() for mark in figure.findobj(lambda mark: hasattr(mark, "get_text"))]
    assert "Mean difference" in told
    assert "Standardised mean difference" in told
    assert "−0.20 (−0.40 to 0.00)" in told


def test_without_a_file_there_are_no_rules_and_without_pools_only_a_title():
    assert load_published(None, []) == {"figures": {}, "pools": []}
    assert describe_published("Pain", []) == "Published pools: Pain."
