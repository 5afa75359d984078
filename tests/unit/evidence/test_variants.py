"""Other defensible choices of data: kept where they pool other numbers, never as the main result."""

import pandas as pd

from trialpool.evidence.variants import variant_effects

SPEC = {
    "analysis": "a",
    "timepoint": "end_of_treatment",
    "outcomes": ["NRS", "VAS100"],
    "items": [],
    "several_effects": "prefer",
    "multi_arm": "combine",
    "change_correlation": 0.5,
}


def rows(*entries, analysis="a"):
    names = ("study_id", "instrument", "effect", "variance", "selected")
    table = pd.DataFrame([dict(zip(names, entry, strict=True)) for entry in entries])
    return table.assign(analysis=analysis, item="", kind="final")


DEFAULT = rows(
    ("A", "NRS", -1.0, 0.1, True), ("B", "NRS", -2.0, 0.2, True), ("A", "VAS100", -3.0, 0.1, False)
)


def compare(specs):
    """What the real comparison would answer: the first instrument decides A, the time decides B."""
    tables = []
    for spec in specs:
        first = -3.0 if spec["outcomes"][0] == "VAS100" else -1.0
        second = -5.0 if spec["timepoint"] == "follow_up" else -2.0
        table = rows(("A", "x", first, 0.1, True), ("B", "x", second, 0.2, True), analysis=spec["analysis"])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def test_only_choices_that_change_the_numbers_are_kept_and_crossed():
    found = variant_effects([SPEC], DEFAULT, compare)
    assert list(dict.fromkeys(found["variant"])) == [
        "timepoint=follow_up",
        "instrument=VAS100",
        "timepoint=follow_up; instrument=VAS100",
    ]
    both = found[found["variant"] == "timepoint=follow_up; instrument=VAS100"]
    assert both["effect"].tolist() == [-3.0, -5.0]
    assert set(found["analysis"]) == {"a"}
    assert not found["selected"].any()


def test_an_analysis_without_effects_has_no_variants():
    nothing = DEFAULT.assign(selected=False)
    asked = []
    found = variant_effects([SPEC], nothing, lambda specs: asked.extend(specs) or compare(specs))
    assert found.empty
    assert list(found.columns) == list(DEFAULT.columns)
    assert asked == []
