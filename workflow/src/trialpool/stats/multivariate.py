"""Effects with any covariance of their sampling errors, and any number of random terms: metafor's `rma.mv`.

Effects are N(X beta, V + G), G a sum of random terms, each of which groups effects by an `outer` factor and
says how those of one group hang together: by the `structure` of an `inner` factor, or all alike (ID). The
(restricted) likelihood is climbed by average-information steps; variances have 0 as a genuine boundary,
correlations are climbed on a line without ends, unstructured matrices by their Cholesky factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from trialpool.stats import checks
from trialpool.stats._model import LIKELIHOODS, Design, design_of, intercept
from trialpool.stats._numeric import Likelihood, Rows, Tested, climb, infer
from trialpool.stats.checks import Bools, Floats, check_level, one_of
from trialpool.stats.regression import WaldTest

STRUCTURES = ("ID", "CS", "HCS", "DIAG", "UN", "AR", "HAR", "CAR")
OF_TIME = ("AR", "HAR", "CAR")
SETTLED = 1e-11
STEP = 1e-30  # of derivatives by an imaginary step, which loses no digits
TURN = 3.0  # a longest step of what is no variance


@dataclass(frozen=True, slots=True)
class Random:
    """A random term: effects with one label of `outer` (k,) share it, as `structure` has it.

    ID shares one variance. With labels `inner` (k,) CS has one variance and one correlation between labels,
    HCS and DIAG a variance a label (the latter no correlation), UN all variances and correlations. With times
    `inner`, AR has a correlation of rho to the power of the distance in steps, CAR to that of any distance
    (and rho not below 0), HAR a variance a time besides.
    """

    outer: ArrayLike
    structure: str = "ID"
    inner: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class Multivariate(Tested[Floats]):
    """A multivariate model: coefficients (p,), intercept first, and the components by name.

    `components` are variances (`tau2` …) and correlations (`rho` …) of each random term, numbered from 1.
    `q` tests them all at once, `omnibus` all moderators (where there is no intercept, all coefficients), NaN
    without any.
    `caution` says what not to trust, else empty.
    """

    coefficients: Floats
    covariance: Floats
    df: float
    names: tuple[str, ...]
    components: Floats
    log_likelihood: float
    q: float
    q_df: int
    q_p_value: float
    omnibus: WaldTest
    caution: str


Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _Term:
    """A random term, numbered: which pairs share it (k, k), and how its parameters become a covariance.

    `build` gives the matrix between inner levels (J, J) at its parameters, which need not be real; `shown`
    their names and values as components; `variance` says which parameters are variances.
    """

    same: Bools
    level: Rows
    build: Callable[[Any], Any]
    shown: Callable[[Floats], dict[str, float]]
    variance: Bools


def multivariate_model(
    effects: ArrayLike,
    covariance: ArrayLike,
    random: Sequence[Random],
    *,
    design: ArrayLike | None = None,
    intercept_too: bool = True,
    method: str = "REML",
    interval: str = "wald",
    level: float = 0.95,
) -> Multivariate:
    """Fit effects (k,) with sampling covariance (k, k), or variances (k,), and random terms.

    `design` (k, m) has no intercept; with `intercept_too=False` none is added, as where each of several
    outcomes has a mean of its own. `interval` "t" uses k - p degrees of freedom. Sources: Berkey et al. 1998,
    Stat Med 17: 2537; Jackson, Riley & White 2011; Gilmour, Thompson & Cullis 1995 for the climb.

    >>> y, v, trial = [0.1, 0.3, 0.6, 0.5, -0.1, 0.2], [0.04] * 6, ["a", "a", "b", "b", "c", "c"]
    >>> fit = multivariate_model(y, v, [Random(trial), Random(range(6))])
    >>> dict(zip(fit.names, fit.components.round(4).tolist()))
    {'tau2.1': 0.0458, 'tau2.2': 0.0}
    """
    one_of("method", method, LIKELIHOODS)
    one_of("interval", interval, ("wald", "t"))
    intercept_too, level = checks.yes_or_no("intercept_too", intercept_too), check_level(level)
    y, v = _read(effects, covariance)
    k, random = y.size, _terms(random)
    columns = _columns(design, k, intercept_too)
    terms = [_term(each, number, k) for number, each in enumerate(random, 1)]
    centre = float(y.mean()) if intercept_too else 0.0
    unit = float(np.var(y)) + float(np.diag(v).mean())
    data = _Data(y - centre, v, columns.basis, terms, method == "REML")
    variance = np.concatenate([term.variance for term in terms]) if terms else np.zeros(0, dtype=bool)
    lowest = np.where(variance & ~_of_cholesky(random, terms), 0.0, -np.inf)
    scale = np.where(variance, unit, 1.0)
    ends = []
    for share, turn in product((0.5, 0.05), (0.0, 1.0)) if len(scale) else [(0.0, 0.0)]:
        start = np.where(variance, share * unit, turn)
        start = np.where(_of_cholesky(random, terms), np.sqrt(share * unit) * variance, start)
        ends.append(climb(data.at, _newton(data, lowest, variance), start, lowest, scale, SETTLED))
    at, here, rested = max(ends, key=lambda end: end[1].log_likelihood)
    if not np.isfinite(here.log_likelihood):
        raise ValueError("effects, covariance: they lie too far apart for a likelihood")
    return _reported(data, columns, (at, here, rested), (centre, int(intercept_too)), interval, level)


def _terms(random: object) -> list[Random]:
    """Read the random terms."""
    if not isinstance(random, Iterable):
        raise TypeError(f"random is {type(random).__name__}: must be a list of Random")
    terms = list(random)
    for number, term in enumerate(terms):
        if not isinstance(term, Random):
            raise TypeError(f"random[{number}] is {type(term).__name__}: must be a Random")
    return terms


def _read(effects: ArrayLike, covariance: ArrayLike) -> tuple[Floats, Floats]:
    """Effects (k,) and their covariance (k, k), from variances a diagonal one."""
    y, v = checks.finite("effects", effects), checks.finite("covariance", covariance)
    if y.ndim != 1 or y.size < 2:
        raise ValueError(f"effects has shape {y.shape}: needs at least 2 effects of one analysis")
    v = np.diag(v) if v.ndim == 1 else v
    if v.shape != (y.size, y.size):
        raise ValueError(f"covariance has shape {v.shape}: needs ({y.size}, {y.size}), or {y.size} variances")
    if not np.allclose(v, v.T, rtol=1e-10):
        raise ValueError("covariance is not symmetric")
    if np.linalg.eigvalsh(v).min() <= 0:
        raise ValueError("covariance is not positive definite: a correlation in it is too high")
    return y, v


def _columns(design: ArrayLike | None, k: int, intercept_too: bool) -> Design:
    if intercept_too or design is None:
        return intercept(k) if design is None else design_of(design, k)
    given = checks.finite("design", design)
    given = given[:, None] if given.ndim == 1 else given
    if len(given) != k or np.linalg.matrix_rank(given) < given.shape[1] or k <= given.shape[1]:
        raise ValueError(f"design has shape {given.shape}: needs {k} rows and independent columns")
    basis, upper = np.linalg.qr(given)
    return Design(basis, np.linalg.inv(upper), (basis[:, :, None] * basis[:, None, :]).reshape(k, -1))


def _of_cholesky(random: Sequence[Random], terms: Sequence[_Term]) -> Bools:
    """Which parameters are entries of Cholesky factors."""
    marks = [
        np.full(len(term.variance), each.structure == "UN") for each, term in zip(random, terms, strict=True)
    ]
    return np.concatenate(marks) if marks else np.zeros(0, dtype=bool)


def _term(random: Random, number: int, k: int) -> _Term:
    """Number the labels of a random term, and take its structure."""
    one_of("structure", random.structure, STRUCTURES)
    outer = np.array(checks.labels("outer", random.outer, k))
    same = outer[:, None] == outer
    kind = random.structure
    if kind == "ID":
        return _Term(
            same,
            np.zeros(k, dtype=np.intp),
            lambda x: x[:1, None],
            lambda x: {f"tau2.{number}": float(x[0])},
            np.array([True]),
        )
    if random.inner is None:
        raise ValueError(f"inner: a term of structure {kind} needs labels within its groups")
    if kind in OF_TIME:
        times = _of_each("inner", random.inner, k)
        names, level = np.unique(times, return_inverse=True)
        apart = (
            np.abs(names[:, None] - names)
            if kind == "CAR"
            else np.abs(np.subtract.outer(*[np.arange(len(names))] * 2))
        )
        return _Term(same, level, *_structured(kind, number, [f"{name:g}" for name in names], apart))
    labels = checks.labels("inner", random.inner, k)
    kinds = list(dict.fromkeys(labels))
    level = np.array([kinds.index(label) for label in labels], dtype=np.intp)
    return _Term(same, level, *_structured(kind, number, kinds, None))


def _unstructured(
    number: int, names: Sequence[str]
) -> tuple[Callable[[Any], Any], Callable[[Floats], dict[str, float]], Bools]:
    """The same of a matrix without structure, whose parameters are its Cholesky factor."""
    j = len(names)
    of_each = [f"tau2.{number}.{name}" for name in names]
    rows, columns = np.tril_indices(j)

    def factor(x: Any) -> Any:
        lower = np.zeros((j, j), dtype=x.dtype)
        lower[rows, columns] = x
        return lower @ lower.T

    def shown(x: Floats) -> dict[str, float]:
        matrix = factor(x)
        spread = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        pairs = {
            f"rho.{number}.{names[b]}.{names[a]}": float(matrix[a, b] / spread[a] / spread[b])
            for a in range(j)
            for b in range(a)
        }
        return dict(zip(of_each, np.diag(matrix).tolist(), strict=True)) | pairs

    return factor, shown, rows == columns


def _structured(
    kind: str, number: int, names: Sequence[str], apart: Floats | None
) -> tuple[Callable[[Any], Any], Callable[[Floats], dict[str, float]], Bools]:
    """How parameters become a matrix between levels, and components: of each structure."""
    j = len(names)
    of_each = [f"tau2.{number}.{name}" for name in names]
    if kind == "UN":
        return _unstructured(number, names)
    several, free = kind in ("HCS", "DIAG", "HAR"), kind != "DIAG"
    low = 0.0 if kind == "CAR" else -1 / (j - 1) if kind in ("CS", "HCS") and j > 1 else -1.0
    count = j if several else 1

    def rho(x: Any) -> Any:
        return low + (1 - low) / (1 + np.exp(-x[-1]))

    def build(x: Any) -> Any:
        shape = np.eye(j, dtype=x.dtype)
        if free:
            power = np.ones((j, j)) - np.eye(j) if apart is None else apart
            shape = np.where(power == 0, 1.0, rho(x) ** power)
        if not several:
            return shape * x[0]
        spread = np.sqrt(x[:count] + 0j)
        return shape * (spread[:, None] * spread)

    def named(x: Floats) -> dict[str, float]:
        found = dict(zip(of_each if several else [f"tau2.{number}"], x[:count].tolist(), strict=True))
        return found | ({f"rho.{number}": float(rho(x))} if free else {})

    return build, named, np.arange(count + free) < count


@dataclass(frozen=True, slots=True)
class _Heights(Likelihood):
    """The likelihood at some parameters, with slope (n,) and average information (n, n)."""

    slope: Floats
    information: Floats
    coefficients: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class _Data:
    y: Floats
    v: Floats
    x: Floats
    terms: Sequence[_Term]
    restricted: bool

    def total(self, parameters: Any) -> Any:
        """V + G at parameters that need not be real."""
        matrix, begin = self.v.astype(parameters.dtype), 0
        for term in self.terms:
            end = begin + len(term.variance)
            between = term.build(parameters[begin:end])
            matrix = matrix + term.same * between[term.level][:, term.level]
            begin = end
        return matrix

    def derivatives(self, parameters: Floats) -> list[Floats]:
        """That of V + G in each parameter."""
        found = []
        for number in range(len(parameters)):
            moved = parameters.astype(complex)
            moved[number] += 1j * STEP
            found.append(np.asarray(self.total(moved).imag / STEP))
        return found

    def at(self, parameters: Floats) -> _Heights:
        """The likelihood, with the constants of metafor's."""
        whole = np.real(self.total(parameters.astype(complex)))
        k, p = self.x.shape
        none = np.zeros(0)
        try:
            root = np.linalg.cholesky(whole)
        except np.linalg.LinAlgError:
            return _Heights(-np.inf, none, none, none, none)
        inverse = np.linalg.inv(root)
        m = inverse.T @ inverse
        mx = m @ self.x
        covariance = np.asarray(np.linalg.inv(self.x.T @ mx), dtype=np.float64)
        coefficients = covariance @ (mx.T @ self.y)
        projected = m - mx @ covariance @ mx.T
        pulled = projected @ self.y
        own = projected if self.restricted else m
        height = -np.log(np.diag(root)).sum() - 0.5 * float(self.y @ pulled) - 0.5 * k * np.log(2 * np.pi)
        if self.restricted:
            gram = np.linalg.slogdet(self.x.T @ self.x)[1] + np.linalg.slogdet(covariance)[1]
            height += 0.5 * (p * np.log(2 * np.pi) + gram)
        along = self.derivatives(parameters)
        ways = np.array([part @ pulled for part in along]).reshape(len(along), k)
        slope = np.array(
            [0.5 * (pulled @ way - np.vdot(own, part)) for way, part in zip(ways, along, strict=True)]
        )
        information = 0.5 * ways @ projected @ ways.T
        return _Heights(float(height), slope, information, coefficients, covariance)


