"""The words of a review: general ones, its own, conversions, and every slip told with its line."""

import re

import pytest

from trialpool.errors import InputError
from trialpool.measures import Of
from trialpool.planning import PACKAGE
from trialpool.vocabulary import general, load_vocabulary

DISEASES = re.compile(r"neuropath|acupunct|chemother|diabet|neurotox", re.IGNORECASE)


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        file = tmp_path / "vocabulary.yaml"
        file.write_text(text, encoding="utf-8")
        return load_vocabulary(str(file))

    return loaded


def test_the_package_names_no_disease_and_no_treatment():
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 90
    assert not [path for path in files if DISEASES.search(path.read_text("utf-8", errors="ignore"))]


def test_a_key_of_its_own_changes_a_general_domain_in_that_key_only(load):
    words = load("domains: {responder: {outcomes: {walks: who walk again}}, mood: {better: higher}}")
    assert list(words.domains)[:2] == ["responder", "mood"]
    responder = words.domain("responder")
    assert (responder.name, responder.is_events, responder.better) == ("treatment response", True, "higher")
    assert responder.phrase("walks") == "the number of people who walk again"
    assert responder.phrase("improved") == "the number of people who improve"
    assert responder.phrase() == responder.phrase("unheard_of") == "the number of people who respond"
    assert words.domain("mood").changes("higher") == ("increase", "reduce")
    assert words.domain("symptom_score").changes("higher") == ("reduce", "increase")
    assert general().domain("responder").phrase("walks") == "the number of people who respond"


def test_what_is_not_known_is_named_by_itself(load):
    for words in (general(), load("conditions: {MI: myocardial infarction}")):
        assert words.condition("HIP_FRACTURE") == "HIP FRACTURE"
        assert words.treatment("hip_replacement+diet") == "hip replacement + diet"
        assert words.domain("stroke", Of.EVENTS).phrase() == "the number of people with stroke"
        assert words.domain("grip_strength").phrase() == "grip strength"


@pytest.mark.parametrize(
    ("unit", "wanted", "factor"),
    [
        ("kPa", "mmHg", 7.50061575846),
        ("weeks", "days", 7),
        ("lb", "kg", 0.45359237),
        ("mg/dl", "g/l", 0.01),
        ("mV", "V", 0.001),
        ("mmHg", "mmHg", 1),
        ("percent", "points", None),
        ("mmol/l", "mg/dl", None),
        ("furlongs", "m", None),
    ],
)
def test_units_of_one_kind_are_converted(unit, wanted, factor):
    assert general().factor(unit, wanted) == (None if factor is None else pytest.approx(factor, rel=1e-9))


def test_units_of_a_substance_need_what_its_domain_or_outcome_declares(load):
    words = load(
        "domains:\n"
        "  glucose: {equivalent: {mmol/l: 1, mg/dl: 18.016}}\n"
        "  lipids: {outcomes: {LDL: {equivalent: {mmol/l: 1, mg/dl: 38.67}}, LPA: a lipoprotein}}\n"
        "units: {activity: {U/l: 1, kU/l: 1000}}\n"
    )
    assert words.factor("mg/dl", "mmol/l", "glucose") == pytest.approx(1 / 18.016)
    assert words.factor("g/l", "umol/l", "glucose") == pytest.approx(1e5 / 18.016)
    assert words.factor("mmol/l", "mg/dl", "lipids", "LDL") == pytest.approx(38.67)
    assert words.factor("mmol/l", "mg/dl", "lipids", "LPA") is None
    assert words.factor("kU/l", "U/l") == 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("domians: {}", "the key 'domians' is not known. To mend: did you mean 'domains'"),
        ("- a", "is not a vocabulary. To mend: write keys such as conditions"),
        ("conditions: {mi: infarction}", "'mi' is not the code of a condition. To mend: use capitals"),
        ("domains: {mood: {of: mean}}", "domains.mood.of: 'mean' is not one of: means, events"),
        ("domains: {mood: {verbs: [lift]}}", "is not two verbs. To mend: write the one for a benefit"),
        ("units: {time: {days: -1}}", "'-1' is not a factor. To mend: write a number above 0"),
        ("units: {age: {days: 1}}", "the unit is also one of the kind age. To mend: write it in one place"),
        ("domains: {a: {equivalent: {mmol/l: 1, mg/dL: 2}}}", "'mg/dL' is not a unit. To mend: did you mean"),
        (
            "treatments: {tea: null}\ngroups: {hot: [teas]}",
            "'teas' is not one of the treatments. To mend: did",
        ),
        (
            "groups: {hot: [tea], warm: [hot]}",
            "groups.warm.0: 'hot' is the name of a group. To mend: write out",
        ),
        (
            "domains:\n  a: {better: lower, of: events}\n  b: {better: higher, of: events}\n"
            "  c: {better: higher, of: events, includes: [a, b]}",
            "'a' is not a domain that this one can include. To mend: use one of: b",
        ),
    ],
)
def test_a_slip_is_told_with_what_to_write(load, text, told):
    with pytest.raises(InputError) as caught:
        load(text)
    (fault,) = caught.value.faults
    assert told in str(fault)
    assert fault.row in range(1, 2 + text.count("\n")) or text == "- a"


def test_an_empty_file_closes_what_is_general(load):
    words = load("")
    assert words.table_words()["domain"].closed
    assert words.table_words()["domain"].refuses("mood")
    assert not words.table_words()["condition"].closed
    assert not general().table_words()["unit"].refuses("U/l")
    for slip in ("mmhg", "mm Hg", "day", "point"):
        assert general().table_words()["unit"].refuses(slip)


def test_verbs_follow_the_domain_before_the_direction():
    assert general().domain("body_weight").changes("lower") == ("reduce", "increase")
    assert general().domain("function").changes("higher") == ("improve", "worsen")


def test_words_of_other_programs_are_known():
    words = general()
    assert words.registry()["deaths"] == ("serious_adverse_event", "death")
    assert [words.control_in(label) for label in ("Sham laser", "Control")] == ["sham", ""]
    assert [words.unit_named(name) for name in ("Scores on a scale", "furlongs")] == ["points", ""]
    assert not words.table_words()["domain of events"].closed


def test_codes_in_a_sentence_are_told_in_short(load):
    words = load(
        "abbreviations: [SF, PCS]\nshort: {PI_NRS: pain on a scale of 11 points, mmhg_2h: after 2 hours}"
    )
    assert words.code("PI_NRS") == "pain on a scale of 11 points"
    assert words.code("sf_pcs") == "SF PCS"
    told = words.named("PI_NRS and mmhg_2h at the end_of_treatment, see continuous.csv:12.")
    assert (
        told
        == "pain on a scale of 11 points and after 2 hours at the end of treatment, see continuous.csv:12."
    )
