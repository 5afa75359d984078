"""What the figures beside the forest plot share: headings, axes and the plot of intervals."""

import math

import matplotlib
import numpy as np
import pytest
from figure_records import made_up_record, typed
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from test_figures_layout import faults

from trialpool.figures import canvas, style
from trialpool.figures.canvas import Field, Line, Plot, Sheet
from trialpool.figures.save import save_figure
from trialpool.io import FORMATS
from trialpool.view.axis import axis_over


def plot(lines, measure="MD", **further):
    """A plot with lines on it, the planned axis, and the figure."""
    sheet = Sheet(400, 200)
    ax = Plot(sheet, (100, 40, 280, 150))
    axis = canvas.draw_lines(ax, measure, lines, name="Effect", **further)
    return ax, axis, sheet.figure


FRAME = (100, 40, 280, 150)


@canvas.styled
def field(kind, beside):
    """Strokes that leave their field, or such axes, and a text beside it."""
    sheet = Sheet(400, 200)
    xlim, ylim = (-0.5, 3.5), (2.0, -1.0)
    if kind == "ours":
        ax = Field(sheet, FRAME, xlim, ylim)
    else:
        ax = sheet.axes(FRAME)
        ax.set_axis_off()
        ax.set(xlim=xlim, ylim=ylim)
    canvas.draw_strokes(ax, [(0, -0.5, 0.5), (2, 1.0, 9.0)], color=style.INK, linewidth=2)
    canvas.print_beside(ax, 1.0, *beside)
    return sheet.figure


@canvas.styled
def plotted(kind, high, name):
    """Lines and marks by axes with and without ticks and names."""
    sheet = Sheet(400, 200)
    ax = Plot(sheet, FRAME) if kind == "ours" else sheet.axes(FRAME)
    x, y = (
        axis_over(0.0, to, logarithmic=log, left=0, right=180) for to, log in ((high, False), (2.0, True))
    )
    canvas.show_axis(ax, x, name)
    canvas.show_axis(ax, y, name, "y")
    ax.plot((0.1, high / 2), (0.5, 9.0), color=style.INK)
    ax.plot(high, 1.0, "o", color=style.STUDY, clip_on=False)
    ax.axvline(high / 3, color=style.POOLED, zorder=canvas.BEHIND)
    ax.axhline(0.5, color=style.POOLED)
    ax.scatter((0.1, high / 2), (0.4, 1.5), s=30, facecolor=style.PAPER, edgecolor=style.STUDY, linewidth=0.6)
    canvas.print_beside(ax, 1.0, 4, "fläge", bold=True)
    return sheet.figure


def same(tmp_path, draw, *further):
    """Whether ours and theirs become the same bytes in every format."""
    for kind in ("ours", "theirs"):
        save_figure(draw(kind, *further), tmp_path / kind, description="A plot")
    files = [[(tmp_path / f"{kind}{each}").read_bytes() for each in FORMATS] for kind in ("ours", "theirs")]
    return files[0] == files[1]


@pytest.mark.parametrize("beside", [(-60, "left"), (12, "right")])
def test_a_field_draws_what_axes_without_axes_do(tmp_path, beside):
    assert same(tmp_path, field, beside)


@pytest.mark.parametrize("name", ["", "Standard error of the logarithm, ŷ"])
@pytest.mark.parametrize("high", [0.003, 1.0, 7.3, 120000.0])
def test_a_plot_draws_what_axes_do(tmp_path, high, name):
    assert same(tmp_path, plotted, high, name)


def marks(ax, gid):
    return ax.findobj(lambda artist: artist.get_gid() == gid)


def arrows(ax):
    lines = [mark for mark in ax.marks if hasattr(mark, "get_marker")]
    return {
        (line.get_marker(), float(line.get_ydata()[0])) for line in lines if line.get_marker() in ("<", ">")
    }


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
    labels = [float(label.get_text().replace("−", "-")) for label in ax.x.labels]
    assert [take(label) for label in labels] == pytest.approx([at.get_position()[0] for at in ax.x.labels])


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
    texts = [mark.get_text() for mark in ax.marks if hasattr(mark, "get_text")]
    assert texts[1::2] == [
        "0.50 (0.00 to 2.00)",
        "0.80",
        "0.70 (0.40 to 1.20)",
    ]


def test_landmarks_are_no_effect_the_mcid_and_the_pooled_estimate():
    record = typed(made_up_record(4, mcid={"value": 1.0, "unit": "points"}))
    ax = Field(Sheet(300, 200), (50, 20, 250, 150), (-3.0, 1.0), (0.0, 1.0))
    canvas.draw_landmarks(ax, record)
    drawn = {to_hex(line.get_color()): float(line.get_xdata()[0]) for line in ax.marks}
    assert drawn == {style.INK: 0.0, style.BENEFIT_EDGE: -1.0, style.POOLED: record.pooled.estimate}


def test_the_style_ends_with_the_figure():
    before = dict(matplotlib.rcParams)
    assert canvas.styled(lambda: matplotlib.rcParams["axes.spines.top"])() is False
    assert dict(matplotlib.rcParams) == before


@canvas.styled
def test_a_tight_frame_holds_the_plot_with_its_labels_and_name():
    ax, _, figure = plot([Line("a", (0.5, 0.1, 0.9))])
    FigureCanvasAgg(figure).draw()
    tight = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    inside = [ax.bbox, *(text.get_window_extent() for text in (*ax.x.labels, ax.x.name))]
    assert all(tight.x0 <= box.x0 and tight.y0 <= box.y0 for box in inside)
    assert all(tight.x1 >= box.x1 and tight.y1 >= box.y1 for box in inside)
    assert ax.x.name.get_window_extent().y1 < ax.bbox.y0


@canvas.styled
def test_what_is_made_invisible_is_not_drawn(tmp_path):
    ax, _, figure = plot([Line("a", (0.5, 0.1, 0.9))])
    ax.x.name.set_visible(False)
    save_figure(figure, tmp_path / "figure", description="A figure", formats=(".svg",))
    assert "Effect" not in (tmp_path / "figure.svg").read_text(encoding="utf-8")
    ax.set_visible(False)
    save_figure(figure, tmp_path / "figure", description="A figure", formats=(".svg",))
    assert (tmp_path / "figure.svg").read_text(encoding="utf-8").count("<path") == 1  # the paper


@pytest.mark.parametrize("limits", [(1.0, 1.0), (0.0, math.nan), (0.0, math.inf)])
def test_an_axis_without_a_range_is_refused(limits):
    with pytest.raises(ValueError, match="must have two ends"):
        Plot(Sheet(400, 200), FRAME).x.show(limits)
