"""A review of a file's own analyses: what an importer found of them in; config, words, tables that run out.

Candidate rows stay as they are; the review has rows of its own, in which stand-ins fill what the file does
not say and no analysis can do without. Each of them is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from trialpool.contracts import EVIDENCE, TABLES
from trialpool.exchange.candidates import (
    OUTCOME,
    TO_FILL_IN,
    Asked,
    Candidates,
    Codes,
    Fill,
    Question,
    Row,
    Rows,
    csv_text,
    filled,
)
from trialpool.measures import MEASURES, SIDES, Of
from trialpool.text import capital, listing, spaced
from trialpool.vocabulary import general
from trialpool.yaml_files import shipped

FOLDER = "review"  # in the folder of an import
NOWHERE = "https://to-fill-in.invalid/"  # RFC 2606: nobody can have it
STAND_INS = {  # where neither the file nor --fill says anything
    "studies": {
        "condition": "CONDITION",
        "design": "parallel",
        "purpose": "treatment",
        "source_type": "review",
    },
    "arms": {"role": "experimental", "category": "other", "label": TO_FILL_IN},
    "continuous": {"unit": "points", "better": "lower", "measure": "final", "timepoint": "end_of_treatment"},
    "contrasts": {"better": "lower", "timepoint": "end_of_treatment"},
    "events": {"timepoint": "end_of_treatment"},
}
STAND_INS["continuous"] |= {"centre_type": "mean", "spread_type": "none", "locator": TO_FILL_IN}
STAND_INS["contrasts"] |= {"spread_type": "none", "locator": TO_FILL_IN}
STAND_INS["risk_of_bias"] = STAND_INS["signalling_answers"] = {"assessed_by": NOWHERE}
STAND_INS["events"] |= {"locator": TO_FILL_IN}


def with_own_review(candidates: Candidates, fill: Fill) -> Candidates:
    """Candidates with the files of a review of the file's own analyses, and what is to be known of it."""
    if candidates.asked is None:
        return candidates
    files, said = own_review(candidates.source, candidates.asked, fill)
    return replace(candidates, files={**candidates.files, **files}, remarks=[*candidates.remarks, *said])


def own_review(source: str, asked: Asked, fill: Fill) -> tuple[dict[str, str], list[str]]:
    """The files of the review by their paths, and what is to be known of it.

    Nothing, where no question has rows.
    """
    rows, said = _stood_in(asked.rows, fill)
    questions = asked.questions or list(_questions(rows, asked.names))
    found = [(each, _rows_of(each, rows)) for each in questions]
    found = [(each, own) for each, own in found if own]
    if not found:
        return {}, ["No analysis of its own can be drawn: no outcome has rows of two sides."]
    analyses = {each.slug: _analysis(each, own, rows) for each, own in found}
    texts = {f"data/{EVIDENCE[name].file}": csv_text(EVIDENCE[name].names, rows[name]) for name in rows}
    head = {"title": source, **asked.head}
    config = {
        **head,
        **{"evidence": "data", "processed": "processed", "results": "results"},
        **{"vocabulary": "vocabulary.yaml", "instruments": "instruments.yaml"},
        **({"defaults": dict(asked.defaults)} if asked.defaults else {}),
        "analyses": analyses,
    }
    about = shipped("exchange")["own_review"].format(source=source)
    texts["config.yaml"] = about + _yaml(config)
    texts["vocabulary.yaml"] = _yaml(_vocabulary(rows, analyses, asked))
    texts["instruments.yaml"] = _yaml({"instruments": dict(_instruments(rows, analyses, asked.names))})
    return {f"{FOLDER}/{name}": text for name, text in texts.items()}, said


def _yaml(content: Mapping[str, Any]) -> str:
    dumped = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return str(dumped)


def _stood_in(rows: Rows, fill: Fill) -> tuple[dict[str, list[Row]], list[str]]:
    """Rows with every cell that an analysis needs, and which stand-ins there are, in words."""
    whole: dict[str, list[Row]] = {name: [] for name in EVIDENCE if name in TABLES or rows.get(name)}
    used: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in whole:
        table = EVIDENCE[name]
        for row in rows.get(name, ()):
            cells = filled(row, table, fill)
            for column in table.names:
                other = row.get(f"?{column}") or STAND_INS.get(name, {}).get(column, "")
                if column == "source_url":
                    other = NOWHERE
                if column == "timepoint" and cells.get("weeks") in ("0", "0.0"):
                    other = "baseline"
                if not cells[column] and other:
                    cells[column] = other
                    used[name, column].append(other)
            whole[name].append(cells)
    return whole, [
        f"Stand-ins in {FOLDER}/data/{name}.csv, {column}: {_some(values)} ({len(values)} cells)."
        for (name, column), values in used.items()
    ]


def _some(values: Sequence[str]) -> str:
    different = [*dict.fromkeys(values)]
    return listing(different[:3]) if len(different) <= 3 else f"{', '.join(different[:3])} …"


def _rows_of(question: Question, rows: Rows) -> list[Row]:
    """The rows that answer a question."""
    column = OUTCOME[question.table]
    return [row for row in rows[question.table] if row[column] in question.outcomes]


