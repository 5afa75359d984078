"""Every slip in a configuration is told with its file, line, key, value and the nearest known word."""

import copy
from datetime import date

import pytest
import yaml

from trialpool.errors import InputError
from trialpool.protocol import load_protocol, read_protocol

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
    assert (spec["tau2_method"], spec["interval"], spec["level"]) == ("REML", "auto", 0.95)


def test_analysis_overrides_the_reviews_defaults_which_override_ours(config):
    config["defaults"] = {"tau2_method": "PM", "level": 0.9}
    config["analyses"]["dpn-pain"]["level"] = 0.99
    spec = load_protocol(config).analyses["dpn-pain"]
    assert (spec["tau2_method"], spec["interval"], spec["level"]) == ("PM", "auto", 0.99)


def test_the_first_prior_that_is_for_measure_and_domain_is_taken(config):
    assert load_protocol(config).analyses["dpn-pain"]["prior"]["scale"] == 0.5
    own = {"measure": ["MD"], "scale": 2, "source": "x"}
    config["defaults"] = {"priors": [own | {"scale": 3, "domain": ["function"]}, own]}
    assert load_protocol(config).analyses["dpn-pain"]["prior"] == {"scale": 2, "source": "x"}


def test_a_prior_of_the_literature_is_looked_up_in_its_table(config):
    kind = {"outcome": "subjective", "comparison": "non_pharmacological"}
    config["defaults"] = {"priors": [{"measure": ["SMD"], "rhodes": kind}]}
    config["analyses"]["dpn-pain"]["measure"] = "SMD"
    del config["analyses"]["dpn-pain"]["scale"]
    prior = load_protocol(config).analyses["dpn-pain"]["prior"]
    assert (prior["name"], prior["location"], prior["spread"]) == ("log_t", -2.62, 2.41)
    assert "table 3" in prior["source"]
    assert "various subjective outcomes" in prior["source"]
    config["defaults"]["priors"][0]["measure"] = ["SMD", "MD"]
    with pytest.raises(InputError, match="not the measure of Rhodes's priors"):
        load_protocol(config)
    config["defaults"]["priors"] = [{"measure": ["SMD"], "rhodes": kind | {"outcome": "subjectiv"}}]
    with pytest.raises(InputError, match="did you mean 'subjective'"):
        load_protocol(config)


def test_mcid_comes_from_the_first_instrument_rescaled_like_its_values(config):
    spec = load_protocol(config).analyses["dpn-pain"]
    assert spec["mcid"]["value"] == 1.0
    assert spec["mcid"]["instrument"] == "VAS100"
    assert spec["unit"] == "points on 0–10"


def test_a_difference_within_a_person_is_not_one_between_groups(config):
    config["analyses"]["dpn-pain"]["thresholds"] = {"between_groups": {"value": 1, "low": 0.5, "source": "x"}}
    spec = load_protocol(config).analyses["dpn-pain"]
    assert (spec["mcid"]["value"], spec["mcid"]["low"]) == (1, 0.5)
    shipped = read_protocol("config/config.yaml").analyses["dpn-pain-gabapentinoids-vs-placebo"]
    assert (shipped["mcid"]["value"], shipped["mcid"]["kind"]) == (1, "convention")
    assert (shipped["within_person"]["value"], shipped["within_person"]["instrument"]) == (2, "NRS")


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
        (
            ("mcid",),
            {"value": 2, "low": 3, "source": "x"},
            ["analyses.dpn-pain.mcid", "'2'", "outside its low"],
        ),
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


PARTS = {
    "populations": {
        "dpn": {"name": "Diabetic neuropathy", "condition": "DPN", "purpose": "treatment"},
        "both": {"name": "", "slug": "", "condition": ["DPN", "CIPN"], "subgroups": "condition"},
    },
    "comparisons": {
        "acupuncture-vs-inert": {"experimental": ["acupuncture"], "control": ["inert"]},
        "needles-vs-sham": {
            **{"name": "needles versus sham", "slug": "acupuncture-vs-sham", "design": "add_on"},
            **{"experimental": ["acupuncture"], "control": ["sham"], "experimental_name": "needling"},
        },
    },
    "outcomes": {
        "pain": {
            **{"domain": "pain", "instruments": ["VAS100", "NRS"], "measure": "MD", "scale": "0-10"},
            **{"better": "lower"},
        },
        "half-the-pain": {
            **{"name": "fewer in pain", "slug": "responders", "domain": "responder"},
            **{"events": ["pain_50"], "measure": "RR", "better": "higher", "timepoint": "follow_up"},
        },
    },
}
QUESTION = {"population": "dpn", "outcome": "pain", "comparison": "needles-vs-sham"}
WITHOUT_CONDITION = {key: value for key, value in ANALYSIS.items() if key != "condition"}


