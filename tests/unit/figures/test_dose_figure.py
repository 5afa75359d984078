"""The figure of the effect over the dose: every comparison at its dose, the line as the record has it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from figure_records import finish, made_up_study, typed
from test_figures_layout import faults
from test_robustness_figures import marks, texts
from tests.unit.synthesis.made_up import SPEC

from trialpool.figures.canvas import Plot
from trialpool.figures.dose import draw_dose
from trialpool.figures.notes import describe
from trialpool.io import canonical
from trialpool.records import Effect, columns_of, sketch, to_json
from trialpool.synthesis.dose import dose_response
from trialpool.view.read import Appraised


def dosed_record(k: int, measure: str = "MD") -> Appraised:
    rng = random.Random(k)
    studies = [made_up_study(index, measure, rng) for index in range(k)]
    for index, study in enumerate(studies):
        study |= {"label": f"Trial {index}", "category_control": "sham"}
        study["sessions"] = None if index == 1 else 6.0 + 3 * (index % 6)
    record: dict[str, Any] = finish(studies, measure)
    prior = {"scale": 0.5, "source": "made up"}
    spec = SPEC | {"measure": measure, "dose": "sessions", "interval": "auto", "prior": prior}
    names = columns_of(Effect)
    effects = [sketch(Effect, **{name: row.get(name) for name in names}) for row in studies]
    return typed(record | {"dose_response": canonical(to_json(dose_response(spec, effects)))})


@pytest.mark.parametrize("measure", ["MD", "RR"])
@pytest.mark.parametrize("k", [4, 7, 25])
def test_every_comparison_stands_at_its_dose_with_its_interval(k: int, measure: str) -> None:
    record = dosed_record(k, measure)
    figure = draw_dose(record)
    outside, overlapping, _ = faults(figure)
    assert not outside
    assert not overlapping
    bubbles = marks(figure, "bubble")
    assert len(bubbles) == len(marks(figure, "interval")) == k - 1
    drawn = sorted((round(float(b.get_xdata()[0])), round(float(b.get_ydata()[0]), 6)) for b in bubbles)
    known = [study for study in record.studies if study.sessions]
    effects = sorted(round(study.effect, 6) for study in known)
    assert sorted(effect for _, effect in drawn) == pytest.approx(effects)
    (plot,) = figure.findobj(Plot)
    assert plot.x.name.get_text() == "Number of sessions"
    assert plot.get_xlim()[0] == 0
    assert bool(marks(figure, "spline")) == (k == 25)


def test_the_line_starts_at_no_effect_and_ends_as_the_record_says() -> None:
    record = dosed_record(7, "RR")
    (line,) = marks(draw_dose(record), "line")
    assert record.dose_response is not None
    assert record.dose_response.line is not None
    last = record.dose_response.line.points[-1]
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (0, 0)
    assert line.get_ydata()[-1] == pytest.approx(np.log(last.estimate))


def test_the_notes_name_who_is_missing_and_what_so_few_cannot_show() -> None:
    few = dosed_record(4)
    said = " ".join(texts(draw_dose(few)))
    assert "without a known dose against none: Trial 1." in said
    assert "3 trials cannot show whether more does more." in said
    assert "posterior median and credible interval" in said
    assert "a curve needs 10 and 4" in said
    assert {f"Trial {number}" for number in (0, 2, 3)} <= {
        mark.get_text() for mark in marks(draw_dose(few), "label")
    }
    described = describe("dose", few)
    assert "per session" in described
    assert "Trial 2, 12: MD" in described


def test_a_record_without_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a record with a line"):
        draw_dose(dosed_record(3))
