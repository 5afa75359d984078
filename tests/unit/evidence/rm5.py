"""A small review in RevMan 5's file structure, with totals computed here by the textbook formulas."""

from __future__ import annotations

import math
from xml.sax.saxutils import quoteattr

Z = 1.959963984540054
EVENTS = {"Müller 2001": (4, 40, 11, 42), "O'Neil 2003": (6, 51, 9, 49), "Żak 2010": (3, 30, 9, 28)}
MEANS = {"Müller 2001": (3.1, 1.2, 40, 4.4, 1.5, 42), "Żak 2010": (2.0, 1.1, 30, 4.1, 1.3, 28)}
TOTAL = ("EFFECT_SIZE", "CI_START", "CI_END", "TAU2")
FIRST, SECOND, THIRD = EVENTS


def tag(name: str, inside: str = "", **attributes: object) -> str:
    """One element."""
    written = " ".join(f"{key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name} {written}>{inside}</{name}>"


def key(name: str) -> str:
    """RevMan's id of a study: signs that are no letters or digits are escaped."""
    return "STD-" + "".join(sign if sign.isalnum() else f"_x{ord(sign):04x}_" for sign in name)


def labels(name: str) -> str:
    """The head of an outcome; RevMan sets footnotes inside tags."""
    footnote = "<FOOTNOTE>continuous wave</FOOTNOTE>"
    groups = f"<GROUP_LABEL_1>Laser{footnote}</GROUP_LABEL_1><GROUP_LABEL_2>Sham laser</GROUP_LABEL_2>"
    return f"<NAME>{name}</NAME>{groups}"


def dich(name: str, cells: tuple[int, ...] | None = None, inside: str = "") -> str:
    """Events of one study."""
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    values = dict(zip(names, cells or EVENTS[name], strict=True))
    return tag("DICH_DATA", inside, STUDY_ID=key(name), ESTIMABLE="YES", **values)


def cont(name: str) -> str:
    """Means of one study."""
    names = ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2")
    values = dict(zip(names, MEANS[name], strict=True))
    return tag("CONT_DATA", "", STUDY_ID=key(name), ESTIMABLE="YES", **values)


def mantel_haenszel_rr(tables: list[tuple[int, ...]]) -> tuple[float, float, float]:
    """Greenland & Robins 1985."""
    over = sum(a * n2 / (n1 + n2) for a, n1, _, n2 in tables)
    under = sum(c * n1 / (n1 + n2) for _, n1, c, n2 in tables)
    top = sum((n1 * n2 * (a + c) - a * c * (n1 + n2)) / (n1 + n2) ** 2 for a, n1, c, n2 in tables)
    log, half = math.log(over / under), Z * math.sqrt(top / (over * under))
    return math.exp(log), math.exp(log - half), math.exp(log + half)


def random_md(arms: list[tuple[float, ...]]) -> tuple[float, float, float, float]:
    """DerSimonian & Laird 1986; tau2 last."""
    effects = [m1 - m2 for m1, _, _, m2, _, _ in arms]
    variances = [s1**2 / n1 + s2**2 / n2 for _, s1, n1, _, s2, n2 in arms]
    weights = [1 / variance for variance in variances]
    mean = sum(w * y for w, y in zip(weights, effects, strict=True)) / sum(weights)
    q = sum(w * (y - mean) ** 2 for w, y in zip(weights, effects, strict=True))
    scale = sum(weights) - sum(w**2 for w in weights) / sum(weights)
    tau2 = max(0.0, (q - (len(arms) - 1)) / scale)
    weights = [1 / (variance + tau2) for variance in variances]
    mean = sum(w * y for w, y in zip(weights, effects, strict=True)) / sum(weights)
    half = Z / math.sqrt(sum(weights))
    return mean, mean - half, mean + half, tau2


def stored(total: tuple[float, ...]) -> dict[str, float]:
    """A total as the attributes that RevMan stores."""
    return dict(zip(TOTAL[: len(total)], total, strict=True))


def events_outcome() -> str:
    """Events in two subgroups; the second has no total of its own."""
    first = dich(FIRST, inside="<FOOTNOTE>counts from 10 %</FOOTNOTE>")
    week4 = stored(mantel_haenszel_rr([EVENTS[FIRST], EVENTS[SECOND]]))
    early = tag("DICH_SUBGROUP", f"<NAME>Week 4</NAME>{first}{dich(SECOND)}", NO=1, **week4)
    late = tag("DICH_SUBGROUP", f"<NAME>Week 12</NAME>{dich(THIRD)}", NO=2)
    head = labels("Pain <I>at rest</I><FOOTNOTE>any scale</FOOTNOTE>")
    settings = {"NO": 1, "EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "NO", "SUBGROUPS": "YES"}
    settings |= {"TOTALS": "YES", "CI_TOTAL": "95"}
    total = stored(mantel_haenszel_rr(list(EVENTS.values())))
    return tag("DICH_OUTCOME", head + early + late, **settings, **total)


def means_outcome() -> str:
    """Means, random effects."""
    settings = {"NO": 2, "EFFECT_MEASURE": "MD", "METHOD": "IV", "RANDOM": "YES", "UNITS": "points"}
    total = stored(random_md(list(MEANS.values())))
    return tag("CONT_OUTCOME", labels("Pain, VAS") + "".join(map(cont, MEANS)), **settings, **total)


def review(encoding: str = "UTF-8", extra: str = "") -> str:
    """The whole file as text; `extra` outcomes follow the two."""
    mark = '<IDENTIFIERS><IDENTIFIER TYPE="DOI" VALUE="10.1000/x1"/></IDENTIFIERS>'
    reference = f'<REFERENCE PRIMARY="YES"><SO>Pain</SO>{mark}</REFERENCE>'
    studies = "".join(tag("STUDY", reference, ID=key(name), NAME=name, YEAR=name[-4:]) for name in EVENTS)
    listed = f"<STUDIES><INCLUDED_STUDIES>{studies}</INCLUDED_STUDIES></STUDIES>"
    reason = "<DESCRIPTION><P>sealed envelopes</P></DESCRIPTION>"
    judged = tag("QUALITY_ITEM_DATA_ENTRY", reason, RESULT="YES", STUDY_ID=key(FIRST))
    judged += tag("QUALITY_ITEM_DATA_ENTRY", "<DESCRIPTION/>", RESULT="UNKNOWN", STUDY_ID=key(THIRD))
    item = f"<QUALITY_ITEM><NAME>Allocation concealment (selection bias)</NAME>{judged}</QUALITY_ITEM>"
    comparison = f"<NAME>Laser versus sham</NAME>{events_outcome()}{means_outcome()}{extra}"
    return "".join(
        [
            f'<?xml version="1.0" encoding="{encoding}" standalone="no"?>\n',
            '<COCHRANE_REVIEW DOI="10.1002/14651858.CD000001">',
            "<COVER_SHEET><TITLE>Laser for pain &amp; numbness</TITLE></COVER_SHEET>",
            f"<STUDIES_AND_REFERENCES>{listed}</STUDIES_AND_REFERENCES>",
            f"<QUALITY_ITEMS>{item}</QUALITY_ITEMS>",
            f"<ANALYSES_AND_DATA>{tag('COMPARISON', comparison, NO=1)}</ANALYSES_AND_DATA>",
            "</COCHRANE_REVIEW>",
        ]
    )
