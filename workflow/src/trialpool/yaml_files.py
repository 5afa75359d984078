"""Read YAML so that a person's slip is reported with its line, and nothing clever is executed.

Plain PyYAML keeps the last of two equal keys, expands aliases without bound and reports no lines; settings
must not be lost silently, so duplicates and aliases are faults here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from trialpool.errors import Fault, InputError

Lines = dict[tuple[str, ...], int]


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
        _refuse_aliases(name, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: Lines = {}
        faults = list(_walk(name, node, (), lines)) if node is not None else []
        if faults:
            raise InputError(faults)
        return yaml.safe_load(text), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is not valid YAML"
        row = mark.line + 1 if mark else None
        raise InputError([_fault(name, row, "", str(problem), "correct the YAML there")]) from None


def _fault(name: str, row: int | None, key: str, problem: str, remedy: str) -> Fault:
    return Fault(name, row, key, "", problem, remedy)


def _refuse_aliases(name: str, text: str) -> None:
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            row = token.start_mark.line + 1
            raise InputError(
                [_fault(name, row, "", f"the alias *{token.value} is not accepted", "write the value out")]
            )


def _walk(name: str, node: yaml.Node, path: tuple[str, ...], lines: Lines) -> Any:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            row = key.start_mark.line + 1
            if inner in lines:
                yield _fault(
                    name, row, ".".join(inner), f"the key stands already in line {lines[inner]}", "keep one"
                )
            lines[inner] = row
            yield from _walk(name, value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(name, value, (*path, str(index)), lines)
