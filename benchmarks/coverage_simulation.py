"""How often do the intervals hold? Coverage of every interval x tau2 method for 3 to 50 studies.

    .venv/bin/python benchmarks/coverage_simulation.py

writes benchmarks/coverage.md, in about 20 seconds on one core; the seed is fixed. A meta-analysis draws its
trials' sizes (24 to 500 people, log-uniform) and with them the variances 4/n of standardised mean
differences, true effects from N(0, tau2), and estimates around them.
"""

from pathlib import Path

import numpy as np

from trialpool.io import write_text
from trialpool.stats import INTERVALS, TAU2_METHODS, pool, tau2_interval

SEED = 20_260_314
ANALYSES = 20_000
SIZES = (3, 5, 10, 20, 50)
TAU2 = (0.0, 0.02, 0.1, 0.5)
PEOPLE = (24, 500)
RANDOM = tuple(method for method in TAU2_METHODS if method != "FE")
COLUMNS = {f"{method} {interval}": (method, interval) for interval in INTERVALS for method in TAU2_METHODS}
Row = dict[str, dict[str, float]]
Rows = dict[tuple[int, float], Row]


def draw(k: int, tau2: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects and variances (ANALYSES, k), and the true effect of one further study an analysis."""
    people = np.exp(generator.uniform(*np.log(PEOPLE), (ANALYSES, k)))
    variances = 4 / people
    effects = generator.normal(0, np.sqrt(tau2 + variances))
    return effects, variances, generator.normal(0, np.sqrt(tau2), ANALYSES)


def share(hits: np.ndarray) -> float:
    """Per cent of the analyses."""
    return float(100 * np.mean(hits))


def simulate(k: int, tau2: float, generator: np.random.Generator) -> Row:
    """Per cent of analyses whose interval holds the truth (0), and the other figures of the tables."""
    effects, variances, new = draw(k, tau2, generator)
    parts = ("confidence", "width", "prediction", "bias", "zero", "effect")
    row: Row = {part: {} for part in parts}
    for label, (method, interval) in COLUMNS.items():
        fit = pool(effects, variances, tau2_method=method, interval=interval)
        row["confidence"][label] = share((fit.ci_low <= 0) & (fit.ci_high >= 0))
        row["width"][label] = float(np.median(fit.ci_high - fit.ci_low))
        row["effect"][method] = float(np.mean(fit.estimate))
        if method != "FE":
            row["prediction"][label] = share((fit.pi_low <= new) & (fit.pi_high >= new))
            row["bias"][method] = float(np.mean(fit.tau2) - tau2)
            row["zero"][method] = share(fit.tau2 == 0)
    bounds = tau2_interval(effects, variances)
    held = (bounds.low <= tau2) & (bounds.high >= tau2) & ~bounds.empty
    row["profile"] = {"Q-profile": share(held)}
    return row


def table(rows: Rows, part: str, columns: dict[str, str], form: str) -> str:
    """One Markdown table; `columns` maps headings to keys of the cells."""
    lines = ["| k | tau2 | " + " | ".join(columns) + " |", "|--:|--:|" + "--:|" * len(columns)]
    for (k, tau2), row in rows.items():
        cells = " | ".join(format(row[part][key], form) for key in columns.values())
        lines.append(f"| {k} | {tau2:g} | {cells} |")
    return "\n".join(lines)


def reading(rows: Rows) -> str:
    """The shortest summary: worst and best coverage of each interval after REML."""
    parts = []
    for interval in INTERVALS:
        found = {place: row["confidence"][f"REML {interval}"] for place, row in rows.items()}
        (k, tau2), worst = min(found.items(), key=lambda item: item[1])
        parts.append(
            f"`{interval}` from {worst:.1f} % (k = {k}, tau2 = {tau2:g}) to {max(found.values()):.1f} %"
        )
    return f"After REML the 95 % confidence intervals cover: {'; '.join(parts)}."


def report(rows: Rows) -> str:
    """The page: what was asked and the tables; nothing that changes from run to run."""
    error = 100 * np.sqrt(0.95 * 0.05 / ANALYSES)
    furthest = max(abs(value) for row in rows.values() for value in row["effect"].values())
    parts = [
        "# Coverage and bias of the intervals, simulated",
        "Written by `.venv/bin/python benchmarks/coverage_simulation.py`, whose header tells how.",
        f"{ANALYSES:,} meta-analyses a row, seed {SEED}; nominal 95 %, Monte Carlo error {error:.2f} points. "
        "Effects are normal with known variances, so nothing here is owed to small counts or to "
        f"estimated SDs. The largest mean error of a pooled effect in any cell was {furthest:.3f}.",
        reading(rows),
    ]
    for interval in INTERVALS:
        headings = {method: f"{method} {interval}" for method in TAU2_METHODS}
        parts += [f"## Confidence interval `{interval}`: coverage, %"]
        parts += [table(rows, "confidence", headings, ".1f")]
    some = {f"{m} {i}": f"{m} {i}" for i in INTERVALS for m in ("DL", "PM", "REML")}
    parts += ["## Confidence interval: median width", table(rows, "width", some, ".3f")]
    parts += ["## Prediction interval: coverage of a new study's true effect, %"]
    parts += [table(rows, "prediction", some, ".1f")]
    methods = {method: method for method in RANDOM}
    parts += ["## tau2: mean error (estimate - truth)", table(rows, "bias", methods, "z.4f")]
    parts += ["## tau2: estimated as exactly 0, %", table(rows, "zero", methods, ".1f")]
    parts += ["## tau2: coverage of the Q-profile interval, %"]
    parts += [table(rows, "profile", {"coverage": "Q-profile"}, ".1f")]
    return "\n\n".join(parts)


def main() -> None:
    generator = np.random.default_rng(SEED)
    rows = {(k, tau2): simulate(k, tau2, generator) for k in SIZES for tau2 in TAU2}
    write_text(Path(__file__).with_name("coverage.md"), report(rows))


if __name__ == "__main__":
    main()
