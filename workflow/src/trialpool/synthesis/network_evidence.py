"""A network and what it was fitted to in, the tables behind it out: splits, contributions, ranks, designs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool.measures import MEASURES
from trialpool.records import Network, NetworkFit, Part, Record
from trialpool.synthesis.network import (
    WHOLE,
    Contrast,
    Fitted,
    Rules,
    arguments_of,
    contrasts_of,
    counts_of,
    within,
)
from trialpool.synthesis.pool import BAYES, finite

if TYPE_CHECKING:
    from trialpool.stats import AdjustedEffects, ComponentNetwork, Contributions, Egger, NetHeat
    from trialpool.stats import NetworkFit as FittedNetwork

BIAS, NOT_JUDGED = "risk_of_bias", "not_judged"
DESIGNS = "Mantel and Haenszel's method takes the trials of a design together"


class SplitRow(Part):
    """One treatment against another by all, direct and indirect evidence, on the natural scale.

    `share_direct` is the weight of direct evidence, `difference` direct less (or over) indirect.
    """

    experimental: str
    control: str
    trials: int
    share_direct: float
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    direct: float | None
    direct_low: float | None
    direct_high: float | None
    indirect: float | None
    indirect_low: float | None
    indirect_high: float | None
    difference: float | None
    p_value: float | None


class RankRow(Part):
    """How a treatment ranks: SUCRA, the mean share of others it beats, the interval of that share and of the
    rank, and the chance of every rank from the best on."""

    treatment: str
    sucra: float
    sucra_low: float
    sucra_high: float
    median_rank: int
    rank_low: int
    rank_high: int
    chances: tuple[float, ...]


class ShareRow(Part):
    """What a comparison, a study or a judgement, the `source`, contributes to the estimate of a comparison.

    `by` says which of them it is: comparison, study or risk_of_bias.
    """

    experimental: str
    control: str
    by: str
    source: str
    share: float


class ComponentRow(Part):
    """The effect of a component, or of a treatment against another, by the additive model."""

    experimental: str
    control: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A network, what its model was fitted to, the level of its intervals, and each study's risk of bias.

    Splits of a network with Bayesian intervals have normal ones, at the REML τ².
    """

    network: Network
    fitted: Fitted
    level: float
    method: str = ""
    risks: Mapping[str, str] = field(default_factory=dict)

    @property
    def record(self) -> NetworkFit:
        """The model of the network; a ValueError where nothing could be fitted."""
        if self.network.fit is None:
            raise ValueError(self.network.sentence)
        return self.network.fit

    @property
    def model(self) -> dict[str, Any]:
        """The network's interval, τ² and reference, as the functions of `trialpool.stats` take them."""
        fit = self.record
        return {"reference": fit.reference, "tau2_method": self.fitted.tau2_method, "interval": fit.interval}

    def refit(self) -> FittedNetwork:
        """The network's numbers on the analysis scale."""
        from trialpool.stats import network_meta_analysis

        model, fit = self.model, self.record
        if fit.interval == BAYES:
            model["tau_prior"] = ("half_normal", fit.prior_scale)
        return network_meta_analysis(*self.fitted.arguments, level=self.level, **model)

    def apart(self, function: Callable[..., Any], *names: str, **more: Any) -> Any:
        """A function of `trialpool.stats` of these contrasts; `names` of the model's arguments it takes."""
        if self.method == "nch":
            raise ValueError(WHOLE)
        return function(*self.fitted.arguments, **{name: self.model[name] for name in names}, **more)

    def split(self) -> tuple[SplitRow, ...]:
        """Direct, indirect and all evidence on every pair of treatments."""
        from trialpool.stats import evidence_split

        model = self.model
        interval = "wald" if model["interval"] == BAYES else model["interval"]
        found = self.apart(evidence_split, "reference", "tau2_method", interval=interval, level=self.level)
        trials = {frozenset(edge.treatments): edge.trials for edge in self.network.edges}
        kinds, measure = ("", "direct", "indirect"), self.network.measure
        rows = []
        for at, pair in enumerate(zip(found.experimental, found.control, strict=True)):
            values: dict[str, Any] = {"difference": natural(measure, found.difference[at])}
            for kind, name in enumerate(kinds):
                middle = getattr(found, name or "network")[at]
                bounds = (
                    ("estimate", "ci_low", "ci_high") if not name else (name, f"{name}_low", f"{name}_high")
                )
                numbers = (middle, found.low[kind][at], found.high[kind][at])
                values |= {name: natural(measure, each) for name, each in zip(bounds, numbers, strict=True)}
            rows.append(
                SplitRow(
                    experimental=pair[0],
                    control=pair[1],
                    trials=trials.get(frozenset(pair), 0),
                    share_direct=float(found.share_direct[at]),
                    p_value=finite(found.p_value[at]),
                    **values,
                )
            )
        return tuple(rows)

    def contributions(self) -> Contributions:
        """What comparisons and studies contribute to every pair of treatments."""
        from trialpool.stats import contributions

        found: Contributions = self.apart(contributions, "reference", "tau2_method")
        return found

    def shares(
        self, by: str = "comparison", judgements: Mapping[str, str] | None = None
    ) -> tuple[ShareRow, ...]:
        """Contributions as rows, `by` comparison or study, or summed by a judgement of each study.

        Raises ValueError for a study without a judgement, and for studies where designs were fitted.
        """
        found = self.contributions()
        names = (
            [f"{one} v {other}" for one, other in found.direct] if by == "comparison" else list(found.studies)
        )
        table = found.by_comparison if by == "comparison" else found.by_study
        if by not in ("comparison", "study"):
            raise ValueError(f"by is {by!r}: must be one of comparison, study")
        if by == "study" and self.method == "mh":
            raise ValueError(f"by is 'study': {DESIGNS}")
        if judgements is not None:
            judgements = {str(name).strip(): str(level) for name, level in judgements.items()}
            if missing := [name for name in names if name not in judgements]:
                raise ValueError(f"judgements: one is missing for {', '.join(missing)}")
            levels = list(dict.fromkeys(judgements[name] for name in names))
            member = np.array([[judgements[name] == level for level in levels] for name in names], float)
            by, names, table = BIAS, levels, table @ member
        return tuple(
            ShareRow(experimental=one, control=other, by=by, source=name, share=float(table[row, at]))
            for row, (one, other) in enumerate(zip(found.experimental, found.control, strict=True))
            for at, name in enumerate(names)
        )

    def all_shares(self) -> tuple[ShareRow, ...]:
        """Contributions of comparisons and, where trials are not pooled first, of studies and their risks."""
        if self.method:
            return self.shares()
        return (*self.shares(), *self.shares("study"), *self.shares("study", self.risks))

    def ranks(self) -> tuple[tuple[RankRow, ...], float]:
        """Every treatment's ranks, the best first, and how sure the order is (POTH, from 0 to 1)."""
        from trialpool.stats import rankogram

        found = rankogram(self.refit(), better=self.network.better, level=self.level)
        rows = [
            RankRow(
                treatment=name,
                chances=tuple(found.probabilities[at].tolist()),
                sucra=float(found.sucra[at]),
                sucra_low=float(found.sucra_low[at]),
                sucra_high=float(found.sucra_high[at]),
                median_rank=int(found.median_rank[at]),
                rank_low=int(found.rank_low[at]),
                rank_high=int(found.rank_high[at]),
            )
            for at, name in enumerate(found.treatments)
        ]
        return tuple(sorted(rows, key=lambda row: (-row.sucra, row.treatment))), found.poth

    def heat(self, tau2_method: str = "FE") -> NetHeat:
        """Where designs disagree."""
        from trialpool.stats import net_heat

        found: NetHeat = self.apart(net_heat, tau2_method=tau2_method)
        return found

    def adjusted(self, order: Sequence[str]) -> tuple[AdjustedEffects, Egger | None]:
        """Effects less the direct estimate of their pair, and Egger's test of them from ten on."""
        from trialpool.stats import comparison_adjusted, egger

        if self.method == "mh":
            raise ValueError(f"a funnel plot is of trials: {DESIGNS}")
        found: AdjustedEffects = self.apart(comparison_adjusted, "tau2_method", order=order)
        many = len(found.study) >= ENOUGH
        return found, egger(found.adjusted, found.se**2) if many else None

    def components(
        self, separator: str = "+", inactive: str | None = None, tau2_method: str | None = None
    ) -> tuple[ComponentNetwork, tuple[ComponentRow, ...]]:
        """The additive model, and its rows: the components, then every treatment against the reference."""
        from trialpool.stats import component_network

        model = self.model | ({"tau2_method": tau2_method} if tau2_method else {})
        model["interval"] = "wald" if model["interval"] == BAYES else model["interval"]
        given = {"separator": separator, "inactive": inactive, "level": self.level}
        found: ComponentNetwork = self.apart(component_network, **model, **given)
        return found, component_rows(self.network.measure, found)


