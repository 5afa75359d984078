"""The headings of a table in, what they mean out: which columns make effects, of which measure and scale.

What columns are called, by which programs, is data: `schemas/headings.yaml`. Nothing is guessed: what can be
read in two ways, and what is missing, is refused in words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import NamedTuple, NoReturn

import pandas as pd

from trialpool.errors import nearest
from trialpool.measures import (
    CHANGES,
    CORRELATIONS,
    GROUP_MEANS,
    MEASURES,
    OF_EVENTS,
    OF_MEANS,
    OF_RATES,
    PROPORTIONS,
    RATES,
)
from trialpool.one_table.read import Table, is_missing
from trialpool.text import count, listing
from trialpool.yaml_files import shipped

DATA = shipped("headings")
ARMS = {"1": "experimental", "2": "control"}
NOUNS = {"n": "people", "sd": "SD", "se": "SE", "others": "people without the event", "low": "lower bound"}
NOUNS |= {"high": "upper bound", "o_minus_e": "O − E", "information": "variance of O − E"}
NOUNS |= {"person_years": "person-time", "r": "correlation"}
FAMILIES = {**DATA["families"], **DATA["one_group"]}
FAMILY_OF = {
    **{**dict.fromkeys(OF_EVENTS, "events"), **dict.fromkeys(OF_MEANS, "means")},
    **{**dict.fromkeys(OF_RATES, "rates"), **dict.fromkeys(PROPORTIONS, "proportions of one group")},
    **{**dict.fromkeys(RATES, "rates of one group"), **dict.fromkeys(GROUP_MEANS, "means of one group")},
    **{**dict.fromkeys(CHANGES, "changes of one group"), **dict.fromkeys(CORRELATIONS, "correlations")},
}
ESTIMATES = "estimates"
YEAR = r"(?:1[89]|20)\d\d[a-z]?"
ESTIMATE_OPTION = "--column estimate=NAME"

Way = Mapping[str, str]  # role to heading


class Meaning(NamedTuple):
    """What a heading says: its role, who writes it so, its measure ("" for any), whether of logarithms."""

    role: str
    writer: str
    measure: str = ""
    log: bool = False


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are: `roles` to headings, of effects of a `measure`.

    `log` says that estimates and intervals are logarithms; `label` are the columns that name the trials;
    `assumed` says in sentences what was taken for granted.
    """

    family: str
    measure: str
    roles: Way
    log: bool
    label: tuple[str, ...]
    assumed: tuple[str, ...]


def folded(heading: str) -> str:
    """A heading without what does not count: capitals, blanks, signs, accents.

    >>> folded("Experimental: Events"), folded("event.e"), folded("95% CI (lower)")
    ('experimentalevents', 'evente', '95cilower')
    """
    text = heading if heading.isascii() else unicodedata.normalize("NFKD", heading)
    return "".join(filter(str.isalnum, text.casefold()))


@cache
def meanings() -> Mapping[str, tuple[Meaning, ...]]:
    """Everything that a heading can mean, by its folded text."""
    found: dict[str, dict[Meaning, None]] = {}
    for role, writers in DATA["roles"].items():
        for writer, patterns in writers.items():
            for pattern in patterns:
                for heading, measure, log in _written_out(pattern):
                    found.setdefault(folded(heading), {})[Meaning(role, writer, measure, log)] = None
    return {heading: tuple(each) for heading, each in found.items()}


def _written_out(pattern: str) -> Iterator[tuple[str, str, bool]]:
    """The headings of a pattern, the measure that each names, and whether it says that it is a logarithm."""
    parts = re.findall(r"\{(\w+)\}", pattern)
    known = {folded(word) for word in DATA["logarithms"]}
    words = [
        [(word, code) for code, each in DATA["measures"].items() for word in each]
        if part == "measure"
        else [(word, "") for word in DATA["words"][part]]
        for part in parts
    ]
    for chosen in product(*words):
        heading = pattern
        for part, (word, _) in zip(parts, chosen, strict=True):
            heading = heading.replace(f"{{{part}}}", word, 1)
        yield heading, "".join(code for _, code in chosen), "log" in parts or folded(heading) in known


