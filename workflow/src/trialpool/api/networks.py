"""Trials of several treatments in, a network out: league table, ranking, inconsistency, figure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    unknown,
    whole_rows,
)
from trialpool.measures import MEASURES, OF_EVENTS
from trialpool.records import Methods, Network, Record, sketch
from trialpool.synthesis import network as synthesis
from trialpool.synthesis.network import (
    Contrast,
    Counts,
    arguments_of,
    left_notes,
    method_note,
    speaking,
    within,
)
from trialpool.synthesis.network_evidence import ComponentRow, Evidence, SplitRow, component_rows
from trialpool.synthesis.pool import shared_control
from trialpool.yaml_files import shipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from trialpool.stats import ComponentNetwork

PAIR = ("experimental", "control")
METHODS = ("inverse", "mh", "nch")
BOUNDS = ("estimate", "ci_low", "ci_high")
DRAWN = {  # functions of the figures of evidence
    "split": "draw_split",
    "rankogram": "draw_rankogram",
    "contributions": "draw_shares",
    "heat": "draw_net_heat",
    "funnel": "draw_adjusted_funnel",
}
Arm = tuple[str, tuple[float, ...]]  # a treatment, and the numbers of those who had it
OF_ARMS = (*OF_EVENTS, "MD", "SMD", "ROM")  # measures that arms of a trial give together


def _of(name: str, meaning: str) -> Any:
    return property(lambda network: getattr(network.fit, name), doc=meaning)


@dataclass(frozen=True, eq=False, repr=False)
class NetworkFit:
    """A network meta-analysis; `network` is its record, all effects on the natural scale."""

    network: Network
    fit: records.NetworkFit
    evidence: Evidence

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
        control = self.reference if reference is None else str(reference)
        stats.checks.one_of("reference", control, self.treatments)
        rows = self.league_rows().xs(control, level="control").drop(columns="network", errors="ignore")
        scores = {row.treatment: row.p_score for row in self.network.ranking}
        rows = rows.assign(p_score=[scores[name] for name in rows.index])
        return rows.loc[[name for name in self.treatments if name in rows.index]]

    def league_rows(self) -> pd.DataFrame:
        """Every ordered pair of treatments, by the names of a review's league table."""
        return _frame(self.network.league, "experimental", "control")

    def league(self, direct: bool = False) -> pd.DataFrame:
        """The league table as text: row against column, the best first.

        With `direct`, below the diagonal stand the direct estimates, where there are any.
        """
        shown, names = self._cells(self.league_rows(), BOUNDS), self.treatments
        if direct:
            rows = self.split(turned=True)
            own = self._cells(rows[rows.direct.notna()], ("direct", "direct_low", "direct_high"))
            below = [pair for pair in shown.index if names.index(pair[0]) > names.index(pair[1])]
            shown.loc[below] = own.reindex(below).fillna("")
        return shown.unstack().loc[names, names].fillna("")

    def _cells(self, rows: pd.DataFrame, names: Sequence[str]) -> pd.Series:
        """Estimates with their intervals as text."""
        cells = [
            text.format_values(self.network.measure, values)
            for values in rows[list(names)].itertuples(index=False)
        ]
        return pd.Series(
            [f"{middle} ({low} to {high})" for middle, low, high in cells], rows.index, dtype=object
        )

    def ranking(self) -> pd.DataFrame:
        """P-score (the equivalent of SUCRA) and mean rank of every treatment."""
        return _frame(self.network.ranking, "treatment")

    def inconsistency(self) -> pd.DataFrame:
        """The test between designs (design-by-treatment interaction)."""
        return _frame([self.network.inconsistency] if self.network.inconsistency else [])

    def node_split(self) -> pd.DataFrame:
        """Direct and indirect evidence on every pair that has both."""
        return _frame(self.network.splits, "experimental", "control")

    def split(self, turned: bool = False) -> pd.DataFrame:
        """Direct, indirect and all evidence on every pair, the share of direct evidence, and whether they
        differ (`p_value`), by back-calculation at the network's τ²; `turned` gives every pair both ways."""
        rows = self.evidence.split()
        return _frame([*rows, *map(_turned(self.network.measure), rows)] if turned else rows, *PAIR)

    def rank_probabilities(self) -> pd.DataFrame:
        """The chance of each rank; SUCRA, the mean share of others beaten; intervals of the rank and of
        that share. `attrs["poth"]` says how sure the order is, from 0 to 1."""
        rows, poth = self.evidence.ranks()
        frame = _frame(rows, "treatment")
        chances = pd.DataFrame(frame.pop("chances").tolist(), frame.index)
        found = frame.join(chances.rename(columns=lambda rank: f"rank {rank + 1}"))
        found.attrs["poth"] = poth
        return found

    def contribution(
        self, by: str = "comparison", judgements: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """What each direct comparison, or `by` study, contributes to every comparison; rows sum to 1.

        With `judgements`, a level of risk of bias for every study, what studies of each level contribute.
        """
        rows = self.evidence.shares("study" if judgements is not None else by, judgements)
        columns = list(dict.fromkeys(row.source for row in rows))
        return _frame(rows, *PAIR, "source").share.unstack()[columns]

    def net_heat(self, tau2_method: str = "FE") -> pd.DataFrame:
        """How much less the design of the row disagrees once that of the column is detached; the column `q`
        is how much it does."""
        found = self.evidence.heat(tau2_method)
        names = [" v ".join(design) for design in found.designs]
        return pd.DataFrame({"q": found.q, **dict(zip(names, found.heat.T, strict=True))}, names)

    def components(
        self, separator: str = "+", inactive: str | None = None, tau2_method: str | None = None
    ) -> pd.DataFrame:
        """The additive model of the components in the treatments' names: each component, then every treatment
        against the reference. `attrs` has its τ² and the test of additivity."""
        found, rows = self.evidence.components(separator, inactive, tau2_method)
        return _components_frame(found, rows)

    def split_forest(self, path: Any = None) -> Figure:
        """Direct, indirect and all evidence on every pair that has both."""
        rows = self.evidence.split()
        if all(row.p_value is None for row in rows):
            raise ValueError(
                "no pair has both direct and indirect evidence: nothing to be drawn; split() has all"
            )
        return self._shown("split", path, rows)

    def rankogram(self, path: Any = None) -> Figure:
        """The chance of every rank of each treatment."""
        return self._shown("rankogram", path, *self.evidence.ranks())

    def heat_plot(self, path: Any = None, tau2_method: str = "FE") -> Figure:
        """The net heat plot."""
        return self._shown("heat", path, self.evidence.heat(tau2_method))

    def contribution_bars(self, judgements: Mapping[str, str], path: Any = None) -> Figure:
        """What studies of each level of risk of bias contribute to every comparison."""
        if not isinstance(judgements, Mapping):
            raise ValueError(
                f"judgements is a {type(judgements).__name__}: give each study's, {{study: 'low'}}"
            )
        return self._shown("contributions", path, self.evidence.shares("study", judgements))

    def funnel(self, order: Sequence[str], path: Any = None) -> Figure:
        """The comparison-adjusted funnel plot; `order` lists the treatments, such as from old to new: of two,
        the later is compared with the earlier."""
        return self._shown("funnel", path, *self.evidence.adjusted(order))

    def _shown(self, kind: str, path: Any, *evidence: Any) -> Figure:
        from trialpool.api.drawings import save
        from trialpool.figures import network_evidence

        figure: Figure = getattr(network_evidence, DRAWN[kind])(self.network, *evidence)
        if path is not None:
            title = shipped("sentences")["networks"]["figures"][kind]
            save(figure, path, f"{title}: {self.network.title or self}")
        return figure

    def graph(self, path: Any = None) -> Figure:
        """Who was compared with whom, and every treatment against the reference."""
        from trialpool.api.drawings import save
        from trialpool.figures.network import describe_network, draw_network

        figure = draw_network(self.network)
        if path is not None:
            save(figure, path, describe_network(self.network))
        return figure


def _turned(measure: str) -> Callable[[SplitRow], SplitRow]:
    """What makes of a pair the same one the other way round."""
    ratio = MEASURES[measure].ratio

    def back(value: float | None) -> float | None:
        return None if value is None else 1 / value if ratio else -value

    def turned(row: SplitRow) -> SplitRow:
        values: dict[str, Any] = {
            "experimental": row.control,
            "control": row.experimental,
            "difference": back(row.difference),
        }
        for middle, low, high in (
            BOUNDS,
            *((name, f"{name}_low", f"{name}_high") for name in ("direct", "indirect")),
        ):
            for name, other in ((middle, middle), (low, high), (high, low)):
                values[name] = back(getattr(row, other))
        return replace(row, **values)

    return turned


def _components_frame(found: ComponentNetwork, rows: Sequence[ComponentRow]) -> pd.DataFrame:
    frame = _frame(rows, *PAIR)
    names = ("tau2", "q", "q_df", "q_p_value", "q_difference", "q_difference_df", "q_difference_p_value")
    frame.attrs.update({name: getattr(found, name) for name in names})
    return frame


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
    method: str = "inverse",
    tau2_method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
    title: str = "",
) -> NetworkFit:
    """A network meta-analysis by random effects (common τ²), from arms or from comparisons.

    Arms: a table with a row an arm, its `study` and `treatment`, and `events` and `n` (RR OR RD) or `mean`,
    `sd` and `n` (MD SMD ROM) of `measure`. Comparisons: a `Dataset` of `trialpool.effects` with a row a pair
    of treatments, `treatment` naming the columns of the experimental and the control one; a trial of several
    arms has all its pairs, from whose variances their covariance follows. `better` says which effects are
    good, for the ranking; `tau2_method` is REML, ML, DL or FE; `interval` is wald, t, hksj or hksj_adhoc. For
    odds ratios of rare events, `method` mh (Mantel-Haenszel) or nch (noncentral hypergeometric) take the
    counts as they are, with common effects. Raises ValueError where no three treatments are connected.

    >>> arms = {"s": [1, 1, 2, 2, 3, 3], "t": list("abbcac"), "r": [9, 5, 6, 4, 8, 3], "n": [50] * 6}
    >>> network(arms, measure="OR", study="s", treatment="t", events="r", n="n", reference="a")
    3 treatments, 3 trials, OR; τ² 0, I² 0%; against a, best first: c, b and a
    """
    given = {"events": events, "n": n, "mean": mean, "sd": sd}
    _check_method(data, method, measure, given)
    counts = None
    if isinstance(data, Dataset):
        cells = {"zero_cells": None if zero_cells == 0.5 else zero_cells}
        for name, value in {"measure": measure or None, **given, **cells}.items():
            if value is not None:
                raise ValueError(f"{name}: a Dataset has its effects; leave this out")
        measure, contrasts = data.measure, _of_pairs(data, study, treatment)
    else:
        arms = _whole_arms(frame_of(data), measure, study, treatment, given)
        contrasts = _of_arms(arms, measure, zero_cells)
        if method != "inverse":
            counts = _counts(arms, method)
            contrasts = within(contrasts, counts)
            for note in left_notes(counts, {}):
                warnings.warn(note, stacklevel=2)
    stats.checks.one_of("better", better, ("lower", "higher"))
    stats.checks.one_of("tau2_method", tau2_method, stats.network.TAU2_METHODS)
    stats.checks.one_of("interval", interval, stats.network_evidence.SAMPLED)
    methods = sketch(Methods, level=level, interval=interval, prediction_from=3)
    first = sketch(Record, measure=measure, better=better, methods=methods)
    reference = _reference(contrasts, reference)
    rules = {"title": title, "reference": reference, "tau2_method": tau2_method, "method": method}
    found = synthesis.network_of("network", rules, first, contrasts, counts=counts)
    if found.fit is None:
        raise ValueError(found.sentence)
    if reference is not None and reference not in found.parts[0]:
        whole = text.listing(found.parts[0])
        raise ValueError(
            f"reference: {reference} is not connected to the largest part, {whole}: name one of it"
        )
    if len(found.parts) > 1:
        warnings.warn(found.sentence, stacklevel=2)
    found = replace(found, note=method_note(rules, counts, contrasts))
    inside = [each for each in contrasts if each.experimental in found.parts[0]]
    evidence = Evidence(found, arguments_of(rules, inside, counts), level, method if counts else "")
    return NetworkFit(found, evidence.record, evidence)


