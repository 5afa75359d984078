"""Every slip in a configuration is told with its file, line, key, value and the nearest known word."""

import copy

import pytest
import yaml

from trialpool.errors import InputError
from trialpool.protocol import load_protocol

CATALOGUE = {
    "groups": {"acupuncture": ["manual_acupuncture", "electroacupuncture"], "inert": ["sham", "placebo"]},
    "instruments": {
        "NRS": {
            **{"name": "Numeric scale", "domains": ["pain"], "range": [0, 10], "better": "lower"},
            **{"unit": "points", "mcid": {"value": 2, "unit": "points", "source": "https://example.org"}},
        },
        "VAS100": {
            **{"name": "Visual scale", "domains": ["pain"], "range": [0, 100], "better": "lower"},
            **{"unit": "points", "mcid": {"value": 10, "unit": "points", "source": "https://example.org"}},
        },
    },
}
ANALYSIS = {
    "title": "Pain",
    "condition": "DPN",
    "domain": "pain",
    "outcomes": ["VAS100", "NRS"],
    "experimental": ["acupuncture"],
    "control": ["sham"],
    "measure": "MD",
    "scale": "0-10",
    "better": "lower",
}


@pytest.fixture
def config(tmp_path):
    catalogue = tmp_path / "instruments.yaml"
    catalogue.write_text(yaml.safe_dump(CATALOGUE))
    return {
        "evidence": "data/raw",
        "processed": "p",
        "results": "r",
        "instruments": str(catalogue),
        "analyses": {"dpn-pain": copy.deepcopy(ANALYSIS)},
    }


def test_resolves_groups_defaults_and_names(config):
    spec = load_protocol(config).analyses["dpn-pain"]
    assert spec["experimental"] == ["manual_acupuncture", "electroacupuncture"]
    assert spec["control"] == ["sham"]
    assert spec["experimental_name"] == "acupuncture"
    assert spec["condition"] == ["DPN"]
    assert (spec["tau2_method"], spec["interval"], spec["level"]) == ("REML", "hksj_adhoc", 0.95)


def test_analysis_overrides_the_reviews_defaults_which_override_ours(config):
    config["defaults"] = {"tau2_method": "PM", "level": 0.9}
    config["analyses"]["dpn-pain"]["level"] = 0.99
    spec = load_protocol(config).analyses["dpn-pain"]
    assert (spec["tau2_method"], spec["interval"], spec["level"]) == ("PM", "hksj_adhoc", 0.99)


def test_mcid_comes_from_the_first_instrument_rescaled_like_its_values(config):
    spec = load_protocol(config).analyses["dpn-pain"]
    assert spec["mcid"]["value"] == 1.0
    assert spec["mcid"]["instrument"] == "VAS100"
    assert spec["unit"] == "points on 0–10"


def test_mcid_can_be_set_or_switched_off(config):
    config["analyses"]["dpn-pain"]["mcid"] = None
    assert load_protocol(config).analyses["dpn-pain"]["mcid"] is None
    config["analyses"]["dpn-pain"]["mcid"] = {"value": 1.5, "source": "panel"}
    assert load_protocol(config).analyses["dpn-pain"]["mcid"]["value"] == 1.5


def test_no_mcid_for_standardised_differences(config):
    config["analyses"]["dpn-pain"] |= {"measure": "SMD"}
    del config["analyses"]["dpn-pain"]["scale"]
    assert load_protocol(config).analyses["dpn-pain"]["mcid"] is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("experimental",),
            ["acupunture"],
            ["analyses.dpn-pain.experimental", "acupunture", "'acupuncture'"],
        ),
        (("experimental",), [], ["analyses.dpn-pain.experimental"]),
        (("control",), None, ["analyses.dpn-pain.control"]),
        (("condition",), "migraine", ["analyses.dpn-pain.condition", "not a condition", "capitals"]),
        (("measure",), "WMD", ["analyses.dpn-pain.measure", "WMD", "'MD'"]),
        (("measure",), "RR", ["analyses.dpn-pain.measure", "MD, SMD, ROM"]),
        (("outcomes",), ["VAS1000"], ["analyses.dpn-pain.outcomes", "VAS1000", "'VAS100'"]),
        (("tau2_methd",), "PM", ["analyses.dpn-pain.tau2_methd", "'tau2_method'"]),
        (("timepoint",), {"weeks": [4]}, ["analyses.dpn-pain.timepoint"]),
        (("level",), 95, ["analyses.dpn-pain.level", "95"]),
        (("scale",), "ten", ["analyses.dpn-pain.scale", "ten"]),
        (("scale",), "10-0", ["analyses.dpn-pain.scale", "10-0", "not in ascending order"]),
    ],
)
def test_a_slip_in_an_analysis_is_named(config, path, value, said):
    config["analyses"]["dpn-pain"][path[0]] = value
    with pytest.raises(InputError) as caught:
        load_protocol(config)
    for words in said:
        assert words in str(caught.value)


