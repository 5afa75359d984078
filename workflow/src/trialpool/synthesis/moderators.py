"""Pooled effects in, tests of moderators out: do effects differ by dose, control, year, risk of bias?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trialpool.records import Effect, Moderator, ModeratorGroup, columns_of, sketch, to_json
from trialpool.synthesis.pool import BOUNDS, Floats, Spec, arrays, finite, natural_numbers, trials_of
from trialpool.text import count

NUMBERS = ("sessions", "programme_weeks", "sessions_per_week", "year", "weeks", "n_randomised")
OF_TEST = [name for name in columns_of(Moderator) if name != "groups"]
AT = OF_TEST.index("kind") + 1
MODERATOR_COLUMNS = (*OF_TEST[:AT], "level", "k", "levels", *BOUNDS, *OF_TEST[AT + 2 :])
NAMES = {
    "sessions": "number of sessions",
    "programme_weeks": "weeks of treatment",
    "sessions_per_week": "sessions a week",
    "weeks": "week of measurement",
    "n_randomised": "people randomised",
    "category_experimental": "experimental treatment",
    "category_control": "control treatment",
    "kind": "kind of value",
    "reading": "how often the numbers were read",
    "any": "any moderator",
}
ANY = "any"
SMALLEST = 4
DRAWS, SEED = 2000, 1


def moderator_rows(spec: Spec, effects: Sequence[Effect]) -> tuple[Moderator, ...]:
    """One row a declared moderator: meta-regression for numbers, a subgroup test for words.

    Trials that do not report a moderator are left out of its row (`k` says how many remain). One model serves
    all: common τ², Knapp-Hartung t and F, permutation p by all permutations, or 2000 of them with seed 1.
    Slopes are on the analysis scale, per unit of the moderator; of two words the second minus the first.
    `groups` holds each word's k, estimate and interval on the natural scale.

    What cannot be tested says why in `caution`; where nothing can (fewer than 4 trials, or effects that
    depend on each other) that is one row of the moderator "any". Below `robustness.moderator_k` trials a
    test carries a caution.
    """
    if not spec["moderators"] or not effects:
        return ()
    trials, refused = len(trials_of(effects)), ""
    if trials < SMALLEST:
        refused = f"{count(trials, 'trial')}: at least {SMALLEST} are needed to compare trials by anything"
    elif trials < len(effects):
        refused = "trials give several effects each: moderators are tested where each gives one"
    if refused:
        return (_row(spec, ANY, k=trials, caution=refused),)
    return tuple(_tested(spec, effects, name) for name in spec["moderators"])


def moderator_name(code: str) -> str:
    """A moderator in a reader's words.

    >>> moderator_name("programme_weeks"), moderator_name("risk_of_bias")
    ('weeks of treatment', 'risk of bias')
    """
    return NAMES.get(code, code.replace("_", " "))


def known_rows(effects: Sequence[Any], name: str) -> list[Any]:
    """The effects that report a moderator.

    >>> len(known_rows([sketch(Effect, sessions=8), sketch(Effect)], "sessions"))
    1
    """
    return [row for row in effects if getattr(row, name, None) not in (None, "")]


def _row(spec: Spec, name: str, **values: Any) -> Moderator:
    return sketch(Moderator, analysis=spec["analysis"], moderator=name, **{"groups": (), **values})


def _tested(spec: Spec, effects: Sequence[Effect], name: str) -> Moderator:
    known, numeric = known_rows(effects, name), name in NUMBERS
    values = [float(getattr(row, name)) if numeric else str(getattr(row, name)) for row in known]
    size = {"kind": "number" if numeric else "words", "k": len(known), "levels": len(set(values))}
    refused = _refusal(values, len(effects), numeric)
    if refused:
        return _row(spec, name, **size, caution=refused)
    words = sorted(set(map(str, values)))
    design = np.array([[value == word for word in words[1:]] for value in values], dtype=float)
    if numeric:
        design = np.array(values, dtype=float)[:, None]
    return _row(
        spec,
        name,
        **size,
        **_model(spec),
        **_test(spec, known, design),
        caution=_caution(spec, values, numeric),
        groups=() if numeric else _groups(spec, known, [str(value) for value in values]),
    )


def _model(spec: Spec) -> dict[str, Any]:
    """The model of a moderator: Knapp-Hartung, as for the pooled effect where that is one."""
    interval = "hksj" if spec["interval"] == "wald" else spec["interval"]
    return {"tau2_method": spec["tau2_method"], "interval": interval}


def _refusal(values: Sequence[Any], trials: int, numeric: bool) -> str:
    """Why a moderator cannot be tested, or nothing."""
    if not values:
        return f"known of none of the {trials} trials"
    if len(values) < SMALLEST:
        return f"known of {len(values)} of the {trials} trials: at least {SMALLEST} are needed"
    if len(set(values)) < 2:
        value = f"{values[0]:g}" if numeric else str(values[0]).replace("_", " ").replace("+", " + ")
        which = "every trial" if len(values) == trials else f"the {len(values)} trials of which it is known"
        return f"the same in {which} ({value})"
    if not numeric and len(set(values)) > len(values) - 2:
        return f"{len(set(values))} different answers in {len(values)} trials: no groups to compare"
    return ""


def _caution(spec: Spec, values: Sequence[Any], numeric: bool) -> str | None:
    wanted, cautions = spec["robustness"]["moderator_k"], []
    if len(values) < wanted:
        cautions.append(f"fewer than {wanted} trials: chance findings and missed ones are likely")
    if not numeric and min(Counter(values).values()) == 1:
        cautions.append("a group of one trial differs in all that this trial differs in")
    return "; ".join(cautions) or None


def _test(spec: Spec, effects: Sequence[Effect], design: Floats) -> dict[str, Any]:
    from trialpool.stats import meta_regression, permutation_test

    data = (*arrays(effects), design)
    fit = meta_regression(*data, level=spec["level"], **_model(spec))
    shuffled = permutation_test(*data, draws=DRAWS, seed=SEED, **_model(spec))
    slopes = {"slope": fit.coefficients, "slope_low": fit.ci_low, "slope_high": fit.ci_high}
    one = design.shape[1] == 1
    return {
        **{name: finite(values[1]) if one else None for name, values in slopes.items()},
        "statistic": finite(fit.qm),
        "df": design.shape[1],
        "df2": finite(fit.df),
        "p_value": finite(fit.qm_p_value),
        "p_permutation": finite(shuffled.qm_p_value),
        "permutations": f"{'all' if shuffled.exact else f'seed {SEED}'}, {shuffled.count}",
        "tau2_residual": finite(fit.tau2),
        "r2": finite(fit.r2),
    }


def _groups(spec: Spec, effects: Sequence[Effect], labels: Sequence[str]) -> tuple[ModeratorGroup, ...]:
    """Each word's pooled effect in the model of the test: the τ² and the scale are common to all groups."""
    from trialpool.stats import subgroups

    fit = subgroups(*arrays(effects), labels, tau2="common", level=spec["level"], **_model(spec))
    groups = (
        ModeratorGroup(
            level=name, k=int(fit.k[at]), **natural_numbers(spec["measure"], fit.pooled, BOUNDS, at)
        )
        for at, name in enumerate(fit.names)
    )
    return tuple(sorted(groups, key=lambda group: group.level))


