"""Does the index find the same rules as asking every one, and ask no more than it must?"""

from collections.abc import Sequence
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from rules.conditions import AlertFires, AllOf, Answer, AnyOf, Condition, HeldFor, NodeIs, Not, Verdict
from rules.evaluate import Asked, Evaluation, RuleSet, Since, Waiting, ask, evaluate
from rules.health import Facts, facts
from rules.policy import Policy
from rules.rule import AskedOf, Playbook, Rule
from rules.signals import AlertState, Health, Severity, Signal
from tests.builders import NODE, NOW, RULE, STAMPS, a_rule, a_signal, an_alert, at, registers, seconds

leaves = st.builds(
    NodeIs,
    st.sampled_from(["A", "B"]),
    st.frozensets(st.sampled_from(Health), min_size=1),
    st.sampled_from([None, "model", "pro*"]),
) | st.builds(AlertFires, st.sampled_from(["x", "X", "y", "*", "y*"]))


def _joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    some = st.lists(parts, max_size=3).map(tuple)
    return (
        st.builds(AllOf, some)
        | st.builds(AnyOf, some)
        | st.builds(Not, parts)
        | st.builds(HeldFor, parts, st.sampled_from([seconds(0), seconds(30), seconds(60)]))
    )


conditions: st.SearchStrategy[Condition] = st.recursive(leaves, _joined, max_leaves=5)
rule_lists = st.lists(st.tuples(conditions, st.sampled_from(AskedOf)), max_size=5).map(
    lambda some: [a_rule(f"r{i}", when=when, asked_of=asked_of) for i, (when, asked_of) in enumerate(some)]
)
stamps = st.sampled_from(["weu", "neu", None])
moments = st.lists(
    st.builds(
        a_signal,
        stamps,
        st.sampled_from(["A", "B"]),
        st.sampled_from(Health),
        source=st.sampled_from(["model", "probe"]),
    )
    | st.builds(an_alert, st.sampled_from(["x", "Y"]), st.sampled_from(AlertState), stamps),
    max_size=6,
).map(lambda signals: facts(registers(signals), NOW, Policy()))


def asking_everyone(rules: RuleSet, standing: Facts, since: Since, now: datetime) -> Evaluation:
    """The evaluation without an index."""
    verdicts: dict[Asked, Verdict] = {}
    waiting: dict[Waiting, datetime] = {}
    for stamp in (*STAMPS, None):
        for rule in rules.rules:
            if (stamp is None) is (rule.asked_of is AskedOf.WORKLOAD):
                verdicts[Asked(rule.name, stamp)], begun = ask(rule, stamp, standing, since, now)
                waiting.update(begun)
    return Evaluation(verdicts, waiting)


def spoken(evaluation: Evaluation) -> list[tuple[Asked, Verdict]]:
    """Every verdict but the plain no."""
    return [(asked, said) for asked, said in evaluation.verdicts.items() if said.answer is not Answer.NO]


@given(rule_lists, st.lists(moments, min_size=1, max_size=4))
def test_the_index_gives_what_asking_every_rule_gives(rules: list[Rule], history: Sequence[Facts]) -> None:
    """Over any history of facts: the same verdicts in the same order, and the same beginnings."""
    rule_set = RuleSet(rules)
    since: Since = {}
    since_all: Since = {}
    for tick, standing in enumerate(history):
        indexed = evaluate(rule_set, standing, STAMPS, since, at(30 * tick))
        everyone = asking_everyone(rule_set, standing, since_all, at(30 * tick))
        assert spoken(indexed) == spoken(everyone)
        assert indexed.since == everyone.since
        since, since_all = indexed.since, everyone.since


def alert_rules(count: int) -> list[Rule]:
    """Rules that each wait for an alert of their own."""
    return [a_rule(f"r{i}", when=AlertFires(f"alert-{i}")) for i in range(count)]


def standing(*signals: Signal) -> Facts:
    """The facts that stand now."""
    return facts(registers(signals), NOW, Policy())


def test_rules_that_cannot_hold_are_never_looked_at() -> None:
    """Of a thousand rules one is judged where one alert fires, and none where all is green."""
    rules = RuleSet(alert_rules(1000))
    quiet = standing(*(a_signal(stamp, "Stamp") for stamp in STAMPS))
    assert len(evaluate(rules, quiet, STAMPS, {}, NOW).verdicts) == 0
    assert list(evaluate(rules, standing(an_alert("ALERT-7")), STAMPS, {}, NOW).verdicts) == [
        Asked("r7", "weu")
    ]


