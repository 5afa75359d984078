"""What importing the statistics costs: nothing until a name is asked for, then numpy and what it needs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pandas", "scipy.stats", "matplotlib", "statsmodels", "pyarrow", "scipy.optimize")


@pytest.mark.parametrize(
    ("asked", "heavy"),
    [("import trialpool.stats", ("numpy", *HEAVY)), ("from trialpool.stats import pool", HEAVY)],
)
def test_importing_the_statistics_loads_nothing_heavy(asked, heavy):
    code = f"import json, sys; {asked}; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(output) == []


def test_the_names_types_and_modules_of_the_statistics_are_the_same():
    from trialpool import stats

    tree = ast.parse(Path(stats.__file__).read_text(encoding="utf-8"))
    imports = {
        node.module.rpartition(".")[2]: {each.name for each in node.names}
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
    }
    assert imports == {module: set(names.split()) for module, names in stats.HOMES.items()}
    eager = {"FURTHER_TAU2", "TAU2_METHODS"}
    assert sorted(stats.__all__) == sorted([*eager, *(name for names in imports.values() for name in names)])
    assert {*stats.__all__} <= {*dir(stats)}
    assert not imports.keys() & {*stats.__all__}  # a module would hide the name


def test_a_name_that_the_statistics_have_not_is_no_attribute():
    from trialpool import stats

    with pytest.raises(AttributeError, match="no attribute 'pol'"):
        stats.pol  # noqa: B018


def test_every_public_name_is_there_and_documented():
    from trialpool import stats

    for name in stats.__all__:
        assert getattr(stats, name) is not None
        if callable(getattr(stats, name)):
            assert getattr(stats, name).__doc__
