"""Time and memory of a multiverse: 10,000 specifications of 20 trials (400 sets of data, 25 models).

    python benchmarks/robustness.py

Prints a markdown table. The data are made up; the calls are those of the pipeline.
"""

import resource
import statistics
import time

import numpy as np

from trialpool.synthesis.multiverse import level_rows, multiverse, multiverse_summary
from trialpool.synthesis.sensitivity import sensitivity_rows
from trialpool.synthesis.specifications import data_sets

TRIALS, VARIANTS, RUNS = 20, 400, 5
SPEC = {
    "analysis": "made-up",
    "measure": "MD",
    "better": "lower",
    "tau2_method": "REML",
    "interval": "hksj_adhoc",
    "level": 0.95,
    "mcid": {"value": 1.0},
}


def rows():
    """The main set of effects and 399 variants of it, as the effects table holds them."""
    random = np.random.default_rng(1)
    for variant in range(VARIANTS):
        effects = random.normal(-1.0, 0.6, TRIALS)
        variances = random.uniform(0.05, 0.4, TRIALS)
        for trial in range(TRIALS):
            yield {
                "study_id": f"T{trial}",
                "label": f"Trial {trial}",
                "category_control": "sham",
                "reading": "double",
                "imputed": False,
                "n_experimental": 30,
                "n_control": 30,
                "effect": effects[trial],
                "variance": variances[trial],
                "selected": variant == 0,
                "variant": "" if variant == 0 else f"choice={variant}",
            }


def median_seconds(call):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    effects = list(rows())
    sets = data_sets(effects)
    columns = multiverse(SPEC, sets)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps = {
        "sets of data as matrices": lambda: data_sets(effects),
        "multiverse": lambda: multiverse(SPEC, sets),
        "its summary and levels": lambda: (multiverse_summary(SPEC, columns), level_rows(SPEC, columns)),
        "sensitivity table": lambda: sensitivity_rows(SPEC, sets),
    }
    print(f"{len(columns['estimate'])} specifications of {TRIALS} trials, median of {RUNS} runs\n")
    print("| step | seconds |\n|---|---:|")
    for name, call in steps.items():
        print(f"| {name} | {median_seconds(call):.2f} |")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"\npeak memory {after / 1024:.0f} MB, {(after - before) / 1024:.0f} MB of it during the timed steps"
    )


if __name__ == "__main__":
    main()