NAMELESS = {"population": "nobody", "outcome": "nothing", "comparison": "none", "suffix": "5-late"}


@pytest.fixture
def protocol(config):
    """A review that asks products; a test adds its questions."""
    review = {**config, **copy.deepcopy(PARTS), "analyses": {}}
    review["populations"]["nobody"] = {"slug": "", "condition": "DPN"}
    review["outcomes"]["nothing"] = {**review["outcomes"]["pain"], "slug": ""}
    review["comparisons"]["none"] = {**review["comparisons"]["needles-vs-sham"], "slug": ""}
    return review


def faults(config):
    with pytest.raises(InputError) as caught:
        load_protocol(config)
    return [str(fault) for fault in caught.value.faults]


def test_questions_are_products_in_the_order_of_their_slugs(protocol):
    everything = {"population": ["dpn", "both"], "outcome": ["pain", "half-the-pain"]}
    protocol["questions"] = [{**everything, "comparison": [*PARTS["comparisons"]]}]
    analyses = load_protocol(protocol).analyses
    assert {slug: each["title"] for slug, each in analyses.items()} == {
        "dpn-pain-acupuncture-vs-inert": "Diabetic neuropathy, pain: acupuncture versus inert",
        "dpn-pain-acupuncture-vs-sham": "Diabetic neuropathy, pain: needles versus sham",
        "dpn-responders-acupuncture-vs-inert": "Diabetic neuropathy, fewer in pain: acupuncture versus inert",
        "dpn-responders-acupuncture-vs-sham": "Diabetic neuropathy, fewer in pain: needles versus sham",
        "pain-acupuncture-vs-inert": "Pain: acupuncture versus inert",
        "pain-acupuncture-vs-sham": "Pain: needles versus sham",
        "responders-acupuncture-vs-inert": "Fewer in pain: acupuncture versus inert",
        "responders-acupuncture-vs-sham": "Fewer in pain: needles versus sham",
    }
    pain, both = analyses["dpn-pain-acupuncture-vs-sham"], analyses["responders-acupuncture-vs-inert"]
    assert (pain["outcomes"], pain["purpose"], pain["design"]) == (["VAS100", "NRS"], "treatment", "add_on")
    assert (pain["experimental_name"], pain["control_name"], pain["mcid"]["value"]) == ("needling", "sham", 1)
    assert (both["condition"], both["subgroups"], both["timepoint"]) == (
        ["DPN", "CIPN"],
        "condition",
        "follow_up",
    )
    assert both["control"] == ["sham", "placebo"]


def test_a_product_is_what_the_same_analysis_written_out_is(protocol):
    protocol["questions"] = [{**QUESTION, "level": 0.9}]
    asked = load_protocol(protocol).analyses
    written = {
        **ANALYSIS,
        **{"title": "Diabetic neuropathy, pain: needles versus sham", "purpose": "treatment"},
        **{"experimental_name": "needling", "design": "add_on", "level": 0.9},
    }
    protocol |= {"questions": [], "analyses": {"dpn-pain-acupuncture-vs-sham": written}}
    assert load_protocol(protocol).analyses == asked


def test_the_nearer_setting_wins_and_an_override_is_by_slug(protocol):
    protocol["defaults"] = {"tau2_method": "DL", "level": 0.9, "interval": "wald"}
    protocol["questions"] = [
        {**QUESTION, "level": 0.99, "was": "old-name"},
        {**QUESTION, "suffix": "follow-up", "timepoint": "follow_up", "tau2_method": "PM"},
    ]
    slug = "dpn-pain-acupuncture-vs-sham"
    threshold = {"value": 1.5, "source": "a panel"}
    protocol["analyses"] = {
        slug: {"title": "Pain", "thresholds": {"between_groups": threshold}, "level": 0.98}
    }
    first, second = load_protocol(protocol).analyses.values()
    assert (first["analysis"], first["title"], first["was"], first["mcid"]) == (
        slug,
        "Pain",
        "old-name",
        threshold,
    )
    assert (first["tau2_method"], first["level"], first["interval"]) == ("DL", 0.98, "wald")
    assert (second["analysis"], second["timepoint"]) == (f"{slug}-follow-up", "follow_up")
    assert (second["tau2_method"], second["level"], second["was"]) == ("PM", 0.9, None)


