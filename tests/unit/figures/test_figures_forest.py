"""The forest plot, read back from its artists."""

import math
import re

import pytest
from figure_records import (
    describe_forest,
    draw_forest,
    finish,
    gap_record,
    made_up_record,
    made_up_study,
)
from matplotlib.colors import to_hex

from trialpool.figures import style


def texts(figure):
    return [artist.get_text() for artist in figure.artists if hasattr(artist, "get_text")]


def marked(figure, pattern):
    return [artist for artist in figure.artists if re.fullmatch(pattern, artist.get_gid() or "")]


def corners(artist):
    """Corner points of a patch or line, in points."""
    if hasattr(artist, "get_xdata"):
        return list(zip(artist.get_xdata(), artist.get_ydata(), strict=True))
    if hasattr(artist, "get_width"):
        x, y = artist.get_xy()
        return [(x, y), (x + artist.get_width(), y + artist.get_height())]
    return [tuple(point) for point in artist.get_xy()]


def extent(artist):
    xs = [x for x, _ in corners(artist)]
    return min(xs), max(xs)


def ruler(figure, logarithmic=False):
    """x position of a value, worked out from the tick labels that a reader sees."""
    scale = math.log if logarithmic else float
    ticks = [(t.get_text(), t.get_position()[0]) for t in marked(figure, "tick")]
    (a, x), (b, y) = [(scale(float(label.replace("−", "-"))), at) for label, at in (ticks[0], ticks[-1])]
    return lambda value: x + (scale(value) - a) / (b - a) * (y - x)


def row_texts(figure, label):
    """All texts on the baseline of the row that begins with a label."""
    held = [t for t in figure.artists if hasattr(t, "get_text")]
    y = next(t.get_position()[1] for t in held if t.get_text() == label)
    return [t.get_text() for t in held if t.get_position()[1] == y]


@pytest.mark.parametrize("measure", ["MD", "SMD", "RR"])
def test_squares_stand_at_the_estimates_and_their_areas_follow_the_weights(measure):
    record = made_up_record(9, measure, seed=4)
    figure = draw_forest(record)
    at, squares = ruler(figure, measure == "RR"), marked(figure, r"square-\d+")
    assert len(squares) == 9
    for square, study in zip(squares, record["studies"], strict=True):
        assert sum(extent(square)) / 2 == pytest.approx(at(study["estimate"]), abs=0.01)
    ratios = [s.get_width() ** 2 / t["weight"] for s, t in zip(squares, record["studies"], strict=True)]
    assert max(ratios) == pytest.approx(min(ratios))
    assert all(square.get_width() == pytest.approx(square.get_height()) for square in squares)


def test_lines_span_the_intervals_and_the_diamond_the_pooled_one():
    record = made_up_record(7, seed=2)
    figure = draw_forest(record)
    at = ruler(figure)
    for line, study in zip(marked(figure, r"ci-\d+"), record["studies"], strict=True):
        assert extent(line) == pytest.approx(
            (at(study["estimate_low"]), at(study["estimate_high"])), abs=0.01
        )
    (diamond,) = marked(figure, r"diamond-\d+")
    pooled = record["pooled"]
    assert extent(diamond) == pytest.approx((at(pooled["ci_low"]), at(pooled["ci_high"])), abs=0.01)
    tops = [x for x, y in corners(diamond) if y == min(y for _, y in corners(diamond))]
    assert tops == pytest.approx([at(pooled["estimate"])] * len(tops), abs=0.01)


def test_prediction_interval_is_drawn_below_the_diamond_and_printed():
    record = made_up_record(7, seed=2)
    figure = draw_forest(record)
    (bar,), (diamond,), at = marked(figure, "prediction"), marked(figure, r"diamond-\d+"), ruler(figure)
    assert extent(bar) == pytest.approx(
        (at(record["pooled"]["pi_low"]), at(record["pooled"]["pi_high"])), abs=0.01
    )
    assert bar.get_ydata()[0] > max(y for _, y in corners(diamond))
    low, high = (f"{record['pooled'][key]:.2f}".replace("-", "−") for key in ("pi_low", "pi_high"))
    assert f"({low} to {high})" in row_texts(figure, "95% prediction interval")


