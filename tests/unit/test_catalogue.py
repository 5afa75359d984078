"""The shipped catalogue and analyses: consistent in themselves, and covering the shipped evidence."""

import csv
import functools
import re
from pathlib import Path

import pytest
import yaml

from trialpool.settings import load_settings
from trialpool.yaml_files import read_yaml, schema_of

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "config.yaml"
CATALOGUE = read_yaml(ROOT / "config" / "instruments.yaml")[0]
INSTRUMENTS = CATALOGUE["instruments"]
GROUPS = CATALOGUE["groups"]
ANALYSES = load_settings(read_yaml(CONFIG)[0], [CONFIG]).analyses

CODEBOOK_CATEGORIES = {
    *("manual_acupuncture", "electroacupuncture", "laser_acupuncture", "auricular_acupuncture"),
    *("warm_needling", "acupuncture_mixed", "gabapentinoid", "antidepressant", "opioid", "cannabinoid"),
    *("vitamin_b", "other_drug", "supplement", "herbal", "topical", "exercise", "diet", "neurostimulation"),
    *("photobiomodulation", "cryotherapy", "compression", "massage", "acupressure", "gene_therapy", "other"),
    *("sham", "placebo", "usual_care", "waitlist"),
}
DOMAINS = {"pain", "nerve_conduction", "quality_of_life", "symptom_score", "sensory_function", "function"}
UNITS = {"points", "m/s", "uV", "mV", "ms", "uS", "Hz", "s", "cm", "percent", "V", None}
METHODS = ("between_group", "anchor", "cross_sectional", "combined", "consensus", "unstated", "distribution")
INSTRUMENT_KEYS = {
    *("name", "domains", "range", "range_source", "normal", "normal_source", "better", "direction_note"),
    *("unit", "versions", "integer_items", "binary", "poolable", "mcid", "mcid_others", "note"),
}
MCID_KEYS = {"value", "unit", "kind", "population", "population_rank", "method", "source", "note"}
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


@pytest.mark.parametrize("code", INSTRUMENTS)
class TestInstrument:
    def test_has_the_keys_of_the_readme_and_a_meaning(self, code):
        entry = INSTRUMENTS[code]
        assert set(entry) <= INSTRUMENT_KEYS
        assert {"name", "domains", "range", "better", "unit", "mcid"} <= set(entry)
        assert entry["domains"]
        assert set(entry["domains"]) <= DOMAINS
        assert entry["better"] in ("lower", "higher")
        assert entry["unit"] in UNITS

    def test_its_range_is_ordered_and_has_a_source(self, code):
        entry = INSTRUMENTS[code]
        if entry["range"] is None:
            return
        low, high = entry["range"]
        assert low is None or high is None or low < high
        assert SOURCE.search(entry["range_source"]) or entry["range_source"].startswith(STATED)

    def test_every_mcid_has_a_positive_size_a_source_and_ranks(self, code):
        for mcid in candidates(INSTRUMENTS[code]):
            assert set(mcid) <= MCID_KEYS
            assert mcid["value"] > 0
            assert SOURCE.fullmatch(mcid["source"])
            assert mcid["kind"]
            assert mcid["population"]
            assert mcid["population_rank"] in (1, 2, 3)
            assert mcid["method"] in METHODS

    def test_its_mcid_follows_the_stated_rule(self, code):
        entry = INSTRUMENTS[code]
        assert (entry["mcid"] or {}).get("value") == chosen_by_rule(entry)

    def test_its_mcid_is_smaller_than_the_scale(self, code):
        entry = INSTRUMENTS[code]
        if entry["mcid"] and entry["range"] and None not in entry["range"]:
            low, high = entry["range"]
            assert entry["mcid"]["value"] < (high - low) / 2

    def test_a_part_belongs_to_an_instrument_of_the_same_kind(self, code):
        whole, _, part = code.partition(":")
        if part:
            assert set(INSTRUMENTS[code]["domains"]) <= set(INSTRUMENTS[whole]["domains"])

    def test_what_has_no_range_no_mcid_and_no_definition_says_why(self, code):
        entry = INSTRUMENTS[code]
        if entry["range"] is None and entry["mcid"] is None:
            assert entry.get("note")