def test_candidates_are_found_by_fact_and_keep_the_order_of_the_files() -> None:
    """However the facts come; a rule that needs none is always among them."""
    always = a_rule("always", when=Not(AlertFires("x")))
    workload = a_rule("workload", when=AlertFires("alert-1"), asked_of=AskedOf.WORKLOAD)
    rules = RuleSet([*alert_rules(3), always, workload])
    keys = [("alert", "alert-2", ""), ("alert", "alert-1", "")]
    assert [rule.name for rule in rules.candidates(keys, AskedOf.STAMP)] == ["r1", "r2", "always"]
    assert [rule.name for rule in rules.candidates(keys, AskedOf.WORKLOAD)] == ["workload"]
    assert [rule.name for rule in rules.candidates([], AskedOf.STAMP)] == ["always"]


def test_each_stamp_is_asked_by_itself_and_the_workload_as_a_whole() -> None:
    """A stamp's rule never sees a global node, nor the other way round."""
    red = NodeIs(NODE, frozenset({Health.RED}))
    rules = RuleSet([a_rule("each", when=red), a_rule("whole", when=red, asked_of=AskedOf.WORKLOAD)])
    found = standing(a_signal("neu", health=Health.RED), a_signal(None, health=Health.RED))
    holding = evaluate(rules, found, STAMPS, {}, NOW).holding
    assert set(holding) == {Asked("each", "neu"), Asked("whole", None)}


def test_a_stamp_that_is_not_in_the_workload_is_not_asked_about() -> None:
    """Words about a stamp that was taken away raise nothing."""
    found = standing(a_signal("gone", health=Health.RED))
    assert evaluate(RuleSet([a_rule()]), found, STAMPS, {}, NOW).verdicts == {}


def test_for_counts_from_the_first_reconcile_that_sees_it_and_starts_anew() -> None:
    """A break of one reconcile is a break, whatever the signals' own times say."""
    rules = RuleSet([a_rule(when=HeldFor(NodeIs(NODE, frozenset({Health.RED})), seconds(60)))])
    red, green = standing(a_signal(health=Health.RED, observed_at=at(-600))), standing(a_signal())
    since: Since = {}
    answers = []
    for second, found in [(0, red), (59, red), (60, red), (61, green), (62, red), (121, red), (122, red)]:
        evaluation = evaluate(rules, found, STAMPS, since, at(second))
        since = evaluation.since
        answers.append(bool(evaluation.holding))
    assert answers == [False, False, True, False, False, False, True]
    assert since == {Waiting(RULE, "weu", ""): at(62)}


def test_the_beginnings_of_other_rules_and_stamps_are_not_taken_for_ones_own() -> None:
    """Each `for` is known by rule, stamp and path; what is no longer asked is forgotten."""
    rules = RuleSet([a_rule(when=HeldFor(NodeIs(NODE, frozenset({Health.RED})), seconds(60)))])
    others = {Waiting(RULE, "neu", ""): at(-99), Waiting("gone", "weu", ""): at(-99)}
    evaluation = evaluate(rules, standing(a_signal(health=Health.RED)), STAMPS, others, NOW)
    assert evaluation.since == {Waiting(RULE, "weu", ""): NOW}


def test_a_playbook_says_what_it_asks_for() -> None:
    """A drain pages and tells, a page tells, a record is only written down."""
    asks = {p: (p.drains, p.pages, p.notifies) for p in Playbook}
    assert asks == {
        Playbook.DRAIN: (True, True, True),
        Playbook.PAGE: (False, True, True),
        Playbook.NOTIFY: (False, False, True),
        Playbook.RECORD: (False, False, False),
        Playbook.RESTART: (False, False, True),
        Playbook.WEBHOOK: (False, False, True),
    }


def test_a_rule_without_a_family_is_a_family_of_its_own() -> None:
    """One incident for each, unless a file says otherwise."""
    plain = Rule("lag", "It lags.", AlertFires("lag"), Severity.ERROR, Playbook.PAGE)
    assert plain.family == "lag"
    assert a_rule(family="reading").family == "reading"


def test_a_for_counts_while_the_rest_of_its_rule_is_not_there_yet() -> None:
    """The alert fires after the node has been red for long enough: the rule holds at once."""
    red, lag = HeldFor(NodeIs(NODE, frozenset({Health.RED})), seconds(60)), AlertFires("Lag")
    for parts in ((red, lag), (lag, red)):
        rules = RuleSet([a_rule(when=AllOf(parts))])
        before = evaluate(rules, standing(a_signal(health=Health.RED)), STAMPS, {}, NOW)
        both = standing(a_signal(health=Health.RED), an_alert("Lag"))
        assert Asked(RULE, "weu") in evaluate(rules, both, STAMPS, before.since, at(60)).holding