def test_without_prediction_interval_there_is_no_bar():
    record = made_up_record(3)
    record["pooled"] |= {"pi_low": None, "pi_high": None}
    figure = draw_forest(record)
    assert not marked(figure, "prediction")
    assert not any("prediction" in text and "bar" in text for text in texts(figure))


def test_only_an_interval_that_leaves_the_axis_gets_an_arrow():
    record = made_up_record(8, seed=3)
    assert not marked(draw_forest(record), "arrow-.*")
    record["studies"][2]["estimate_high"] = 60.0
    figure = draw_forest(record)
    (arrow,) = marked(figure, "arrow-.*")
    (axis,) = marked(figure, "axis")
    assert extent(arrow)[1] == pytest.approx(extent(axis)[1])
    assert any("to 60.00)" in text for text in texts(figure))
    assert any("arrow where it goes on" in text for text in texts(figure))


def test_an_estimate_far_outside_is_an_arrow_and_keeps_its_numbers():
    record = made_up_record(12, seed=3)
    record["studies"][5] |= {"estimate": 400.0, "estimate_low": 380.0, "estimate_high": 420.0}
    figure = draw_forest(record)
    assert len(marked(figure, r"square-\d+")) == 11
    assert len(marked(figure, "arrow-.*")) >= 1
    assert "400.00" in texts(figure)


def test_numbers_of_every_trial_are_printed():
    record = made_up_record(6, seed=8)
    figure = draw_forest(record)
    for study in record["studies"]:
        row = row_texts(figure, study["label"])
        expected = [
            f"{study['n_experimental']}",
            f"{study['n_control']}",
            f"{study['mean_experimental']:.2f}",
            "± 1.60",
            f"{study['weight']:.1f}%",
            f"{study['estimate']:.2f}",
            f"({study['estimate_low']:.2f} to {study['estimate_high']:.2f})",
        ]
        assert {text.replace("-", "−") for text in expected} <= set(row)


def test_events_and_their_totals_are_printed_for_a_risk_ratio():
    record = made_up_record(6, "RR", seed=8)
    figure = draw_forest(record)
    study = record["studies"][1]
    row = row_texts(figure, study["label"])
    assert {f"{study['events_control']}", f"/{study['n_control']}"} <= set(row)
    total = sum(study["events_experimental"] for study in record["studies"])
    people = record["n_experimental"] + record["n_control"]
    assert f"{total}" in row_texts(figure, f"Random effects: 6 trials, {people} people")
    assert "RR (95% CI)" in texts(figure)
    assert "Mean ± SD" not in texts(figure)


def test_a_contrast_shows_dashes_and_says_why():
    record = made_up_record(5)
    gone = dict.fromkeys(("mean_experimental", "sd_experimental", "mean_control", "sd_control"))
    record["studies"][1] |= gone | {"kind": "contrast", "n_control": None}
    figure = draw_forest(record)
    assert row_texts(figure, record["studies"][1]["label"]).count("—") == 3
    assert any("Contrast as published" in text for text in texts(figure))
    assert any(text.startswith("Random effects: 5 trials, ≥ ") for text in texts(figure))


def test_imputed_rows_are_hollow_and_marked():
    record = made_up_record(5)
    record["studies"][3]["imputed"] = True
    record["studies"][1]["cautions"] = "n not printed; SD from SE; n not printed"
    record["studies"][2]["reading"] = "single"
    figure = draw_forest(record)
    fills = [to_hex(square.get_facecolor()) for square in marked(figure, r"square-\d+")]
    assert [fill == style.PAPER for fill in fills] == [False, False, False, True, False]
    shown = texts(figure)
    assert shown.count("†") == 2  # at the label and before its note
    assert "n not printed; SD from SE." in shown
    assert shown.count("a") == 2
    assert any("Read at its source once" in text for text in shown)


def test_many_cautions_share_one_mark():
    record = made_up_record(20)
    for index, study in enumerate(record["studies"]):
        study["cautions"] = f"doubt {index}"
    shown = texts(draw_forest(record))
    assert shown.count("¶") == 21
    assert not any("Doubt" in text for text in shown)


