"""Do effects differ by what the config declares: dose, needling, control, condition, year, risk of bias?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trialpool.synthesis.pooled import arrays, natural

Row = dict[str, Any]
NUMBERS = ("sessions", "programme_weeks", "sessions_per_week", "year", "weeks", "n_randomised")
MODERATOR_COLUMNS = (
    *("analysis", "moderator", "kind", "level", "k", "levels", "estimate", "ci_low", "ci_high"),
    *("slope", "slope_low", "slope_high", "statistic", "df", "df2"),
    *(
        "p_value",
        "p_permutation",
        "permutations",
        "p_adjusted",
        "tau2_residual",
        "r2",
        "tau2_method",
        "interval",
        "caution",
    ),
)
OF_A_GROUP = ("level", "estimate", "ci_low", "ci_high")
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


def moderator_rows(spec: Mapping[str, Any], rows: Sequence[Row]) -> list[Row]:
    """One row a declared moderator: meta-regression for numbers, a subgroup test for words.

    `rows` are the pooled effects. Trials that do not report a moderator are left out of its row (`k` says how
    many remain). One model serves all: common τ², Knapp-Hartung t and F, permutation p by all permutations,
    or 2000 of them with seed 1. Slopes are on the analysis scale, per unit of the moderator; of two words
    the second minus the first. `groups` holds each word's k, estimate and interval on the natural scale.

    What cannot be tested says why in `caution`; where nothing can (fewer than 4 trials, or effects that
    depend on each other) that is one row of the moderator "any". Below `robustness.moderator_k` trials a
    test carries a caution.
    """
    if not spec["moderators"] or not rows:
        return []
    trials, refused = len({row["study_id"] for row in rows}), ""
    if trials < SMALLEST:
        refused = f"{_trials(trials)}: at least {SMALLEST} are needed to compare trials by anything"
    elif trials < len(rows):
        refused = "trials give several effects each: moderators are tested where each gives one"
    if refused:
        return [_blank(spec, ANY, trials) | {"caution": refused}]
    return [_row(spec, rows, name) for name in spec["moderators"]]


def moderator_name(code: str) -> str:
    """A moderator in a reader's words.

    >>> moderator_name("programme_weeks"), moderator_name("risk_of_bias")
    ('weeks of treatment', 'risk of bias')
    """
    return NAMES.get(code, code.replace("_", " "))


def known_rows(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """The rows that report a moderator.

    >>> known_rows([{"sessions": 8}, {"sessions": None}], "sessions")
    [{'sessions': 8}]
    """
    return [row for row in rows if row.get(name) not in (None, "")]


def knapp_hartung(interval: str) -> str:
    """The interval of a moderator's model: Knapp-Hartung, as for the pooled effect where that is one.

    >>> knapp_hartung("wald"), knapp_hartung("hksj_adhoc")
    ('hksj', 'hksj_adhoc')
    """
    return "hksj" if interval == "wald" else interval


def _blank(spec: Mapping[str, Any], name: str, k: int) -> Row:
    told = dict.fromkeys(column for column in MODERATOR_COLUMNS if column not in OF_A_GROUP)
    return told | {
        "analysis": spec["analysis"],
        "moderator": name,
        "k": k,
        "groups": [],
    }


def _row(spec: Mapping[str, Any], rows: Sequence[Row], name: str) -> Row:
    known = [dict(row) for row in known_rows(rows, name)]
    numeric = name in NUMBERS
    values = [float(row[name]) if numeric else str(row[name]) for row in known]
    row = _blank(spec, name, len(known)) | {"kind": "number" if numeric else "words"}
    row["levels"] = len(set(values))
    refused = _refusal(values, len(rows), numeric)
    if refused:
        return row | {"caution": refused}
    row |= {"tau2_method": spec["tau2_method"], "interval": knapp_hartung(spec["interval"])}
    row["caution"] = _caution(spec, values, numeric)
    if numeric:
        return row | _tested(spec, known, np.array(values, dtype=float)[:, None])
    words = sorted(set(values))
    design = np.array([[float(value == word) for word in words[1:]] for value in values])
    return row | _tested(spec, known, design) | {"groups": _groups(spec, known, [str(v) for v in values])}


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


def _caution(spec: Mapping[str, Any], values: Sequence[Any], numeric: bool) -> str | None:
    wanted, told = spec["robustness"]["moderator_k"], []
    if len(values) < wanted:
        told.append(f"fewer than {wanted} trials: chance findings and missed ones are likely")
    if not numeric and min(Counter(values).values()) == 1:
        told.append("a group of one trial differs in all that this trial differs in")
    return "; ".join(told) or None


def _tested(spec: Mapping[str, Any], rows: Sequence[Row], design: np.ndarray) -> Row:
    from trialpool.stats import meta_regression, permutation_test

    effects, variances = arrays(rows)
    model = {"tau2_method": spec["tau2_method"], "interval": knapp_hartung(spec["interval"])}
    fit = meta_regression(effects, variances, design, level=spec["level"], **model)
    shuffled = permutation_test(effects, variances, design, draws=DRAWS, seed=SEED, **model)
    told = {
        "statistic": _number(fit.qm),
        "df": design.shape[1],
        "df2": _number(fit.df),
        "p_value": _number(fit.qm_p_value),
        "p_permutation": _number(shuffled.qm_p_value),
        "permutations": f"{'all' if shuffled.exact else f'seed {SEED}'}, {shuffled.count}",
        "tau2_residual": _number(fit.tau2),
        "r2": _number(fit.r2),
    }
    if design.shape[1] == 1:
        told |= {
            "slope": _number(fit.coefficients[1]),
            "slope_low": _number(fit.ci_low[1]),
            "slope_high": _number(fit.ci_high[1]),
        }
    return told


def _groups(spec: Mapping[str, Any], rows: Sequence[Row], labels: Sequence[str]) -> list[Row]:
    """Each word's pooled effect in the model of the test: the τ² and the scale are common to all groups."""
    from trialpool.stats import subgroups

    model = {"tau2_method": spec["tau2_method"], "interval": knapp_hartung(spec["interval"])}
    found = subgroups(*arrays(rows), labels, tau2="common", level=spec["level"], **model)
    groups = [
        {
            "level": name,
            "k": int(found.k[at]),
            **{
                key: natural(spec["measure"], float(getattr(found.pooled, key)[at]))
                for key in ("estimate", "ci_low", "ci_high")
            },
        }
        for at, name in enumerate(found.names)
    ]
    return sorted(groups, key=lambda group: group["level"])


