"""What the figures beside the forest plot share: headings, axes and the plot of intervals."""

import math

import matplotlib
import numpy as np
import pytest
from figure_records import made_up_record, typed
from matplotlib.colors import to_hex
from test_figures_layout import faults

from trialpool.figures import canvas, style
from trialpool.figures.canvas import Field, Line, Sheet
from trialpool.figures.save import _pixels, svg_of


def plot(lines, measure="MD", **further):
    """Axes with lines on them, the planned axis, and the figure."""
    sheet = Sheet(400, 200)
    ax = sheet.axes((100, 40, 280, 150))
    axis = canvas.draw_lines(ax, measure, lines, name="Effect", **further)
    return ax, axis, sheet.figure


@canvas.styled
def drawn(beside, field):
    """A figure of strokes that leave their field, or such axes, and a text beside it."""
    sheet = Sheet(400, 200)
    frame, xlim, ylim = (100, 40, 280, 150), (-0.5, 3.5), (2.0, -1.0)
    if field:
        ax = Field(sheet, frame, xlim, ylim)
    else:
        ax = sheet.axes(frame)
        ax.set_axis_off()
        ax.set(xlim=xlim, ylim=ylim)
    canvas.draw_strokes(ax, [(0, -0.5, 0.5), (2, 1.0, 9.0)], color=style.INK, linewidth=2)
    canvas.print_beside(ax, 1.0, *beside)
    return sheet.figure


@pytest.mark.parametrize("beside", [(-60, "left"), (12, "right")])
def test_a_field_draws_what_axes_without_axes_do(beside):
    assert svg_of(drawn(beside, field=True)) == svg_of(drawn(beside, field=False))
    assert _pixels(drawn(beside, field=True), 90) == _pixels(drawn(beside, field=False), 90)


def marks(ax, gid):
    return ax.findobj(lambda artist: artist.get_gid() == gid)


def arrows(ax):
    return {(line.get_marker(), float(line.get_ydata()[0])) for line in ax.lines if line.get_marker() in "<>"}


SEVERAL = [Line("A", (-1.0, -2.0, 0.0)), Line("B", (-1.5, -2.5, -0.5)), Line("C", (-0.5, -1.0, 0.0))]


@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_estimates_and_intervals_lie_where_they_are_analysed(measure):
    take = math.log if measure == "RR" else float
    lines = [Line("A", (1.5, 1.1, 2.0)), Line("B", (0.8, 0.5, 1.25))]
    ax, axis, _ = plot(lines, measure)
    assert (axis.low, axis.high) == ax.get_xlim()
    for y, (line, dot, interval) in enumerate(
        zip(lines, marks(ax, "estimate"), marks(ax, "interval"), strict=True)
    ):
        assert dot.get_xydata()[0] == pytest.approx((take(line.values[0]), y))
        assert interval.get_xdata() == pytest.approx([take(value) for value in line.values[1:]])
    labels = [float(label.get_text().replace("−", "-")) for label in ax.get_xticklabels()]
    assert [take(label) for label in labels] == pytest.approx(list(ax.get_xticks()))


def test_an_interval_that_leaves_the_axis_ends_in_an_arrow_there():
    wide = Line("D", (-1.0, -90.0, 80.0))
    ax, axis, _ = plot([*SEVERAL, wide])
    assert axis.high < 80
    assert arrows(ax) == {("<", 3.0), (">", 3.0)}


def test_a_diamond_is_as_wide_as_its_interval_and_cut_with_arrows():
    whole = Line("all", (-1.0, -1.5, -0.5), mark="diamond", colour=style.POOLED, gid="all")
    ax, _, _ = plot([*SEVERAL, whole])
    (diamond,) = marks(ax, "all")
    assert np.ptp(diamond.get_xy()[:, 0]) == pytest.approx(1.0)
    assert to_hex(diamond.get_facecolor()) == style.POOLED
    assert not arrows(ax)
    ax, _, _ = plot([*SEVERAL, Line("all", (-1.0, -50.0, 50.0), mark="diamond")])
    assert len(arrows(ax)) == 2


def test_a_ratio_of_zero_and_a_missing_end_still_draw():
    lines = [Line("A", (0.5, 0.0, 2.0)), Line("B", (0.8, None, None)), Line("C", (0.7, 0.4, 1.2))]
    ax, _, figure = plot(lines, "RR")
    assert len(marks(ax, "interval")) == 2
    assert ("<", 0.0) in arrows(ax)
    canvas.print_lines(ax, lines, "RR", 90, 110)
    assert faults(figure)[:2] == ([], [])
    assert [text.get_text() for text in ax.texts[1::2]] == [
        "0.50 (0.00 to 2.00)",
        "0.80",
        "0.70 (0.40 to 1.20)",
    ]


def test_landmarks_are_no_effect_the_mcid_and_the_pooled_estimate():
    record = typed(made_up_record(4, mcid={"value": 1.0, "unit": "points"}))
    ax = Sheet(300, 200).axes((50, 20, 250, 150))
    ax.set_xlim(-3.0, 1.0)
    canvas.draw_landmarks(ax, record)
    drawn = {to_hex(line.get_color()): float(line.get_xdata()[0]) for line in ax.lines}
    assert drawn == {style.INK: 0.0, style.BENEFIT_EDGE: -1.0, style.POOLED: record.pooled.estimate}


def test_the_style_ends_with_the_figure():
    before = dict(matplotlib.rcParams)
    assert canvas.styled(lambda: matplotlib.rcParams["axes.spines.top"])() is False
    assert dict(matplotlib.rcParams) == before
