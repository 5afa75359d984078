"""Trials of several treatments in, a network out: league table, ranking, inconsistency, figure."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialpool import records, stats, text
from trialpool.api.data import (
    Dataset,
    Floats,
    Given,
    column,
    floats,
    frame_of,
    same_length,
    whole_rows,
)
from trialpool.measures import OF_EVENTS
from trialpool.records import Methods, Network, Record, sketch
from trialpool.synthesis import network as synthesis
from trialpool.synthesis.network import Contrast
from trialpool.synthesis.pool import shared_control

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOUNDS = ("estimate", "ci_low", "ci_high")
OF_ARMS = (*OF_EVENTS, "MD", "SMD", "ROM")  # measures that arms of a trial give together


def _of(name: str, meaning: str) -> Any:
    return property(lambda network: getattr(network.fit, name), doc=meaning)


@dataclass(frozen=True, eq=False, repr=False)
class NetworkFit:
    """A network meta-analysis; `network` is its record, all effects on the natural scale."""

    network: Network
    fit: records.NetworkFit

    reference = _of("reference", "The treatment that the others are compared with.")
    tau2 = _of("tau2", "Heterogeneity, common to all comparisons, on the analysis scale.")
    i2 = _of(
        "i2", "The share of variance that is heterogeneity or inconsistency, per cent; None of one trial."
    )

    @property
    def treatments(self) -> list[str]:
        """The connected treatments, the best first."""
        return [row.treatment for row in self.network.ranking]

    def __str__(self) -> str:
        fit = self.fit
        parts = [
            f"{len(self.treatments)} treatments, {text.count(fit.studies, 'trial')}, {self.network.measure}"
        ]
        spread = "" if fit.i2 is None else f", I² {text.percent(fit.i2 / 100)}"
        parts.append(f"τ² {text.significant(fit.tau2)}{spread}")
        return "; ".join([*parts, f"against {fit.reference}, best first: {text.listing(self.treatments)}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        drawn: Any = self.graph()
        return f"<p>{text.clean(self).replace('<', '&lt;')}</p>{drawn._repr_svg_()}"

    def to_frame(self, reference: str | None = None) -> pd.DataFrame:
        """Every treatment against one (the reference by default), the best first, with its P-score."""
        control = reference or self.reference
        rows = self.league_rows().xs(control, level="control").drop(columns="network", errors="ignore")
        scores = {row.treatment: row.p_score for row in self.network.ranking}
        rows = rows.assign(p_score=[scores[name] for name in rows.index])
        return rows.loc[[name for name in self.treatments if name in rows.index]]

    def league_rows(self) -> pd.DataFrame:
        """Every ordered pair of treatments, by the names of a review's league table."""
        return _frame(self.network.league, "experimental", "control")

    def league(self) -> pd.DataFrame:
        """The league table as text: row against column."""
        rows = self.league_rows()
        cells = [
            text.format_values(self.network.measure, values)
            for values in rows[list(BOUNDS)].itertuples(index=False)
        ]
        shown = pd.Series([f"{middle} ({low} to {high})" for middle, low, high in cells], rows.index)
        return shown.unstack().loc[self.treatments, self.treatments].fillna("")

    def ranking(self) -> pd.DataFrame:
        """P-score (the equivalent of SUCRA) and mean rank of every treatment."""
        return _frame(self.network.ranking, "treatment")

    def inconsistency(self) -> pd.DataFrame:
        """The test between designs (design-by-treatment interaction)."""
        return _frame([self.network.inconsistency] if self.network.inconsistency else [])

    def node_split(self) -> pd.DataFrame:
        """Direct and indirect evidence on every pair that has both."""
        return _frame(self.network.splits, "experimental", "control")

    def graph(self, path: Any = None) -> Figure:
        """Who was compared with whom, and every treatment against the reference."""
        from trialpool.api.drawings import save
        from trialpool.figures.network import describe_network, draw_network

        figure = draw_network(self.network)
        if path is not None:
            save(figure, path, describe_network(self.network))
        return figure


def _frame(rows: Sequence[Any], *index: str) -> pd.DataFrame:
    frame = pd.DataFrame([records.to_json(row) for row in rows]).drop(columns="network", errors="ignore")
    return frame.set_index(list(index)) if index and len(frame) else frame


