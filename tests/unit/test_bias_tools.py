"""Tools that judge risk of bias: every path of RoB 2's algorithms, and a review's own tools."""

from __future__ import annotations

from itertools import product

import pytest

from trialpool.bias_tools import (
    ANSWERS,
    OVERALL,
    RISKS,
    Verdict,
    tool_named,
    tool_slips,
    tools,
    tools_of,
    worst,
)
from trialpool.errors import InputError
from trialpool.vocabulary import load_vocabulary

# The guidance of 22 August 2019 as it maps answers to judgements, domain by domain: every way through the
# flow charts as questions with their answers, and where it ends. What a way does not pass may be anything.
PATHS = {
    "randomisation_process": """
        1.2 N PN → high
        1.2 NI, 1.3 Y PY → high
        1.2 NI, 1.3 N PN NI → some_concerns
        1.2 Y PY, 1.1 N PN → some_concerns
        1.2 Y PY, 1.1 Y PY NI, 1.3 Y PY → some_concerns
        1.2 Y PY, 1.1 Y PY NI, 1.3 N PN NI → low""",
    "missing_outcome_data": """
        3.1 Y PY → low
        3.1 N PN NI, 3.2 Y PY → low
        3.1 N PN NI, 3.2 N PN NI, 3.3 N PN → low
        3.1 N PN NI, 3.2 N PN NI, 3.3 Y PY NI, 3.4 N PN → some_concerns
        3.1 N PN NI, 3.2 N PN NI, 3.3 Y PY NI, 3.4 Y PY NI → high""",
    "measurement_of_the_outcome": """
        4.1 Y PY → high
        4.1 N PN NI, 4.2 Y PY → high
        4.1 N PN NI, 4.2 N PN, 4.3 N PN → low
        4.1 N PN NI, 4.2 N PN, 4.3 Y PY NI, 4.4 N PN → low
        4.1 N PN NI, 4.2 N PN, 4.3 Y PY NI, 4.4 Y PY NI, 4.5 N PN → some_concerns
        4.1 N PN NI, 4.2 N PN, 4.3 Y PY NI, 4.4 Y PY NI, 4.5 Y PY NI → high
        4.1 N PN NI, 4.2 NI, 4.3 N PN → some_concerns
        4.1 N PN NI, 4.2 NI, 4.3 Y PY NI, 4.4 N PN → some_concerns
        4.1 N PN NI, 4.2 NI, 4.3 Y PY NI, 4.4 Y PY NI, 4.5 N PN → some_concerns
        4.1 N PN NI, 4.2 NI, 4.3 Y PY NI, 4.4 Y PY NI, 4.5 Y PY NI → high""",
    "selection_of_the_reported_result": """
        5.2 Y PY → high
        5.2 N PN NI, 5.3 Y PY → high
        5.2 NI, 5.3 N PN NI, 5.1 Y PY N PN NI → some_concerns
        5.2 N PN, 5.3 NI, 5.1 Y PY N PN NI → some_concerns
        5.2 N PN, 5.3 N PN, 5.1 Y PY → low
        5.2 N PN, 5.3 N PN, 5.1 N PN NI → some_concerns""",
}
DEVIATIONS = "deviations_from_intended_interventions"
CONTEXT = """
        2.1 N PN, 2.2 N PN → low
        2.1 Y PY NI, 2.2 Y PY PN N NI, 2.3 N PN → low
        2.1 N PN, 2.2 Y PY NI, 2.3 N PN → low
        2.1 Y PY NI, 2.2 Y PY PN N NI, 2.3 NI → some_concerns
        2.1 N PN, 2.2 Y PY NI, 2.3 NI → some_concerns
        2.1 Y PY NI, 2.2 Y PY PN N NI, 2.3 Y PY, 2.4 N PN → some_concerns
        2.1 N PN, 2.2 Y PY NI, 2.3 Y PY, 2.4 N PN → some_concerns
        2.1 Y PY NI, 2.2 Y PY PN N NI, 2.3 Y PY, 2.4 Y PY NI, 2.5 Y PY → some_concerns
        2.1 N PN, 2.2 Y PY NI, 2.3 Y PY, 2.4 Y PY NI, 2.5 Y PY → some_concerns
        2.1 Y PY NI, 2.2 Y PY PN N NI, 2.3 Y PY, 2.4 Y PY NI, 2.5 N PN NI → high
        2.1 N PN, 2.2 Y PY NI, 2.3 Y PY, 2.4 Y PY NI, 2.5 N PN NI → high"""