def recognise(
    table: Table, measure: str = "", labels: str = "", chosen: Mapping[str, str] | None = None
) -> Columns:
    """What the columns of a table mean; `chosen` says so of some roles, `labels` which one names the trials.

    Raises InputError, naming what was found and what mends it, where no effect can be made, and where columns
    can be read in two ways.
    """
    found = _found(table, chosen or {})
    ways = {family: _ways(found, _sets(family, found, measure)) for family in FAMILIES}
    family = _family(table, found, ways, measure)
    roles = _one(table, family, ways[family])
    named = _named(found, roles, "measure")
    said = []
    if not measure:
        measure = named or FAMILIES[family]["default"]
        others = [code for code, own in FAMILY_OF.items() if own == family and code != measure]
        said.append(
            f"Measure: {MEASURES[measure].name} ({measure}), as "
            + (
                f"the column {roles['estimate']} says."
                if named
                else f"there are {family}; --measure {' or '.join(others)} otherwise."
            )
        )
    elif named and named != measure:
        problem = f"the column {roles['estimate']} says {MEASURES[named].name}"
        problem += f", and --measure {MEASURES[measure].name}"
        table.refuse(problem, f"say --measure {named}, or {ESTIMATE_OPTION}")
    log, scale = _scale(table, found, roles, measure)
    label, naming = _labels(table, found, labels)
    said = [_read_as(roles), *said, *scale, *_unused(ways, family), *naming]
    return Columns(family, measure, roles, log, label, tuple(said))


Found = Mapping[str, Sequence[tuple[str, Meaning]]]  # role to headings with their meanings


def _found(table: Table, chosen: Mapping[str, str]) -> Found:
    """The headings of each role."""
    found: dict[str, list[tuple[str, Meaning]]] = {role: [] for role in DATA["roles"]}
    for heading in table.headings:
        if not table.cells[heading].map(is_missing).all():  # RevMan has columns for every kind of outcome
            for meaning in meanings().get(folded(heading), ()):
                found[meaning.role].append((heading, meaning))
    for role, name in chosen.items():
        if role not in found:
            table.refuse(f"--column {role}={name}: {role} is no role", f"use one of: {', '.join(found)}")
        heading = table.column(name, "--column")
        own = [each for each in found[role] if each[0] == heading]
        found[role] = own or [(heading, Meaning(role, "words"))]
    return found


def _sets(family: str, found: Found, measure: str) -> list[list[str]]:
    """The sets of roles of which one has to be whole, the best first.

    An estimate that is printed as a ratio has its interval, one on a scale of its own its standard error.
    """
    sets: list[list[str]] = FAMILIES[family]["sets"]
    if family != ESTIMATES:
        return sets
    known = [meaning for _, meaning in found["estimate"]]
    named = measure or next((each.measure for each in known if each.measure), "")
    printed = bool(named) and MEASURES[named].ratio and not any(each.log for each in known)
    return sets if printed else sorted(sets, key=lambda roles: "low" in roles)


def _ways(found: Found, sets: Iterable[Sequence[str]]) -> list[Way]:
    """How columns fill the first set of roles that they fill: as one program writes them, else of several."""
    for roles in sets:
        writers = list(dict.fromkeys(meaning.writer for role in roles for _, meaning in found[role]))
        ways: list[Way] = []
        for group in [*([writer] for writer in writers), writers]:
            columns = [
                list(dict.fromkeys(name for name, meaning in found[role] if meaning.writer in group))
                for role in roles
            ]
            if all(columns) and not (ways and group is writers):
                ways += [dict(zip(roles, each, strict=True)) for each in product(*columns)]
        ways = [way for way in ways if len(set(way.values())) == len(way)]
        if ways:
            return [way for at, way in enumerate(ways) if way not in ways[:at]]
    return []


def _family(table: Table, found: Found, ways: Mapping[str, Sequence[Way]], measure: str) -> str:
    """Of what the effects are made: of both arms where the table has them, else of estimates."""
    if measure:
        own = FAMILY_OF.get(measure, ESTIMATES)
        fitting = [family for family in (own, ESTIMATES) if ways[family]]
        return fitting[0] if fitting else _refuse_missing(table, found, list(dict.fromkeys((own, ESTIMATES))))
    fitting = [family for family in DATA["families"] if ways[family]]
    fitting = fitting or [family for family in DATA["one_group"] if ways[family]]
    named = _named(found, ways[ESTIMATES][0], "measure") if ways[ESTIMATES] else ""
    certain = [family for family in fitting if family != ESTIMATES or named]
    if len(certain) == 1:
        return certain[0]
    if not fitting:
        return _refuse_missing(table, found, list(DATA["families"]))
    columns = "; ".join(
        f"{family} in {', '.join(way.values())}" for family in fitting for way in ways[family][:1]
    )
    if certain:
        return table.refuse(
            f"its columns can be read in several ways: {columns}", "say which measure: --measure"
        )
    problem = f"it has {columns}, and nothing says which measure they are of"
    compared = ", ".join(code for code, each in MEASURES.items() if each.compares)
    return table.refuse(problem, f"say --measure, one of {compared}")


