"""The planned dose of every arm: sessions, weeks of treatment, sessions a week."""

from __future__ import annotations

import pandas as pd


def with_doses(arms: pd.DataFrame) -> pd.DataFrame:
    """Arms in which a dose that two printed numbers imply is filled in; what is printed stays.

    sessions = weeks × sessions a week, an average over the programme where sessions get rarer.

    >>> arms = pd.DataFrame({"sessions": [None, 18.0], "weeks": [4.0, 8.0], "sessions_per_week": [3.0, None]})
    >>> with_doses(arms.astype(float)).to_numpy().tolist()
    [[12.0, 4.0, 3.0], [18.0, 8.0, 2.25]]
    """
    sessions, weeks, often = (arms[name] for name in ("sessions", "weeks", "sessions_per_week"))
    return arms.assign(
        sessions=sessions.fillna(weeks * often),
        weeks=weeks.fillna(sessions / often.where(often > 0)),
        sessions_per_week=often.fillna(sessions / weeks.where(weeks > 0)),
    )
