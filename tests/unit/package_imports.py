"""Who imports whom in the package, read from its text: every import statement, wherever it stands."""

import ast
from functools import cache

from trialpool.planning import PACKAGE


def _module(path):
    return ".".join(["trialpool", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


FILES = {_module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """The room of a module: the first name behind the package's, "" of the package itself."""
    return module.partition(".")[2].partition(".")[0]


@cache
def parsed(path):
    """The syntax tree of a file, read once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def modules_named_in(tree):
    """The package's modules that a piece of code imports by name, not those that only types need."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys()
            yield from names or {node.module} & FILES.keys()
        else:
            yield from modules_named_in(node)


@cache
def modules_behind(module):
    """The modules that a module imports itself."""
    return frozenset(modules_named_in(parsed(FILES[module])))


def files_behind(trees):
    """The files of the package that some code imports, directly or through others; empty rooms are none."""
    seen = set()
    waiting = {module for tree in trees for module in modules_named_in(tree)} - {"trialpool.jobs"}
    while waiting:
        seen.add(module := waiting.pop())
        parent = module.rpartition(".")[0]
        waiting |= ({*modules_behind(module), parent} & FILES.keys()) - seen
    files = {FILES[module] for module in seen - {"trialpool"} if len(parsed(FILES[module]).body) > 1}
    return {file.relative_to(PACKAGE).as_posix() for file in files}
