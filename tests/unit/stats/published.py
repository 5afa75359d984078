"""Data sets of the literature that the tests of `stats` share, as printed in their sources."""

import numpy as np

# Colditz et al. 1994, BCG vaccine: cases and people, vaccinated and not, latitude, allocation, year.
BCG_EVENTS = np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27])
BCG_N = np.array([123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913])
BCG_EVENTS_CONTROL = np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29])
BCG_N_CONTROL = np.array([139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854])
BCG_TABLES = (BCG_EVENTS, BCG_N, BCG_EVENTS_CONTROL, BCG_N_CONTROL)
BCG_LATITUDE = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33])
BCG_ALLOCATION = ["random"] * 4 + ["alternate"] * 2 + ["random"] * 3 + ["systematic"] * 4
BCG_YEAR = np.array([1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976])
BCG_Y = np.log(BCG_EVENTS / BCG_N) - np.log(BCG_EVENTS_CONTROL / BCG_N_CONTROL)
BCG_V = 1 / BCG_EVENTS - 1 / BCG_N + 1 / BCG_EVENTS_CONTROL - 1 / BCG_N_CONTROL

# Hine et al. 1989, lidocaine: deaths and people.
HINE_TABLES = tuple(
    np.array(row)
    for row in (
        [2, 4, 6, 7, 7, 11],
        [39, 44, 107, 103, 110, 154],
        [1, 4, 4, 5, 3, 4],
        [43, 44, 110, 100, 106, 146],
    )
)

# Normand 1999, length of hospital stay after stroke: mean, SD, people, specialist care and routine.
NORMAND = tuple(
    np.array(row, dtype=float)
    for row in (
        [55, 27, 64, 66, 14, 19, 52, 21, 30],
        [47, 7, 17, 20, 8, 7, 45, 16, 27],
        [155, 31, 75, 18, 8, 57, 34, 110, 60],
        [75, 29, 119, 137, 18, 18, 41, 31, 23],
        [64, 4, 29, 48, 11, 4, 34, 27, 20],
        [156, 32, 71, 18, 13, 52, 33, 183, 52],
    )
)
