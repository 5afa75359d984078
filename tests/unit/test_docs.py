"""What the pages of the site say their code prints is what it prints, and metafor says the same numbers."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


pages = loaded(DOCS / "pages.py")


@pytest.mark.parametrize("name", pages.NAMES)
def test_a_page_says_what_its_code_prints(name):
    page = pages.run(name)
    assert page.text == (DOCS / f"{name}.md").read_text("utf-8"), "python docs/pages.py"
    for label, call, theirs, ours in page.beside():
        assert ours == pytest.approx(theirs, rel=1e-7), f"{label} by {call}"


def test_a_page_that_says_something_else_is_found():
    assert pages.printed("x = 1\nx + 1", {}) == "2\n"
    assert pages.printed("import warnings\nwarnings.warn('gap')\nprint('a')", {}) == "UserWarning: gap\na\n"


def test_every_answer_of_metafor_is_on_a_page():
    shown = {}
    for name in pages.NAMES:
        for block in pages.BESIDE.finditer((DOCS / f"{name}.md").read_text("utf-8")):
            names = shown.setdefault(block["set"], set())
            names |= {line.partition(": ")[0] for line in block["lines"].splitlines()}
    asked = {name: set(answers) for name, answers in pages.ANSWERS.items() if isinstance(answers, dict)}
    assert shown.keys() == asked.keys() - {"about", "versions"}
    assert all(len(names) >= 5 for names in shown.values())


def test_every_page_is_in_the_contents_and_every_figure_is_drawn():
    listed = re.findall(r"^\w+$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE)
    assert {*pages.NAMES} - {"index"} <= {*listed}
    for name in pages.NAMES:
        text = (DOCS / f"{name}.md").read_text("utf-8")
        for figure in re.findall(r"!\[[^\]]+\]\((\S+)\)", text):
            assert f'"{figure}"' in text


def test_every_public_method_of_a_fit_is_on_a_page():
    from trialpool import api

    text = "".join((DOCS / f"{name}.md").read_text("utf-8") for name in pages.NAMES)
    methods = {name for name, value in vars(api.Fit).items() if callable(value) and not name.startswith("_")}
    assert {name for name in methods if f".{name}(" not in text} == {"natural", "record"}


@pytest.mark.slow
def test_the_site_is_built_and_needs_no_network():
    """Where `make docs` builds it, so that what it has built just before is not built again."""
    for library in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(library, reason="the site's libraries are not installed: make docs")
    site = DOCS / "site"
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", DOCS, site]
    subprocess.run(command, check=True, cwd=ROOT)
    assert (site / "events.html").read_text("utf-8").count("-0.71453234") == 2
    for page in site.glob("*.html"):
        assert not re.findall(r'(?:src|<link[^>]*href)="https?://', page.read_text("utf-8"))
