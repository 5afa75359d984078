"""The page as a reader meets it: from a file, on a desk and on a phone, with and without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
AXE = ROOT / ".cache" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}}
PAGES = ["made_up_page", "shipped_page"]


@pytest.fixture(params=PAGES)
def path(request):
    return request.getfixturevalue(request.param)


def test_opens_from_a_file_without_error_or_request(open_page, path):
    opened = open_page(path)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.address]
    assert opened.page.title()


def test_every_anchor_resolves(open_page, path):
    missing = open_page(path).page.evaluate(
        """() => [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1))
               .filter(id => !document.getElementById(id))"""
    )
    assert missing == []


def test_every_relative_link_of_the_shipped_page_is_a_file(open_page, shipped_page):
    links = open_page(shipped_page).page.evaluate(
        "() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
    )
    relative = {link for link in links if not re.match(r"#|https?:", link)}
    assert relative
    assert not [link for link in sorted(relative) if not (shipped_page.parent / link).is_file()]


@pytest.mark.parametrize("width", [320, 390, 820, 1360])
def test_nothing_sticks_out_of_the_window(open_page, path, width):
    page = open_page(path, viewport={"width": width, "height": 800}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_says_everything_without_javascript(open_page, made_up_page):
    page = open_page(made_up_page, java_script_enabled=False).page
    assert page.locator("#results table tbody tr").count() >= 4
    assert not page.locator("#filter").is_visible()
    assert not page.locator("#origin-demo-pain-0").is_visible()
    page.locator('a[href="#origin-demo-pain-0"]').first.click()
    assert page.locator("#origin-demo-pain-0").is_visible()
    assert "Table 2" in page.locator("#origin-demo-pain-0").inner_text()


def test_a_link_to_a_trial_opens_it(open_page, made_up_page):
    page = open_page(made_up_page).page
    assert not page.locator("#trial-Madeup2002").is_visible()
    page.locator('#analysis-demo-pain a[href="#trial-Madeup2002"]').first.click()
    page.wait_for_selector("#trial-Madeup2002", state="visible")


def visible_rows(page):
    return page.locator("table.overview tr[data-analysis]:visible")


def test_filters_agree_between_table_questions_and_contents(open_page, shipped_page):
    page = open_page(shipped_page).page
    total = visible_rows(page).count()
    page.select_option("#filter select[name=status]", "no_data")
    gaps = visible_rows(page).count()
    assert 0 < gaps < total
    assert page.locator("article.analysis:visible").count() == gaps
    assert page.locator(".contents li[data-analysis]:visible").count() == gaps
    assert page.locator("#filter output").inner_text() == f"{gaps} of {total} questions"
    page.fill("#filter input[name=text]", "zzz nothing")
    assert visible_rows(page).count() == 0
    page.click("#filter button[type=reset]")
    page.wait_for_timeout(50)
    assert visible_rows(page).count() == total


def test_each_filter_narrows(open_page, shipped_page):
    page = open_page(shipped_page).page
    total = visible_rows(page).count()
    for name in ("group", "domain", "comparison"):
        page.select_option(f"#filter select[name={name}]", index=1)
        wanted = page.eval_on_selector(f"#filter select[name={name}]", "select => select.value")
        shown = visible_rows(page).evaluate_all(f"rows => rows.map(row => row.dataset.{name})")
        assert 0 < len(shown) < total
        assert set(shown) == {wanted}
        page.select_option(f"#filter select[name={name}]", index=0)


def test_a_link_to_a_hidden_question_clears_the_filter(open_page, shipped_page):
    page = open_page(shipped_page).page
    target = page.locator("article.analysis:not(.no_data)").first.get_attribute("id")
    page.select_option("#filter select[name=status]", "no_data")
    page.evaluate(f"location.hash = '{target}'")
    page.wait_for_selector(f"#{target}", state="visible")


def test_sorting_orders_the_rows_of_each_group_with_gaps_last(open_page, shipped_page):
    page = open_page(shipped_page).page
    for wanted in ("ascending", "descending"):
        page.locator("table.overview th button", has_text="Trials").click()
        head = page.locator("table.overview th", has_text="Trials")
        assert head.get_attribute("aria-sort") == wanted
        counts = page.evaluate(
            """() => [...document.querySelectorAll('table.overview tbody')].map(body =>
                   [...body.querySelectorAll('tr[data-analysis]')]
                   .map(row => Number(row.cells[1].textContent)))"""
        )
        assert counts == [sorted(group, reverse=wanted == "descending") for group in counts]


def test_a_table_is_copied_as_text(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.locator("#analysis-demo-pain button.copy").click()
    opened.page.wait_for_selector("text=Copied")
    text = opened.page.evaluate("navigator.clipboard.readText()")
    assert "Madeup 2001" in text
    assert "\t" in text
    assert "As reported" not in text


def test_trials_are_found_and_opened(open_page, made_up_page):
    page = open_page(made_up_page).page
    page.fill("#trialsearch", "madeup 2002")
    assert page.locator("details.trial:visible").count() == 1
    page.click("button[data-expand=open]")
    assert page.locator("details.trial[open]").count() == 1


def test_hostile_text_does_nothing(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.page.wait_for_timeout(100)
    assert opened.complaints == []
    assert "alert('x')" in opened.page.locator("#analysis-demo-hostile").text_content()


def test_prints_without_tools_and_with_every_question(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("nav.bar").is_visible()
    assert not opened.page.locator("#filter").is_visible()
    assert opened.page.locator("article.analysis:visible").count() == 4
    assert opened.page.pdf(format="A4").startswith(b"%PDF")


def test_the_print_gives_the_reasons_of_certainty_without_opening_them(open_page, made_up_page):
    page = open_page(made_up_page).page
    reasons = page.locator(".domains").first
    closed = "element => element.checkVisibility({contentVisibilityAuto: false})"
    assert not reasons.evaluate(closed)
    page.emulate_media(media="print")
    assert reasons.evaluate(closed)


def test_keyboard_reaches_the_results_by_the_skip_link(open_page, made_up_page):
    page = open_page(made_up_page).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#claims")


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("made_up_page", {}),
        ("made_up_page", {"color_scheme": "dark"}),
        ("made_up_page", PHONE),
        ("shipped_page", {}),  # one look only: it takes a minute, and has the same blocks
    ],
    ids=["desk", "dark", "phone", "shipped"],
)
def test_axe_finds_no_barrier(open_page, request, name, context):
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm install --no-save --prefix .cache axe-core")
    page = open_page(request.getfixturevalue(name), **context).page
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    told = [f"{found['id']}: {found['nodes'][0]['html'][:200]} ({len(found['nodes'])})" for found in result]
    assert told == []


def test_a_broken_hash_does_no_harm(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.page.evaluate("location.hash = '%'")
    opened.page.wait_for_timeout(50)
    assert opened.complaints == []


def test_no_effect_runs_over_the_edge_of_a_phone(open_page, shipped_page):
    # rdboyes/forester#28: digits of an interval cut off; 13 effects at 390 px, 45 at 360
    page = open_page(shipped_page, viewport={"width": 360, "height": 900}).page
    over = page.evaluate(
        "() => [...document.querySelectorAll('.overview td.effect')].filter("
        "cell => cell.scrollWidth > cell.clientWidth).length"
    )
    assert over == 0
