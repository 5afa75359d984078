"""The figures beside the forest plot: every number drawn is a number of the record or its multiverse."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_records import finish, made_up_study, typed
from test_figures_layout import faults
from tests.unit.synthesis.made_up import SPEC

from trialpool import text as words
from trialpool.figures import draw_beside
from trialpool.figures.curve import draw_specification_curve
from trialpool.figures.influence import draw_influence
from trialpool.figures.moderators import draw_moderators
from trialpool.figures.notes import describe
from trialpool.figures.posterior import draw_posterior, mean_density, tau_likelihood
from trialpool.figures.save import save_figure
from trialpool.records import Effect, columns_of, sketch, to_json
from trialpool.stats import bayes_pool
from trialpool.stats.bayes import prior_density
from trialpool.synthesis.analyse import analyse

SUITE = ("robustness", "sensitivity", "multiverse", "influence", "cumulative", "small_study", "moderators")
SUITE += ("multilevel", "bayes")


def whole_record(k: int, measure: str = "MD", moderators: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """A record of k made-up trials with the whole sensitivity suite, and its multiverse."""
    import random

    rng = random.Random(k)
    studies = [made_up_study(index, measure, rng) for index in range(k)]
    for index, study in enumerate(studies):
        study |= {"label": f"Trial {index}", "variant": "", "selected": True, "category_control": "sham"}
        study |= {"year": 2000 + index, "sessions": 6.0 + index % 5, "imputed": index == 1}
        study["purpose"] = "treatment" if index % 2 else "prevention"
    record = finish(studies, measure)
    spec = SPEC | {"analysis": "made-up", "measure": measure, "mcid": None, "moderators": list(moderators)}
    record["methods"] = {key: spec[key] for key in ("tau2_method", "interval", "level")}
    names = columns_of(Effect)
    effects = [sketch(Effect, **{name: row.get(name) for name in names}) for row in studies]
    found, every = analyse(spec, effects)
    suite = {name: to_json(getattr(found, name)) for name in SUITE}
    return typed(record | suite), every.columns() if every else {}


def texts(figure: Any) -> list[str]:
    return [mark.get_text() for mark in figure.findobj(lambda mark: hasattr(mark, "get_text"))]


def marks(figure: Any, gid: str) -> list[Any]:
    return figure.findobj(lambda mark: mark.get_gid() == gid)


@pytest.mark.parametrize("k", [2, 3, 5, 30])
@pytest.mark.parametrize("measure", ["MD", "RR"])
def test_a_pooled_record_gives_the_figures_that_its_trials_allow(
    k: int, measure: str, tmp_path: Path
) -> None:
    record, columns = whole_record(k, measure)
    names = []
    for name, description, figure in draw_beside(record, columns):
        save_figure(figure, tmp_path / name, description=description)
        names.append(name)
        width, height = figure.get_size_inches() * 72
        assert 0 < height < 1400
        assert width <= 560
        outside, overlapping, _ = faults(figure)
        assert not outside
        assert not overlapping
    known = {"influence": 3, "funnel": 10}
    every = "multiverse", "influence", "posterior", "funnel"
    assert names == [name for name in every if k >= known.get(name, 2)]


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    hashes = []
    for _ in range(2):
        record, columns = whole_record(6)
        for name, description, figure in draw_beside(record, columns):
            save_figure(figure, tmp_path / name, description=description)
        found = sorted(tmp_path.iterdir())
        hashes.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in found])
    assert hashes[0] == hashes[1]


def test_the_curve_marks_the_configured_specification_where_the_pooled_estimate_lies() -> None:
    record, columns = whole_record(6)
    figure = draw_specification_curve(record, columns)
    (main,) = marks(figure, "main")
    dots = marks(figure, "estimates")[0].get_xydata()
    at = next(
        index
        for index in range(len(columns["estimate"]))
        if (columns["tau2_method"][index], columns["interval"][index], columns["inclusion"][index])
        == ("REML", "hksj_adhoc", "all trials")
    )
    assert main.get_xydata()[0] == pytest.approx(dots[at])
    assert len(dots) == len(columns["estimate"])
    assert (np.diff(dots[:, 1]) >= -1e-9).all()  # sorted


def test_every_level_of_every_choice_has_one_mark_a_specification() -> None:
    record, columns = whole_record(6)
    drawn = sum(
        np.isfinite(line.get_xdata()).sum() // 2
        for line in marks(draw_specification_curve(record, columns), "choice")
    )
    dimensions = {row.dimension for row in record.multiverse.levels}
    several = [name for name in dimensions if len(set(columns[name])) > 1]
    assert drawn == len(several) * len(columns["estimate"])


def test_of_thousands_of_specifications_five_hundred_are_drawn_and_that_is_said() -> None:
    record, columns = whole_record(6)
    many = {name: list(np.repeat(values, 40)) for name, values in columns.items()}
    figure = draw_specification_curve(record, many)
    assert len(marks(figure, "estimates")[0].get_xydata()) == 500
    assert any(text.startswith("Drawn: 500 of them") for text in texts(figure))


@pytest.mark.parametrize(("k", "panels"), [(2, "A"), (3, "AB"), (9, "AB"), (10, "ABCD")])
def test_influence_has_the_panels_that_k_allows(k: int, panels: str) -> None:
    record, _ = whole_record(k)
    found = texts(draw_influence(record))
    assert "".join(letter for letter in "ABCD" if letter in found) == panels
    assert any("GOSH" in text for text in found) == (k >= 10)
    assert any("they would show chance" in text for text in found) == (k < 10)


def test_the_strip_prints_the_sensitivity_rows() -> None:
    record, _ = whole_record(4)
    from trialpool.text import format_values

    found = texts(draw_influence(record))
    for row in record.sensitivity:
        if row.kind == "leave one out":
            told = format_values("MD", (row.estimate, row.ci_low, row.ci_high))
            assert f"{told[0]} ({told[1]} to {told[2]})" in found


def test_an_influential_trial_is_named() -> None:
    record, _ = whole_record(5)
    rows = tuple(replace(row, influential=row.label == "Trial 2") for row in record.influence)
    shown = texts(draw_influence(replace(record, influence=rows)))
    assert any("hollow" in text and "Trial 2" in text for text in shown)


def test_posterior_densities_integrate_to_one_and_halve_at_the_posterior_median() -> None:
    y, v = np.array([0.1, 0.3, 0.35, 0.65]), np.array([0.04, 0.03, 0.05, 0.01])
    fit = bayes_pool(y, v)
    xs = np.linspace(-4, 5, 4001)
    density = mean_density(fit, xs)
    assert np.trapezoid(density, xs) == pytest.approx(1.0, abs=1e-4)
    below = np.linspace(-4, float(fit.estimate), 4001)
    assert np.trapezoid(mean_density(fit, below), below) == pytest.approx(0.5, abs=1e-4)


def test_prior_times_likelihood_of_tau_is_the_posterior_of_the_fit() -> None:
    y, v = np.array([0.1, 0.9, 0.35, -0.65]), np.array([0.04, 0.03, 0.05, 0.01])
    fit = bayes_pool(y, v, tau_prior=("half_cauchy", 0.3))
    taus = np.linspace(0, 40, 400001)
    posterior = prior_density(("half_cauchy", 0.3), taus) * tau_likelihood(y, v, taus)
    share = np.cumsum(posterior) / posterior.sum()
    assert taus[np.searchsorted(share, 0.5)] == pytest.approx(float(fit.tau_median), rel=1e-3)


def test_posterior_without_a_fit_says_why() -> None:
    record, _ = whole_record(3)
    assert any("No Bayesian fit" in text for text in texts(draw_posterior(replace(record, bayes=()))))


def test_bubbles_lie_where_the_trials_lie_and_the_test_is_printed() -> None:
    record, _ = whole_record(8, moderators=("sessions", "purpose", "programme_weeks"))
    figure = draw_moderators(record)
    assert len(marks(figure, "bubble")) == 16  # two moderators that all eight trials report
    assert len(marks(figure, "slope")) == 1
    told = " ".join(texts(figure))
    assert "Not tested Weeks of treatment Known of none of the 8 trials" in told
    slope = next(row for row in record.moderators if row.moderator == "sessions")
    assert re.search(re.escape(f"{slope.slope:.2f}".replace("-", "−")), told)


def test_groups_of_words_stand_with_their_trials_estimate_and_interval() -> None:
    record, _ = whole_record(8, "RR", moderators=("purpose",))
    figure = draw_moderators(record)
    assert len(marks(figure, "group")) == 2
    groups = record.moderators[0].groups
    assert [(group.level, group.k) for group in groups] == [("prevention", 4), ("treatment", 4)]
    told = " ".join(texts(figure))
    for group in groups:
        assert words.capital(group.level) in told
        assert f"{group.estimate:.2f} ({group.ci_low:.2f} to {group.ci_high:.2f})" in told


@pytest.mark.parametrize("k", [3, 4])
def test_where_no_moderator_can_be_tested_the_figure_lists_the_reasons(k: int, tmp_path: Path) -> None:
    record, _ = whole_record(k, moderators=("condition", "programme_weeks"))
    figure = draw_moderators(record)
    assert not marks(figure, "bubble")
    told = " ".join(texts(figure))
    assert "Not tested" in told
    assert ("Any moderator 3 trials" if k == 3 else "Known of none of the 4 trials") in told
    save_figure(figure, tmp_path / "moderators", description=describe("moderators", record))


def test_untrusted_labels_stay_text() -> None:
    record, columns = whole_record(3)
    label = "$\\frac{1}{2}$ <b>&"
    renamed = {
        name: tuple(replace(row, label=label) for row in getattr(record, name))
        for name in ("studies", "influence", "cumulative")
    }
    record = replace(record, **renamed)
    for _, _, figure in draw_beside(record, columns):
        assert not any(
            mark.get_parse_math() for mark in figure.findobj(lambda m: hasattr(m, "get_parse_math"))
        )