def _newton(data: _Data, lowest: Floats, variance: Bools) -> Callable[[Floats, _Heights], Floats]:
    """Steps uphill over what is not held at a boundary, by the average information with a safe floor."""

    def step(at: Floats, here: _Heights) -> Floats:
        move = np.zeros(len(at))
        free = (at > lowest) | (here.slope > 0)
        if free.any():
            part = here.information[np.ix_(free, free)]
            unit = 1 / np.sqrt(np.maximum(np.diag(part), 1e-12 * max(1.0, float(np.diag(part).max()))))
            scaled = part * unit[:, None] * unit
            values, vectors = np.linalg.eigh(scaled)
            uphill = vectors @ ((vectors.T @ (here.slope[free] * unit)) / np.maximum(values, 1e-6))
            move[free] = unit * uphill
        longest = float(np.abs(move[~variance]).max(initial=0.0))
        return move * min(1.0, TURN / longest) if longest else move

    return step


def _reported(
    data: _Data,
    columns: Design,
    end: tuple[Floats, _Heights, bool],
    offset: tuple[float, int],
    interval: str,
    level: float,
) -> Multivariate:
    """All about the end of a climb; `offset`: what was taken from the effects, where the moderators begin."""
    (at, here, rested), (centre, first) = end, offset
    back, (k, p) = columns.back, data.x.shape
    coefficients = back @ here.coefficients
    coefficients[0] += centre
    covariance = back @ here.covariance @ back.T
    df = float(k - p) if interval == "t" else np.inf
    found = infer(coefficients, np.sqrt(np.diag(covariance)), df, level)
    shown: dict[str, float] = {}
    begin = 0
    for term in data.terms:
        count = len(term.variance)
        shown |= term.shown(at[begin : begin + count])
        begin += count
    none = _Data(data.y, data.v, data.x, (), data.restricted).at(np.zeros(0))
    residual = data.y - data.x @ none.coefficients
    q = float(residual @ np.linalg.solve(data.v, residual))
    omnibus = WaldTest(np.nan, 0.0, np.nan, np.nan)
    if p > first:
        slopes, own = coefficients[first:], covariance[first:, first:]
        statistic = float(slopes @ np.linalg.solve(own, slopes))
        omnibus = WaldTest(statistic, float(p - first), np.inf, float(chdtrc(p - first, statistic)))
    high = any(abs(value) > 1 - 1e-4 for name, value in shown.items() if name.startswith("rho"))
    cautions = [
        "" if rested else "the likelihood is flat: the components are not determined by these effects",
        "a correlation lies at the end of what is possible" if high else "",
    ]
    return Multivariate(
        **found.named(),
        coefficients=coefficients,
        covariance=covariance,
        df=df,
        names=tuple(shown),
        components=np.array(list(shown.values())),
        log_likelihood=here.log_likelihood,
        q=q,
        q_df=k - p,
        q_p_value=float(chdtrc(k - p, q)),
        omnibus=omnibus,
        caution="; ".join(filter(None, cautions)),
    )


