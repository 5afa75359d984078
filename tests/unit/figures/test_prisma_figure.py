"""The PRISMA 2020 flow as a figure: every box with its number, inside the sheet, none over another."""

from itertools import combinations

from matplotlib.patches import Rectangle
from matplotlib.text import Text
from tests.unit.evidence.screened import EXAMPLE, example, record

from trialpool.evidence.screening import Found, count_screening
from trialpool.figures.canvas import POINTS_PER_INCH
from trialpool.figures.notes import describe
from trialpool.figures.review import draw_prisma
from trialpool.figures.save import save_figure
from trialpool.view.prisma import prisma_stages, told


def flow_of(rows):
    return count_screening([Found(at, cells) for at, cells in enumerate(rows, 2)])


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\u00a0", " ")


def test_every_box_of_the_example_has_its_number(tmp_path):
    figure = draw_prisma(flow_of(example()))
    shown = texts(figure)
    for name in (
        "database_results",
        "duplicates",
        "records_screened",
        "records_excluded",
        "dbr_sought_reports",
    ):
        assert f"(n = {EXAMPLE[name]:,})" in shown
    for words in (
        "Studies included in review (n = 26)",
        "Citation searching (n = 797)",
        "(n = 14)",
        "(n = 133)",
    ):
        assert words in shown
    assert "Studies identified via databases and registers" in shown
    assert "Studies identified via other ways" in shown
    assert "revious" not in shown
    save_figure(figure, tmp_path / "flow", description="d", formats=[".svg"])
    assert (tmp_path / "flow.svg").stat().st_size > 3000


def test_boxes_lie_within_the_sheet_and_beside_each_other():
    earlier = record(3000, source_kind="previous", report_of="A1")
    figure = draw_prisma(flow_of([*example(), earlier]))
    width, height = (side * POINTS_PER_INCH for side in figure.get_size_inches())
    boxes = [each.get_bbox() for each in figure.findobj(Rectangle) if 100 < each.get_width() < 400]
    drawn = [box for stage in prisma_stages(flow_of([*example(), earlier])) for box in stage.boxes]
    assert len(boxes) == len(drawn) + 3  # the headings of the three ways
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_an_update_shows_the_earlier_version_and_the_total():
    included = {"screened": "include", "retrieved": "yes", "assessed": "include", "report_of": "B1"}
    rows = [record(1, source_kind="previous", report_of="A1"), record(2, **included)]
    shown = texts(draw_prisma(flow_of(rows)))
    assert "All studies included in review (n = 2)" in shown
    assert "New studies included in review (n = 1)" in shown
    assert "Previous studies" in shown
    assert "New studies identified via databases and registers" in shown


def test_the_flow_is_told_for_those_who_do_not_see_it():
    said = describe("prisma", list(told(flow_of(example()))))
    assert "Records screened: 1,127." in said
    assert "Records identified from: databases 1,697; registers 0." in said
    assert "Reports excluded: 28 (No quantitative exposure-response 14;" in said