def _number(value: Any) -> float | None:
    number = float(np.asarray(value, dtype=float).reshape(-1)[-1]) if value is not None else math.nan
    return number if math.isfinite(number) else None


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


def adjusted(rows: Sequence[Row]) -> list[Row]:
    """The same rows with `p_adjusted`: Holm over every moderator tested in the whole review.

    >>> found = adjusted([{"p_value": 0.01}, {"p_value": None}, {"p_value": 0.04}])
    >>> [row["p_adjusted"] for row in found]
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    tested = [row for row in rows if row["p_value"] is not None]
    if not tested:
        return [{**row, "p_adjusted": None} for row in rows]
    values = iter(multipletests([row["p_value"] for row in tested], method="holm")[1].tolist())
    return [{**row, "p_adjusted": None if row["p_value"] is None else next(values)} for row in rows]


def table_rows(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows of moderators.csv: each test, and below it one row a group.

    >>> test = {"analysis": "a", "moderator": "purpose", "groups": [{"level": "treatment", "k": 2}]}
    >>> [(row["level"], row["k"]) for row in table_rows([test | {"k": 4}])]
    [(None, 4), ('treatment', 2)]
    """
    for row in rows:
        yield dict.fromkeys(MODERATOR_COLUMNS) | {key: value for key, value in row.items() if key != "groups"}
        for group in row["groups"]:
            of = {key: row[key] for key in ("analysis", "moderator", "kind") if key in row}
            yield dict.fromkeys(MODERATOR_COLUMNS) | of | group
