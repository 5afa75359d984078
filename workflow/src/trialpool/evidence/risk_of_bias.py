"""Risk of bias: answers to signalling questions and judgements in, the judgements that hold of a result out.

A judgement is of a whole trial, or of its results of one outcome (a domain of outcomes), time or week. Of one
assessor's judgements of a domain the most specific holds; of several assessors, tools and domains the worst
counts. What a tool's algorithm makes of answers stands beside what a person judged, who has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trialpool.bias_tools import OVERALL, Tool, Tools, risk, worst
from trialpool.errors import nearest, suggestion
from trialpool.text import absent

Row = Mapping[str, Any]
# Judged by some reviews beside bias; the size of a trial is a matter of precision (Handbook 8.1).
NOT_BIAS = ("size", "study_duration", "adequate_statistical_power")
OF_RESULT = ("outcome", "timepoint", "weeks")  # what narrows a judgement, if anything does
LIKENESS = 0.9  # from which a domain is a slip of another; what reviews call it at length is less like it
ASSESSMENT = ("study_id", "tool", "assessed_by")


class Scope(NamedTuple):
    """The results that a judgement is of: of an outcome, a time, a week; "" and None for all."""

    outcome: str = ""
    timepoint: str = ""
    weeks: float | None = None

    def holds_of(self, other: Scope) -> bool:
        """Whether what is said of these results is said of the others, too.

        >>> Scope("pain").holds_of(Scope("pain", "follow_up", 24.0)), Scope("pain").holds_of(Scope())
        (True, False)
        """
        return all(own in ("", None) or own == its for own, its in zip(self, other, strict=True))

    @property
    def narrowness(self) -> int:
        """How many of the three it names."""
        return sum(own not in ("", None) for own in self)


WHOLE_TRIAL = Scope()


def scope_of(row: Row) -> Scope:
    """What a row of judgements or answers is about."""
    outcome, timepoint, weeks = (row.get(name) for name in OF_RESULT)
    times = "" if absent(timepoint) else str(timepoint)
    return Scope("" if absent(outcome) else str(outcome), times, None if absent(weeks) else float(str(weeks)))


class Judgements:
    """The judgements of a review, asked by result.

    `not_bias` are domains left out: what some reviews judge beside bias, such as the size of a trial.

    >>> whole = {"study_id": "A", "tool": "RoB2", "domain": "overall", "judgement": "low"}
    >>> rows = [whole, {**whole, "judgement": "high", "outcome": "pain"}]
    >>> judged = Judgements(rows)
    >>> judged.risk("A", Scope("function")), judged.risk("A", Scope("pain", "follow_up")), judged.risk("B")
    ('low', 'high', '')
    """

    def __init__(self, rows: Iterable[Row], not_bias: Sequence[str] = NOT_BIAS) -> None:
        self._rows: dict[str, list[tuple[Scope, Row]]] = {}
        for row in rows:
            if row.get("domain") not in not_bias:
                self._rows.setdefault(row["study_id"], []).append((scope_of(row), row))

    def of(self, study: str, result: Scope = WHOLE_TRIAL) -> list[Row]:
        """What holds of a result of a trial, in the order of the table."""
        held: dict[tuple[Any, ...], tuple[int, list[Row]]] = {}
        for scope, row in self._rows.get(study, ()):
            if scope.holds_of(result):
                key = row.get("tool"), row.get("domain"), row.get("assessed_by")
                narrowness, rows = held.get(key, (-1, []))
                if scope.narrowness >= narrowness:
                    held[key] = (scope.narrowness, [*(rows if scope.narrowness == narrowness else ()), row])
        return [row for _, rows in held.values() for row in rows]

    def risk(self, study: str, result: Scope = WHOLE_TRIAL) -> str:
        """The worst that holds of a result as low, unclear or high; "" where nobody judged it."""
        judgement = worst(row["judgement"] for row in self.of(study, result))
        return risk(judgement) if judgement else ""

    def line(self, study: str, result: Scope = WHOLE_TRIAL) -> str:
        """Every domain in one line, "tool: domain judgement; …", the worst of several assessors.

        >>> rows = [{"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "low"},
        ...         {"study_id": "A", "tool": "RoB1", "domain": "blinding", "judgement": "unclear"}]
        >>> Judgements(rows).line("A")
        'RoB1: blinding unclear'
        """
        domains: dict[str, list[str]] = {}
        for row in self.of(study, result):
            name = f"{row['tool']}: {row['domain']}".replace(";", ",")
            domains.setdefault(name, []).append(row["judgement"])
        return "; ".join(f"{name} {worst(judgements)}" for name, judgements in domains.items())


# From answers to judgements


class Wrong(NamedTuple):
    """What is wrong with a row of a table: its row_id, the column and its value, what to do."""

    row_id: str
    column: str
    value: str
    problem: str
    remedy: str


def unknown_words(rows: Iterable[Row], tools: Tools) -> Iterator[Wrong]:
    """Slips of a tool's domains, and judgements that it does not have; of a tool that is not listed none."""
    for row in rows:
        tool, domain = tools.get(str(row["tool"])), str(row["domain"])
        if tool is None:
            continue
        known = [*tool.domains, OVERALL]
        if not tool.open and domain not in known and (near := nearest(domain, known, LIKENESS)):
            problem = f"not a domain of {tool.name}, but nearly one"
            yield Wrong(row["row_id"], "domain", domain, problem, f"write '{near}'")
        for column in ("judgement", "algorithm"):
            word = row.get(column)
            if word and word not in tool.judgements:
                remedy = suggestion(word, tool.judgements)
                yield Wrong(row["row_id"], column, word, f"not a judgement of {tool.name}", remedy)


def unknown_answers(rows: Iterable[Row], tools: Tools) -> Iterator[Wrong]:
    """Answers to tools, domains and questions that there are not."""
    for row in rows:
        place, tool = row["row_id"], tools.get(row["tool"])
        if tool is None:
            problem = "not a tool with signalling questions"
            yield Wrong(place, "tool", row["tool"], problem, suggestion(row["tool"], tools))
        elif row["domain"] not in tool.domains:
            remedy = suggestion(row["domain"], tool.domains)
            yield Wrong(place, "domain", row["domain"], f"not a domain of {tool.name}", remedy)
        elif row["question"] not in (known := tool.domains[row["domain"]].questions):
            problem = f"not a question of this domain of {tool.name}"
            yield Wrong(place, "question", row["question"], problem, f"use one of: {', '.join(known)}")


def with_answers(
    judgements: Sequence[Row], answers: Sequence[Row], tools: Tools
) -> tuple[list[Row], list[Wrong]]:
    """Judgements with those that answers lead to; `algorithm` is what the tool makes of the answers.

    A person's judgement of the same result stands; where it is not the algorithm's its `note` must say why.
    Answers that lead to no judgement are wrong, unless a person judged. The whole (`overall`) is judged where
    the answers, and the person, judge every domain.
    """
    by_assessment, answered = _assessments(judgements), _assessments(answers)
    rows, wrong = list[Row](), list[Wrong]()
    for key in {**by_assessment, **answered}:
        assessment = _Assessment(dict(zip(ASSESSMENT, key, strict=True)), tools, by_assessment.get(key, ()))
        if key in answered:
            assessment.judge(answered[key])
        rows += assessment.rows
        wrong += assessment.wrong
    return rows, wrong


def _assessments(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in ASSESSMENT), []).append(row)
    return found


