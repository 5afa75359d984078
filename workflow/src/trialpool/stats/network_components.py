"""Treatments that consist of components: contrasts in, the effect of each component out, additively.

The effect of a combination is the sum of its components' (Rücker, Petropoulou & Schwarzer 2020, Biom J 62:
808; Welton et al. 2009). Networks that fall apart may be joined again by components that their parts share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from trialpool.stats._numeric import infer
from trialpool.stats.checks import Floats, check_level, one_of
from trialpool.stats.network import (
    TAU2_METHODS,
    Network,
    chance_of,
    fitted,
    gls,
    pair_variances,
    read_network,
    spread_of,
)
from trialpool.stats.network_evidence import SAMPLED

OF_COMPONENTS = ("effects", "se", "ci_low", "ci_high", "p_value")
OF_PAIRS = ("league", "league_se", "league_low", "league_high", "league_p_value")
SAME = 1e-8  # a component is estimable where its row of the projection differs by no more


@dataclass(frozen=True, slots=True)
class ComponentNetwork:
    """An additive model: `effects`, … (c,) of the components, the (t, t) `league_*` row minus column.

    What cannot be told from the studies is NaN. `matrix` (t, c) says which treatment has which component.
    `q` and `q_df` are those of the additive model at tau2 = 0, `q_standard` those of one effect a treatment
    (in each part, where the network falls apart); their difference tests additivity.
    """

    components: tuple[str, ...]
    treatments: tuple[str, ...]
    matrix: Floats
    effects: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    p_value: Floats
    league: Floats
    league_se: Floats
    league_low: Floats
    league_high: Floats
    league_p_value: Floats
    tau2: float
    tau2_method: str
    i2: float
    q: float
    q_df: int
    q_p_value: float
    q_standard: float
    q_standard_df: int
    q_difference: float
    q_difference_df: int
    q_difference_p_value: float


def component_network(
    effects: ArrayLike,
    covariance: ArrayLike,
    experimental: Sequence[str],
    control: Sequence[str],
    study: Sequence[str],
    *,
    separator: str = "+",
    inactive: str | None = None,
    reference: str | None = None,
    tau2_method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> ComponentNetwork:
    """Fit the additive model of components to a network, connected or not (netmeta's netcomb and discomb).

    Arguments as `network_meta_analysis`. A treatment's name is split at `separator` into its components;
    `inactive` is one, such as placebo, without an effect. Where all of them are active only differences
    can be told. Raises ValueError where no treatment shares a component with another.

    >>> arms = ["a+b", "a", "b"], ["none"] * 3, ["1", "2", "3"]
    >>> fit = component_network([1.1, 0.4, 0.6], [0.1] * 3, *arms, inactive="none", tau2_method="FE")
    >>> fit.components, fit.effects.round(3).tolist(), round(fit.q_difference, 4)
    (('a', 'b'), [0.433, 0.633], 0.0333)
    """
    one_of("tau2_method", tau2_method, TAU2_METHODS)
    one_of("interval", interval, SAMPLED)
    level = check_level(level)
    data = read_network(effects, covariance, experimental, control, study, reference, connected=False)
    names, matrix = _components(data.treatments, separator, inactive)
    basis = _rows(data.incidence @ matrix)
    if not basis.size:
        raise ValueError("components: every study compares treatments of the same components")
    design = data.incidence @ matrix @ basis
    fit = fitted(data, design, tau2_method)
    freedom, (standard, rank) = data.y.size - design.shape[1], _q(data)
    q, fewer = gls(data, design, 0.0).q, rank - design.shape[1]
    df, scale = spread_of(fit.q, interval, freedom)
    estimates, spread = basis @ fit.coefficients, basis @ (scale * fit.covariance) @ basis.T
    apart = matrix[:, None, :] - matrix[None, :, :]
    alone = _told(np.eye(len(names)), basis, estimates, np.diag(spread), df, level)
    pairs = _told(apart, basis, apart @ estimates, pair_variances(matrix @ spread @ matrix.T), df, level)
    return ComponentNetwork(
        components=names,
        treatments=data.treatments,
        matrix=matrix,
        **dict(zip(OF_COMPONENTS, alone, strict=True)),
        **dict(zip(OF_PAIRS, pairs, strict=True)),
        tau2=fit.tau2,
        tau2_method=tau2_method,
        i2=100 * max(0.0, (q - freedom) / q) if q > 0 else 0.0,
        q=q,
        q_df=freedom,
        q_p_value=chance_of(freedom, q),
        q_standard=standard,
        q_standard_df=data.y.size - rank,
        q_difference=q - standard,
        q_difference_df=fewer,
        q_difference_p_value=chance_of(fewer, q - standard),
    )


def _told(
    rows: Floats, basis: Floats, estimates: Floats, variances: Floats, df: float, level: float
) -> list[Any]:
    """Estimates (…) of combinations of components, the `rows` (…, c), with standard error, limits and p;
    NaN where the studies do not tell them."""
    known = np.abs(rows @ (basis @ basis.T) - rows).max(axis=-1) < SAME
    shown, se = np.where(known, estimates, np.nan), np.where(known, np.sqrt(variances), np.nan)
    found = infer(shown, se, df, level)
    return [shown, se, found.ci_low, found.ci_high, np.asarray(found.p_value)]


def _components(
    treatments: Sequence[str], separator: str, inactive: str | None
) -> tuple[tuple[str, ...], Floats]:
    """The components that have an effect, sorted, and the matrix (t, c) of who has which, how often."""
    if not isinstance(separator, str) or not separator.strip():
        raise ValueError("separator: give what stands between components in a treatment's name, such as '+'")
    parts = [[part.strip() for part in name.split(separator.strip())] for name in treatments]
    for name, each in zip(treatments, parts, strict=True):
        if "" in each:
            raise ValueError(f"treatment {name!r} has an empty component at {separator!r}")
    every = sorted({part for each in parts for part in each})
    if inactive is not None:
        inactive = one_of("inactive", str(inactive), every)
    names = tuple(name for name in every if name != inactive)
    matrix = np.array([[each.count(name) for name in names] for each in parts], dtype=np.float64)
    return names, matrix


def _rows(design: Floats) -> Floats:
    """An orthonormal basis (c, r) of what the rows of a design (n, c) tell apart."""
    _, sizes, turn = np.linalg.svd(design, full_matrices=False)
    return np.asarray(turn[sizes > SAME * sizes.max(initial=0.0)].T)


def _q(data: Network) -> tuple[float, int]:
    """Cochran's Q at tau2 = 0 of one effect a treatment, in each part of the network, and their number."""
    basis = _rows(data.incidence)
    return gls(data, data.incidence @ basis, 0.0).q, basis.shape[1]
