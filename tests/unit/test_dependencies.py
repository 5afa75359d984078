"""What a script depends on, read from its text, holds every module that Python would load."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from trialpool.dependencies import PACKAGE, files_behind

SCRIPTS = sorted((Path(__file__).parents[2] / "workflow" / "scripts").glob("*.py"))
LOADED = (
    "import sys, importlib; importlib.import_module(sys.argv[1]);"
    "print(*(m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] == 'trialpool'), sep='\\n')"
)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_every_import_statement_is_seen(path):
    seen = files_behind(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not [alias for alias in node.names if alias.name.startswith("trialpool")], (
                "use from … import"
            )
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not seen"
            if node.module.partition(".")[0] == "trialpool":
                assert Path(importlib.util.find_spec(node.module).origin) in seen


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_loads_is_among_what_is_behind_it(script):
    tree = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    modules = {node.module for node in tree if isinstance(node, ast.ImportFrom)} - {"pathlib"}
    for module in modules:
        loaded = subprocess.run(
            [sys.executable, "-c", LOADED, module], capture_output=True, text=True, check=True
        ).stdout.split()
        assert set(map(Path, loaded)) <= set(files_behind(script))


def test_templates_are_behind_the_page_and_not_behind_pooling():
    pool, page = (
        {path.name for path in files_behind(path)} for path in SCRIPTS if path.stem in ("pool", "write_page")
    )
    assert "page.css" in page - pool
    assert "forest.py" in pool
