"""Forest plots as a person shapes them; the numbers stay those of the record."""

import html
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from figure_records import made_up_record, made_up_study
from test_figures_forest import draw_forest, extent, finish, marked, row_texts, texts
from test_figures_layout import faults

from trialpool import text
from trialpool.errors import InputError
from trialpool.figures import forest, forest_panels
from trialpool.figures.forest_layout import STYLES, preset
from trialpool.figures.save import save_figure, svg_of
from trialpool.protocol import forest_of, forest_slips
from trialpool.records import Shape, columns_of, from_json, sketch
from trialpool.view.forest_table import forest_table
from trialpool.view.read import Appraised
from trialpool.yaml_files import schema_of, shipped


def shaped(record, style="default", **shape):
    known = sketch(Appraised, record)
    return forest.draw_forest(replace(known, shape=from_json(Shape, shape)), style)


def labels_in_order(figure, record):
    names = [study["label"] for study in record["studies"]]
    rows = [(t.get_position()[1], t.get_text()) for t in figure.artists if hasattr(t, "get_text")]
    return [text for _, text in sorted(rows) if text in names]


def test_the_schema_names_what_the_forest_can_do():
    every, rules = shipped("forest"), schema_of("config").schema["$defs"]["shape"]["properties"]
    assert rules["style"]["enum"] == list(every["styles"])
    assert rules["sort"]["enum"] == [sign + name for sign in ("", "-") for name in every["sorts"]]
    assert rules["show"]["items"]["enum"] == every["parts"]
    assert rules["prediction"]["enum"] == every["predictions"]
    assert {*rules} == {*columns_of(Shape), "style", "favours"} - {"headings"}
    panel = schema_of("config").schema["properties"]["panels"]["additionalProperties"]["properties"]
    assert panel["style"]["enum"] == rules["style"]["enum"] == list(STYLES)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_the_text_of_every_style_is_that_of_the_record(style, measure, tmp_path):
    """What stands in the SVG, as text, are the numbers of studies.csv and summary.csv."""
    record = made_up_record(5, measure, seed=6)
    save_figure(draw_forest(record, style), tmp_path / "f", description="a. b", formats=(".svg",))
    svg = (tmp_path / "f.svg").read_text("utf-8")
    shown = [html.unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    around = preset(style).around
    for row in [*record["studies"], record["pooled"]]:
        low, high = (row.get(f"estimate_{end}", row.get(f"ci_{end}")) for end in ("low", "high"))
        for value in (row["estimate"], low, high):
            wanted = f"{value:.2f}".replace("-", "−")
            assert any(wanted in text for text in shown)
        printed = f"{around[0]}{low:.2f}{around[1]}{high:.2f}{around[2]}".replace("-", "−")
        assert printed in shown
    if "weight" in preset(style).columns:
        weights = {f"{study['weight']:.1f}{preset(style).percent}" for study in record["studies"]}
        assert weights <= set(shown)
    assert "0.2" in " ".join(shown)  # τ²
    assert "27.31" in " ".join(shown)  # Q


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("measure", ["MD", "RR"])
@pytest.mark.parametrize("k", [1, 3, 30])
def test_nothing_overlaps_in_any_style(style, measure, k):
    record = made_up_record(k, measure, seed=k)
    outside, overlapping, marks = faults(draw_forest(record, style))
    assert not outside
    assert not overlapping
    assert not marks


def test_nothing_overlaps_with_every_column():
    columns = ["study", "year", "received", "n", "mean_sd", "instrument", "people", "plot", "effect"]
    columns += ["weight", "weight_common", "weight_random", "risk_of_bias", "bias"]
    record = made_up_record(6)
    for study in record["studies"]:
        study |= {"year": 2011, "judgements": "RoB1: blinding low"}
    figure = shaped(record, columns=columns, show=shipped("forest")["parts"], prediction="density")
    assert all(not found for found in faults(figure))
    shown = texts(figure)
    assert {"Year", "Analysed", "Weight, common", "Weight, random", "Measured with", "low"} <= {*shown}


def test_trials_stand_in_the_order_that_is_asked_for():
    record = made_up_record(7, seed=3)
    for at, study in enumerate(record["studies"]):
        study |= {"label": f"Trial {'cgadbfe'[at]}", "year": 2020 - at}
    studies = record["studies"]

    def order(sort):
        return labels_in_order(shaped(record, sort=sort), record)

    def by(key, **kind):
        return [study["label"] for study in sorted(studies, key=key, **kind)]

    assert order("table") == [study["label"] for study in studies]
    assert order("year") == by(lambda s: s["year"])
    assert order("-year") == by(lambda s: s["year"], reverse=True)
    assert order("effect") == by(lambda s: s["estimate"])
    assert order("weight") == by(lambda s: -s["weight"]) == order("precision")
    assert order("n") == by(lambda s: -(s["n_experimental"] + s["n_control"]))
    assert order("label") == [f"Trial {letter}" for letter in "abcdefg"]


def test_the_worst_risk_of_bias_stands_last_and_the_unjudged_behind_it():
    record = made_up_record(3, seed=1)
    names = ("bad", "unknown", "good")
    for study, name, line in zip(record["studies"], names, ("RoB1: a high", "", "RoB1: a low"), strict=True):
        study |= {"label": name, "judgements": line}
    assert labels_in_order(shaped(record, sort="risk_of_bias"), record) == ["good", "bad", "unknown"]


def test_an_interval_that_leaves_the_limits_has_an_arrow_and_the_ticks_are_those_asked_for():
    record = made_up_record(4, "RR", seed=2)
    figure = shaped(record, limits=(0.9, 1.1), ticks=(0.9, 1.0, 1.1))
    assert [tick.get_text() for tick in marked(figure, "tick")] == ["0.9", "1", "1.1"]
    wide = [s for s in record["studies"] if s["estimate_low"] < 0.9 or s["estimate_high"] > 1.1]
    assert len({a.get_gid() for a in marked(figure, r"arrow-ci-\d+")}) == len(wide)
    assert all(not found for found in faults(figure))


def test_columns_labels_digits_and_headings():
    record = made_up_record(3, seed=5)
    study = record["studies"][0]
    study |= {"columns": {"country": "Iran"}, "label": "Lu 2020", "study_id": "Lu2020"}
    columns = ["study", "country", "n", "mean", "sd", "plot", "effect"]
    figure = shaped(
        record, columns=columns, digits=3, labels={"Lu2020": "Lu and others"}, headings={"country": "Land"}
    )
    row = row_texts(figure, "Lu and others")
    assert f"{study['estimate']:.3f}".replace("-", "−") in row
    assert {"Iran", str(study["n_control"]), f"{study['sd_control']:.2f}"} <= {*row}
    shown = texts(figure)
    assert {"Land", "Mean", "SD"} <= {*shown}
    assert "Weight" not in shown
    assert "Lu 2020" not in shown


def test_only_the_parts_that_are_asked_for_are_shown():
    record = made_up_record(6, mcid={"value": 0.4, "unit": "points"}, seed=2)
    record["pooled"] |= {"common_estimate": -0.7, "common_low": -0.9, "common_high": -0.5}
    shown = " ".join(texts(shaped(record, show=["i2", "common"])))
    assert "I² = 61%" in shown
    assert "Common effect" in shown
    assert "−0.70" in shown
    for word in ("τ² =", "Q =", "95% prediction", "Overall effect", "important benefit", "Weight"):
        assert word not in shown
    shown = " ".join(texts(shaped(record, show=["q", "threshold", "weights", "p", "prediction"])))
    for word in ("Q = 27.31", "important benefit", "Weight", "Overall effect", "95% prediction"):
        assert word in shown
    assert "I² =" not in shown


def test_the_number_needed_to_treat_is_that_of_the_median_risk():
    studies = [made_up_study(at, "RR", random.Random(at)) for at in range(3)]
    for study in studies:
        study |= {"events_control": 40, "n_control": 200}
    record = finish(studies, "RR", better="lower")
    record["pooled"] |= {"estimate": 0.5, "ci_low": 0.25, "ci_high": 0.8}
    shown = " ".join(texts(shaped(record, show=["nnt"])))
    # risk .2: .1, .05 and .16, differences of .1, .15 and .04
    assert "Number needed to treat: NNTB 10 (7 to 25) at a risk of 200 of 1,000" in " ".join(shown.split())
    record["pooled"] |= {"estimate": 0.5, "ci_low": 0.25, "ci_high": 1.5}
    assert "NNTB 10 (NNTB 7 to ∞ to NNTH 10)" in " ".join(texts(shaped(record, show=["nnt"])))


def test_the_prediction_interval_is_a_bar_a_diamond_a_curve_or_nothing():
    record = made_up_record(6, seed=2)
    spans = {}
    for kind in ("bar", "diamond", "density"):
        found = marked(shaped(record, prediction=kind), "prediction")
        spans[kind] = (min(extent(each)[0] for each in found), max(extent(each)[1] for each in found))
    assert spans["bar"] == pytest.approx(spans["diamond"], abs=0.1)
    assert spans["density"][0] <= spans["bar"][0]
    assert not marked(shaped(record, prediction="none"), "prediction")


def test_the_curve_of_a_new_trial_falls_as_its_t_distribution():
    from scipy.stats import t

    record = sketch(Appraised, made_up_record(6, seed=2))
    reach = t.ppf(0.975, 5)
    for at in (0.0, 0.5, 1.0):
        wanted = t.pdf(at * reach, 5) / t.pdf(0, 5)
        assert forest._density(record, at) == pytest.approx(wanted, rel=1e-12)


def test_groups_may_be_headed_otherwise_or_not_at_all():
    record = made_up_record(4, seed=2)
    for at, study in enumerate(record["studies"]):
        study["category_control"] = ("sham", "waitlist")[at % 2 if at < 3 else 0]
    pooled = record["pooled"]
    groups = [{"name": name, "k": k, "pooled": pooled} for name, k in (("sham", 3), ("waitlist", 1))]
    record |= {"subgroups": groups, "subgroup_column": "category_control"}
    shown = texts(shaped(record, group_headers={"sham": "Sham-controlled"}))
    assert "Sham-controlled" in shown
    assert [text for text in shown if text.startswith("Subtotal")] == ["Subtotal, 3 trials"]  # none of k = 1
    assert "Sham-controlled" not in texts(shaped(record, group_headers=False))
    assert "Waitlist" not in texts(shaped(record, group_headers=False))


def test_the_table_of_a_shape_keeps_the_places_of_numbers_in_the_record():
    record = made_up_record(5, seed=2)
    known = replace(sketch(Appraised, record), shape=Shape(sort="effect"))
    for study in forest_table(known).studies:
        assert known.studies[study.number].estimate == study.effect.estimate.value
        assert study.effect.estimate.path == f"made-up/studies.{study.number}.estimate"


@pytest.mark.parametrize(
    ("asked", "measure", "said"),
    [
        ({"columns": ["study", "wieght"]}, "MD", "'wieght' is not among the columns"),
        ({"limits": [1, 1]}, "MD", "not in ascending order"),
        ({"limits": [0, 2]}, "RR", "'0' is not on the axis of RR"),
        ({"ticks": [-1, 1]}, "OR", "'-1' is not on the axis of OR"),
        ({"limits": [0.5, 2], "ticks": [3]}, "RR", "'3' is a tick outside the limits 0.5 to 2"),
        ({"show": ["i3"]}, "MD", "'i3' is not among the parts"),
        ({"colums": []}, "MD", "the key 'colums' is not known"),
    ],
)
def test_what_no_plot_can_be_is_told(asked, measure, said):
    (slip, *_) = forest_slips(asked, (), measure)
    assert said.replace(f"'{slip.value}' is ", "") in slip.problem.replace(f"'{slip.value}' is ", "")


def test_the_style_and_the_words_beside_no_effect_are_taken_out_of_the_shape():
    style, shape, favours = forest_of({"style": "bmj", "favours": ["a", "b"], "digits": 1})
    assert (style, shape, favours) == ("bmj", {"digits": 1}, {"favours": ["a", "b"]})


def test_outcomes_side_by_side_share_the_rows_of_their_trials():
    one, other = made_up_record(4, seed=1), made_up_record(3, "RR", seed=2)
    for record, names in ((one, "abcd"), (other, "bdx")):
        for study, name in zip(record["studies"], names, strict=True):
            study |= {"study_id": name, "label": f"Trial {name}"}
    records = [sketch(Appraised, each) for each in (one, other)]
    figure = forest_panels.draw_panels(records, "Both", "plain", ["Pain", "Responders"])
    assert all(not found for found in faults(figure))
    shown = texts(figure)
    assert [text for text in shown if text.startswith("Trial ")] == [f"Trial {name}" for name in "abcdx"]
    row = row_texts(figure, "Trial b")
    assert len(row) == 3
    for record, at in ((one, 1), (other, 0)):
        estimate = f"{record['studies'][at]['estimate']:.2f}".replace("-", "−")
        assert any(text.startswith(estimate) for text in row)
    assert len(row_texts(figure, "Trial a")) == len(row_texts(figure, "Trial x")) == 2
    assert {"Pain", "Responders", "Both"} <= {*shown}
    with pytest.raises(ValueError, match="1 of the analyses have a trial"):
        forest_panels.draw_panels([records[0], sketch(Appraised, {"measure": "MD"})])


def test_faults_of_a_review_s_forest_name_line_and_remedy(tmp_path):
    from trialpool.protocol import read_protocol

    (tmp_path / "instruments.yaml").write_text("instruments: {}\n")
    (tmp_path / "config.yaml").write_text(
        "evidence: raw\nprocessed: p\nresults: r\n"
        f"instruments: {tmp_path}/instruments.yaml\n"
        "defaults:\n  forest: {style: bmj}\n"
        "panels:\n  both: {analyses: [deaths, deats]}\n"
        "analyses:\n  deaths:\n    title: Deaths\n    condition: X\n    domain: mortality\n"
        "    experimental: [drug]\n    control: [placebo]\n    measure: RR\n    better: lower\n"
        "    outcomes: [death]\n"
        "    forest:\n      columns: [study, {contry: Land}, plot]\n      limits: [-1, 2]\n"
    )
    with pytest.raises(InputError) as told:
        read_protocol(tmp_path / "config.yaml")
    said = [(fault.row, fault.column, fault.remedy) for fault in told.value.faults]
    assert (8, "panels.both.analyses.1", "did you mean 'deaths'") in said
    assert (20, "analyses.deaths.forest.columns.1", "did you mean 'country'") in said
    assert (21, "analyses.deaths.forest.limits", "write ratios, which are above 0") in said


def test_defaults_and_an_analysis_shape_a_plot_together(tmp_path):
    from trialpool.protocol import read_protocol

    (tmp_path / "instruments.yaml").write_text("instruments: {}\n")
    text = (
        "evidence: raw\nprocessed: p\nresults: r\n"
        f"instruments: {tmp_path}/instruments.yaml\n"
        "defaults:\n  forest: {style: bmj, sort: year}\n"
        "analyses:\n  deaths:\n    title: Deaths\n    condition: X\n    domain: mortality\n"
        "    experimental: [drug]\n    control: [placebo]\n    measure: RR\n    better: lower\n"
        "    outcomes: [death]\n    forest: {sort: -weight, favours: [more, less]}\n"
    )
    (tmp_path / "config.yaml").write_text(text)
    spec = read_protocol(tmp_path / "config.yaml").analyses["deaths"]
    assert (spec["forest"], spec["shape"], spec["favours"]) == ("bmj", {"sort": "-weight"}, ["more", "less"])
    (tmp_path / "config.yaml").write_text(
        text.replace("{style: bmj, sort: year}", "jama").split("    forest")[0]
    )
    spec = read_protocol(tmp_path / "config.yaml").analyses["deaths"]
    assert (spec["forest"], spec["shape"]) == ("jama", None)


def test_the_columns_of_studies_csv_travel_to_the_plot():
    from trialpool.records import Effect
    from trialpool.synthesis.analyse import read

    effect = sketch(Effect, {"study_id": "A"})
    rows = [
        {**{name: getattr(effect, name) for name in columns_of(Effect)}, "columns": '{"country": "Iran"}'}
    ]
    rows[0] |= {"category_experimental": ["x"], "category_control": ["y"]}
    assert read(Effect, rows)[0].columns == {"country": "Iran"}


def test_a_review_draws_panels_and_says_where_there_is_nothing_to_draw(tmp_path):
    from trialpool.jobs import _draw_panels

    one, other = (sketch(Appraised, made_up_record(3, seed=at)) for at in (1, 2))
    asked = {"analyses": {"a": "Pain", "b": "Sleep"}, "title": "Both", "style": "bmj"}
    _draw_panels("both", asked, [one, other], (".svg",), tmp_path)
    svg = (tmp_path / "both.svg").read_text("utf-8")
    assert all(word in svg for word in ("Pain", "Sleep", "Both", "Test for heterogeneity"))
    with pytest.raises(InputError, match="1 of the analyses have a trial"):
        _draw_panels("both", asked, [one, sketch(Appraised, {"measure": "MD"})], (".svg",), tmp_path)


SHIPPED = Path(__file__).parents[3] / "results"
OF_ALL_KINDS = ("improved-acupuncture-vs-medication", "pain-or-symptoms-acupuncture-vs-sham")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("analysis", [*OF_ALL_KINDS, "dpn-pain-gabapentinoids-vs-placebo"])
def test_the_text_of_a_review_s_svg_is_that_of_its_tables(style, analysis):
    """Effects as studies.csv and summary.csv hold them, in every style."""
    from trialpool import io
    from trialpool.view.read import appraised

    folder = SHIPPED / "analyses" / analysis
    svg = svg_of(forest.draw_forest(appraised(io.read_json(folder / "result.json")), style))
    shown = [html.unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    (total,) = (row for row in io.read_csv(SHIPPED / "summary.csv") if row["analysis"] == analysis)
    measure, (opening, joint, closing) = total["measure"], preset(style).around
    values = [float(total[name]) for name in ("estimate", "ci_low", "ci_high")]
    digits = None if measure == "SMD" else text.digits_for(values)
    for row in io.read_csv(folder / "studies.csv"):
        known = "printed" if row["printed_low"] else "estimate"
        bounds = (row["estimate"], row[f"{known}_low"], row[f"{known}_high"])
        estimate, low, high = text.format_values(measure, map(float, bounds), digits)
        at = shown.index(f"{opening}{low}{joint}{high}{closing}")
        assert shown[at - 1] == estimate or estimate in shown
        if "weight" in preset(style).columns:
            assert f"{text.number(float(row['weight']), 1)}{preset(style).percent}" in shown
    estimate, low, high = text.format_values(measure, values, digits)
    assert estimate in shown
    assert f"{opening}{low}{joint}{high}{closing}" in shown
    tests = " ".join(shown).replace(" ", "").casefold()
    for name, said in (("tau2", text.significant), ("q", text.number)):
        assert f"={said(float(total[name]))}" in tests
    assert f"i²={text.percent(float(total['i2']) / 100)}" in tests
