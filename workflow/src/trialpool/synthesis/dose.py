"""The effect over the dose: effects of one analysis in, the line from no effect at no dose out, or why not.

A spline only where trials allow one. Words are those of schemas/sentences.yaml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool import records
from trialpool.measures import MEASURES
from trialpool.records import DoseCurve, DosePoint, DoseResponse, Effect, sketch
from trialpool.synthesis import pool
from trialpool.synthesis.diagnostics import moderator_name
from trialpool.synthesis.pool import Floats, Spec, finite, trials_of
from trialpool.text import count, plain_number
from trialpool.yaml_files import shipped

if TYPE_CHECKING:
    from trialpool import stats

FEWEST, FEWEST_FOR_SPLINE, DOSES_FOR_SPLINE = 3, 10, 4  # trials, comparisons, different doses
NARROW = 2.0  # highest dose over the lowest, up to which a line says little but how large the mean effect is
STEPS = 24  # of a curve as it is drawn
METHODS = {"FE": "FE", "ML": "ML"}  # of the slope's τ²; for all others REML
WORDS = shipped("sentences")["dose_response"]


def dose_response(spec: Spec, effects: Sequence[Effect]) -> DoseResponse | None:
    """The curve over the column that the analysis names as its `dose`; None where it names none.

    Trials without a known dose, and those whose control got the treatment as well, are left out by name. The
    line has the interval that so many trials get: of fewer than five a Bayesian one where `auto` is asked.
    """
    column = spec.get("dose")
    if not column or not effects:
        return None
    known = [row for row in effects if _has_dose(row, column)]
    doses = np.array([getattr(row, column) for row in known], dtype=float)
    trials = trials_of(known)
    common = {
        **{"dose": column, "k": len(trials), "effects": len(known)},
        "unknown": tuple(trial for trial in trials_of(effects) if trial not in trials),
        "averaged": tuple(trials_of([row for row in known if row.mean_dose])),
    }
    if known:
        common |= {"low": float(doses.min()), "high": float(doses.max())}
    said = {"dose": moderator_name(column), "trials": count(len(trials), "trial")}
    if len(trials) < FEWEST or np.ptp(doses) == 0:
        why = "few" if len(trials) < FEWEST else "same"
        refused = WORDS[why].format(**said, fewest=FEWEST, value=plain_number(doses[0]) if known else "")
        return sketch(DoseResponse, common | {"refused": refused})
    line, typical = _line(spec, known, doses)
    spline, why = _spline(spec, known, doses)
    ratio = {"low": plain_number(doses.min()), "high": plain_number(doses.max())}
    met = (("caution_few", len(trials) < pool.MANY), ("caution_narrow", doses.max() <= NARROW * doses.min()))
    cautions = tuple(WORDS[name].format(**said, **ratio) for name, holds in met if holds)
    found = {"line": line, "spline": spline, "typical": typical, "no_spline": why, "cautions": cautions}
    return sketch(DoseResponse, common | found)


def _has_dose(row: Effect, column: str) -> bool:
    """Whether a dose is known against none: a control that got the treatment too has a dose of its own."""
    shared = {*row.categories("experimental")} & {*row.categories("control")} - {""}
    return (getattr(row, column) or 0.0) > 0 and not shared


def _fit(spec: Spec, rows: Sequence[Effect], doses: Floats, shape: str) -> stats.DoseResponse:
    from trialpool.stats import dose_response

    y, v = pool.arrays(rows)
    trials = np.array([row.study_id for row in rows])
    model = pool.model_of(spec)
    return dose_response(
        y,
        np.sqrt(np.outer(v, v)) * _correlations(spec, rows),
        doses,
        trials,
        shape=shape,
        method=METHODS.get(spec["tau2_method"], "REML"),
        interval=model["interval"],
        level=model["level"],
    )


def _correlations(spec: Spec, rows: Sequence[Effect]) -> Floats:
    """How the sampling errors of comparisons correlate within trials: by the rule of the analysis."""
    together = np.eye(len(rows))
    several = [trial for trial, number in Counter(row.study_id for row in rows).items() if number > 1]
    for trial in several:
        at = [number for number, row in enumerate(rows) if row.study_id == trial]
        above = tuple(np.array(at)[side] for side in np.triu_indices(len(at), 1))
        if spec["several_effects"] == "multilevel":
            together[above] = together[above[::-1]] = pool.RHO
        elif spec["multi_arm"] == "covariance":  # else the control is split between them
            shared = pool.pair_correlations(spec, [rows[number] for number in at])
            together[above] = together[above[::-1]] = shared
    return together


def _line(spec: Spec, rows: Sequence[Effect], doses: Floats) -> tuple[DoseCurve, DosePoint]:
    """The straight line, and the effect at the median dose."""
    from trialpool.stats import bayes_pool

    one_each = {**spec, "several_effects": "prefer", "multi_arm": "combine"}
    interval = pool.modelled(one_each, rows)["interval"]
    fit, typical = _fit(spec, rows, doses, "linear"), float(np.median(doses))
    slope, low, high = fit.coefficients[0], fit.ci_low[0], fit.ci_high[0]
    scale, p_value = None, finite(fit.p_value[0])
    if interval == pool.BAYES:  # trials differ at the typical dose as much as in any other analysis
        scale, p_value = (pool.prior_scale(spec, rows) or 0.0) / typical, None
        prior = ("half_normal", scale)
        own = bayes_pool(fit.slopes, fit.slope_variances, tau_prior=prior, level=spec["level"])
        slope, low, high = own.estimate, own.ci_low, own.ci_high
    bounds = float(slope), float(low), float(high)
    at = np.linspace(0.0, doses.max(), STEPS + 1)
    points = _points(spec, [*at, typical], *(np.array([*at, typical]) * bound for bound in bounds))
    slopes = dict(zip(("slope", "slope_low", "slope_high"), bounds, strict=True))
    more = {"coefficients": (bounds[0],), "p_value": p_value, "prior_scale": scale}
    return _curve(fit, points[:-1], interval=interval, **slopes, **more), points[-1]


def _spline(spec: Spec, rows: Sequence[Effect], doses: Floats) -> tuple[DoseCurve | None, str]:
    """The spline, or why there is none."""
    from trialpool.stats import predict_dose

    different = len(set(doses.tolist()))
    if len(rows) < FEWEST_FOR_SPLINE or different < DOSES_FOR_SPLINE:
        numbers = {"comparisons": count(len(rows), "comparison"), "doses": different}
        wanted = {"fewest": FEWEST_FOR_SPLINE, "fewest_doses": DOSES_FOR_SPLINE}
        return None, WORDS["no_spline"].format(**numbers, **wanted)
    try:
        fit = _fit(spec, rows, doses, "spline")
    except ValueError:  # most trials have one and the same dose, or too few trials have several
        return None, WORDS["no_knots"]
    at = np.linspace(0.0, doses.max(), STEPS + 1)
    curve = predict_dose(fit, at, level=spec["level"])
    points = _points(spec, at, curve.estimate, curve.ci_low, curve.ci_high)
    bends = {"knots": tuple(map(float, fit.knots)), "p_linearity": finite(fit.linearity_p_value)}
    coefficients = tuple(map(float, fit.coefficients))
    return _curve(
        fit, points, interval=pool.model_of(spec)["interval"], coefficients=coefficients, **bends
    ), ""


def _curve(fit: stats.DoseResponse, points: tuple[DosePoint, ...], **values: Any) -> DoseCurve:
    numbers = {name: getattr(fit, name) for name in ("tau2", "q", "q_df", "q_p_value")}
    return sketch(DoseCurve, {**numbers, "points": points, **values})


def _points(spec: Spec, doses: Sequence[float] | Floats, *curves: Floats) -> tuple[DosePoint, ...]:
    """Estimates and their bounds at some doses, on the natural scale."""
    natural = MEASURES[spec["measure"]].natural
    rows = zip(doses, *curves, strict=True)
    names = records.columns_of(DosePoint)
    return tuple(
        DosePoint(
            **dict(zip(names, (float(dose), *(natural(float(value)) for value in values)), strict=True))
        )
        for dose, *values in rows
    )