ANALYSIS = """
        2.6 Y PY → low
        2.6 N PN NI, 2.7 N PN → some_concerns
        2.6 N PN NI, 2.7 Y PY NI → high"""
ADHERING = """
        2.1 N PN, 2.2 N PN, 2.4 N PN NA, 2.5 N PN NA → low
        2.1 N PN, 2.2 N PN, 2.4 Y PY NI, 2.5 Y PY PN N NI NA, 2.6 Y PY → some_concerns
        2.1 N PN, 2.2 N PN, 2.4 Y PY NI, 2.5 Y PY PN N NI NA, 2.6 N PN NI → high
        2.1 N PN, 2.2 N PN, 2.4 N PN NA, 2.5 Y PY NI, 2.6 Y PY → some_concerns
        2.1 N PN, 2.2 N PN, 2.4 N PN NA, 2.5 Y PY NI, 2.6 N PN NI → high
        2.1 Y PY NI, 2.2 Y PN, 2.3 Y PY NA, 2.4 N PN NA, 2.5 N PN NA → low
        2.1 Y PY NI, 2.2 Y PN, 2.3 Y PY NA, 2.4 Y PY NI, 2.5 Y N NA, 2.6 Y PY → some_concerns
        2.1 Y PY NI, 2.2 Y PN, 2.3 Y PY NA, 2.4 Y PY NI, 2.5 Y N NA, 2.6 N PN NI → high
        2.1 Y PY NI, 2.2 Y PN, 2.3 Y PY NA, 2.4 N PN NA, 2.5 Y PY NI, 2.6 Y PY → some_concerns
        2.1 Y PY NI, 2.2 Y PN, 2.3 Y PY NA, 2.4 N PN NA, 2.5 Y PY NI, 2.6 N PN NI → high
        2.1 N PN, 2.2 Y PY NI, 2.3 N PN NI, 2.6 Y PY → some_concerns
        2.1 N PN, 2.2 Y PY NI, 2.3 N PN NI, 2.6 N PN NI → high"""


def ways(text):
    """Every set of answers of every way, and the judgement that it ends at."""
    for line in text.strip().splitlines():
        way, _, end = line.partition(" → ")
        steps = [step.split() for step in way.split(",")]
        for answers in product(*(step[1:] for step in steps)):
            yield dict(zip((step[0] for step in steps), answers, strict=True)), end.strip()


@pytest.mark.parametrize("domain", PATHS)
def test_every_way_through_a_domain_of_rob2_ends_where_the_guidance_says(domain):
    for tool in ("RoB2", "RoB2-adhering"):
        for answers, end in ways(PATHS[domain]):
            assert tools()[tool].domains[domain].judge(answers) == Verdict(end), answers


def test_deviations_are_judged_by_the_worse_of_context_and_analysis():
    judge = tools()["RoB2"].domains[DEVIATIONS].judge
    count = 0
    for (context, first), (analysis, second) in product(ways(CONTEXT), ways(ANALYSIS)):
        assert judge(context | analysis) == Verdict(worst([first, second])), context | analysis
        count += 1
    assert count > 3000


def test_the_effect_of_adhering_has_an_algorithm_of_its_own():
    for answers, end in ways(ADHERING):
        assert tools()["RoB2-adhering"].domains[DEVIATIONS].judge(answers) == Verdict(end), answers


def test_an_open_question_is_asked_for_and_what_is_not_asked_is_not():
    randomised = tools()["RoB2"].domains["randomisation_process"]
    assert randomised.judge({"1.1": "Y"}) == Verdict(asks="1.2")
    assert randomised.judge({"1.1": "Y", "1.2": "Y", "1.3": "NA"}) == Verdict(asks="1.3")
    assert randomised.judge({"1.2": "N"}) == Verdict("high")
    missing = tools()["RoB2"].domains["missing_outcome_data"]
    assert missing.judge({"3.1": "N", "3.2": "NI"}) == Verdict(asks="3.3")


def test_the_whole_of_rob2_and_robins_i_is_that_of_the_worst_domain():
    for code, order in (("RoB2", "low some_concerns high"), ("ROBINS-I", "low moderate serious critical")):
        tool = tools()[code]
        for levels in product(order.split(), repeat=len(tool.domains) if code == "RoB2" else 2):
            judged = dict.fromkeys(tool.domains, "low") | dict(zip(tool.domains, levels, strict=False))
            assert tool.judge_overall(judged) == worst(judged.values())
        assert tool.judge_overall(dict.fromkeys(list(tool.domains)[1:], "low")) == ""
    robins = tools()["ROBINS-I"]
    lacking = dict.fromkeys(robins.domains, "moderate") | {"missing_data": "no_information"}
    assert robins.judge_overall(lacking) == "no_information"


