"""The figure of the flow shows the numbers of its rows and stays within its sheet."""

import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from trialpool.figures.canvas import POINTS_PER_INCH
from trialpool.figures.notes import describe
from trialpool.figures.review import draw_flow
from trialpool.figures.save import save_figure


def row(step, trials, analysis="", reason="", **more):
    return {
        "analysis": analysis,
        "step": step,
        "reason": reason or step,
        "trials": trials,
        "people": None,
        **more,
    }


ROWS = [
    row("known", 1240, people=98765),
    row("no_numbers", 240),
    row("with_numbers", 1000),
    row("not_usable", 30, reason="no spread, interval or exact p-value"),
    row("not_usable", 12, reason="crossover trial without paired data, " * 8),
    row("used", 958, results=3000),
    row("pooled_with_others", 900, reason="pooled with at least one other"),
    row("alone", 58, reason="alone in every analysis they are in"),
    row("used", 3, "pain", results=4),
    row("used", 1, "sleep", results=1),
    row("used", 0, "function", results=0),
]


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\u00a0", " ")


def test_every_number_of_the_rows_is_on_it():
    found = texts(draw_flow(ROWS))
    for words in (
        "(n = 1,240)",
        "98,765 people",
        "(n = 240)",
        "(n = 1,000)",
        "(n = 30)",
        "(n = 958)",
        "(n = 58)",
    ):
        assert words in found
    assert "Not usable (n = 42)" in found


def test_effects_and_analyses_are_counted_over_the_analyses_that_have_any():
    assert "5 effects in 2 analyses" in texts(draw_flow(ROWS))
    assert "of which 1 pool two trials or more" in texts(draw_flow(ROWS))


def test_one_analysis_shows_its_own_rows_only():
    found = texts(draw_flow(ROWS, "pain", "Pain"))
    assert "Trials used (n = 3)" in found
    assert "4 effects" in found
    assert "1,240" not in found


def test_nothing_leaves_its_sheet_and_boxes_do_not_overlap():
    figure = draw_flow(ROWS)
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
    boxes = [box.get_window_extent() for box in figure.findobj(Rectangle) if box.get_linewidth() > 1]
    assert len(boxes) == 7
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:place])


@pytest.mark.parametrize("rows", [[], ROWS[:1]])
def test_missing_steps_are_none_instead_of_an_error(rows):
    assert draw_flow(rows).get_figwidth() * POINTS_PER_INCH == 560


def test_a_hostile_title_is_text(tmp_path):
    title = "<script>$x$</script>\u202e"
    paths = save_figure(
        draw_flow(ROWS, title=title), tmp_path / "flow", description=describe("flow", ROWS, "", title)
    )
    assert "<script>" not in paths[0].read_text(encoding="utf-8")


def test_the_text_alternative_says_what_the_figure_shows():
    words = describe("flow", ROWS)
    assert words.startswith("Flow of evidence. Known: 1,240.")
    assert "Not usable: no spread, interval or exact p-value: 30." in words
    assert "pain" not in words