@pytest.mark.parametrize(
    ("questions", "analyses", "said"),
    [
        (
            [{**QUESTION, "population": "dnp"}],
            {},
            "questions.0.population: 'dnp' is not among the populations. To mend: did you mean 'dpn'",
        ),
        (
            [{**QUESTION, "outcome": ["pain", "sleep"]}],
            {},
            "questions.0.outcome: 'sleep' is not among the outcomes",
        ),
        (
            [QUESTION, QUESTION],
            {},
            "questions.1: 'dpn-pain-acupuncture-vs-sham' is an analysis that an earlier question asks",
        ),
        (
            [{**QUESTION, "population": ["dpn", "both"], "title": "X"}],
            {},
            "questions.0.title: 'X' is of one analysis, and this line asks 2",
        ),
        (
            [{**QUESTION, "populaton": "dpn"}],
            {},
            "the key 'populaton' is not known. To mend: did you mean 'population'",
        ),
        ([{"population": "dpn", "outcome": "pain"}], {}, "questions.0: the key 'comparison' is missing"),
        (
            [QUESTION],
            {"dpn-pain-acupuncture-vs-shame": {"level": 0.9}},
            "did you mean 'dpn-pain-acupuncture-vs-sham'",
        ),
        (
            [QUESTION],
            {"other": WITHOUT_CONDITION},
            "analyses.other: the key 'condition' is missing",
        ),
        (
            [{**QUESTION, "was": "dpn-pain-acupuncture-vs-sham"}],
            {},
            "questions.0.was: 'dpn-pain-acupuncture-vs-sham' is the slug of an analysis",
        ),
        ([QUESTION, {**QUESTION, "suffix": "x" * 60}], {}, "is not a slug: a letter, and up to 79"),
        ([NAMELESS], {}, "questions.0: '5-late' is not a slug"),
        ([], {}, "nothing is asked"),
    ],
)
def test_a_slip_in_what_is_asked_is_named(protocol, questions, analyses, said):
    (fault,) = faults({**protocol, "questions": questions, "analyses": analyses})
    assert said in fault


def test_a_fault_of_a_part_is_told_once_where_it_was_written(protocol):
    everything = {"population": ["dpn", "both"], "comparison": [*PARTS["comparisons"]]}
    protocol["questions"] = [{**everything, "outcome": ["pain", "half-the-pain"]}]
    protocol["outcomes"]["half-the-pain"]["instruments"] = protocol["outcomes"]["half-the-pain"].pop("events")
    protocol["comparisons"]["needles-vs-sham"]["control"] = ["shame"]
    protocol["results"] = "data/raw/results"
    told = [fault.partition(". To mend")[0].removeprefix("config, column ") for fault in faults(protocol)]
    assert told == [
        "results: it lies within the evidence folder data/raw",
        "comparisons.needles-vs-sham.control: 'shame' is neither an arm category nor a group of them",
        "outcomes.half-the-pain.instruments: 'instruments' is not how the domain responder is measured",
    ]
    protocol["populations"]["dnp"] = {
        "conditions": "DPN"
    }  # and nothing is told of what rests on a faulty part
    protocol["questions"].append({**QUESTION, "population": "dnp"})
    protocol["results"] = "r"
    told = faults(protocol)
    assert len(told) == 4
    assert any("the key 'condition' is missing" in fault for fault in told)
    assert any(
        "the key 'conditions' is not known. To mend: did you mean 'condition'" in fault for fault in told
    )


def test_the_head_of_a_review_may_name_it(protocol):
    protocol |= {"title": "Needles", "authors": ["A. Author"], "search_date": date(2026, 11, 28)}
    protocol["analyses"] = {"dpn-pain": ANALYSIS}
    loaded = load_protocol(protocol)
    said = {"title": "Needles", "question": "", "authors": "A. Author", "search_date": "2026-11-28"}
    assert loaded.head == said
    protocol |= {
        "authors": ["A. Author", "B. Author"],
        "search_date": "November 2026",
        "question": "Do they?",
    }
    said |= {"authors": "A. Author, B. Author", "search_date": "November 2026", "question": "Do they?"}
    assert load_protocol(protocol).head == said
    for key in ("title", "question", "authors", "search_date"):
        del protocol[key]
    assert load_protocol(protocol).head == dict.fromkeys(said, "")


