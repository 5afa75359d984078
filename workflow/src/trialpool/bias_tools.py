"""Tools that judge risk of bias, as data: in, YAML (schemas/bias_tools.yaml and a review's own); out, frozen
tools that know their domains, judgements and questions, and the way from answers to a judgement.

Answers are Y, PY, PN, N (yes, probably yes, probably no, no), NI (no information) and NA (not applicable).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from trialpool.errors import suggestion
from trialpool.records import from_json
from trialpool.text import spaced
from trialpool.yaml_files import Slip, shipped

ANSWERS = ("Y", "PY", "PN", "N", "NI", "NA")
NA = ANSWERS[-1]
OVERALL = "overall"
# Every judgement and the risk that it counts as where tools meet, from the best to the worst.
RISKS: Mapping[str, str] = shipped("bias_tools")["judgements"]
ORDER = {judgement: rank for rank, judgement in enumerate(RISKS)}


class Verdict(NamedTuple):
    """What answers lead to: a judgement; or "", with the question that has to be answered for one.

    Both are "" where the tool leaves these answers to a person.
    """

    judgement: str = ""
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which answers, by question, lead to a judgement."""

    when: Mapping[str, str]
    then: str

    def meets(self, answers: Mapping[str, str]) -> bool | str:
        """Whether answers meet the rule; the first question that is still open, where the others do.

        One that is answered as not applicable is open where the rule does not take that for an answer.
        """
        open_to = {name: (answers.get(name, NA), allowed.split()) for name, allowed in self.when.items()}
        if any(answer != NA and answer not in allowed for answer, allowed in open_to.values()):
            return False
        still = (
            name
            for name, (answer, allowed) in open_to.items()
            if answer not in allowed or name not in answers
        )
        return next(still, True)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of a tool; `also` are its other names, `algorithm` parts of rules (see `judge`)."""

    name: str
    also: tuple[str, ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    algorithm: tuple[tuple[Rule, ...], ...] = ()

    def judge(self, answers: Mapping[str, str]) -> Verdict:
        """The worst judgement of the parts of the algorithm, of each by the first rule that is met.

        >>> randomisation = tools()["RoB2"].domains["randomisation_process"]
        >>> randomisation.judge({"1.1": "Y", "1.2": "PY", "1.3": "N"}).judgement
        'low'
        >>> randomisation.judge({"1.1": "Y", "1.2": "NI"}).asks
        '1.3'
        """
        parts = [_first(rules, answers) for rules in self.algorithm]
        if not parts or any(not part.judgement for part in parts):
            return next((part for part in parts if part.asks), Verdict())
        return Verdict(worst(part.judgement for part in parts))


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its judgements and domains by code, and how the whole is judged.

    `overall` lists judgements, of which the first that some domain has is that of the whole. An `open` tool
    takes domains that it does not list; `read_as` turns words of others into its own.
    """

    name: str
    judgements: tuple[str, ...]
    domains: Mapping[str, Domain]
    source: str = ""
    also: tuple[str, ...] = ()
    overall: tuple[str, ...] = ()
    open: bool = False
    read_as: Mapping[str, str] = field(default_factory=dict)

    def judge_overall(self, judged: Mapping[str, str]) -> str:
        """The judgement of the whole from those of its domains, "" where one is lacking, or no rule is.

        >>> tool = tools()["RoB2"]
        >>> tool.judge_overall(dict.fromkeys(tool.domains, "low") | {"missing_outcome_data": "some_concerns"})
        'some_concerns'
        """
        if not self.domains.keys() <= judged.keys():
            return ""
        return next((word for word in self.overall if word in judged.values()), "")

    def domain_named(self, name: str) -> str:
        """The code of the domain that others call so, by name or number (D1, Domain 1), "" if none."""
        key = _key(name)
        number = re.fullmatch(r"(?:d|domain ?)(\d+)", key)
        codes = list(self.domains)
        if number and 0 < int(number[1]) <= len(codes):
            return codes[int(number[1]) - 1]
        if key in ("overall", "overall bias", "overall risk of bias"):
            return OVERALL
        named = {
            code: {_key(code), *map(_key, (each.name, *each.also))} for code, each in self.domains.items()
        }
        return next((code for code, names in named.items() if key in names), "")

    def judgement_named(self, word: str) -> str:
        """The judgement that a word of another program stands for, "" where it is none of this tool.

        >>> tool = tools()["RoB2"]
        >>> tool.judgement_named("Some concerns"), tool.judgement_named("High risk of bias")
        ('some_concerns', 'high')
        >>> tool.judgement_named("No information")
        ''
        """
        code = re.sub(r"_(?:risk(?:_of_bias)?|concerns?_?)$", "", _key(word).replace(" ", "_"))
        code = {"some": "some_concerns", "no_info": "no_information"}.get(code, code)
        code = self.read_as.get(code, code)
        return code if code in self.judgements else ""


