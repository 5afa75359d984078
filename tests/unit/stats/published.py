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

# Konstantopoulos 2011, table 1: 56 schools in 11 districts, effects of a modified school calendar.
DISTRICTS = {
    11: "-.18 .118 -.22 .118 .23 .144 -.30 .144",
    12: ".13 .014 -.26 .014 .19 .015 .32 .024",
    18: ".45 .023 .38 .043 .29 .012",
    27: ".16 .020 .65 .004 .36 .004 .60 .007",
    56: ".08 .019 .04 .007 .19 .005 -.06 .004",
    58: "-.18 .020 .00 .018 .00 .019 -.28 .022 -.04 .020 -.30 .021 .07 .006 .00 .007 .05 .007"
    " -.08 .007 -.09 .007",
    71: ".30 .015 .98 .011 1.19 .010",
    86: "-.07 .001 -.05 .001 -.01 .001 .02 .001 -.03 .001 .00 .001 .01 .001 -.10 .001",
    91: ".50 .010 .66 .011 .20 .010 .00 .009 .05 .013 .07 .013",
    108: "-.52 .031 .70 .031 -.03 .030 .27 .030 -.34 .030",
    644: ".12 .087 .61 .082 .04 .067 -.05 .067",
}
NUMBERS = {district: np.array(text.split(), dtype=float) for district, text in DISTRICTS.items()}
SCHOOLS_Y = np.concatenate([numbers[::2] for numbers in NUMBERS.values()])
SCHOOLS_V = np.concatenate([numbers[1::2] for numbers in NUMBERS.values()])
DISTRICT = np.concatenate([np.full(numbers.size // 2, district) for district, numbers in NUMBERS.items()])