@pytest.mark.parametrize(
    ("line", "row", "said"),
    [
        (
            "title: Pain: needles",
            3,
            'a colon stands in text without quotes. To mend: write title: "Pain: needles"',
        ),
        (
            "measure:SMD # a comment",
            3,
            "no blank stands behind the colon of 'measure'. To mend: write 'measure: SMD'",
        ),
        ("\tmeasure: MD", 3, "the line begins with a tab. To mend: indent it with blanks"),
        (" measure: MD", 4, "the line is not indented as its neighbours"),
        ("outcomes: [NRS, VAS100", 3, "a list in [ ] is not closed, or lacks a comma"),
        ('note: "an open quotation', 3, "a quotation mark is not closed"),
        ("note: @home", 3, 'a value begins with a sign that YAML needs itself. To mend: write note: "@home"'),
        ("mcid: {value: 1 source: x}", 3, "{ } is not closed, or lacks a comma"),
    ],
)
def test_a_slip_of_yaml_is_told_with_its_line_and_how_to_write_it(config, tmp_path, line, row, said):
    file = tmp_path / "review.yaml"
    file.write_text(
        f"analyses:\n  pain:\n    {line}\n    better: lower\n".replace("    \t", "\t"), encoding="utf-8"
    )
    with pytest.raises(InputError) as caught:
        load_protocol(config, [file])
    assert f"review.yaml, row {row}: {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("analyses", [{"pain": ANALYSIS}], "is not lines 'key: value'. To mend: write them below the key"),
        (
            "analyses",
            {"pain": "measure:SMD"},
            "'measure:SMD' is not an analysis. To mend: write its keys below its name",
        ),
        (
            "analyses",
            {"pain": {**ANALYSIS, "measure:SMD": None}},
            "'measure:SMD' is not known. To mend: write 'measure: SMD'",
        ),
        (
            "analyses",
            {"pain": {**ANALYSIS, "outcomes": "NRS"}},
            "'NRS' is not a list. To mend: write it in square brackets",
        ),
        ("populations", [{"dpn": {"condition": "DPN"}}], "is not lines 'key: value'"),
        ("questions", {"population": "dpn"}, "is not a list"),
    ],
)
def test_a_list_where_lines_belong_is_told_and_the_other_way_round(config, key, value, said):
    told = faults({**config, key: value})
    assert any(said in fault for fault in told)


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


def test_every_moderator_is_a_column_of_the_effects():
    from trialpool.contracts import EFFECTS
    from trialpool.yaml_files import schema_of

    known = schema_of("config").schema["$defs"]["moderator"]["enum"]
    assert set(known) <= set(EFFECTS.names)


def test_a_dose_is_a_number_of_the_treatment_or_nothing(config):
    config["analyses"]["dpn-dose"] = {**copy.deepcopy(ANALYSIS), "dose": "sessions"}
    found = {slug: spec["dose"] for slug, spec in load_protocol(config).analyses.items()}
    assert found.pop("dpn-dose") == "sessions"
    assert set(found.values()) == {None}
    config["analyses"]["dpn-dose"]["dose"] = "minutes"
    with pytest.raises(InputError, match="sessions, programme_weeks, sessions_per_week"):
        load_protocol(config)


def of_events(config, **changes):
    entry = {**ANALYSIS, "domain": "mortality", "outcomes": [], "measure": "OR", **changes}
    del entry["scale"]
    config["analyses"] = {"deaths": entry}
    return config


@pytest.mark.parametrize("measure", ["HR", "IRR", "IRD", "GIV", "RD"])
def test_events_and_times_are_measures_of_one_domain(config, measure):
    assert load_protocol(of_events(config, measure=measure)).analyses["deaths"]["measure"] == measure


