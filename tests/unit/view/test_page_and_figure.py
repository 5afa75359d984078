"""Page and figure print the same numbers: every row of a forest table, read back from HTML and SVG."""

import html
import os
import re
from pathlib import Path

import pytest

from tests.unit.page import demo
from tests.unit.page.demo import render_page
from trialpool import io
from trialpool.figures.forest import draw_forest
from trialpool.figures.save import save_figure
from trialpool.records import sketch
from trialpool.view.read import Appraised

RESULTS = Path(os.environ.get("TRIALPOOL_RESULTS", Path(__file__).parents[3] / "results"))
BODY = re.compile(r'<text style="[^"]*font-size:8px[^"]*" x="[^"]*" y="([^"]*)">([^<]*)</text>')
SMALL = re.compile(r'<text style="[^"]*font-size:7px[^"]*" x="[^"]*" y="[^"]*">([^<]*)</text>')
TICK = re.compile(r'<text style="font-size:7px;text-anchor:middle[^"]*" x="[^"]*" y="[^"]*">([−\d.e+]+)<')
INTERVAL = re.compile(r"\(\S+ to \S+\)")


def drawn(record, folder):
    """The SVG of a record's forest plot."""
    paths = save_figure(
        draw_forest(sketch(Appraised, record)), folder / "forest", description="Made up.", formats=[".svg"]
    )
    return styled(paths[0])


def styled(path):
    """An SVG with the style of each element at the element, not in a class."""
    svg = path.read_text(encoding="utf-8")
    light = svg.partition("@media")[0]
    styles = dict(re.findall(r"\.(k[0-9a-f]{4}\d+)\{([^}]*)\}", light))
    return re.sub(r'class="(k[^"]*)"', lambda found: f'style="{styles[found[1]]}"', svg)


def drawn_rows(svg):
    """The texts of every line of a forest plot that has an interval, from top to bottom."""
    lines = {}
    for y, text in BODY.findall(svg):
        lines.setdefault(float(y), []).append(html.unescape(text).lstrip("/ "))
    return [texts for _, texts in sorted(lines.items()) if any(map(INTERVAL.fullmatch, texts))]


def words_of(markup):
    return (
        " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split()).replace("( ", "(").replace(" )", ")")
    )


def article_of(page, analysis):
    end = '(?=<details class="analysis |</section>)'
    return re.search(rf'<details class="analysis [^>]*data-analysis="{analysis}".*?{end}', page, re.DOTALL)[0]


def printed_rows(article):
    """The texts of every row of the page's forest table that has an interval: arms, effect, weight."""
    table = re.search(r'<table class="forest".*?</table>', article, re.DOTALL)[0]
    rows = []
    for row in re.findall(r"<tr(?! class=\"source).*?</tr>", table, re.DOTALL):
        cells = [words_of(cell) for cell in re.findall(r'<td class="num[^"]*">(.*?)</td>', row, re.DOTALL)]
        effect = re.search(r'<td class="num effect">(.*?)</td>', row, re.DOTALL)
        if effect and re.search(r"\S+ to \S+", words_of(effect[1])):
            rows.append([text for cell in cells for text in parts_of(cell)])
    return rows


def parts_of(cell):
    """A cell of the page as the texts that the figure prints beside each other."""
    cell = re.sub(r"^(\S+ to \S+)$", r"(\1)", cell.removeprefix("n = "))
    if found := re.fullmatch(r"(\S+) (\(\S+ to \S+\))", cell):
        return list(found.groups())
    if found := re.fullmatch(r"(\S+) / (\S+)", cell):
        return list(found.groups())
    if found := re.fullmatch(r"(\S+) (± \S+) \((\S+)\)", cell):
        return list(found.groups())
    return [cell] if cell else []


def unlike(article, svg):
    """Rows whose numbers on the page are not those of the figure."""
    printed, drawn = printed_rows(article), drawn_rows(svg)
    assert len(printed) == len(drawn) > 0
    pairs = zip(printed, drawn, strict=True)
    return [(page, figure) for page, figure in pairs if not set(page) <= {*figure, "—"}]


def spread_of(article):
    """τ² with its interval and I² as the page prints them; None where it prints none."""
    found = dict(re.findall(r"<dt>([^<]*)</dt><dd>(.*?)</dd>", article))
    return [
        words_of(found[key]) for key in ("Between-trial variance, τ²", "Heterogeneity, I²") if key in found
    ]


