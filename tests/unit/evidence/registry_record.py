"""A registry record in the structure of the ClinicalTrials.gov API v2, with posted results."""

from __future__ import annotations

from typing import Any

TITLES = ("Electroacupuncture", "Sham Procedure")


def groups(prefix: str) -> list[dict[str, str]]:
    return [{"id": f"{prefix}00{n}", "title": title, "description": "x"} for n, title in enumerate(TITLES)]


def measured(prefix: str, *cells: dict[str, str]) -> list[dict[str, str]]:
    return [{"groupId": f"{prefix}00{n}", **cell} for n, cell in enumerate(cells)]


def denoms(*counts: str) -> list[dict[str, Any]]:
    pairs = [{"groupId": f"OG00{n}", "value": value} for n, value in enumerate(counts)]
    return [{"units": "Participants", "counts": pairs}]


def outcome(title: str, kind: str, classes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    base = {"type": "PRIMARY", "title": title, "timeFrame": "8 weeks", "paramType": kind}
    return {**base, "groups": groups("OG"), "denoms": denoms("30", "28"), "classes": classes, **more}


def one_class(*cells: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"categories": [{"measurements": measured("OG", *cells)}], **more}


PAIN = outcome(
    "Change in Pain, NRS",
    "MEAN",
    [one_class({"value": "-2.1", "spread": "1.5"}, {"value": "-0.9", "spread": "1.6"})],
    dispersionType="Standard Deviation",
    unitOfMeasure="score on a scale",
    analyses=[
        {
            "groupIds": ["OG000", "OG001"],
            "paramType": "Mean Difference (Final Values)",
            "paramValue": "-1.2",
            "ciPctValue": "95",
            "ciNumSides": "TWO_SIDED",
            "ciLowerLimit": "-2.0",
            "ciUpperLimit": "-0.4",
            "pValue": "= 0.004",
        },
        {"groupIds": ["OG000"], "paramType": "Slope", "paramValue": "1"},
    ],
)
NERVES = outcome(
    "Conduction velocity",
    "LEAST_SQUARES_MEAN",
    [
        one_class(
            {"value": "43.1", "lowerLimit": "41.0", "upperLimit": "45.2"},
            {"value": "40.9", "lowerLimit": "38.8", "upperLimit": "43.0"},
            title="median nerve",
            denoms=denoms("25", "24"),
        ),
        one_class(
            {"value": "NA", "comment": "not estimable"}, {"value": "39.0"}, title="sural nerve, week 12"
        ),
    ],
    dispersionType="95% Confidence Interval",
    unitOfMeasure="m/s",
    timeFrame="Baseline, Weeks 4 and 8",
    type="SECONDARY",
)
RESPONSE = outcome(
    "Global impression",
    "COUNT_OF_PARTICIPANTS",
    [
        {
            "categories": [
                {"title": "Improved", "measurements": measured("OG", {"value": "18"}, {"value": "9"})},
                {"title": "Not improved", "measurements": measured("OG", {"value": "12"}, {"value": "19"})},
            ]
        }
    ],
    unitOfMeasure="Participants",
)
OTHER = outcome("Geometric mean of X", "GEOMETRIC_MEAN", [one_class({"value": "1"}, {"value": "2"})])


def stats(*pairs: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"groupId": f"EG00{n}", "numAffected": a, "numAtRisk": r} for n, (a, r) in enumerate(pairs)]


def moved(kind: str, *counts: str, key: str = "achievements") -> dict[str, Any]:
    pairs = [{"groupId": f"FG00{n}", "numSubjects": value} for n, value in enumerate(counts)]
    return {"type": kind, key: pairs}


SAFETY = {
    "timeFrame": "12 weeks",
    "frequencyThreshold": "5",
    "eventGroups": [
        {
            **group,
            **{"seriousNumAffected": serious, "seriousNumAtRisk": 30},
            **{"otherNumAffected": 4, "otherNumAtRisk": 30, "deathsNumAffected": 0, "deathsNumAtRisk": 30},
        }
        for group, serious in zip(groups("EG"), (1, 0), strict=True)
    ],
    "otherEvents": [{"term": "Bruising at needle site", "stats": stats((4, 30), (1, 30))}],
    "seriousEvents": [{"term": "Stroke", "stats": stats((1, 30), (0, 30))}],
}
FLOW = {
    "groups": groups("FG"),
    "periods": [
        {
            "title": "Overall Study",
            "milestones": [
                moved("STARTED", "32", "30"),
                moved("COMPLETED", "28", "27"),
                moved("NOT COMPLETED", "4", "3"),
            ],
            "dropWithdraws": [
                moved("Adverse Event", "1", "0", key="reasons"),
                moved("Lost to Follow-up", "3", "3", key="reasons"),
            ],
        }
    ],
}
RECORD = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT01234567", "officialTitle": "Needles for numbness"},
        "statusModule": {"resultsFirstPostDateStruct": {"date": "2019-05-02"}},
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "University of Somewhere"}},
        "conditionsModule": {"conditions": ["Chemotherapy-induced Peripheral Neuropathy"]},
        "designModule": {
            "designInfo": {"interventionModel": "PARALLEL", "primaryPurpose": "TREATMENT"},
            "enrollmentInfo": {"count": 62, "type": "ACTUAL"},
        },
        "armsInterventionsModule": {
            "armGroups": [
                {"label": "Electroacupuncture", "type": "EXPERIMENTAL"},
                {"label": "Sham Procedure", "type": "SHAM_COMPARATOR"},
            ]
        },
        "contactsLocationsModule": {"locations": [{"country": "Korea"}, {"country": "Austria"}]},
        "referencesModule": {"references": [{"type": "RESULT", "pmid": "12345"}]},
    },
    "resultsSection": {
        "participantFlowModule": FLOW,
        "outcomeMeasuresModule": {"outcomeMeasures": [PAIN, NERVES, RESPONSE, OTHER]},
        "adverseEventsModule": SAFETY,
    },
    "hasResults": True,
}