def _reference(contrasts: Sequence[Contrast], asked: str | None) -> str | None:
    """The reference that is asked for, a treatment of a network; two treatments are none."""
    nodes = sorted({name for each in contrasts for name in (each.experimental, each.control)})
    if len(nodes) == 2:
        pair = text.listing(nodes)
        raise ValueError(f"two treatments, {pair}, are no network: pool their trials with trialpool.pool")
    return None if asked is None else stats.checks.one_of("reference", str(asked), nodes)


def _check_method(data: Any, method: str, measure: str, given: Mapping[str, Any]) -> None:
    stats.checks.one_of("method", method, METHODS)
    counted = measure == "OR" and given["events"] is not None and given["n"] is not None
    if method != "inverse" and (isinstance(data, Dataset) or not counted):
        raise ValueError(f"method {method!r}: needs arms with events and n, and measure='OR'")


def _counts(arms: Mapping[str, Sequence[Arm]], method: str) -> Counts:
    rows = [(*numbers, treatment, name) for name, own in arms.items() for treatment, numbers in own]
    return speaking(Counts(*map(tuple, zip(*rows, strict=True))), method) if rows else Counts((), (), (), ())


def component_network(
    data: Dataset,
    *,
    study: Given,
    treatment: tuple[Given, Given],
    separator: str = "+",
    inactive: str | None = None,
    reference: str | None = None,
    tau2_method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> pd.DataFrame:
    """The additive model of components, of comparisons that need not be connected by treatments.

    `data` are comparisons as of `network`; a treatment's name is split at `separator` into its components,
    `inactive` is the one without an effect. Each component, then every treatment against the reference; what
    the trials do not tell is empty. `attrs` has τ² and the test of additivity.
    """
    contrasts = _of_pairs(data, study, treatment)
    made = arguments_of({}, contrasts)
    given: Any = {"reference": reference, "tau2_method": tau2_method, "interval": interval, "level": level}
    found = stats.component_network(*made.arguments, separator=separator, inactive=inactive, **given)
    return _components_frame(found, component_rows(data.measure, found))


def _of_pairs(data: Dataset, study: Given, treatment: Any) -> list[Contrast]:
    if not isinstance(treatment, tuple | list) or len(treatment) != 2:
        raise ValueError("treatment: comparisons need two columns, such as treatment=('one', 'other')")
    given = (("treatment", treatment[0]), ("treatment", treatment[1]), ("study", study))
    one, other, names = (_words(name, data.column(name, each)) for name, each in given)
    found = stats.contrasts_from_pairs(data.effects, data.variances, one, other, names)
    return _records(found.effects, found.covariance, found.experimental, found.control, found.study)


def _words(name: str, values: pd.Series) -> list[str]:
    """The names of studies or treatments, of which every row has one."""
    for row in np.flatnonzero(unknown(values)):
        raise ValueError(f"{name}: row {row + 1} is empty; name it or leave it out")
    return list(values.astype(str).str.strip())


def _whole_arms(
    frame: pd.DataFrame, measure: str, study: Given, treatment: Any, given: Mapping[str, Any]
) -> dict[str, list[Arm]]:
    """The arms of each trial with its numbers; without one that lacks any, and without trials that this
    leaves with a single one, of which warnings tell."""
    kinds = ("events", "n") if measure in OF_EVENTS else ("mean", "sd", "n")
    if measure not in OF_ARMS or {name for name, value in given.items() if value is not None} != set(kinds):
        raise ValueError(
            f"measure {measure!r}: of arms, RR OR RD need events and n; MD SMD ROM mean, sd and n"
        )
    columns = {name: floats(name, column(frame, name, given[name])) for name in kinds}
    asked = {"study": study, "treatment": treatment}
    names, arms = (_words(name, column(frame, name, each)) for name, each in asked.items())
    same_length({"study": names, "treatment": arms, **columns})
    unknown = {name: np.isnan(values) for name, values in columns.items()}
    kept, _ = whole_rows(unknown, list(map(" ".join, zip(names, arms, strict=True))), "arms")
    found: dict[str, list[Arm]] = {}
    for row in np.flatnonzero(kept):
        numbers = tuple(float(columns[kind][row]) for kind in kinds)
        found.setdefault(names[row], []).append((arms[row], numbers))
    lone = [name for name, own in found.items() if len(own) == 1 < names.count(name)]
    if lone:
        warnings.warn(f"trials left out, with one arm left: {text.listing(lone)}", stacklevel=3)
    return {name: own for name, own in found.items() if name not in lone}


def _of_arms(arms: Mapping[str, Sequence[Arm]], measure: str, zero_cells: float) -> list[Contrast]:
    found: list[Contrast] = []
    for name, each in arms.items():
        treated, own = [treatment for treatment, _ in each], [numbers for _, numbers in each]
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
