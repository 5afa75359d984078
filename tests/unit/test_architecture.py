"""Every room keeps to what it may import, and every function to its size."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "src" / "trialpool"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
HEAVY = ("pandas", "seaborn", "statsmodels", "scipy.stats", "matplotlib.pyplot")

# room: rooms of the package it may import (besides those below all, which every room but stats may)
MAY_IMPORT = {
    "text": {"measures"},
    "stats": {"stats"},
    "evidence": {"evidence", "stats", "settings", "measures", "records"},
    "synthesis": {"synthesis", "records", "measures", "text", "stats", "evidence", "yaml_files"},
    "view": {"view", "text", "records", "measures", "evidence", "synthesis"},
    "figures": {"figures", "view", "text", "records", "folders", "stats", "measures", "synthesis"},
    "page": {"page", "view", "text", "records", "folders", "evidence", "yaml_files"},
    "report": {"report", "text", "evidence", "yaml_files", "settings"},
    "exchange": {"exchange", "text", "evidence", "stats", "report", "settings"},
}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path, *, top_only=False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_what_its_room_may(path):
    allowed = MAY_IMPORT.get(room(path))
    if allowed is None:
        return
    if room(path) != "stats":
        allowed = allowed | {"io", "errors", "contracts", "measures", "records"}
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "trialpool" and len(parts) > 1:
            assert parts[1] in allowed, f"{room(path)} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "stats").rglob("*.py")), ids=lambda path: path.stem)
def test_stats_needs_only_numpy_and_scipys_special_functions_and_solvers(path):
    known = set(sys.stdlib_module_names) | {"numpy", "trialpool"}
    for name in imports(path):
        first, *rest = name.split(".")
        assert first in known or (first == "scipy" and rest[0] in ("special", "optimize", "linalg")), name


@pytest.mark.parametrize(
    "module",
    ["trialpool.stats", "trialpool.pool_job", "trialpool.figures.forest", "trialpool.figures.save"],
)
def test_what_every_job_imports_stays_light(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines besides its docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_figures_become_files_in_one_place_only(path):
    if path.name == "save.py" and room(path) == "figures":
        return
    calls = ("savefig", "print_png", "print_pdf", "print_svg")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert names.isdisjoint(calls)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_an_adapter(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 15
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(text)))


def test_the_snakefile_stays_thin():
    assert len((ROOT / "Snakefile").read_text(encoding="utf-8").splitlines()) < 60


def test_the_imported_package_is_this_checkouts():
    import trialpool

    assert Path(trialpool.__file__).parent == PACKAGE


def test_the_evidence_is_the_codebooks_seven_tables():
    names = {path.name for path in (ROOT / "data" / "raw").iterdir()}
    tables = ("studies", "arms", "continuous", "contrasts", "events", "risk_of_bias", "published_pools")
    assert names == {f"{name}.csv" for name in tables} | {"CODEBOOK.md", "NOTES.md"}
