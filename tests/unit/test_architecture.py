"""The order of the rooms, from the ground up, without a circle; and every function of a size to be read."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.package_imports import FILES, modules_behind, parsed, room_of
from trialpool.planning import PACKAGE

ROOT = Path(__file__).parents[2]
MODULES = sorted(FILES.values())
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
HEAVY = ("pandas", "seaborn", "statsmodels", "scipy.stats", "matplotlib.pyplot")

# Rooms from the ground up: a module imports from its own room and from rooms below it, never beside or above.
# On the two lowest floors a room is one module, and may use the one beside it.
GROUND = {"contracts", "records", "measures", "text", "errors", "io", "yaml_files", "bias_tools", "priors"}
ORDER = [
    *({"vocabulary", "protocol"}, {"stats"}, {"evidence"}, {"synthesis"}),
    *(
        {"view"},
        {"figures", "page"},
        {"api", "exchange", "provenance", "kept", "planning", "run_notes", "standby"},
    ),
    *({"one_table", "update"}, {"jobs"}, {"cli"}),
]
FLOOR = {room: floor for floor, rooms in enumerate([GROUND, *ORDER]) for room in rooms}
STATS_MAY = {"stats", "records", "measures", "errors"}

# What still goes against the order: module and the room that it imports. Take out what is gone.
STILL = {}


def against_the_order(module):
    """The rooms that a module imports and may not."""
    room = room_of(module)
    for other in {room_of(name) for name in modules_behind(module)} - {room, ""}:
        below = FLOOR[other] < FLOOR[room] or FLOOR[other] == FLOOR[room] <= 1
        if not below or (room == "stats" and other not in STATS_MAY):
            yield other


def test_every_room_has_its_floor():
    assert {room_of(module) for module in FILES} - {""} <= FLOOR.keys()


def test_no_import_goes_against_the_order():
    found = {module: set(against_the_order(module)) for module in FILES if room_of(module)}
    assert {module: rooms for module, rooms in found.items() if rooms} == STILL


def test_no_module_imports_itself_through_others():
    reached = {}

    def visit(module, path):
        assert module not in path, " → ".join([*path, module])
        if module not in reached:
            reached[module] = True
            for other in sorted(modules_behind(module)):
                visit(other, [*path, module])

    for module in FILES:
        visit(module, [])


def test_the_package_loads_its_rooms_when_they_are_asked_for():
    code = (
        "import sys, trialpool; print(*(name for name in sys.modules if name.startswith('trialpool.')));"
        "assert trialpool.__version__ and [getattr(trialpool, name) for name in trialpool.__all__];"
        "import trialpool.stats as stats; assert trialpool.stats is stats"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def imports(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted((PACKAGE / "stats").rglob("*.py")), ids=lambda path: path.stem)
def test_stats_needs_only_numpy_and_scipys_special_functions_and_solvers(path):
    known = set(sys.stdlib_module_names) | {"numpy", "trialpool"}
    for name in imports(path):
        first, *rest = name.split(".")
        assert first in known or (first == "scipy" and rest[0] in ("special", "optimize", "linalg")), name


@pytest.mark.parametrize(
    "module",
    [
        "trialpool.jobs",
        "trialpool.stats",
        "trialpool.figures.forest",
        "trialpool.figures.save",
    ],
)
def test_what_every_job_imports_stays_light(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines besides its docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_figures_become_files_in_one_place_only(path):
    if path == PACKAGE / "figures" / "save.py":
        return
    calls = ("savefig", "print_png", "print_pdf", "print_svg")
    tree = parsed(path)
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
