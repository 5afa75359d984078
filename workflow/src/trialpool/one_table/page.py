"""An answer and the folder with its figures in, one HTML page that holds them all out."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from trialpool import text
from trialpool.page.render import html_environment
from trialpool.view.forest_table import forest_axis, forest_table
from trialpool.view.question import interval_name

if TYPE_CHECKING:
    from trialpool.one_table.answer import Answer

SHOWN = {"forest": "Forest plot", "moderators": "Effects over the moderator", "funnel": "Funnel plot"}


def render(answer: Answer, folder: Path) -> str:
    """The page; figures are images in it, in which nothing can run."""
    record, fit = answer.record, answer.fit
    table = forest_table(record)
    low, high = fit.tau2_interval if fit.k > 1 else (float("nan"), float("nan"))
    context = {
        **{"answer": answer, "record": record, "fit": fit, "table": table, "axis": forest_axis(table, None)},
        "figures": {
            name: _image(folder / f"{name}.svg") for name in SHOWN if (folder / f"{name}.svg").exists()
        },
        "names": SHOWN,
        "ci": interval_name([record]),
        "methods": answer.methods(bool(table.beside)),
        "tau2": (text.significant(fit.tau2), text.significant(low), text.significant(high)),
        "q": f"{text.number(fit.q)} on {fit.q_df:g} df, {text.p_value(fit.q_p_value)}",
        "i2": text.percent(fit.i2 / 100),
    }
    return html_environment().get_template("one_table.html").render(context)


def _image(figure: Path) -> Markup:
    return Markup("data:image/svg+xml;base64," + b64encode(figure.read_bytes()).decode())