class TestEvidence:
    def test_every_instrument_of_the_evidence_is_in_the_catalogue_under_its_domain(self):
        missing = {
            (row["instrument"], row["domain"])
            for table in ("continuous", "contrasts")
            for row in raw(table)
            if row["domain"] not in INSTRUMENTS.get(row["instrument"], {"domains": []})["domains"]
        }
        assert not missing

    def test_printed_arm_means_lie_within_the_range(self):
        outside = [
            (row["study_id"], row["instrument"], row["item"], row["centre"])
            for row in raw("continuous")
            if row["measure"] == "final" and not inside(row)
        ]
        assert not outside

    def test_units_of_the_evidence_are_those_of_the_catalogue_or_known_to_differ(self):
        differing = {
            (row["instrument"], row["item"], row["unit"])
            for table in ("continuous", "contrasts")
            for row in raw(table)
            if row["unit"] and row["unit"] != part_or_whole(row)["unit"]
        }
        # printed units that cannot be right, see NOTES.md: amplitudes in mV as µV, a threshold in V as Hz
        assert {(code, unit) for code, _, unit in differing} == {("CMAP_AMP", "uV"), ("VPT", "Hz")}

    def test_every_parts_entry_is_one_of_the_evidence_or_a_nerve(self):
        known = {f"{r['instrument']}:{r['item']}" for t in ("continuous", "contrasts") for r in raw(t)}
        nerves = {f"{code}:{nerve}" for code in ("MNCV", "SNCV") for nerve in ("median", "ulnar", "sural")}
        nerves |= {"MNCV:peroneal", "MNCV:tibial"}
        assert {code for code in INSTRUMENTS if ":" in code} <= known | nerves

    def test_every_category_is_in_a_group_and_groups_name_categories_only(self):
        used = {row["category"] for row in raw("arms")}
        grouped = {category for members in GROUPS.values() for category in members}
        assert used <= grouped
        assert grouped == CODEBOOK_CATEGORIES
        assert not set(GROUPS) & CODEBOOK_CATEGORIES
        assert all(len(members) == len(set(members)) for members in GROUPS.values())

    def test_any_control_is_everything_but_acupuncture(self):
        assert set(GROUPS["any_control"]) == CODEBOOK_CATEGORIES - set(GROUPS["acupuncture"])


def part_or_whole(row):
    return {**INSTRUMENTS[row["instrument"]], **INSTRUMENTS.get(f"{row['instrument']}:{row['item']}", {})}


def inside(row):
    low, high = part_or_whole(row)["range"] or (None, None)
    value = float(row["centre"])
    return (low is None or value >= low) and (high is None or value <= high)


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
class TestAnalysis:
    def test_its_outcomes_are_of_its_domain(self, analysis):
        domain, outcomes = analysis["domain"], analysis["outcomes"]
        assert outcomes, "an analysis names what it may pool"
        if domain in DOMAINS:
            assert all(
                domain in INSTRUMENTS[code.split(":")[0]]["domains"] or known(code) for code in outcomes
            )
        else:
            used = {row["outcome"] for row in raw("events") if row["domain"] == domain}
            assert set(outcomes) & used
            assert not {code for code in outcomes if code not in used | {"cipn_grade_1"}}

    def test_what_is_not_a_defined_scale_stands_alone(self, analysis):
        if analysis["domain"] in DOMAINS and len(analysis["outcomes"]) > 1:
            assert all(INSTRUMENTS[code].get("poolable", True) for code in analysis["outcomes"])

    def test_a_common_scale_is_possible_for_every_instrument(self, analysis):
        if analysis["measure"] != "MD" or analysis["domain"] not in DOMAINS:
            return
        ranges = [INSTRUMENTS[code]["range"] for code in analysis["outcomes"]]
        if analysis["scale"]:
            assert all(bounds and None not in bounds for bounds in ranges)
        else:
            assert all(bounds == ranges[0] for bounds in ranges)

    def test_a_mean_difference_points_the_way_its_instruments_do(self, analysis):
        if analysis["measure"] == "MD":
            assert {INSTRUMENTS[code]["better"] for code in analysis["outcomes"]} == {analysis["better"]}

    def test_nobody_is_on_both_sides(self, analysis):
        assert not set(analysis["experimental"]) & set(analysis["control"])

    def test_an_mcid_is_applied_to_pain_only_where_pain_is_measured(self, analysis):
        if analysis["mcid"] and analysis["domain"] != "pain":
            assert analysis["mcid"]["instrument"] not in ("NRS", "VAS10", "VAS100")

    def test_prevention_is_never_mixed_with_treatment_of_pain_or_symptoms(self, analysis):
        if analysis["domain"] in (*DOMAINS, "responder", "incidence"):
            assert analysis["purpose"] in ("treatment", "prevention")


def known(code):
    """Instruments of the catalogue that no trial of the shipped evidence has used in this domain yet."""
    used = {row["instrument"] for table in ("continuous", "contrasts") for row in raw(table)}
    return code not in used


def test_slugs_say_condition_outcome_and_comparison():
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug) for slug in ANALYSES)
    assert all("-vs-" in slug for slug in ANALYSES)
    titles = [analysis["title"] for analysis in ANALYSES.values()]
    assert len(set(titles)) == len(titles)


class TestReadme:
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    def test_every_key_of_the_schema_and_of_the_catalogue_is_explained(self):
        schema = schema_of("config").schema
        keys = {*schema["properties"], *INSTRUMENT_KEYS, *MCID_KEYS}
        parts = [schema["$defs"][part] for part in ("analysis", "methods", "mcid")]
        parts += [part for part in schema["properties"].values() if "properties" in part]
        keys |= {key for part in parts for key in part["properties"]}
        assert not {key for key in keys if f"`{key}`" not in self.text and f"{key}," not in self.text}

    def test_its_analysis_and_its_other_review_load(self):
        analysis, review, _ = (yaml.safe_load(example) for example in self.examples)
        assert load_settings({**read_yaml(CONFIG)[0], "analyses": analysis}).analyses
        assert load_settings(review).evidence == ("my/trials",)

    def test_its_instrument_has_the_keys_that_instruments_have(self):
        (entry,) = yaml.safe_load(self.examples[2]).values()
        assert {"name", "domains", "range", "better", "unit", "mcid"} <= set(entry) <= INSTRUMENT_KEYS
