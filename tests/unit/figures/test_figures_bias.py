"""Bars by weight and the matrix of missing results: what is drawn is what the views say."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from tests.unit.page import demo
from tests.unit.view.test_bias import judged, known

from trialpool.figures.bias import COLOURS, draw_bias, draw_missing_results
from trialpool.figures.notes import describe
from trialpool.view.bias import missing_results


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_parts_of_a_bar_are_as_wide_as_the_weight():
    figure = draw_bias(judged())
    colours = {fill: name for name, fill in COLOURS.items() if name in ("low", "some_concerns", "high")}
    widths: dict[str, list[float]] = {}
    for patch in figure.findobj(
        lambda artist: hasattr(artist, "get_width") and hasattr(artist, "get_facecolor")
    ):
        if name := colours.get(to_hex(patch.get_facecolor())):
            widths.setdefault(name, []).append(round(patch.get_width(), 3))
    assert sorted(widths["some_concerns"])[-1] / sorted(widths["high"])[0] == pytest.approx(50 / 30)
    assert "50% some concerns, 30% high, 20% not judged" in texts(figure)
    told = describe("bias", judged())
    assert "RoB2: missing outcome data 50% low, 30% high, 20% not judged; overall" in told


def test_the_matrix_draws_a_mark_a_cell():
    record = demo.record(studies=[demo.study(1)], known=[known(1, True), known(2, False), known(3, True)])
    (matrix,) = missing_results([record])
    shown = texts(draw_missing_results(matrix))
    assert sorted(mark for mark in shown if mark in ("✓", "~", "?")) == ["?", "~", "✓"]
    assert "available of 1 of 3 trials" in describe("missing_results", matrix)
