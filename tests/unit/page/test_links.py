"""A page a question: the same content as on one page, and no link that leads nowhere."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from tests.unit.page.test_page import HARMLESS, Page
from trialpool import io
from trialpool.contracts import FLOW
from trialpool.page.page import linker
from trialpool.records import ITS_OWN
from trialpool.view.read import read_csv, read_records

ANALYSES = Path(__file__).parents[3] / "results" / "analyses"


@pytest.fixture(scope="module")
def pages():
    return {name: Page(text) for name, text in demo.pages(**demo.everything(), most_questions=1).items()}


def test_up_to_the_most_all_questions_are_on_one_page():
    pages = demo.pages(**demo.everything(), most_questions=4)
    assert list(pages) == ["index.html", "trials.html"]
    assert pages["index.html"] == render_page(**demo.everything())


def test_pages_of_records_read_anew_are_those_of_whole_ones():
    whole = {each.analysis: each for each in read_records(sorted(ANALYSES.glob("*/result.json"))[:40])}
    assert all(any(getattr(record, part) for record in whole.values()) for part in ITS_OWN)
    lean = [replace(record, **ITS_OWN) for record in whole.values()]
    anew = demo.pages(lean, {}, whole=whole.__getitem__, most_questions=1)
    assert anew == demo.pages([*whole.values()], {}, most_questions=1)


def test_each_question_has_a_page_with_its_numbers_and_its_trials(pages):
    assert list(pages)[2:] == [
        f"questions/{name}.html" for name in ("demo-pain", "demo-hostile", "demo-single", "demo-gap")
    ]
    whole = Page(render_page(**demo.everything()))
    apart = [found for name, page in pages.items() if name != "index.html" for found in page.data]
    missing = [found for found in whole.data if found not in apart + pages["index.html"].data]
    assert missing == []
    assert "trial-Madeup2001" in pages["questions/demo-pain.html"].values("id")
    assert "trial-Madeup2002" not in pages["questions/demo-single.html"].values("id")


def test_every_link_leads_to_something(pages):
    ids = {name: set(page.values("id")) for name, page in pages.items()}
    followed = 0
    for name, page in pages.items():
        assert page.unbalanced == []
        assert len(page.values("id")) == len(ids[name])
        for address in page.values("href"):
            if urlsplit(address).scheme:
                continue
            target = urlsplit(urljoin(name, address) if not address.startswith("#") else name + address)
            if target.path in pages:
                assert unquote(target.fragment) in ids[target.path] | {""}, f"{name}: {address}"
                followed += target.path != name
            else:
                assert target.path.startswith((*HARMLESS, "appraisal.json")), f"{name}: {address}"
    assert followed > 10


def test_a_number_is_one_click_from_its_source_on_the_page_of_its_question(pages):
    page = pages["questions/demo-pain.html"]
    rows = [address for address in page.values("href") if address.startswith("#row-")]
    assert rows
    assert {row.removeprefix("#") for row in rows} <= set(page.values("id"))


def test_a_trial_that_no_question_names_stands_on_the_page_of_the_trials():
    made = demo.everything()
    made["tables"]["studies"].append(made["tables"]["studies"][0] | {"study_id": "Alone2011"})
    named = demo.pages(**made, most_questions=1)
    assert "trial-Alone2011" in Page(named["trials.html"]).values("id")
    assert "trial-Madeup2001" not in Page(named["trials.html"]).values("id")
    assert not [each for each in Page(named["index.html"]).values("id") if each.startswith("trial-")]


def test_a_slug_in_an_address_is_quoted():
    assert linker({}, {})("analysis", "a b").startswith("questions/a%20b.html#")


def test_a_cell_that_names_all_trials_of_a_large_review_is_read(tmp_path):
    io.write_csv(tmp_path / "flow.csv", [{"study_ids": "Trial000001 " * 30_000}], ["study_ids"])
    assert len(read_csv(tmp_path / "flow.csv", FLOW)[0]["study_ids"]) == 360_000