@pytest.mark.parametrize(
    ("method", "tau2_method"), [("mh", "FE"), ("peto", "FE"), ("penalised", "FE"), ("glmm", "ML")]
)
def test_a_method_of_counts_has_a_model_of_its_own(config, method, tau2_method):
    config["defaults"] = {"tau2_method": "PM", "interval": "hksj"}
    spec = load_protocol(of_events(config, method=method)).analyses["deaths"]
    assert (spec["tau2_method"], spec["interval"], spec["prior"]) == (tau2_method, "wald", None)
    assert (spec["method"], spec["glmm_model"], spec["zero_cells"]) == (method, "UM.FS", 0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "peto", "measure": "RR"}, "no method that gives a risk ratio"),
        ({"method": "mh", "measure": "HR"}, "use iv, or one of the measures RR, OR, RD, IRR, IRD"),
        ({"method": "glmm", "measure": "IRR", "glmm_model": "CM.AL"}, "write CM.EL"),
        ({"method": "mh", "multi_arm": "covariance"}, "trials that do not depend on each other"),
        ({"method": "mh", "several_effects": "multilevel"}, "trials that do not depend on each other"),
        ({"method": "mh", "tau2_method": "DL"}, "not for the method mh, which has its own"),
        ({"method": "cmh"}, "'cmh'"),
        ({"zero_cells": "half"}, "'half'"),
        ({"measure": "HR", "figures": ["labbe"]}, "of events in two arms, not of HR"),
        ({"measure": "MD"}, "use one of: RR, OR, RD, HR, IRR, IRD, GIV"),
    ],
)
def test_a_method_that_does_not_fit_is_told_with_its_remedy(config, changes, said):
    with pytest.raises(InputError) as caught:
        load_protocol(of_events(config, **changes))
    assert said in str(caught.value)


def one_group(**changes):
    outcome = {"domain": "responder", "measure": "PLO"}
    comparison = {"group": ["acupuncture"], "group_name": "needling"}
    question = {"population": "dpn", "comparison": "all", "outcome": "improved"}
    parts = {"comparisons": comparison, "outcomes": outcome, "questions": question}
    parts = {name: part | changes.get(name, {}) for name, part in parts.items()}
    return {
        **{"evidence": "data/raw", "processed": "data/processed", "results": "results", "analyses": {}},
        "populations": {"dpn": {"condition": "DPN"}},
        "comparisons": {"all": parts["comparisons"]},
        "outcomes": {"improved": parts["outcomes"]},
        "questions": [parts["questions"]],
    }


def test_a_question_may_ask_about_one_group():
    (analysis,) = load_protocol(one_group()).analyses.values()
    assert (analysis["title"], analysis["experimental"], analysis["control"]) == (
        "DPN, improved: needling",
        ["acupuncture"],
        [],
    )
    assert (analysis["control_name"], analysis["better"], analysis["multi_arm"]) == ("", "", "combine")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"comparisons": {"control": ["sham"]}}, "write group alone, or experimental and control"),
        (
            {"outcomes": {"measure": "RR", "better": "higher"}},
            "a measure of two sides, and this is one group",
        ),
        ({"outcomes": {"measure": "MN"}}, "not a measure for the domain responder"),
        ({"questions": {"design": "add_on"}}, "design is of two sides, and this is one group"),
        ({"questions": {"multi_arm": "split"}}, "of a control that arms share, and one group has none"),
        ({"questions": {"zero_cells": "revman"}}, "a rule for tables of two arms, and this is one group"),
        ({"questions": {"method": "mh"}}, "no method that gives a proportion"),
    ],
)
def test_what_is_of_two_sides_is_not_asked_of_one_group(changes, told):
    with pytest.raises(InputError, match=told):
        load_protocol(one_group(**changes))


def test_a_measure_of_one_group_is_not_of_two_sides():
    sides = {"experimental": ["acupuncture"], "control": ["sham"]}
    config = one_group() | {"comparisons": {"all": sides}}
    with pytest.raises(InputError, match="'PLO' is a measure of one group"):
        load_protocol(config)


@pytest.mark.parametrize("place", ["defaults", "analysis"])
@pytest.mark.parametrize("formula", ["~ dose +", "~ dose ("])
def test_a_formula_that_cannot_be_read_is_a_fault(config, place, formula):
    entry = config.setdefault("defaults", {}) if place == "defaults" else config["analyses"]["dpn-pain"]
    entry["moderators"] = ["year", formula]
    with pytest.raises(InputError) as caught:
        load_protocol(config)
    (fault,) = caught.value.faults
    assert fault.value == formula
    assert fault.problem.startswith("no formula (")
    entry["moderators"] = ["year", "~ dose * setting"]
    assert "~ dose * setting" in load_protocol(config).analyses["dpn-pain"]["moderators"]
