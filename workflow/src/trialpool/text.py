"""Numbers, names and untrusted words as text: the one formatting of the project, from values to what is read.

Figures, README and page call these functions, so that a number looks the same wherever it stands. Nothing
here computes a result: values come from a record and are only rounded for the eye. Labels, notes and
addresses were written by others; `harmless` and what follows it take out what could do harm. (HTML escaping
itself is jinja's: autoescape is on.)
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from trialpool.measures import MEASURES, PROPORTIONS, RATES, RATIOS

MINUS = "−"
MISSING = "—"
TIMEPOINT_NAMES = {"during": "during treatment", "follow_up": "follow-up"}  # others: their codes as words
LARGEST_RATIO_SHOWN = 1000
# From so many trials on what asks why trials differ is drawn and told (Handbook 10.11.5.1, 13.3.5.4).
MANY_TRIALS = 10
LONGEST_TEXT = 2000  # of a label or note in a figure
# Marks that reorder the text around them (CVE-2021-42574) and invisible characters that hide in a name.
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~$@&]|:(?=\S)")
_NO_PART_OF_ID = re.compile(r"[^A-Za-z0-9-]")
# What RFC 3986 allows in an address, without the quote: nothing that ends an attribute or starts a tag.
_URL = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+")
LONGEST_LABEL = 120
_ASCII = {  # of signs that Unicode does not take apart
    **dict.fromkeys("−–—‐", "-"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”„", '"'),
    **{"×": "x", "±": "+/-", "≤": "<=", "≥": ">=", "→": "->", "·": ".", "τ": "tau", "χ": "chi", "ρ": "rho"},
}


def absent(value: Any) -> bool:
    """Whether a value is missing: None, NaN or empty text.

    >>> absent(None), absent(float("nan")), absent(""), absent(0)
    (True, True, True, False)
    """
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number(value: Any, digits: int = 2) -> str:
    """A number with fixed decimals, a true minus sign, commas at thousands and no negative zero.

    >>> number(-1.234), number(-0.001), number(12345.6, 0), number(None)
    ('−1.23', '0.00', '12,346', '—')
    """
    if absent(value):
        return MISSING
    text = f"{float(value):,.{digits}f}"
    return text.replace("-", MINUS if text.strip("-0.,") else "")


def plain_number(value: Any) -> str:
    """A number as it was reported: no rounding beyond ten digits, no trailing zeros, a true minus sign.

    >>> plain_number(12.0), plain_number(-0.35), plain_number(1234.5), plain_number("n/a")
    ('12', '−0.35', '1234.5', 'n/a')
    """
    if absent(value):
        return MISSING
    if isinstance(value, str):
        return value
    return f"{value:.10g}".replace("-", MINUS)


def digits_for(values: Iterable[float | None]) -> int:
    """Decimals that suit a set of differences shown together: three below 0.1, two below 10, one below 100.

    >>> digits_for([-1.2, -2.0, None]), digits_for([-24.7, 3]), digits_for([0.01, -0.04]), digits_for([230])
    (2, 1, 3, 0)
    """
    sizes = [abs(value) for value in values if value is not None and not absent(value)]
    largest = max(sizes, default=1.0)
    return 3 if largest < 0.1 else 2 if largest < 10 else 1 if largest < 100 else 0


def digits_of(measure: str, values: Iterable[float | None]) -> int | None:
    """Decimals that suit values of a measure shown together; None for ratios, which have each their own.

    >>> digits_of("RR", [1.5]), digits_of("SMD", [0.123]), digits_of("IRLN", [0.0043, 0.0076])
    (None, 2, 4)
    """
    if measure in RATIOS:
        return None
    if measure in ("SMD", "SMCC", "SMCR"):
        return 2
    if measure not in (*PROPORTIONS, *RATES):
        return digits_for(values)
    largest = max((abs(value) for value in values if value is not None and not absent(value)), default=1.0)
    return max(2, min(6, 1 - math.floor(math.log10(largest)))) if 0 < largest < 1 else digits_for([largest])


def ratio(value: Any) -> str:
    """A ratio: two decimals below ten, fewer above, three below 0.01; extremes as bounds.

    >>> ratio(0.5), ratio(12.34), ratio(0.004), ratio(0.0004), ratio(54321)
    ('0.50', '12.3', '0.004', '<0.001', '>1000')
    """
    if absent(value):
        return MISSING
    if value > LARGEST_RATIO_SHOWN:
        return f">{LARGEST_RATIO_SHOWN}"
    if 0 < value < 0.001:
        return "<0.001"
    return number(value, 3 if 0 < value < 0.01 else 2 if value < 9.995 else 1 if value < 99.95 else 0)


def format_values(measure: str, values: Iterable[float | None], digits: int | None = None) -> list[str]:
    """Values of one measure that stand beside each other, with the decimals that suit them all.

    `digits` are the decimals of a table that they stand in; ratios keep each their own.

    >>> format_values("MD", [-1.25, -12.0, 3]), format_values("RR", [1.5, None])
    (['−1.2', '−12.0', '3.0'], ['1.50', '—'])
    """
    listed = list(values)
    if measure in RATIOS:
        return [ratio(value) for value in listed]
    digits = digits_of(measure, listed) if digits is None else digits
    return [number(value, digits or 0) for value in listed]


def fixed(measure: str, value: float | None, digits: int) -> str:
    """A value with so many decimals as a person asks for; ratios too far out stay bounds.

    >>> fixed("RR", 0.4567, 3), fixed("RR", 12345, 1), fixed("MD", -1.25, 1)
    ('0.457', '>1000', '−1.2')
    """
    if measure in RATIOS and value is not None and value > LARGEST_RATIO_SHOWN:
        return ratio(value)
    return number(value, digits)


def interval(measure: str, low: float | None, high: float | None) -> str:
    """An interval "a to b" (never a dash, which would read as a minus sign).

    >>> interval("MD", -2, -0.4), interval("RR", None, None)
    ('−2.00 to −0.40', '—')
    """
    if absent(low) or absent(high):
        return MISSING
    return " to ".join(format_values(measure, [low, high]))


def effect(
    measure: str, estimate: float | None, low: float | None, high: float | None, level: float = 0.95
) -> str:
    """An estimate with its confidence interval, as sentences and table cells print it.

    >>> effect("MD", -1.2, -2.0, -0.4)
    'MD −1.20 (95% CI −2.00 to −0.40)'
    >>> effect("RR", 1.5, None, None)
    'RR 1.50 (95% CI not estimable)'
    """
    shown = format_values(measure, [estimate, low, high])
    bounds = "not estimable" if absent(low) or absent(high) else f"{shown[1]} to {shown[2]}"
    return f"{measure} {shown[0]} ({percent(level)} CI {bounds})"


def percent(fraction: float | None, digits: int = 0) -> str:
    """A fraction as a percentage.

    >>> percent(0.95), percent(0.1234, 1), percent(0.999)
    ('95%', '12.3%', '99.9%')
    """
    if absent(fraction) or fraction is None:
        return MISSING
    value = 100 * fraction
    if digits == 0 and 99 < value < 100:
        digits = 1
    return f"{number(value, digits)}%"


def significant(value: float | None, digits: int = 2) -> str:
    """A number with that many significant digits, written out, for quantities of any size (τ²).

    >>> significant(0.01234), significant(24.87), significant(0.0), significant(685.2), significant(1e-9)
    ('0.012', '25', '0', '685', '<0.0001')
    """
    if absent(value) or value is None:
        return MISSING
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return "<0.0001"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return number(value, decimals)


def p_value(value: float | None) -> str:
    """A p-value: "p < 0.001", three decimals below 0.01 and around 0.05, otherwise two.

    >>> [p_value(p) for p in (0.0004, 0.004, 0.0496, 0.2, 0.997, None)]
    ['p < 0.001', 'p = 0.004', 'p = 0.050', 'p = 0.20', 'p > 0.99', '—']
    """
    if absent(value) or value is None:
        return MISSING
    if value < 0.001:
        return "p < 0.001"
    if value > 0.99:
        return "p > 0.99"
    return f"p = {value:.{3 if value < 0.01 or 0.045 <= value < 0.055 else 2}f}"


def count(amount: float | None, noun: str, plural: str = "") -> str:
    """A count with its noun, singular or plural.

    >>> count(1, "trial"), count(3, "trial"), count(1234, "person", "people"), count(0, "trial")
    ('1 trial', '3 trials', '1,234 people', 'no trial')
    """
    if absent(amount) or amount is None:
        return f"an unknown number of {plural or noun + 's'}"
    if amount == 0:
        return f"no {noun}"
    return f"{number(amount, 0)} {noun if amount == 1 else plural or noun + 's'}"


def listing(parts: Iterable[str], conjunction: str = "and") -> str:
    """Words joined as English joins them.

    >>> listing(["pain", "sleep", "mood"]), listing(["pain", "sleep"], "or"), listing([])
    ('pain, sleep and mood', 'pain or sleep', '')
    """
    words = list(parts)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def capital(text: str) -> str:
    """Text with its first letter as a capital, the rest untouched."""
    return text[:1].upper() + text[1:]


def spaced(code: str | None) -> str:
    """A code of the codebook as words."""
    return "" if absent(code) else str(code).replace("_", " ")


def measure_name(measure: str) -> str:
    """The measure's full name; an unknown one is returned as it is."""
    return MEASURES[measure].name if measure in MEASURES else measure


