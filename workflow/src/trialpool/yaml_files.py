"""Read YAML so that a person's slip is reported with its line, and nothing clever is executed.

Plain PyYAML keeps the last of two equal keys, expands aliases without bound and reports no lines; settings
must not be lost silently, so duplicates and aliases are faults here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from trialpool.errors import Fault, InputError

Lines = dict[tuple[str, ...], int]
DEEPEST = 50
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same language, ten times as fast


def read_yaml(path: str | Path) -> tuple[Any, Lines]:
    """Read one YAML document and the line of every key.

    Returns the data and a dict from key path, such as ("analyses", "dpn-pain", "measure"), to its line.
    Raises InputError for unreadable files, syntax errors, duplicate keys, aliases and unsafe tags.
    """
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            [_fault(name, None, "", f"the file cannot be read ({error.strerror})", "check its path")]
        ) from None
    except UnicodeDecodeError:
        raise InputError([_fault(name, None, "", "the file is not UTF-8", "save it as UTF-8")]) from None
    try:
        if _too_deep(text):
            raise InputError([_fault(name, None, "", f"it nests deeper than {DEEPEST} levels", "flatten it")])
        loader = LOADER(text)
        node = loader.get_single_node()
        lines: Lines = {}
        faults = list(_walk(name, node, (), lines, set())) if node is not None else []
        if faults:
            raise InputError(faults)
        return (None if node is None else loader.construct_document(node)), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is not valid YAML"
        row = mark.line + 1 if mark else None
        raise InputError([_fault(name, row, "", str(problem), "correct the YAML there")]) from None
    except (ValueError, AttributeError) as error:  # PyYAML's own on a month 13 and on a number without end
        problem = f"it holds a date or number that cannot be one ({str(error)[:80]})"
        raise InputError([_fault(name, None, "", problem, 'write it as text, in "…"')]) from None


def _too_deep(text: str) -> bool:
    """Whether a document nests so deep that composing it, which is recursive, could crash the interpreter."""
    depth = 0
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _fault(name: str, row: int | None, key: str, problem: str, remedy: str) -> Fault:
    return Fault(name, row, key, "", problem, remedy)


def _walk(name: str, node: yaml.Node, path: tuple[str, ...], lines: Lines, seen: set[int]) -> Iterator[Fault]:
    """Note the line of every key; find keys that stand twice, and aliases: nodes met a second time."""
    if id(node) in seen:
        row = lines.get(path, node.start_mark.line + 1)
        remedy = "write the value out"
        yield _fault(name, row, ".".join(path), "an alias (*name) is not accepted", remedy)
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            row = key.start_mark.line + 1
            if inner in lines:
                problem = f"the key stands already in line {lines[inner]}"
                yield _fault(name, row, ".".join(inner), problem, "keep one")
            lines[inner] = row
            yield from _walk(name, value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(name, value, (*path, str(index)), lines, seen)