@pytest.mark.parametrize(
    ("measure", "better", "value", "threshold"),
    [("MD", "lower", 1.0, -1.0), ("MD", "higher", 0.5, 0.5), ("RR", "lower", math.log(2), 0.5)],
)
def test_the_band_begins_at_the_mcid_on_the_side_of_benefit(measure, better, value, threshold):
    mcid = {"value": value, "unit": "points", "kind": "anchor"}
    figure = draw_forest(made_up_record(6, measure, better=better, mcid=mcid))
    (band,), (axis,), at = marked(figure, "mcid-band"), marked(figure, "axis"), ruler(figure, measure == "RR")
    left, right = extent(band)
    if better == "lower":
        assert (left, right) == pytest.approx((extent(axis)[0], at(threshold)), abs=0.01)
    else:
        assert (left, right) == pytest.approx((at(threshold), extent(axis)[1]), abs=0.01)
    assert any("the smallest difference between groups that is" in text for text in texts(figure))
    assert ("(1 point;" in " ".join(texts(figure))) == (value == 1)


def test_fractional_degrees_of_freedom_are_rounded():
    record = made_up_record(6, "MD")
    record["pooled"] |= {"df": 8.834257996, "statistic": -3.0, "p_value": 0.01}
    assert any("on 8.8 df" in text for text in texts(draw_forest(record)))


def test_the_caption_names_the_prior_of_a_bayesian_headline():
    record = made_up_record(3, "MD")
    record["pooled"] |= {"interval": "bayes", "prior_scale": 1.05}
    told = " ".join(texts(draw_forest(record)))
    assert "posterior median and credible interval, half-normal prior of τ with scale 1.05" in told


@pytest.mark.parametrize("mcid", [None, {"value": None}])
def test_without_an_mcid_there_is_no_band(mcid):
    figure = draw_forest(made_up_record(3, mcid=mcid))
    assert not marked(figure, "mcid.*")
    assert not any("matter" in text or "important" in text for text in texts(figure))


def test_heterogeneity_and_test_stand_beside_the_axis():
    shown = texts(draw_forest(made_up_record(5)))
    expected = "Heterogeneity: τ² = 0.20 (95% CI 0.050 to 0.87), I² = 61%, Q = 27.31 on 4 df, p = 0.004"
    assert expected in " ".join(shown)
    assert any(
        text.startswith("Overall effect: t = ") and text.endswith("on 4 df, p = 0.01") for text in shown
    )


def test_an_empty_tau2_interval_is_said_and_missing_parts_are_left_out():
    record = made_up_record(3)
    record["pooled"] |= {"tau2_empty": True, "i2": None, "q": None, "q_p_value": None, "df": None}
    shown = " ".join(texts(draw_forest(record)))
    assert "CI empty: less spread than chance" in shown
    assert "I² =" not in shown
    assert "Overall effect: z = " in shown


def test_one_trial_is_not_called_a_meta_analysis():
    figure = draw_forest(made_up_record(1))
    assert not marked(figure, r"diamond-\d+|prediction")
    assert len(marked(figure, r"square-\d+")) == 1
    assert "One trial: not a meta-analysis." in texts(figure)
    assert not any("Random effects" in text or "Weight" in text for text in texts(figure))


def test_subgroups_have_headings_and_hollow_diamonds_where_they_pool():
    record = made_up_record(5)
    for study, group in zip(
        record["studies"], ("sham", "usual_care", "sham", "waitlist", "usual_care"), strict=True
    ):
        study |= {"category_control": group, "label_control": "control"}
    inside = {"estimate": -0.5, "ci_low": -1.0, "ci_high": 0.0, "tau2": 0.12, "i2": 33.0}
    sizes = (("sham", 2), ("usual_care", 2), ("waitlist", 1))
    record["subgroups"] = [{"name": name, "k": k, "pooled": inside} for name, k in sizes]
    record["subgroup_column"] = "category_control"
    record["subgroup_test"] = {"statistic": 1.5, "df": 2, "p_value": 0.47}
    figure = draw_forest(record)
    order = [
        t for t in texts(figure) if t in ("Sham", "Usual care", "Waitlist") or re.match(r".* 20\d\d$", t)
    ]
    labels = [study["label"] for study in record["studies"]]
    assert order[order.index("Usual care") : order.index("Usual care") + 3] == [
        "Usual care",
        labels[1],
        labels[4],
    ]
    assert texts(figure).count("Subtotal, 2 trials") == 2
    assert "τ² = 0.12, I² = 33%" in texts(figure)
    fills = [to_hex(diamond.get_facecolor()) for diamond in marked(figure, r"diamond-\d+")]
    assert fills == [style.PAPER, style.PAPER, style.POOLED]
    assert "Between subgroups: Q = 1.50 on 2 df, p = 0.47" in texts(figure)


