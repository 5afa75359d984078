"""What tests of every kind share: which of them are quick (`make quick`) and which slow (not in `make test`).

The quick ones stand in one list because their whole is what counts: ten seconds, imports and all, at every
save. They ask for known answers down the way of the data: statistics, evidence, one analysis, what is shown.
"""

import inspect
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
QUICK = (
    "reference/test_published.py",
    "reference/test_reference_pooling.py::test_pool_agrees_with_rma_uni",
    "reference/test_reference_tables.py",
    "unit/stats/test_pooling.py",
    "unit/stats/test_effect_sizes.py",
    "unit/test_protocol.py",
    "unit/evidence/test_summaries.py::test_mean_and_sd_as_printed",
    "unit/evidence/test_summaries.py::test_sd_from_interval_uses_t",
    "unit/evidence/test_summaries.py::test_median_with_quartiles",
    "unit/evidence/test_contrasts.py::test_exact_p",
    "unit/evidence/test_scales.py::test_rescaling_to_a_common_range",
    "unit/synthesis/test_analyse.py",
    "unit/synthesis/test_certainty.py",
    "unit/synthesis/test_claims.py",
    "unit/figures/test_figures_forest.py::test_squares_stand_at_the_estimates_and_their_areas_follow_the_weights",
    "unit/figures/test_figures_forest.py::test_only_an_interval_that_leaves_the_axis_gets_an_arrow",
    "unit/page/test_shipped.py",
)
MODULES = {TESTS / name.partition("::")[0] for name in QUICK}


def pytest_configure():
    """What is renamed must not fall out of the list unseen."""
    for name in QUICK:
        module, _, test = name.partition("::")
        if f"def {test or 'test_'}" not in (TESTS / module).read_text(encoding="utf-8"):
            raise pytest.UsageError(f"tests/conftest.py: {name} does not exist")


def pytest_ignore_collect(collection_path, config):
    """`-m quick` would import every module to find that most of their tests are not asked for."""
    others = (
        config.option.markexpr == "quick" and collection_path.is_file() and collection_path not in MODULES
    )
    return others or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks them before `-m` looks; what drives Snakemake or a browser is slow without saying so.

    Slow ones come first, Slurm's before all: what runs last shall be short, so that no worker waits.
    """
    for item in items:
        if item.path in MODULES and item.nodeid.removeprefix("tests/").startswith(QUICK):
            item.add_marker("quick")
        drives = item.get_closest_marker("workflow") or item.get_closest_marker("browser")
        if drives and [*inspect.signature(item.function).parameters] != ["finished_review"]:
            item.add_marker("slow")
    items.sort(key=lambda item: ("slurm" not in item.path.name, "slow" not in item.keywords))
