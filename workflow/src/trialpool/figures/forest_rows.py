"""The rows of a forest plot in a house style: a forest table in, the texts of the columns' cells out.

Risk of bias is one light a trial (its worst domain), or, where the house style asks for it and all judged
trials were judged with one tool, a light a domain under letters that a footnote spells out. A trial that no
review has judged has an empty ring; where no trial of a plot was judged there is no column, and a footnote
says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialpool import text as words
from trialpool.figures import style
from trialpool.figures.lights import NOT_JUDGED
from trialpool.text import clean
from trialpool.view.forest_table import SIDES, Arm, Estimate, ForestTable, Group, Study

BIAS = "bias"  # the key of the column of lights, and before a letter those of the domains
LIGHT = 4.5  # radius in points
MOST_DOMAINS = 10  # that fit beside the plot
LETTERS = "ABCDEFGHIJ"
MARKS = "+ low, − some concerns, ? unclear, × high, empty ring not judged"


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
    domains = _shown_domains(table.studies, look.bias)
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
    cells |= _effect_cells(study.effect, look) | _bias_cells(study, domains)
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


def _shown_domains(studies: Sequence[Study], manner: str) -> list[str] | None:
    """The domains that get a column each; [] for one column of the worst, None for no column at all."""
    names = dict.fromkeys(name for study in studies for name in study.judgements)
    if manner == "none" or not names:
        return None
    if manner == "worst" or len({tool for tool, _ in names}) > 1 or len(names) > MOST_DOMAINS:
        return []
    return [domain for _, domain in names]


def _bias_cells(study: Study, domains: Sequence[str] | None) -> dict[str, str]:
    """The cells of one trial: a judgement by the key of its column."""
    if domains is None:
        return {}
    found = {BIAS: study.worst_judgement}
    if domains:
        judged = {domain: judgement for (_, domain), judgement in study.judgements.items()}
        found = {
            f"{BIAS}{letter}": judged.get(name, "") for letter, name in zip(LETTERS, domains, strict=False)
        }
    return {key: judgement.replace("_", "-") or NOT_JUDGED for key, judgement in found.items()}


def bias_note(studies: Sequence[Study], manner: str) -> str:
    """The footnote: what the lights mean and the letters stand for, or that nobody has judged.

    `manner` is a preset's `bias`: none, worst or domains.

    >>> from trialpool.view.forest_table import forest_table
    >>> bias_note(forest_table({"studies": [{"estimate": 1.0}] * 2}).studies, "worst")
    'Risk of bias: no published judgement of these trials is known.'
    """
    domains = _shown_domains(studies, manner)
    if manner == "none" or not studies:
        return ""
    if domains is None:
        which = "this trial" if len(studies) == 1 else "these trials"
        return f"Risk of bias: no published judgement of {which} is known."
    if not domains:
        return f"Bias: risk of bias in the worst domain judged by published reviews ({MARKS})."
    tools = {clean(tool) for study in studies for tool, _ in study.judgements}
    listed = [f"{letter} {clean(words.spaced(name))}" for letter, name in zip(LETTERS, domains, strict=False)]
    by = f"Risk of bias by published reviews with {words.listing(sorted(tools))}"
    return f"{by}: {', '.join(listed)} ({MARKS})."
