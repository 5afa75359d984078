"""A real browser for the page: Debian's Chromium driven by Playwright; skipped with a reason without it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.page import demo

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def made_up_page(tmp_path_factory):
    """Pages of made-up records with everything on them: claims, certainty, gaps, hostile text."""
    folder = tmp_path_factory.mktemp("page")
    for name, text in demo.pages(**demo.everything()).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "index.html"


@pytest.fixture(scope="session")
def made_up_trials(made_up_page):
    """The page of their trials."""
    return made_up_page.with_name("trials.html")


@pytest.fixture(scope="session")
def shipped_page():
    """The page of results/, or of another review whose results folder TRIALPOOL_RESULTS names."""
    path = Path(os.environ.get("TRIALPOOL_RESULTS", ROOT / "results")).resolve() / "index.html"
    if not path.exists():
        pytest.skip(f"{path.name} has not been built (make results)")
    return path


@pytest.fixture(scope="session")
def shipped_trials(shipped_page):
    """The page of its trials."""
    return shipped_page.with_name("trials.html")


class Opened:
    """A page that was opened from a file, and what the browser complained about or asked for."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        self.page.goto(self.address)


@pytest.fixture
def open_page(browser):
    opened = []

    def open_it(path, **context):
        context.setdefault("viewport", {"width": 1360, "height": 900})
        opened.append(Opened(browser, path, **context))
        return opened[-1]

    yield open_it
    for each in opened:
        each.context.close()
