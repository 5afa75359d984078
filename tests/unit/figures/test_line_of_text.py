"""A line of text becomes the bytes that matplotlib's own text becomes, in every format."""

import pytest
from matplotlib.text import Text

from trialpool.figures import canvas
from trialpool.figures.canvas import LineOfText, Sheet
from trialpool.figures.save import save_figure
from trialpool.io import FORMATS


def written(folder, kind, monkeypatch):
    """The three files of a sheet with every kind of text that figures put on one."""
    monkeypatch.setattr(canvas, "LineOfText", kind)
    sheet = Sheet(240, 120)
    field = canvas.Field(sheet, (60, 10, 200, 100), (0, 1), (0, 1))
    for row, align in enumerate(("left", "center", "right")):
        for column, text in enumerate(("τ² = 0.35", "Müller-Ortíz 2020a", "針灸 − ≥ AVfi")):
            x, y = 40.3 + 71.7 * column, 11.9 + 23.1 * row
            sheet.text(x, y, text, align=align, bold=row == 1, size=7.0 + column)
            sheet.text(x, y + 9.6, text, align=align, colour="#59626c", url="https://example.org/a")
            sheet.text(x, y + 30.2, text, align=align, turned=True)
            canvas.print_beside(field, 0.2 + 0.3 * row, 9.0 * column - 60, text, align=align, bold=row == 1)
            for high in ("center_baseline", "top", "center", "baseline"):
                canvas.print_at(field, (0.3 * column, 0.3 * row), (7, -3.3), text, align=(align, high))
    paths = save_figure(sheet.figure, folder / kind.__name__, description="Every kind of text")
    return {path.suffix: path.read_bytes() for path in paths}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_line_is_drawn_as_matplotlibs_text_is(tmp_path, monkeypatch, format_):
    ours, theirs = (written(tmp_path, kind, monkeypatch) for kind in (LineOfText, Text))
    assert ours[format_] == theirs[format_]


def test_a_line_without_a_place_is_not_drawn(tmp_path):
    sheet = Sheet(240, 120)
    sheet.text(float("nan"), 20, "nowhere")
    (path,) = save_figure(sheet.figure, tmp_path / "plot", description="Nothing", formats=FORMATS[:1])
    assert "nowhere" not in path.read_text(encoding="utf-8")
