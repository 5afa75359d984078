"""The colours of figures and page: one name a meaning, and for each its twin on a dark page.

They keep apart for the three common colour-vision deficiencies and in grey print, and shape always says what
colour says.
"""

INK = "#1b2026"
MUTED = "#59626c"
RULE = "#aab2bb"
HAIRLINE = "#e1e5e9"
PAPER = "#ffffff"
STUDY = "#2b6396"
STUDY_LIGHT = "#9dbdd9"
POOLED = "#b8470f"
POOLED_LIGHT = "#f0c5a8"
BENEFIT = "#e2f0ea"
BENEFIT_EDGE = "#2c7a63"
STRIPE = "#eef1f4"
CONTOURS = (STRIPE, "#dbe1e7", "#c3ccd5")
REVMAN_GREEN, REVMAN_BLUE, JAMA_BLUE = "#2f8f3a", "#3a4fd0", "#1f4e79"
LOW_RISK, SOME_RISK, HIGH_RISK = "#2c7a63", "#d9a400", "#a3262b"
CRITICAL_RISK = "#5f1519"

DARK = {
    INK: "#e8ecf0",
    MUTED: "#a5afb9",
    RULE: "#66717c",
    HAIRLINE: "#2c343c",
    PAPER: "#14191e",
    STUDY: "#7fb2df",
    STUDY_LIGHT: "#3d6485",
    POOLED: "#f08c4f",
    POOLED_LIGHT: "#7a4526",
    BENEFIT: "#1c332c",
    BENEFIT_EDGE: "#74c4aa",
    CONTOURS[0]: "#1d242b",
    CONTOURS[1]: "#28313a",
    CONTOURS[2]: "#36424d",
    REVMAN_GREEN: "#6cc477",
    REVMAN_BLUE: "#8f9df5",
    JAMA_BLUE: "#86b4dc",
    SOME_RISK: "#e6b93a",
    HIGH_RISK: "#e2777b",
}
