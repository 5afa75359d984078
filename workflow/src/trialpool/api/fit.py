"""Trials in, a fit out that remembers them: it prints a line, becomes tables, asks further, draws itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialpool import protocol, stats, text
from trialpool.api.data import Dataset, Floats, Given, two_words, unknown, whole_rows
from trialpool.api.further import Further
from trialpool.api.results import (
    Regression,
    Result,
    effect_words,
    model_matrix,
    one_row,
    regression,
    table,
    unknown_of,
)
from trialpool.contracts import SUMMARY
from trialpool.measures import METHODS, OF_EVENTS, OF_RATES, SIDES
from trialpool.priors import Prior, check_measure, setting_of
from trialpool.records import Pooled, Record
from trialpool.stats._tau_priors import LOG_PRIORS, TauPrior
from trialpool.synthesis import analyse, counts, diagnostics, sensitivity
from trialpool.synthesis import pool as synthesis
from trialpool.view.forest_table import SIDE_BY_SIDE
from trialpool.view.reproduce import LANGUAGES, script_of
from trialpool.yaml_files import shipped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POLICIES = ("auto", *stats.INTERVALS, synthesis.BAYES)
FEWEST_PREDICTED = 3  # trials; a prediction interval of two says nothing
OF_SETS = (*synthesis.BOUNDS, "p_value", *synthesis.PREDICTED, "tau2", "i2", "q")
GROUP = "category_experimental"  # the field of records that holds a trial's group
CASES = (
    *("rstudent", "dffits", "cook", "cov_ratio", "tau2_deleted", "q_deleted", "hat", "weight", "dfbetas"),
    *("baujat_x", "baujat_y", "influential"),
)
EVENT_TESTS = {
    "harbord": "Harbord's test",
    "peters": "Peters' test",
    "macaskill": "Macaskill's test",
    "arcsine": "Arcsine test",
}
Target = str | PathLike[str] | None  # the file that a figure becomes


@dataclass(frozen=True)
class Numbers:
    """The result on the analysis scale, where ratios are logarithms; NaN where there is none."""

    estimate: float
    se: float
    statistic: float
    df: float
    p_value: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float


def _natural(name: str, meaning: str) -> Any:
    return property(lambda fit: fit.natural(getattr(fit.analysis_scale, name)), doc=meaning)


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Further):
    """A meta-analysis, on the natural scale; `analysis_scale`, of ratios also `log`, has the other one.

    `tau2 i2 h2 q q_df q_p_value weights` (per cent) are those of `trialpool.stats.pool`, or of the method of
    counts that was asked for, NaN where it has none. `interval` is that of the headline: "auto" has become
    what the number of trials asks for. `settings` are those asked for.
    """

    data: Dataset
    settings: Mapping[str, Any]
    interval: str
    analysis_scale: Numbers
    tau2: float
    i2: float
    h2: float
    q: float
    q_df: float
    q_p_value: float
    weights: Floats

    estimate = _natural("estimate", "The pooled effect.")
    ci_low = _natural("ci_low", "The lower bound of its interval.")
    ci_high = _natural("ci_high", "The upper bound of its interval.")
    pi_low = _natural("pi_low", "The lower bound of a new trial's true effect; NaN of few trials.")
    pi_high = _natural("pi_high", "The upper bound of a new trial's true effect; NaN of few trials.")

    def natural(self, value: float) -> float:
        """From the analysis scale to the natural one."""
        return float(np.exp(value)) if self.data.natural.ratio else self.data.natural.natural(value)

    @property
    def measure(self) -> str:
        """The code of the effect measure."""
        return self.data.measure

    @property
    def k(self) -> int:
        """How many trials were pooled."""
        return len(self.data)

    @property
    def p_value(self) -> float:
        """The p-value of no effect; NaN under a Bayesian headline."""
        return self.analysis_scale.p_value

    @property
    def log(self) -> Numbers:
        """The logarithms of a ratio; AttributeError for a difference, which has `analysis_scale` only."""
        if not self.data.natural.ratio:
            raise AttributeError(f"{self.measure} is no ratio: take analysis_scale")
        return self.analysis_scale

    @property
    def advice(self) -> str:
        """Why another method suits the events better than inverse variance, and which; "" for nothing."""
        rows = [] if self._counted else self.data.rows()
        why = counts.advice(self.measure, rows)
        return f"{why}: consider {counts.advised(self.measure, rows)}" if why else ""

    @cached_property
    def tau2_interval(self) -> tuple[float, float]:
        """Bounds of τ² by the Q-profile."""
        low, high = stats.tau2_interval(*self._numbers, level=self.settings["level"])
        return float(low), float(high)

    def __str__(self) -> str:
        return f"{self.result}; rare events, see .advice" if self.advice else self.result

    @property
    def result(self) -> str:
        """The result in a line: estimate, interval, trials, heterogeneity, a new trial."""
        numbers = [self.estimate, self.ci_low, self.ci_high, self.pi_low, self.pi_high]
        digits = text.digits_of(self.measure, numbers[:3])
        shown, level = text.format_values(self.measure, numbers, digits), self.settings["level"]
        bounds = f"{'' if level == 0.95 else text.percent(level) + ' CI '}{shown[1]} to {shown[2]}"
        parts = [f"{self.measure} {shown[0]} ({bounds}), {text.count(self.k, 'trial')}"]
        common = self.settings["tau2_method"] == "FE" or math.isnan(self.tau2)
        spread = [] if common else [f"τ² {text.significant(self.tau2)}"]
        spread += [] if math.isnan(self.i2) else [f"I² {text.percent(self.i2 / 100)}"]
        parts += [", ".join(spread)] if self.k > 1 and spread else []
        parts += [] if math.isnan(self.pi_low) else [f"new trial {shown[3]} to {shown[4]}"]
        if self._counted:
            parts.append(shipped("sentences")["methods"][self.settings["method"]])
            silent = len(self.data.inestimable)
            parts += [f"{text.count(silent, 'further trial')} not estimable"] if silent else []
        elif self.interval == synthesis.BAYES:
            parts.append("Bayesian interval")
        elif self.k > 1 and self.interval != synthesis.policy(self.settings["interval"], self.k):
            parts.append("HKSJ interval, as nothing tells the scale of a prior of τ (give prior=)")
        return "; ".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        drawn: Any = self.forest()
        beside = self.summary() if self._counted else self.models()
        return f"<p>{self}</p>{beside.to_html(float_format='{:.4g}'.format)}{drawn._repr_svg_()}"

    # what the synthesis makes of the trials, when it is asked for

    @property
    def _numbers(self) -> tuple[Floats, Floats]:
        return self.data.effects, self.data.variances

    @cached_property
    def _spec(self) -> protocol.Analysis:
        return spec_of(self.data, self.settings)

    @property
    def _counted(self) -> bool:
        return bool(self.settings["method"] != counts.IV)

    def _by_variance(self, what: str) -> None:
        """Refuse what is of inverse variance only."""
        if self._counted:
            raise ValueError(f"{what} are of inverse variance: pool with method='iv'")

    def _against_none(self, what: str) -> None:
        """Refuse what asks how far a result lies from no effect, where there is no such thing."""
        if not self.data.natural.has_null:
            name = self.data.natural.name
            raise ValueError(f"{what} against no effect, of which there is none for a {name}")

    @property
    def _model(self) -> Mapping[str, Any]:
        return synthesis.model_of(self._spec)

    @cached_property
    def _pooled(self) -> Pooled:
        return pooled_by_policy(self.data, self._spec)

    @cached_property
    def _whole(self) -> tuple[Record, sensitivity.Specifications | None]:
        return analyse.analyse(self._spec, self.data.rows(), self.data.inestimable)

    def record(self, by: Sequence[str] | None = None) -> Record:
        """The fit as the record of an analysis; `by` is a group for each trial."""
        spec = {**self._spec, "subgroups": None if by is None else GROUP}
        rows = self.data.rows(**({} if by is None else {GROUP: by}))
        return analyse.pooled_record(spec, rows, self.data.inestimable)

    def reproduce(self, language: Literal["r", "python"] = "r") -> str:
        """A script with the trials in it that computes the fit again: in R by metafor, or in Python.

        Raises ValueError where metafor has not the method.
        """
        stats.checks.one_of("language", language, LANGUAGES)
        if self.k < 2:
            raise ValueError("one trial is not pooled: there is nothing to compute again")
        if script := script_of(self.record(), language):
            return script
        raise ValueError(f"metafor has no method that pools as {self.settings['method']!r} does here")

    # tables

    def to_frame(self) -> pd.DataFrame:
        """One row a trial, as `Dataset.to_frame` has it, with its weight in per cent."""
        frame = self.data.to_frame(self.settings["level"]).drop(columns="weight", errors="ignore")
        frame.insert(list(frame).index("estimate_high") + 1, "weight", self.weights)
        return frame

    def summary(self) -> pd.DataFrame:
        """One row with all numbers of the fit, by the names of a review's summary.csv."""
        sizes = synthesis.sizes_of(self._spec, self.data.rows())
        settings = {"measure": self.measure, **self._options("level", "tau2_method")}
        known = {**settings, **sizes, **vars(self._pooled)}
        return pd.DataFrame({name: [known[name]] for name in SUMMARY.names if name in known})

    def models(self) -> pd.DataFrame:
        """The models that stand side by side: Bayesian, random-effects (HKSJ) and common-effect."""
        found = {model: [getattr(self._pooled, name) for name in names] for _, model, names in SIDE_BY_SIDE}
        frame = pd.DataFrame.from_dict(found, orient="index", columns=list(synthesis.BOUNDS), dtype=float)
        return frame.rename_axis("model")

    def leave_one_out(self) -> pd.DataFrame:
        """The result without each trial in turn."""
        return self._sets(~np.eye(self.k, dtype=bool), self.data.labels)

    def cumulative(self, order: Given | None = None) -> pd.DataFrame:
        """The result as trials came in, by a column such as the year (default: as given)."""
        at = np.arange(self.k) if order is None else self._order("order", order)
        masks = np.empty((self.k, self.k), dtype=bool)
        masks[:, at] = np.tri(self.k, dtype=bool)
        return self._sets(masks, [self.data.labels[row] for row in at])

    def _order(self, name: str, given: Given) -> NDArray[np.intp]:
        """The trials in rising order of a column: of numbers, also such as are text, or else of words."""
        values = self.data.column(name, given)
        for label in np.asarray(self.data.labels)[unknown(values)]:
            raise ValueError(f"{name}: {label} has no value to be ordered by")
        if values.dtype.kind not in "mM":
            numbers = pd.to_numeric(values, errors="coerce")
            words, known = values[numbers.isna()], values[numbers.notna()]
            if len(words) and len(known):
                mixed = f"{words.iloc[0]!r} is a word and {known.iloc[0]!r} a number"
                raise ValueError(f"{name}: {mixed}; give numbers alone or words alone")
            values = values if len(words) else numbers
        return np.argsort(values.to_numpy(), kind="stable")

    def _sets(self, masks: ArrayLike, labels: Sequence[str]) -> pd.DataFrame:
        """The result of sets of trials (m, k): one call, but for those so small that the policy is Bayes."""
        sets = np.asarray(masks)
        sizes = sets.sum(1)
        if self._counted:
            return self._counted_sets(sets, labels)
        fit = stats.pool(*self._numbers, where=sets, **self._model)
        frame = table(self.measure, fit, labels, OF_SETS, "label")
        frame.insert(0, "k", sizes)
        frame.loc[np.asarray(sizes < self.settings["prediction_from"]), list(synthesis.PREDICTED)] = np.nan
        headline = [*synthesis.BOUNDS, "p_value", *synthesis.PREDICTED]
        for at, count in enumerate(sizes):
            if synthesis.policy(self.settings["interval"], int(count)) == synthesis.BAYES:
                own = pool(self.data.take(sets[at]), **self.settings)
                places = frame.columns.get_indexer(headline)
                frame.iloc[at, places] = [getattr(own, name) for name in headline]
        return frame

    def _counted_sets(self, sets: NDArray[np.bool_], labels: Sequence[str]) -> pd.DataFrame:
        """The same by a method of counts, set by set; NaN where it has no estimate."""
        rows = []
        for members in sets:
            try:
                own: Any = pool(self.data.take(members), **self.settings)
            except ValueError:
                own = None
            rows.append({"k": int(members.sum())} | {name: getattr(own, name, math.nan) for name in OF_SETS})
        return pd.DataFrame(rows, index=pd.Index(list(labels), name="label"))

    def influence(self) -> pd.DataFrame:
        """Case diagnostics of every trial, by metafor's names (Viechtbauer & Cheung 2010)."""
        self._by_variance("case diagnostics")
        model = {name: value for name, value in self._model.items() if name != "level"}
        fit = stats.influence(*self._numbers, **model)
        return table(self.measure, fit, self.data.labels, CASES, "label")

    def blup(self) -> pd.DataFrame:
        """What each trial's true effect is predicted to be: shrunken towards the mean (metafor's `blup`)."""
        self._by_variance("predictions of true effects")
        fit = stats.blup(*self._numbers, **self._model)
        return table(self.measure, fit, self.data.labels, ("estimate", "pi_low", "pi_high"), "label")

    def gosh(self, *, draws: int = 10_000, seed: int = 1, smallest: int = 2) -> pd.DataFrame:
        """The result of all subsets of trials, or of `draws` of very many; who is in it, by label."""
        self._by_variance("subsets of trials")
        kind: dict[str, Any] = {"tau2_method": self.settings["tau2_method"], "smallest": smallest}
        fit = stats.gosh(*self._numbers, draws=draws, seed=seed, **kind)
        frame = table(self.measure, fit, range(len(fit.size)), ("size", "estimate", "tau2", "i2"), "subset")
        return frame.join(pd.DataFrame(fit.members, columns=list(self.data.labels)))

    def multiverse(self) -> pd.DataFrame:
        """The result of every defensible model, ordered by the estimate."""
        every = self._whole[1]
        if every is None:
            alone = "one trial" if self.k == 1 else f"a {self.data.natural.name} of one group"
            raise ValueError(f"{alone} has no other models")
        numbers = {name: getattr(every, name) for name in (*synthesis.BOUNDS, "k")}
        return pd.DataFrame({**every.choices, **numbers}).drop(columns="inclusion")

    # small studies

    def egger(self, form: str = "classic", predictor: str | None = None) -> Result:
        """Egger's regression test; of SMDs on sample size unless `predictor` says se or variance."""
        kind: dict[str, Any] = {"form": form, "predictor": predictor, **self._options("tau2_method", "level")}
        if predictor is None:
            kind |= diagnostics.egger_predictor(self._spec, self.data.rows())
        if self._counted:
            kind["tau2_method"] = "REML"
        fit = stats.egger(*self._numbers, **kind)
        return one_row(self.measure, "Egger's test", _tested(fit), fit)

    def begg(self) -> Result:
        """Begg and Mazumdar's rank correlation test."""
        fit = stats.begg(*self._numbers)
        said = f"Kendall's τ = {text.number(fit.tau)}, {text.p_value(fit.p_value)}"
        return one_row(self.measure, "Begg's test", said, fit)

    def harbord(self, form: str = "classic") -> Result:
        """Harbord's test of small trials by their events, for odds ratios; `form` classic or random."""
        return self._event_test("harbord", form)

    def peters(self) -> Result:
        """Peters' test of small trials by their events: the effects on one over the number of people."""
        return self._event_test("peters")

    def macaskill(self) -> Result:
        """Macaskill's test of small trials by their events: the effects on the number of people."""
        return self._event_test("macaskill")

    def arcsine_test(self, form: str = "classic") -> Result:
        """Rücker's arcsine test of small trials by their events; `form` classic or random."""
        return self._event_test("arcsine", form)

    def _event_test(self, test: str, form: str = "classic") -> Result:
        if self.measure in OF_RATES:
            raise ValueError(f"{EVENT_TESTS[test]} is of events among people, not of measure {self.measure}")
        kind: dict[str, Any] = {"form": form, **self._options("tau2_method", "level")}
        if self._counted:
            kind["tau2_method"] = "REML"
        measure = self.measure if self.measure in OF_EVENTS else "OR"
        fit = stats.event_test(test, *self._tables(), measure=measure, **kind)
        return one_row(measure, EVENT_TESTS[test], _tested(fit), fit)

    def pet_peese(self, form: str = "classic") -> Result:
        """The effect of an infinitely large trial, by PET or PEESE."""
        fit = stats.pet_peese(*self._numbers, form=form, **self._options("tau2_method", "level"))
        return one_row(self.measure, "PET-PEESE", f"{self._effect(fit)} by {fit.chosen.upper()}", fit)

    def trim_and_fill(self, estimator: str = "L0", side: str | None = None) -> Result:
        """Trials that an even funnel would have besides, and the result with them."""
        self._by_variance("trim and fill")
        fit = stats.trim_and_fill(*self._numbers, estimator=estimator, side=side, **self._model)
        missing = f"{text.count(fit.missing, 'trial')} missing on the {fit.side}"
        return one_row(self.measure, "Trim and fill", f"{missing}; {self._effect(fit)} with them", fit)

    def selection_model(self, steps: ArrayLike = (0.025,), alternative: str | None = None) -> Result:
        """A step-function selection model; significant results lie on the side of the estimate by default."""
        self._against_none("a selection model is of trials tested")
        side = alternative or ("greater" if self.analysis_scale.estimate > 0 else "less")
        kind: dict[str, Any] = {"steps": steps, "alternative": side, **self._options("level")}
        fit = stats.selection_model(*self._numbers, **kind)
        said = f"{self._effect(fit)}; likelihood ratio test of selection {text.p_value(fit.lrt_p_value)}"
        return one_row(self.measure, "Selection model", said, fit)

    def fail_safe_n(self, method: str = "rosenthal", **kind: Any) -> Result:
        """How many trials without effect would make the result go away; see `stats.fail_safe_n`."""
        self._against_none("a fail-safe N is of a result tested")
        fit = stats.fail_safe_n(*self._numbers, method=method, **kind)
        return one_row(self.measure, f"Fail-safe N ({method.title()})", text.number(fit.number, 0), fit)

    # other models and questions

    def subgroups(self, by: Given, tau2: Literal["separate", "common"] = "separate") -> Result:
        """Every group pooled by the policy of the whole, and the test between them; as `stats.subgroups`."""
        fit, groups = self._grouped(by)
        if len(set(groups)) < 2:
            raise ValueError(f"{_name_of(by)}: all trials are of group {groups[0]!r}; two make a comparison")
        test = stats.subgroups(*fit._numbers, groups, tau2=tau2, **fit._model)
        frame = table(self.measure, test.pooled, test.names, OF_SETS, _name_of(by))
        frame.insert(0, "k", test.k.astype(int))
        if tau2 == "separate":
            masks = [np.equal(groups, name) for name in test.names]
            frame = fit._sets(masks, test.names).rename_axis(_name_of(by))
        df = f"{test.df:g}" if math.isinf(test.df2) else f"{test.df:g} and {test.df2:g}"
        said = f"Q = {text.number(test.statistic)} on {df} df, {text.p_value(test.p_value)}"
        return Result(self.measure, f"Between {len(test.names)} groups: {said}", frame, test)

    def _grouped(self, by: Given) -> tuple[Fit, list[str]]:
        """The fit of the trials whose group is known, and these groups."""
        column = self.data.column("by", by)
        kept, _ = whole_rows({_name_of(by): unknown(column)}, self.data.labels)
        fit = self if kept.all() else pool(self.data.take(kept), **self.settings)
        return fit, [str(value) for value in column[kept]]

    def regress(self, formula: str) -> Regression:
        """Meta-regression on a formula of columns, such as "ablat + C(alloc)" (the syntax of `formulaic`).

        Trials of which a moderator is unknown are left out, and a warning names them.
        """
        kept, _ = whole_rows(unknown_of(self.data, formula), self.data.labels)
        fit = self if kept.all() else pool(self.data.take(kept), **self.settings)
        return regression(fit.data, formula, fit._model, fit.record())

    def permutation_test(self, *, draws: int = 1000, seed: int = 1) -> Result:
        """The pooled effect tested by flipping signs: all of them where there are few trials."""
        self._against_none("a permutation test is")
        model = {name: self._model[name] for name in ("tau2_method", "interval")}
        fit = stats.permutation_test(*self._numbers, draws=draws, seed=seed, **model)
        said = f"{text.p_value(fit.qm_p_value)} of {'all ' if fit.exact else ''}{fit.count:,} permutations"
        return one_row(self.measure, "Permutation test", said, fit)

    def multilevel(self, cluster: Given, *, rho: float = 0.0) -> Result:
        """Effects nested in clusters: three levels, cluster-robust (CR2) interval, as `stats.multilevel`.

        `rho` is the correlation of sampling errors within a cluster.
        """
        labels = self.data.column("cluster", cluster).tolist()
        fit = stats.multilevel(*self._numbers, labels, rho=rho, **self._options("level"))
        size = f"{text.count(fit.k, 'effect')} in {text.count(fit.clusters, 'cluster')}"
        between, within = map(text.significant, (fit.sigma2_between, fit.sigma2_within))
        said = f"{self._effect(fit, 'robust_')}, {size}; σ² {between} between, {within} within"
        return one_row(self.measure, "Three-level model (CR2)", said, fit)

    def robust(self, cluster: Given | None = None) -> Result:
        """The estimate with a cluster-robust (CR2) interval, as `stats.robust_pool`."""
        labels = None if cluster is None else self.data.column("cluster", cluster).tolist()
        fit = stats.robust_pool(*self._numbers, labels, **self._options("tau2_method", "level"))
        return one_row(self.measure, "Robust (CR2)", self._effect(fit, "robust_"), fit)

    def bayes(
        self,
        prior: str | TauPrior = "",
        scale: float | None = None,
        mu_prior: tuple[float, float] | None = None,
    ) -> Result:
        """The Bayesian model by quadrature; prior of τ and its scale are by default those of the fit.

        `prior` is half_normal, half_cauchy, uniform, alone or with its scale as ("half_cauchy", 0.3), or of
        the literature: `turner_prior` of odds ratios, `rhodes_prior` of standardised mean differences.
        The table has the mean effect, that of a new trial, and every trial's own.
        """
        tau_prior = self._tau_prior(prior, scale)
        kind: dict[str, Any] = {"tau_prior": tau_prior, "mu_prior": mu_prior, **self._options("level")}
        fit = stats.bayes_pool(*self._numbers, **kind)
        names = ("estimate", "predictive_median", "shrunk_mean"), ("ci_low", "pi_low", "shrunk_low")
        columns = zip(synthesis.BOUNDS, (*names, ("ci_high", "pi_high", "shrunk_high")), strict=True)
        found = {name: np.hstack([getattr(fit, each) for each in of]) for name, of in columns}
        rows = pd.Index(["mean effect", "new trial", *self.data.labels], name="effect")
        frame = pd.DataFrame({name: np.vectorize(self.natural)(value) for name, value in found.items()}, rows)
        prior_words = prior_named(tau_prior)
        return Result(self.measure, f"Bayesian: {self._effect(fit)}; {prior_words}", frame, fit)

    def _tau_prior(self, prior: str | TauPrior, scale: float | None) -> TauPrior:
        """The prior of τ that is asked for, or that of the fit."""
        if isinstance(prior, tuple | list):
            if scale is not None:
                raise ValueError(f"scale: the prior {prior!r} has its own; leave this out")
            check_measure(prior, self.measure)
            return cast(TauPrior, tuple(prior))
        prior = prior or (synthesis.own_prior(self._spec) if scale is None else synthesis.WEAK)
        if scale is None:
            typical = synthesis.prior_scale(self._spec, self.data.rows())
            if typical is None:
                raise ValueError(
                    "scale: the trials do not say how far they spread; give that of the prior of τ"
                )
            if prior in (*synthesis.PRIORS, synthesis.own_prior(self._spec)):
                return synthesis.tau_prior_of(self._spec, typical, prior)
        return prior, stats.checks.number("scale", 1.0 if scale is None else scale, above=0)

    def bayes_regress(
        self,
        formula: str,
        prior: str | TauPrior = "",
        scale: float | None = None,
        coefficient_priors: Sequence[tuple[float, float] | None] | None = None,
    ) -> Result:
        """Bayesian meta-regression on a formula of columns, as `regress`, by quadrature.

        `prior` and `scale` of the residual τ as of `bayes`; `coefficient_priors` for every coefficient, the
        intercept first, (mean, sd) of a normal prior or None for a flat one. The table has the coefficients
        on the analysis scale. Trials of which a moderator is unknown are left out, and a warning names them.
        """
        kept, _ = whole_rows(unknown_of(self.data, formula), self.data.labels)
        fit = self if kept.all() else pool(self.data.take(kept), **self.settings)
        matrix, tau_prior = model_matrix(fit.data, formula), fit._tau_prior(prior, scale)
        kind: dict[str, Any] = {"tau_prior": tau_prior, "intercept": False, **self._options("level")}
        kind |= {"coefficient_priors": coefficient_priors}
        found = stats.bayes_regression(*fit._numbers, matrix.to_numpy(float), **kind)
        names = ("estimate", "sd", "ci_low", "ci_high", "probability_below")
        columns = {name: getattr(found, name) for name in names}
        frame = pd.DataFrame(columns, index=pd.Index([*matrix.columns], name="term"))
        said = f"{formula}, {text.count(fit.k, 'trial')}: residual τ {text.significant(found.tau_median)}"
        said += f" ({text.significant(found.tau_low)} to {text.significant(found.tau_high)})"
        return Result("", f"Bayesian, {said}; {prior_named(tau_prior)}", frame, found)

    def robust_bayes(self, *, scale: float | None = None, alternative: str | None = None) -> Result:
        """The effect averaged over models of publication bias (RoBMA-PSMA), as `stats.robust_bayes`.

        `scale` is what a standardised mean difference of 1 is in the effects: by default 1 for SMD, π/√3 for
        OR, 1 for logarithms of other ratios, a typical SD for MD, 0.2 for RD, whatever the fit's own prior.
        Published results lie on the side of the estimate unless `alternative` says "greater" or "less". The
        table has the evidence for effect, heterogeneity and bias; `analysis_scale` every model. ValueError
        where nothing tells the scale, and of a group's proportion, rate or mean, which has no effect to test.
        """
        self._against_none("publication bias is of trials tested")
        if scale is None:
            usual = {**self._spec, "prior": protocol.alone(self.measure)["prior"]}
            half = synthesis.prior_scale(usual, self.data.rows())
            if half is None:
                raise ValueError(f"scale: nothing tells what an SMD of 1 is as {self.measure}; give it")
            scale = math.pi / math.sqrt(3) if self.measure == "OR" else 2 * half
        side = alternative or ("greater" if self.analysis_scale.estimate > 0 else "less")
        kind: dict[str, Any] = {"scale": scale, "alternative": side, **self._options("level")}
        fit = stats.robust_bayes(*self._numbers, **kind)
        rows = ("effect", "heterogeneity", "bias")
        columns = {"probability": [getattr(fit, f"p_{row}") for row in rows]}
        columns |= {"bayes_factor": [getattr(fit, f"bf_{row}") for row in rows]}
        frame = pd.DataFrame(columns, index=pd.Index(rows, name="component"))
        factors = ", ".join(f"{row} {_factor(getattr(fit, f'bf_{row}'))}" for row in rows)
        effect = effect_words(self.measure, *map(self.natural, (fit.mean, fit.ci_low, fit.ci_high)))
        said = f"{effect} averaged over {len(fit.prior)} models; Bayes factors: {factors}"
        return Result(self.measure, f"Robust Bayesian: {said}", frame, fit)

    def mantel_haenszel(self) -> Result:
        """The common effect of tables of events by Mantel and Haenszel, without corrections."""
        kind: dict[str, Any] = {"zero_cells": self.data.zero_cells, **self._options("level")}
        fit = stats.mantel_haenszel(*self._tables(), measure=self.measure, **kind)
        return one_row(self.measure, "Mantel–Haenszel", self._effect(fit), fit)

    def peto(self) -> Result:
        """The common odds ratio (of person-time rate ratio) by Peto's method, whatever the measure."""
        measure = "IRR" if self.measure in OF_RATES else "OR"
        fit = stats.peto(*self._tables(), measure=measure, **self._options("level"))
        said = effect_words(measure, *(math.exp(getattr(fit, name)) for name in synthesis.BOUNDS))
        return one_row(measure, "Peto", said, fit)

    def absolute(self, control_risk: float, *, per: float = 1000) -> Result:
        """What the effect means for people with a risk without treatment, and the number needed to treat.

        NNTB where `better` says that it is of benefit, NNTH of harm, NNT where nobody says (Altman 1998).
        """
        from trialpool.view.needed import needed
        from trialpool.view.summary_of_findings import more_or_fewer

        bounds = (self.estimate, self.ci_low, self.ci_high)
        fit = stats.absolute_effect(self.measure, *bounds, control_risk, per=per)
        differences = [float(fit.difference), float(fit.difference_low), float(fit.difference_high)]
        digits = max(0, round(3 - math.log10(per)))  # a thousandth of the people at least
        middle, low, high = (more_or_fewer(each, digits) for each in differences)
        said = f"{middle} ({low} to {high}) of {per:,.0f}"
        number = needed([1000 / per * each for each in differences], self.data.better)
        return one_row("", "Absolute effect", f"{said}; {number}" if number else said, fit)

    def _options(self, *names: str) -> dict[str, Any]:
        return {name: self.settings[name] for name in names}

    def _effect(self, fit: Any, prefix: str = "") -> str:
        bounds = (fit.estimate, getattr(fit, f"{prefix}ci_low"), getattr(fit, f"{prefix}ci_high"))
        return effect_words(self.measure, *map(self.natural, bounds))

    def _tables(self) -> list[Floats]:
        size, argument = ("person_years", "time") if self.measure in OF_RATES else ("n", "n")
        names = [f"{kind}_{side}" for side in SIDES for kind in ("events", size)]
        if not self.data.natural.compares:
            raise ValueError(f"tables of events are of two arms, not of measure {self.measure}")
        if not self.data.arms.keys() >= set(names):
            raise ValueError(f"the trials have no events: make the data with events= and {argument}=")
        return [self.data.arms[name] for name in names]

    def report(self) -> str:
        """Methods and result as two paragraphs for a manuscript, with the numbers of the fit.

        >>> from trialpool import effects
        >>> dat = effects(measure="MD", effect=[-1.0, -0.4, -1.2, -0.8, -0.1], se=[0.3, 0.2, 0.5, 0.3, 0.2])
        >>> print(pool(dat).report().splitlines()[-1].partition(". ")[0])
        The pooled mean difference was MD −0.60 (95% CI −1.15 to −0.06); 5 trials
        """
        from trialpool.api.data import appraised
        from trialpool.figures.notes import lines_of_tests
        from trialpool.view.forest_table import forest_table

        record, rows = appraised(self.data, self.record()), self.data.rows()
        spec, scale = synthesis.modelled(self._spec, rows), None
        if self.interval == synthesis.BAYES:
            scale = synthesis.prior_scale(self._spec, rows)
        methods = analyse.method_sentences(spec, record.status, scale)
        table, numbers = forest_table(record), (self.estimate, self.ci_low, self.ci_high)
        effect = text.effect(self.measure, *numbers, self.settings["level"])
        people = f", {table.people}" if table.people else ""
        found = [f"The pooled {self.data.natural.name} was {effect}; {text.count(self.k, 'trial')}{people}"]
        if table.prediction:
            found.append(f"{table.level} prediction interval {table.prediction.interval}")
        return f"{' '.join(methods)}\n\n{'. '.join([*found, *lines_of_tests(record, table)])}."

    # figures: each is returned, and written where a path ends in .svg, .pdf or .png

    def forest(
        self,
        path: Target = None,
        *,
        style: str = "default",
        title: str = "",
        by: Given | None = None,
        sort: Given | None = None,
        columns: Sequence[str | Mapping[str, str]] | None = None,
        headings: Mapping[str, str] | None = None,
        favours: tuple[str, str] | None = None,
        width: float = 0.0,
        **shape: Any,
    ) -> Figure:
        """The forest plot of a review, in the style of a house: default, revman, cochrane, jama, bmj, iqwig,
        plain.

        `by` groups the trials under headings with subtotals. `sort` orders them by a column, by values, or by
        year, effect, precision, weight, n or label ("-effect": the other way round). `columns` are from left
        to right study, arms (or parts of it: n, events, mean_sd …), plot, effect, weight, weight_common,
        weight_random, people and any column of the table, with `headings` for those that shall be called
        otherwise. `favours` are the words left and right of no effect. Further: `labels` (new by old),
        `limits` and `ticks` of the axis on the natural scale, `digits` of the effects, `show` (prediction,
        tau2, tau2_interval, i2, q, p, common, random, bayes, nnt, weights), `prediction` (bar, diamond,
        density, none), `group_headers` (False, or new by old). `width` in millimetres scales the figure;
        a path may end in .tiff, of 600 dots an inch.

        Raises ValueError for a word that is not known and an axis that there is not.
        """
        from trialpool.api.drawings import shown

        if favours is not None:
            two_words("favours", favours)
        asked = {"style": style, "columns": columns, "headings": headings, **shape}
        record, look = self._drawn_as(asked, by, sort)
        return shown("forest", self.data, record, path, title, favours, preset=look, width=width)

    def _drawn_as(
        self, asked: Mapping[str, Any], by: Given | None = None, sort: Given | None = None
    ) -> tuple[Record, Any]:
        """The record and the style of a forest plot, as `forest` draws it."""
        from trialpool.api.drawings import columns_asked, forest_shape

        sorts = [f"{sign}{name}" for sign in ("", "-") for name in shipped("forest")["sorts"]]
        if isinstance(sort, str) and sort in sorts and sort not in self.data.frame:
            asked, sort = {**asked, "sort": sort}, None
        look, shape = forest_shape(self.data, asked)
        groups = None if by is None else self.data.column("by", by)
        fit: Fit = self
        if sort is not None:
            order = self._order("sort", sort)
            fit = pool(self.data.take(order), **self.settings)
            groups = None if groups is None else groups.iloc[order]
        fit, named = (fit, None) if groups is None else fit._grouped(groups)
        texts = columns_asked(fit.data, shape)
        record = replace(fit.record(named), shape=shape)
        if texts:
            studies = zip(record.studies, texts, strict=True)
            record = replace(record, studies=tuple(replace(row, columns=text) for row, text in studies))
        return record, look

    def funnel(self, path: Target = None, *, title: str = "") -> Figure:
        """The contour-enhanced funnel plot."""
        return self._shown("funnel", self.record(), path, title)

    def radial(self, path: Target = None, *, title: str = "") -> Figure:
        """The radial (Galbraith) plot."""
        return self._shown("radial", self.record(), path, title)

    def drapery(self, path: Target = None, *, title: str = "") -> Figure:
        """The drapery plot: the p-value functions of the trials and of the pooled effect."""
        return self._shown("drapery", self.record(), path, title)

    def orchard(self, path: Target = None, *, by: Given | None = None, title: str = "") -> Figure:
        """The orchard plot: effects as a swarm, pooled effect and prediction interval, a row a group."""
        fit, groups = (self, None) if by is None else self._grouped(by)
        return fit._shown("orchard", fit.record(groups), path, title)

    def labbe(self, path: Target = None, *, title: str = "") -> Figure:
        """The L'Abbé plot of the events in both arms."""
        return self._shown("labbe", self.record(), path, title)

    def baujat(self, path: Target = None, *, title: str = "") -> Figure:
        """The Baujat plot."""
        self._several()
        rows = diagnostics.influence_rows(self._spec, self.data.rows())
        return self._shown("baujat", replace(self.record(), influence=rows), path, title)

    def gosh_plot(self, path: Target = None, *, title: str = "") -> Figure:
        """The estimates of subsets of trials against their heterogeneity."""
        return self._shown("gosh", self.record(), path, title)

    def influence_plot(self, path: Target = None, *, title: str = "") -> Figure:
        """How much hangs on each trial: left out, added one by one, Baujat, subsets."""
        return self._shown("influence", self._whole[0], path, title)

    def posterior_plot(self, path: Target = None, *, title: str = "") -> Figure:
        """Posterior of the mean and of τ under three priors, with the probabilities of benefit."""
        return self._shown("posterior", self._judged(), path, title)

    def specification_curve(self, path: Target = None, *, title: str = "") -> Figure:
        """Every defensible model in one figure, ordered by the estimate."""
        columns = self.multiverse().assign(inclusion="all trials").to_dict("list")
        return self._shown("multiverse", self._judged(), path, title, columns=columns)

    def _several(self) -> None:
        """Refuse a figure of how trials differ where there is one."""
        if self.k < 2:
            raise ValueError(
                f"{self.data.labels[0]} is one trial: the figure needs two at least, .forest() one"
            )

    def _judged(self) -> Record:
        """The whole record, of which benefit and harm are told."""
        self._several()
        if not self.data.better:
            raise ValueError('better: say in effects() whether "lower" or "higher" effects are good')
        return self._whole[0]

    def _shown(self, kind: str, record: Record, path: Target, title: str, **options: Any) -> Figure:
        from trialpool.api.drawings import shown

        self._several()
        return shown(kind, self.data, record, path, title, **options)


