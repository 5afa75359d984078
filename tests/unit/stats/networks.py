"""Two published networks, arm by arm."""

import numpy as np

# Senn et al. 2013, Stat Methods Med Res 22: ten diabetes drugs; treatment, people, mean HbA1c change, SD.
SENN = """
DeFronzo metformin 213 -1.7 1.459, DeFronzo placebo 209 0.2 1.446, Lewin metformin 431 -0.74 1.106,
Lewin placebo 144 0.08 1.004, Willms metformin 29 -2.5 0.862, Willms acarbose 31 -2.3 1.782, Willms
placebo 29 -1.3 1.831, Davidson rosiglitazone 117 -1.2 1.097, Davidson placebo 116 0.14 1.093,
Wolffenbuttel rosiglitazone 183 -0.9 1.1, Wolffenbuttel placebo 192 0.2 1.11, Kipnes pioglitazone
182 -1.2 1.369, Kipnes placebo 181 0.1 1.024, Kerenyi rosiglitazone 160 -0.91 0.99, Kerenyi placebo
154 -0.14 0.92, Hanefeld pioglitazone 319 7.61 1.072, Hanefeld metformin 320 7.45 1.073, Derosa
pioglitazone 45 6.8 0.8, Derosa rosiglitazone 42 6.7 0.9, Baksi rosiglitazone 218 -1.2 1.112, Baksi
placebo 233 0.1 1.036, Rosenstock rosiglitazone 59 -1.17 1.229, Rosenstock placebo 57 -0.08 1.208,
Zhu rosiglitazone 210 -1.9 1.47, Zhu placebo 105 -0.4 1.3, Yang rosiglitazone 102 -1.09 1.65, Yang
metformin 96 -0.95 1.5, Vongthavaravat rosiglitazone 164 -1.1 1.559, Vongthavaravat sulfonylurea 170
0.1 0.992, Oyama acarbose 41 -0.7 0.8, Oyama sulfonylurea 43 -0.3 0.6, Costa acarbose 36 -1.1 0.36,
Costa placebo 29 -0.3 0.7, Hermansen sitagliptin 106 -0.3 0.94, Hermansen placebo 106 0.27 0.94,
Garber vildagliptin 132 -0.63 1.034, Garber placebo 144 0.07 1.08, Alex metformin 291 0.13 1.428,
Alex sulfonylurea 300 0.5 1.45, Johnston94 miglitol 68 -0.41 1.072, Johnston94 placebo 63 0.33
1.032, Johnston98a miglitol 91 -0.43 0.954, Johnston98a placebo 43 0.98 1.311, Kim rosiglitazone 57
-1.1 1.341, Kim metformin 56 -1.1 1.139, Johnston98b miglitol 49 -0.12 1.4, Johnston98b placebo 34
0.56 1.166, Gonzalez-Ortiz metformin 34 -1.3 1.861, Gonzalez-Ortiz placebo 37 -0.9 1.803, Stucci
benfluorex 28 8.03 1.29, Stucci placebo 30 8.26 1.35, Moulin benfluorex 161 -0.82 1.028, Moulin
placebo 156 0.19 1.374
"""
# Hasselblad 1998, Med Decis Making 18: smoking cessation; people who stopped, people, in 24 trials.
HASSELBLAD = """
1 none 75 731, 1 individual 363 714, 2 none 9 140, 2 individual 23 140, 2 group 10 138, 3 none 2
106, 3 individual 9 205, 4 none 58 549, 4 individual 237 1561, 5 none 0 33, 5 individual 9 48, 6
self 20 49, 6 individual 16 43, 7 none 3 100, 7 individual 31 98, 8 none 1 31, 8 individual 26 95, 9
self 11 78, 9 individual 12 85, 9 group 29 170, 10 none 6 39, 10 individual 17 77, 11 none 79 702,
11 self 77 694, 12 none 18 671, 12 self 21 535, 13 none 64 642, 13 individual 107 761, 14 individual
12 76, 14 group 20 74, 15 individual 9 55, 15 group 3 26, 16 self 7 66, 16 group 32 127, 17 none 5
62, 17 individual 8 90, 18 none 20 234, 18 individual 34 237, 19 none 0 20, 19 group 9 20, 20 none 8
116, 20 self 19 149, 21 none 95 1107, 21 individual 143 1031, 22 none 15 187, 22 individual 36 504,
23 none 78 584, 23 individual 73 675, 24 none 69 1177, 24 individual 54 888
"""


def columns(text):
    return list(zip(*(row.split() for row in text.split(",")), strict=True))


def senn():
    """Arm-level mean change, variance, treatment, study."""
    study, treatment, n, mean, sd = columns(SENN)
    return np.array(mean, float), np.array(sd, float) ** 2 / np.array(n, float), treatment, study


def hasselblad():
    """Arm-level log odds with 1/2 added to every cell of a study with an empty one."""
    study, treatment, events, n = columns(HASSELBLAD)
    x, n = np.array(events, float), np.array(n, float)
    empty = np.isin(study, [name for name, count in zip(study, x, strict=True) if count == 0])
    x, n = x + 0.5 * empty, n + empty
    return np.log(x / (n - x)), 1 / x + 1 / (n - x), treatment, study
