"""Methods of a fit that are asked for by name: other intervals and models, bias, missing outcomes, size.

No statistics of its own: `trialpool.stats` computes, the answer prints a line and has a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialpool import stats, text
from trialpool.api.data import Dataset, Floats
from trialpool.api.results import Result, one_row, table

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

        @property
        def measure(self) -> str: ...
        @property
        def k(self) -> int: ...
        @property
        def _numbers(self) -> tuple[Floats, Floats]: ...
        def natural(self, value: float) -> float: ...
        def _by_variance(self, what: str) -> None: ...
        def _options(self, *names: str) -> dict[str, Any]: ...
        def _effect(self, fit: Any, prefix: str = "") -> str: ...

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
        kind["interval"] = interval if interval in stats.INTERVALS else "hksj_adhoc"
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
