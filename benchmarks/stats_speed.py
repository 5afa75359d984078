"""How fast are the statistics? Side by side with statsmodels, PyMARE and R's metafor, on the same data.

    .venv/bin/python benchmarks/stats_speed.py            prints the section as markdown (about two minutes)
    .venv/bin/python benchmarks/stats_speed.py --write    and puts it into benchmarks/README.md

One thread. A time is the median of several runs with the slowest and the fastest beside it, because the
machine is shared. The peers are timed on as many analyses as a few seconds allow; metafor only where
Rscript and metafor are installed.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from trialpool.io import write_text
from trialpool.stats import (
    contrasts_from_arms,
    gosh,
    influence,
    leave_one_out,
    meta_regression,
    multilevel,
    node_split,
    permutation_test,
    pool,
    robust_pool,
)

README = Path(__file__).with_name("README.md")
HEADING = "## Statistics: speed"
SEED = 20_260_315
FITS = 100_000
RUNS = 7
Data = tuple[np.ndarray, np.ndarray]
R = TypeVar("R")


def draw(fits: int, k: int) -> Data:
    """Effects and variances (fits, k): variances log-normal around 0.14, tau2 0, 0.05 or 0.2."""
    generator = np.random.default_rng(SEED)
    variances = np.exp(generator.normal(-2, 0.8, (fits, k)))
    tau2 = generator.choice([0.0, 0.05, 0.2], (fits, 1))
    return generator.normal(0.3, np.sqrt(variances + tau2)), variances


def seconds(call: Callable[[], object], runs: int = RUNS) -> list[float]:
    """Wall-clock times of some runs, sorted, after one to warm up."""
    call()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return sorted(times)


def middle(times: list[float]) -> float:
    return times[len(times) // 2]


def ours(y: np.ndarray, v: np.ndarray) -> np.ndarray:
    return pool(y, v, tau2_method="REML", interval="hksj").ci_high


def statsmodels_loop(y: np.ndarray, v: np.ndarray) -> np.ndarray:
    """statsmodels has no REML: Paule-Mandel, its nearest, with its Hartung-Knapp variance."""
    from statsmodels.stats.meta_analysis import combine_effects

    fits = [combine_effects(*row, method_re="iterated", use_t=True) for row in zip(y, v, strict=True)]
    return np.array([fit.mean_effect_re for fit in fits])


def pymare_parallel(y: np.ndarray, v: np.ndarray) -> np.ndarray:
    """PyMARE's own mode for many data sets at once: one column each."""
    with warnings.catch_warnings():  # about its optional sampler
        warnings.simplefilter("ignore")
        from pymare import Dataset, estimators
    estimator = estimators.VarianceBasedLikelihoodEstimator("REML", small_sample_correction="knapp-hartung")
    fit = estimator.fit_dataset(Dataset(y.T, v.T)).summary().get_fe_stats()
    upper: np.ndarray = fit["ci_u"][0]
    return upper


METAFOR = """
suppressMessages(library(metafor)); data <- commandArgs(TRUE)[1]
y <- as.matrix(read.csv(file.path(data, "y.csv"), header = FALSE))
v <- as.matrix(read.csv(file.path(data, "v.csv"), header = FALSE))
fit <- function(i) rma(y[i, ], v[i, ], method = "REML", test = "knha",
                       control = list(threshold = 1e-10, maxiter = 10000, stepadj = .5))$ci.ub
invisible(fit(1))
time <- system.time(upper <- sapply(seq_len(nrow(y)), function(i) tryCatch(fit(i), error = function(e) NA)))
cat(sprintf("%.17g", time[["elapsed"]] / nrow(y)), paste(sprintf("%.17g", upper), collapse = " "))
"""


