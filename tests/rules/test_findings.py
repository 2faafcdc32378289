"""Which rules hold, since when, and on whose word?"""

from rules.conditions import Answer, Verdict
from rules.evaluate import Asked, Evaluation, RuleSet
from rules.findings import EVIDENCE_KEPT, Finding, update
from rules.signals import Health, Signal
from tests.builders import NOW, RULE, a_finding, a_rule, a_signal, at, findings

RULES = RuleSet([a_rule(family="reading")])
ASKED = Asked(RULE, "weu")
RED = a_signal(health=Health.RED)


def judged(*evidence: Signal, answer: Answer = Answer.HOLDS, reason: str = "it is red") -> Evaluation:
    """The rule was judged for weu, and rests on these."""
    return Evaluation({ASKED: Verdict(answer, reason, evidence)})


def test_a_finding_begins_at_the_reconcile_that_first_sees_it() -> None:
    """With the rule's family, the words of the verdict, and whose words it rests on."""
    begun = update({}, judged(RED), RULES, NOW)
    assert begun == {ASKED: Finding(RULE, "reading", "weu", NOW, "it is red", (RED.key,))}


def test_a_finding_that_goes_on_keeps_its_beginning_and_its_words() -> None:
    """Words that only carry newer times are no news."""
    begun = update({}, judged(RED), RULES, NOW)
    assert update(begun, judged(RED, reason="still red"), RULES, at(60)) == begun


def test_whoever_once_raised_a_finding_stays_its_evidence() -> None:
    """Only they can prove recovery, so a source that falls silent is not dropped."""
    probe = a_signal(source="lag-probe", health=Health.RED)
    both = update(update({}, judged(RED), RULES, NOW), judged(probe), RULES, at(60))
    assert both[ASKED].evidence == (RED.key, probe.key)


def test_evidence_is_bounded() -> None:
    """P19: a hundred alert instances do not make a large record; the first count."""
    many = [a_signal(source=f"s{i:02}", health=Health.RED) for i in range(100)]
    kept = update({}, judged(*many), RULES, NOW)[ASKED].evidence
    assert kept == tuple(signal.key for signal in many[:EVIDENCE_KEPT])


def test_a_finding_ends_when_its_rule_no_longer_holds() -> None:
    """Pending is not holding; nor is not being looked at, nor having been taken out of the rule files."""
    known = findings(a_finding(), a_finding("a-rule-that-is-gone"))
    assert update(known, judged(answer=Answer.NO), RULES, NOW) == {}
    assert update(known, judged(RED, answer=Answer.PENDING), RULES, NOW) == {}
    assert update(known, Evaluation({}), RULES, NOW) == {}


def test_a_word_that_may_not_act_marks_the_finding_as_long_as_it_counts() -> None:
    """With the reason; once the verdict rests on others alone, the mark is gone."""
    test = a_signal(health=Health.RED, source="t", may_act=False, why="a test alert")
    begun = update({}, judged(RED, test), RULES, NOW)
    assert (begun[ASKED].may_act, begun[ASKED].why) == (False, "a test alert")
    after = update(begun, judged(RED), RULES, at(1))
    assert (after[ASKED].may_act, after[ASKED].why) == (True, "")
