"""The same review gives the same bytes twice, whatever the machine, its language and its clock are like."""

import subprocess
import sys

import pytest

from .conftest import MINI

pytestmark = pytest.mark.workflow

FEATURES = """
from numpy._core._multiarray_umath import __cpu_dispatch__ as known, __cpu_features__ as present
print(*[name for name in known if present[name]])
"""


def switchable_features():
    """What numpy would choose for this processor beyond its baseline."""
    found = subprocess.run([sys.executable, "-c", FEATURES], capture_output=True, text=True, check=True)
    return found.stdout.strip()


SETTINGS = {
    "a plain old processor, one core": {"NPY_DISABLE_CPU_FEATURES": None, "OPENBLAS_CORETYPE": "Prescott"},
    "another seed, language, clock and processor": {
        "PYTHONHASHSEED": "12345",
        "LC_ALL": "C",
        "LANG": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu",
        "OPENBLAS_CORETYPE": "Haswell",
        "SOURCE_DATE_EPOCH": "1",
    },
}


def files_in(place):
    return [path for path in place.rglob("*") if path.is_file()]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_machine_does_not_show_in_the_results_nor_the_run_outside_its_folders(
    finished_review, fresh_review, tmp_path, setting
):
    home, temporary, raw = tmp_path / "home", tmp_path / "tmp", fresh_review.folder / "raw"
    home.mkdir()
    temporary.mkdir()
    tables = {path: path.read_bytes() for path in files_in(raw)}
    places = {"HOME": str(home), "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(home / "cache")}
    variables = {**SETTINGS[setting], **places, "MPLCONFIGDIR": ""}
    if "NPY_DISABLE_CPU_FEATURES" in variables:
        variables["NPY_DISABLE_CPU_FEATURES"] = switchable_features()
    completed = fresh_review.run(cores=1 if "one core" in setting else 2, variables=variables)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    expected, found = finished_review.results(), fresh_review.results()
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert {path.name for path in fresh_review.folder.iterdir()} == {
        *(path.name for path in MINI.iterdir()),
        *("processed", "results", ".snakemake"),
    }
    assert {path: path.read_bytes() for path in files_in(raw)} == tables
    assert files_in(temporary) == []
    assert {path.relative_to(home).parts[0] for path in files_in(home)} <= {"cache", ".cache"}


def test_the_settings_reach_numpy():
    """Otherwise the test above would compare a run with itself."""
    features = switchable_features()
    if not features:
        pytest.skip("numpy knows nothing beyond its baseline for this processor")
    code = "import numpy; print(*numpy.show_config('dicts')['SIMD Extensions'].get('found', []))"
    environment = {"NPY_DISABLE_CPU_FEATURES": features}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert found.stdout.split() == []
