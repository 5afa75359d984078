from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool import io
from trialpool.page import render
from trialpool.records import Ask
from trialpool.view.forest_table import forest_axis, forest_table
from trialpool.view.question import Question

HARMLESS = ("#", "https://", "http://", "summary.csv", "excluded.csv", "manifest.csv", "analyses/")
HARMLESS += ("risk_of_bias.", "evidence_map.", "timeline.", "trials.html", "index.html")
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """What a test needs of a page: tags with attributes, ids, links, data elements, balance of tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.unbalanced, self.texts, self.data = [], [], [], [], []
        self.within = [""]  # the analysis whose section each open tag stands in
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
            self.within.append(dict(attributes).get("data-analysis") or self.within[-1])
        if tag == "data":
            found = dict(attributes)
            if "/" not in found["data-from"]:
                found["data-from"] = f"{self.within[-1]}/{found['data-from']}"
            self.data.append([found, ""])

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        self.within.pop()
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, text):
        if self.open and self.open[-1] not in {"style", "script", "pre"}:  # pre holds programs
            self.texts.append(text)
            if self.open[-1] == "data":
                self.data[-1][1] += text

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def pages(records):
    """index.html and trials.html by their names."""
    return {name: Page(text) for name, text in demo.pages(records, demo.evidence()).items()}


@pytest.fixture
def page(pages):
    return pages["index.html"]


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


def test_every_anchor_resolves_and_every_id_is_unique(pages):
    ids = {name: page.values("id") for name, page in pages.items()}
    for name, page in pages.items():
        assert len(ids[name]) == len(set(ids[name]))
        links = [link.partition("#") for link in page.values("href") if ":" not in link and "#" in link]
        assert links
        assert not [(to, at) for to, _, at in links if at not in ids[to or name]]
        named = [each for value in page.values("aria-labelledby") for each in value.split()]
        assert not set(named) - set(ids[name])


def test_the_trials_lead_back_to_the_questions_that_use_them(pages):
    links = pages["trials.html"].values("href")
    assert {"index.html", "index.html#analysis-demo-pain", "index.html#analysis-demo-single"} <= set(links)


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


def test_a_study_row_leads_to_steps_raw_row_page_and_locator(page, pages):
    links = page.values("href")
    assert "#origin-demo-pain-0" in links
    assert "trials.html#row-continuous_2e_csv_3a_2" in links
    assert "https://example.org/1" in links
    assert "rescaled from 0-100 to 0-10" in page.text
    assert "continuous.csv:2 arm acu centre 3.25" in pages["trials.html"].text
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


def test_an_address_that_is_no_web_page_is_text():
    address = {"source_url": "ftp://example.org"}
    page = Page(render_page([demo.record(studies=[demo.study(1, **address)])], demo.evidence()))
    assert "ftp://example.org" in page.text
    assert "ftp://example.org" not in page.values("href")


def hostile_pages():
    """Both pages, in which every text that others wrote is hostile."""
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
    return demo.pages([record], tables)


@pytest.mark.parametrize("name", ["index.html", "trials.html"])
def test_hostile_text_stays_text(name):
    text = hostile_pages()[name]
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


def test_figures_are_linked_by_their_names(records):
    drawn = {"demo-pain": {"forest": [".svg", ".pdf"], "funnel": [".svg"]}, "demo-gap": {"forest": [".svg"]}}
    page = Page(render_page(records, demo.evidence(), drawn))
    links = set(page.values("href"))
    assert {f"analyses/demo-pain/{name}" for name in ("forest.svg", "forest.pdf", "funnel.svg")} <= links
    assert "analyses/demo-pain/funnel.pdf" not in links
    assert not [link for link in links if link.startswith("analyses/demo-gap/forest")]  # of nothing no plot
    assert not page.values("src")


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


def test_a_result_leads_to_its_record(page):
    links = set(page.values("href"))
    assert {"analyses/demo-pain/result.json", "analyses/demo-pain/studies.csv"} <= links
    assert "analyses/demo-gap/result.json" in links


def test_a_network_shows_and_links_what_its_evidence_consists_of(records, tmp_path):
    names = ("split.csv", "split.svg", "rankogram.svg")
    for name in names:
        (tmp_path / name).write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    files = {"made-up": [tmp_path / name for name in names]}
    page = Page(render_page(records, demo.evidence(), networks=[demo.network()], network_evidence=files))
    assert page.unbalanced == []
    assert {f"networks/made-up/{name}" for name in names} <= set(page.values("href"))
    assert {"Direct and indirect evidence: Made-up network", "Chance of each rank: Made-up network"} <= set(
        page.values("alt")
    )


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


def judged_page(*judged):
    judgements = {f"S{n}": "RoB2: d1 high" if f"S{n}" in judged else "" for n in (1, 2)}
    studies = [
        demo.study(n, study_id=name, judgements=line) for n, (name, line) in enumerate(judgements.items(), 1)
    ]
    page = render_page([demo.record("q", k=2, studies=studies)], {})
    forest = page[page.index('<table class="forest"') :]
    return forest[: forest.index("</section>")]


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


SAFE = {"analysis": "demo-safe", "title": "Diabetic neuropathy, withdrawals: acupuncture versus sham"}


def first_screen(**head):
    """What stands before the bar of sections, of one answer on pain and one without a trial."""
    records = [demo.certain("low", title="Made-up pain: acupuncture versus sham"), demo.record(k=0, **SAFE)]
    asks = [
        Ask(question="Does it help?", analyses=("demo-pain",)),
        Ask(question="Is it safe?", analyses=("demo-safe",)),
    ]
    text = render_page(records, demo.evidence(), summary=asks, head=head)
    return Page(text[text.index("<body>") : text.index('<nav class="bar"')]).text


def test_the_first_screen_answers_in_few_words_and_says_how_sure():
    told = first_screen(
        title="Needles", question="Do they help?", authors="A. Author", search_date="May 2026"
    )
    assert "Needles Do they help? Does it help? Made-up pain: better than sham (3 trials)." in told
    assert "Is it safe? Withdrawals: no usable trial against sham." in told
    # one of two is judged: low, and lowered for risk of bias alone
    assert "How sure can one be? Low certainty for 1 result; lowered most for risk of bias." in told
    assert "A. Author. Searched until: May 2026. To cite: A. Author. Needles. Trialpool" in told


def test_what_the_protocol_does_not_say_is_said_to_be_missing():
    told = first_screen(title="Needles")
    assert "Searched until: not stated" in told
    page = Page(render_page([demo.record()], demo.evidence()))
    items = page.text[page.text.index("Item by item") :]
    for item in (
        "Eligibility (5)",
        "Sources and search date (6, 7)",
        "Selection (8)",
        "Who read the numbers (9)",
    ):
        assert item in items
    assert "Missing : no systematic search is recorded" in items
    assert "Registration and protocol (24)" in items


def test_methods_that_most_questions_share_are_told_once():
    own = {"text": ["Random effects.", "Instrument: VAS_100."]}
    shared = {"text": ["Random effects."]}
    methods = {
        "tau2_method": "REML",
        "interval": "hksj",
        "level": 0.95,
        "several_effects": "",
        "multi_arm": "",
    }
    records = [
        demo.record(name, k=2, methods=methods | text, mcid=None)
        for name, text in (("a", own), ("b", shared), ("c", shared))
    ]
    page = Page(render_page(records, demo.evidence()))
    assert page.text.count("Random effects.") == 1
    assert page.text.count("As most questions here") == 3
    assert "Instrument: VAS 100." in page.text
    assert "#methods" in page.values("href")


def test_questions_without_a_trial_and_other_treatments_are_folded_away():
    records = [
        demo.record("a", title="Made-up a"),
        demo.record("b", k=0, title="Made-up b"),
        demo.record("c", title="Made-up c", illustrative=True),
    ]
    page = Page(render_page(records, demo.evidence()))
    folds = [found for tag, found in page.tags if tag == "details"]
    assert not [found for found in folds if "analysis" in found.get("class", "") and "open" in found]
    assert "Without a usable trial: 1 question" in page.text
    assert "Other treatments: 1 result" in page.text
    rows = [found["data-analysis"] for tag, found in page.tags if tag == "tr" and "data-analysis" in found]
    assert rows == ["a", "c"]


def test_the_glossary_is_of_the_measures_and_settings_in_use():
    record = demo.record(k=0, measure="RR")
    methods = replace(record.methods, interval="hksj", prediction_from=7)
    ratios = Page(render_page([replace(record, methods=methods)], demo.evidence())).text
    assert "always in this order. RR: risk ratio. Ratios stand on their natural scale" in ratios
    assert "trial of the same kind is expected, from 7 trials on." in ratios
    assert "Of two to four trials it is a Bayesian interval" not in ratios
    means = Page(render_page([demo.record(k=0, measure="SMD")], demo.evidence())).text
    assert "SMD: standardised mean difference (Hedges’ g). Confidence interval" in means


def test_outcomes_side_by_side_are_linked_where_there_are_any():
    records = [demo.record()]
    told = render_page(records, demo.evidence(), head={"panels": "benefits-and-harms pain"})
    assert '<a href="panels/benefits-and-harms.svg">benefits and harms</a>, ' in told
    assert '<a href="panels/pain.svg">pain</a>.' in told
    assert "side by side" not in render_page(records, demo.evidence())
