"""Settings that decide which numbers of a trial are used, and what is assumed of them."""

import copy
from typing import Any

import pytest

from trialpool.errors import InputError
from trialpool.protocol import load_protocol

ANALYSIS: dict[str, Any] = {
    **{"title": "Pain", "condition": "DPN", "domain": "pain", "experimental": ["acupuncture"]},
    **{"control": ["sham"], "measure": "SMD", "better": "lower"},
}
CONFIG: dict[str, Any] = {
    **{"evidence": "data/raw", "processed": "p", "results": "r", "analyses": {"pain": ANALYSIS}},
    "assumptions": {"Smith2013": {"first_period": True, "source": "abstract"}},
}


def changed(**analysis: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    config["analyses"]["pain"] |= analysis
    return config


def test_assumptions_reach_every_analysis_and_defaults_are_cautious():
    spec = load_protocol(CONFIG).analyses["pain"]
    assert spec["assumptions"] == CONFIG["assumptions"]
    assert (spec["borrow_sd"], spec["convert"], spec["correlation_source"]) == (False, [], "found")


def test_an_analysis_may_allow_more():
    config = changed(borrow_sd=True, convert=["pain_50", "odds_ratio"], correlation_source="assumed")
    spec = load_protocol(config).analyses["pain"]
    assert spec["borrow_sd"]
    assert spec["convert"] == ["pain_50", "odds_ratio"]


@pytest.mark.parametrize(
    "assumption",
    [
        {"first_period": True},
        {"source": "x"},
        {"icc": 0.05, "source": "x"},
        {"corelation": 0.5, "source": "x"},
    ],
)
def test_an_assumption_names_its_source_and_is_whole(assumption):
    config = {**CONFIG, "assumptions": {"Smith2013": assumption}}
    with pytest.raises(InputError, match="Smith2013"):
        load_protocol(config)


def test_only_an_smd_can_convert():
    with pytest.raises(InputError, match="meaningless for MD"):
        load_protocol(changed(measure="MD", convert=["pain_50"]))
