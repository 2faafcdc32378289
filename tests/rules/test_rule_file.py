"""Does a rule file mean what it says, and is refused where it could do harm?"""

from datetime import timedelta

import pytest

from rules.conditions import AlertFires, AllOf, AnyOf, Condition, HeldFor, NodeIs, Not
from rules.load import load_rules, rule_problems
from rules.policy import Mode
from rules.rule import AskedOf, Playbook, Rule
from rules.signals import Health, Severity

RED = NodeIs("Stamp", frozenset({Health.RED}))


def rule_file(when: str = "{node: Stamp, state: red}", playbook: str = "page", more: str = "") -> str:
    """A file of one rule; the condition begins at line 4, column 11."""
    return f"""\
rules:
  - name: some-rule
    summary: It is red.
    when: {when}
    severity: critical
    playbook: {playbook}
{more}"""


def condition(when: str) -> Condition:
    """What that condition is read as."""
    (rule,) = load_rules({"r.yaml": rule_file(when)})
    return rule.when


def told(when: str = "{node: Stamp, state: red}", playbook: str = "page", more: str = "") -> list[str]:
    """The problems of that rule, without the file's name."""
    problems = rule_problems({"r.yaml": rule_file(when, playbook, more)})
    return [str(problem).removeprefix("r.yaml:") for problem in problems]


def test_a_rule_with_all_its_keys() -> None:
    """Every key of a rule reaches the frozen rule, and so does the place it stands at."""
    more = """\
    mode: approve
    family: processor
    asked_of: workload
    runbook: https://wiki.example/x?page=1#top
"""
    (rule,) = load_rules({"own/r.yaml": rule_file(more=more)})
    assert rule == Rule(
        name="some-rule",
        summary="It is red.",
        when=RED,
        severity=Severity.CRITICAL,
        playbook=Playbook.PAGE,
        mode=Mode.APPROVE,
        family="processor",
        asked_of=AskedOf.WORKLOAD,
        runbook="https://wiki.example/x?page=1#top",
        where="own/r.yaml:2",
    )


def test_a_rule_with_only_the_necessary_keys() -> None:
    """What is left out has its default: auto, asked of each stamp, a family of its own."""
    (rule,) = load_rules({"r.yaml": rule_file()})
    assert (rule.mode, rule.asked_of, rule.family, rule.runbook) == (
        Mode.AUTO,
        AskedOf.STAMP,
        "some-rule",
        None,
    )


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        ("{node: Stamp, state: red}", RED),
        ("{node: Stamp, state: [red]}", RED),
        ("{node: A b, state: [red, unknown]}", NodeIs("A b", frozenset({Health.RED, Health.UNKNOWN}))),
        ("{node: Stamp, state: red, source: lag-*}", NodeIs("Stamp", frozenset({Health.RED}), "lag-*")),
        ("{alert: '[Prod] * over 80 %?'}", AlertFires("[Prod] * over 80 %?")),
        ("{alert: 'A[1]?'}", AlertFires("A[1]?")),
        ("{alert: A, severity: error}", AlertFires("A", frozenset({Severity.ERROR}))),
        (
            "{alert: A, severity: [critical, error]}",
            AlertFires("A", frozenset({Severity.CRITICAL, Severity.ERROR})),
        ),
        ("{any: [{node: Stamp, state: red}, {alert: A}]}", AnyOf((RED, AlertFires("A")))),
        ("{all: [{node: Stamp, state: red}, {alert: A}]}", AllOf((RED, AlertFires("A")))),
        ("{not: {node: Stamp, state: red}}", Not(RED)),
        ("{node: Stamp, state: red, for: 3m}", HeldFor(RED, timedelta(minutes=3))),
        (
            "{not: {node: Stamp, state: red, for: 1m}, for: 2m}",
            HeldFor(Not(HeldFor(RED, timedelta(minutes=1))), timedelta(minutes=2)),
        ),
        ("{all: [{node: Stamp, state: red}], for: 1s}", HeldFor(AllOf((RED,)), timedelta(seconds=1))),
        ("{any: [{node: Stamp, state: red}], for: 1s}", HeldFor(AnyOf((RED,)), timedelta(seconds=1))),
        ("{alert: A, for: 1s}", HeldFor(AlertFires("A"), timedelta(seconds=1))),
    ],
)
def test_a_condition_is_read_as_it_is_written(when: str, meant: Condition) -> None:
    """Each of the five kinds, with and without `for`, becomes the condition of the core."""
    assert condition(when) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("45s", timedelta(seconds=45)),
        ("3m", timedelta(minutes=3)),
        ("90s", timedelta(seconds=90)),
        ("1h", timedelta(hours=1)),
        ("1h 30m", timedelta(hours=1, minutes=30)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("7d", timedelta(days=7)),
        ("500ms", timedelta(milliseconds=500)),
        ("1m 500ms", timedelta(minutes=1, milliseconds=500)),
        ("0h 1m", timedelta(minutes=1)),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, meant: timedelta) -> None:
    """Days to milliseconds, the greatest first."""
    assert condition(f"{{node: Stamp, state: red, for: {text}}}") == HeldFor(RED, meant)


