"""The forest table: decimals, cautions, places."""

from tests.unit.page import demo
from trialpool.view.forest_table import forest_table, number_at


def test_the_decimals_of_the_pooled_line_hold_in_every_row():
    record = demo.record(pooled=demo.pooled(estimate=8.9, ci_low=-3.2, ci_high=21.0))
    assert [study.effect.estimate.text for study in forest_table(record).studies] == ["−1.1", "−1.2", "−1.3"]


def test_what_was_added_to_a_table_with_a_zero_is_a_caution():
    record = demo.record(studies=[demo.study(1, derivation="events as printed; 0.5 added to each cell")])
    assert [text for _, text in forest_table(record).notes] == ["0.5 added to each cell."]


def test_every_number_knows_its_place_in_the_record():
    record = demo.record()
    for study in forest_table(record).studies:
        for number in (study.effect.estimate, study.effect.high, study.weight):
            place = number.path.removeprefix("demo-pain/")
            assert number_at(record, place, str).value == number.value
