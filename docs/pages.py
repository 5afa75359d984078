"""The pages of the site: what their code prints, and metafor's numbers beside it.

    python docs/pages.py    run every page and write into it what its code prints

A block of Python is followed by a block of text, what it prints: its output, warnings, and its last value.
The blocks of a page share their names, and run in this folder. A block `{metafor} SET` lists names of numbers
in tests/reference/library.json, each with the expression that gives the same here.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).parent
ANSWERS = json.loads((HERE.parent / "tests" / "reference" / "library.json").read_text("utf-8"))
CODE = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<said>.*?)```\n)?", re.DOTALL)
BESIDE = re.compile(r"```\{metafor\} (?P<set>\w+)\n(?P<lines>.*?)```", re.DOTALL)
NAMES = sorted(path.stem for path in HERE.glob("*.md"))


@dataclass
class Page:
    """A page that was run: its text as it should be, and the names that its code left behind."""

    name: str
    text: str
    names: dict[str, Any] = field(default_factory=dict)

    def beside(self) -> Iterator[tuple[str, str, float, float]]:
        """The numbers that metafor has too: label, call, metafor's and ours."""
        for block in BESIDE.finditer(self.text):
            yield from self.rows(block["set"], block["lines"].splitlines())

    def rows(self, chosen: str, lines: list[str]) -> Iterator[tuple[str, str, float, float]]:
        """The same of one block."""
        for line in lines:
            name, _, expression = line.partition(": ")
            answer = ANSWERS[chosen][name]
            yield answer["label"], answer["call"], answer["value"], float(eval(expression, self.names))


def run(name: str) -> Page:
    """Run the code of a page in this folder; what it prints takes the place of what the page says."""
    page = Page(name, (HERE / f"{name}.md").read_text("utf-8"))
    (HERE / "figures").mkdir(exist_ok=True)

    def filled(block: re.Match[str]) -> str:
        said = printed(block["code"], page.names)
        return f"```python\n{block['code']}```\n" + (f"\n```text\n{said}```\n" if said else "")

    with contextlib.chdir(HERE), pd.option_context("display.width", 96, "display.max_columns", 20):
        page.text = CODE.sub(filled, page.text)
    return page


def printed(code: str, names: dict[str, Any]) -> str:
    """What some code prints, with its warnings and, unless it is None, its last value."""
    tree, output = ast.parse(code), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(output), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        exec(compile(tree, "page", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "page", "eval"), names) if last else None
    lines = [*(f"{each.category.__name__}: {each.message}" for each in told), output.getvalue().rstrip("\n")]
    lines.append("" if value is None or hasattr(value, "_repr_svg_") else str(value))
    text = "\n".join(filter(None, lines))
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n" if text else ""


if __name__ == "__main__":
    for page in map(run, NAMES):
        (HERE / f"{page.name}.md").write_text(page.text, "utf-8")
