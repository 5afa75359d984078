"""Nothing overlaps and nothing leaves the figure, whatever the record holds."""

import itertools
import random
import warnings

import matplotlib
from figure_records import draw_forest, finish, gap_record, made_up_record, made_up_study
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from trialpool.figures import style

SLACK = 1.8  # points: side bearings of letters, and boxes taller than the letters in them


def text_boxes(figure):
    """Ink boxes (text, left, bottom, right, top) of all texts, in points from the lower left."""
    boxes = []
    with matplotlib.rc_context(style.STYLE), warnings.catch_warnings():  # measured as it will be saved
        warnings.filterwarnings("ignore", message=r"Glyph .* missing")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # sets the names of axes beside their labels
        for artist in figure.findobj(Text):
            if artist.get_text() and artist.get_visible():
                box = artist.get_window_extent(canvas.get_renderer())
                boxes.append((artist.get_text(), box.x0, box.y0, box.x1, box.y1))
    return boxes


def faults(figure):
    """Texts outside the figure, and pairs of texts that overlap."""
    width, height = figure.get_size_inches() * 72
    boxes = text_boxes(figure)
    outside = [b for b in boxes if b[1] < 0 or b[2] < 0 or b[3] > width or b[4] > height]
    boxes.sort(key=lambda box: box[2])
    overlapping = []
    for a, b in itertools.combinations(boxes, 2):
        if b[2] > a[4]:
            continue
        apart = a[3] - SLACK <= b[1] or b[3] - SLACK <= a[1] or a[4] - SLACK <= b[2] or b[4] - SLACK <= a[2]
        if not apart:
            overlapping.append((a, b))
    marks_outside = []
    for artist in figure.artists:
        if not hasattr(artist, "get_text"):
            box = artist.get_window_extent()
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                marks_outside.append(artist)
    return outside, overlapping, marks_outside


# Letters that DejaVu Sans has: others are drawn as tall boxes that may touch the line above.
ANY_TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F)
    | st.characters(min_codepoint=0x391, max_codepoint=0x3C9)
    | st.characters(min_codepoint=0x410, max_codepoint=0x44F)
    | st.characters(min_codepoint=0x5D0, max_codepoint=0x5EA)
    | st.sampled_from("\u202e\u2067\u0000\n$_^\\{}<>&'\"٠ا"),
    max_size=80,
)
LONG = "Αναγνωστόπουλος-Παπαδημητρίου Κωνσταντίνος και συνεργάτες της μελέτης 2019b"
RIGHT_TO_LEFT = "شهيد ‮2019‬ דוד כהן"
WIDE = "W" * 300


@st.composite
def records(draw):
    measure = draw(st.sampled_from(["MD", "SMD", "RR", "OR", "RD"]))
    rng = random.Random(draw(st.integers(0, 999)))
    studies = [made_up_study(index, measure, rng) for index in range(draw(st.sampled_from([1, 2, 3, 7, 30])))]
    size = draw(st.sampled_from([0.01, 1.0, 30.0]))
    for study in studies[:3]:
        study["label"] = draw(ANY_TEXT | st.sampled_from([LONG, RIGHT_TO_LEFT, WIDE]))
        study["label_control"] = draw(ANY_TEXT | st.sampled_from([LONG, WIDE]))
        study["cautions"] = draw(ANY_TEXT)
        study["imputed"] = draw(st.booleans())
        study["n_control"] = draw(st.sampled_from([12, None, 123456]))
    for study in studies:
        study["effect"] *= 1.0 if measure in ("RR", "OR") else size
        study["variance"] *= 1.0 if measure in ("RR", "OR") else size**2
    studies[-1]["variance"] *= draw(st.sampled_from([1.0, 1.0, 500.0]))
    record = finish(studies, measure)
    record["title"] = draw(ANY_TEXT | st.just(WIDE))
    record["experimental_name"] = draw(st.sampled_from(["acupuncture", LONG]))
    record["direction"] = {"left": f"favours {record['experimental_name']}", "right": draw(ANY_TEXT)}
    record["better"] = draw(st.sampled_from(["lower", "higher"]))
    record["mcid"] = draw(st.sampled_from([None, {"value": 0.4, "unit": "points", "kind": LONG}]))
    return record


@settings(max_examples=40, deadline=None)
@given(records())
@example(made_up_record(1))
@example(made_up_record(60))
@example(
    gap_record(known=[{"study_id": "A", "label": WIDE, "category_control": LONG, "n_randomised": 10**9}])
)
def test_everything_is_inside_and_apart(record):
    outside, overlapping, marks_outside = faults(draw_forest(record))
    assert not outside
    assert not overlapping
    assert not marks_outside


def test_the_check_itself_finds_overlaps():
    figure = draw_forest(made_up_record(3))
    texts = [artist for artist in figure.artists if hasattr(artist, "get_text")]
    texts[3].set_position(texts[4].get_position())
    texts[5].set_position((-20, 10))
    outside, overlapping, _ = faults(figure)
    assert outside
    assert overlapping


def test_labels_are_never_read_as_mathematics_and_never_lost():
    record = made_up_record(3)
    labels = ["$\\frac{a}{b}$ 2019", "a_b^c $x$", "50% & more"]
    for study, label in zip(record["studies"], labels, strict=True):
        study["label"] = label
    figure = draw_forest(record)
    artists = [artist for artist in figure.artists if hasattr(artist, "get_text")]
    assert not any(artist.get_parse_math() for artist in artists)
    shown = " ".join(artist.get_text() for artist in artists)
    assert all(label in shown for label in labels)
