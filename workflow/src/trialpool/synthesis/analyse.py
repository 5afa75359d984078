"""One analysis: its effects, excluded results and known trials in, its record out, whole.

The record is the only thing that tables, figures and the page read: no number is computed twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

from trialpool import records
from trialpool.evidence.unused import OTHER_QUESTION
from trialpool.measures import MEASURES
from trialpool.records import (
    Direction,
    Effect,
    Known,
    Methods,
    Record,
    Status,
    Unused,
    from_json,
    sketch,
    taken,
)
from trialpool.synthesis import counts, diagnostics, dose, pool, sensitivity
from trialpool.synthesis.pool import Spec

T = TypeVar("T", Effect, Known, Unused)
CATEGORIES = ("category_experimental", "category_control")
# Where a result that was not used stands; of a trial without one all of it is empty.
PLACE = ("arm_experimental", "arm_control", "instrument", "item", "timepoint", "weeks", "row_ids")


def read(kind: type[T], rows: Iterable[Mapping[str, Any]]) -> list[T]:
    """Rows of the tables of effects, known trials or unused results as records.

    The list of an arm's categories becomes one word; the place of an unused result stays what it says.
    """

    def said(row: Mapping[str, Any]) -> Mapping[str, Any]:
        words: dict[str, Any] = {name: records.JOINT.join(row[name]) for name in CATEGORIES if name in row}
        if issubclass(kind, Effect):  # JSON in a table, what it holds in a record
            words["columns"] = json.loads(row["columns"]) if row.get("columns") else None
        silent = PLACE if issubclass(kind, Unused) else ()
        return {**row, **words, **{name: None for name in silent if row.get(name) == ""}}

    return [from_json(kind, said(row)) for row in rows]


def analyse(
    spec: Spec, effects: Sequence[Effect], excluded: Sequence[Unused] = (), known: Sequence[Known] = ()
) -> tuple[Record, sensitivity.Specifications | None]:
    """The record of one analysis, and every specification of its multiverse where there is one.

    `spec` is a resolved analysis of `protocol`, `effects` the rows of its effects table (those selected are
    pooled, the variants are what other choices would pool), `excluded` what met its condition and domain and
    was not used, `known` the trials that are known to have asked the question. Whether the result holds is
    asked from two trials on; diagnostics are of effects that do not depend on each other.
    """
    chosen = _chosen(effects)
    model = pool.modelled(spec, chosen)
    several = chosen if pool.status_of(spec, chosen) is Status.POOLED else []  # what a total is of
    counted = counts.of_counts(model)
    one_each = [] if model["interval"] == pool.THREE_LEVELS["interval"] else several
    sets = sensitivity.with_missing(spec, sensitivity.data_sets(effects if several else []))
    sets = sensitivity.with_weights(spec, sets)
    rows = sensitivity.sensitivity_rows(spec, sets, effects)
    concludes = MEASURES[spec["measure"]].compares  # one group has nothing that may or may not hold
    every = sensitivity.specifications(spec, sets) if rows and concludes else None
    summary = sensitivity.multiverse(spec, every) if every else None
    return replace(
        pooled_record(spec, chosen, excluded, known),
        robustness=sensitivity.robustness(spec, rows, summary),
        sensitivity=rows,
        multiverse=summary,
        influence=() if counted else diagnostics.influence_rows(spec, one_each),
        cumulative=diagnostics.cumulative_rows(spec, one_each),
        small_study=diagnostics.small_study(model, several),
        moderators=diagnostics.moderator_rows(spec, several),
        dose_response=None if counted else dose.dose_response(spec, chosen),
        multilevel=diagnostics.multilevel_model(spec, effects, chosen),
        bayes=diagnostics.posteriors(spec, one_each),
    ), every


def pooled_record(
    spec: Spec, effects: Sequence[Effect], excluded: Sequence[Unused] = (), known: Sequence[Known] = ()
) -> Record:
    """The question, its pooled result, trials and subgroups; all else that a record may say is empty.

    Of the results that were not used it holds those of its own question, of the others their trials' number.
    """
    chosen = _chosen(effects)
    model = pool.modelled(spec, chosen)
    pooled, weights = pool.pool_effects(model, chosen)
    studies = pool.studies_of(spec, chosen, weights)
    nested = model["interval"] == pool.THREE_LEVELS["interval"]
    groups, test = pool.subgroups_of(model if nested else spec, studies)
    empty = sketch(Record)
    return taken(
        Record,
        SimpleNamespace(**{**vars(empty), **spec}),  # what it says of its question as the protocol does
        condition=tuple(spec["condition"]),
        comparison=" versus ".join(filter(None, (spec["experimental_name"], spec["control_name"]))),
        shape=from_json(records.Shape, spec["shape"]) if spec.get("shape") else None,
        mcid=spec["mcid"] and from_json(records.Difference, spec["mcid"]),
        **pool.sizes_of(spec, chosen),
        effects=len(chosen),
        n_imputed=sum(row.imputed for row in chosen),
        methods=methods_of(spec, chosen),
        pooled=pooled,
        direction=direction(spec),
        studies=studies,
        subgroups=groups,
        subgroup_column=spec["subgroups"],
        subgroup_test=test,
        not_used=tuple(row for row in excluded if row.reason_code not in OTHER_QUESTION),
        elsewhere=len({row.study_id for row in excluded if row.reason_code in OTHER_QUESTION}),
        known=tuple(known),
        moderators=(),
        robustness=empty.robustness,
    )


def _chosen(effects: Sequence[Effect]) -> list[Effect]:
    """The effects of the main result, in their order on a forest plot."""
    return sorted((row for row in effects if row.selected and not row.variant), key=_forest_order)


def methods_of(spec: Spec, effects: Sequence[Effect]) -> Methods:
    """The settings of an analysis, and the sentences that name the model which its effects get."""
    model, status = pool.modelled(spec, effects), pool.status_of(spec, effects)
    advice = "" if counts.of_counts(spec) else counts.advice(spec["measure"], effects)
    advice = advice and f"{advice}: consider {counts.advised(spec['measure'], effects)}"
    text = method_sentences(model, status, pool.prior_scale(spec, effects), advice)
    plainly = ("method", "glmm_model", "zero_cells")  # said where trials are pooled as counts
    settings = dict(spec) if counts.of_counts(spec) else {**spec, **dict.fromkeys(plainly)}
    return taken(Methods, SimpleNamespace(**settings), text=text)


def method_sentences(
    spec: Spec, status: Status = Status.POOLED, scale: float | None = None, advice: str = ""
) -> tuple[str, ...]:
    """The methods of an analysis by schemas/methods.j2: its measure, its model where it pools, its choices.

    `spec` is an analysis with the model that its effects get, `scale` that of the prior of τ, `advice` why
    another method suits its events better, and which.

    >>> spec = {"measure": "RR", "tau2_method": "REML", "interval": "hksj_adhoc", "level": 0.95,
    ...         "prediction_from": 5, "prediction_df": "k-1", "prior": None,
    ...         "scale": None, "multi_arm": "combine", "several_effects": "prefer", "smd_variance": "LS",
    ...         "outcomes": ["improved"], "items": [], "timepoint": "end_of_treatment", "better": "higher"}
    >>> method_sentences(spec)[4]
    'Outcome: improved. Time: the end of treatment, of several times there the latest.'
    """
    measure = MEASURES[spec["measure"]]
    of = {"scale": scale, "status": status, "of": measure.of.value, "group": measure.group}
    of |= {"method": counts.method_of(spec), "advice": advice}
    text = read_template().render(spec=spec, **of)
    entries = (" ".join(entry.split()) for entry in re.split(r"\n\s*\n", text))
    return tuple(re.sub(r" (?=[,.;:])", "", entry) for entry in entries if entry)


@cache
def read_template() -> Any:
    """The template of the methods in sentences, methods.j2, kept for the next."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    strict: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return Environment(loader=PackageLoader("trialpool", "schemas"), **strict).get_template("methods.j2")


def direction(spec: Spec) -> Direction:
    """What lies to the left and to the right of no effect."""
    if favours := spec.get("favours"):
        return Direction(left=favours[0], right=favours[1])
    if not MEASURES[spec["measure"]].compares:
        left, right = ("decrease", "increase") if MEASURES[spec["measure"]].change else ("", "")
        return Direction(left=left, right=right)
    sides = f"favours {spec['experimental_name']}", f"favours {spec['control_name']}"
    left, right = sides if spec["better"] == "lower" else reversed(sides)
    return Direction(left=left, right=right)


def _forest_order(row: Effect) -> tuple[Any, ...]:
    return row.year or 0, row.study_id, row.arm_experimental, row.instrument, row.item or ""
