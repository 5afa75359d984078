"""Figures of one group: no line at no effect where there is none, and no side of it."""

import pytest
from matplotlib.artist import Artist

from trialpool import api as tp
from trialpool.figures.forest import draw_forest
from trialpool.figures.funnel import draw_funnel

DATA = {
    "PLO": {"events": [3, 5, 9], "n": [10, 20, 40]},
    "MN": {"means": [3, 4, 5], "sds": [1, 1, 2], "n": [10, 20, 30]},
    "ZCOR": {"r": [0.1, 0.3, 0.4], "n": [20, 30, 40]},
    "SMCC": {
        "means": ([3, 4, 5], [4, 5, 7]),
        "sds": ([1, 1, 2], [1, 2, 2]),
        "n": [10, 20, 30],
        "r": [0.5] * 3,
    },
}


@pytest.mark.parametrize("measure", DATA)
@pytest.mark.parametrize("draw", [draw_forest, draw_funnel])
def test_no_effect_is_drawn_where_there_is_such_a_thing(measure, draw):
    fit = tp.pool(tp.effects(measure=measure, **DATA[measure]))
    from trialpool.api.data import appraised

    figure = draw(appraised(fit.data, fit.record()))
    named = {artist.get_gid() for artist in figure.findobj(Artist)}
    assert ("no-effect" in named) is (measure in ("ZCOR", "SMCC"))