def _refuse_missing(table: Table, found: Found, families: Sequence[str]) -> NoReturn:
    """Say of which columns no effect can be made, and what is nearest."""
    sets = [roles for family in families for roles in FAMILIES[family]["sets"]]
    best = max(sets, key=lambda roles: sum(bool(found[role]) for role in roles) / len(roles))
    there = [f"{role_words(role)} ({found[role][0][0]})" for role in best if found[role]]
    lacking = [role for role in best if not found[role]]
    wanted = "; or ".join(DATA["names"][family] for family in families)
    problem = f"no effect can be made of the columns {', '.join(table.headings)}"
    if there:
        problem += f": found {listing(there)}, missing {listing(map(role_words, lacking))}"
        used = {found[role][0][0] for role in best if found[role]}
        free = [name for name in table.headings if name not in used]
        name = nearest(lacking[0], free, 0.4) or "NAME"
        table.refuse(
            problem, f"say which column it is: --column {lacking[0]}={name}; or name them as one of {wanted}"
        )
    table.refuse(problem, f"name them as {wanted}; or say --column events_1=NAME …")


def _one(table: Table, family: str, ways: Sequence[Way]) -> Way:
    """The one way to read the columns of a family."""
    if len(ways) == 1:
        return ways[0]
    role = next(role for role in ways[0] if len({way.get(role) for way in ways}) > 1)
    names = listing(dict.fromkeys(way[role] for way in ways if role in way), "or")
    table.refuse(
        f"{role_words(role)} may be {names}",
        f"say which: --column {role}={ways[0][role]}; or remove the other",
    )


def role_words(role: str) -> str:
    """A role in words.

    >>> role_words("n_1"), role_words("estimate")
    ('people of the experimental arm', 'estimate')
    """
    kind, _, arm = role.rpartition("_")
    return f"{NOUNS.get(kind, kind)} of the {ARMS[arm]} arm" if arm in ARMS else NOUNS.get(role, role)


def _named(found: Found, roles: Way, what: str) -> str:
    """What the heading of the estimate, if the way has one, says of the measure."""
    own = [meaning for name, meaning in found["estimate"] if name == roles.get("estimate")]
    return str(next((getattr(each, what) for each in own if getattr(each, what)), ""))


def _scale(table: Table, found: Found, roles: Way, measure: str) -> tuple[bool, list[str]]:
    """Whether estimates are logarithms, and what was assumed of them."""
    if "o_minus_e" in roles:
        if not MEASURES[measure].ratio:
            table.refuse(
                f"O − E and its variance give no {MEASURES[measure].name}", "say --measure HR, or OR"
            )
        return True, [f"The logarithm of the {MEASURES[measure].name} is (O − E)/V, its variance 1/V."]
    if "estimate" not in roles or not MEASURES[measure].ratio:
        return False, [LEVEL] if "low" in roles else []
    name = roles["estimate"]
    own = [meaning for heading, meaning in found["estimate"] if heading == name]
    log, natural = any(each.log for each in own), any(each.measure and not each.log for each in own)
    spread = roles.get("se") or roles.get("variance", "")
    if spread and natural:
        problem = f"{name} beside {spread}: a ratio has its standard error on the scale of its logarithm"
        table.refuse(
            problem,
            f"if these are logarithms, rename {name} to log_{measure.lower()}; else give the interval",
        )
    if spread or log:
        why = "its name says" if log else f"goes with a {'standard error' if 'se' in roles else 'variance'}"
        said = f"{name} holds logarithms of the {MEASURES[measure].name}, as {why}."
        return True, [said, LEVEL] if "low" in roles else [said]
    least = table.numbers(name).min()
    if least <= 0:
        problem = f"{name} goes down to {least:g}, and a {MEASURES[measure].name} is above 0"
        table.refuse(problem, f"if these are logarithms, rename {name} to log_{measure.lower()}", column=name)
    return False, [f"{name} and its interval are on the natural scale, not logarithms.", LEVEL]


