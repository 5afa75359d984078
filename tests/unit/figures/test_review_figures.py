"""The figures of a whole review: risk of bias and the evidence map."""

from __future__ import annotations

from defusedxml import ElementTree
from matplotlib.colors import to_hex
from matplotlib.patches import Circle
from matplotlib.text import Text
from test_figures_layout import faults

from trialpool.figures import style
from trialpool.figures.lettering import width
from trialpool.figures.notes import describe
from trialpool.figures.review import (
    draw_evidence_map,
    draw_risk_of_bias,
    draw_timeline,
)
from trialpool.figures.save import save_figure
from trialpool.records import sketch
from trialpool.view.read import Appraised
from trialpool.view.review import evidence_map, timeline
from trialpool.view.study import Trial, judged_tools

HOSTILE = "<script>alert(1)</script> $x^2$ \u202e" + "long " * 60
JUDGED = [
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "low", "assessed_by": "x"},
    {"study_id": "A", "tool": "RoB2", "domain": "d1", "judgement": "high", "assessed_by": "y"},
    {"study_id": "B", "tool": "RoB2", "domain": HOSTILE, "judgement": "some_concerns", "assessed_by": "x"},
    {"study_id": "B", "tool": "Jadad", "domain": "blinding", "judgement": "low", "assessed_by": "x"},
]


def record(analysis, k, **changes):
    values = {
        **{"analysis": analysis, "title": analysis, "condition": ["DPN"], "purpose": None, "domain": "pain"},
        **{"comparison": "a versus b", "status": "pooled" if k > 1 else "single_study" if k else "no_data"},
        **{
            "k": k,
            "n_experimental": 50 * k,
            "n_control": 50 * k,
            "pooled": {"estimate": 1.0} if k else None,
        },
    }
    return sketch(Appraised, values | changes)


def marks(figure):
    return [mark for mark in figure.findobj(Text) if mark.get_text()]


def texts(figure):
    return [mark.get_text() for mark in marks(figure)]


def bars(ax):
    """(colour, left, bottom, width, height) of every bar that has a size."""
    found = [(to_hex(bar.get_facecolor()), *bar.get_bbox().bounds) for bar in ax.patches]
    return [bar for bar in found if bar[3] and bar[4]]


def inside(figure):
    outside, overlapping, _ = faults(figure)
    return not outside and not overlapping


def test_every_judgement_and_every_gap_is_a_light():
    tables = judged_tools(JUDGED, {"A": "A 2000", "B": "B 2001"}, trials=10)
    figure = draw_risk_of_bias(tables)
    # RoB2: two marks and a gap for A, a gap and a mark for B; Jadad: one mark; the key: five
    assert len(figure.findobj(Circle)) == 3 + 2 + 1 + 5
    assert inside(figure)
    shown = texts(figure)
    assert {"RoB2", "Jadad", "A 2000", "B 2001"} <= set(shown)
    assert "1 high, 9 not judged" in shown


def test_the_map_draws_results_and_gaps():
    records = [record("x", 3), record("y", 1, domain="function"), record("z", 0, comparison="a versus c")]
    populations = evidence_map(records)
    figure = draw_evidence_map(populations)
    (circles,) = figure.axes[0].collections
    assert [to_hex(fill) for fill in circles.get_facecolor()] == [style.STUDY, style.PAPER]
    assert inside(figure)
    assert {"3", "1", "–", "A versus b", "A versus c", "Pain"} <= set(texts(figure))
    assert "2 questions with a result, 1 without a usable trial" in describe("evidence_map", populations)


def test_the_bars_of_a_tool_count_its_worst_judgements():
    tables = judged_tools(JUDGED, {}, trials=10)
    lengths = {
        (colour, round(bottom)): width
        for colour, _, bottom, width, _ in bars(draw_risk_of_bias(tables).axes[0])
    }
    assert lengths == {(style.HIGH_RISK, 0): 1.0, (style.SOME_RISK, 1): 1.0}


def test_the_timeline_tells_trials_whose_results_are_used():
    trials = [
        Trial({"study_id": "T", "year": year, "condition": condition}, f"T{year}", used_in=used)
        for year, condition, used in (
            *((2010, "DPN", ["a"]), (2010, "CIPN", []), (2012, "CIPN", [])),
            (None, "DPN", []),
        )
    ]
    counted = timeline(trials)
    figure = draw_timeline(counted)
    (ax,) = figure.axes
    shown = {(colour, round(left + width / 2)): height for colour, left, _, width, height in bars(ax)}
    assert shown == {
        (style.STUDY, 2010): 1.0,
        (style.POOLED_LIGHT, 2010): 1.0,
        (style.POOLED_LIGHT, 2012): 1.0,
    }
    assert "2010" in texts(figure)
    assert any("without a year: 1 trial" in text for text in texts(figure))
    assert inside(figure)
    assert describe("timeline", counted).endswith("2010: 2 trials, 2012: 1 trial. 1 trial without a year.")


def test_hostile_and_long_names_stay_within_the_sheet_and_are_harmless(tmp_path):
    tables = judged_tools(JUDGED, {"A": HOSTILE, "B": HOSTILE}, trials=2)
    populations = evidence_map([record("x", 2, comparison=HOSTILE, domain=HOSTILE)])
    for name, figure, told in (
        ("bias", draw_risk_of_bias(tables), describe("risk_of_bias", tables, 2)),
        ("map", draw_evidence_map(populations), describe("evidence_map", populations)),
    ):
        svg = save_figure(figure, tmp_path / name, description=told)[0]
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()}
        assert "script" not in tags
        assert "\u202e" not in svg.read_text(encoding="utf-8")
        room = 72 * figure.get_figwidth()
        lines = [
            (line, mark.get_fontsize()) for mark in marks(figure) for line in mark.get_text().split("\n")
        ]
        assert all(width(line, size) < room for line, size in lines)
        assert not any(mark.get_parse_math() for mark in marks(figure))


def test_nothing_judged_and_nothing_asked_still_draw():
    assert describe("risk_of_bias", [], 5) == "Risk of bias. No trial of 5 judged by published reviews."
    assert draw_risk_of_bias([]).get_figheight() > 0
    assert draw_evidence_map([]).get_figheight() > 0
    assert "No trial has a year of publication." in texts(draw_timeline(None))
