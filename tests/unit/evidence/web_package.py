"""A made-up review in the layout of RevMan Web's data package, its totals by the textbook formulas."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from rm5 import Z, mantel_haenszel_rr, random_md

from trialpool.exchange.revman_web import WEB

Row = dict[str, object]
STUDIES = {"Müller": "2001", "O'Neil": "2003", "Żak": "2010"}
EVENTS = {"Müller": (4, 40, 11, 42), "O'Neil": (6, 51, 9, 49), "Żak": (3, 30, 9, 28)}
MEANS = {"Müller": (3.1, 1.2, 40, 4.4, 1.5, 42), "Żak": (2.0, 1.1, 30, 4.1, 1.3, 28)}
LOGS = {"Müller": (-0.41, 0.21), "O'Neil": (-0.2, 0.17)}
TALLIES = {"Müller": (-4.1, 9.5), "Żak": (-2.25, 6.125)}
HALVES = {"Müller": "under 65", "O'Neil": "under 65", "Żak": "over 65"}
OLDER = ("Study CI", "Estimate CI")  # columns of version 1, until 23 September 2024
NEWER = ("Heterogeneity estimator", "Tau² CI", "Prediction interval", "CI method", "CI/PI level")
NEWER += ("Sort by", "Graph label (left)", "Graph label (right)", "Graph scale", "Show risk of bias")


def around(mean: float, variance: float, level: float = Z) -> tuple[float, float, float]:
    """An estimate with its normal interval, on the natural scale of a logarithm."""
    half = level * math.sqrt(variance)
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def inverse_variance(pairs: Iterable[tuple[float, float]]) -> tuple[float, float, float]:
    """Fixed effect of log estimates with their standard errors."""
    weights = [(1 / se**2, y) for y, se in pairs]
    total = sum(w for w, _ in weights)
    return around(sum(w * y for w, y in weights) / total, 1 / total)


def peto(tables: Iterable[tuple[int, ...]]) -> tuple[float, float, float]:
    """Yusuf et al. 1985."""
    over = under = 0.0
    for a, n1, c, n2 in tables:
        n, m = n1 + n2, a + c
        over += a - m * n1 / n
        under += n1 * n2 * m * (n - m) / (n**2 * (n - 1))
    return around(over / under, 1 / under)


def log_rank(pairs: Iterable[tuple[float, float]]) -> tuple[float, float, float]:
    """The sum of O - E over that of its variances."""
    pairs = list(pairs)
    under = sum(v for _, v in pairs)
    return around(sum(o for o, _ in pairs) / under, 1 / under)


def total(numbers: tuple[float, ...]) -> Row:
    """A stored total, to six decimals."""
    columns = ("Mean", "CI start", "CI end", "Heterogeneity Tau²")
    return {column: f"{number:.6f}" for column, number in zip(columns, numbers, strict=False)}


def settings(number: int, name: str, kind: str, method: str, measure: str, **more: object) -> Row:
    """A line of the overall estimates and settings."""
    row: Row = {"Analysis group": 1, "Analysis number": number, "Analysis name": name}
    row |= {"Analysis group name": "Laser versus sham", "Data source": "Custom input", "Data type": kind}
    row |= {"Experimental group label": "Laser", "Control group label": "Sham laser"}
    row |= {"Statistical method": method, "Effect measure": measure, "Analysis model": "Fixed effect"}
    row |= {"Subgroup estimates": "true", "Overall estimates": "true", "Swap event and non-event": "false"}
    row |= {"CI method": "Wald", "CI/PI level": "95%", "Study CI": "95%", "Estimate CI": "95%"}
    row |= {"Graph label (left)": "Favours laser", "Graph label (right)": "Favours sham"}
    return row | {"Data source eligibility": "#N/A"} | more


def line(number: int, study: str, subgroup: str = "", **cells: object) -> Row:
    """A data row; what its kind of data does not have is zero, as RevMan writes it."""
    zeros: Row = dict.fromkeys(WEB["cells"].values(), "0.0")
    row: Row = {"Analysis group": 1, "Analysis number": number, "Subgroup": subgroup, "Study": study}
    row |= {"Study year": STUDIES[study], "Applicability": "SUBGROUP_AND_OVERALL"}
    return zeros | row | {WEB["cells"][code]: value for code, value in cells.items()}


def rows() -> dict[str, list[Row]]:
    """The tables of the review: every kind of data that RevMan pools."""
    ev = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    mean = ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2")
    early = [EVENTS[name] for name, part in HALVES.items() if part == "under 65"]
    late = [EVENTS[name] for name, part in HALVES.items() if part == "over 65"]
    lines = [line(1, n, HALVES[n], **dict(zip(ev, cells, strict=True))) for n, cells in EVENTS.items()]
    lines += [line(2, n, **dict(zip(mean, cells, strict=True))) for n, cells in MEANS.items()]
    lines += [line(3, n, ESTIMATE=y, SE=se) for n, (y, se) in LOGS.items()]
    lines += [line(4, n, O_E=o, VAR=v) for n, (o, v) in TALLIES.items()]
    lines += [line(5, n, **dict(zip(ev, cells, strict=True))) for n, cells in EVENTS.items()]
    part = {"Analysis group": 1, "Analysis number": 1}
    random = {"Analysis model": "Random effects", "Subgroup estimates": "false"}
    return {
        "settings": [
            settings(1, "Pain at rest", "Dichotomous", "MH", "Risk Ratio")
            | total(mantel_haenszel_rr([*early, *late])),
            settings(2, "Pain, VAS", "Continuous", "IV", "Mean Difference", **random)
            | total(random_md(list(MEANS.values()))),
            settings(3, "Relapse", "Contrast level", "IV", "Hazard Ratio")
            | total(inverse_variance(LOGS.values())),
            settings(4, "Death", "O-E and variance", "EXP_O_E_VAR", "Hazard Ratio")
            | total(log_rank(TALLIES.values())),
            settings(5, "Nausea", "Dichotomous", "PETO", "Peto Odds Ratio") | total(peto(EVENTS.values())),
        ],
        "data_rows": lines,
        "subgroups": [
            part | {"Subgroup": "under 65", "Subgroup number": 1} | total(mantel_haenszel_rr(early)),
            part | {"Subgroup": "over 65", "Subgroup number": 2} | total(mantel_haenszel_rr(late)),
        ],
        "study_information": [
            {"Study": name, "Year": year, "Data source": "PUB", "Char: Participants": "adults, in pain"}
            for name, year in STUDIES.items()
        ],
    }


def files(version: int = 2, tables: Mapping[str, list[Row]] | None = None) -> dict[str, str]:
    """The tables as texts, by the names that RevMan Web gives them."""
    analysis, study = "analysis-data/CD1", "study-data/CD1"
    names = {
        "settings": f"{analysis}-overall-estimates-and-settings.csv",
        "data_rows": f"{analysis}-data-rows.csv",
        "subgroups": f"{analysis}-subgroup-estimates.csv",
        "study_information": f"{study}-study-information.csv",
        "study_arms": f"{study}-study-arms.csv",
        "study_results": f"{study}-study-results.csv",
    }
    texts = {}
    for kind, lines in (tables or rows()).items():
        left_out = OLDER if version == 2 else NEWER
        columns = [name for name in (*WEB["columns"][kind], *OLDER) if name not in left_out]
        if kind != "settings":
            columns = [name for name in columns if name not in OLDER]
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        texts[f"CD1-{names[kind]}"] = "\ufeff" + out.getvalue()
    judged = "Study,Domain (judgement): Allocation concealment,Domain (support): Allocation concealment"
    texts["CD1-study-data/CD1-risk-of-bias.csv"] = f"\ufeff{judged}\nMüller,Low risk,sealed envelopes\n"
    return texts


def package(folder: Path, version: int = 2, tables: Mapping[str, list[Row]] | None = None) -> Path:
    """The package as a zip in a folder."""
    path = folder / "CD1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files(version, tables).items():
            archive.writestr(name, text.encode())
    return path


def studies_only() -> dict[str, list[Row]]:
    """Study-centric tables: two drugs and placebo, by arm and by contrast."""
    arms: list[Row] = []
    results: list[Row] = []
    for study, (a, n1, c, n2) in EVENTS.items():
        for arm, intervention in (("Laser", "Laser"), ("Sham", "Sham laser")):
            arms.append({"Study": study, "Arm": arm, "Intervention": intervention, "Description": "daily"})
        counted = {"Study": study, "Outcome": "Pain at rest", "Data type": "Dichotomous"}
        results.append(counted | {"Arm": "Laser", "Cases": a, "Sample size": n1})
        results.append(counted | {"Arm": "Sham", "Cases": c, "Sample size": n2})
    for study, (m1, s1, n1, m2, s2, n2) in MEANS.items():
        scored = {"Study": study, "Outcome": "VAS, week 4", "Data type": "Continuous"}
        results.append(scored | {"Arm": "Laser", "Mean": m1, "SD": s1, "Sample size": n1})
        results.append(scored | {"Arm": "Sham", "Mean": m2, "SE": s2 / math.sqrt(n2), "Sample size": n2})
    for study, (y, se) in LOGS.items():
        ratio = {"Study": study, "Outcome": "Relapse", "Data type": "Dichotomous", "Effect measure": "HR"}
        ratio |= {"Arm": "Laser", "Reference arm": "Sham", "Mean": y, "SE": se, "P value": "0.04"}
        results.append(ratio)
    information = rows()["study_information"]
    return {"study_information": information, "study_arms": arms, "study_results": results}