def sampling_covariance(
    variances: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.6,
    subgroup: ArrayLike | None = None,
    outcome: ArrayLike | None = None,
    time: ArrayLike | None = None,
    phi: float | None = None,
    arms: tuple[ArrayLike, ArrayLike] | None = None,
    sizes: tuple[ArrayLike, ArrayLike] | None = None,
) -> Floats:
    """A covariance (k, k) of sampling errors from variances (k,) and what effects of a cluster share.

    Effects of one `cluster` and `subgroup` (labels; subgroups have no people in common) correlate by the
    product of what applies: `rho` between different `outcome`s, or without them between any two; `phi` to the
    power of the distance in `time`; of treated and control `arms` with their people `sizes` the share that
    two contrasts have in common (arms being of one size where sizes are not given), negative where an arm
    changes sides. The numbers are those of metafor's `vcalc`. Without `outcome`, `time` and `arms` all pairs
    correlate by `rho`.

    >>> sampling_covariance([1.0, 4.0, 1.0], ["a", "a", "b"], rho=0.5).tolist()
    [[1.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 1.0]]
    """
    v = checks.finite("variances", variances, above=0)
    if v.ndim != 1 or not v.size:
        raise ValueError(f"variances has shape {v.shape}: one analysis at a time here, shape (k,)")
    k = v.size
    one = np.array(checks.labels("cluster", cluster, k))
    together = one[:, None] == one
    if subgroup is not None:
        people = np.array(checks.labels("subgroup", subgroup, k))
        together = together & (people[:, None] == people)
    correlation = np.ones((k, k))
    share = checks.number("rho", rho, least=-1, most=1)
    if outcome is not None:
        what = np.array(checks.labels("outcome", outcome, k))
        correlation = np.where(what[:, None] == what, correlation, correlation * share)
    if time is not None:
        if phi is None:
            raise ValueError("phi: say by how much effects one unit of time apart correlate")
        decay, at = checks.number("phi", phi, least=0, most=1), _of_each("time", time, k)
        correlation = correlation * decay ** np.abs(at[:, None] - at)
    if arms is not None:
        correlation = correlation * _in_common(arms, sizes, k)
    if outcome is None and time is None and arms is None:
        correlation = np.full((k, k), share)
    np.fill_diagonal(correlation, 1.0)
    spread = np.sqrt(v)
    return np.asarray(np.where(together, correlation, 0.0) * spread[:, None] * spread)