def _tested(fit: stats.Egger) -> str:
    """A regression test in words."""
    if math.isinf(fit.df):
        return f"z = {text.number(fit.statistic)}, {text.p_value(fit.p_value)}"
    return f"t = {text.number(fit.statistic)} on {fit.df:g} df, {text.p_value(fit.p_value)}"


def prior_named(prior: TauPrior) -> str:
    """A prior of τ in words.

    >>> prior_named(("half_normal", 0.5)), prior_named(("log_normal", -2.06, 1.51))
    ('half-normal prior of τ with scale 0.50', 'log-normal prior of τ² (−2.06, 1.51)')
    """
    name = prior[0].replace("_", "-")
    if len(prior) == 2:
        return f"{name} prior of τ with scale {text.significant(prior[1])}"
    return f"{name} prior of τ² ({text.number(prior[1])}, {text.number(prior[2])})"


def _name_of(given: Given) -> str:
    return given if isinstance(given, str) else str(getattr(given, "name", None) or "group")


def pool(
    data: Dataset,
    *,
    tau2_method: str = "REML",
    interval: str = "auto",
    level: float = 0.95,
    prior: float | TauPrior | None = None,
    prediction_from: int = 5,
    prediction_df: str = "k-1",
    method: str = "iv",
    glmm_model: str = "UM.FS",
) -> Fit:
    """Pool the trials of a `Dataset` by a common-effect or random-effects meta-analysis.

    `method` "iv" is inverse variance, to which the rest applies. Trials of `events` may be pooled as the
    counts that they are instead, by "mh" (Mantel and Haenszel, any measure of events), "peto", "penalised"
    (Firth's) or "glmm" (a mixed model, `glmm_model` UM.FS, UM.RS, CM.EL or CM.AL, as metafor names them), the
    last three of OR and IRR, "glmm" also of one group's PLO and IRLN: with normal intervals and what these
    methods have, so that `tau2_method`, `interval`, `prior` and `prediction_df` are refused.

    `tau2_method` is FE (common effect), DL HE HS SJ ML REML EB or PM. `interval` "auto" is that of
    Hartung-Knapp-Sidik-Jonkman with the ad-hoc floor from five trials on, of two to four a Bayesian one, and
    under FE Wald's; wald, hksj, hksj_adhoc and bayes are what they say. `prior` is the scale of the
    half-normal prior of τ on the analysis scale, by default 0.5 for ratios (logarithms) and SMD, half a
    typical SD for MD, 0.1 for RD; or a prior of τ² of the literature (`turner_prior`, `rhodes_prior`).
    A prediction interval is shown from `prediction_from` trials on, by the name `prediction_df` of one of
    `stats.PREDICTIONS`, such as "k-2" or "HTS" (see `stats.prediction_interval`).

    >>> from trialpool import effects
    >>> dat = effects(measure="MD", effect=[-1.0, -0.4, -1.2, -0.8, -0.1], se=[0.3, 0.2, 0.5, 0.3, 0.2])
    >>> pool(dat)
    MD −0.60 (−1.15 to −0.06), 5 trials; τ² 0.11, I² 61%; new trial −1.68 to 0.48
    """
    if not isinstance(data, Dataset):
        raise TypeError(f"data is a {type(data).__name__}: make it with trialpool.effects")
    if method != counts.IV:
        stats.checks.one_of("method", method, (counts.IV, *METHODS))
        asked = {"tau2_method": tau2_method, "interval": interval, "prior": prior}
        _unasked(method, **asked, prediction_df=prediction_df)
        return _pooled_counts(data, method, glmm_model, level, prediction_from)
    stats.checks.one_of("interval", interval, POLICIES)
    stats.checks.one_of("prediction_df", prediction_df, stats.PREDICTIONS)
    stats.checks.number("prediction_from", prediction_from, least=FEWEST_PREDICTED)
    if isinstance(prior, tuple | list):
        prior = literature(prior, data.measure)
    elif prior is not None:
        stats.checks.number("prior", prior, above=0)
    if (tau2_method, interval) == ("FE", "auto"):
        interval = "wald"  # the others widen for a heterogeneity that this model has not
    settings: dict[str, Any] = {"tau2_method": tau2_method, "interval": interval, "level": level}
    settings |= {"prior": prior, "prediction_from": prediction_from, "prediction_df": prediction_df}
    settings |= {"method": method, "glmm_model": glmm_model}
    k, headline = len(data), synthesis.policy(interval, len(data))
    model: Any = {"tau2_method": tau2_method, "level": level}
    model |= {"interval": synthesis.FLOORED if headline == synthesis.BAYES else headline}
    fit = stats.pool(data.effects, data.variances, **model)
    spread = {name: float(getattr(fit, name)) for name in ("tau2", "i2", "h2", "q", "q_df", "q_p_value")}
    numbers = Numbers(*(float(getattr(fit, name)) for name in Numbers.__dataclass_fields__))
    if k < prediction_from:
        numbers = replace(numbers, pi_low=math.nan, pi_high=math.nan)
    if k == 1 or headline == synthesis.BAYES or prediction_df != "k-1":
        pooled = pooled_by_policy(data, spec_of(data, settings))
        headline = pooled.interval
        scaled = {name: _scaled(data, pooled, name) for name in Numbers.__dataclass_fields__}
        numbers = Numbers(**scaled)
    return Fit(data, settings, headline, numbers, **spread, weights=np.asarray(fit.weights))