Tools = Mapping[str, Tool]


def worst(judgements: Iterable[str]) -> str:
    """The worst of judgements, of whatever tools; a word that no tool knows counts as unclear.

    >>> worst(["low", "some_concerns", "moderate"])
    'some_concerns'
    """
    return max(judgements, key=severity, default="")


def severity(judgement: str) -> int:
    """The place of a judgement from the best to the worst."""
    return ORDER.get(judgement, ORDER["unclear"])


def risk(judgement: str) -> str:
    """Low, unclear or high: the risk that a judgement counts as beside those of other tools.

    >>> risk("some_concerns"), risk("critical")
    ('unclear', 'high')
    """
    return RISKS.get(judgement, "unclear")


def tool_named(known: Tools, name: str) -> str:
    """The code of the tool that others call so, "" if none.

    >>> tool_named(tools(), "RoB 2.0"), tool_named(tools(), "ROB2")
    ('RoB2', 'RoB2')
    """
    key = _key(name).replace(" ", "")
    named = {code: (code, each.name, *each.also) for code, each in known.items()}
    squeezed = ((code, _key(each).replace(" ", "")) for code, names in named.items() for each in names)
    return next((code for code, each in squeezed if each == key), "")


@cache
def tools() -> Tools:
    """The tools that every review has."""
    return tools_of({})


def tools_of(own: Mapping[str, Any]) -> Tools:
    """The package's tools and those of a review, key by key; `extends` names what one begins with."""
    return from_json(dict[str, Tool], _merged(own))


def _merged(own: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = dict(shipped("bias_tools")["tools"])
    for code, entry in own.items():
        base = known.get(entry.get("extends", code), {})
        domains = {**base.get("domains", {})}
        for name, domain in entry.get("domains", {}).items():
            domains[name] = {"name": spaced(name), **domains.get(name, {}), **(domain or {})}
        said = {key: value for key, value in entry.items() if key != "extends"}
        known[code] = {"name": code, **base, **said, "domains": domains}
    return known


def tool_slips(own: Mapping[str, Any]) -> Iterator[Slip]:
    """What a schema cannot say: rules and words that name no question, answer, judgement or tool."""
    shipped_tools = shipped("bias_tools")["tools"]
    for code, entry in own.items():
        at = ("bias_tools", code)
        base = entry.get("extends", "")
        if base and base not in shipped_tools:
            yield Slip((*at, "extends"), base, "not a tool of the package", suggestion(base, shipped_tools))
            continue
        whole = _merged({code: entry})[code]
        judgements = whole.get("judgements", [])
        if not judgements or not whole["domains"]:
            yield Slip(at, "", "without judgements or domains", "list both, see config/README.md")
        for key in ("judgements", "overall"):
            known = RISKS if key == "judgements" else judgements
            for word in entry.get(key, ()):
                if word not in known:
                    yield Slip((*at, key), word, "not a judgement", suggestion(word, known))
        for name in entry.get("domains", {}):
            yield from _rule_slips((*at, "domains", name), whole["domains"][name], judgements)


def _rule_slips(
    at: tuple[str, ...], domain: Mapping[str, Any], judgements: Collection[str]
) -> Iterator[Slip]:
    questions, at = domain.get("questions", {}), (*at, "algorithm")
    for part, rules in enumerate(domain.get("algorithm", ())):
        for number, rule in enumerate(rules):
            place = (*at, str(part), str(number))
            for question, answers in rule["when"].items():
                if question not in questions:
                    yield Slip(
                        place, question, "not a question of the domain", suggestion(question, questions)
                    )
                for answer in set(answers.split()) - set(ANSWERS):
                    yield Slip(place, answer, "not an answer", f"write some of {' '.join(ANSWERS)}")
            if rule["then"] not in judgements:
                word = str(rule["then"])
                yield Slip(place, word, "not a judgement of the tool", suggestion(word, list(judgements)))


def _first(rules: Iterable[Rule], answers: Mapping[str, str]) -> Verdict:
    """The judgement of the first rule that answers meet, unless it hangs on a question that is still open."""
    for rule in rules:
        met = rule.meets(answers)
        if met:
            return Verdict(rule.then) if met is True else Verdict(asks=str(met))
    return Verdict()


def _key(name: str) -> str:
    """A name as it is compared: letters and digits, in lower case."""
    return " ".join(re.findall(r"[a-z0-9]+", name.casefold()))