def test_studies_of_no_listed_subgroup_are_still_shown():
    record = made_up_record(3)
    record["subgroups"] = [{"name": "sham", "k": 1, "pooled": None}]
    record["subgroup_column"] = "category_control"
    figure = draw_forest(record)
    assert len(marked(figure, r"square-\d+")) == 3
    assert "Other trials" in texts(figure)


def test_a_clipped_diamond_stays_within_the_axis():
    record = made_up_record(4)
    record["pooled"] |= {"ci_low": -500.0, "ci_high": 300.0, "pi_low": -900.0, "pi_high": 900.0}
    figure = draw_forest(record)
    (diamond,), (axis,) = marked(figure, r"diamond-\d+"), marked(figure, "axis")
    assert extent(axis)[0] <= extent(diamond)[0] < extent(diamond)[1] <= extent(axis)[1]
    assert len(marked(figure, r"arrow-diamond-\d+")) == 2
    assert len(marked(figure, "arrow-prediction")) == 2


def test_direction_words_stand_on_their_sides():
    figure = draw_forest(made_up_record(4))
    left, right = sorted(marked(figure, "direction"), key=lambda text: text.get_position()[0])
    assert (left.get_text(), right.get_text()) == ("←\u00a0favours acupuncture", "favours sham\u00a0→")


def test_from_twenty_six_trials_every_row_is_one_line():
    heights = [draw_forest(made_up_record(k)).get_figheight() for k in (60, 61)]
    assert heights[1] - heights[0] == pytest.approx(12 / 72)
    assert "Measured" in texts(draw_forest(made_up_record(26)))


def test_links_lead_only_to_web_pages():
    record = made_up_record(2)
    record["studies"][0]["source_url"] = "javascript:alert(1)"
    figure = draw_forest(record)
    links = [artist.get_url() for artist in figure.artists if artist.get_url()]
    assert links == ["https://example.org/trial"]


def test_no_data_lists_the_known_trials_with_the_reasons():
    known = [{"study_id": "A", "label": "Lu 2020", "n_randomised": 40, "category_control": "usual_care"}]
    unused = [
        {"study_id": "A", "label": "Lu 2020", "reason": "mean without a spread", "reason_code": "no_spread"},
        {"study_id": "C", "label": "Bao 2019", "reason": "a crossover trial", "reason_code": "crossover"},
    ]
    shown = texts(draw_forest(gap_record(known=known, not_used=unused)))
    assert {"Lu 2020", "40", "Bao 2019", "Mean without a spread", "A crossover trial"} <= set(shown)
    assert any(text.startswith("No trial could be pooled. 2 trials") for text in shown)


def test_no_data_without_known_trials_says_so():
    shown = texts(draw_forest(gap_record()))
    assert "No trial of this comparison is known to the evidence tables." in shown


def test_no_data_with_very_many_trials_ends_with_their_number():
    known = [{"study_id": f"S{index}", "label": f"Trial {index}"} for index in range(80)]
    shown = texts(draw_forest(gap_record(known=known)))
    assert "and 65 more" in shown
    assert "Trial 79" not in shown
    assert any(
        text.startswith("No trial could be pooled. 80 trials of this comparison are") for text in shown
    )


def test_unknown_presets_are_named():
    with pytest.raises(ValueError, match="'lancet' is not one of: default, revman, cochrane, jama"):
        draw_forest(made_up_record(2), "lancet")


def order_of(figure, *wanted):
    """The wanted texts as they stand from left to right."""
    held = {
        artist.get_text(): artist.get_window_extent().x0
        for artist in figure.artists
        if hasattr(artist, "get_text")
    }
    return sorted(wanted, key=held.__getitem__)


