"""The two template environments, HTML with autoescape and Markdown with its own escaping, and their filters.

A number on the page carries its exact value and the path in the record that it was read from:
`<data value="-1.234567" data-from="pain/pooled.estimate">−1.23</data>`; a path without an analysis is of the
one whose section (`data-analysis`) the number stands in. What is shown is rounded, what is
meant stays exact, and a test can walk the page and compare every number with its record. Small plots are
drawn by the browser from positions in per cent; range, ticks and clipping are those of `view.axis`, so that
page and figure show the same picture. Both environments fail on a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from trialpool import __version__, io
from trialpool import text as words
from trialpool.measures import MEASURES
from trialpool.records import Record
from trialpool.synthesis.certainty import DOMAINS
from trialpool.synthesis.diagnostics import moderator_name
from trialpool.view import colours, finding, forest_table, question, reproduce, review, study
from trialpool.view.axis import Axis, mcid_threshold, position, side
from trialpool.view.dose import dose_sentence
from trialpool.view.forest_table import Estimate, Number
from trialpool.view.read import grouped
from trialpool.yaml_files import shipped

MOST_TEXTS = 20_000
NOT_ESTIMABLE = " (interval not estimable)"


def data(number: Number, within: str = "") -> Markup:
    """A shown number with its exact value and its path; a missing value is a plain dash.

    >>> print(data(Number(68.4, "68%", "a/pooled.i2")), data(Number(3.0, "3", "a/k"), within="a"))
    <data value="68.4" data-from="a/pooled.i2">68%</data> <data value="3" data-from="k">3</data>
    """
    if words.absent(number.value):
        return Markup.escape(words.MISSING)
    path = number.path.removeprefix(f"{within}/") if within else number.path
    value, path, text = map(escape, (io.cell(number.value), path, number.text))
    return Markup(f'<data value="{value}" data-from="{path}">{text}</data>')


def estimate(shown: Estimate | None, unbounded: str = NOT_ESTIMABLE, within: str = "") -> Markup:
    """An estimate and its interval for a table cell; `unbounded` stands where the interval is not known.

    >>> numbers = [Number(value, f"{value:.2f}", "a/b") for value in (2.0, 1.0, 4.0)]
    >>> estimate(Estimate(*numbers)).striptags()
    '2.00 (1.00 to 4.00)'
    """
    if shown is None or shown.estimate.value is None:
        return Markup.escape(words.MISSING)
    middle, low, high = (data(number, within) for number in shown)
    if not shown.bounded:
        return middle + unbounded
    return Markup(f'{middle} <span class="ci">({low} to {high})</span>')


def bounds(shown: Estimate | None, within: str = "") -> Markup:
    """The bounds "a to b" for a table cell, a dash where there are none."""
    if shown is None or not shown.bounded:
        return Markup.escape(words.MISSING)
    return Markup(f"{data(shown.low, within)} to {data(shown.high, within)}")


def percent_position(value: float, axis: Axis) -> float:
    """Where a value lies, in per cent from the left, rounded so that the page's bytes are stable.

    >>> percent_position(1.0, Axis(0.0, 3.0, 0.0, 200.0, False, (), ()))
    33.33
    """
    return round(100 * (position(axis, value) - axis.left) / (axis.right - axis.left), 2)


class Whisker(NamedTuple):
    """An interval with its estimate in per cent, which ends are clipped, and whether the estimate is."""

    low: float
    mid: float
    high: float
    clip_low: bool
    clip_high: bool
    hidden: bool


def whisker(shown: Estimate, axis: Axis) -> Whisker:
    """Where an interval and its estimate lie on an axis."""
    middle, low, high = shown.values
    assert middle is not None
    low, high = (middle if bound is None else bound for bound in (low, high))
    low_at, middle_at, high_at = (percent_position(value, axis) for value in (low, middle, high))
    clipped = side(axis, low) < 0, side(axis, high) > 0
    return Whisker(low_at, middle_at, high_at, *clipped, hidden=bool(side(axis, middle)))


def benefit_band(record: Record, axis: Axis) -> list[float]:
    """From where to where, in per cent, effects are a benefit of at least the MCID; [] without an MCID."""
    threshold = mcid_threshold(record)
    if threshold is None:
        return []
    edge = percent_position(threshold, axis)
    return [edge, 100.0] if record.better == "higher" else [0.0, edge]


def _placed(show: Callable[..., Markup]) -> Callable[..., Markup]:
    """A filter that knows `within` which analysis the template stands, if in any."""

    @pass_context
    def filtered(context: Context, *args: Any) -> Markup:
        return show(*args, within=context.get("within", ""))

    return filtered


def _environment(finish: Callable[[str], str], *, autoescape: bool) -> Environment:
    """Templates whose inserted texts go through `finish` unless they are markup; None is empty."""

    finish = lru_cache(MOST_TEXTS)(finish)  # six of seven texts of a page come again

    def finalize(value: Any) -> Any:
        if type(value) is str:
            return finish(value)
        if value is None:
            return ""
        return finish(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("trialpool.page", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
        finalize=finalize,
        auto_reload=False,
    )
    sentences = shipped("sentences")
    figures = sentences["figures"]
    of_text = ("capital", "count", "listing", "number", "p_value", "percent", "plain_number")
    environment.filters |= {name: getattr(words, name) for name in (*of_text, "short", "spaced", "url")}
    environment.filters |= {each.__name__: _placed(each) for each in (bounds, data, estimate)}
    environment.filters |= {"whisker": whisker, "isolated": isolated, "position": percent_position}
    environment.filters["zip"] = partial(zip, strict=True)
    environment.filters["figure_name"] = lambda name: figures.get(name, words.spaced(name))
    environment.filters["domain_name"] = lambda record: question.domain_of(record).name
    environment.globals |= {"words": words, "forest": forest_table, "question": question, "review": review}
    environment.globals |= {"conclusions": finding, "reproduce": reproduce, "dose_sentence": dose_sentence}
    environment.globals["evidence_figures"] = sentences["networks"]["figures"]
    environment.globals |= {"study": study, "anchor": words.anchor, "grade_domains": DOMAINS}
    environment.globals |= {"null": null_position, "MEASURES": MEASURES}
    environment.globals |= {"band": benefit_band, "colours": colours}
    environment.globals["grouped"] = lambda rows, *names: grouped(rows, attrgetter(*names))
    environment.filters["in_"] = lambda key, mapping: mapping[key]
    environment.filters["in_short"] = lambda code, vocabulary: vocabulary.code(code)
    environment.globals["version"] = __version__
    environment.globals |= {"moderator_name": moderator_name}
    return environment


def null_position(measure: str, axis: Axis) -> float:
    """Where no effect lies, in per cent of the axis; beyond it where the measure has no such thing."""
    return percent_position(MEASURES[measure].null, axis) if MEASURES[measure].has_null else -1.0


def isolated(text: object) -> str:
    """What others wrote, so that letters that run from right to left turn nothing around them.

    >>> isolated("Lu 2020"), str(isolated("\u05de. 2020"))
    ('Lu 2020', '<bdi>\u05de. 2020</bdi>')
    """
    return str(text) if str(text).isascii() else Markup("<bdi>{}</bdi>").format(words.harmless(str(text)))


@cache
def html_environment() -> Environment:
    """Templates of the page: every text is escaped and cleaned of control and direction marks.

    >>> html_environment().from_string("<i>{{ text }}</i>").render(text="<b>\\u202e")
    '<i>&lt;b&gt;</i>'
    """
    return _environment(words.harmless, autoescape=True)


@cache
def markdown_environment() -> Environment:
    """Templates of Markdown files: every inserted text is escaped for GitHub-flavoured Markdown.

    >>> markdown_environment().from_string("| {{ text }} |").render(text="a|b")
    '| a&#124;b |'
    """
    return _environment(words.markdown, autoescape=False)


def compile_templates() -> None:
    """Compile all templates, so that who forks from here need not."""
    reproduce.read_templates()
    for environment, kind in ((html_environment(), "html"), (markdown_environment(), "md")):
        for name in environment.list_templates(extensions=[kind]):
            environment.get_template(name)
