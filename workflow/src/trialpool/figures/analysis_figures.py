"""Every figure of an analysis that pools at least two trials, beside its forest plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialpool.figures.curve import describe_multiverse, draw_specification_curve
from trialpool.figures.funnel import describe_funnel, draw_funnel
from trialpool.figures.influence import describe_influence, draw_influence
from trialpool.figures.posterior import describe_posterior, draw_posterior
from trialpool.records import Record


def draw_all(record: Record, columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str, Figure]]:
    """File name, text alternative and figure, one after the other, of a pooled record.

    `columns` is the multiverse of the analysis, one list a column. Always the same four names: what needs
    more trials is a panel of its figure. Moderators have a figure of their own, only where declared
    (`moderators.draw_moderators`).
    """
    yield "multiverse", describe_multiverse(record), draw_specification_curve(record, columns)
    yield "influence", describe_influence(record), draw_influence(record)
    yield "funnel", describe_funnel(record), draw_funnel(record)
    yield "posterior", describe_posterior(record), draw_posterior(record)