@pytest.mark.parametrize(
    "text",
    [
        "0s",
        "3",
        "3 m",
        "m",
        "3min",
        "30m 1h",
        "1m 1m",
        "-1s",
        "1.5h",
        "' 3m'",
        "'3m '",
        '"3m\\n"',
        "٣m",
        "PT3M",
        "''",
    ],
)
def test_no_other_way_of_writing_a_duration_is_read(text: str) -> None:
    """Anything else is a problem that shows the right form; a wait of nothing is no wait."""
    (problem,) = told(f"{{node: Stamp, state: red, for: {text}}}")
    assert problem.startswith("4:42: expected a duration such as 45s, 3m or 1h 30m; ")


@pytest.mark.parametrize(
    ("value", "hint"),
    [("30", "; say the unit: 30s, 30m or 30h"), ("true", ""), ("[3m]", "")],
)
def test_a_duration_without_unit_is_told_the_units(value: str, hint: str) -> None:
    """A bare number is the likeliest slip, and has its own advice; other types are refused too."""
    assert told(f"{{node: Stamp, state: red, for: {value}}}") == [
        f"4:42: expected a duration such as 45s, 3m or 1h 30m{hint}"
    ]


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("red", "4:11: expected a condition: a mapping with one of node, alert, all, any, not"),
        ("{}", "4:11: expected exactly one of node, alert, all, any, not, found none; add one"),
        (
            "{nod: X, state: red}",
            "4:11: expected exactly one of node, alert, all, any, not, found none; did you mean 'node'?",
        ),
        (
            "{node: X, state: red, alert: A}",
            (
                "4:11: expected exactly one of node, alert, all, any, not, found `node` and `alert`; "
                "join several under `all:` or `any:`"
            ),
        ),
        ("{node: X}", "4:11: expected the key `state`, which is missing; add it"),
        (
            "{node: X, state: rde}",
            "4:28: expected one of green, yellow, red, unknown, found 'rde'; did you mean 'red'?",
        ),
        (
            "{node: X, state: [red, 1]}",
            "4:34: expected one of green, yellow, red, unknown, found the number 1",
        ),
        ("{node: X, state: [red, red]}", "4:34: `red` stands twice; delete one"),
        ("{node: X, state: []}", "4:28: expected at least one entry, found none; add one"),
        ("{node: X, state: [red, red, red, red, red]}", "4:28: expected at most 4 entries; every word once"),
        (
            "{node: X, state: red, severity: error}",
            "4:33: unknown key `severity`; known: for, node, state, source",
        ),
        ("{all: []}", "4:17: expected at least one entry, found none; add one"),
        ("{any: []}", "4:17: expected at least one entry, found none; add one"),
        ("{any: {node: X, state: red}}", "4:17: expected a list, found a mapping"),
        ("{any: [{node: X, sate: red}]}", "4:28: unknown key `sate`; did you mean 'state'?"),
        ("{not: {not: {not: {node: X, sate: red}}}}", "4:39: unknown key `sate`; did you mean 'state'?"),
        ("{not: [x]}", "4:17: expected a condition: a mapping with one of node, alert, all, any, not"),
        (
            "{node: ' X', state: red}",
            "4:18: expected the name of a node of the health model, such as BackgroundProcessor",
        ),
        ("{alert: ' a'}", "4:19: expected the name of an alert rule, of at most 260 characters"),
    ],
)
def test_a_condition_that_means_nothing_is_told(when: str, problem: str) -> None:
    """Each mistake in a condition is told where it stands, however deep."""
    assert problem in told(when)


