"""What is written about the whole review from the records of its analyses."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.unit.synthesis.made_up import SPEC, effects
from trialpool import io
from trialpool.records import Appraisal, Effect, Network, from_json, to_json
from trialpool.review_job import read_records, write_appraisal, write_moderators, write_networks
from trialpool.synthesis.analyse import analyse

MODERATED = SPEC | {"moderators": ["year", "sessions"]}


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """The records of an analysis of six trials and of one of one trial."""
    texts = [each.name for each in fields(Effect) if each.type == "str"]
    rows = [
        replace(row, **{name: getattr(row, name) or "" for name in texts})
        for row in effects(analysis="a", measure="MD", category_experimental="acupuncture")
    ]
    found = []
    for slug, chosen in (("b", rows), ("a", rows[:1])):
        record, _ = analyse(MODERATED | {"analysis": slug}, chosen)
        found.append(str(tmp_path / slug / "result.json"))
        io.write_json(found[-1], to_json(record))
    return found


def test_the_appraisal_is_of_every_record_in_order(paths: list[str], tmp_path: Path) -> None:
    judgements = tmp_path / "risk_of_bias.parquet"
    schema = {"study_id": ["T0"], "domain": ["blinding"], "judgement": ["low"]}
    pyarrow.parquet.write_table(pyarrow.table(schema), judgements)
    write_appraisal(paths, str(judgements), None, tmp_path / "appraisal.json")
    appraisal = from_json(Appraisal, io.read_json(tmp_path / "appraisal.json"))
    assert list(appraisal.analyses) == ["b", "a"]
    assert appraisal.analyses["b"].certainty is not None
    assert appraisal.claims == ()


def test_moderators_are_adjusted_over_all_analyses_in_the_order_of_their_names(
    paths: list[str], tmp_path: Path
) -> None:
    write_moderators(paths, str(tmp_path / "moderators.csv"))
    with (tmp_path / "moderators.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["analysis"], row["moderator"]) for row in rows] == [("b", "year"), ("b", "sessions")]
    assert rows[0]["p_adjusted"] == rows[0]["p_value"]  # one test in the whole review


def test_a_network_is_written_as_its_record(paths: list[str], tmp_path: Path) -> None:
    nodes = {"acupuncture": "acupuncture", "sham": "sham"}
    rules = {"n": {"title": "N", "reference": "sham", "analyses": ["a", "b"], "nodes": nodes}}
    write_networks(rules, paths, tmp_path / "networks")
    network = from_json(Network, io.read_json(tmp_path / "networks" / "n" / "result.json"))
    assert (network.trials, network.fit) == (6, None)
    head = (tmp_path / "networks" / "n" / "league.csv").read_text(encoding="utf-8")
    assert head.startswith("network,experimental,control,trials,estimate")
    assert [record.analysis for record in read_records(paths)] == ["b", "a"]