def test_revman_has_its_columns_and_brackets():
    record = made_up_record(4, seed=3)
    figure = draw_forest(record, "revman")
    wanted = ["Study or subgroup", "Weight", "MD (95% CI)", "favours sham\u00a0→"]
    assert order_of(figure, *reversed(wanted)) == wanted
    assert {"Mean", "SD", "Total", "Total (95% CI)"} <= set(texts(figure))
    low, high = (f"{record['pooled'][key]:.2f}".replace("-", "−") for key in ("ci_low", "ci_high"))
    assert f"[{low}, {high}]" in texts(figure)
    assert not any("Received" in text or "week" in text for text in texts(figure))
    (diamond,) = marked(figure, r"diamond-\d+")
    assert to_hex(diamond.get_facecolor()) == style.INK


def test_revman_shows_counts_in_blue_and_means_in_green():
    colours = [
        to_hex(marked(draw_forest(made_up_record(3, measure), "revman"), "square-0")[0].get_facecolor())
        for measure in ("MD", "RR")
    ]
    assert colours == [style.REVMAN_GREEN, style.REVMAN_BLUE]
    assert "Events" in texts(draw_forest(made_up_record(3, "RR"), "revman"))


def test_jama_puts_the_directions_above_and_sds_in_brackets():
    record = made_up_record(4, seed=3)
    figure = draw_forest(record, "jama")
    shown = texts(figure)
    assert {"Source", "No.", "Mean (SD)", "(1.60)", "Total"} <= set(shown)
    assert all(
        word.get_position()[1] < marked(figure, "axis")[0].get_ydata()[0]
        for word in marked(figure, "direction")
    )
    wanted = ["Source", "←\u00a0favours acupuncture", "MD (95% CI)", "Weight"]
    assert order_of(figure, *reversed(wanted)) == wanted


@pytest.mark.parametrize("preset", ["default", "revman", "jama"])
@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_presets_show_the_same_numbers(preset, measure):
    record = made_up_record(5, measure, seed=6)
    shown = texts(draw_forest(record, preset))
    digits = [f"{study['estimate']:.2f}".replace("-", "−") for study in record["studies"]]
    assert set(digits) <= set(shown)
    assert {f"{study['weight']:.1f}%" for study in record["studies"]} <= set(shown)


def test_the_note_and_the_weeks_of_an_analysis_are_shown():
    shown = texts(draw_forest(made_up_record(2, note="Asks for a dose.", timepoint={"weeks": [8, 16]})))
    assert "Asks for a dose." in shown
    assert any(text.endswith("weeks 8 to 16") for text in shown)
    shown = texts(draw_forest(made_up_record(2, timepoint=["end_of_treatment", "follow_up", None])))
    assert any(text.endswith("end of treatment or follow-up") for text in shown)


def test_an_endless_ratio_does_not_make_the_trials_illegible():
    record = made_up_record(3, "RR", seed=3)
    record["pooled"] |= {"ci_low": 1e-30, "ci_high": 1e30, "pi_low": 1e-90, "pi_high": 1e90}
    figure = draw_forest(record)
    ticks = [float(tick.get_text()) for tick in marked(figure, "tick")]
    assert min(ticks) >= 1e-4
    assert max(ticks) <= 1e4
    assert "(<0.001 to >1000)" in texts(figure)


def test_a_record_of_only_missing_entries_still_draws():
    study = dict.fromkeys(made_up_study(0, "MD", __import__("random").Random(1))) | {
        "effect": 0.1,
        "variance": 1.0,
    }
    record = finish(
        [study | {"n_experimental": 0, "n_control": 0}, dict(study, n_experimental=0, n_control=0)]
    )
    for row in record["studies"]:
        row |= {"n_experimental": None, "n_control": None}
    record |= dict.fromkeys(
        ("title", "domain", "comparison", "unit", "better", "direction", "methods", "known")
    )
    figure = draw_forest(record)
    assert "unnamed trial" in texts(figure)
    assert len(marked(figure, r"square-\d+")) == 2


def judged_record(*lines, measure="MD"):
    record = made_up_record(len(lines), measure, seed=2)
    for study, line in zip(record["studies"], lines, strict=True):
        study["judgements"] = line
    return record