FURTHEST_LOG = 100.0  # logarithm of a ratio, beyond which it says nothing
ENOUGH = 10  # effects, below which asymmetry is not tested


def natural(code: str, value: float) -> float | None:
    """A value on the natural scale; none where it is unknown, or beyond reason, resting on next to nothing.

    >>> natural("RD", 0.5), natural("OR", 800.0)
    (0.5, None)
    """
    measure = MEASURES[code]
    if not np.isfinite(value) or (measure.ratio and abs(value) > FURTHEST_LOG):
        return None
    return measure.natural(float(value))


def component_rows(measure: str, found: ComponentNetwork) -> tuple[ComponentRow, ...]:
    """The components (against none), then every treatment against the first, on the natural scale."""

    def row(one: str, other: str, *numbers: float) -> ComponentRow:
        estimate, low, high, p_value = map(float, numbers)
        told = [natural(measure, value) for value in (estimate, low, high)]
        names = ("estimate", "ci_low", "ci_high")
        known = dict(zip(names, told, strict=True))
        return ComponentRow(experimental=one, control=other, p_value=finite(p_value), **known)

    columns = (found.effects, found.ci_low, found.ci_high, found.p_value)
    rows = [row(name, "", *numbers) for name, *numbers in zip(found.components, *columns, strict=True)]
    tables = (found.league, found.league_low, found.league_high, found.league_p_value)
    pairs = zip(found.treatments[1:], *(table[1:, 0] for table in tables), strict=True)
    return (*rows, *(row(name, found.treatments[0], *numbers) for name, *numbers in pairs))


def evidence_of(rules: Rules, network: Network, records: Sequence[Record]) -> Evidence | None:
    """The evidence of a review's network that was built of these records; None where nothing was fitted."""
    if network.fit is None:
        return None
    contrasts = contrasts_of(records, rules)
    counts = counts_of(contrasts, rules["method"]) if rules.get("method") else None
    whole, contrasts = network.parts[0], within(contrasts, counts) if counts else contrasts
    inside: list[Contrast] = [each for each in contrasts if each.experimental in whole]
    fitted = arguments_of(rules, inside, counts)
    risks = {
        each.study: next((study.risk_of_bias for study, _ in each.entries if study.risk_of_bias), NOT_JUDGED)
        for each in inside
    }
    return Evidence(network, fitted, records[0].methods.level, rules.get("method") or "", risks)
