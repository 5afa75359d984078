"""What importing the statistics costs: numpy and scipy's special functions, nothing else."""

import json
import subprocess
import sys

HEAVY = ("pandas", "scipy.stats", "matplotlib", "statsmodels", "pyarrow", "scipy.optimize")


def test_importing_the_statistics_loads_nothing_heavy():
    code = f"import json, sys, trialpool.stats; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(output) == []


def test_every_public_name_is_there_and_documented():
    from trialpool import stats

    for name in stats.__all__:
        assert getattr(stats, name) is not None
        if callable(getattr(stats, name)):
            assert getattr(stats, name).__doc__