def test_unknown_top_level_key_names_the_nearest_known_one(config):
    config["evidense"] = "x"
    with pytest.raises(InputError, match=r"'evidense' is not known.*'evidence'"):
        load_protocol(config)


def test_all_slips_are_told_at_once(config):
    config["analyses"]["dpn-pain"] |= {"measure": "WMD", "better": "up", "conditon": "DPN"}
    with pytest.raises(InputError) as caught:
        load_protocol(config)
    assert len(caught.value.faults) == 3


def test_slug_that_is_a_path_is_refused(config):
    config["analyses"]["../../etc"] = config["analyses"].pop("dpn-pain")
    with pytest.raises(InputError, match="etc"):
        load_protocol(config)


def test_line_numbers_and_duplicate_keys_come_from_the_file(config, tmp_path):
    file = tmp_path / "review.yaml"
    file.write_text(yaml.safe_dump(config).replace("measure: MD", "measure: WMD"))
    line = 1 + file.read_text().splitlines().index("    measure: WMD")
    config["analyses"]["dpn-pain"]["measure"] = "WMD"
    with pytest.raises(InputError, match=rf"review.yaml, row {line}, column analyses.dpn-pain.measure"):
        load_protocol(config, [file])
    file.write_text("evidence: a\nevidence: b\n")
    with pytest.raises(InputError, match="row 2, column evidence: the key stands already in line 1"):
        load_protocol(config, [file])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "row 2.*alias"),
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        ("a: [1\nb: 2\n", "row"),
        ("a: \t- b\n", "row 1"),
    ],
)
def test_unsafe_or_broken_yaml_is_a_fault_not_a_traceback(config, tmp_path, text, said):
    file = tmp_path / "review.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        load_protocol(config, [file])


def test_moderators_of_the_defaults_hold_for_every_analysis_unless_it_says_otherwise(config):
    config["defaults"] = {"moderators": ["sessions", "year"]}
    config["analyses"]["dpn-other"] = {**copy.deepcopy(ANALYSIS), "moderators": ["condition"]}
    config["analyses"]["dpn-none"] = {**copy.deepcopy(ANALYSIS), "moderators": []}
    found = {slug: spec["moderators"] for slug, spec in load_protocol(config).analyses.items()}
    assert found == {"dpn-pain": ["sessions", "year"], "dpn-other": ["condition"], "dpn-none": []}


@pytest.mark.parametrize("where", ["defaults", "analysis", "subgroups"])
def test_an_unknown_moderator_names_the_nearest_known_one(config, where):
    if where == "defaults":
        config["defaults"] = {"moderators": ["year", "session"]}
    else:
        named = {"analysis": {"moderators": ["session"]}, "subgroups": {"subgroups": "session"}}
        config["analyses"]["dpn-pain"] |= named[where]
    with pytest.raises(InputError) as caught:
        load_protocol(config)
    (fault,) = caught.value.faults
    assert fault.value == "session"
    assert fault.remedy == "did you mean 'sessions'"


def test_every_moderator_is_a_column_of_the_effects_and_numbers_are_numbers():
    from trialpool.contracts import EFFECTS, Kind
    from trialpool.synthesis.moderators import NUMBERS
    from trialpool.yaml_files import schema_of

    known = schema_of("config").schema["$defs"]["moderator"]["enum"]
    assert set(known) <= set(EFFECTS.names)
    assert set(NUMBERS) == {name for name in known if EFFECTS.kinds[name] in (Kind.NUMBER, Kind.COUNT)}
