"""The shipped catalogue and analyses: consistent in themselves, and covering the shipped evidence."""

import csv
import functools
import re
import shutil
import statistics
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from trialpool.jobs import check_review
from trialpool.protocol import load_catalogue, load_protocol, read_protocol
from trialpool.vocabulary import load_vocabulary
from trialpool.yaml_files import read_yaml, schema_of

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "config.yaml"
CATALOGUE = read_yaml(ROOT / "config" / "instruments.yaml")[0]
INSTRUMENTS = CATALOGUE["instruments"]
PROTOCOL = load_protocol(read_yaml(CONFIG)[0], [CONFIG])
ANALYSES, WORDS = PROTOCOL.analyses, PROTOCOL.words
GROUPS = {name: group.treatments for name, group in WORDS.groups.items()}
CATEGORIES, DOMAINS = tuple(WORDS.treatments), WORDS.table_words()["domain of means"].words

METHODS = ("between_group", "anchor", "cross_sectional", "combined", "consensus", "unstated", "distribution")
SHAPE = schema_of("instruments").schema["$defs"]
SOURCE = re.compile(r"https?://\S+|10\.\d{4,}/\S+")
STATED = ("definition", "derived", "widest of its parts", "text read on a page without a recorded address")


@functools.cache
def raw(name):
    with (ROOT / "data" / "raw" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def candidates(entry):
    chosen = [entry["mcid"]] if entry["mcid"] else []
    return chosen + entry.get("mcid_others", [])


def chosen_by_rule(entry):
    """The value that steps 1 to 5 of mcid_rule pick, computed anew from the ranks of all published ones."""
    left = [mcid for mcid in candidates(entry) if mcid["unit"] == entry["unit"]]
    if any(mcid["method"] != "distribution" for mcid in left):
        left = [mcid for mcid in left if mcid["method"] != "distribution"]
    for key in ("population_rank", "method"):
        rank = (lambda mcid: mcid["population_rank"]) if key == "population_rank" else method_rank
        left = [mcid for mcid in left if rank(mcid) == min(map(rank, left))]
    values = sorted(mcid["value"] for mcid in left)
    return values[len(values) // 2] if values else None


def method_rank(mcid):
    return METHODS.index(mcid["method"])


class TestInstrument:
    """What this catalogue promises beyond the schema of all catalogues."""

    def test_it_says_of_everything_that_is_asked_whether_it_is_known(self):
        for code in INSTRUMENTS:
            assert {"name", "domains", "range", "better", "unit", "mcid"} <= set(INSTRUMENTS[code]), code

    def test_its_range_has_a_source(self):
        for code in INSTRUMENTS:
            entry = INSTRUMENTS[code]
            if entry["range"] is not None:
                assert SOURCE.search(entry["range_source"]) or entry["range_source"].startswith(STATED), code

    def test_every_mcid_can_be_looked_up_and_has_what_the_rule_needs(self):
        for code in INSTRUMENTS:
            for mcid in candidates(INSTRUMENTS[code]):
                assert {"kind", "population", "population_rank", "method"} <= set(mcid), code
                assert SOURCE.fullmatch(mcid["source"]), code

    def test_its_mcid_follows_the_stated_rule(self):
        for code in INSTRUMENTS:
            entry = INSTRUMENTS[code]
            assert (entry["mcid"] or {}).get("value") == chosen_by_rule(entry), code

    def test_its_mcid_is_smaller_than_the_scale(self):
        for code in INSTRUMENTS:
            entry = INSTRUMENTS[code]
            if entry["mcid"] and entry["range"] and None not in entry["range"]:
                low, high = entry["range"]
                assert entry["mcid"]["value"] < (high - low) / 2, code

    def test_what_has_no_range_no_mcid_and_no_definition_says_why(self):
        for code in INSTRUMENTS:
            entry = INSTRUMENTS[code]
            if entry["range"] is None and entry["mcid"] is None:
                assert entry.get("note"), code


class TestEvidence:
    """The catalogue fits the evidence over all trials: one more trial may be odd, a whole scale may not."""

    def test_every_instrument_is_used_in_a_domain_of_its_own(self):
        used = results("domain", lambda row: row["instrument"])
        assert not [
            code for code, domains in used.items() if not {*domains} & {*INSTRUMENTS[code]["domains"]}
        ]

    def test_the_middle_of_the_printed_arm_means_lies_within_the_range(self):
        means = results("centre", part, lambda row: row.get("measure") == "final")
        middles = {code: statistics.median(map(float, cells)) for code, cells in means.items()}
        assert len(middles) > 50
        assert not {code: middle for code, middle in middles.items() if not inside(code, middle)}

    def test_units_of_the_evidence_are_those_of_the_catalogue_or_known_to_differ(self):
        units = results("unit", part, lambda row: row["unit"])
        unlike = {code for code, printed in units.items() if entry_of(code)["unit"] not in printed}
        changes = {code for code, printed in units.items() if set(printed) == {"percent"}}
        # printed units that cannot be right, see NOTES.md: amplitudes in mV as µV, a threshold in V as Hz
        assert {code.partition(":")[0] for code in unlike - changes} <= {"CMAP_AMP", "VPT"}

    def test_every_parts_entry_is_one_of_the_evidence_or_a_nerve(self):
        known = {f"{r['instrument']}:{r['item']}" for t in ("continuous", "contrasts") for r in raw(t)}
        nerves = {f"{code}:{nerve}" for code in ("MNCV", "SNCV") for nerve in ("median", "ulnar", "sural")}
        nerves |= {"MNCV:peroneal", "MNCV:tibial"}
        assert {code for code in INSTRUMENTS if ":" in code} <= known | nerves

    def test_every_category_is_in_a_group_and_groups_name_categories_of_the_codebook_only(self):
        assert {category for members in GROUPS.values() for category in members} == set(CATEGORIES)

    def test_any_control_is_everything_but_acupuncture(self):
        assert set(GROUPS["any_control"]) == set(CATEGORIES) - set(GROUPS["acupuncture"])


def results(column, key, where=lambda row: True):
    """The cells of a column of all results, by a key of their rows."""
    found = defaultdict(list)
    for row in (*raw("continuous"), *raw("contrasts")):
        if where(row):
            found[key(row)].append(row[column])
    return found


def part(row):
    return f"{row['instrument']}:{row['item']}"


def entry_of(code):
    return {**INSTRUMENTS[code.partition(":")[0]], **INSTRUMENTS.get(code, {})}


def inside(code, value):
    low, high = entry_of(code)["range"] or (None, None)
    return (low is None or value >= low) and (high is None or value <= high)


class TestAnalysis:
    def test_its_outcomes_are_of_its_domain(self):
        for slug, analysis in ANALYSES.items():
            domain, outcomes = analysis["domain"], analysis["outcomes"]
            assert outcomes, f"{slug} does not name what it may pool"
            parts = {*WORDS.within(domain)}
            if parts & {*DOMAINS}:
                assert all(parts & {*INSTRUMENTS[code.split(":")[0]]["domains"]} for code in outcomes), slug
            else:
                used = {row["outcome"] for row in raw("events") if row["domain"] == domain}
                assert set(outcomes) & used, slug
                assert not {code for code in outcomes if code not in used | {"cipn_grade_1"}}, slug

    def test_what_is_not_a_defined_scale_stands_alone(self):
        for slug, analysis in ANALYSES.items():
            if analysis["domain"] in DOMAINS and len(analysis["outcomes"]) > 1:
                assert all(INSTRUMENTS[code].get("poolable", True) for code in analysis["outcomes"]), slug

    def test_a_common_scale_is_possible_for_every_instrument(self):
        for slug, analysis in ANALYSES.items():
            if analysis["measure"] != "MD" or analysis["domain"] not in DOMAINS:
                continue
            ranges = [INSTRUMENTS[code]["range"] for code in analysis["outcomes"]]
            if analysis["scale"]:
                assert all(bounds and None not in bounds for bounds in ranges), slug
            else:
                assert all(bounds == ranges[0] for bounds in ranges), slug

    def test_a_mean_difference_points_the_way_its_instruments_do(self):
        for slug, analysis in ANALYSES.items():
            if analysis["measure"] == "MD":
                assert {INSTRUMENTS[code]["better"] for code in analysis["outcomes"]} == {
                    analysis["better"]
                }, slug

    def test_nobody_is_on_both_sides(self):
        for slug, analysis in ANALYSES.items():
            assert not set(analysis["experimental"]) & set(analysis["control"]), slug

    def test_an_mcid_is_applied_to_pain_only_where_pain_is_measured(self):
        for slug, analysis in ANALYSES.items():
            if analysis["mcid"] and analysis["domain"] != "pain":
                assert analysis["mcid"].get("instrument") not in ("NRS", "VAS10", "VAS100"), slug

    def test_no_difference_within_a_person_stands_for_one_between_groups(self):
        for slug, analysis in ANALYSES.items():
            known = {each["value"] for each in (analysis["within_person"],) if each}
            if analysis["mcid"]:
                assert analysis["mcid"]["value"] not in known, slug
                assert analysis["mcid"]["kind"], slug

    def test_prevention_is_never_mixed_with_treatment_of_pain_or_symptoms(self):
        for slug, analysis in ANALYSES.items():
            if analysis["domain"] in (*DOMAINS, "responder", "incidence"):
                assert analysis["purpose"] in ("treatment", "prevention"), slug


def test_slugs_say_condition_outcome_and_comparison():
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) for slug in ANALYSES)
    assert all("-vs-" in slug or "-added-to-" in slug for slug in ANALYSES)
    titles = [analysis["title"] for analysis in ANALYSES.values()]
    assert len(set(titles)) == len(titles)