def _analysis(question: Question, own: Sequence[Row], rows: Rows) -> dict[str, Any]:
    """The question as an analysis written out in full, in the words that its rows have."""
    category = {(arm["study_id"], arm["arm"]): arm["category"] for arm in rows["arms"]}
    condition = {study["study_id"]: study["condition"] for study in rows["studies"]}
    arms = {(row["study_id"], row[key]) for row in own for key in ("arm", "arm_1", "arm_2") if row.get(key)}
    sides = [
        sorted({category[arm] for arm in arms if arm in category and arm[1] in side})
        for side in question.sides
    ]
    times = [*dict.fromkeys(row["timepoint"] for row in own if row["timepoint"] != "baseline")]
    domain = own[0]["domain"]
    asked = (condition.get(row["study_id"]) or STAND_INS["studies"]["condition"] for row in own)
    conditions = [*dict.fromkeys(asked)]
    return {
        "title": question.title,
        "condition": conditions[0] if len(conditions) == 1 else conditions,
        "domain": domain,
        "outcomes": list(question.outcomes),
        **dict(zip(SIDES, sides, strict=True)),
        **({"timepoint": times} if times != ["end_of_treatment"] else {}),
        "measure": question.measure,
        "better": general().domain(domain).better or question.better,
        **question.settings,
    }


def _questions(rows: Rows, names: Mapping[str, str]) -> Iterator[Question]:
    """Every outcome of every pair of an experimental and a control category that some trial compares.

    Of events a question each; of several scores of one domain one, standardised. Of harms that registries
    count, only the totals.
    """
    slug = Codes(80, "analysis")
    labels = {arm["category"]: arm["label"] for arm in reversed(rows["arms"])}
    arms = {(arm["study_id"], arm["arm"]): arm for arm in rows["arms"]}
    for table in ("continuous", "events"):
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in rows[table]:
            own = general().domain(row["domain"])
            if row["timepoint"] != "baseline" and (not own.registry or row[OUTCOME[table]] in own.outcomes):
                groups[(row["domain"], *((row["outcome"],) if table == "events" else ()))].append(row)
        for (domain, *_), group in groups.items():
            outcomes = tuple(dict.fromkeys(row[OUTCOME[table]] for row in group))
            measure = "RR" if table == "events" else "MD" if len(outcomes) == 1 else "SMD"
            own = general().domain(domain)
            counted = own.phrase(outcomes[0]) if own.registry else ""
            what = counted or names.get(outcomes[0]) or names.get(domain) or own.name
            for one, other in _compared(group, arms):
                title = f"{capital(what)}: {labels[one]} versus {labels[other]}"
                yield Question(
                    slug=slug(f"analysis {title}").replace("_", "-"),
                    title=title,
                    table=table,
                    outcomes=outcomes,
                    sides=(_arms_of(arms, one), _arms_of(arms, other)),
                    measure=measure,
                    better=group[0].get("better") or "lower",
                )


def _compared(group: Iterable[Row], arms: Mapping[tuple[str, str], Row]) -> list[tuple[str, str]]:
    """The pairs of categories that trials with these rows compare, an experimental and a control one."""
    by_study: dict[str, dict[str, list[str]]] = defaultdict(lambda: {side: [] for side in SIDES})
    for row in group:
        arm = arms.get((row["study_id"], row["arm"]), {})
        if arm.get("role") in SIDES:
            by_study[row["study_id"]][arm["role"]].append(arm["category"])
    pairs = [
        (one, other)
        for found in by_study.values()
        for one in found["experimental"]
        for other in found["control"]
        if one != other
    ]
    return [*dict.fromkeys(pairs)]


def _arms_of(arms: Mapping[tuple[str, str], Row], category: str) -> frozenset[str]:
    return frozenset(arm for (_, arm), row in arms.items() if row["category"] == category)


def _vocabulary(rows: Rows, analyses: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """The words of the tables: conditions, treatments, and domains where the general ones are not meant."""
    labels = {arm["category"]: arm["label"] for arm in reversed(rows["arms"])}
    conditions = {row["condition"]: None for row in [*rows["studies"], *rows["published_pools"]]}
    better = {spec["domain"]: spec["better"] for spec in analyses.values()}
    of = {row["domain"]: kind for name, kind in _KINDS for row in rows[name]}
    of |= {spec["domain"]: MEASURES[spec["measure"]].of for spec in analyses.values()}
    domains = {
        code: _domain(asked.names.get(code) or spaced(code), kind, better.get(code, "lower"))
        for code, kind in of.items()
        if code not in general().domains
    }
    words = {
        "conditions": {code: asked.names.get(code) for code in conditions},
        "domains": domains,
        "treatments": {code: asked.names.get(code) or label for code, label in labels.items()},
        "short": dict(asked.short),
    }
    units = {row["unit"] for row in [*rows["continuous"], *rows["contrasts"]] if row["unit"]}
    own = {f"as printed: {unit}": {unit: 1} for unit in sorted(units - general().units.keys())}
    return {key: value for key, value in {**words, "units": own}.items() if value}


_KINDS = (("contrasts", Of.MEANS), ("continuous", Of.MEANS), ("events", Of.EVENTS))


def _domain(name: str, kind: Of, better: str) -> dict[str, str]:
    said = name[:1].lower() + name[1:] if name[1:] == name[1:].lower() else name
    if kind is Of.MEANS:
        return {"of": "means", "better": better, "name": said}
    return {"of": "events", "better": better, "name": said, "any": f"with: {said}"}


def _instruments(
    rows: Rows, analyses: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every instrument of the rows; of none of them the file says a range."""
    events = {spec["domain"] for spec in analyses.values() if MEASURES[spec["measure"]].of is not Of.MEANS}
    known: dict[str, list[Row]] = defaultdict(list)
    for row in [*rows["continuous"], *rows["contrasts"]]:
        known[row["instrument"]].append(row)
    for code, own in known.items():
        first = own[0]
        domains = [*dict.fromkeys(row["domain"] for row in own)]
        entry = {"name": names.get(code) or spaced(code), "domains": domains, "range": None}
        entry |= {"better": first["better"], "unit": first["unit"] or None}
        yield code, entry | ({"binary": True} if events & {*domains} else {})
