"""YAML files in, their data and every slip in them out: of syntax, and against a schema of the package.

Plain PyYAML keeps the last of two equal keys, expands aliases without bound and reports no lines; settings
must not be lost silently, so duplicates and aliases are faults here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from trialpool.errors import Fault, InputError, nearest, suggestion

KeyPath = tuple[str, ...]
Lines = dict[KeyPath, int]
DEEPEST = 50
TEXT = "tag:yaml.org,2002:str"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same language, ten times as fast


def read_yaml(path: str | Path) -> tuple[Any, Lines]:
    """Read one YAML document and the line of every key.

    Returns the data and a dict from key path, such as ("analyses", "migraine-pain", "measure"), to its line.
    Raises InputError for unreadable files, syntax errors, keys that are no text or stand twice, aliases and
    unsafe tags.
    """

    def refused(problem: str, remedy: str, row: int | None = None) -> InputError:
        return InputError([Fault(str(path), row, "", "", problem, remedy)])

    text = ""
    try:
        text = Path(path).read_text(encoding="utf-8")
        if _too_deep(text):
            raise refused(f"it nests deeper than {DEEPEST} levels", "flatten it")
        loader = LOADER(text)
        node = loader.get_single_node()
        lines: Lines = {}
        faults = list(_walk(str(path), node, (), lines, set())) if node is not None else []
        if faults:
            raise InputError(faults)
        return (None if node is None else loader.construct_document(node)), lines
    except OSError as error:
        near = nearest(Path(path).name, [each.name for each in Path(path).parent.glob("*.y*ml")], 0.8)
        remedy = f"check its path: '{near}' lies there" if near else "check its path"
        raise refused(f"the file cannot be read ({error.strerror})", remedy) from None
    except UnicodeDecodeError:
        raise refused("the file is not UTF-8", "save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise refused(*_syntax(error, text.splitlines())) from None
    except (ValueError, AttributeError) as error:  # PyYAML's own on a month 13 and on a number without end
        problem = f"it holds a date or number that cannot be one ({str(error)[:80]})"
        raise refused(problem, 'write it as text, in "…"') from None


def read_checked(path: str | Path, schema: str, more: Callable[[Any], Iterable[Slip]]) -> Any:
    """The content of a YAML file that its schema accepts, and then `more`; an empty file counts as {}.

    Raises InputError with every fault that one of the two finds.
    """
    content, lines = read_yaml(path)
    content = {} if content is None else content
    if slips := list(schema_slips(schema, content)) or list(more(content)):
        raise InputError(faults_of(slips, str(path), lines))
    return content


def read_sound(path: str | Path) -> Any:
    """The content of a YAML file that is known to have no fault; an empty file counts as {}."""
    content = yaml.load(Path(path).read_text(encoding="utf-8"), LOADER)
    return {} if content is None else content


def _syntax(error: yaml.YAMLError, text: Sequence[str]) -> tuple[str, str, int | None]:
    """Problem, remedy and row of a syntax error, from the look of the lines where it was met."""
    marks = [getattr(error, f"{kind}_mark", None) for kind in ("problem", "context")]
    rows = [mark.line for mark in marks if mark]
    near = [row for mark in rows[:1] for row in (mark, mark - 1)] + rows[1:]
    for row in (row for row in near if 0 <= row < len(text)):
        for look, problem, remedy in shipped("syntax")["looks"]:
            if match := re.match(look, text[row]):
                parts = [re.sub(r"\s+#.*", "", part).strip()[:60] for part in match.groups()]
                return problem.format(*parts), remedy.format(*parts), row + 1
    doing = " ".join(str(getattr(error, part, None) or "") for part in ("context", "problem"))
    for words, problem, remedy in shipped("syntax")["doing"]:
        if re.search(words, doing):
            return problem, remedy, rows[0 if "block" in words else -1] + 1
    problem = getattr(error, "problem", None) or "it is not valid YAML"
    return problem, "correct the YAML there", rows[0] + 1 if rows else None


def _too_deep(text: str) -> bool:
    """Whether a document nests so deep that composing it, which is recursive, could crash the interpreter."""
    start, end = yaml.CollectionStartEvent, yaml.CollectionEndEvent
    steps = (isinstance(event, start) - isinstance(event, end) for event in yaml.parse(text, LOADER))
    return any(depth > DEEPEST for depth in accumulate(steps))


def _walk(name: str, node: yaml.Node, path: KeyPath, lines: Lines, seen: set[int]) -> Iterator[Fault]:
    """Note the line of every key; find keys that are no text or stand twice, and aliases: nodes met again."""
    if id(node) in seen:
        row, problem = lines.get(path, node.start_mark.line + 1), "an alias (*name) is not accepted"
        yield Fault(name, row, ".".join(path), "", problem, "write the value out")
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            row = key.start_mark.line + 1
            if key.tag != TEXT:
                problem = "the key is not text, but a number, a date, yes or no"
                yield Fault(name, row, ".".join(inner)[:80], "", problem, 'put it in "…"')
            if inner in lines:
                problem = f"the key stands already in line {lines[inner]}"
                yield Fault(name, row, ".".join(inner), "", problem, "keep one")
            lines[inner] = row
            yield from _walk(name, value, inner, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*path, str(index)] = value.start_mark.line + 1
            yield from _walk(name, value, (*path, str(index)), lines, seen)


class Slip(NamedTuple):
    """One thing wrong in a YAML file: the path of its key, such as ("instruments", "NRS", "better")."""

    path: KeyPath
    value: str
    problem: str
    remedy: str


def faults_of(slips: Iterable[Slip], name: str, lines: Lines) -> list[Fault]:
    """Slips as faults of the file called `name`, in the order of its lines.

    The line is that of the key, or of the nearest key around it; None if the file has neither.

    >>> slip = Slip(("defaults", "level"), "95", "above 1", "write 0.95")
    >>> print(*faults_of([slip], "my.yaml", {("defaults",): 7}))
    my.yaml, row 7, column defaults.level: '95' is above 1. To mend: write 0.95.
    """
    faults = []
    for path, *rest in slips:
        around = (path[:end] for end in range(len(path), 0, -1))
        line = next((lines[key] for key in around if key in lines), None)
        faults.append(Fault(name, line, ".".join(path), *rest))
    return sorted(faults, key=lambda fault: fault.row or 0)


def schema_slips(schema: str, content: Any) -> Iterator[Slip]:
    """Everything in the content of a file that schemas/<schema>.schema.yaml refuses.

    What is wanted and how to write it are told in the words `title` and `remedy` beside the rule that was
    broken, if they stand there. A number is a finite one.

    >>> print(next(schema_slips("config", {"evidense": "data/raw"})).remedy)
    did you mean 'evidence'
    """
    errors = schema_of(schema).iter_errors(content)
    for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path]):
        yield from _slips(tuple(str(part) for part in error.absolute_path), error)


@cache
def shipped(name: str) -> Any:
    """The content of a YAML file among the schemas of the package, such as "general"."""
    return read_sound(Path(__file__).parent / "schemas" / f"{name}.yaml")


@cache
def schema_of(schema: str) -> Any:
    """The validator of a schema of the package, such as "config"; its `schema` is the document."""
    from jsonschema import Draft202012Validator, validators

    kinds, most = Draft202012Validator.TYPE_CHECKER, sys.float_info.max
    finite = kinds.redefine("number", lambda _, it: kinds.is_type(it, "number") and abs(it) <= most)
    return validators.extend(Draft202012Validator, type_checker=finite)(shipped(f"{schema}.schema"))


def _slips(path: KeyPath, error: Any) -> Iterator[Slip]:
    """What one error of jsonschema at a path comes to, each slip with its own key."""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for extra in sorted(map(str, set(error.instance) - set(known))):
            key, colon, value = extra.partition(":")
            remedy = f"write '{key}: {value}'" if colon and key in known else suggestion(extra, known)
            yield Slip((*path, extra), "", f"the key {extra!r} is not known", remedy)
    elif error.validator == "required":
        word = next(key for key in error.validator_value if error.message.startswith(repr(key)))
        yield Slip(path, "", f"the key '{word}' is missing", "add it, see config/README.md")
    elif error.validator == "enum":
        value, known = yaml_text(error.instance), [yaml_text(entry) for entry in error.validator_value]
        yield Slip(path, value, f"not one of: {', '.join(known)}", suggestion(value, known))
    else:
        name = (str(error.instance),) if "propertyNames" in error.absolute_schema_path else ()
        kind = str(error.validator_value) if error.validator == "type" else ""
        rule = {"remedy": "see config/README.md", **shipped("syntax")["types"].get(kind, {}), **error.schema}
        wanted = rule.get("title")
        problem = f"not {wanted}" if wanted else f"not accepted here ({error.message[:200]})"
        yield Slip((*path, *name), yaml_text(error.instance)[:80], problem, rule["remedy"])


def yaml_text(value: Any) -> str:
    """A value as it may stand in a YAML file.

    >>> yaml_text([0, None]), yaml_text(True), yaml_text("points")
    ('[0, null]', 'true', 'points')
    """
    plain = not isinstance(value, list | dict | bool) and value not in (None, "")
    return str(value) if plain else json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