def _pair(name: str, value: tuple[ArrayLike, ArrayLike]) -> tuple[ArrayLike, ArrayLike]:
    """Read what treated and control arms have."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"{name}: needs two of them, of the treated and of the controls")
    return value[0], value[1]


def _of_each(name: str, values: ArrayLike, k: int, **bounds: Unpack[checks.Bounds]) -> Floats:
    """Read one number for each of k effects."""
    found = checks.finite(name, values, **bounds)
    if found.shape != (k,):
        raise ValueError(f"{name} has shape {found.shape}: needs one number for each of the {k} effects")
    return found


def _in_common(
    arms: tuple[ArrayLike, ArrayLike], sizes: tuple[ArrayLike, ArrayLike] | None, k: int
) -> Floats:
    """The correlation of contrasts by the arms that they share: with weights 1/n of the arms' variances."""
    first, second = (np.array(checks.labels("arms", each, k)) for each in _pair("arms", arms))
    one = two = np.ones(k)
    if sizes is not None:
        one, two = (1 / _of_each("sizes", each, k, above=0) for each in _pair("sizes", sizes))
    total = np.sqrt(one + two)
    shared = np.zeros((k, k))
    for sign, left, right, weight in (
        (1, first, first, one),
        (1, second, second, two),
        (-1, first, second, one),
        (-1, second, first, two),
    ):
        shared += sign * (left[:, None] == right) * weight[:, None]
    return np.asarray(shared / (total[:, None] * total))
