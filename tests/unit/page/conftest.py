from __future__ import annotations

import pytest

from tests.unit.page import demo
from trialpool.view.read import Appraised


@pytest.fixture
def records() -> list[Appraised]:
    """One record of each status, two conditions."""
    known = [
        {
            **{"analysis": "demo-gap", "study_id": "Known2010", "label": "Known 2010", "year": 2010},
            **{"n_randomised": 50.0, "category_experimental": "electroacupuncture"},
            **{"category_control": "sham", "has_numbers": False, "source_url": "https://example.org/known"},
        }
    ]
    return [
        demo.record(),
        demo.record("demo-single", k=1, title="Made-up single trial"),
        demo.record("demo-gap", k=0, title="Made-up gap", condition=["CIPN"], known=known),
    ]
