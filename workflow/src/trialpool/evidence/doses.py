"""The planned dose of every arm: sessions, weeks of treatment, sessions a week."""

from __future__ import annotations

import pandas as pd

DOSES = ["sessions", "weeks", "sessions_per_week"]


def with_doses(arms: pd.DataFrame) -> pd.DataFrame:
    """Arms in which doses that follow from others are filled in; what is printed stays.

    sessions = weeks × sessions a week, an average over the programme where sessions get rarer. An arm that
    is several arms together (`pooled_of`) has the mean of their doses, as arms that are combined here do.

    >>> arms = pd.DataFrame({"study_id": "A", "arm": ["a", "b", "ab"], "pooled_of": ["", "", "a b"],
    ...     "sessions": [None, 18.0, None], "weeks": [4.0, 8.0, 6.0], "sessions_per_week": [3.0, None, None]})
    >>> with_doses(arms)[DOSES].to_numpy().tolist()
    [[12.0, 4.0, 3.0], [18.0, 8.0, 2.25], [15.0, 6.0, 2.625]]
    """
    arms = _implied(arms.astype(dict.fromkeys(DOSES, float)))
    by_arm = arms.set_index(["study_id", "arm"])[DOSES]
    for place in arms.index[arms["pooled_of"] != ""]:
        parts = by_arm.loc[
            [(arms.at[place, "study_id"], part) for part in arms.at[place, "pooled_of"].split()]
        ]
        arms.loc[place, DOSES] = arms.loc[place, DOSES].fillna(parts.mean(skipna=False))
    return arms


def _implied(arms: pd.DataFrame) -> pd.DataFrame:
    sessions, weeks, often = (arms[name] for name in DOSES)
    return arms.assign(
        sessions=sessions.fillna(weeks * often),
        weeks=weeks.fillna(sessions / often.where(often > 0)),
        sessions_per_week=often.fillna(sessions / weeks.where(weeks > 0)),
    )
