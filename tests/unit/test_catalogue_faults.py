"""Every slip in a catalogue of instruments is told with its file, line, key, value and what to write."""

import copy
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from trialpool import contracts
from trialpool.cli import main
from trialpool.errors import Fault, InputError
from trialpool.protocol import load_catalogue, load_protocol
from trialpool.vocabulary import load_vocabulary
from trialpool.yaml_files import schema_of

MCID = {"value": 2, "unit": "points", "source": "https://example.org/mcid"}
CATALOGUE: dict[str, Any] = {
    "groups": {"needles": ["manual_acupuncture", "electroacupuncture"], "inert": ["sham", "placebo"]},
    "instruments": {
        "NRS": {
            **{"name": "Numeric scale", "domains": ["pain", "function"], "range": [0, 10]},
            **{"better": "lower", "unit": "points", "mcid": MCID},
        },
        "NRS:numbness": {"domains": ["pain"], "mcid_others": [{**MCID}]},
        "MNCV": {
            **{"name": "Motor velocity", "domains": ["nerve_conduction"], "range": [0, None]},
            **{"normal": [44, None], "better": "higher", "unit": "m/s", "mcid": None, "integer_items": 1},
        },
    },
}


def faults(catalogue: Any, tmp_path) -> tuple[Fault, ...]:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(catalogue, sort_keys=False), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(file, load_vocabulary())
    assert {fault.file for fault in caught.value.faults} == {str(file)}
    return caught.value.faults


def changed(*path: str | int, value: Any) -> dict[str, Any]:
    """The catalogue with one value changed or added, or removed if it is ... (Ellipsis)."""
    catalogue = copy.deepcopy(CATALOGUE)
    inner = catalogue
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]
    if value is ...:
        del inner[path[-1]]  # type: ignore[arg-type]
    else:
        inner[path[-1]] = value  # type: ignore[index]
    return catalogue


@pytest.mark.parametrize(
    "groups", [{}, {"diet": ["diet"]}], ids=["as it is", "a group called as its category"]
)
def test_a_sound_catalogue_loads_as_it_is(tmp_path, groups):
    file, sound = tmp_path / "mine.yaml", {**CATALOGUE, "groups": CATALOGUE["groups"] | groups}
    file.write_text(yaml.safe_dump(sound), encoding="utf-8")
    assert load_catalogue(file) == sound


def test_a_domain_of_events_is_no_slip_of_a_like_one_of_means(tmp_path):
    """As in reviews of RevMan, whose analyses are called Irritability, of a score and of people."""
    named = {"irritability_1_1": ("events", "people"), "irritability_4_1": ("means", "score")}
    words = {
        "domains": {code: {"of": of, "better": "lower", "name": name} for code, (of, name) in named.items()}
    }
    entry = {"name": "Irritability", "domains": ["irritability_1_1"], "range": None, "better": "lower"}
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(words), encoding="utf-8")
    file = tmp_path / "mine.yaml"
    catalogue = {"instruments": {"IRRITABLE": {**entry, "unit": None, "binary": True}}}
    file.write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    vocabulary = load_vocabulary(tmp_path / "words.yaml")
    assert load_catalogue(file, vocabulary) == catalogue
    catalogue["instruments"]["IRRITABLE"]["domains"] = ["pian"]
    file.write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    with pytest.raises(InputError, match=r"pian.*not a domain of means"):
        load_catalogue(file, vocabulary)