def adjusted(rows: Sequence[Moderator]) -> list[Moderator]:
    """The same rows with `p_adjusted`: Holm over every moderator tested in the whole review.

    >>> [row.p_adjusted for row in adjusted([sketch(Moderator, p_value=p) for p in (0.01, None, 0.04)])]
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    tested = [row.p_value for row in rows if row.p_value is not None]
    holm = iter(multipletests(tested, method="holm")[1].tolist() if tested else [])
    return [replace(row, p_adjusted=None if row.p_value is None else next(holm)) for row in rows]


def table_rows(rows: Sequence[Moderator]) -> Iterator[dict[str, Any]]:
    """Rows of moderators.csv: each test, and below it one row a group.

    >>> groups = (ModeratorGroup(level="treatment", k=2, estimate=None, ci_low=None, ci_high=None),)
    >>> test = sketch(Moderator, analysis="a", moderator="purpose", k=4, groups=groups)
    >>> [(row["level"], row["k"]) for row in table_rows([test])]
    [(None, 4), ('treatment', 2)]
    """
    blank = dict.fromkeys(MODERATOR_COLUMNS)
    for row in rows:
        test = {name: getattr(row, name) for name in OF_TEST}
        yield blank | test
        for group in row.groups:
            yield blank | {name: test[name] for name in OF_TEST[:AT]} | to_json(group)
