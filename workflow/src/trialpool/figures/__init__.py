"""Figures: drawn from result records alone, and written by `save`, the only place that writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
from trialpool.measures import MEASURES
from trialpool.text import MANY_TRIALS
from trialpool.view.bias import judged_by_weight
from trialpool.view.read import Appraised

JUDGED_FROM = (
    0.5  # share of the weight whose risk of bias is judged; of less bars would show what is not known
)
FEWEST_LEFT_OUT = 2  # trials of which one left out leaves a single trial, which is no pooled result


def draw_beside(
    record: Appraised, columns: Mapping[str, Sequence[Any]], asked: Sequence[str] = ()
) -> Iterator[tuple[str, str, Figure]]:
    """File name, text alternative and figure, one after the other, of a pooled record beside its forest plot.

    `columns` is the multiverse of the analysis, one list a column; of one group there is none, no posterior,
    and no funnel where there is no such thing as no effect. How much hangs on each trial is drawn from
    three trials on; the funnel, and the moderators where some are declared, from `text.MANY_TRIALS` on: of
    fewer they show chance. Risk of bias by weight is drawn where most of the weight is judged. The effect
    over the dose is drawn where the analysis asks for it and has a line, as are the figures `asked` for by
    name, radial and labbe, the latter of events.
    """
    from trialpool.figures import bias, curve, dose, funnel, influence, labbe, moderators, posterior, radial
    from trialpool.figures.notes import describe

    if record.dose_response and record.dose_response.line:
        yield "dose", describe("dose", record), dose.draw_dose(record)
    measure = MEASURES[record.measure]
    if measure.compares:
        yield "multiverse", describe("multiverse", record), curve.draw_specification_curve(record, columns)
    by_counts = bool(record.methods.method)  # of which there is neither influence nor a posterior
    if record.k > FEWEST_LEFT_OUT and not by_counts:
        yield "influence", describe("influence", record), influence.draw_influence(record)
    if measure.compares and not by_counts:
        yield "posterior", describe("posterior", record), posterior.draw_posterior(record)
    if record.k >= MANY_TRIALS:
        if measure.has_null:
            yield "funnel", describe("funnel", record), funnel.draw_funnel(record)
        if record.moderators and not by_counts:
            yield "moderators", describe("moderators", record), moderators.draw_moderators(record)
    if judged_by_weight(record) >= JUDGED_FROM:
        yield "bias", describe("bias", record), bias.draw_bias(record)
    if "radial" in asked:
        yield "radial", describe("radial", record), radial.draw_radial(record)
    if "labbe" in asked and record.measure in labbe.TREATED and labbe.counted(record):
        yield "labbe", describe("labbe", record), labbe.draw_labbe(record)