ASCENDING = "is not two numbers in ascending order"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("NRS", "range"), [0], f"column instruments.NRS.range: '[0]' {ASCENDING}. To mend: write"),
        (("NRS", "range"), [0, 5, 10], f"instruments.NRS.range: '[0, 5, 10]' {ASCENDING}"),
        (("NRS", "range"), [10, 0], f"'[10, 0]' {ASCENDING}. To mend: write the lower one first"),
        (("NRS", "range"), [5, 5], f"'[5, 5]' {ASCENDING}"),
        (("NRS", "range"), "0-10", f"'0-10' {ASCENDING}. To mend: write the lowest and the highest value"),
        (("NRS", "range"), ["0", 10], "instruments.NRS.range.0: '0' is not a number. To mend: write digits"),
        (("NRS", "range"), [0, float("inf")], "instruments.NRS.range.1: 'inf' is not a number"),
        (("NRS", "range"), [float("nan"), 10], "instruments.NRS.range.0: 'nan' is not a number"),
        (("NRS", "range"), [False, 10], "instruments.NRS.range.0: 'false' is not a number"),
        (("NRS", "range"), [None, None], "'[null, null]' is without any bound. To mend: write null."),
        (("MNCV", "normal"), [64, 49], f"instruments.MNCV.normal: '[64, 49]' {ASCENDING}"),
        (("NRS", "better"), "lowr", "'lowr' is not one of: lower, higher. To mend: did you mean 'lower'"),
        (("NRS", "better"), None, "instruments.NRS.better: 'null' is not one of: lower, higher"),
        (("NRS", "beter"), "lower", "the key 'beter' is not known. To mend: did you mean 'better'"),
        (("NRS", "unit"), ..., "column instruments.NRS: the key 'unit' is missing"),
        (("NRS", "range"), ..., "column instruments.NRS: the key 'range' is missing"),
        (
            ("NRS", "unit"),
            "point",
            "instruments.NRS.unit: 'point' is not a unit. To mend: did you mean 'points'",
        ),
        (("NRS", "name"), " ", "instruments.NRS.name: ' ' is not text"),
        (("NRS", "name"), 36, "instruments.NRS.name: '36' is not text. To mend: write words; a number"),
        (("NRS", "domains"), "pain", "instruments.NRS.domains: 'pain' is not a list of domains"),
        (("NRS", "domains"), [], "instruments.NRS.domains: '[]' is not a list of domains"),
        (
            ("NRS", "domains"),
            ["function", "pian"],
            "domains.1: 'pian' is not a domain of means. To mend: did you mean 'pain'",
        ),
        (("NRS", "integer_items"), 0, "instruments.NRS.integer_items: '0' is not a number of items"),
        (("NRS", "poolable"), "no", "instruments.NRS.poolable: 'no' is not a yes or no. To mend: write true"),
        (("NRS", "mcid"), 2, "instruments.NRS.mcid: '2' is not an MCID. To mend: write at least value"),
        (("NRS", "mcid", "source"), ..., "column instruments.NRS.mcid: the key 'source' is missing"),
        (("NRS", "mcid", "unit"), ..., "column instruments.NRS.mcid: the key 'unit' is missing"),
        (("NRS", "mcid", "value"), -2, "instruments.NRS.mcid.value: '-2' is not a size above 0"),
        (("NRS", "mcid", "value"), "2", "instruments.NRS.mcid.value: '2' is not a size above 0"),
        (("NRS", "mcid", "value"), 10, "mcid.value: '10' is as large as the whole range, [0, 10]"),
        (("NRS", "mcid", "method"), "anchors", "method: 'anchors' is not one of: between_group, anchor"),
        (("NRS", "mcid", "population_rank"), 4, "population_rank: '4' is not one of: 1, 2, 3"),
        (("NRS", "mcid_others"), [{**MCID, "valeu": 1}], "mcid_others.0.valeu: the key 'valeu' is not known"),
        (("NRS:numbness", "mcid_others", 0, "value"), 11, "0.value: '11' is as large as the whole range"),
        (("NRS:numbness", "mcid_others", 0), None, "mcid_others.0: 'null' is not an MCID"),
        (("NRS:numbness", "domains"), ["quality_of_life"], "'quality_of_life' is not a domain of NRS"),
        (
            ("NRSS:numbness",),
            {},
            "a part of NRSS, which is not in the catalogue. To mend: add it, or write 'NRS",
        ),
        (
            ("nrs",),
            {**CATALOGUE["instruments"]["NRS"], "mcid": None},
            "instruments.nrs: 'nrs' is not the code of an instrument. To mend: write",
        ),
        (("NRS: numbness",), {}, "'NRS: numbness' is not the code of an instrument"),
        (("NRS",), ["pain"], "instruments.NRS: '[\"pain\"]' is not an instrument"),
        (("MNCV",), None, "instruments.MNCV: 'null' is not an instrument"),
    ],
)
def test_a_slip_in_an_instrument_is_one_readable_fault(tmp_path, path, value, told):
    (fault,) = faults(changed("instruments", *path, value=value), tmp_path)
    assert told in str(fault)
    assert fault.row is not None


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("groups",), None, "groups: 'null' is not a list of groups. To mend: write a name and"),
        (("instruments",), ["NRS"], "instruments: '[\"NRS\"]' is not a list of instruments"),
        (("group",), {}, "column group: the key 'group' is not known. To mend: did you mean 'groups'"),
        (
            ("groups", "inert"),
            "sham",
            "groups.inert: 'sham' is not a list of arm categories. To mend: write each",
        ),
        (("groups", "inert"), [], "groups.inert: '[]' is not a list of arm categories"),
        (("groups", "inert"), ["sham", "sham"], 'groups.inert: \'["sham", "sham"]\' is not a list of arm'),
        (("groups", "inert"), ["sham", "Usual care"], "groups.inert.1: 'Usual care' is not a code"),
        (
            ("groups", "inert"),
            ["sham", "needles"],
            "groups.inert.1: 'needles' is the name of a group. To mend",
        ),
        (
            ("groups", "Inert"),
            ["sham"],
            "groups.Inert: 'Inert' is not a code. To mend: use lower-case",
        ),
        (("mcid_rule",), 5, "column mcid_rule: '5' is not text"),
    ],
)
def test_a_slip_outside_the_instruments_is_one_readable_fault(tmp_path, path, value, told):
    (fault,) = faults(changed(*path, value=value), tmp_path)
    assert told in str(fault)
    assert fault.row is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'null' is not a catalogue of instruments. To mend: write the key instruments"),
        ("- NRS\n", "'[\"NRS\"]' is not a catalogue of instruments"),
        ("groups: {}\n", "the key 'instruments' is missing"),
        (
            "groups: {}\ninstruments:\n  36: {}\n",
            "row 3, column instruments.36: the key is not text, but a num",
        ),
        ("groups: {no: [sham]}\ninstruments: {}\n", "row 1, column groups.no: the key is not text"),
        (
            "groups: {}\ngroups: {}\ninstruments: {}\n",
            "row 2, column groups: the key stands already in line 1",
        ),
        (
            "groups: {a: &a [sham], b: *a}\ninstruments: {}\n",
            "row 1, column groups.b: an alias (*name) is not",
        ),
    ],
)
def test_a_file_that_is_no_catalogue_is_one_readable_fault(tmp_path, text, told):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(file)
    (fault,) = caught.value.faults
    assert told in str(fault)


