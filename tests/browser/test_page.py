"""The page as a reader meets it: from a file, on a desk and on a phone, with and without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
AXE = ROOT / ".cache" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}}
PAGES = ["made_up_page", "made_up_trials", "shipped_page", "shipped_trials"]
OPEN = "() => document.querySelectorAll('details').forEach(block => block.open = true)"


@pytest.fixture(params=PAGES)
def path(request):
    return request.getfixturevalue(request.param)


def test_opens_from_a_file_without_error_or_request(open_page, path):
    opened = open_page(path)
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.address]
    assert opened.page.title()


def test_every_link_of_a_page_leads_to_something(open_page, path):
    addresses = open_page(path).page.evaluate(
        "() => [...document.querySelectorAll('a')].map(link => link.getAttribute('href'))"
    )
    pages = {path.with_name(name) for name in ("index.html", "trials.html")}
    ids = {page: set(re.findall(r' id="([^"]*)"', page.read_text(encoding="utf-8"))) for page in pages}
    relative = {address for address in addresses if not re.match(r"https?:", address)}
    assert relative
    for address in relative:
        name, _, anchor = address.partition("#")
        target = path.parent / unquote(name) if name else path
        if target in pages:
            assert not anchor or anchor in ids[target], address
        elif "made_up" not in str(path.parent) and path.parent.name == "results":
            assert target.is_file(), address


def test_nothing_sticks_out_of_the_window(open_page, path):
    page = open_page(path).page
    for width in (320, 390, 820, 1360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_says_everything_without_javascript(open_page, made_up_page):
    page = open_page(made_up_page, java_script_enabled=False).page
    assert page.locator("#results table tbody tr").count() >= 4
    assert not page.locator("#filter").is_visible()
    question = page.locator("#analysis-demo-pain")
    assert not question.locator(".forest").is_visible()
    question.locator("summary").first.click()
    assert question.locator(".forest").is_visible()
    assert not page.locator("#origin-demo-pain-0").is_visible()
    page.locator('a[href="#origin-demo-pain-0"]').first.click()
    assert page.locator("#origin-demo-pain-0").is_visible()
    assert "Table 2" in page.locator("#origin-demo-pain-0").inner_text()


def test_a_link_to_a_question_opens_it_and_all_that_it_is_folded_in(open_page, made_up_page):
    page = open_page(made_up_page).page
    sentence = page.locator("#analysis-demo-gap .sentence")
    assert not sentence.is_visible()
    page.evaluate("location.hash = 'analysis-demo-gap'")
    page.wait_for_selector("#analysis-demo-gap .sentence", state="visible")
    assert page.locator("details.others:has(#analysis-demo-gap)").evaluate("block => block.open")
    other = open_page(made_up_page).page
    other.goto(f"{made_up_page.as_uri()}#origin-demo-pain-1")  # into a row that is folded in a question
    other.wait_for_selector("#origin-demo-pain-1", state="visible")


def test_a_link_to_a_trial_leads_to_the_trials_and_opens_it(open_page, made_up_page):
    page = open_page(made_up_page).page
    page.evaluate("location.hash = 'analysis-demo-pain'")
    page.locator('#analysis-demo-pain a[href="trials.html#trial-Madeup2002"]').first.click()
    page.wait_for_selector("#trial-Madeup2002", state="visible")
    assert page.url.endswith("trials.html#trial-Madeup2002")
    page.locator('#trial-Madeup2002 a[href="index.html#analysis-demo-pain"]').first.click()
    page.wait_for_selector("#analysis-demo-pain .forest", state="visible")


def visible_rows(page):
    return page.locator("table.overview tr[data-analysis]:visible")


def test_filters_agree_between_table_and_questions(open_page, shipped_page):
    page = open_page(shipped_page).page
    total, rows = page.locator("details.analysis").count(), visible_rows(page).count()
    page.select_option("#filter select[name=status]", "single_study")
    single = visible_rows(page).count()
    assert 0 < single < total
    assert page.locator("details.analysis:visible").count() == single
    assert page.locator("#filter output").inner_text() == f"{single} of {total} questions"
    page.select_option("#filter select[name=status]", "no_data")  # of them no table has a row
    gaps = page.locator("details.analysis:visible").count()
    assert (visible_rows(page).count(), gaps) == (0, page.locator("details.analysis.no_data").count())
    page.fill("#filter input[name=text]", "zzz nothing")
    assert page.locator("details.analysis:visible").count() == 0
    page.click("#filter button[type=reset]")
    page.wait_for_timeout(50)
    page.evaluate("document.querySelectorAll('details.others').forEach(block => block.open = false)")
    assert visible_rows(page).count() == rows


def test_a_filter_stands_in_the_address_and_is_read_from_it(open_page, shipped_page):
    page = open_page(shipped_page).page
    page.select_option("#filter select[name=status]", "single_study")
    page.fill("#filter input[name=text]", "acupuncture sham")
    shown = visible_rows(page).count()
    assert shown > 0
    assert "#filter:" in page.url
    again = open_page(shipped_page).page
    again.goto("about:blank")
    again.goto(page.url)
    assert again.eval_on_selector("#filter select[name=status]", "select => select.value") == "single_study"
    assert again.eval_on_selector("#filter input[name=text]", "input => input.value") == "acupuncture sham"
    assert visible_rows(again).count() == shown
    again.click("#filter button[type=reset]")
    again.wait_for_timeout(50)
    assert "#filter:" not in again.url


def test_each_filter_narrows(open_page, shipped_page):
    page = open_page(shipped_page).page
    page.evaluate(OPEN)
    total = visible_rows(page).count()
    for name in ("group", "domain", "comparison"):
        page.select_option(f"#filter select[name={name}]", index=1)
        wanted = page.eval_on_selector(f"#filter select[name={name}]", "select => select.value")
        asked = "rows.map(row => document.querySelector(`details[data-analysis=${row.dataset.analysis}]`))"
        shown = visible_rows(page).evaluate_all(f"rows => {asked}.map(question => question.dataset.{name})")
        assert 0 < len(shown) < total
        assert set(shown) == {wanted}
        page.select_option(f"#filter select[name={name}]", index=0)


def test_a_link_to_a_hidden_question_clears_the_filter(open_page, shipped_page):
    page = open_page(shipped_page).page
    target = page.locator("details.analysis:not(.no_data)").first.get_attribute("id")
    page.select_option("#filter select[name=status]", "no_data")
    page.evaluate(f"location.hash = '{target}'")
    page.wait_for_selector(f"#{target}", state="visible")


def test_sorting_orders_the_rows_of_each_group_with_gaps_last(open_page, shipped_page):
    page = open_page(shipped_page).page
    for wanted in ("ascending", "descending"):
        page.locator("table.overview th button", has_text="Trials").first.click()
        head = page.locator("table.overview th", has_text="Trials").first
        assert head.get_attribute("aria-sort") == wanted
        counts = page.evaluate(
            """() => [...document.querySelector('table.overview').tBodies].map(body =>
                   [...body.querySelectorAll('tr[data-analysis]')]
                   .map(row => Number(row.cells[1].textContent)))"""
        )
        assert counts == [sorted(group, reverse=wanted == "descending") for group in counts]


def test_a_table_is_copied_as_text(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.page.evaluate("location.hash = 'analysis-demo-pain'")
    opened.page.locator("#analysis-demo-pain button.copy").first.click()
    opened.page.wait_for_selector("text=Copied")
    text = opened.page.evaluate("navigator.clipboard.readText()")
    assert "Madeup 2001" in text
    assert "\t" in text
    assert "As reported" not in text


def test_trials_are_found_and_opened(open_page, made_up_trials):
    page = open_page(made_up_trials).page
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
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("details.analysis[open]:visible").count() == 4
    assert opened.page.locator("#analysis-demo-pain .forest").is_visible()
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("details.analysis[open]").count() == 0
    assert opened.page.pdf(format="A4").startswith(b"%PDF")


def test_prints_every_question_open_without_javascript_too(open_page, made_up_page):
    page = open_page(made_up_page, java_script_enabled=False).page
    forest = page.locator("#analysis-demo-pain .forest")
    assert not forest.is_visible()
    page.emulate_media(media="print")
    assert forest.is_visible()


def test_the_print_gives_the_reasons_of_certainty_without_opening_them(open_page, made_up_page):
    page = open_page(made_up_page).page
    page.evaluate("location.hash = 'analysis-demo-pain'")
    reasons = page.locator("#analysis-demo-pain .domains")
    closed = "element => element.checkVisibility({contentVisibilityAuto: false})"
    assert not reasons.evaluate(closed)
    page.emulate_media(media="print")
    assert reasons.evaluate(closed)


def test_keyboard_reaches_the_results_by_the_skip_link(open_page, made_up_page):
    page = open_page(made_up_page).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**#claims")  # a browser may answer a key before it has gone there


@pytest.mark.parametrize(
    ("name", "context"),
    [
        *((name, look) for name in PAGES[:2] for look in ({}, {"color_scheme": "dark"}, PHONE)),
        ("shipped_page", {}),  # one look only: it takes a minute, and has the same blocks
        ("shipped_page", {"color_scheme": "dark"}),
    ],
)
def test_axe_finds_no_barrier(open_page, request, name, context):
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm install --no-save --prefix .cache axe-core")
    page = open_page(request.getfixturevalue(name), **context).page
    if "made_up" in name:
        page.evaluate(OPEN)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"]}
    if "color_scheme" in context:  # in the dark nothing is other but the colours
        options["runOnly"] = ["cat.color"]
    result = page.evaluate("async options => (await axe.run(document, options)).violations", options)
    told = [f"{found['id']}: {found['nodes'][0]['html'][:200]} ({len(found['nodes'])})" for found in result]
    assert told == []


def test_a_broken_hash_does_no_harm(open_page, made_up_page):
    opened = open_page(made_up_page)
    opened.page.evaluate("location.hash = '%'")
    opened.page.wait_for_timeout(50)
    assert opened.complaints == []


CUT = """names => [...document.querySelectorAll(names)].filter(cell => cell.offsetWidth &&
    (cell.scrollWidth > cell.clientWidth + 1 || cell.getBoundingClientRect().right > innerWidth)).length"""


def test_on_a_phone_forests_and_results_are_stacked_and_no_digit_is_cut(open_page, shipped_page):
    # rdboyes/forester#28: digits of an interval cut off; 13 effects at 390 px, 45 at 360
    page = open_page(shipped_page, viewport={"width": 360, "height": 900}).page
    page.evaluate(OPEN)
    scrolling = "element => element.scrollWidth > element.clientWidth + 1"
    for width in (360, 390, 412):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT, ".forest .effect, .overview .effect, .findings td") == 0
        for table in (".forest", ".overview", ".findings"):
            blocks = page.locator(f".scroll:has({table})")
            assert blocks.count() > 1
            assert not any(blocks.evaluate_all(f"blocks => blocks.map({scrolling})"))
        row = page.locator(".forest tr[id$='-row']").first
        name, effect, plot = (row.locator(part).bounding_box() for part in ("th", ".effect", ".plot"))
        assert effect["x"] >= name["x"] + name["width"]
        assert plot["y"] >= max(name["y"] + name["height"], effect["y"] + effect["height"]) - 1
        assert plot["width"] > 0.75 * width


def test_on_a_laptop_every_table_is_whole(open_page, shipped_page):
    page = open_page(shipped_page).page
    page.evaluate(OPEN)
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    for width in (1280, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        wide = page.evaluate(
            """() => [...document.querySelectorAll('.scroll')].filter(block => block.scrollWidth >
                   block.clientWidth + 1).map(block => block.getAttribute('aria-label'))"""
        )
        assert wide == []


@pytest.mark.parametrize(("size", "most"), [((1366, 768), 25), ((390, 844), 60)])
def test_folded_the_page_is_short_and_its_first_screen_answers(open_page, shipped_page, size, most):
    width, height = size
    page = open_page(shipped_page, viewport={"width": width, "height": height}).page
    assert page.evaluate("document.documentElement.scrollHeight") <= most * height
    answers = page.locator(".answers div")
    assert answers.count() == 4
    for at in range(4):
        box = answers.nth(at).bounding_box()
        assert box["y"] + box["height"] <= height
