"""An analysis is compared again if, and only if, something changed of which it is made."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_review import CATALOGUE, question, review, two_arms

from trialpool import io
from trialpool.evidence.compare import compare_posed, write_comparison
from trialpool.evidence.made_of import made_of
from trialpool.evidence.match import domains_of, pose
from trialpool.evidence.summaries import harmonise
from trialpool.protocol import load_catalogue
from trialpool.vocabulary import general

FINDINGS = ("row_ids", "rule", "severity", "finding")
SPECS = [
    question(analysis="pain"),
    question(
        analysis="smd", measure="SMD", convert=["improved"]
    ),  # of pain, and of events that are converted
    question(analysis="responder", domain="responder", measure="RR", better="higher"),
    question(analysis="elsewhere", condition=["CIPN"]),
]
BASE = {
    "studies": [{}, {"study_id": "B", "condition": "CIPN"}],
    "arms": [
        {"study_id": study, **arm}
        for study in "AB"
        for arm in ({"arm": "a"}, {"arm": "s", "category": "sham", "role": "control"})
    ],
    "continuous": [*two_arms(), *two_arms(study_id="B")],
    "events": [{"arm": "a"}, {"arm": "s"}],
}


def changed(table="studies", row=0, findings=(), specs=SPECS, **cells):
    """The analyses that are made of something else where one row has other cells."""
    before = hashes(BASE)
    rows = [*BASE[table]]
    rows[row] = rows[row] | cells
    after = hashes(BASE | {table: rows}, findings, specs)
    return {analysis for analysis in after if after[analysis] != before[analysis]}


def hashes(rows, findings=(), specs=SPECS):
    tables = review(**rows)
    found = pd.DataFrame([dict(zip(FINDINGS, each, strict=True)) for each in findings], columns=FINDINGS)
    return made_of(pose(harmonise(tables), tables, CATALOGUE, specs, general(), found), tables, found)


def test_without_a_change_nothing_changed():
    assert changed() == set()


@pytest.mark.parametrize(
    ("change", "analyses"),
    [
        ({"table": "continuous", "row": 0, "centre": 3.5}, {"pain", "smd"}),
        ({"table": "continuous", "row": 3, "n": 21}, {"elsewhere"}),
        ({"table": "events", "row": 1, "events": 11}, {"responder", "smd"}),
        ({"table": "arms", "row": 1, "label": "needles"}, {"pain", "smd", "responder"}),
        ({"table": "studies", "row": 1, "n_randomised": 41}, {"elsewhere"}),
        ({"findings": [("events.csv:3", "too_many", "high", "too many")]}, {"responder", "smd"}),
        ({"findings": [("continuous.csv:9", "too_many", "high", "of no row")]}, set()),
        ({"specs": [SPECS[0] | {"level": 0.9}, *SPECS[1:]]}, {"pain"}),
    ],
)
def test_an_analysis_is_made_of_its_trials_its_domains_results_and_its_settings(change, analyses):
    assert changed(**change) == analyses


def test_a_label_that_another_trial_takes_changes_what_tells_it():
    """Both trials would be Lu 2020, so that they get a letter each."""
    alone = [{}, {"study_id": "B", "condition": "CIPN", "first_author": "Wu"}]
    assert hashes(BASE | {"studies": alone})["pain"] != hashes(BASE)["pain"]


def test_a_finding_on_a_mean_that_makes_a_contrast_elsewhere_counts_for_both():
    contrast = {"arm_1": "a", "arm_2": "s", "domain": "sleep", "estimate": None, "spread_type": "none"}
    contrast |= {"spread_low": None, "spread_high": None, "p_value": "0.01", "n_1": 20, "n_2": 20}
    rows, specs = BASE | {"contrasts": [contrast]}, [SPECS[0], question(analysis="sleep", domain="sleep")]
    assert "continuous.csv:2" in harmonise(review(**rows))["contrasts"]["row_ids"].item()
    before = hashes(rows, specs=specs)
    after = hashes(rows, [("continuous.csv:2", "too_many", "high", "too many")], specs)
    assert all(after[analysis] != before[analysis] for analysis in after)


def test_instruments_and_words_count_for_all(posed, shipped_tables):
    found = pd.DataFrame(columns=FINDINGS)
    other = replace(posed, catalogue={**posed.catalogue, "instruments": {}})
    pairs = (made_of(each, shipped_tables, found) for each in (posed, other))
    assert not set.intersection(*({*hashes.values()} for hashes in pairs))


def rows_of(comparison, names):
    """What a comparison says of some analyses, cell by cell as text."""
    tables = comparison.effects, comparison.excluded, comparison.known
    return [table[table["analysis"].isin(names)].astype(str).values.tolist() for table in tables]


@pytest.fixture(scope="module")
def posed(shipped_tables, shipped_analyses):
    catalogue = load_catalogue("config/instruments.yaml")
    specs = list(shipped_analyses.values())
    return pose(harmonise(shipped_tables), shipped_tables, catalogue, specs, general())


@pytest.fixture(scope="module")
def whole(posed, shipped_tables):
    return compare_posed(posed, shipped_tables)


def test_results_of_other_domains_and_conditions_tell_an_analysis_nothing(posed, whole, shipped_tables):
    """What an analysis is said to be made of is enough: of the rest not a row is there."""
    groups = {}
    for spec in posed.specs:
        parts = tuple(spec["condition"]), tuple(domains_of(spec, posed.vocabulary))
        groups.setdefault(parts, []).append(spec)
    assert len(groups) > 10
    for (conditions, domains), specs in groups.items():
        own = posed.studies.loc[posed.studies["condition"].isin(conditions), "study_id"]
        alone = {
            name: table[table["study_id"].isin(own) & table["domain"].isin(domains)].reset_index(drop=True)
            for name, table in posed.summaries.items()
        }
        assert sum(map(len, alone.values())) < sum(map(len, posed.summaries.values()))
        found = compare_posed(replace(posed, summaries=alone).instead(specs), shipped_tables)
        names = [spec["analysis"] for spec in specs]
        assert rows_of(found, names) == rows_of(whole, names)


@pytest.mark.parametrize("again", [1, 30])
def test_files_with_what_stays_are_those_of_all_compared_at_once(
    posed, whole, shipped_tables, tmp_path, again
):
    from pyarrow.parquet import read_table

    names = [spec["analysis"] for spec in posed.specs]
    files = [tmp_path / name for name in ("effects", "excluded", "known")]
    write_comparison(whole, files)
    before, bytes_before = [read_table(file) for file in files], [file.read_bytes() for file in files]
    others = [posed.specs[at] for at in np.random.default_rng(1).permutation(len(names))[:again]]
    others.sort(key=lambda spec: names.index(spec["analysis"]))
    stay = set(names) - {spec["analysis"] for spec in others}
    made = compare_posed(posed.instead(others), shipped_tables)
    write_comparison(made, files, before, stay, names)
    assert [file.read_bytes() for file in files] == bytes_before


def test_without_anything_to_compare_what_stays_is_put_in_order(posed, shipped_tables, tmp_path):
    from pyarrow.parquet import read_table

    specs = posed.specs[:6]
    files, fewer = [tmp_path / name for name in "abc"], specs[4:1:-1]
    write_comparison(compare_posed(posed.instead(specs), shipped_tables), files)
    before, names = [read_table(file) for file in files], [spec["analysis"] for spec in fewer]
    write_comparison(None, files, before, names, names)
    again = [file.read_bytes() for file in files]
    write_comparison(compare_posed(posed.instead(fewer), shipped_tables), files)
    assert [io.read_rows(file) for file in files] == [
        io.read_rows(put(tmp_path / "d", each)) for each in again
    ]


def put(path, content):
    path.write_bytes(content)
    return path


def test_what_an_analysis_no_longer_compares_is_gone(posed, shipped_tables, tmp_path):
    from pyarrow.parquet import read_table

    specs = posed.specs[:2]
    names, files = [spec["analysis"] for spec in specs], [tmp_path / name for name in "abc"]
    write_comparison(compare_posed(posed.instead(specs), shipped_tables), files)
    nothing = compare_posed(
        posed.instead([specs[0] | {"outcomes": ["NONE"], "control": ["no_such"]}]), shipped_tables
    )
    write_comparison(nothing, files, [read_table(file) for file in files], {names[1]}, names)
    assert {row["analysis"] for row in io.read_rows(files[0])} == {names[1]}
