"""A finished review is found by its configuration and by its results folder, from any folder, alike."""

from pathlib import Path

import pytest

from trialpool.errors import InputError
from trialpool.exchange.finished import read_finished

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config" / "config.yaml"


def test_a_configuration_and_its_results_folder_give_the_same_records(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    by_config, by_folder = read_finished(CONFIG), read_finished(ROOT / "results")
    assert by_config.results.resolve() == by_folder.results
    names = [record.analysis for record in by_config.records()]
    assert names == [record.analysis for record in by_folder.records()]
    assert names == list(by_config.protocol.analyses)
    assert by_config.head["title"]
    assert by_folder.head["title"] == ""


def test_every_analysis_that_is_not_there_is_named():
    name = read_finished(ROOT / "results").records()[0].analysis
    assert [record.analysis for record in read_finished(ROOT / "results").records([name])] == [name]
    with pytest.raises(InputError) as error:
        read_finished(ROOT / "results").records([name, f"{name}s", "nowhere"])
    assert [fault.value for fault in error.value.faults] == [f"{name}s", "nowhere"]
    assert name in error.value.faults[0].remedy


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"nothing: the file cannot be read"):
        read_finished(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"appraisal.json: the file does not exist"):
        read_finished(tmp_path).records()