def test_quadas_2_judges_by_itself_only_where_every_answer_is_yes():
    domain = tools()["QUADAS-2"].domains["index_test"]
    assert domain.judge({"2.1": "Y", "2.2": "NA"}) == Verdict("low")
    assert domain.judge({"2.1": "Y", "2.2": "N"}) == Verdict()
    assert tools()["QUADAS-2"].judge_overall(dict.fromkeys(tools()["QUADAS-2"].domains, "low")) == ""


def test_every_shipped_tool_is_whole():
    for code, tool in tools().items():
        assert tool.source, code
        assert set(tool.judgements) <= set(RISKS), code
        assert set(tool.overall) <= set(tool.judgements), code
        assert OVERALL not in tool.domains, code
        for name, domain in tool.domains.items():
            assert tool.domain_named(domain.name) == name
            for rule in (rule for part in domain.algorithm for rule in part):
                assert rule.then in tool.judgements
                assert set(rule.when) <= set(domain.questions)
                assert {answer for said in rule.when.values() for answer in said.split()} <= set(ANSWERS)


def test_other_programs_words_are_known():
    assert [tool_named(tools(), name) for name in ("ROB2", "ROB 1", "ROBINS-I", "quadas", "Jadad")] == [
        *("RoB2", "RoB1", "ROBINS-I", "QUADAS-2", "")
    ]
    rob1, quadas = tools()["RoB1"], tools()["QUADAS-2"]
    assert rob1.domain_named("Selective outcome reporting") == "selective_reporting"
    assert quadas.domain_named("D4") == "flow_and_timing"
    assert quadas.judgement_named("Some concerns") == "unclear"
    assert tools()["ROBINS-I"].judgement_named("No information") == "no_information"


def test_a_review_adds_a_tool_and_a_domain(tmp_path):
    path = tmp_path / "vocabulary.yaml"
    path.write_text(
        "bias_tools:\n"
        "  RoB2-crossover:\n"
        "    extends: RoB2\n"
        "    domains:\n"
        "      carry_over:\n"
        "        questions: {'S.1': Was there time for the effects to wear off?}\n"
        "        algorithm: [[{when: {'S.1': Y PY}, then: low}, {when: {'S.1': N PN NI}, then: high}]]\n"
        "  Jadad: {judgements: [low, high], domains: {withdrawals: {}}}\n",
        encoding="utf-8",
    )
    known = load_vocabulary(str(path)).bias_tools
    own = known["RoB2-crossover"]
    assert list(own.domains)[-1] == "carry_over"
    assert own.domains["carry_over"].judge({"S.1": "PY"}) == Verdict("low")
    assert own.judge_overall(dict.fromkeys(own.domains, "low")) == "low"
    assert known["Jadad"].domains["withdrawals"].name == "withdrawals"
    assert known["RoB2"] == tools()["RoB2"]


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"extends": "RoB3"}, "RoB3"),
        ({"extends": "RoB2", "judgements": ["low", "bad"]}, "bad"),
        ({"extends": "RoB2", "overall": ["critical"]}, "critical"),
        ({"judgements": ["low"], "domains": {}}, ""),
        *(
            (
                {"judgements": ["low"], "domains": {"d": {"questions": {"1": "?"}, "algorithm": [[rule]]}}},
                value,
            )
            for rule, value in (
                ({"when": {"2": "Y"}, "then": "low"}, "2"),
                ({"when": {"1": "YES"}, "then": "low"}, "YES"),
                ({"when": {"1": "Y"}, "then": "high"}, "high"),
            )
        ),
    ],
)
def test_slips_in_a_tool_are_named(entry, value):
    assert value in {slip.value for slip in tool_slips({"Own": entry})}


def test_a_tool_of_another_form_is_a_fault(tmp_path):
    path = tmp_path / "vocabulary.yaml"
    path.write_text("bias_tools: {Own: {judgments: [low]}}\n", encoding="utf-8")
    with pytest.raises(InputError, match="judgments"):
        load_vocabulary(str(path))


def test_own_tools_keep_the_words_of_the_package():
    assert tools_of({"RoB2": {"name": "RoB 2, ours"}})["RoB2"].domains == tools()["RoB2"].domains
