"""The trials of BCG against tuberculosis (Colditz et al. 1994, JAMA 271: 698), as counts of people."""

import pandas as pd

AUTHORS = (
    "Aronson|Ferguson & Simes|Rosenthal 1960|Hart & Sutherland|Frimodt-Moller|Stein & Aronson|Vandiviere|"
    "TPT Madras|Coetzee & Berjak|Rosenthal 1961|Comstock 1974|Comstock & Webster|Comstock 1976"
)


def bcg():
    return pd.DataFrame(
        {
            "author": AUTHORS.split("|"),
            "year": [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976],
            "tpos": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
            "nt": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
            "cpos": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
            "nc": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
            "ablat": [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33],
            "alloc": ["random"] * 4 + ["alternate"] * 2 + ["random"] * 3 + ["systematic"] * 4,
        }
    )
