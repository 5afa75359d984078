"""Untrusted text made harmless: labels, notes and addresses were written by others.

HTML escaping itself is jinja's (autoescape is on); here stands what escaping does not cover.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

# Marks that reorder the text around them (CVE-2021-42574) and invisible characters that hide in a name.
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~$@&]|:(?=\S)")
# What RFC 3986 allows in an address, without the quote: nothing that ends an attribute or starts a tag.
_URL = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;=%]+")
LONGEST_LABEL = 120


def clean(text: Any) -> str:
    """Text on one line without control, direction-changing or invisible characters, in NFC.

    >>> clean("Lu\\u202e 2020\\n(abstract)")
    'Lu 2020 (abstract)'
    """
    flat = _CONTROL.sub(" ", _INVISIBLE.sub("", str(text)))
    return unicodedata.normalize("NFC", " ".join(flat.split()))


def short(text: Any, longest: int = LONGEST_LABEL) -> str:
    """Cleaned text, cut with an ellipsis where it is longer than `longest` characters.

    >>> short("a" * 9, 5)
    'aaaa…'
    """
    cleaned = clean(text)
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1].rstrip() + "…"


def url(address: Any) -> str:
    """The address if it is a plain http(s) one, else "" (so that nothing else ever becomes a link).

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
    return text if parts.scheme.lower() in {"http", "https"} and parts.hostname else ""


def markdown(text: Any) -> str:
    """Cleaned text in which no character has a meaning in GitHub-flavoured Markdown or HTML.

    >>> print(markdown("a|b <script> *x*"))
    a&#124;b &#60;script&#62; &#42;x&#42;
    """
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group())};", clean(text))


def anchor(*parts: Any) -> str:
    """An id for an element, unique for unequal parts: other than ASCII letters and digits become hex codes.

    >>> anchor("study", "Lu2020"), anchor("study", 'a"b')
    ('study-Lu2020', 'study-a_22_b')
    """
    return "-".join(re.sub(r"[^A-Za-z0-9-]", lambda m: f"_{ord(m.group()):x}_", str(part)) for part in parts)
