"""The words of a review: conditions, domains, units, treatments and groups of them, with their names.

In: the package's general words, and a review's own file of them. Out: one frozen `Vocabulary`, which travels
as a value to whatever needs a word. A code that is not in it is named by itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from trialpool.bias_tools import Tools, tool_slips, tools, tools_of
from trialpool.errors import nearest, suggestion
from trialpool.measures import Of
from trialpool.records import JOINT, from_json
from trialpool.text import spaced
from trialpool.yaml_files import Slip, read_checked, read_sound, shipped

Content = Mapping[str, Any]  # of a vocabulary file
VERBS = {"lower": ("reduce", "increase"), "higher": ("increase", "reduce")}
PEOPLE = "the number of people"
MOST_WORDS = 10_000  # kept as they are shown: a page asks for the same few again and again


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its kind, how many of the first unit of that kind it is, and what others call it."""

    kind: str
    factor: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """An event or an instrument of a domain: its phrase in sentences, and equal amounts in several units."""

    phrase: str = ""
    equivalent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain of outcomes; the keys are those of a vocabulary file (see config/README.md)."""

    code: str
    of: Of = Of.MEANS
    better: str = ""
    name: str
    noun: str
    verbs: tuple[str, ...] = ()
    any: str = ""
    other: str = ""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    equivalent: Mapping[str, float] = field(default_factory=dict)
    registry: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[str, ...] = ()
    self_reported: bool = False
    surrogate: bool = False
    harm: bool = False
    one_scale: bool = False

    @property
    def is_events(self) -> bool:
        """Whether its results are events among people, not means."""
        return self.of is Of.EVENTS

    def changes(self, better: str) -> tuple[str, str]:
        """The verbs for a benefit and for a harm, by the domain's own direction, else by the one given.

        A score of which higher is better may well measure fewer symptoms.
        """
        benefit, harm = self.verbs or VERBS.get(self.better or better, ("improve", "worsen"))
        return benefit, harm

    def phrase(self, outcome: str = "") -> str:
        """What a treatment changes, as a noun phrase; `outcome` is "" where trials have several.

        >>> general().domain("mortality").phrase(), general().domain("adverse_event").phrase("dry_mouth")
        ('the number of people who die', 'the number of people with dry mouth')
        """
        known = self.outcomes.get(outcome, Outcome()).phrase
        if not self.is_events:
            return known or self.noun
        named = self.other.replace("{}", spaced(outcome)) if outcome else ""
        return f"{self.noun} {known or named or self.any}"


@dataclass(frozen=True, slots=True)
class Group:
    """Treatments that analyses name together."""

    name: str
    treatments: tuple[str, ...]


class Known(NamedTuple):
    """Words for a cell; where they are not `closed` others are accepted, but for slips of these.

    A slip is what is as like a word as `likeness`, or one of its `aliases`.
    """

    words: tuple[str, ...]
    closed: bool
    likeness: float = 0.75
    aliases: Mapping[str, str] = {}

    def refuses(self, word: str) -> bool:
        """Whether a word is none of these and may not stand."""
        return word not in self.words and (self.closed or bool(self.slip_of(word)))

    def slip_of(self, word: str) -> str:
        """The known word that an unknown one is most probably a slip of, "" if none.

        >>> known = general().table_words()["domain"]
        >>> known.slip_of("pian"), known.slip_of("mood"), known.slip_of("mortality_30d")
        ('pain', '', '')
        """
        if word in self.words or any(word.startswith(f"{each}_") for each in self.words):
            return ""
        return self.aliases.get(word.casefold()) or nearest(word, self.words, self.likeness)


@lru_cache(maxsize=MOST_WORDS)
def _in_words(vocabulary: Vocabulary, code: str) -> str:
    capitals = {each.casefold(): each for each in vocabulary.abbreviations}
    words = (capitals.get(word, word) for word in spaced(code).split(" "))
    return vocabulary.short[code] if code in vocabulary.short else " ".join(words)


@lru_cache(maxsize=MOST_WORDS)
def _with_names(vocabulary: Vocabulary, text: str) -> str:
    return re.sub(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*", lambda found: _in_words(vocabulary, found[0]), text)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """All words of one review, by their codes; `complete` if the review has a file of its own.

    >>> words = load_vocabulary()
    >>> words.domain("quality_of_life").name, words.condition("HEART_FAILURE"), words.treatment("usual_care")
    ('quality of life', 'HEART FAILURE', 'usual care')
    """

    conditions: Mapping[str, str]
    domains: Mapping[str, Domain]
    units: Mapping[str, Unit]
    treatments: Mapping[str, str]
    groups: Mapping[str, Group]
    abbreviations: tuple[str, ...]
    controls: Mapping[str, tuple[str, ...]]
    short: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    bias_tools: Tools = field(default_factory=tools)

    def code(self, code: str) -> str:
        """The short name of an outcome or instrument; else its code, abbreviations in capitals."""
        return _in_words(self, code)

    def named(self, text: str) -> str:
        """A sentence with the codes in it in short.

        >>> general().named("taken at the end_of_treatment, not at week 8")
        'taken at the end of treatment, not at week 8'
        """
        return _with_names(self, text)

    def condition(self, code: str) -> str:
        """The name of a condition."""
        return self.conditions.get(code) or spaced(code)

    def domain(self, code: str, of: Of = Of.MEANS) -> Domain:
        """A domain; one that is not known has its code for a name, no direction, and is of what is said."""
        of = Of.EVENTS if of in (Of.EVENTS, Of.TIMES) else Of.MEANS
        return self.domains.get(code) or from_json(Domain, _domain(code, {"of": of.value}))

    def within(self, domain: str) -> tuple[str, ...]:
        """The domains whose results count as of this one, the first preferred: its parts, or itself."""
        return self.domain(domain).includes or (domain,)

    def treatment(self, code: str | None) -> str:
        """The name of an arm category, or of several that were combined, such as "diet+exercise"."""
        parts = str(code or "").split(JOINT)
        return f" {JOINT} ".join(self.treatments.get(part) or spaced(part) for part in parts)

    def side(self, code: str) -> str:
        """The name of one side of a comparison: of a group of treatments, or of one."""
        return self.groups[code].name if code in self.groups else self.treatment(code)

    def members(self, code: str) -> tuple[str, ...]:
        """The treatments of a group, or the one treatment."""
        return self.groups[code].treatments if code in self.groups else (code,)

    def with_groups(self, groups: Mapping[str, Sequence[str]]) -> Vocabulary:
        """The same words with further groups of treatments."""
        return replace(self, groups={**self.groups, **from_json(dict[str, Group], _groups(groups))})

    def events(self, better: str = "") -> tuple[str, ...]:
        """The domains of events, all of them or those in which this direction is better."""
        domains = self.domains.items()
        return tuple(code for code, each in domains if each.is_events and better in ("", each.better))

    def registry(self) -> dict[str, tuple[str, str]]:
        """Domain and outcome of what registries count, by their words for it."""
        domains = self.domains.items()
        return {kind: (code, event) for code, each in domains for kind, event in each.registry.items()}

    def control_in(self, label: str) -> str:
        """The control that a label names in so many words, "" if none."""
        named = ((code, phrase) for code, phrases in self.controls.items() for phrase in phrases)
        return next((code for code, phrase in named if phrase in label.casefold()), "")

    def unit_named(self, name: str) -> str:
        """The unit that a registry or another program calls so, "" if none."""
        folded = name.strip().casefold()
        if name in self.units:
            return name
        units = self.units.items()
        return next((code for code, unit in units if folded in (code.casefold(), *unit.names)), "")

    def factor(self, unit: str, wanted: str, domain: str = "", outcome: str = "") -> float | None:
        """By what a value in `unit` is multiplied to be in the `wanted` one; None where that is not known.

        Units of two kinds need amounts that the domain or its outcome declares `equivalent`.

        >>> general().factor("weeks", "days"), general().factor("days", "points")
        (7.0, None)
        """
        if unit == wanted:
            return 1.0
        if unit not in self.units or wanted not in self.units:
            return None
        own, other = self.units[unit], self.units[wanted]
        factor = own.factor / other.factor
        if own.kind != other.kind:
            known = self.domain(domain)
            same = known.outcomes.get(outcome, Outcome()).equivalent or known.equivalent
            kinds = {self.units[code].kind: amount * self.units[code].factor for code, amount in same.items()}
            if own.kind not in kinds or other.kind not in kinds:
                return None
            factor *= kinds[other.kind] / kinds[own.kind]
        return float(f"{factor:.12g}")  # without the noise of two divisions

    def table_words(self, further: Mapping[str, Sequence[str]] | None = None) -> dict[str, Known]:
        """What cells of the evidence tables may say, by the names in `Column.vocabulary`.

        `further` words of a column are accepted besides.
        """
        events = self.events()
        single = tuple(code for code, each in self.domains.items() if not each.includes)
        means = tuple(code for code in single if code not in events)
        members = [code for group in self.groups.values() for code in group.treatments]
        categories = tuple(dict.fromkeys([*self.treatments, *members]))
        aliases = {name: code for code, unit in self.units.items() for name in unit.names}
        known = {
            "condition": Known(tuple(self.conditions), bool(self.conditions)),
            "category": Known(categories, bool(categories)),
            "domain": Known(single, self.complete),
            "domain of means": Known(means, self.complete),
            "domain of events": Known(events, self.complete),
            "unit": Known(tuple(self.units), self.complete, 0.9, aliases),
        }
        more = {name: further.get(name.partition(" ")[0], ()) for name in known} if further else {}
        return {name: each._replace(words=(*each.words, *more.get(name, ()))) for name, each in known.items()}


def load_vocabulary(path: str | None = None, *, checked: bool = False) -> Vocabulary:
    """The general words with those of a review's file, if it has one.

    Raises InputError with every fault found, each naming the file, line, key, value and what to write. One
    that is `checked` already, as before any job runs, is only read.
    """
    if not path:
        return general()
    base = shipped("general")
    if checked:
        content = read_sound(path)
    else:
        content = read_checked(path, "vocabulary", lambda own: _meaning_slips(_merged(base, own)))
    return _vocabulary(_merged(base, content), complete=True)


@cache
def general() -> Vocabulary:
    """The words that hold in every review."""
    return _vocabulary(shipped("general"), complete=False)


def _merged(base: Content, own: Content) -> Content:
    """Both contents, the review's own words first, and in place of equal ones."""
    return {**base, **own, **{key: _both(base[key], own.get(key, {})) for key in ("domains", "units")}}


