"""What the tables themselves say on signalling questions: evidence in, suggested answers of RoB 2 out.

From who was blinded (`blinded` in studies.csv), from controls that hide nothing, from outcomes that people
judge themselves, from the numbers analysed of those randomised. A suggestion is no judgement: nothing counts
it, a person answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trialpool.text import absent
from trialpool.vocabulary import Vocabulary

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
NEARLY_ALL = 0.95  # of those randomised: often enough for a continuous outcome (RoB 2 guidance, 3.1)
HIDING = ("sham", "placebo")  # controls that may hide which treatment it is
UNAWARE = {
    "participants": ("participants", "participants_and_assessors", "everybody"),
    "carers": ("everybody",),
    "assessors": ("assessors", "participants_and_assessors", "everybody"),
}
RESULTS = ("continuous", "events", "contrasts")
MEASUREMENT, DEVIATIONS = "measurement_of_the_outcome", "deviations_from_intended_interventions"


class Suggestion(NamedTuple):
    """An answer that the tables suggest to a signalling question of RoB 2, and why.

    `outcome` is a domain of outcomes, "" where the answer is of the whole trial.
    """

    study_id: str
    tool: str
    domain: str
    outcome: str
    question: str
    answer: str
    why: str


def suggested_answers(tables: Tables, vocabulary: Vocabulary) -> list[Suggestion]:
    """Suggestions for every trial, by its id; only what follows from cells of closed words and from counts.

    `tables` are rows of the evidence tables by name.

    >>> from trialpool.vocabulary import general
    >>> events = [{"study_id": "A", "arm": "a", "domain": "pain", "timepoint": "follow_up", "n": 50.0}]
    >>> tables = {"studies": [{"study_id": "A", "blinded": "nobody"}], "continuous": events}
    >>> [(each.question, each.answer) for each in suggested_answers(tables, general())]
    [('2.1', 'Y'), ('2.2', 'Y'), ('4.3', 'Y'), ('4.4', 'PY')]
    """
    arms = _by_study(tables.get("arms", ()))
    results = {name: _by_study(tables.get(name, ())) for name in RESULTS}
    found: list[Suggestion] = []
    for study in tables["studies"]:
        name = study["study_id"]
        own = {table: by.get(name, []) for table, by in results.items()}
        found += _of_trial(study, arms.get(name, []), own, vocabulary)
    return found


def _by_study(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["study_id"], []).append(row)
    return found


def _of_trial(
    study: Row, arms: Sequence[Row], results: Mapping[str, Sequence[Row]], vocabulary: Vocabulary
) -> Iterator[Suggestion]:
    def said(domain: str, question: str, answer: str, why: str, outcome: str = "") -> Suggestion:
        return Suggestion(study["study_id"], "RoB2", domain, outcome, question, answer, why)

    blinded = "" if absent(study.get("blinded")) else str(study["blinded"])
    aware = _aware(blinded, arms, vocabulary)
    if aware:
        answer, why = aware
        yield said(DEVIATIONS, "2.1", answer, why)
    if blinded:
        carers = "N" if blinded in UNAWARE["carers"] else "Y" if blinded == "nobody" else ""
        if carers:
            yield said(DEVIATIONS, "2.2", carers, f"blinded: {blinded}")
    rows = [row for own in results.values() for row in own if row.get("timepoint") != "baseline"]
    for outcome in dict.fromkeys(str(row["domain"]) for row in rows):
        own = vocabulary.domain(outcome).self_reported
        if own and aware:
            knew = aware[0] in ("Y", "PY")
            yield said(MEASUREMENT, "4.3", aware[0], f"people judge it themselves; {aware[1]}", outcome)
            if knew:
                why = "what people report themselves can be influenced by what they know"
                yield said(MEASUREMENT, "4.4", "PY", why, outcome)
        elif blinded and not own:
            answer = "N" if blinded in UNAWARE["assessors"] else "Y" if blinded == "nobody" else ""
            if answer:
                yield said(MEASUREMENT, "4.3", answer, f"blinded: {blinded}", outcome)
    yield from _missing(study, arms, results, said)


def _aware(blinded: str, arms: Sequence[Row], vocabulary: Vocabulary) -> tuple[str, str] | None:
    """The answer to whether participants knew their treatment, with the reason; None where nothing says."""
    if blinded:
        return ("N" if blinded in UNAWARE["participants"] else "Y"), f"blinded: {blinded}"
    controls = {str(arm["category"]) for arm in arms if arm.get("role") == "control"}
    plain = [code for code in vocabulary.controls if code not in HIDING]
    if controls and controls <= set(plain):
        names = ", ".join(sorted(vocabulary.treatment(code) for code in controls))
        return "PY", f"the control is {names}"
    return None


def _missing(
    study: Row, arms: Sequence[Row], results: Mapping[str, Sequence[Row]], said: Any
) -> Iterator[Suggestion]:
    """Of every outcome the smallest share of those randomised whose data were analysed."""
    randomised = {arm["arm"]: arm["n_randomised"] for arm in arms if not absent(arm.get("n_randomised"))}
    counts: dict[str, dict[Any, dict[str, float]]] = {}
    for name in ("continuous", "events"):
        for row in results[name]:
            if row.get("timepoint") != "baseline" and row["arm"] in randomised and not absent(row.get("n")):
                what = (
                    row.get("instrument") or row.get("outcome"),
                    row.get("item"),
                    row.get("weeks"),
                    row["timepoint"],
                )
                of = counts.setdefault(str(row["domain"]), {}).setdefault(what, {})
                of[row["arm"]] = max(of.get(row["arm"], 0.0), float(row["n"]))
    for outcome, measured in counts.items():
        sums = [(sum(of.values()), sum(float(randomised[arm]) for arm in of)) for of in measured.values()]
        analysed, people = min(sums, key=lambda each: each[0] / each[1])
        why = f"{analysed:.0f} of {people:.0f} randomised were analysed"
        answer = "PY" if analysed >= NEARLY_ALL * people else "PN"
        yield said("missing_outcome_data", "3.1", answer, why, outcome)
