"""The two template environments: HTML with autoescape, Markdown with its own escaping. Both fail on a gap."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from trialpool import text as words
from trialpool.report import naming
from trialpool.report.rob import assessor_url


def _finish_html(value: Any) -> Any:
    if value is None:
        return ""
    return words.harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _finish_markdown(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, Markup) else words.markdown(value)


def _environment(**settings: Any) -> Environment:
    loader = PackageLoader("trialpool.report", "templates")
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **settings,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in ("capital", "count", "listing", "number", "p_value", "percent", "plain_number", "spaced")
    }
    environment.filters |= {"short": words.short, "url": words.url, "assessor_url": assessor_url}
    environment.globals |= {"anchor": words.anchor, "words": words, "naming": naming}
    return environment


@cache
def html_environment() -> Environment:
    """Templates of the page: every text is escaped and cleaned of control and direction marks.

    >>> html_environment().from_string("<i>{{ text }}</i>").render(text="<b>\\u202e")
    '<i>&lt;b&gt;</i>'
    """
    return _environment(autoescape=True, finalize=_finish_html)


@cache
def markdown_environment() -> Environment:
    """Templates of Markdown files: every inserted text is escaped for GitHub-flavoured Markdown.

    >>> markdown_environment().from_string("| {{ text }} |").render(text="a|b")
    '| a&#124;b |'
    """
    return _environment(autoescape=False, finalize=_finish_markdown)
