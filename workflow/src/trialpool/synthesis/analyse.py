"""One analysis: its effects, excluded results and known trials in, its record out, whole.

The record is the only thing that tables, figures and the page read: no number is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trialpool.records import JOINT, Difference, Direction, Effect, Known, Methods, Record, Unused, from_json
from trialpool.synthesis.diagnostics import (
    cumulative_rows,
    influence_rows,
    moderator_rows,
    multilevel_model,
    posteriors,
    small_study,
)
from trialpool.synthesis.methods import method_sentences
from trialpool.synthesis.pool import (
    Spec,
    modelled,
    pool_effects,
    sizes_of,
    status_of,
    studies_of,
    subgroups_of,
    trials_of,
)
from trialpool.synthesis.sensitivity import (
    Specifications,
    data_sets,
    multiverse,
    robustness,
    sensitivity_rows,
    share_agreeing,
    specifications,
)

Row = Mapping[str, Any]  # of a table
OTHER_QUESTION = ("other_comparison", "other_purpose")  # reasons why a trial is of another question
# What a record says of its question as the protocol does.
QUESTION = (
    *("analysis", "title", "note", "purpose", "domain", "experimental_name", "control_name"),
    *("measure", "scale", "unit", "better", "timepoint", "forest"),
)
# Where a result that was not used stands: of a trial of another question only what is not empty.
PLACE = ("arm_experimental", "arm_control", "instrument", "item", "timepoint", "weeks", "row_ids")
METHODS = ("tau2_method", "interval", "level", "several_effects", "multi_arm")


def read_effects(rows: Iterable[Row]) -> list[Effect]:
    """Rows of the effects table as effects: the list of an arm's categories becomes one word."""
    return [from_json(Effect, _with_category_words(row)) for row in rows]


def read_known(rows: Iterable[Row]) -> tuple[Known, ...]:
    """Rows of the table of known trials: trials that are known to have asked the question."""
    return tuple(from_json(Known, _with_category_words(row)) for row in rows)


def _with_category_words(row: Row) -> Row:
    return {**row, **{name: JOINT.join(row[name]) for name in ("category_experimental", "category_control")}}


def read_unused(rows: Iterable[Row]) -> tuple[Unused, ...]:
    """Rows of the table of results not used; of a trial that compares something else only what it says."""

    def said(row: Row) -> Row:
        silent = PLACE if row["reason_code"] in OTHER_QUESTION else ()
        return {**row, **{name: None for name in silent if row.get(name) == ""}}

    return tuple(from_json(Unused, said(row)) for row in rows)


def analyse(
    spec: Spec, effects: Sequence[Effect], excluded: Sequence[Unused] = (), known: Sequence[Known] = ()
) -> tuple[Record, Specifications | None]:
    """The record of one analysis, and every specification of its multiverse where there is one.

    `spec` is a resolved analysis of `protocol`, `effects` the rows of its effects table (those selected are
    pooled, the variants are what other choices would pool), `excluded` what met its condition and domain and
    was not used, `known` the trials that are known to have asked the question. Whether the result holds is
    asked from two trials on; diagnostics are of effects that do not depend on each other.
    """
    chosen = sorted((row for row in effects if row.selected and not row.variant), key=_forest_order)
    model = modelled(spec, chosen)
    pooled, weights = pool_effects(model, chosen)
    studies = studies_of(spec, chosen, weights)
    groups, test = subgroups_of(model, studies)
    several = len(trials_of(chosen)) > 1
    sets = data_sets(effects if several else [])
    sensitivity = sensitivity_rows(spec, sets, effects)
    every = specifications(spec, sets) if sensitivity else None
    summary = multiverse(spec, every) if every else None
    agreement = share_agreeing(spec, every, sensitivity[0].conclusion) if every else 0.0
    one_each = chosen if several and model is spec else []
    return Record(
        **{name: spec[name] for name in QUESTION},
        was=spec.get("was"),
        condition=tuple(spec["condition"]),
        comparison=f"{spec['experimental_name']} versus {spec['control_name']}",
        mcid=from_json(Difference, spec["mcid"]) if spec["mcid"] else None,
        **sizes_of(spec, chosen),
        effects=len(chosen),
        n_imputed=sum(row.imputed for row in chosen),
        methods=methods_of(model, chosen),
        pooled=pooled,
        direction=direction(spec),
        studies=studies,
        subgroups=groups,
        subgroup_column=spec["subgroups"],
        subgroup_test=test,
        not_used=tuple(excluded),
        known=tuple(known),
        robustness=robustness(spec, sensitivity, summary, agreement),
        sensitivity=sensitivity,
        multiverse=summary,
        influence=influence_rows(spec, one_each),
        cumulative=cumulative_rows(spec, one_each),
        small_study=small_study(model, chosen if several else []),
        moderators=moderator_rows(spec, chosen if several else []),
        multilevel=multilevel_model(spec, effects, chosen),
        bayes=posteriors(spec, one_each),
    ), every


def methods_of(spec: Spec, effects: Sequence[Effect]) -> Methods:
    """The settings of a model and the sentences that name them."""
    text = tuple(method_sentences(spec, status_of(effects)))
    return Methods(**{name: spec[name] for name in METHODS}, text=text)


def direction(spec: Spec) -> Direction:
    """What lies to the left and to the right of no effect.

    >>> direction({"better": "lower", "experimental_name": "yoga", "control_name": "sham"})
    Direction(left='favours yoga', right='favours sham')
    """
    sides = f"favours {spec['experimental_name']}", f"favours {spec['control_name']}"
    left, right = sides if spec["better"] == "lower" else reversed(sides)
    return Direction(left=left, right=right)


def _forest_order(row: Effect) -> tuple[Any, ...]:
    return row.year or 0, row.study_id, row.arm_experimental, row.instrument, row.item or ""