def _unasked(method: str, **asked: Any) -> None:
    """Refuse what a method of counts would set aside."""
    own: dict[str, tuple[Any, ...]] = {
        "interval": ("auto", "wald"),
        "prior": (None,),
        "prediction_df": ("k-1",),
    }
    own |= {"tau2_method": ("REML", protocol.MODELS[method])}
    for name, value in asked.items():
        if value not in own[name]:
            raise ValueError(f"{name}: method {method!r} takes none; leave it out, or take method='iv'")


def _pooled_counts(data: Dataset, method: str, glmm_model: str, level: float, prediction_from: int) -> Fit:
    """The fit of counts by a method; ValueError where it does not give the measure, or has no estimate."""
    from trialpool.stats.mixed_events import MODELS

    stats.checks.one_of("glmm_model", glmm_model, MODELS)
    level = stats.checks.check_level(level)
    if data.measure not in METHODS[method]:
        fitting = ", ".join(METHODS[method])
        raise ValueError(f"method {method!r} gives no {data.natural.name}: the measure is one of {fitting}")
    if any(f"events_{side}" not in data.arms for side in data.natural.sides):
        raise ValueError("the trials have no counts: make the data with events= and n=, or time=")
    data = data.without_inestimable()
    tables = counts.tables_of(data.measure, data.rows())
    if tables is None:
        raise ValueError("no trial has an event in either arm, and somebody without one")
    settings: dict[str, Any] = {"tau2_method": protocol.MODELS[method], "interval": "wald", "level": level}
    settings |= {"prior": None, "prediction_from": prediction_from, "prediction_df": "k-1"}
    settings |= {"method": method, "glmm_model": glmm_model}
    found = counts.fitted(method, (data.measure, level, data.zero_cells, glmm_model), tables)
    known = {name: float(value) for name, value in found.values.items() if isinstance(value, (int, float))}
    known |= dict.fromkeys(synthesis.PREDICTED, math.nan) if len(data) < prediction_from else {}
    numbers = Numbers(**{name: known.get(name, math.nan) for name in Numbers.__dataclass_fields__})
    spread = {name: known.get(name, math.nan) for name in ("tau2", "i2", "h2", "q", "q_df", "q_p_value")}
    weights = np.array([math.nan if weight is None else weight for weight in found.weights])
    return Fit(data, settings, "wald", replace(numbers, df=math.inf), **spread, weights=weights)