def test_all_slips_are_told_at_once_in_the_order_of_the_file(tmp_path):
    catalogue = changed("instruments", "NRS", "range", value=[10, 0])
    catalogue["instruments"]["NRS"]["better"] = "lowr"
    catalogue["instruments"]["NRS:numbness"]["domains"] = ["quality_of_life"]
    catalogue["instruments"]["MNCV"]["range_sorce"] = "definition"
    catalogue["groups"]["inert"] = ["needles"]
    found = faults(catalogue, tmp_path)
    assert [fault.column.partition(".")[2] for fault in found] == [
        *("inert.0", "NRS.range", "NRS.better", "NRS:numbness.domains.0", "MNCV.range_sorce"),
    ]
    lines = (tmp_path / "mine.yaml").read_text(encoding="utf-8").splitlines()
    keys = ["- needles", "range", "better", "- quality_of_life", "range_sorce"]
    assert [lines[fault.row - 1].split(":")[0].strip() for fault in found] == keys


def test_a_part_is_judged_by_what_it_takes_from_its_instrument(tmp_path):
    """Its own range goes before that of the instrument; a unit of its own makes its MCID another size."""
    catalogue = changed("instruments", "NRS:numbness", "mcid", value={**MCID, "value": 30})
    assert len(faults(catalogue, tmp_path)) == 1
    for own in ({"range": [0, 100]}, {"range": None}, {"unit": "percent"}):
        wider = copy.deepcopy(catalogue)
        wider["instruments"]["NRS:numbness"] |= {**own, "mcid_others": []}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(wider), encoding="utf-8")
        assert load_catalogue(tmp_path / "mine.yaml")