def differences(article, svg):
    """Every row and number of heterogeneity in which the page's article and the figure differ."""
    beside = " ".join(html.unescape(text) for text in SMALL.findall(svg))
    found = unlike(article, svg)
    for text in spread_of(article):
        wanted = re.sub(r" \((.*)\)$", r" (95% CI \1)", text)
        if f"² = {wanted}" not in beside:
            found.append((wanted, re.findall(r"Heterogeneity: .*?Q", beside)))
    axis = article.partition('<tr class="axis"')[2].partition("</tr>")[0]
    ticks = re.findall(r'<span style="left: [^"]*">(.*?)</span>', axis)
    found += [(ticks, TICK.findall(svg))] if ticks != TICK.findall(svg) else []
    size = re.search(r"<th scope=\"row\">Pooled<small>(.*?)</small>", article)
    if size and (
        people := re.search(r"Random effects: (.* people)", " ".join(t for _, t in BODY.findall(svg)))
    ):
        found += [(size[1], people[1])] if html.unescape(size[1]) != people[1] else []
    return found


def large(**changes):
    """Studies of very different size: the pooled line has fewer decimals than a small study had alone."""
    studies = [
        demo.study(1, effect=8.93, estimate=8.93, estimate_low=8.34, estimate_high=9.52),
        demo.study(
            2, estimate=2.644, estimate_low=0.52, estimate_high=4.77, mean_control=3.3, sd_control=10.3
        ),
        demo.study(3, estimate=-31.2, estimate_low=-80.4, estimate_high=18.0, n_control=1203.5),
    ]
    heterogeneity = {"tau2": 19.12, "tau2_low": 3.304, "tau2_high": 20113.4}
    pooled = demo.pooled(estimate=5.8, ci_low=-34.2, ci_high=45.7, pi_low=-7.1, pi_high=6.2, **heterogeneity)
    return demo.raw_record(k=3, studies=studies, pooled=pooled) | changes


def counted(measure="RR"):
    events = {"mean_experimental": None, "mean_control": None, "kind": "events", "events_control": 7.0}
    studies = [
        demo.study(
            1, **events, events_experimental=12.0, estimate=0.571, estimate_low=0.2, estimate_high=12.34
        ),
        demo.study(
            2, **events, events_experimental=0.0, estimate=0.004, estimate_low=0.0004, estimate_high=5432
        ),
    ]
    pooled = demo.pooled(estimate=0.42, ci_low=0.0041, ci_high=120.0, pi_low=1e-9, pi_high=1e9, tau2=1e-6)
    return demo.raw_record(k=2, measure=measure, studies=studies, pooled=pooled, mcid=None, better="higher")


def grouped():
    record = large(subgroup_column="category_control")
    for row, group in zip(record["studies"], ("sham", "usual_care+diet", "sham"), strict=True):
        row["category_control"] = group
    inside = demo.pooled(estimate=3.21, ci_low=-0.987, ci_high=7.654, tau2=9.47)
    record["subgroups"] = [
        {"name": "sham", "k": 2, "pooled": inside},
        {"name": "usual_care+diet", "k": 1, "pooled": inside},
    ]
    return record


def uncounted():
    record = demo.raw_record(k=2)
    record["studies"][1] |= {"n_control": None, "mean_control": None, "mean_experimental": None}
    return record


KINDS = {
    "MD": demo.raw_record(),
    "large MD": large(),
    "SMD": large(measure="SMD"),
    "RR": counted(),
    "OR": counted("OR"),
    "subgroups": grouped(),
    "no total": large(status="not_pooled"),
    "single study": demo.raw_record(k=1),
    "a trial without numbers of people": uncounted(),
    "no prediction interval": large(pooled=demo.pooled(estimate=12.3, pi_low=None, pi_high=None)),
}


@pytest.mark.parametrize("record", KINDS.values(), ids=KINDS)
def test_page_and_figure_print_the_same_numbers(record, tmp_path):
    article = article_of(render_page([sketch(Appraised, record)], {}), record["analysis"])
    svg = drawn(record, tmp_path)
    assert differences(article, svg) == []


def test_a_row_that_differs_is_found(tmp_path):
    record = large()
    article = article_of(render_page([sketch(Appraised, record)], {}), record["analysis"])
    other = record | {"studies": [record["studies"][0] | {"n_control": 77}, *record["studies"][1:]]}
    svg = drawn(other, tmp_path)
    assert len(unlike(article, svg)) == 1


@pytest.mark.skipif(
    not (RESULTS / "index.html").exists(), reason="results/ has not been built (make results)"
)
def test_the_committed_page_and_figures_print_the_same_numbers():
    page, compared = (RESULTS / "index.html").read_text(encoding="utf-8"), 0
    for path in sorted(RESULTS.glob("analyses/*/result.json")):
        record = io.read_json(path)
        if record["pooled"]:
            svg = styled(path.parent / "forest.svg")
            assert differences(article_of(page, record["analysis"]), svg) == [], record["analysis"]
            compared += 1
    assert compared > 50
