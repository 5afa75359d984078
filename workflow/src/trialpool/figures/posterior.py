"""What the trials say about probabilities: prior, likelihood and posterior, under three priors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trialpool import text as words
from trialpool.figures import style
from trialpool.figures.panel import (
    Panel,
    headed_sheet,
    log_value,
    logarithmic,
    new_panel,
    put_frame,
    put_letter,
    roomy,
    upwards,
    value_name,
)
from trialpool.figures.sheet import BAND, Sheet, put_line, put_text
from trialpool.text import clean
from trialpool.view.axis import mcid_threshold, no_effect

Floats = NDArray[np.float64]
Row = Mapping[str, Any]
WIDTH, HEIGHT = 560.0, 170.0
HEAD, FOOT = 20.0, 34.0
POINTS = 201
LOOKS: dict[str, tuple[str, str, tuple[float, float] | None]] = {
    "half_normal": ("half-normal", style.STUDY, None),
    "half_cauchy": ("half-Cauchy", style.BENEFIT_EDGE, (5, 2)),
    "uniform": ("uniform", style.POOLED, (1.5, 1.5)),
}
COLUMNS = (  # heading, right edge
    ("Mean effect, median (credible interval)", 262.0),
    ("New trial, from … to", 366.0),
    ("P(benefit)", 424.0),
    ("… new", 462.0),
    ("P(> MCID)", 512.0),
    ("… new", 548.0),
)
ROW = 12.0


def draw_posterior(record: Row) -> Figure:
    """Posterior of the mean effect and of τ of a pooled record, and their probabilities as a table.

    A record without a Bayesian fit (effects that depend on each other, or unknown group sizes) says so.
    """
    fits = record.get("bayes") or []
    body = HEAD + HEIGHT + FOOT + 16 + ROW * (len(fits) + 1) if fits else 14.0
    sheet, top = headed_sheet(record, "Probabilities (Bayesian)", posterior_notes(record), WIDTH, body)
    if not fits:
        return sheet.figure
    y, v = (np.array([row[key] for row in record["studies"]]) for key in ("effect", "variance"))
    _draw_mean(sheet, record, (y, v), top)
    _draw_tau(sheet, record, (y, v), top)
    _draw_table(sheet, record, top + HEAD + HEIGHT + FOOT + 12)
    return sheet.figure


def posterior_notes(record: Row) -> list[str]:
    """How the curves were made, in words."""
    fits = record.get("bayes") or []
    if not fits:
        return ["No Bayesian fit: several effects a trial, or groups of unknown size."]
    scales = [f"{LOOKS[fit['prior']][0]} ({words.significant(fit['scale'], 3)})" for fit in fits]
    notes = [f"Prior of the mean effect: flat. Priors of τ, with their scale: {words.listing(scales)}."]
    if fits[0]["unit"] != 1:
        told = words.significant(fits[0]["unit"], 3)
        notes.append(f"Scales are 0.5, 0.3 and 2 typical standard deviations of the outcome ({told}).")
    notes.append(
        "Thin grey: what each trial says (A), the likelihood of τ (B), both scaled to the panel; "
        "thin dashes: priors; thick: posteriors. By quadrature, without sampling."
    )
    return notes


def describe_posterior(record: Row) -> str:
    """A text alternative of the posterior figure.

    >>> describe_posterior({"title": "Pain", "bayes": []})[:39]
    'Posterior: Pain. No Bayesian fit: sever'
    """
    parts = [f"Posterior: {clean(record.get('title'))}."]
    for fit in record.get("bayes") or []:
        value = words.effect(str(record["measure"]), fit["estimate"], fit["ci_low"], fit["ci_high"])
        chance = words.percent(fit["p_benefit"])
        parts.append(f"{LOOKS[fit['prior']][0]} prior: {value}, probability of benefit {chance}.")
    return " ".join([*parts, *posterior_notes(record)[:1]])


def mean_density(fit: Any, xs: Floats) -> Floats:
    """Posterior density of the mean effect: a mixture of normals over τ (Röver 2020, section 2.5)."""
    z = (xs[:, None] - fit.grid_means) / fit.grid_sds
    return np.asarray((np.exp(-0.5 * z**2) / fit.grid_sds * fit.grid_weights).sum(1) / math.sqrt(2 * math.pi))


def tau_likelihood(y: Floats, v: Floats, taus: Floats) -> Floats:
    """Likelihood of τ with a flat mean integrated out (Röver 2020, equation 10), its maximum 1.

    >>> tau_likelihood(np.array([0.0, 0.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0])).round(3).tolist()
    [1.0, 0.707]
    """
    w = 1 / (v + taus[:, None] ** 2)
    mean = (w * y).sum(1) / w.sum(1)
    log = 0.5 * (np.log(w).sum(1) - (w * (y - mean[:, None]) ** 2).sum(1) - np.log(w.sum(1)))
    return np.asarray(np.exp(log - log.max()))


def tau_prior(name: str, scale: float, taus: Floats) -> Floats:
    """Density of a prior of τ.

    >>> tau_prior("uniform", 2.0, np.array([1.0, 3.0])).tolist()
    [0.5, 0.0]
    """
    if name == "half_normal":
        return np.asarray(math.sqrt(2 / math.pi) / scale * np.exp(-0.5 * (taus / scale) ** 2))
    if name == "half_cauchy":
        return np.asarray(2 / (math.pi * scale) / (1 + (taus / scale) ** 2))
    return np.asarray(np.where(taus <= scale, 1 / scale, 0.0))


def _curve(panel: Panel, xs: Floats, heights: Floats) -> tuple[list[float], list[float]]:
    """A curve in points; `xs` on the scale of the axis."""
    share = (xs - panel.x.low) / (panel.x.high - panel.x.low)
    across = panel.x.left + share * (panel.x.right - panel.x.left)
    return across.tolist(), [upwards(panel, float(height)) for height in heights]


def _draw_mean(sheet: Sheet, record: Row, data: tuple[Floats, Floats], top: float) -> None:
    from trialpool.stats import bayes_pool

    y, v = data
    put_letter(sheet, style.MARGIN, top + 8, "A", "Mean effect")
    priors = [(fit["prior"], fit["scale"]) for fit in record["bayes"]]
    fits = [bayes_pool(y, v, tau_prior=prior) for prior in priors]
    threshold = mcid_threshold(record)
    marks = [no_effect(record["measure"]), *([] if threshold is None else [threshold])]
    reach = [log_value(record, value) for value in marks]
    reach += [*y, *(float(getattr(fits[0], key)) for key in ("ci_low", "ci_high"))]
    low, high = roomy(reach, 0.15)
    xs = np.linspace(low, high, POINTS)
    curves = [mean_density(fit, xs) for fit in fits]
    trials = [
        np.exp(-0.5 * (xs - mean) ** 2 / variance) / math.sqrt(2 * math.pi * variance)
        for mean, variance in zip(y, v, strict=True)
    ]
    highest = 1.08 * max(float(curve.max()) for curve in curves)
    shrink = min(1.0, highest / (1.08 * max(float(curve.max()) for curve in trials)))
    place = (style.MARGIN + 18, top + HEAD, 300.0, top + HEAD + HEIGHT)
    panel = new_panel((low, high), (0.0, highest), place, log_x=logarithmic(record))
    for value, dashes in zip(marks, (None, (3, 2)), strict=False):
        x = panel.x.left + (log_value(record, value) - low) / (high - low) * (300.0 - panel.x.left)
        colour = style.INK if dashes is None else style.BENEFIT_EDGE
        put_line(sheet, (x, x), (place[1], place[3]), colour=colour, dashes=dashes, level=BAND)
    for curve in trials:
        put_line(sheet, *_curve(panel, xs, shrink * curve), colour=style.RULE, thickness=0.7)
    for (name, _), curve in zip(priors, curves, strict=True):
        _, colour, pattern = LOOKS[name]
        put_line(sheet, *_curve(panel, xs, curve), colour=colour, thickness=1.6, dashes=pattern, gid=name)
    put_frame(sheet, panel, value_name(record), "Density", y_ticks=False)


def _draw_tau(sheet: Sheet, record: Row, data: tuple[Floats, Floats], top: float) -> None:
    y, v = data
    left = 330.0
    put_letter(sheet, left, top + 8, "B", "Heterogeneity τ")
    highest_tau = 1.15 * max(fit["tau_high"] for fit in record["bayes"][:2])
    taus = np.linspace(0.0, highest_tau, POINTS)
    wide = np.sinh(np.linspace(0.0, math.asinh(40000.0), 4001)) * highest_tau / 1000
    both = tau_likelihood(y, v, np.append(wide, taus))  # on one scale, so that the posterior integrates to 1
    everywhere, likelihood = both[: len(wide)], both[len(wide) :]
    curves = []
    for fit in record["bayes"]:
        prior = tau_prior(fit["prior"], fit["scale"], taus)
        mass = np.trapezoid(tau_prior(fit["prior"], fit["scale"], wide) * everywhere, wide)
        curves.append((fit["prior"], prior, prior * likelihood / mass))
    highest = 1.08 * max(float(posterior.max()) for _, _, posterior in curves)
    place = (left + 18, top + HEAD, WIDTH - style.MARGIN, top + HEAD + HEIGHT)
    panel = new_panel((0.0, highest_tau), (0.0, highest), place)
    scaled = likelihood / likelihood.max() * highest / 1.08
    put_line(sheet, *_curve(panel, taus, scaled), colour=style.RULE, thickness=0.9, gid="likelihood")
    for name, prior, posterior in curves:
        _, colour, pattern = LOOKS[name]
        shown = np.minimum(prior, highest)
        put_line(sheet, *_curve(panel, taus, shown), colour=colour, thickness=0.7, dashes=(2, 2), gid="prior")
        drawn = _curve(panel, taus, posterior)
        put_line(sheet, *drawn, colour=colour, thickness=1.6, dashes=pattern, gid=f"tau-{name}")
    unit = " of the logarithm" if logarithmic(record) else ""
    put_frame(sheet, panel, f"τ, standard deviation between trials{unit}", "Density", y_ticks=False)


def _draw_table(sheet: Sheet, record: Row, y: float) -> None:
    """One row a prior; it is also the key of the lines."""
    put_text(sheet, style.MARGIN, y, "Prior of τ", size=style.SMALL_SIZE, bold=True)
    beyond = any(fit.get("p_beyond_mcid") is not None for fit in record["bayes"])
    columns = COLUMNS if beyond else COLUMNS[:4]
    for heading, right in columns:
        put_text(sheet, right, y, heading, size=style.SMALL_SIZE, bold=True, align="right")
    put_line(sheet, (style.MARGIN, columns[-1][1]), (y + 4, y + 4), thickness=0.8)
    measure = str(record["measure"])
    for number, fit in enumerate(record["bayes"]):
        baseline = y + ROW * (number + 1) + 2
        name, colour, pattern = LOOKS[fit["prior"]]
        line = (style.MARGIN, style.MARGIN + 20), (baseline - 2.5, baseline - 2.5)
        put_line(sheet, *line, colour=colour, thickness=1.6, dashes=pattern)
        put_text(sheet, style.MARGIN + 26, baseline, name, size=style.SMALL_SIZE)
        middle, low, high = words.format_values(
            measure, [fit[key] for key in ("estimate", "ci_low", "ci_high")]
        )
        cells = [f"{middle} ({low} to {high})", words.interval(measure, fit["pi_low"], fit["pi_high"])]
        cells += [_chance(fit[key]) for key in ("p_benefit", "p_benefit_new")]
        cells += [_chance(fit[key]) for key in ("p_beyond_mcid", "p_beyond_mcid_new")]
        for text, (_, right) in zip(cells, columns, strict=False):
            put_text(sheet, right, baseline, text, size=style.SMALL_SIZE, align="right")


def _chance(value: float | None) -> str:
    """A probability as a percentage that is never rounded to 0 or 100.

    >>> _chance(0.9999), _chance(0.5), _chance(0.001)
    ('> 99%', '50%', '< 1%')
    """
    if value is None:
        return ""
    return "> 99%" if value > 0.99 else "< 1%" if value < 0.01 else words.percent(value)
