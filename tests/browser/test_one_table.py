"""The page of one table in a browser: it fits a laptop and a phone, asks nobody, shows the trials on both."""

from pathlib import Path

import pytest

from trialpool.one_table.answer import Asked, answer
from trialpool.one_table.page import write

BCG = Path(__file__).parents[2] / "docs" / "data" / "bcg.csv"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "answer"
    names = ("a vaccine with quite a long name", "no vaccine")
    write(answer(BCG, Asked(by="alloc", moderators="ablat", names=names, title="BCG " * 12)), folder)
    return folder / "index.html"


@pytest.mark.parametrize(("width", "scheme"), [(1366, "light"), (390, "light"), (390, "dark")])
def test_it_fits_and_shows_one_forest_plot(open_page, page, width, scheme):
    opened = open_page(page, viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert opened.complaints == []
    assert opened.requests == [opened.address]
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    figure, plot = opened.page.locator("figure.forestplot"), opened.page.locator("table.forest td.plot").first
    assert (figure.is_visible(), plot.is_visible()) == ((True, False) if width > 768 else (False, True))
    assert opened.page.get_by_text("Hart & Sutherland 1977").first.is_visible()
    for image in opened.page.locator("figure img").all():
        assert image.evaluate("image => image.naturalWidth") > 0
