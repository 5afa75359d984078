"""What studies report by arm and by contrast, before any analysis: rows of the codebook, and what they ask.

The tables are those of RevMan Web's study-centric data, which Covidence exports too. They say neither which
arm is the control nor which direction is better: the candidate rows leave that empty, the review that runs
takes as control what a label or a reference arm names, else the last arm.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from trialpool.contracts import FORMS, INTERVALS, LOG, RATIO_CONTRASTS
from trialpool.exchange import candidates as cell
from trialpool.exchange.candidates import OUTCOME, Asked, Codes, Question, Row, treatment_code
from trialpool.exchange.revman_review import REVMAN, Arm, Result, Review, joined
from trialpool.vocabulary import general
from trialpool.yaml_files import schema_of

RATIOS = ("OR", "RR", "RD", "HR", "IRR")  # of events, not of means
Arms = Mapping[tuple[str, str], Row]  # by the key of the study and the name of the arm


def add_reported(review: Review, rows: dict[str, list[Row]]) -> None:
    """Add the rows of every result of a study, and its arms."""
    arms = arm_rows(review)
    used = set()
    for result in review.results:
        table, cells, problem = _cells(result, arms, review)
        if problem:
            review.remarks.append(f"{result.study}, {result.outcome}, {result.arm}: {problem}, left out.")
            continue
        rows[table].append(_base(result, review) | cells)
        used |= {(result.study, name) for name in (result.arm, result.reference) if name}
    known = {(row["study_id"], row["arm"]) for row in rows["arms"]}
    own = (row for key, row in arms.items() if key in used)
    rows["arms"] += [row for row in own if (row["study_id"], row["arm"]) not in known]


def arm_rows(review: Review) -> dict[tuple[str, str], Row]:
    """The arms of every study; `?` cells are what the file does not say itself."""
    listed = {(arm.study, arm.name): arm for arm in review.arms}
    for each in review.results:
        for name in filter(None, (each.arm, each.reference)):
            listed.setdefault((each.study, name), Arm(each.study, name))
    category = {key: treatment_code(arm.intervention or arm.name) for key, arm in listed.items()}
    references = {(each.study, each.reference) for each in review.results if each.reference}
    sure = {category[key] for key in references} | {*general().controls}
    alike: dict[str, set[str]] = defaultdict(set)
    by_study: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, arm in listed.items():
        alike[arm.name].add(category[key])
        by_study[arm.study].append(key)
    controls = {*sure}
    for keys in by_study.values():
        if not controls & {category[key] for key in keys}:
            controls.add(category[keys[-1]])
    code, rows = Codes(40, "arm"), {}
    for key, arm in listed.items():
        text = arm.name if len(alike[arm.name]) == 1 else f"{arm.name} {arm.intervention or category[key]}"
        first = category[key] in controls and key == by_study[arm.study][0]
        lone = first and {category[each] for each in by_study[arm.study]} <= controls
        label = arm.intervention or arm.name
        rows[key] = {
            "study_id": review.ids.get(arm.study, ""),
            "arm": code(text),
            "role": "control" if category[key] in sure and not lone else "",
            "category": general().control_in(label),
            "label": cell.plain(arm.name, 200),
            "cointervention": "",
            "?role": "control" if category[key] in controls and not lone else "experimental",
            "?category": category[key],
        }
        if arm.description or (arm.intervention and arm.intervention != arm.name):
            rows[key]["note"] = cell.plain(joined(f"intervention: {arm.intervention}", arm.description))
    return rows


def _base(result: Result, review: Review) -> Row:
    where = f"{review.source}, study results: {result.outcome}"
    weeks = cell.weeks_in(result.outcome)
    said = f"week {weeks} from the outcome's name" if weeks else ""
    return {
        "study_id": review.ids.get(result.study, ""),
        "weeks": weeks,
        "source_url": review.url,
        "reading": "single",
        "locator": cell.plain(where),
        "note": cell.plain(joined(result.footnote, said)),
    }


def _cells(result: Result, arms: Arms, review: Review) -> tuple[str, Row, str]:
    """Table and cells of a result, or why there are none."""
    values = result.values
    if result.reference:
        return "contrasts", *_contrast(result, arms, review)
    arm, n = arms[result.study, result.arm]["arm"], cell.people(values.get("Sample size"))
    if result.events:
        events = cell.count(values.get("Cases"))
        cells = {"arm": arm, "outcome": review.code(result.outcome), "definition": cell.plain(result.outcome)}
        problem = "" if events and n else "no whole number of cases, or nobody in the arm"
        return "events", cells | {"events": events, "n": n}, problem
    spread = _spread(values, {"SD": "sd", "SE": "se"})
    cells = {"arm": arm, "instrument": _instrument(result, review), "item": "", "unit": "", "n": n}
    cells |= {"centre_type": "mean", "centre": values.get("Mean", ""), **spread}
    return "continuous", cells, "" if cells["centre"] else "no mean"


def _instrument(result: Result, review: Review) -> str:
    return cell.instrument_code(review.instrument(result.outcome))


def _spread(values: Mapping[str, str], single: Mapping[str, str], prefix: str = "") -> Row:
    """The spread that is given, that of `single` columns before an interval before none."""
    for column, kind in single.items():
        if values.get(column):
            return {"spread_type": kind, "spread_low": values[column], "spread_high": ""}
    if (variance := float(values.get("Variance") or 0)) > 0:
        return {"spread_type": "se", "spread_low": f"{math.sqrt(variance):.15g}", "spread_high": ""}
    low, high = values.get(f"{prefix}CI start", ""), values.get(f"{prefix}CI end", "")
    level = float(values.get("CI level") or 95)
    kind = f"ci{level * 100 if level < 1 else level:g}"
    if low and high and kind in INTERVALS:
        return {"spread_type": kind, "spread_low": low, "spread_high": high}
    return {"spread_type": "none", "spread_low": "", "spread_high": ""}


def _contrast(result: Result, arms: Arms, review: Review) -> tuple[Row, str]:
    """A contrast on its natural scale where that is given, else as the logarithm that RevMan holds."""
    values, measure = result.values, _measure(result)
    p_value = values.get("P value", "")
    pair = (arms[result.study, name]["arm"] for name in (result.arm, result.reference))
    cells = {
        **dict(zip(("arm_1", "arm_2"), pair, strict=True)),
        "instrument": _instrument(result, review),
        "n_1": cell.people(values.get("Sample size")),
        "p_value": p_value if re.fullmatch(FORMS["p_value"].pattern, p_value) else "",
    }
    natural = _spread({**values, "Variance": ""}, {}, "Exp ")
    if values.get("Exp mean") or natural["spread_type"] != "none":
        cells |= {"measure": measure, "estimate": values.get("Exp mean", ""), **natural}
    else:
        logged = f"{LOG}{measure}" if measure in RATIO_CONTRASTS else measure
        cells |= {"measure": logged, "estimate": values.get("Mean", ""), **_spread(values, {"SE": "se"})}
    usable = cells["estimate"] or cells["spread_type"] != "none"
    return cells, "" if usable else "no estimate and no interval"


def _measure(result: Result) -> str:
    return REVMAN["measures"].get(result.measure.casefold().strip(), "effect_unspecified")


# What they ask


def reported_analyses(review: Review, rows: Mapping[str, Sequence[Row]]) -> Asked:
    """An analysis of every outcome for every pair of interventions that a study compares."""
    titles = {row["outcome"]: row["definition"] for row in rows["events"]}
    titles |= {_instrument(each, review): each.outcome for each in review.results if not _of_arms(each)}
    domain = Codes(60, "outcome")
    own: dict[str, list[Row]] = {name: [dict(row) for row in some] for name, some in rows.items()}
    scores = {titles[row["instrument"]] for row in own["continuous"]}
    for name, column in OUTCOME.items():
        for row in own[name]:
            apart = _code(row.get("measure", "")) in RATIOS and titles[row[column]] in scores
            row["?domain"] = domain(titles[row[column]] + (" as a ratio" if apart else ""))
    title = review.title or review.source
    condition = cell.instrument_code(review.title) or "CONDITION"
    own["studies"] = [{**study, "?condition": condition} for study in own["studies"]]
    names = {condition: title, **titles}
    names |= {row["?domain"]: titles[row[column]] for name, column in OUTCOME.items() for row in own[name]}
    for arm in reversed(review.arms):
        label = arm.intervention or arm.name
        names[treatment_code(label)] = label
    return Asked(rows=own, questions=[*_questions(own, names)], names=names, head={"title": title})


def _of_arms(result: Result) -> bool:
    return result.events and not result.reference


def _questions(rows: Mapping[str, Sequence[Row]], names: Mapping[str, str]) -> Iterator[Question]:
    known = schema_of("config").schema["$defs"]["analysis"]["properties"]["measure"]["enum"]
    arms = {(row["study_id"], row["arm"]): row for row in rows["arms"]}
    slug = Codes(80, "analysis")
    compared: dict[tuple[str, str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for table, column in OUTCOME.items():
        for row, pair in _compared(rows[table], arms):
            measure = {"events": "RR", "continuous": "MD"}.get(table) or _code(row["measure"])
            if measure in known:
                compared[row["?domain"], measure, *pair].append((table, row[column]))
    for (domain, measure, one, other), found in compared.items():
        title = f"{names[domain]}: {names.get(one, one)} versus {names.get(other, other)}"
        yield Question(
            slug=slug(f"{title} {'' if found[0][0] != 'contrasts' else measure}").replace("_", "-"),
            title=title,
            table=found[0][0],
            outcomes=tuple(dict.fromkeys(code for _, code in found)),
            sides=(_arms_of(arms, one), _arms_of(arms, other)),
            measure=measure,
            better="lower",
        )


def _code(measure: str) -> str:
    return REVMAN["codes"].get(measure.removeprefix(LOG), "")


def _compared(rows: Sequence[Row], arms: Arms) -> Iterator[tuple[Row, tuple[str, str]]]:
    """The categories that a contrast compares, or a row of an experimental arm with those of its controls."""
    controls: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    own = [(row, arms[row["study_id"], row["arm" if "arm" in row else "arm_1"]]) for row in rows]
    for row, arm in own:
        if "arm" in row and arm["?role"] == "control":
            controls[row["study_id"], row["?domain"]][arm["?category"]] = None
    for row, arm in own:
        if "arm_2" in row:
            yield row, (arm["?category"], arms[row["study_id"], row["arm_2"]]["?category"])
        elif arm["?role"] == "experimental":
            for other in controls[row["study_id"], row["?domain"]]:
                yield row, (arm["?category"], other)


def _arms_of(arms: Arms, category: str) -> frozenset[str]:
    return frozenset(arm for (_, arm), row in arms.items() if row["?category"] == category)