def _both(base: Content, own: Content) -> Content:
    """Entries of both, key by key; the outcomes of a domain likewise."""
    entries = {code: {**base.get(code, {}), **entry} for code, entry in own.items()}
    for code, entry in own.items():
        if "outcomes" in entry:
            entries[code]["outcomes"] = {**base.get(code, {}).get("outcomes", {}), **entry["outcomes"]}
    return {**entries, **{code: entry for code, entry in base.items() if code not in own}}


def _meaning_slips(content: Content) -> Iterator[Slip]:
    """What a schema cannot say: a unit of two kinds, equal amounts of unknown units, then the groups."""
    kinds: dict[str, str] = {}
    for kind, units in content["units"].items():
        for unit in units:
            if (other := kinds.setdefault(unit, kind)) != kind:
                problem, remedy = f"the unit is also one of the kind {other}", "write it in one place only"
                yield Slip(("units", kind, unit), "", problem, remedy)
    for code, domain in content["domains"].items():
        parts: list[tuple[tuple[str, ...], Any]] = [((), domain)]
        parts += [(("outcomes", key), outcome) for key, outcome in domain.get("outcomes", {}).items()]
        for path, entry in parts:
            for unit in entry.get("equivalent", {}) if isinstance(entry, Mapping) else ():
                if unit not in kinds:
                    key = ("domains", code, *path, "equivalent", unit)
                    yield Slip(key, unit, "not a unit", suggestion(unit, kinds))
        yield from _include_slips(code, domain, content["domains"])
    yield from group_slips(content.get("groups", {}), content.get("treatments", {}))
    yield from tool_slips(content.get("bias_tools", {}))


