"""How the page bears 500 trials in 100 analyses: time to build and size, time to open, scroll and filter.

Run from the repository: `python -m benchmarks.page_scale`; prints the table of page_scale.md. The review is
made up: 500 trials of eight rows each, 100 analyses that pool 40 trials. Chromium, driven by Playwright,
measures what a reader waits for.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

from tests.unit.page import demo

TRIALS, ANALYSES, POOLED, ROWS = 500, 100, 40, 8


def made_up_review() -> tuple[list[dict], dict[str, list[dict]]]:
    """Records and evidence tables of a large review."""
    rng = random.Random(6)
    study = demo.everything()["tables"]["studies"][0]
    studies = [
        {**study, "study_id": f"T{n}", "first_author": f"Test{n}", "year": 1990 + n % 35}
        for n in range(TRIALS)
    ]
    row = demo.everything()["tables"]["continuous"][0]
    rows = [
        {**row, "row_id": f"continuous.csv:{n * ROWS + i + 2}", "study_id": f"T{n}", "domain": "pain"}
        for n in range(TRIALS)
        for i in range(ROWS)
    ]
    records = []
    for number in range(ANALYSES):
        slug = f"a{number}"
        chosen = rng.sample(range(TRIALS), POOLED)
        pooled = [
            demo.study(
                place + 1,
                analysis=slug,
                study_id=f"T{trial}",
                label=f"Test{trial}",
                row_ids=f"continuous.csv:{trial * ROWS + 2} continuous.csv:{trial * ROWS + 3}",
            )
            for place, trial in enumerate(chosen)
        ]
        records.append(demo.record(slug, k=POOLED, title=f"Question {number}: made up", studies=pooled))
    return records, {"studies": studies, "continuous": rows}


def measured(path: Path) -> dict[str, float]:
    """Seconds in Chromium until the page is open, scrolled from end to end, filtered and searched."""
    from playwright.sync_api import sync_playwright

    browser_path = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    seconds: dict[str, float] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        start = time.perf_counter()
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seconds["opens"] = time.perf_counter() - start
        seconds["longest frame in scrolling"] = page.evaluate(
            """async () => {
                const frame = () => new Promise(done => requestAnimationFrame(done));
                let longest = 0, last = performance.now();
                for (let step = 0; step < 60; step++) {
                    window.scrollTo(0, document.body.scrollHeight * step / 59);
                    await frame();
                    const now = performance.now();
                    longest = Math.max(longest, now - last);
                    last = now;
                }
                return longest / 1000;
            }"""
        )
        start = time.perf_counter()
        page.locator("input[name=text]").first.fill("Question 77")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seconds["filters by words"] = time.perf_counter() - start
        browser.close()
    return seconds


def main() -> None:
    """Build the page, open it and print what it took."""
    records, tables = made_up_review()
    start = time.perf_counter()
    text = demo.render_page(records, tables)
    seconds = {"builds": time.perf_counter() - start}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.html"
        path.write_text(text, encoding="utf-8")
        seconds |= measured(path)
    print(f"{TRIALS} trials, {ANALYSES} analyses of {POOLED} trials: {len(text.encode()) / 1e6:.1f} MB\n")
    print("| what | seconds |\n| :-- | --: |")
    for name, value in seconds.items():
        print(f"| {name} | {value:.2f} |")


if __name__ == "__main__":
    main()