class _Assessment:
    """One assessor's rows of a trial by a tool; `judge` adds what answers lead to."""

    def __init__(self, key: Row, tools: Tools, rows: Sequence[Row]) -> None:
        self.key, self.rows, self.wrong = key, [dict(row) for row in rows], list[Wrong]()
        self.tool = tools.get(key["tool"], Tool(key["tool"], (), {}))

    def judge(self, answers: Sequence[Row]) -> None:
        """Add the judgements that answers lead to, of domains and of the whole, all in the tool's order."""
        order = {name: place for place, name in enumerate([*self.tool.domains, OVERALL])}
        for domain in self.tool.domains:
            own = [(scope_of(row), row) for row in answers if row["domain"] == domain]
            for scope in dict.fromkeys(scope for scope, _ in own):
                held = sorted(
                    (each for each in own if each[0].holds_of(scope)), key=lambda e: e[0].narrowness
                )
                self._domain(domain, scope, {row["question"]: row for _, row in held})
        for scope in dict.fromkeys(scope_of(row) for row in self.rows):
            held_here = Judgements(self.rows).of(self.key["study_id"], scope)
            judged = {row["domain"]: row["judgement"] for row in held_here if row["domain"] != OVERALL}
            if whole := self.tool.judge_overall(judged):
                self._add(OVERALL, scope, whole, "by the algorithm, from its domains", answers[0]["row_id"])
        self.rows.sort(key=lambda row: (scope_of(row).narrowness, order.get(row["domain"], 0)))

    def _domain(self, domain: str, scope: Scope, answers: Mapping[str, Row]) -> None:
        given = {question: row["answer"] for question, row in answers.items()}
        verdict, last = self.tool.domains[domain].judge(given), list(answers.values())[-1]
        said = f"answers: {', '.join(f'{question} {given[question]}' for question in sorted(given))}"
        if verdict.judgement:
            self._add(domain, scope, verdict.judgement, said, last["row_id"])
        elif person := self._judged(domain, scope):
            person["note"] = _joined(person.get("note"), said)
        else:
            asks = f"answer question {verdict.asks} as well, or " if verdict.asks else ""
            remedy = f"{asks}judge the domain in risk_of_bias.csv"
            problem = f"among answers that lead to no judgement of the domain {domain}"
            self.wrong.append(Wrong(last["row_id"], "answer", last["answer"], problem, remedy))

    def _judged(self, domain: str, scope: Scope) -> dict[str, Any] | None:
        own = (row for row in self.rows if row["domain"] == domain and scope_of(row) == scope)
        return next(own, None)

    def _add(self, domain: str, scope: Scope, verdict: str, note: str, row_id: str) -> None:
        """The algorithm's judgement, beside that of a person where there is one."""
        person = self._judged(domain, scope)
        if person is None:
            place = dict(zip(OF_RESULT, (value or None for value in scope), strict=True))
            made = {"domain": domain, "judgement": verdict, "algorithm": verdict, "note": note}
            self.rows.append({**self.key, **place, **made, "row_id": row_id})
            return
        person["algorithm"] = verdict
        if person["judgement"] != verdict and absent(person.get("note")):
            problem = f"not what the answers lead to ({verdict}), without a reason"
            remedy = f"say why in its note, or write {verdict}"
            self.wrong.append(Wrong(person["row_id"], "judgement", person["judgement"], problem, remedy))
        person["note"] = _joined(person.get("note"), note)


def _joined(note: Any, said: str) -> str:
    """A person's note with what the answers say."""
    return said if absent(note) else f"{note}; {said}"