def _factor(bayes_factor: float) -> str:
    """A Bayes factor; what is beyond 1,000, either way, says no more than that.

    >>> _factor(6.05), _factor(2.3e21), _factor(1e-9)
    ('6.0', 'over 1,000', 'under 1/1,000')
    """
    if 1 / 1000 <= bayes_factor <= 1000:
        return text.significant(bayes_factor)
    return "over 1,000" if bayes_factor > 1 else "under 1/1,000"


def _scaled(data: Dataset, pooled: Pooled, name: str) -> float:
    """A number of a record on the analysis scale, NaN where there is none."""
    value = getattr(pooled, name)
    if value is None:
        return math.nan
    return data.natural.scaled(value) if name in synthesis.NATURAL else float(value)


def spec_of(data: Dataset, settings: Mapping[str, Any]) -> protocol.Analysis:
    """The settings of a fit as those of an analysis of a review."""
    better = data.better or ("higher" if data.effects.mean() > 0 else "lower")
    names = dict(zip(("experimental_name", "control_name"), data.names, strict=True))
    known = {name: value for name, value in settings.items() if name != "prior"}
    spec = protocol.alone(data.measure, better=better, zero_cells=data.zero_cells, **known, **names)
    if (prior := settings["prior"]) is not None:
        spec["prior"] = setting_of(prior)
    return spec


def literature(prior: Any, measure: str) -> Prior:
    """A prior of the logarithm of τ²; ValueError for what is none, or one of another measure."""
    if len(prior) != 3 or prior[0] not in LOG_PRIORS:
        names = " or ".join(LOG_PRIORS)
        raise ValueError(
            f"prior is {prior!r}: must be the scale of a half-normal one, or (name, mean, sd) with {names}, "
            "such as turner_prior(); fit.bayes(prior=, scale=) takes others"
        )
    check_measure(prior, measure)
    return prior[0], stats.checks.number("prior", prior[1]), stats.checks.number("prior", prior[2], above=0)


def pooled_by_policy(data: Dataset, spec: protocol.Analysis) -> Pooled:
    """The headline and the models beside it, as a record."""
    rows = data.rows()
    pooled, _ = synthesis.pool_effects(synthesis.modelled(spec, rows), rows)
    assert pooled is not None  # there is a trial
    return pooled