LEVEL = "Intervals in the table are 95% confidence intervals."


def _read_as(roles: Way) -> str:
    """Which column is what, in a sentence."""
    if not roles.keys() & {"n_1", "events_1", "mean_1"}:
        return f"Columns: {listing(f'{role_words(role)} {name}' for role, name in roles.items())}."
    if "n" in roles:  # of people before and after
        after = listing(f"{role_words(role)} {name}" for role, name in roles.items())
        return f"Columns: {after}; the first of each is after, the second before.".replace(
            " of the experimental arm", " after"
        ).replace(" of the control arm", " before")
    kinds = dict.fromkeys(role[:-2] for role in roles)
    pairs = [f"{NOUNS.get(kind, kind)} {roles[f'{kind}_1']} and {roles[f'{kind}_2']}" for kind in kinds]
    return f"Columns: {', '.join(pairs)}; the first is the experimental arm, the second the control."


def _unused(ways: Mapping[str, Sequence[Way]], family: str) -> list[str]:
    """What else effects could have been made of."""
    other = ways[ESTIMATES][0] if family != ESTIMATES and ways[ESTIMATES] else {}
    if not other:
        return []
    return [f"Not used: {listing(other.values())}; effects are made of the {family} instead."]


def _labels(table: Table, found: Found, labels: str) -> tuple[tuple[str, ...], list[str]]:
    """The columns that name the trials, the year with them unless they hold it."""
    if labels:
        return (table.column(labels, "--labels"),), []
    names = list(dict.fromkeys(name for name, _ in found["label"]))
    words = [name for name in names if _is_words(table.cells[name])]
    others = [name for name in table.headings if name not in names and _is_words(table.cells[name])]
    unique = [name for name in others if table.cells[name].is_unique]
    label = next(iter([*words, *names, *unique]), "")
    if not label:
        return (), ["No column names the trials: they have numbers; --labels COLUMN names one."]
    years = [name for name, _ in found["year"] if table.cells[name].str.fullmatch(YEAR).any()][:1]
    dated = bool(table.cells[label].str.contains(rf"\b{YEAR}\b").any())
    both = (label, *([] if dated else years))
    return both, [f"Trials are named by {' and '.join(both)}."]


def _is_words(cells: pd.Series) -> bool:
    return bool(cells.str.contains(r"[^\W\d_]", regex=True).any())


def trials_only(table: Table, columns: Columns) -> tuple[Table, list[str]]:
    """The table without rows that are sums of others, and what is to be said of its rows."""
    said = []
    if columns.label:
        sums = table.cells[columns.label[0]].str.match(DATA["sums"], case=False)
        labels = names_of(table, columns)
        if sums.any():
            left = ", ".join(labels[sums])
            said.append(f"Left out as no {'trial' if sums.sum() == 1 else 'trials'}: {left}.")
            table = replace(table, cells=table.cells[~sums])
        repeated = labels[~sums & labels.duplicated() & (labels != "")].unique()
        if len(repeated):
            few = [*repeated[:3], *([f"{len(repeated) - 3} more"] if len(repeated) > 3 else [])]
            said.append(f"{listing(few)}: several rows each, pooled as if they were different trials.")
    return table, said


def names_of(table: Table, columns: Columns) -> pd.Series:
    """What the trials are called, "" where they have no name."""
    rows = table.cells[list(columns.label)].to_numpy().tolist()
    names = [" ".join(cell for cell in row if not is_missing(cell)) for row in rows]
    return pd.Series(names, table.cells.index, dtype=object)


def refuse_several(table: Table) -> None:
    """Refuse a table of several analyses."""
    for heading in table.headings:
        kinds = {meaning.role for meaning in meanings().get(folded(heading), ())}
        values = [value for value in table.cells[heading].unique() if value]
        if "analysis" in kinds and len(values) > 1:
            problem = f"it holds {count(len(values), 'analysis', 'analyses')} (column {heading})"
            table.refuse(problem, f"choose one: --where '{heading}={values[0]}'")
