"""The rows of a forest plot in a house style: a forest table in, the texts of the columns' cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialpool import text as words
from trialpool.figures import style
from trialpool.figures.forest_bias import bias_cells, shown_domains
from trialpool.view.forest_table import SIDES, Arm, Estimate, ForestTable, Group, Study


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a forest plot.

    `kind` is study, heading, subtotal, pooled or prediction; `cells` maps a column's key to its text;
    `estimate`, `low` and `high` are on the natural scale; `marks` stand raised behind the label.
    """

    kind: str
    cells: Mapping[str, str]
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    weight: float | None = None
    hollow: bool = False
    marks: str = ""
    url: str = ""


def forest_rows(table: ForestTable, look: style.Preset) -> list[Row]:
    """All rows of the plot from top to bottom; `look` says how intervals, spreads and the total are written.

    >>> from trialpool.view.forest_table import forest_table
    >>> table = forest_table({"studies": [{"label": "Lu 2020", "estimate": -1.0}]})
    >>> row = forest_rows(table, style.DEFAULT)[0]
    >>> row.cells["study"], row.cells["estimate"]
    ('Lu 2020', '−1.00')
    """
    domains = shown_domains(table.studies, look.bias)
    rows = [row for group in table.groups for row in _group_rows(table, group, look, domains)]
    return [*rows, *_total_rows(table, look)]


def _group_rows(
    table: ForestTable, group: Group, look: style.Preset, domains: Sequence[str] | None
) -> list[Row]:
    rows = [Row("heading", {"study": group.name})] if group.name else []
    rows += [_study_row(study, look, domains, bool(table.total)) for study in group.studies]
    if group.subtotal:
        found = group.subtotal
        spread = (("τ²", found.tau2.estimate), ("I²", found.i2))
        aside = ", ".join(f"{sign} = {held.text}" for sign, held in spread if held.value is not None)
        cells = {"study": f"Subtotal, {found.trials}", "aside": aside, **_effect_cells(found.effect, look)}
        rows.append(Row("subtotal", cells, *found.effect.values))
    return rows


def _study_row(study: Study, look: style.Preset, domains: Sequence[str] | None, weighted: bool) -> Row:
    week = f"week\u00a0{study.weeks}" if study.weeks else ""
    cells = {"study": study.label, "weight": ""}
    if weighted and study.weight.value is not None:
        cells["weight"] = study.weight.text
    cells["outcome"] = ", ".join(filter(None, (study.instrument, week))) if look.outcome else ""
    for side, arm in study.arms.items():
        cells |= _arm_cells(side, arm, look)
    cells |= _effect_cells(study.effect, look) | bias_cells(study, domains)
    return Row(
        "study",
        cells,
        *study.effect.values,
        study.weight.value,
        hollow=study.imputed,
        marks=study.marks,
        url=study.url,
    )


def _effect_cells(effect: Estimate, look: style.Preset) -> dict[str, str]:
    cells = {"estimate": effect.estimate.text}
    if effect.bounded:
        opening, joint, closing = look.around
        cells["interval"] = f"{opening}{effect.low.text}{joint}{effect.high.text}{closing}"
    return cells


def _arm_cells(side: str, arm: Arm, look: style.Preset) -> dict[str, str]:
    n = arm.n or words.MISSING
    spread = f"/{n}" if arm.events else look.spread.format(arm.sd) if arm.sd else ""
    return {
        f"received_{side}": arm.received,
        f"n_{side}": n,
        f"value_{side}": arm.events or arm.mean or words.MISSING,
        f"sd_{side}": arm.sd,
        f"spread_{side}": spread,
    }


def _total_rows(table: ForestTable, look: style.Preset) -> list[Row]:
    if not table.total:
        return []
    trials, effect = table.total.trials, table.total.effect
    sizes = {"study": ", ".join(filter(None, (trials, table.people))), "short": trials}
    cells = {
        key: look.total.format(model=table.model, size=size, level=table.level) for key, size in sizes.items()
    }
    cells["weight"] = "100%"
    for side in SIDES:
        arm = table.totals[side]
        cells |= {f"n_{side}": arm.n, f"value_{side}": arm.events}
        cells[f"spread_{side}"] = f"/{arm.n}" if arm.events else ""
    rows = [Row("pooled", cells | _effect_cells(effect, look), *effect.values)]
    if table.prediction:
        interval = _effect_cells(table.prediction, look)["interval"]
        cells = {"study": f"{table.level} prediction interval", "estimate": "", "interval": interval}
        rows.append(Row("prediction", cells, None, *table.prediction.values[1:]))
    return rows
