"""Text measured, wrapped and shortened."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialpool.figures import lettering
from trialpool.figures.lettering import shorten, width, with_drawable_labels, wrap
from trialpool.text import clean

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=120).map(clean)


@given(WORDS, st.floats(12, 300))
def test_wrapped_lines_fit_and_lose_nothing(text, limit):
    lines = wrap(text, limit)
    assert all(width(line) <= limit or len(line) == 1 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(WORDS, st.floats(30, 200), st.integers(1, 3))
def test_no_more_lines_than_asked_for(text, limit, lines):
    wrapped = wrap(text, limit, lines=lines)
    assert len(wrapped) <= lines
    assert all(width(line) <= limit or len(line) == 1 for line in wrapped)


@given(WORDS, st.floats(20, 200))
def test_shortened_text_is_a_beginning_with_an_ellipsis(text, limit):
    short = shorten(text, limit)
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])
        assert width(short) <= limit


def test_words_break_at_hyphens_and_slashes_before_letters():
    assert wrap("Αναγνωστόπουλος-Παπαδημητρίου", 100) == ("Αναγνωστόπουλος-", "Παπαδημητρίου")
    assert wrap("dose week\u00a08", width("dose week")) == ("dose", "week\u00a08")


def test_hidden_and_ordering_characters_are_taken_out():
    assert clean("a\u202eb\u0000c\u200bd\ne\ud800") == "ab cd e"


def test_a_label_that_would_be_boxes_is_the_id_in_figures_and_sentences():
    # matplotlib#20740, pyfa-org/Pyfa#2768: letters that a font lacks are boxes, all alike
    rows = [{"study_id": "W2015", "label": "王芳 2015"}, {"study_id": "O2022", "label": "O’Néill-Ğüzel 2022"}]
    record = {"studies": rows, "robustness": {"sentence": "It changes without 王芳 2015."}}
    found = with_drawable_labels(record)
    assert [row["label"] for row in found["studies"]] == ["W2015", "O’Néill-Ğüzel 2022"]
    assert found["robustness"]["sentence"] == "It changes without W2015."
    assert record["studies"][0]["label"] == "王芳 2015"  # what the page shows


def test_a_line_is_as_wide_as_the_face_lays_it_out():
    """Plain letters are added up and pairs moved, all else is measured: ligatures, accents that combine."""
    chance = random.Random(5)
    common = [chr(code) for code in range(0x20, 0x17F) if chr(code).isprintable()] + list("τχ²–—‘’“”…−≤≥×")
    plain = [
        text for text in map("".join, product(common[:95], repeat=2)) if lettering._PLAIN.fullmatch(text)
    ]
    assert len(plain) > 9000
    lines = ["".join(chance.choices(common, k=chance.randint(1, 60))) for _ in range(800)]
    lines += ["".join(chance.choices(plain, k=25)) for _ in range(400)]
    lines += [
        "efficacy of five flat offices",
        "Müller 2019",
        "o\u0308ffne",
        "王芳 2015",
        "אב",
        "a\u200db",
        "",
    ]
    for line in lines:
        size, bold = chance.choice([7.0, 8.0, 10.5]), chance.random() < 0.5
        dots = lettering.width(line, size, bold) / 72 * lettering.DOTS_PER_POINT**2
        assert dots == pytest.approx(lettering._measured(line, size, bold), abs=1e-6), line