def network(
    data: Any,
    *,
    study: Given,
    treatment: Given | tuple[Given, Given],
    measure: str = "",
    events: Given | None = None,
    n: Given | None = None,
    mean: Given | None = None,
    sd: Given | None = None,
    reference: str | None = None,
    better: str = "lower",
    zero_cells: float = 0.5,
    interval: str = "wald",
    level: float = 0.95,
    title: str = "",
) -> NetworkFit:
    """A network meta-analysis by random effects (REML, common τ²), from arms or from comparisons.

    Arms: a table with a row an arm, its `study` and `treatment`, and `events` and `n` (RR OR RD) or `mean`,
    `sd` and `n` (MD SMD ROM) of `measure`. Comparisons: a `Dataset` of `trialpool.effects` with a row a pair
    of treatments, `treatment` naming the columns of the experimental and the control one; a trial of several
    arms has all its pairs, from whose variances their covariance follows. `better` says which effects are
    good, for the ranking; `interval` is wald, hksj or hksj_adhoc. Raises ValueError where no three treatments
    are connected.

    >>> arms = {"s": [1, 1, 2, 2, 3, 3], "t": list("abbcac"), "r": [9, 5, 6, 4, 8, 3], "n": [50] * 6}
    >>> network(arms, measure="OR", study="s", treatment="t", events="r", n="n", reference="a")
    3 treatments, 3 trials, OR; τ² 0, I² 0%; against a, best first: c, b and a
    """
    given = {"events": events, "n": n, "mean": mean, "sd": sd}
    if isinstance(data, Dataset):
        cells = {"zero_cells": None if zero_cells == 0.5 else zero_cells}
        for name, value in {"measure": measure or None, **given, **cells}.items():
            if value is not None:
                raise ValueError(f"{name}: a Dataset has its effects; leave this out")
        measure, contrasts = data.measure, _of_pairs(data, study, treatment)
    else:
        contrasts = _of_arms(frame_of(data), measure, study, treatment, given, zero_cells)
    stats.checks.one_of("better", better, ("lower", "higher"))
    stats.checks.one_of("interval", interval, ("wald", "hksj", "hksj_adhoc"))
    methods = sketch(Methods, level=level, interval=interval, prediction_from=3)
    first = sketch(Record, measure=measure, better=better, methods=methods)
    nodes = {name for each in contrasts for name in (each.experimental, each.control)}
    if reference is not None:
        stats.checks.one_of("reference", reference, sorted(nodes))
    rules = {"title": title, "reference": reference}
    found = synthesis.network_of("network", rules, first, contrasts)
    if found.fit is None:
        raise ValueError(found.sentence)
    if len(found.parts) > 1:
        warnings.warn(found.sentence, stacklevel=2)
    return NetworkFit(found, found.fit)


def _of_pairs(data: Dataset, study: Given, treatment: Any) -> list[Contrast]:
    if not isinstance(treatment, tuple | list) or len(treatment) != 2:
        raise ValueError("treatment: comparisons need two columns, such as treatment=('one', 'other')")
    given = (("treatment", treatment[0]), ("treatment", treatment[1]), ("study", study))
    one, other, names = (_words(name, data.column(name, each)) for name, each in given)
    found = stats.contrasts_from_pairs(data.effects, data.variances, one, other, names)
    return _records(found.effects, found.covariance, found.experimental, found.control, found.study)


def _words(name: str, values: pd.Series) -> list[str]:
    """The names of studies or treatments, of which every row has one."""
    words = values.astype(str).str.strip()
    for row in np.flatnonzero(values.isna() | (words == "")):
        raise ValueError(f"{name}: row {row + 1} is empty; name it or leave it out")
    return list(words)


def _of_arms(
    frame: pd.DataFrame,
    measure: str,
    study: Given,
    treatment: Any,
    given: Mapping[str, Any],
    zero_cells: float,
) -> list[Contrast]:
    kinds = ("events", "n") if measure in OF_EVENTS else ("mean", "sd", "n")
    if measure not in OF_ARMS or {name for name, value in given.items() if value is not None} != set(kinds):
        raise ValueError(
            f"measure {measure!r}: of arms, RR OR RD need events and n; MD SMD ROM mean, sd and n"
        )
    columns = {name: floats(name, column(frame, name, given[name])) for name in kinds}
    asked = {"study": study, "treatment": treatment}
    names, arms = (_words(name, column(frame, name, each)) for name, each in asked.items())
    same_length({"study": names, "treatment": arms, **columns})
    kept, _ = whole_rows(
        {name: np.isnan(values) for name, values in columns.items()},
        list(map(" ".join, zip(names, arms, strict=True))),
    )
    found: list[Contrast] = []
    for name in dict.fromkeys(names[row] for row in np.flatnonzero(kept)):
        at = np.flatnonzero(kept & np.equal(names, name))
        own = [tuple(columns[kind][row] for kind in kinds) for row in at]
        treated = [arms[row] for row in at]
        if len(set(treated)) < max(2, len(treated)):
            raise ValueError(
                f"study {name!r} compares {text.listing(treated)}: it needs two treatments, each once"
            )
        try:
            effects, covariance = shared_control(measure, own[1:], own[0], zero_cells)
        except ValueError as problem:
            raise ValueError(f"study {name!r}: {problem}") from None
        size = len(effects)
        found += _records(effects, covariance, treated[1:], treated[:1] * size, [name] * size)
    return found


def _records(effects: Floats, covariance: Floats, *names: Sequence[str]) -> list[Contrast]:
    """Contrasts of trials, each with its covariances with those of its trial, which stand together."""
    studies = np.asarray(names[2])
    return [
        sketch(
            Contrast,
            {"experimental": experimental, "control": control, "study": name, "label": name},
            effect=float(effects[at]),
            variance=float(covariance[at, at]),
            covariances=tuple(covariance[at, studies == name].tolist()),
        )
        for at, (experimental, control, name) in enumerate(zip(*names, strict=True))
    ]
