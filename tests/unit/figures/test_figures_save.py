"""Figures as files: the same bytes every time, harmless, and with words for those who cannot see them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from figure_records import describe_forest, draw_forest, made_up_record
from PIL import Image

import trialpool
from trialpool.figures import style
from trialpool.figures.save import PNG_DPI, save_figure

SVG = "{http://www.w3.org/2000/svg}"
PACKAGE = Path(trialpool.__file__).parent
DRAW = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from figure_records import draw_forest, made_up_record, typed
from trialpool.figures.funnel import draw_funnel
from trialpool.figures.review import draw_timeline
from trialpool.figures.save import save_figure
from trialpool.view.review import Dot, Timeline
record = made_up_record(4, mcid={"value": 1.0, "unit": "points"})
dots = [Dot(series, used=series == 0, label="") for series in (0, 1, 1)]
years = Timeline(["A", "B"], {2020: dots}, {2020: 3}, each=1, undated=0)
for figure in (draw_forest(record), draw_funnel(typed(record)), draw_timeline(years)):
    for path in save_figure(figure, sys.argv[2], description="A plot. Two"):
        print(path.suffix, hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.fixture
def saved(tmp_path):
    record = made_up_record(4)
    record["studies"][0]["label"] = '<script>"x"&$a_1$'
    record["studies"][1]["source_url"] = "javascript:alert(1)"
    figure = draw_forest(record)
    return save_figure(figure, tmp_path / "forest", description=describe_forest(record))


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path):
    outputs = []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", DRAW, str(Path(__file__).parent), str(tmp_path / f"figure{seed}")]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        outputs.append(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 9


def test_saving_again_in_the_same_process_writes_the_same_bytes(tmp_path):
    figure = draw_forest(made_up_record(3))
    first = [path.read_bytes() for path in save_figure(figure, tmp_path / "a", description="A. B")]
    second = [path.read_bytes() for path in save_figure(figure, tmp_path / "b", description="A. B")]
    assert first == second


def test_three_formats_are_written_whole(saved):
    svg, pdf, png = saved
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert pdf.read_bytes().rstrip().endswith(b"%%EOF")
    ElementTree.parse(svg)
    with Image.open(png) as image:
        assert image.getpixel((0, 0)) in (255, image.getpalette().index(255) // 3)
        assert image.info["dpi"] == pytest.approx((PNG_DPI, PNG_DPI), abs=0.1)
        assert image.width > 800


def test_nothing_tells_when_or_where_it_was_made(saved):
    svg, pdf, png = (path.read_bytes() for path in saved)
    assert b"<metadata" not in svg
    assert b"<!DOCTYPE" not in svg
    assert b"CreationDate" not in pdf
    for content in (svg, pdf, png):
        assert not re.search(rb"matplotlib|Software|20\d\d-\d\d-\d\d", content, re.IGNORECASE)


def test_the_svg_speaks(saved):
    root = ElementTree.parse(saved[0]).getroot()
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == "Forest plot: Made-up numbers: acupuncture versus sham"
    assert "Pooled: MD " in description.text
    assert root.get("aria-labelledby") == title.get("id")
    assert root.get("aria-describedby") == description.get("id")
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert ids == [title.get("id"), description.get("id")]


def test_labels_are_text_and_nothing_else(saved):
    root = ElementTree.parse(saved[0]).getroot()
    assert {element.tag for element in root.iter()} <= {
        SVG + tag for tag in ("svg", "title", "desc", "style", "g", "a", "path", "text")
    }
    words = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert '<script>"x"&$a_1$' in words
    links = [element.get("{http://www.w3.org/1999/xlink}href") for element in root.iter(f"{SVG}a")]
    assert set(links) == {"https://example.org/trial"}
    assert len(links) >= 3


def test_the_svg_stays_within_its_own_styles_and_has_a_dark_twin(saved):
    content = saved[0].read_text(encoding="utf-8")
    (sheet,) = re.findall(r"<style>(.*?)</style>", content)
    outside = re.sub(r"@media[^{]*", "", sheet)
    selectors = [part.rsplit("}", 1)[-1].lstrip("{") for part in outside.split("{")[:-1]]
    (key,) = re.findall(r'aria-labelledby="title-([0-9a-f]{4})', content)
    own = (".trialpool-figure ", f".k{key}")
    assert all(not selector or selector.startswith(own) for selector in selectors)
    light, dark = sheet.split("@media")
    colours = set(re.findall(r"(?:fill|stroke):(#[0-9a-f]{6})", light))
    assert style.INK in colours
    assert colours <= set(style.DARK)
    assert {style.DARK[colour] for colour in colours} == set(re.findall(r":(#[0-9a-f]{6})", dark))
    assert " style=" not in content


def test_only_save_writes_figures():
    writers = re.compile(r"(?m)savefig|print_(svg|pdf|png|figure)\(|\.pyplot|^import seaborn")
    found = {path.name for path in PACKAGE.rglob("*.py") if writers.search(path.read_text(encoding="utf-8"))}
    assert found <= {"save.py"}


def test_drawing_imports_neither_pyplot_nor_pandas():
    code = "import sys; import trialpool.figures.forest, trialpool.figures.save; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"matplotlib.pyplot", "pandas", "seaborn", "scipy", "statsmodels"} & set(loaded)