def lights(figure):
    """Symbol or ring of every light, from top to bottom and left to right."""
    symbols = {
        (round(t.get_position()[0], 1), round(t.get_position()[1])): t.get_text()
        for t in figure.artists
        if hasattr(t, "get_text") and t.get_text() in ("+", "−", "?", "×")
    }
    found = []
    for dot in figure.artists:
        if dot.__class__.__name__ == "Circle":
            x, y = dot.get_center()
            near = [text for (at, base), text in symbols.items() if abs(at - x) < 1 and abs(base - y) < 4]
            found.append((y, x, near[0] if near else "ring"))
    return [symbol for _, _, symbol in sorted(found)]


def test_the_worst_judgement_stands_beside_each_trial_and_a_ring_where_there_is_none():
    lines = ("RoB2: randomisation low; RoB2: missing_data some_concerns", "RoB2: randomisation high", "")
    figure = draw_forest(judged_record(*lines))
    assert lights(figure) == ["−", "×", "ring"]
    assert "Bias" in texts(figure)
    assert any("empty ring not judged" in text for text in texts(figure))


def test_revman_shows_the_domains_of_one_tool_under_letters_that_a_footnote_spells_out():
    lines = ("RoB1: blinding low; RoB1: allocation_concealment unclear", "RoB1: blinding high", "")
    figure = draw_forest(judged_record(*lines), preset="revman")
    assert lights(figure) == ["+", "?", "×", "ring", "ring", "ring"]
    assert {"Risk of bias", "A", "B"} <= set(texts(figure))
    footnotes = " ".join(texts(figure))
    assert "RoB1: A blinding, B allocation concealment" in footnotes


def test_judgements_by_several_tools_fall_back_to_the_worst():
    figure = draw_forest(judged_record("RoB1: blinding low", "RoB2: randomisation high"), preset="revman")
    assert lights(figure) == ["+", "×"]


def test_a_plot_without_any_judgement_says_so_instead_of_showing_rings():
    figure = draw_forest(judged_record("", ""))
    assert lights(figure) == []
    assert "Risk of bias: no published judgement of these trials is known." in texts(figure)


def test_jama_shows_no_risk_of_bias():
    figure = draw_forest(judged_record("RoB1: blinding low", ""), preset="jama")
    assert lights(figure) == []
    assert not any("isk of bias" in text for text in texts(figure))


def test_the_text_alternative_tells_the_judgement():
    told = describe_forest(judged_record("RoB1: blinding some_concerns", ""))
    assert told.count("; risk of bias some concerns.") == 1
    assert told.count("risk of bias") == 1


def test_few_trials_show_the_other_models_below_the_headline():
    sides = {"bayes_estimate": -1.1, "bayes_low": -2.5, "bayes_high": 0.2}
    sides |= {"random_estimate": -1.2, "hksj_low": -40.0, "hksj_high": 38.0}
    sides |= {"common_estimate": -1.3, "common_low": -1.9, "common_high": -0.7}
    record = made_up_record(2)
    few = record | {"pooled": record["pooled"] | sides | {"interval": "bayes"}}
    figure = draw_forest(few)
    assert {"−1.20", "(−40.00 to 38.00)"} <= set(row_texts(figure, "Random effects (HKSJ)"))
    assert {"−1.30", "(−1.90 to −0.70)"} <= set(row_texts(figure, "Common effect"))
    assert any(text.startswith("Random effects (Bayes)") for text in texts(figure))
    # the axis is that of the trials and the headline: the wide interval leaves it with arrows
    assert describe_forest(few).count("Common effect: MD −1.30") == 1
    assert len(marked(figure, "arrow-diamond-.*")) == 2
    many = made_up_record(5)
    assert "Common effect" not in texts(draw_forest(many | {"pooled": many["pooled"] | sides}))


def test_three_levels_are_named_where_they_were_used():
    record = made_up_record(4)
    footnotes = " ".join(texts(draw_forest(record | {"pooled": record["pooled"] | {"interval": "cr2"}})))
    assert "Three-level model, variances by REML; cluster-robust (CR2) interval" in footnotes
    assert not any(word in footnotes for word in ("Hartung", "k − 1"))