def people(experimental: Any, control: Any) -> int | None:
    """Analysed people of both sides of a result or of a trial; None where one side is not reported."""
    return None if absent(experimental) or absent(control) else round(experimental + control)


def harmless(text: Any) -> str:
    """Text on one line without control, direction-changing or invisible characters, in NFC.

    >>> harmless("Lu\\u202e 2020\\n(abstract)")
    'Lu 2020 (abstract)'
    """
    text = str(text)
    if text.isascii() and text.isprintable():  # nine of ten texts of a page, which has a hundred thousand
        return " ".join(text.split())
    flat = _CONTROL.sub(" ", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", " ".join(flat.split()))


def in_ascii(text: str) -> str:
    """Text for a terminal that knows only ASCII: signs and accents as near as it has them, "?" for the rest.

    >>> in_ascii("τ² −0.5 … 0–10, Müller 针")
    'tau2 -0.5 ... 0-10, Muller ?'
    """
    parts = (_ASCII.get(sign) or unicodedata.normalize("NFKD", sign) for sign in text)
    return "".join(part.encode("ascii", "ignore").decode() or "?" for part in parts)


def clean(text: Any) -> str:
    """Untrusted text on one line, harmless and no longer than can be drawn; missing text is empty."""
    return "" if absent(text) else harmless(str(text)[:LONGEST_TEXT])


def short(text: Any, longest: int = LONGEST_LABEL) -> str:
    """Cleaned text, cut with an ellipsis where it is longer than `longest` characters."""
    cleaned = harmless(text)
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1].rstrip() + "…"


def url(address: Any) -> str:
    """The address if it is a plain http(s) one, else "" (so that nothing else ever becomes a link).

    Nobody can have one that ends in .invalid (RFC 2606), which stands in for another.

    >>> url("https://doi.org/10.1000/x"), url("javascript:alert(1)"), url("https://a b"), url(None)
    ('https://doi.org/10.1000/x', '', '', '')
    """
    text = "" if address is None else str(address)
    if not _URL.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    host = parts.hostname if parts.scheme.lower() in {"http", "https"} else ""
    return text if host and not host.endswith(".invalid") else ""


def markdown(text: Any) -> str:
    """Cleaned text in which no character has a meaning in GitHub-flavoured Markdown or HTML.

    >>> print(markdown("a|b <script> *x*"))
    a&#124;b &#60;script&#62; &#42;x&#42;
    """
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group())};", harmless(text))


def anchor(*parts: Any) -> str:
    """An id for an element, unique for unequal parts: other than ASCII letters and digits become hex codes.

    >>> anchor("study", "Lu2020"), anchor("study", 'a"b')
    ('study-Lu2020', 'study-a_22_b')
    """
    return _NO_PART_OF_ID.sub(lambda found: f"_{ord(found[0]):x}_", "-".join(map(str, parts)))
