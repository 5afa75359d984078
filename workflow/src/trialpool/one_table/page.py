"""An answer in; a folder out with its figures, its trials as CSV, and one HTML page that holds them all."""

from __future__ import annotations

import os
import warnings
from base64 import b64encode
from pathlib import Path
from typing import Any

from markupsafe import Markup

from trialpool import io, text
from trialpool.errors import Fault, InputError
from trialpool.one_table.answer import Answer, told
from trialpool.page.render import html_environment
from trialpool.protocol import forest_slips
from trialpool.view.forest_table import forest_axis, forest_table
from trialpool.view.question import interval_name
from trialpool.yaml_files import Slip, faults_of, read_yaml

FILES = ("forest.svg", "funnel.svg", "moderators.svg", "studies.csv", "index.html")
SHOWN = {"forest": "Forest plot", "moderators": "Effects over the moderator", "funnel": "Funnel plot"}


def write(answer: Answer, folder: str | Path, *, replace: bool = False) -> list[str]:
    """Write forest.svg, funnel.svg (from ten trials on), studies.csv and index.html: all of them or none.

    The folder must be new, unless its answer is to be replaced. Returns the names of the files.
    """
    folder = Path(folder)
    if folder.exists() and not (replace and folder.is_dir()):
        remedy = "name a new folder, or say --replace to put this answer in the place of the one in it"
        raise InputError([Fault(str(folder), None, "", "", "it exists already", remedy)])
    io.check_place(folder)
    target = folder.with_name(f".{folder.name}.new") if folder.exists() else folder
    with io.whole_folder(target) as new:
        _write_into(answer, new)
    names = sorted(each.name for each in target.iterdir())
    for name in FILES if target != folder else ():
        if name in names:
            os.replace(target / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)  # an earlier answer may have had more
    if target != folder:
        target.rmdir()
    return names


def _write_into(answer: Answer, folder: Path) -> None:
    with told(answer.trials.table):
        kind: Any = {"title": answer.title, "by": answer.by, **forest_options(answer)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of trials without a group, which are told already
            answer.fit.forest(folder / "forest.svg", **kind)
        if answer.has_funnel:
            answer.fit.funnel(folder / "funnel.svg", title=answer.title)
        if answer.has_bubble and answer.regression is not None:
            answer.regression.bubble(folder / "moderators.svg", title=answer.title)
    frame = answer.fit.to_frame().drop(columns="label", errors="ignore").reset_index()
    io.write_csv(folder / "studies.csv", frame.to_dict("records"), list(frame))
    io.write_text(folder / "index.html", render(answer, folder))


def forest_options(answer: Answer) -> dict[str, Any]:
    """What is asked of the forest plot on the command line and in a file, as arguments of `Fit.forest`.

    Raises InputError with every fault of the file, by its line.
    """
    asked, known = answer.asked, [str(name) for name in answer.fit.data.frame]
    shape, lines = read_yaml(asked.forest) if asked.forest else ({}, {})
    if not isinstance(shape, dict):
        shape, slips = {}, [Slip((), "", "no block of settings", "write such as style: bmj")]
    else:
        by_column = shape.get("sort") in known
        slips = [
            slip
            for slip in forest_slips(shape, (), answer.fit.measure, known)
            if not (by_column and slip.path == ("sort",))
        ]
    if slips:
        raise InputError(faults_of(slips, asked.forest, lines))
    words = {name: value for name in ("sort", "style") if (value := getattr(asked, name))}
    favours = asked.favours or shape.get("favours")
    return {**shape, **words} | ({"favours": tuple(favours)} if favours else {})


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
