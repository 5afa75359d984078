"""Sets of data of an analysis in, its sensitivity analysis out: one choice changed at a time, the grade.

What could not be tried is a row as well, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trialpool.measures import MEASURES, OF_EVENTS
from trialpool.records import (
    Break,
    Choices,
    Conclusion,
    Effect,
    Grade,
    Multiverse,
    Robustness,
    Sensitivity,
    columns_of,
)
from trialpool.synthesis.choices import (
    ALL,
    COVARIANCE,
    DEFAULT,
    DEPENDENT,
    INCLUSIONS,
    DataSets,
    conclusion,
    models,
)
from trialpool.synthesis.pool import (
    NATURAL,
    Spec,
    arrays,
    finite,
    model_of,
    natural_numbers,
    pool_effects,
    trials_of,
)
from trialpool.text import count

SENSITIVITY_COLUMNS = tuple(name for name in columns_of(Sensitivity) if name != "study_id")
THREE_LEVEL = {
    DEPENDENT: "all effects of each trial, three-level model",
    COVARIANCE: "multi arm: covariance, three-level model",
}
COUNTS = ("events_experimental", "n_experimental", "events_control", "n_control")
OF_SCORES = ("kinds", "r", "source", "borrow_sd")
# dimension of choice: its name, and why no variant of it pools other effects
DIMENSIONS = {
    "kinds": ("final values only, changes only", "no trial in use offers the other kind of value too"),
    "timepoint": ("another timepoint", "no trial reports another time that the analysis could take"),
    "outcomes": ("another instrument or outcome", "no trial offers another one of those listed"),
    "items": ("another nerve or subscale", "no trial offers another one of those listed"),
    "multi_arm": ("another rule for several arms", "no trial in use has several arms on one side"),
    "r": ("another correlation of baseline and final value", "no SD in use rests on an assumed correlation"),
    "source": ("arms or published contrasts", "no result in use is printed both ways"),
    "borrow_sd": ("borrowed SDs", "no trial lacks only an SD that others could lend"),
}
CONCLUSIONS = {
    Conclusion.BENEFIT: "a benefit",
    Conclusion.HARM: "a disadvantage",
    Conclusion.UNCLEAR: "no clear difference",
}
MOST_NAMED = 3
KINDS = {
    "leave one out": "one trial left out",
    "model": "another model",
    "data": "another choice of data",
    "inclusion": "a stricter choice of trials",
    "sparse": "a method for rare events",
}


def sensitivity_rows(spec: Spec, sets: DataSets, effects: Sequence[Effect] = ()) -> tuple[Sensitivity, ...]:
    """The main result, other models, sparse-event methods, data, inclusions, trials; then what was not tried.

    `sets` are the analysis' data sets (`choices.data_sets`), the main one first; `effects` the rows of its
    effects table. Estimates are on the natural scale (Peto's is an odds ratio whatever the measure).
    `changes_conclusion` compares with the main result: benefit, harm or unclear. What could not be tried has
    no estimate and a `reason`.
    """
    if not sets.rows:
        return ()
    tried = [
        _of_set(spec, "main", "as configured", sets, 0),
        *_other_models(spec, sets),
        *_sparse(spec, sets.rows[0]),
        *_other_data(spec, sets),
        *_dependent(spec, effects),
        *_leave_one_out(spec, sets.rows[0]),
    ]
    main = tried[0].conclusion
    compared = (replace(row, changes_conclusion=row.conclusion != main) for row in tried)
    return (*compared, *_not_tried(spec, sets, effects))


def _tried(spec: Spec, kind: str, choice: str, **numbers: Any) -> Sensitivity:
    null, bounds = MEASURES[spec["measure"]].null, (numbers["ci_low"], numbers["ci_high"])
    said = conclusion(*bounds, null, spec["better"])
    return Sensitivity(analysis=spec["analysis"], kind=kind, choice=choice, conclusion=said, **numbers)


def _size(effects: Sequence[Effect]) -> dict[str, int | None]:
    """Trials, and people of both sides where every effect says how many."""
    sides = [side for row in effects for side in (row.n_experimental, row.n_control)]
    n = None if None in sides else round(sum(side for side in sides if side is not None))
    return {"k": len(trials_of(effects)), "n": n}


def _pooled(
    spec: Spec, sets: DataSets, indices: Sequence[int], model: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The numbers of some data sets, pooled in one batch."""
    from trialpool.stats import pool

    data = sets.effects[indices], sets.variances[indices]
    fit = pool(*data, where=sets.where[indices], **model_of(spec) | dict(model or {}))
    return [
        _size(sets.rows[index])
        | natural_numbers(spec["measure"], fit, NATURAL, at)
        | {name: finite(np.asarray(getattr(fit, name))[at]) for name in ("p_value", "tau2", "i2")}
        for at, index in enumerate(indices)
    ]


def _of_set(spec: Spec, kind: str, choice: str, sets: DataSets, index: int) -> Sensitivity:
    return _tried(spec, kind, choice, **_pooled(spec, sets, [index])[0])


def _other_models(spec: Spec, sets: DataSets) -> Iterator[Sensitivity]:
    for tau2_method, interval in models():
        if (tau2_method, interval) != (spec["tau2_method"], spec["interval"]):
            model = {"tau2_method": tau2_method, "interval": interval}
            yield _tried(spec, "model", f"{tau2_method}, {interval}", **_pooled(spec, sets, [0], model)[0])


def _sparse(spec: Spec, effects: Sequence[Effect]) -> Iterator[Sensitivity]:
    """Methods for sparse events that need no correction of zero cells."""
    from trialpool.stats import mantel_haenszel, peto

    measure, counts = spec["measure"], [[getattr(row, name) for row in effects] for name in COUNTS]
    if measure not in OF_EVENTS or any(value is None for column in counts for value in column):
        return
    tables = [np.array(column, dtype=float) for column in counts]
    fits = {"Mantel–Haenszel": mantel_haenszel(*tables, measure=measure, level=spec["level"])}
    if measure != "RD":
        fits["Peto" if measure == "OR" else "Peto (odds ratio)"] = peto(*tables, level=spec["level"])
    for choice, fit in fits.items():
        numbers = natural_numbers(measure, fit) | {"p_value": finite(fit.p_value)}
        yield _tried(spec, "sparse", choice, **_size(effects), **numbers)


def _other_data(spec: Spec, sets: DataSets) -> Iterator[Sensitivity]:
    """Data sets that depart from the main one in one choice only."""
    for index, choice in enumerate(sets.choices):
        departs = {name: value for name, value in choice.items() if value not in (DEFAULT, ALL)}
        if len(departs) == 1:
            ((name, value),) = departs.items()
            kind = "inclusion" if name == "inclusion" else "data"
            label = value if kind == "inclusion" else f"{name.replace('_', ' ')}: {value.replace('_', ' ')}"
            yield _of_set(spec, kind, label, sets, index)


def _dependent(spec: Spec, effects: Sequence[Effect]) -> Iterator[Sensitivity]:
    """Effects that depend on each other, all of them in the three-level model (see `pool.pool_effects`)."""
    for choice, words in THREE_LEVEL.items():
        rows = [row for row in effects if row.variant == (choice,)]
        trials = trials_of(rows)
        if len(trials) < 2 or len(rows) == len(trials):
            continue
        pooled, _ = pool_effects({**spec, choice.dimension: choice.level}, rows)
        numbers = {key: getattr(pooled, key) for key in (*NATURAL, "p_value", "tau2", "i2")}
        yield _tried(spec, "data", words, k=len(trials), n=None, **numbers)


def _leave_one_out(spec: Spec, effects: Sequence[Effect]) -> Iterator[Sensitivity]:
    """Leave one trial out, all in one batch."""
    trials = trials_of(effects)
    if len(trials) < 3:
        return
    numbers, variances = (np.tile(values, (len(trials), 1)) for values in arrays(effects))
    sets = DataSets(
        choices=[{} for _ in trials],
        rows=[[row for row in effects if row.study_id != trial] for trial in trials],
        effects=numbers,
        variances=variances,
        where=np.array([[row.study_id != trial for row in effects] for trial in trials]),
    )
    labels = {row.study_id: row.label for row in effects}
    for trial, pooled in zip(trials, _pooled(spec, sets, range(len(trials))), strict=True):
        yield _tried(spec, "leave one out", f"without {labels[trial]}", study_id=trial, **pooled)


def _not_tried(spec: Spec, sets: DataSets, effects: Sequence[Effect]) -> Iterator[Sensitivity]:
    """The choices that a sensitivity analysis ought to try and this analysis cannot, each with the reason."""

    def row(kind: str, choice: str, reason: str, k: int | None = None) -> Sensitivity:
        return Sensitivity(analysis=spec["analysis"], kind=kind, choice=choice, k=k, reason=reason)

    main, events = sets.rows[0], spec["measure"] in OF_EVENTS
    if events and any(getattr(effect, name) is None for effect in main for name in COUNTS):
        yield row("sparse", "Mantel–Haenszel, Peto", "a trial prints a ratio without its counts")
    elif spec["measure"] == "RD":
        yield row("sparse", "Peto", "gives odds ratios, not risk differences")
    tried = {name for choice in sets.choices for name, value in choice.items() if value != DEFAULT}
    for name, (choice, reason) in DIMENSIONS.items():
        if name not in tried and not (events and name in OF_SCORES):
            yield row("data", choice, _too_few(name, effects) or reason)
    included = {choice["inclusion"] for choice in sets.choices if len(set(choice.values()) - {DEFAULT}) == 1}
    for name, keeps in INCLUSIONS.items():
        if name == ALL or name in included:
            continue
        kept = trials_of([effect for effect in main if keeps(effect)])
        reason = f"leaves {_trials(len(kept))}: too few to pool"
        if all(keeps(effect) for effect in main):
            reason = "leaves out no trial"
        elif len(kept) > 1:
            reason = "pools what another choice above pools"
        yield row("inclusion", name, reason, len(kept))
    if len(trials_of(main)) < 3:
        yield row("leave one out", "one trial left out", "would leave a single trial", 1)


def _too_few(name: str, effects: Sequence[Effect]) -> str:
    """Why variants that exist are not among the data sets."""
    trials: dict[Choices, set[str]] = {}
    for row in effects:
        if [choice.dimension for choice in row.variant] == [name]:
            trials.setdefault(row.variant, set()).add(row.study_id)
    most = max(map(len, trials.values()), default=0)
    return f"leaves {_trials(most)}: too few to pool" if most == 1 else ""


def _trials(amount: int) -> str:
    return count(amount, "trial") if amount else "no trials"


def robustness(
    spec: Spec, rows: Sequence[Sensitivity], multiverse: Multiverse | None, agreement: float
) -> Robustness:
    """Grade and sentence. `agreement` is the share of specifications that reach the main conclusion.

    Rules, thresholds from `spec["robustness"]`: below `smallest_k` trials not assessable; robust if at least
    `robust` of the specifications agree and no trial left out changes the conclusion; sensitive if at least
    `sensitive` agree; fragile otherwise. `breaks` lists what changes the conclusion.
    """
    rules = spec["robustness"]
    main = rows[0] if rows else None
    if main is None or main.conclusion is None or (main.k or 0) < rules["smallest_k"]:
        few = f"{main.k} trials" if main else "fewer than two trials"
        sentence = f"Not assessable: {few}, at least {rules['smallest_k']} are needed."
        return Robustness(grade=Grade.NOT_ASSESSABLE, sentence=sentence, agreement=None, breaks=())
    changing = [row for row in rows if row.changes_conclusion]
    grade = _grade(rules, agreement, changing)
    share = f"{100 * agreement:.0f}% of {multiverse.specifications if multiverse else 1} specifications"
    sentence = f"{grade.capitalize()}: {share} reach the same conclusion ({CONCLUSIONS[main.conclusion]})"
    changes = (
        f"; it changes with {_named(changing)}." if changing else "; no single change of choice alters it."
    )
    breaks = tuple(
        Break(kind=row.kind, choice=row.choice, to=row.conclusion) for row in changing if row.conclusion
    )
    return Robustness(grade=grade, sentence=sentence + changes, agreement=agreement, breaks=breaks)


def _grade(rules: Mapping[str, float], agreement: float, changing: Sequence[Sensitivity]) -> Grade:
    hangs_on_one = any(row.kind == "leave one out" for row in changing)
    if agreement >= rules["robust"] and not hangs_on_one:
        return Grade.ROBUST
    return Grade.SENSITIVE if agreement >= rules["sensitive"] else Grade.FRAGILE


def _named(changing: Sequence[Sensitivity]) -> str:
    """What changes it, kind by kind: the first few by name, the rest by number."""
    parts = []
    for kind, words in KINDS.items():
        names = [row.choice.removeprefix("without ") for row in changing if row.kind == kind]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        if names:
            parts.append(f"{words} ({', '.join(names[:MOST_NAMED])}{more})")
    return "; ".join(parts)