def _include_slips(code: str, domain: Content, domains: Content) -> Iterator[Slip]:
    """Parts of a domain that are no domains, or not alike, or have parts themselves."""

    def kind(entry: Content) -> tuple[str, str]:
        of = entry.get("of", "means")
        return of, entry.get("better", "") if of == "events" else ""

    single = [each for each, entry in domains.items() if "includes" not in entry]
    single = [each for each in single if kind(domains[each]) == kind(domain)]
    for index, part in enumerate(domain.get("includes", ())):
        if part not in single:
            path = ("domains", code, "includes", str(index))
            yield Slip(path, part, "not a domain that this one can include", suggestion(part, single))


def group_slips(groups: Content, treatments: Content) -> Iterator[Slip]:
    """Groups that name a group, or a treatment that is not among these, if there are any."""
    for name, group in groups.items():
        listed, within = (group["treatments"], ("treatments",)) if isinstance(group, Mapping) else (group, ())
        for index, word in enumerate(listed):
            path = ("groups", name, *within, str(index))
            if word in groups and word != name:  # a group may be called as the one treatment in it
                remedy = "write out its treatments: a group never contains a group"
                yield Slip(path, word, "the name of a group", remedy)
            elif treatments and word not in treatments:
                yield Slip(path, word, "not one of the treatments", suggestion(word, treatments))


def _vocabulary(content: Content, complete: bool) -> Vocabulary:
    entries = defaultdict(dict, content)
    units = [(kind, *item) for kind, members in entries["units"].items() for item in members.items()]
    return from_json(
        Vocabulary,
        {
            **{"abbreviations": (), "controls": {}, **content, "complete": complete},
            "conditions": {code: name or spaced(code) for code, name in entries["conditions"].items()},
            "treatments": {code: name or spaced(code) for code, name in entries["treatments"].items()},
            "domains": {code: _domain(code, entry) for code, entry in entries["domains"].items()},
            "units": {code: _whole(entry, "factor", kind=kind) for kind, code, entry in units},
            "groups": _groups(entries["groups"]),
            "bias_tools": tools_of(entries["bias_tools"]),
        },
    )


def _whole(entry: Any, short: str, **known: Any) -> Content:
    """What an entry says, over what is `known`; one that is no mapping is the value of the key `short`."""
    whole = entry if isinstance(entry, Mapping) else {short: entry}
    return {**known, **{key: value for key, value in whole.items() if value is not None}}


def _groups(entries: Content) -> Content:
    return {code: _whole(entry, "treatments", name=spaced(code)) for code, entry in entries.items()}


def _domain(code: str, entry: Content) -> Content:
    name = entry.get("name") or spaced(code)
    noun = PEOPLE if entry.get("of") == Of.EVENTS else name
    outcomes = {key: _whole(value, "phrase") for key, value in entry.get("outcomes", {}).items()}
    whole = _whole(entry, "", code=code, name=name, noun=noun, any=f"with {name}")
    return {**whole, "outcomes": outcomes}