def metafor_loop(y: np.ndarray, v: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Seconds a fit and the upper limits of R's loop over rma(); None without R and metafor."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "y.csv", y, delimiter=",", fmt="%.17g")
        np.savetxt(Path(folder) / "v.csv", v, delimiter=",", fmt="%.17g")
        run = subprocess.run(["Rscript", "-e", METAFOR, folder], capture_output=True, text=True, check=False)
    if run.returncode:
        return None
    each, *upper = (float(word) if word != "NA" else np.nan for word in run.stdout.split())
    return each, np.array(upper)


def side_by_side() -> list[str]:
    """µs a fit on k = 10 of everyone, in turns, and how far their answers lie from ours."""
    y, v = draw(FITS, 10)
    calls = {
        "trialpool `pool`, REML + HKSJ, with PI, Q, I² and weights": (ours, FITS),
        "PyMARE, parallel data sets, REML + HKSJ": (pymare_parallel, 20_000),
        "statsmodels, loop, Paule–Mandel": (statsmodels_loop, 500),
    }
    limits, estimates = ours(y, v), pool(y[:500], v[:500], tau2_method="PM").estimate
    times: dict[str, list[float]] = {name: [] for name in calls}
    gaps = {}
    for _ in range(RUNS):
        for name, (call, fits) in calls.items():
            begin = time.perf_counter()
            answer = call(y[:fits], v[:fits])
            times[name].append((time.perf_counter() - begin) / fits)
            gaps[name] = np.nanmax(abs(answer - (estimates if call is statsmodels_loop else limits[:fits])))
    first = middle(sorted(next(iter(times.values()))))
    rows = [
        [
            name,
            f"{fits:,}",
            spread(times[name]),
            times_of(middle(sorted(times[name])), first),
            f"{gaps[name]:.0e}",
        ]
        for name, (_, fits) in calls.items()
    ]
    theirs = metafor_loop(y[:300], v[:300])
    if theirs is not None:
        each, upper = theirs
        gap = np.nanmax(abs(upper - limits[:300]))
        name = "R metafor, loop over `rma`, REML + HKSJ"
        rows.append([name, "300", f"{each * 1e6:,.0f}", times_of(each, first), f"{gap:.0e}"])
    return table(["", "analyses", "µs a fit", "times ours", "largest difference"], rows)


def spread(times: list[float]) -> str:
    low, mid, high = (value * 1e6 for value in (min(times), middle(sorted(times)), max(times)))
    return f"{mid:.3g} ({low:.3g}–{high:.3g})"


def times_of(each: float, mine: float) -> str:
    return f"{each / mine:,.0f}"


def growth() -> list[str]:
    """Cost by the number of studies, about a million numbers each, and by that of analyses."""
    rows = []
    for k in (2, 5, 10, 20, 50, 100, 1_000, 10_000):
        fits = max(FITS * 10 // k, 20)
        y, v = draw(min(fits, FITS), k)
        each = middle(seconds(lambda y=y, v=v: ours(y, v), 5)) / len(y) * 1e6
        rows.append([f"{k:,}", f"{len(y):,}", f"{each:,.3g}", f"{each / k * 1e3:,.3g}"])
    by_k = table(["studies", "analyses", "µs a fit", "ns a study"], rows)
    rows = []
    for fits in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        y, v = draw(fits, 10)
        taken = middle(seconds(lambda y=y, v=v: ours(y, v), 5))
        rows.append([f"{fits:,}", f"{taken * 1e3:,.3g}", f"{taken / fits * 1e6:,.3g}"])
    return [*by_k, "", *table(["analyses of 10 studies", "ms in all", "µs a fit"], rows)]


def traced(call: Callable[[], R]) -> tuple[R, float]:
    """What a call gives, and its peak above the input in MB, results included."""
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return result, peak


def large() -> list[str]:
    """Dependent effects and networks far larger than a review's: seconds and peak memory of one call."""
    (y,), (v,) = draw(1, 5_000)
    one_large = np.append(np.zeros(4_900, dtype=int), np.arange(1, 101))
    random = np.random.default_rng(SEED)
    arms = np.concatenate([random.choice(30, 3, replace=False) for _ in range(500)])
    network = contrasts_from_arms(y[:1500], v[:1500], arms, np.repeat(np.arange(500), 3))
    split = (network.effects, network.covariance, network.experimental, network.control, network.study)
    calls: dict[str, Callable[[], object]] = {
        "`robust_pool`, one cluster of 4,900 effects and 100 of one": lambda: robust_pool(y, v, one_large),
        "`multilevel`, 5,000 effects in two clusters": lambda: multilevel(y, v, np.arange(5_000) % 2),
        "`node_split`, 500 three-arm trials, 30 treatments": lambda: node_split(*split),
    }
    rows = [
        [name, f"{middle(seconds(call, 3)):.2g}", f"{traced(call)[1]:,.0f}"] for name, call in calls.items()
    ]
    return table(["one large analysis", "s", "MB"], rows)


def memory() -> str:
    y, v = draw(FITS, 10)
    result, peak = traced(lambda: pool(y, v, interval="hksj"))
    kept = sum(np.asarray(getattr(result, each.name)).nbytes for each in fields(result)) / 1e6
    return f"Memory for {FITS:,} fits of k = 10: {peak:.0f} MB above the input, {kept:.0f} MB of it results."


def tasks() -> list[str]:
    (y,), (v,) = draw(1, 15)
    x = np.arange(10.0)
    masks = ~np.eye(50, dtype=bool)
    wide = draw(1, 50)
    calls: dict[str, Callable[[], object]] = {
        "GOSH, all 2¹⁵ subsets": lambda: gosh(y, v),
        "exact permutation test, k = 10": lambda: permutation_test(y[:10], v[:10]),
        "permutation test of a moderator, k = 10, 10,000 orders": lambda: permutation_test(
            y[:10], v[:10], x, draws=10_000
        ),
        "one analysis, k = 10": lambda: pool(y[:10], v[:10]),
        "one meta-regression, k = 10": lambda: meta_regression(y[:10], v[:10], x),
        f"leaving one of {len(masks)} out": lambda: leave_one_out(wide[0][0], wide[1][0]),
        f"all case diagnostics, k = {len(masks)}": lambda: influence(wide[0][0], wide[1][0]),
    }
    rows = [[name, f"{middle(seconds(call)) * 1e3:,.3g}"] for name, call in calls.items()]
    code = "import time; t = time.perf_counter(); import trialpool.stats; print(time.perf_counter() - t)"
    imports = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(RUNS)]
    rows.append(["`import trialpool.stats`", f"{middle(sorted(imports)) * 1e3:,.3g}"])
    return table(["", "ms"], rows)


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def section() -> str:
    versions = json.dumps({"python": platform.python_version(), "numpy": np.__version__}).replace('"', "")
    parts = [
        HEADING,
        "",
        "Written by `.venv/bin/python benchmarks/stats_speed.py --write`; its header says how it measures.",
        f"One thread, {versions[1:-1]}. Median of the runs (fastest–slowest).",
        "",
        *side_by_side(),
        "",
        memory(),
        "",
        *tasks(),
        "",
        *large(),
        "",
        *growth(),
    ]
    return "\n".join(parts) + "\n"


def place(text: str, readme: str) -> str:
    """Put the section in the place of the old one, or at the end."""
    before, found, after = readme.partition(HEADING)
    if not found:
        return f"{readme.rstrip()}\n\n{text}" if readme.strip() else f"# Benchmarks\n\n{text}"
    following = after.find("\n## ")
    return before + text + (after[following:] if following >= 0 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the statistics side by side with their peers.")
    parser.add_argument("--write", action="store_true", help="put the section into benchmarks/README.md")
    text = section()
    print(text)
    if parser.parse_args().write:
        write_text(README, place(text, README.read_text("utf-8") if README.exists() else ""))


if __name__ == "__main__":
    main()
