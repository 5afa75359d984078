"""Methods of a fit that are asked for by name: other intervals and models, bias, missing outcomes, size.

No statistics of its own: `trialpool.stats` computes, the answer prints a line and has a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trialpool import stats, text
from trialpool.api.data import Dataset, Floats, Given, floats, whole_rows
from trialpool.api.results import Result, model_matrix, one_row, table, unknown_of
from trialpool.measures import SIDES
from trialpool.synthesis.pool import FLOORED

LIMITS = ("low", "high")
OF_TAU2 = {  # names of intervals of τ²: the function, and what it is asked
    "Q-profile": ("tau2_interval", {}),
    "profile likelihood, REML": ("profile_interval", {"method": "REML"}),
    "profile likelihood, ML": ("profile_interval", {"method": "ML"}),
    "generalised Q, weights 1/√v": ("generalised_q_interval", {"weights": "inverse_sd"}),
    "generalised Q, weights 1/v": ("generalised_q_interval", {"weights": "inverse_variance"}),
}


class Further:
    """What a `Fit` answers besides; what is declared here it has."""

    data: Dataset
    settings: Mapping[str, Any]

    if TYPE_CHECKING:
        # fmt: off
        @property
        def measure(self) -> str: ...  # noqa: D102
        @property
        def k(self) -> int: ...  # noqa: D102
        @property
        def _numbers(self) -> tuple[Floats, Floats]: ...
        def natural(self, value: float) -> float: ...  # noqa: D102
        def _by_variance(self, what: str) -> None: ...
        def _against_none(self, what: str) -> None: ...
        def _options(self, *names: str) -> dict[str, Any]: ...
        def _effect(self, fit: Any, prefix: str = "") -> str: ...
        def _tables(self) -> list[Floats]: ...
        def _order(self, name: str, given: Given) -> Any: ...
        # fmt: on

    def tau2_intervals(self) -> pd.DataFrame:
        """Intervals of τ² by name: Q-profile, profile likelihood, generalised Q (Jackson; Biggerstaff)."""
        level = self._options("level")
        found = {
            name: getattr(stats, function)(*self._numbers, **asked, **level)
            for name, (function, asked) in OF_TAU2.items()
        }
        rows = {name: [float(getattr(one, end)) for end in LIMITS] for name, one in found.items()}
        columns = ["tau2_low", "tau2_high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("method")

    def prediction(self, *kinds: str) -> pd.DataFrame:
        """Intervals of a new trial's true effect by name (all of `stats.PREDICTIONS`, if none is named)."""
        self._by_variance("prediction intervals by name")
        kind: Any = self._options("tau2_method", "level")
        interval = self.settings["interval"]
        kind["interval"] = interval if interval in stats.INTERVALS else FLOORED
        rows = {}
        for name in kinds or stats.PREDICTIONS:
            found = stats.prediction_interval(*self._numbers, name, **kind)
            rows[name] = [self.natural(float(end)) for end in (found.low, found.high)]
        return pd.DataFrame.from_dict(rows, orient="index", columns=["pi_low", "pi_high"]).rename_axis("kind")

    def henmi_copas(self) -> Result:
        """The common-effect mean with Henmi and Copas' interval, which publication bias shifts less."""
        fit = stats.henmi_copas(*self._numbers, **self._options("level"))
        return one_row(self.measure, "Henmi and Copas", self._effect(fit), fit)

    def ivhet(self) -> Result:
        """The inverse-variance heterogeneity model (Doi et al. 2015)."""
        fit = stats.ivhet(*self._numbers, **self._options("level"))
        return one_row(self.measure, "IVhet", self._effect(fit), fit)

    def kenward_roger(self) -> Result:
        """The pooled effect with Kenward and Roger's error and degrees of freedom, τ² by REML."""
        self._by_variance("Kenward and Roger's tests")
        fit = stats.kenward_roger(*self._numbers, **self._options("level"))
        names = ("coefficients", "ci_low", "ci_high", "p_value", "df")
        frame = table("", fit, ["mean"], names, "term").rename(columns={"coefficients": "estimate"})
        bounds = ["estimate", "ci_low", "ci_high"]
        frame[bounds] = frame[bounds].map(self.natural)
        estimate, low, high = frame.iloc[0][bounds]
        shown = text.format_values(self.measure, [estimate, low, high])
        said = f"{self.measure} {shown[0]} ({shown[1]} to {shown[2]}), {text.number(float(fit.df[0]), 1)} df"
        return Result("", f"Kenward–Roger: {said}", frame, fit)

    # other models

    def location_scale(self, scale: str, formula: str = "1", method: str = "REML") -> Result:
        """Moderators of how far true effects spread (`scale`), and of their mean (`formula`), by formulas.

        A row a coefficient, on the analysis scale; those of `scale` are of the logarithm of τ². Trials of
        which a moderator is unknown are left out, and a warning names them.
        """
        kept, _ = whole_rows(unknown_of(self.data, formula, scale), self.data.labels)
        data = self.data.take(kept)
        parts = {"mean": model_matrix(data, formula), "scale": model_matrix(data, scale)}
        for name, matrix in parts.items():
            if list(matrix.columns)[:1] != ["Intercept"]:
                raise ValueError(f"{name}: the formula needs its intercept")
        designs = [part.iloc[:, 1:].to_numpy(float) if part.shape[1] > 1 else None for part in parts.values()]
        asked: Any = {"method": method, **self._options("level")}
        fit = stats.location_scale_model(data.effects, data.variances, *designs, **asked)
        names = ("se", "statistic", "p_value", "ci_low", "ci_high")
        frames = {
            "mean": pd.DataFrame(
                {"coefficient": fit.coefficients, **{name: getattr(fit, name) for name in names}}
            ),
            "scale": pd.DataFrame(
                {"coefficient": fit.scale, **{name: getattr(fit, f"scale_{name}") for name in names}}
            ),
        }
        for name, matrix in parts.items():
            frames[name].index = pd.Index(list(matrix.columns), name="term")
        test = fit.scale_test
        said = f"scale {scale}, {text.count(len(data), 'trial')}: Q = {text.number(test.statistic)}"
        said += f" on {test.df:g} df, {text.p_value(test.p_value)}"
        words = "; ".join(filter(None, (f"Location-scale model, {said}", fit.caution)))
        return Result("", words, pd.concat(frames, names=["part"]), fit)

    def multivariate(
        self,
        random: Mapping[str, str] | Sequence[str],
        *,
        formula: str = "1",
        covariance: Any = None,
        sampling: Mapping[str, Any] | None = None,
        method: str = "REML",
    ) -> Result:
        """Random terms of any number and structure, and any covariance of sampling errors (metafor's rma.mv).

        `random` are terms such as "trial" or "outcome | trial", with their structure where there is an inner
        factor: {"outcome | trial": "UN"} (see `stats.Random`). `formula` "0 + outcome" gives every outcome
        its own mean. `covariance` (k, k) is that of sampling errors, or `sampling` says how to make it by
        `stats.sampling_covariance`, with columns for its labels: {"cluster": "trial", "rho": 0.6}.
        """
        self._by_variance("multivariate models")
        named = dict(random) if isinstance(random, Mapping) else dict.fromkeys(random, "ID")
        terms = []
        for term, structure in named.items():
            inner, bar, outer = term.partition("|")
            labels = [
                self.data.column("random", name.strip()).tolist()
                for name in ((inner, outer) if bar else (term,))
            ]
            terms.append(stats.Random(labels[-1], structure, labels[0] if bar else None))
        matrix = model_matrix(self.data, formula)
        own = list(matrix.columns)[:1] == ["Intercept"]
        columns = matrix.iloc[:, int(own) :].to_numpy(float)
        if len(matrix) < self.k:
            missing = self.data.labels[int(np.flatnonzero(unknown_of(self.data, formula)[formula])[0])]
            raise ValueError(f"formula {formula!r}: {missing} has no value; pool the others alone")
        y, v = self._numbers
        errors = v if covariance is None else covariance
        if sampling is not None:
            errors = stats.sampling_covariance(
                v, **{name: self._labels(name, value) for name, value in sampling.items()}
            )
        kind: Any = {"design": columns if columns.shape[1] else None, "intercept_too": own, "method": method}
        fit = stats.multivariate_model(y, errors, terms, **kind, **self._options("level"))
        names = ("se", "statistic", "p_value", "ci_low", "ci_high")
        frame = pd.DataFrame(
            {"coefficient": fit.coefficients, **{name: getattr(fit, name) for name in names}}
        )
        frame.index = pd.Index(list(matrix.columns), name="term")
        found = zip(fit.names, fit.components, strict=True)
        said = ", ".join(f"{name} {text.significant(float(value))}" for name, value in found)
        words = "; ".join(filter(None, (f"Multivariate model, {self.k} effects: {said}", fit.caution)))
        return Result("", words, frame, fit)

    def _labels(self, name: str, value: Any) -> Any:
        """An argument of the sampling covariance: columns by their names."""
        if isinstance(value, tuple):
            return tuple(self._labels(name, each) for each in value)
        return self.data.column(name, value).tolist() if isinstance(value, str) else value

    # bias

    def _side(self, alternative: str | None) -> str:
        """The side on which significant results are to be: that of the estimate, if none is named."""
        estimate = float(stats.pool(*self._numbers, tau2_method="FE", interval="wald").estimate)
        return alternative or ("greater" if estimate > 0 else "less")

    def smooth_selection(self, form: str = "beta", alternative: str | None = None) -> Result:
        """A selection model with a smooth weight of p-values: beta, halfnorm, negexp, power."""
        self._against_none("a selection model is of trials tested")
        kind: Any = {"alternative": self._side(alternative), **self._options("level")}
        fit = stats.smooth_selection(*self._numbers, form, **kind)
        said = "" if fit.refused else self._effect(fit)
        said += f"; likelihood ratio test of selection {text.p_value(fit.lrt_p_value)}"
        return one_row(self.measure, f"Selection model ({form})", said, fit)

    def copas(self, **kind: Any) -> Result:
        """Copas' selection model: the effect under several chances that the smallest trial is published."""
        asked: Any = {**self._options("level"), **kind}
        fit = stats.copas(*self._numbers, **asked)
        names = ("estimate", "ci_low", "ci_high", "tau2", "rho", "unpublished", "residual_p_value")
        frame = table(self.measure, fit, fit.chances.tolist(), names, "chance")
        said = "no chance of publication explains the small-study effects"
        if fit.chosen >= 0:
            at = frame.iloc[fit.chosen]
            shown = text.format_values(self.measure, [at.estimate, at.ci_low, at.ci_high])
            said = f"{self.measure} {shown[0]} ({shown[1]} to {shown[2]}) with a chance of {at.name:g}"
            said += f" for the smallest trial, {text.number(at.unpublished, 0)} unpublished"
        words = fit.refused or "; ".join(filter(None, (said, fit.caution)))
        return Result(self.measure, f"Copas model: {words}", frame, fit)

    def limit(self) -> Result:
        """The effect of a trial of endless size by limit meta-analysis (Rücker et al. 2011)."""
        fit = stats.limit_meta_analysis(*self._numbers, **self._options("tau2_method", "level"))
        said = (
            ""
            if fit.refused
            else f"{self._effect(fit)}; small-study effects {text.p_value(fit.q_small_p_value)}"
        )
        return one_row(self.measure, "Limit meta-analysis", said, fit)

    def excess_significance(self, alpha: float = 0.05, alternative: str = "two-sided") -> Result:
        """Whether more trials are significant than their size lets expect (Ioannidis & Trikalinos 2007)."""
        self._against_none("a test of excess significance is of trials tested")
        fit = stats.excess_significance(*self._numbers, alpha=alpha, alternative=alternative)
        said = f"{fit.observed} significant, {text.number(fit.expected, 1)} expected"
        said += f", {text.p_value(fit.p_value)}"
        return one_row("", "Excess significance", said, fit)

    def p_uniform(self, alternative: str | None = None) -> Result:
        """The effect at which significant trials' p-values are uniform; of one common effect."""
        self._against_none("p-uniform is of trials tested")
        kind: Any = {"alternative": self._side(alternative), **self._options("level")}
        fit = stats.p_uniform(*self._numbers, **kind)
        said = f"{self._effect(fit)}, {text.count(fit.significant, 'significant trial')}"
        return one_row(self.measure, "p-uniform", said, fit)

    # missing outcomes

    def with_missing(
        self, missing: tuple[Given, Given], assumed: tuple[float, float] | str | None = None
    ) -> Dataset:
        """The trials with the people whose outcome is missing counted in, to be pooled again.

        `missing` are columns of how many, of the experimental and the control arm. `assumed` of each is of
        events the IMOR (1 is none informative), of mean differences the IMDoM (0; of SMD in SDs). Of events
        "gamble_hollis" leaves the effects and lets their variances span the best and the worst case.
        """
        effects, variances = self._under(missing, assumed)
        return replace(self.data, effects=effects, variances=variances)

    def _under(
        self, missing: tuple[Given, Given], assumed: tuple[float, float] | str | None
    ) -> tuple[Floats, Floats]:
        lost = [floats("missing", self.data.column("missing", each)) for each in missing]
        if self.measure in ("RR", "OR", "RD"):
            a, n1, c, n2 = self._tables()
            if isinstance(assumed, str):
                stats.checks.one_of("assumed", assumed, ("gamble_hollis",))
                spanned = stats.gamble_hollis(a, n1, lost[0], c, n2, lost[1], measure=self.measure)
                return spanned.effect, spanned.variance
            odds = assumed or (1.0, 1.0)
            kind: Any = {"imor1": odds[0], "imor2": odds[1], "measure": self.measure}
            found = stats.missing_events(a, n1, lost[0], c, n2, lost[1], **kind)
            return found.effect, found.variance
        known = self.data.arms
        names = [f"{name}_{side}" for side in SIDES for name in ("mean", "sd", "n")]
        if self.measure not in ("MD", "SMD") or not known.keys() >= set(names):
            raise ValueError("missing: known of events, or of means and SDs of both arms (MD, SMD)")
        if isinstance(assumed, str):
            raise ValueError(f"assumed is {assumed!r}: of means it is two numbers, one an arm")
        moved = assumed or (0.0, 0.0)
        kind = {"imdom1": moved[0], "imdom2": moved[1], "measure": self.measure}
        one, two = ([known[name] for name in part] for part in (names[:3], names[3:]))
        found = stats.missing_means(one[0], one[1], one[2], lost[0], two[0], two[1], two[2], lost[1], **kind)
        return found.effect, found.variance

    def tipping_point(self, missing: tuple[Given, Given], arm: str = "experimental") -> Result:
        """What must be true of the missing of an arm (experimental, control, both) for the result to turn.

        A row an assumption tried, with the pooled effect under it; the IMOR or IMDoM is in the index.
        """
        self._by_variance("tipping points")
        stats.checks.one_of("arm", arm, (*SIDES, "both"))
        ratio = self.measure in ("RR", "OR", "RD")
        which = [arm in (side, "both") for side in SIDES]

        def under(value: float) -> tuple[Floats, Floats]:
            none = 1.0 if ratio else 0.0
            pair = [value if moved else none for moved in which]
            return self._under(missing, (pair[0], pair[1]))

        interval = self.settings["interval"]
        kind: Any = self._options("tau2_method", "level")
        kind["interval"] = interval if interval in stats.INTERVALS else FLOORED
        unit = 1.0
        if self.measure == "MD":
            unit = float(np.median(self.data.arms["sd_control"]))
        fit = stats.tipping_point(under, ratio=ratio, unit=unit, **kind)
        names = {"estimate": fit.estimate, "ci_low": fit.low, "ci_high": fit.high}
        word = "IMOR" if ratio else "IMDoM"
        frame = pd.DataFrame(
            {name: [self.natural(value) for value in column] for name, column in names.items()},
            index=pd.Index(fit.tried, name=word),
        )
        said = f"no {word} tried changes the conclusion"
        if not np.isnan(fit.assumption):
            said = f"the conclusion changes at an {word} of {text.significant(fit.assumption)}"
        return Result("", f"Missing outcomes, {arm} arm: {said}", frame, fit)

    # information

    def sequential(
        self,
        effect: float,
        *,
        sd: float | None = None,
        control_risk: float | None = None,
        order: Given | None = None,
        power: float = 0.9,
        alpha: float = 0.05,
        spending: str = "obrien_fleming",
    ) -> Result:
        """The cumulative effect against sequential boundaries, and the people that the `effect` would need.

        `effect` is what is worth finding, of ratios the ratio; `sd` is that of a mean difference (by default
        the median of the control arms), `control_risk` of events (by default that of all controls together).
        The people required are inflated by the diversity between trials; `order` is a column, as the year.
        """
        arms = self.data.arms
        if not arms.keys() >= {f"n_{side}" for side in SIDES}:
            raise ValueError("the trials do not say how many people they had: make the data with n=")
        if self.measure == "MD" and sd is None and "sd_control" in arms:
            sd = float(np.median(arms["sd_control"]))
        if self.measure in ("RR", "OR", "RD") and control_risk is None and "events_control" in arms:
            control_risk = float(np.sum(arms["events_control"]) / np.sum(arms["n_control"]))
        tau2 = self._options("tau2_method")
        spread = stats.diversity(*self._numbers, **tau2)
        kind: Any = {"sd": sd, "control_risk": control_risk, "alpha": alpha, "power": power}
        required = stats.information_size(self.measure, effect, diversity=spread, **kind)
        at = np.arange(self.k) if order is None else self._order("order", order)
        people = arms["n_experimental"] + arms["n_control"]
        asked: Any = {"order": at, "alpha": alpha, "spending": spending, **tau2}
        fit = stats.sequential_analysis(*self._numbers, people, required, **asked)
        frame = pd.DataFrame(
            {name: getattr(fit, name) for name in ("people", "share", "estimate", "z", "bound")},
            index=pd.Index([self.data.labels[row] for row in at], name="label"),
        )
        frame["estimate"] = frame["estimate"].map(self.natural)
        said = f"{fit.people[-1]:,.0f} of {required:,.0f} people required (D² {text.percent(spread)})"
        crossed = f"the boundary is crossed with {frame.index[fit.crossed]}" if fit.crossed >= 0 else ""
        return Result("", f"Sequential analysis: {said}; {crossed or 'no boundary is crossed'}", frame, fit)
