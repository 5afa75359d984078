from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool import io
from trialpool.page import render
from trialpool.view.forest_table import forest_axis, forest_table
from trialpool.view.question import Question

HARMLESS = ("#", "https://", "http://", "summary.csv", "excluded.csv", "manifest.csv", "analyses/")
HARMLESS += ("risk_of_bias.", "evidence_map.", "timeline.")
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """What a test needs of a page: tags with attributes, ids, links, data elements, balance of tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.unbalanced, self.texts, self.data = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "data":
            self.data.append([dict(attributes), ""])

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, text):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.texts.append(text)
            if self.open[-1] == "data":
                self.data[-1][1] += text

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def page(records):
    return Page(render_page(records, demo.evidence()))


def look_up(record, place):
    """The value at a dotted place such as studies.0.estimate."""
    for step in place.split("."):
        record = record[int(step)] if step.isdigit() else getattr(record, step)
    return record


def test_page_asks_nothing_of_anyone(page):
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"link", "iframe", "object", "embed", "base", "audio", "video"}
    assert not [source for source in page.values("src") if not source.startswith("data:")]
    assert not page.values("action")
    style = next(text for text in [render_page([], {})])
    assert not re.search(r"url\(|@import", style)
    policies = [attributes for tag, attributes in page.tags if tag == "meta"]
    assert any("default-src 'none'" in attributes.get("content", "") for attributes in policies)


def test_every_anchor_resolves_and_every_id_is_unique(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    inner = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert inner
    assert not set(inner) - set(ids)
    named = [name for value in page.values("aria-labelledby") for name in value.split()]
    assert not set(named) - set(ids)


def test_every_number_is_the_records(page, records):
    by_analysis = {record.analysis: record for record in records}
    assert len(page.data) > 20
    for attributes, text in page.data:
        analysis, place = attributes["data-from"].split("/")
        value = look_up(by_analysis[analysis], place)
        assert attributes["value"] == io.cell(value)
        number = float(re.sub(r"[^\d.−]", "", text).replace("−", "-"))
        decimals = len(text.rstrip("%").partition(".")[2])
        assert abs(number - value) <= 0.5 * 10**-decimals + 1e-9


def test_tags_are_balanced(page):
    assert page.unbalanced == []
    assert page.open == []


def test_a_study_row_leads_to_steps_raw_row_page_and_locator(page):
    links = page.values("href")
    assert "#origin-demo-pain-0" in links
    assert "https://example.org/1" in links
    assert "rescaled from 0-100 to 0-10" in page.text
    assert "continuous.csv:2 arm acu centre 3.25" in page.text
    assert "Table 2" in page.text


def test_gaps_and_single_trials_are_named_as_such(page):
    assert "no poolable trial" in page.text
    assert "1 trial of this comparison known, without a number used here" in page.text.replace(
        "Known 2010", ""
    )
    assert "no number for this outcome could be read; whether it was measured is not known" in page.text
    assert "One trial is not a meta-analysis." in page.text


def test_unused_results_stand_with_their_reason():
    row = {
        **{
            "analysis": "demo-pain",
            "study_id": "Madeup2003",
            "label": "Madeup 2003",
            "arm_experimental": "acu",
        },
        **{"arm_control": "sham", "instrument": "VAS10", "item": None, "timepoint": "follow_up"},
        **{"weeks": 12.0, "reason_code": "x", "reason": "no spread was printed"},
        **{"source_url": "ftp://example.org", "row_ids": "continuous.csv:3"},
    }
    page = Page(render_page([demo.record(not_used=[row])], demo.evidence()))
    assert "1 result not used, with the reason" in page.text
    assert "no spread was printed" in page.text
    assert "ftp://example.org" in page.text
    assert "ftp://example.org" not in page.values("href")


def hostile_page():
    """A page in which every text that others wrote is hostile."""
    texts = ("label", "label_experimental", "label_control", "cointervention", "locator", "derivation")
    texts += ("cautions", "instrument", "source_url", "reading", "row_ids")
    studies = [demo.study(n, **dict.fromkeys(texts, demo.HOSTILE)) for n in (1, 2, 3)]
    known = [
        {
            **{"study_id": "Known2010", "label": demo.HOSTILE, "n_randomised": 3.0, "has_numbers": False},
            **{"source_url": "javascript:alert(1)"},
        }
    ]
    record = demo.record(
        title=demo.HOSTILE, studies=studies, known=known, note=demo.HOSTILE, experimental_name=demo.HOSTILE
    )
    tables = demo.evidence()
    tables["studies"] = [
        row | dict.fromkeys(("journal", "population", "setting_note", "doi", "source_url"), demo.HOSTILE)
        for row in tables["studies"]
    ]
    tables["continuous"] = [
        row | dict.fromkeys(("arm", "note", "locator", "source_url"), demo.HOSTILE)
        for row in tables["continuous"]
    ]
    return render_page([record], tables)


def test_hostile_text_stays_text():
    text = hostile_page()
    page = Page(text)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert not [link for link in page.values("href") if not link.startswith(HARMLESS)]
    assert "\u202e" not in text
    assert page.unbalanced == []
    assert "alert('x')" in page.text


def test_very_long_names_are_cut_in_tables():
    studies = [demo.study(n, label="Long " * 200) for n in (1, 2)]
    page = Page(render_page([demo.record(studies=studies)], demo.evidence()))
    assert max(len(text) for text in page.texts) < 800


def test_figures_are_embedded_as_images_in_which_nothing_runs(records):
    page = Page(
        render_page(
            records,
            demo.evidence(),
            {"demo-pain": {"multiverse": "<svg onload='x()'/>", "funnel": " " * 200_000}},
        )
    )
    (source,) = page.values("src")
    assert source.startswith("data:image/svg+xml;base64,")
    assert "analyses/demo-pain/funnel.svg" in page.values("href")


def test_same_records_make_the_same_bytes(records):
    assert render_page(records, demo.evidence()) == render_page(records, demo.evidence())


def test_positions_follow_the_axis_of_the_figures():
    view = Question(demo.record())
    table, axis = view.table, view.axis
    plot = render.whisker(table.total.effect, axis)
    assert 0 <= plot.low < plot.mid < plot.high <= 100
    assert plot.mid < render.percent_position(0.0, axis)
    band = [0.0, render.percent_position(-1.0, forest_axis(forest_table(view.record), -1.0))]
    assert render.benefit_band(view.record, axis) == band
    ratio = demo.record(
        measure="RR",
        better="higher",
        mcid=None,
        pooled=demo.pooled(estimate=2.0, ci_low=1.0, ci_high=4.0, pi_low=0.5, pi_high=8.0),
        studies=[demo.study(n, estimate=2.0, estimate_low=1.0, estimate_high=4.0) for n in (1, 2)],
    )
    view = Question(ratio)
    pooled = render.whisker(view.table.total.effect, view.axis)
    assert pooled.mid - pooled.low == pytest.approx(pooled.high - pooled.mid, abs=0.05)


def test_squares_grow_with_weight_by_area():
    studies = [demo.study(1, weight=40.0), demo.study(2, weight=10.0), demo.study(3, weight=None)]
    page = render_page([demo.record(studies=studies)], demo.evidence())
    forest = page[page.index('<table class="forest"') :]
    sides = [float(side) for side in re.findall(r'<rect [^>]* width="([\d.]+)"', forest)[:3]]
    assert sides[0] == pytest.approx(2 * sides[1])
    assert sides[2] == 4.0


def test_subgroups_head_their_trials_and_end_in_a_subtotal():
    studies = [demo.study(n, category_control="sham" if n < 3 else "usual_care") for n in (1, 2, 3)]
    subgroups = [
        {"name": "sham", "k": 2, "pooled": demo.pooled(estimate=-0.7)},
        {"name": "usual_care", "k": 1, "pooled": demo.pooled()},
    ]
    record = demo.record(studies=studies, subgroups=subgroups, subgroup_column="category_control")
    first, second = Question(record).table.groups
    assert (first.name, len(first.studies), second.name) == ("Sham", 2, "Usual care")
    assert first.subtotal.effect.estimate.path == "demo-pain/subgroups.0.pooled.estimate"
    assert second.subtotal is None
    page = Page(render_page([record], demo.evidence()))
    assert page.unbalanced == []
    assert "Subtotal" in page.text


def test_other_choices_stand_beside_the_result():
    row = {"kind": "model", "choice": "DL, wald", "k": 3, "estimate": -1.1, "ci_low": -1.6, "ci_high": 0.2}
    record = demo.record(
        robustness={"grade": "fragile", "sentence": "Fragile: 20%.", "agreement": 0.2, "breaks": []},
        sensitivity=[row | {"conclusion": "unclear", "changes_conclusion": True}],
    )
    page = Page(render_page([record], demo.evidence()))
    assert "no clear difference (changed)" in page.text
    places = {attributes["data-from"]: attributes["value"] for attributes, _ in page.data}
    assert places["demo-pain/sensitivity.0.ci_high"] == "0.2"


def test_a_result_leads_to_its_record_and_to_the_settings_that_made_it(records):
    specs = {
        "demo-pain": {"analysis": "demo-pain", "measure": "MD", "outcomes": ["VAS100", "NRS"], "items": []}
    }
    page = Page(render_page(records, demo.evidence(), specs=specs))
    assert "analyses/demo-pain/result.json" in page.values("href")
    assert "outcomes VAS100, NRS" in page.text
    assert "items" not in page.text


def test_a_network_stands_folded_with_the_certainty_beside_each_rank(records):
    network = demo.network()
    drawn = {"made-up": "<svg xmlns='http://www.w3.org/2000/svg'/>"}
    shown = {"networks": [network], "network_figures": drawn}
    text = render_page(records, demo.evidence(), **shown)
    page = Page(text)
    assert page.unbalanced == []
    assert {"#networks", "networks/made-up/league.csv", "networks/made-up/network.svg"} <= set(
        page.values("href")
    )
    section = text[text.index('<section id="networks"') :]
    section = section[: section.index("</section>")]
    assert "<details" in section
    assert "<details open" not in section
    assert "data:image/svg+xml" in section
    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', section)
    plain = [re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row)).strip() for row in rows]
    assert plain == [
        "Needles MD −1.25 ( −2.25 to −0.25 ) 3 0.93 ●●○○ low",
        "Rest MD 0.50 ( −0.50 to 1.50 ) 0 0.07 not assessed: no direct comparison",
    ]
    for sentence in (
        "If trials are alike.",
        "Left out: Only 2001: responders only.",
        "no usable number: Known 2010.",
    ):
        assert sentence in section
    for attributes, _ in page.data:
        analysis, place = attributes["data-from"].split("/")
        if analysis == "networks":
            assert attributes["value"] == io.cell(look_up(network, place.removeprefix("made-up.")))
    assert sum(each["data-from"].startswith("networks/") for each, _ in page.data) == 8
    assert 'id="networks"' not in render_page(records, demo.evidence())


def test_no_two_questions_of_the_contents_look_alike():
    titles = ("DPN, pain: a versus b", "DPN, worst pain: a versus b", "DPN, pain: a versus b")
    records = [demo.record(f"q{i}", k=2, title=title) for i, title in enumerate(titles)]
    page = render_page(records, {})
    contents = page[page.index('<aside class="contents"') : page.index("</aside>")]
    labels = re.findall(r'href="#analysis-[^"]*">([^<]*)</a>', contents)
    assert len(labels) == len(set(labels)) == 3
    assert "worst pain" in labels[1]


def judged_page(*judged):
    judgements = {f"S{n}": "RoB2: d1 high" if f"S{n}" in judged else "" for n in (1, 2)}
    studies = [
        demo.study(n, study_id=name, judgements=line) for n, (name, line) in enumerate(judgements.items(), 1)
    ]
    page = render_page([demo.record("q", k=2, studies=studies)], {})
    return page[page.index('<table class="forest"') : page.index("</article>")]


def test_a_trial_nobody_judged_has_an_empty_ring_beside_a_judged_one():
    text = judged_page("S1")
    assert text.count('<i class="light high" title') == 1
    assert text.count('<i class="light none" title="risk of bias: no published judgement"') == 1
    assert "worst domain judged by published reviews" in text


def test_no_light_stands_where_no_trial_of_the_plot_was_judged():
    assert "light" not in judged_page()


def test_a_very_uncertain_result_is_not_printed_bold():
    levels = {"a": "moderate", "b": "very low"}
    records = [
        demo.record(name, k=2, certainty={"level": level, "suggested": "low", "domains": []})
        for name, level in levels.items()
    ]
    page = render_page(records, {})
    assert len(re.findall(r'<td class="verdict [a-z]+ doubtful">', page)) == 1


@pytest.mark.parametrize(("kind", "said"), [("anchor", " (anchor); "), ("", "; ")])
def test_the_range_of_what_matters_is_told_with_and_without_its_kind(kind, said):
    mcid = {"value": 1.0, "low": 0.5, "high": 1.5, "unit": "points", "kind": kind, "source": "made up"}
    page = render_page([demo.record(mcid=mcid)], demo.evidence())
    assert f"held to matter: 1 point{said}0.5 to 1.5 are defensible as well, " in page
