"""What the trials say about probabilities: prior, likelihood and posterior, under three priors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trialpool import text as words
from trialpool.figures import canvas, style
from trialpool.figures.canvas import NULL, WIDTH, Look, Plot, Sheet
from trialpool.figures.notes import notes
from trialpool.measures import MEASURES
from trialpool.priors import literature_of
from trialpool.records import Posterior, Record
from trialpool.view.axis import mcid_threshold
from trialpool.view.read import Appraised

Floats = NDArray[np.float64]
HEIGHT, HEAD, FOOT = 170.0, 20.0, 36.0
SPLIT = 318.0  # between the two panels
POINTS = 201
LOOKS: dict[str, tuple[str, tuple[float, ...]]] = {  # colour, dashes in points
    "half_normal": (style.STUDY, ()),
    "half_cauchy": (style.BENEFIT_EDGE, (5.0, 2.0)),
    "uniform": (style.POOLED, (1.5, 1.5)),
    "log_normal": (style.INK, ()),
    "log_t": (style.INK, ()),
}
COLUMNS = (  # heading, right edge
    ("Mean effect, median (credible interval)", 262.0),
    ("New trial, from … to", 366.0),
    ("P(benefit)", 424.0),
    ("… new", 462.0),
    ("P(important)", 512.0),
    ("… new", 548.0),
)
ROW = 12.0


@canvas.styled
def draw_posterior(record: Appraised) -> Figure:
    """Posterior of the mean effect and of τ of a pooled record, and their probabilities as a table.

    A record without a Bayesian fit (effects that depend on each other, or unknown group sizes) says so.
    """
    fits = record.bayes
    body = HEAD + HEIGHT + FOOT + 16 + ROW * (len(fits) + 1) if fits else 14.0
    sheet, top = canvas.headed_record(
        record, "Probabilities (Bayesian)", notes("posterior_notes", record), body
    )
    if fits:
        effects, variances = (
            np.array([getattr(study, name) for study in record.studies]) for name in ("effect", "variance")
        )
        _draw_mean(sheet, record, effects, variances, top)
        _draw_tau(sheet, record, effects, variances, top)
        _draw_table(sheet, record, top + HEAD + HEIGHT + FOOT + 12)
    return sheet.figure


def mean_density(fit: Any, xs: Floats) -> Floats:
    """Posterior density of the mean effect: a mixture of normals over τ (Röver 2020, section 2.5)."""
    z = (xs[:, None] - fit.grid_means) / fit.grid_sds
    return np.asarray((np.exp(-0.5 * z**2) / fit.grid_sds * fit.grid_weights).sum(1) / math.sqrt(2 * math.pi))


def tau_likelihood(y: Floats, v: Floats, taus: Floats) -> Floats:
    """Likelihood of τ with a flat mean integrated out (Röver 2020, equation 10), its maximum 1."""
    w = 1 / (v + taus[:, None] ** 2)
    mean = (w * y).sum(1) / w.sum(1)
    log = 0.5 * (np.log(w).sum(1) - (w * (y - mean[:, None]) ** 2).sum(1) - np.log(w.sum(1)))
    return np.asarray(np.exp(log - log.max()))


def _prior_of(record: Record, fit: Posterior) -> tuple[Any, ...]:
    """The prior of a posterior, as `stats.bayes_pool` takes it; the methods hold one of the literature."""
    own = literature_of(record.methods.prior)
    return own if own and own[0] == fit.prior else (fit.prior, fit.scale)


def _look(prior: str) -> Look:
    """How the curve of a prior is drawn."""
    colour, dashes = LOOKS[prior]
    return {"color": colour, "linestyle": (0, dashes) if dashes else "-", "linewidth": 1.6}


def _draw_mean(sheet: Sheet, record: Record, effects: Floats, variances: Floats, top: float) -> None:
    from trialpool.stats import bayes_pool

    sheet.panel(style.MARGIN, top + 8, "A", "Mean effect")
    fits = [bayes_pool(effects, variances, tau_prior=_prior_of(record, fit)) for fit in record.bayes]
    threshold = mcid_threshold(record)
    reach = [NULL, NULL if threshold is None else canvas.on_axis(record, threshold)]
    low, high = canvas.roomy([*reach, *effects, float(fits[0].ci_low), float(fits[0].ci_high)], 0.15)
    xs = np.linspace(low, high, POINTS)
    curves = [mean_density(fit, xs) for fit in fits]
    sds = np.sqrt(variances)[:, None]
    trials = np.exp(-0.5 * ((xs - effects[:, None]) / sds) ** 2) / (math.sqrt(2 * math.pi) * sds)
    highest = 1.08 * max(float(curve.max()) for curve in curves)
    frame = (style.MARGIN + 18, top + HEAD, SPLIT - 18, top + HEAD + HEIGHT)
    ax = Plot(sheet, frame)
    ax.y.show((0.0, highest), name="Density")
    canvas.show_range(ax, low, high, canvas.value_name(record), measure=record.measure)
    shrink = min(1.0, highest / (1.08 * float(trials.max())))
    for trial in trials:
        ax.plot(xs, shrink * trial, color=style.RULE, linewidth=0.7, zorder=canvas.BEHIND)
    for fit, curve in zip(record.bayes, curves, strict=True):
        ax.plot(xs, curve, gid=fit.prior, zorder=canvas.MARKS, **_look(fit.prior))
    canvas.draw_landmarks(ax, record, pooled=False)


def _draw_tau(sheet: Sheet, record: Record, effects: Floats, variances: Floats, top: float) -> None:
    from trialpool.stats.bayes import prior_density

    left = SPLIT + 12
    sheet.panel(left, top + 8, "B", "Heterogeneity τ")
    most = 1.15 * max(fit.tau_high for fit in record.bayes[:2])
    taus = np.linspace(0.0, most, POINTS)
    wide = np.sinh(np.linspace(0.0, math.asinh(40000.0), 4001)) * most / 1000
    # on one scale: posteriors integrate to 1
    both = tau_likelihood(effects, variances, np.append(wide, taus))
    everywhere, likelihood = both[: len(wide)], both[len(wide) :]
    named = [_prior_of(record, fit) for fit in record.bayes]
    priors = [prior_density(prior, taus) for prior in named]
    masses = [np.trapezoid(prior_density(prior, wide) * everywhere, wide) for prior in named]
    posteriors = [prior * likelihood / mass for prior, mass in zip(priors, masses, strict=True)]
    highest = 1.08 * max(float(posterior.max()) for posterior in posteriors)
    frame = (left + 18, top + HEAD, WIDTH - style.MARGIN, top + HEAD + HEIGHT)
    ax = Plot(sheet, frame)
    ax.y.show((0.0, highest), name="Density")
    unit = " of the logarithm" if MEASURES[record.measure].ratio else ""
    canvas.show_range(ax, 0.0, most, f"τ, standard deviation between trials{unit}")
    scaled = likelihood / likelihood.max() * highest / 1.08
    ax.plot(taus, scaled, color=style.RULE, linewidth=0.9, zorder=canvas.BEHIND, gid="likelihood")
    for fit, prior, posterior in zip(record.bayes, priors, posteriors, strict=True):
        look = _look(fit.prior)
        ax.plot(taus, prior, **look | {"linewidth": 0.7, "linestyle": (0, (2, 2))}, gid="prior")
        ax.plot(taus, posterior, **look, zorder=canvas.MARKS, gid=f"tau-{fit.prior}")


def _draw_table(sheet: Sheet, record: Record, y: float) -> None:
    """One row a prior; it is also the key of the lines."""
    sheet.text(style.MARGIN, y, "Prior of τ", bold=True)
    beyond = any(fit.p_beyond_mcid is not None for fit in record.bayes)
    columns = COLUMNS if beyond else COLUMNS[:4]
    for heading, right in columns:
        sheet.text(right, y, heading, bold=True, align="right")
    sheet.line((style.MARGIN, columns[-1][1]), (y + 4, y + 4), thickness=0.8)
    for number, fit in enumerate(record.bayes):
        baseline = y + ROW * (number + 1) + 2
        colour, dashes = LOOKS[fit.prior]
        line = (style.MARGIN, style.MARGIN + 20), (baseline - 2.5, baseline - 2.5)
        sheet.line(*line, colour=colour, thickness=1.6, dashes=dashes)
        sheet.lines(style.MARGIN + 26, baseline, notes("prior_name", fit.prior))
        cells = (
            canvas.result(record.measure, canvas.values_of(fit)),
            words.interval(record.measure, fit.pi_low, fit.pi_high),
            *map(chance, (fit.p_benefit, fit.p_benefit_new, fit.p_beyond_mcid, fit.p_beyond_mcid_new)),
        )
        for text, (_, right) in zip(cells, columns, strict=False):
            sheet.text(right, baseline, text, align="right")


def chance(value: float | None) -> str:
    """A probability as a percentage that is never rounded to 0 or 100.

    >>> chance(0.9999), chance(0.5), chance(0.001)
    ('> 99%', '50%', '< 1%')
    """
    if value is None:
        return ""
    return "> 99%" if value > 0.99 else "< 1%" if value < 0.01 else words.percent(value)