def test_a_review_and_the_check_of_tables_tell_the_same(tmp_path):
    told = [str(fault) for fault in faults(changed("instruments", "NRS", "range", value=[0]), tmp_path)]
    analysis = {
        **{"title": "Pain", "condition": "DPN", "domain": "pain", "measure": "SMD", "better": "lower"},
        **{"experimental": ["needles"], "control": ["inert"]},
    }
    config = {"evidence": "raw", "processed": "p", "results": "r", "analyses": {"pain": analysis}}
    with pytest.raises(InputError) as caught:
        load_protocol({**config, "instruments": str(tmp_path / "mine.yaml")})
    assert [str(fault) for fault in caught.value.faults] == told
    for table in contracts.TABLES.values():
        (tmp_path / table.file).write_text(",".join(table.names) + "\n", encoding="utf-8")
    (tmp_path / "arms.csv").write_text("", encoding="utf-8")
    checked = CliRunner().invoke(main, ["check", str(tmp_path), "--instruments", str(tmp_path / "mine.yaml")])
    assert checked.exit_code == 1
    assert told[0] in checked.stdout
    assert "arms.csv, row 1: the file is empty" in checked.stdout


def test_an_open_range_has_no_width_to_rescale_an_mcid_by(tmp_path):
    catalogue = changed("instruments", "NRS", "range", value=[0, None])
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(catalogue), encoding="utf-8")
    analysis = {
        **{"title": "Pain", "condition": "DPN", "domain": "pain", "measure": "MD", "better": "lower"},
        **{"experimental": ["needles"], "control": ["inert"], "outcomes": ["NRS"], "scale": "0-10"},
    }
    config = {"evidence": "raw", "processed": "p", "results": "r", "analyses": {"pain": analysis}}
    settings = load_protocol({**config, "instruments": str(tmp_path / "mine.yaml")})
    assert settings.analyses["pain"]["mcid"] is None


def test_the_words_of_the_schema_are_those_of_the_codebook():
    keys = schema_of("instruments").schema["$defs"]["instrument"]["properties"]
    columns = {column.name: column for column in contracts.CONTINUOUS.columns}
    assert set(keys["better"]["enum"]) == set(columns["better"].words)


def test_domains_and_units_are_those_of_the_vocabulary(tmp_path):
    catalogue = changed("instruments", "NRS", "domains", value=["pane", "responder"])
    catalogue["instruments"]["MNCV"]["unit"] = "ms/s"
    del catalogue["instruments"]["NRS:numbness"]
    file, own = tmp_path / "mine.yaml", tmp_path / "vocabulary.yaml"
    file.write_text(yaml.safe_dump(catalogue, sort_keys=False), encoding="utf-8")
    own.write_text("domains: {nerve_conduction: {of: means}}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(file, load_vocabulary(str(own)))
    found = {fault.value: str(fault) for fault in caught.value.faults}
    assert list(found) == ["pane", "responder", "ms/s"]
    assert "is not a domain of means. To mend: did you mean 'pain'." in found["pane"]
    assert "is not a unit. To mend: did you mean 'm/s'." in found["ms/s"]
    catalogue["instruments"]["NRS"]["domains"] = ["pain"]
    catalogue["instruments"]["MNCV"]["unit"] = "m/s"
    file.write_text(yaml.safe_dump(catalogue, sort_keys=False), encoding="utf-8")
    assert load_catalogue(file, load_vocabulary(str(own)))["instruments"]