class TestReadme:
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    def test_every_key_of_the_schema_and_of_the_catalogue_is_explained(self):
        schema = schema_of("config").schema
        keys = {*schema["properties"], *SHAPE["instrument"]["properties"], *SHAPE["mcid"]["properties"]}
        parts = [schema["$defs"][part] for part in ("analysis", "methods", "mcid")]
        parts += [part for part in schema["properties"].values() if "properties" in part]
        words = schema_of("vocabulary").schema["properties"]
        keys |= {key for part in parts for key in part["properties"]}
        keys |= {*words, *words["domains"]["additionalProperties"]["properties"]}
        assert not {key for key in keys if f"`{key}`" not in self.text and f"{key}," not in self.text}

    def test_its_review_is_whole_and_fits_tables(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        mini = ROOT / "tests" / "workflow" / "mini"
        shutil.copytree(mini / "raw", tmp_path / "my" / "trials")
        shutil.copy(mini / "instruments.yaml", tmp_path / "my")
        (tmp_path / "config.yaml").write_text(self.examples[0], encoding="utf-8")
        assert check_review("config.yaml")["analyses"] == 3
        assert {slug: each["title"] for slug, each in read_protocol("config.yaml").analyses.items()} == {
            "dpn-pain-needling-vs-sham": "Diabetic neuropathy, pain: needling versus sham",
            "both-pain-needling-vs-sham": "Any neuropathy, pain: needling versus sham",
            "both-responders-needling-vs-sham": "Any neuropathy, people improved: needling versus sham",
        }

    def test_its_analysis_loads(self):
        analysis = yaml.safe_load(self.examples[1])
        assert load_protocol({**read_yaml(CONFIG)[0], "analyses": analysis}).analyses.keys() > {*analysis}

    def test_its_instrument_loads(self, tmp_path):
        file = tmp_path / "instruments.yaml"
        (example,) = (each for each in self.examples if "range_source:" in each)
        file.write_text(f"instruments:\n{example}", encoding="utf-8")
        assert len(load_catalogue(file, WORDS)["instruments"]) == 1

    def test_its_vocabulary_loads(self, tmp_path):
        file = tmp_path / "vocabulary.yaml"
        (example,) = (each for each in self.examples if each.startswith("conditions:"))
        file.write_text(example, encoding="utf-8")
        words = load_vocabulary(str(file))
        assert words.domain("mood").verbs == ("lift", "lower")
        assert words.factor("mg/dl", "mmol/l", "glucose") == pytest.approx(1 / 18.016)
        named = set(re.findall(r"`([a-z_]+)`", self.text))
        assert set(load_vocabulary().domains) <= named
