"""How Sphinx builds the site: the pages are run first, so that their figures and numbers are there."""

import sys
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parent))
import pages

project, author, language = "Trialpool", "The Trialpool authors", "en"
project_copyright = "The Trialpool authors"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["site", "data", "figures"]
html_theme, html_title, html_copy_source, html_show_sphinx = "furo", "Trialpool", False, False
default_role = "code"
autodoc_member_order, autodoc_typehints, autodoc_class_signature = "bysource", "none", "separated"
autodoc_preserve_defaults = True
myst_heading_anchors = 3
RUN = {}


class Metafor(SphinxDirective):
    """A table of metafor's numbers and ours; see `pages`."""

    has_content, required_arguments = True, 1

    def run(self):
        found = RUN[self.env.docname].rows(self.arguments[0], list(self.content))
        rows = [f"| {label} | `{call}` | {theirs:.8g} | {ours:.8g} |" for label, call, theirs, ours in found]
        head = ["|  | in R | metafor 3.8-1 | Trialpool |", "|---|---|---:|---:|"]
        return self.parse_text_to_nodes("\n".join([*head, *rows]))


def run_pages(app):
    """Run every page; a page that no longer says what its code prints stops the build."""
    for name in pages.NAMES:
        RUN[name] = pages.run(name)
        if RUN[name].text != (pages.HERE / f"{name}.md").read_text("utf-8"):
            raise RuntimeError(
                f"docs/{name}.md does not say what its code prints: python docs/pages.py --write"
            )


def plain_bars(app, what, name, obj, options, lines):
    """A bar in a docstring is an absolute value, not the name of a substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    app.add_directive("metafor", Metafor)
    app.connect("builder-inited", run_pages)
    app.connect("autodoc-process-docstring", plain_bars)
