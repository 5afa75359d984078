"""From the evidence tables to summaries on which every analysis can draw, whatever it asks.

`arms` (means, SDs and numbers of people), `contrasts` (estimates and standard errors) and `events`: one row
for every row read, behind the arms those made of an arm's other rows (see `changes`), each with the route
it took, what is doubtful about it, and where it cannot be used the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialpool.evidence.arms import arm_summaries
from trialpool.evidence.contrasts import contrast_summaries
from trialpool.evidence.events import event_summaries


def harmonise(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Arm summaries, contrasts and events of the evidence tables (as read by `evidence.read`).

    Keys: `arms`, `contrasts`, `events`; columns: ARM_COLUMNS and so on of their modules.
    """
    return {
        "arms": arm_summaries(tables),
        "contrasts": contrast_summaries(tables),
        "events": event_summaries(tables),
    }
