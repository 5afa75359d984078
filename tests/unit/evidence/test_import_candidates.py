"""What importers read out of names: points in time, codes that stay different."""

import pytest

from trialpool.exchange.candidates import Codes, weeks_in

POINTS = {
    "Week 12": "12",
    "Baseline, Week 12": "12",
    "From Baseline to Week 12": "12",
    "12 weeks after randomisation": "12",
    "Pain (12-week visit)": "12",
    "at 2.5 wks": "2.5",
}
NO_POINTS = (
    *("< 12 weeks", "> 12 weeks", "≥12 weeks", "12+ weeks", "up to 12 weeks", "More than 12 weeks"),
    *("less than 6 weeks", "12 weeks or more", "12 weeks or longer", "at least 4 weeks", "within 4 weeks"),
    *("Weeks 1 through 12", "4 to 8 weeks", "4, 8 and 12 weeks", "between week 4 and week 8"),
    *("change at 2 weeks and 3 months", "4-week treatment, follow-up 3 months", "every 3 weeks for 4 cycles"),
    *("8 weeks after end of treatment", "8 weeks post-treatment", "1 week (6 to 8 days)", "3 months", ""),
    *("From Baseline up to the End of Safety Follow-up Extension Period (up to Week 156)",),
)


@pytest.mark.parametrize(("text", "week"), [*POINTS.items(), *((text, "") for text in NO_POINTS)])
def test_a_bound_a_range_or_another_clock_is_no_week(text, week):
    assert weeks_in(text) == week


def test_different_texts_never_share_a_code_and_one_text_has_one():
    code = Codes(30, "outcome")
    texts = ["Pain < 12 weeks", "Pain > 12 weeks", "Symptom of sore throat at 1 week: positive swab"]
    texts += ["Symptom of sore throat at 1 week: negative swab", "疼痛", "痛み"]
    codes = [code(text) for text in texts]
    assert codes[:2] == ["pain_lt_12_weeks", "pain_gt_12_weeks"]
    assert len(set(codes)) == len(texts)
    assert all(len(each) <= 30 for each in codes)
    assert [code(text.upper()) for text in texts] == codes