def nested(levels: int) -> str:
    """A condition of so many levels."""
    return "{not: " * (levels - 1) + "{node: Stamp, state: red}" + "}" * (levels - 1)


def test_conditions_have_at_most_eight_levels() -> None:
    """The ninth level is refused at its own place."""
    assert told(nested(8)) == []
    assert told(nested(9)) == ["4:59: expected at most 8 levels of conditions; write it flatter"]
    many = "{all: [" * 8 + "{any: [{alert: A}]}" + "]}" * 8
    assert told(many) == ["4:67: expected at most 8 levels of conditions; write it flatter"]


def test_a_condition_has_at_most_fifty_parts() -> None:
    """The fifty-first part, counting the whole, is refused."""
    parts = ["{alert: A}"] * 50
    assert told(f"{{any: [{', '.join(parts[:49])}]}}") == []
    assert told(f"{{any: [{', '.join(parts)}]}}") == [
        "4:11: expected at most 50 parts in a condition, found 51; make several rules of one family"
    ]


def test_a_drain_needs_a_stamp() -> None:
    """A drain rule asked of the workload would have no target, and no target is never every stamp."""
    assert told(playbook="drain", more="    asked_of: workload\n") == [
        (
            "7:15: a drain needs a stamp, and this rule is asked of the workload; "
            "ask it of the stamp, or take the playbook page"
        )
    ]


@pytest.mark.parametrize(
    ("playbook", "more", "problem"),
    [
        (
            "restart",
            "    target: catalog\n    asked_of: workload\n",
            "8:15: a restart needs a stamp, and this rule is asked of the workload; ask it of the stamp",
        ),
        (
            "restart",
            "",
            (
                "6:15: the playbook restart needs `target`; "
                "it names a deployment or endpoint of the workload file"
            ),
        ),
        (
            "page",
            "    target: catalog\n",
            (
                "6:15: the playbook page takes no `target`; "
                "it names a deployment or endpoint of the workload file"
            ),
        ),
        (
            "drain",
            "    scope: edge\n",
            (
                "7:12: a drain helps only a stamp's own fault, and this rule calls it edge; "
                "leave `scope` out, or take the playbook page"
            ),
        ),
    ],
)
def test_a_playbook_has_what_it_needs_and_nothing_else(playbook: str, more: str, problem: str) -> None:
    """A step without stamp or target, or for a fault that it does not mend, is told at the key to change."""
    assert told(playbook=playbook, more=more) == [problem]


@pytest.mark.parametrize(
    "when",
    [
        "{node: X, state: [red, unknown]}",
        "{not: {node: X, state: green}}",
        "{any: [{node: X, state: red}, {not: {alert: A}}]}",
        "{node: X, state: unknown, for: 1h}",
    ],
)
def test_a_drain_rests_on_a_fact(when: str) -> None:
    """What can hold where nothing is known may page, and must never drain."""
    assert told(when, "page") == []
    assert told(when, "drain") == [
        (
            "4:11: a drain must rest on a fact, and this can hold where nothing is known; "
            "join `unknown` and `not` with a fact, under `all:`; or page"
        )
    ]


def test_a_drain_may_be_narrowed_by_what_is_not() -> None:
    """A negation beside a fact is no reason to refuse a drain."""
    assert told("{all: [{node: X, state: red}, {not: {node: Y, state: red}}]}", "drain") == []


@pytest.mark.parametrize("name", ["A", "a_b", "a b", "-a", "a-", "a--b", "''", "a" * 81])
def test_rule_names_are_kebab_case(name: str) -> None:
    """Names stand in dedup keys, paths and commands."""
    problems = rule_problems({"r.yaml": rule_file().replace("some-rule", name)})
    assert [str(problem) for problem in problems] == [
        "r.yaml:2:11: expected at most 80 characters in kebab-case, such as root-node-red"
    ]


@pytest.mark.parametrize("summary", ["' '", "' a'", '"a\\nb"', "a" * 301])
def test_a_summary_is_one_line(summary: str) -> None:
    """It is the title of a page."""
    (problem,) = rule_problems({"r.yaml": rule_file().replace("It is red.", summary)})
    assert (problem.line, problem.column) == (3, 14)
    assert problem.hint == "to write it on several lines, begin it with >-"
