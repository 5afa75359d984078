"""What a job tells a person, and what jobs write about the whole review from the records of its analyses.

The input's faults and a full disk are told in words, our own errors with a traceback.
"""

from __future__ import annotations

import csv
import errno
from collections import Counter
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.unit.synthesis.made_up import SPEC, effects
from tests.unit.synthesis.made_up import record as made_up
from trialpool import io
from trialpool.errors import Fault, InputError
from trialpool.jobs import (
    adjust_moderators,
    appraise,
    connect,
    forget_formats,
    forget_others,
    read_records,
    reported,
)
from trialpool.kept import Kept
from trialpool.records import (
    Appraisal,
    Effect,
    Network,
    ResultAppraisal,
    Steps,
    Study,
    from_json,
    sketch,
    to_json,
)
from trialpool.synthesis.analyse import analyse

MODERATED = SPEC | {"moderators": ["year", "sessions"]}


@pytest.mark.parametrize(
    ("error", "said", "unsaid"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), "x.csv: No space left", "Traceback"),
        (FileNotFoundError(errno.ENOENT, "No such file", "d"), "Traceback", "make room"),
        (
            InputError([Fault("a.csv", 2, "n", "x", "not a number", "correct it")]),
            "a.csv, row 2",
            "Traceback",
        ),
        (ValueError("ours"), "ValueError: ours", "make room"),
    ],
)
def test_an_error_is_told_for_what_it_is(error, said, unsaid, tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit), reported(log):
        raise error
    told = log.read_text(encoding="utf-8")
    assert said in told
    assert unsaid not in told
    assert told.strip() in capsys.readouterr().err


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Those of an analysis of six trials and of one of one trial, a record in each."""
    texts = [each.name for each in fields(Effect) if each.type == "str"]
    rows = [
        replace(
            row, **{name: getattr(row, name) or "" for name in texts}, derivation=Steps(), cautions=Steps()
        )
        for row in effects(analysis="a", measure="MD", category_experimental="acupuncture")
    ]
    for slug, chosen in (("b", rows), ("a", rows[:1])):
        record, _ = analyse(MODERATED | {"analysis": slug}, chosen)
        io.write_json(tmp_path / slug / "result.json", to_json(record))
    return [str(tmp_path / slug) for slug in ("b", "a")]


def test_the_appraisal_is_of_every_record_in_order(folders: list[str], tmp_path: Path) -> None:
    judgements = tmp_path / "risk_of_bias.parquet"
    schema = {"study_id": ["T0"], "domain": ["blinding"], "judgement": ["low"]}
    pyarrow.parquet.write_table(pyarrow.table(schema), judgements)
    findings = tmp_path / "audit.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"study_id": pyarrow.array([], pyarrow.string())}), findings)
    pools = tmp_path / "published_pools.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"review_id": pyarrow.array([], pyarrow.string())}), pools)
    tables = [str(path) for path in (judgements, findings, pools)]
    appraise(folders, *tables, [None, None, None], str(tmp_path / "appraisal.json"))
    appraisal = from_json(Appraisal, io.read_json(tmp_path / "appraisal.json"))
    assert list(appraisal.analyses) == ["b", "a"]
    assert appraisal.analyses["b"].certainty is not None
    assert appraisal.claims == ()


def test_moderators_are_adjusted_over_all_analyses_in_the_order_of_their_names(
    folders: list[str], tmp_path: Path
) -> None:
    adjust_moderators(read_records(folders), tmp_path / "moderators.csv")
    with (tmp_path / "moderators.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["analysis"], row["moderator"]) for row in rows] == [("b", "year"), ("b", "sessions")]
    assert rows[0]["p_adjusted"] == rows[0]["p_value"]  # one test in the whole review


def test_a_network_is_written_as_its_record(folders: list[str], tmp_path: Path) -> None:
    nodes = {"acupuncture": "acupuncture", "sham": "sham"}
    entry = {"title": "N", "note": "", "reference": "sham", "analyses": ["a", "b"], "leave_out": {}}
    appraisal = sketch(Appraisal, analyses=dict.fromkeys("ab", sketch(ResultAppraisal)), claims=())
    io.write_json(tmp_path / "appraisal.json", to_json(appraisal))
    paths = folders, str(tmp_path / "appraisal.json"), str(tmp_path / "networks")
    connect({"n": entry | {"nodes": nodes}}, *paths, Kept(tmp_path / "kept"), [".svg"])
    network = from_json(Network, io.read_json(tmp_path / "networks" / "n" / "result.json"))
    assert (network.trials, network.fit) == (6, None)
    assert [file.suffix for file in (tmp_path / "networks" / "n").glob("network.*")] == [".svg"]
    head = (tmp_path / "networks" / "n" / "league.csv").read_text(encoding="utf-8")
    assert head.startswith("network,experimental,control,trials,estimate")
    assert [record.analysis for record in read_records(folders)] == ["b", "a"]


def test_a_network_that_asks_for_it_has_the_evidence_written_too(folders: list[str], tmp_path: Path) -> None:
    appraisal = sketch(Appraisal, analyses=dict.fromkeys("ab", sketch(ResultAppraisal)), claims=())
    io.write_json(tmp_path / "appraisal.json", to_json(appraisal))
    shape = {
        "title": "N",
        "note": "",
        "leave_out": {},
        "evidence": True,
        "nodes": {name: name for name in "uvw"},
    }
    pairs = [("1", "v", "u", -1.0), ("2", "w", "v", -0.5), ("3", "w", "u", -1.2), ("4", "v", "u", -0.8)]
    rows = tuple(
        sketch(
            Study,
            {"category_experimental": one, "category_control": other, "instrument": "NRS", "item": ""},
            **{"study_id": name, "label": name, "effect": effect, "variance": 0.1, "weeks": 8.0},
            risk_of_bias="low" if name in "12" else "",
        )
        for name, one, other, effect in pairs
    )
    for slug in ("a", "b"):
        record = made_up(analysis=slug, studies=rows if slug == "a" else ())
        io.write_json(tmp_path / slug / "result.json", to_json(record))
    entry = shape | {"reference": "u", "analyses": ["a", "b"]}
    connect(
        {"n": entry},
        folders,
        str(tmp_path / "appraisal.json"),
        str(tmp_path / "networks"),
        Kept(tmp_path / "kept"),
        [".svg"],
    )
    own = tmp_path / "networks" / "n"
    assert {file.name for file in own.iterdir()} == {
        *("result.json", "league.csv", "ranking.csv", "network.svg", "split.csv", "split.svg"),
        *("contributions.csv", "contributions.svg", "rank_probabilities.csv", "rankogram.svg"),
    }
    with (own / "split.csv").open(encoding="utf-8") as stream:
        split = list(csv.DictReader(stream))
    assert [(row["experimental"], row["control"], row["trials"]) for row in split] == [
        *(("v", "u", "2"), ("w", "u", "1"), ("w", "v", "1"))
    ]
    assert all(float(row["p_value"]) > 0 for row in split)
    ranks = (own / "rank_probabilities.csv").read_text(encoding="utf-8")
    assert ranks.splitlines()[0].endswith("rank_low,rank_high,rank_1,rank_2,rank_3")
    with (own / "contributions.csv").open(encoding="utf-8") as stream:
        shares = list(csv.DictReader(stream))
    assert Counter(row["by"] for row in shares) == {"comparison": 9, "study": 12, "risk_of_bias": 6}
    assert {row["source"] for row in shares if row["by"] == "risk_of_bias"} == {"low", "not_judged"}
    for kind, pair in product(("comparison", "study", "risk_of_bias"), (("v", "u"), ("w", "u"), ("w", "v"))):
        own_shares = [
            row for row in shares if (row["by"], row["experimental"], row["control"]) == (kind, *pair)
        ]
        assert sum(float(row["share"]) for row in own_shares) == pytest.approx(1)
    assert "not judged" in (own / "contributions.svg").read_text(encoding="utf-8")
    paths = folders, str(tmp_path / "appraisal.json"), str(tmp_path / "networks"), Kept(tmp_path / "kept")
    connect({"n": entry | {"evidence": False}}, *paths, [".svg"])
    assert {file.name for file in own.iterdir()} == {
        *("result.json", "league.csv", "ranking.csv", "network.svg")
    }


def test_the_evidence_of_a_network_that_nothing_connects_is_written_empty(
    folders: list[str], tmp_path: Path
) -> None:
    nodes = {"acupuncture": "acupuncture", "sham": "sham"}
    entry = {"title": "N", "note": "", "reference": "sham", "analyses": ["a", "b"], "leave_out": {}}
    appraisal = sketch(Appraisal, analyses=dict.fromkeys("ab", sketch(ResultAppraisal)), claims=())
    io.write_json(tmp_path / "appraisal.json", to_json(appraisal))
    paths = folders, str(tmp_path / "appraisal.json"), str(tmp_path / "networks"), Kept(tmp_path / "kept")
    connect({"n": entry | {"nodes": nodes, "evidence": True}}, *paths, [".svg"])
    own = tmp_path / "networks" / "n"
    assert len((own / "split.csv").read_text(encoding="utf-8").splitlines()) == 1
    for name in ("split", "rankogram", "contributions"):
        assert "No three treatments" in (own / f"{name}.svg").read_text(encoding="utf-8")


def test_figures_of_the_review_in_other_formats_are_forgotten(tmp_path):
    files = "a.svg", "a.pdf", "published/b.png", "networks/n/network.svg", "analyses/x/forest.png"
    for name in files:
        io.write_text(tmp_path / name, "")
    forget_formats(tmp_path, [".svg"])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"a.svg", "networks/n/network.svg", "analyses/x/forest.png"}


def test_only_folders_of_analyses_no_longer_asked_are_forgotten(tmp_path):
    for name in ("kept/result.json", "old/result.json", "mine/notes.txt"):
        io.write_text(tmp_path / name, "")
    forget_others(tmp_path, ["kept"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "mine"]
