"""Is every fault of a file told at its place, in one form, and with the way to mend it?"""

from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.load import (
    MAX_PROBLEMS,
    FileError,
    Problem,
    catalog_texts,
    load_rules,
    load_workload,
    rule_problems,
    workload_problems,
)
from rules.yaml_tree import MAX_BYTES, read

ROOT = Path(__file__).parents[2]
SHOP = (ROOT / "local/workload/shop/workload.yaml").read_text("utf-8")
CATALOG = "".join(catalog_texts().values())

RULE = """\
rules:
  - name: root-node-red
    summary: It is red.
    when: {node: Stamp, state: red}
    severity: critical
    playbook: page
"""


def told(text: str | bytes) -> list[str]:
    """The problems of one rule file, without the file's name."""
    return [str(problem).removeprefix("r.yaml:") for problem in rule_problems({"r.yaml": text})]


def test_a_problem_reads_as_a_link_with_advice() -> None:
    """A problem is one line: file, line, column, what was expected, how to mend it."""
    assert str(Problem("a.yaml", 3, 7, "expected a text")) == "a.yaml:3:7: expected a text"
    assert (
        str(Problem("a.yaml", 3, 7, "expected a text", "quote it")) == "a.yaml:3:7: expected a text; quote it"
    )


def test_a_good_file_has_no_problems() -> None:
    """Where the loader takes a file, the list of its problems is empty."""
    assert rule_problems({"r.yaml": RULE}) == ()
    assert workload_problems(SHOP, "w.yaml") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: expected a mapping, found an empty file; see the shipped examples"),
        ("# nothing\n", "1:1: expected a mapping, found an empty file; see the shipped examples"),
        ("---\n...\n", "1:1: expected a mapping, found an empty file; see the shipped examples"),
        ("~", "1:1: expected a value, found nothing; give one, or leave it out"),
        ("words", "1:1: expected a mapping, found a text"),
        ('""', "1:1: expected a mapping, found a text"),
        ("- a", "1:1: expected a mapping, found a list"),
        ("rules: x", "1:8: expected a list, found a text"),
        ("rules: {a: b}", "1:8: expected a list, found a mapping"),
        ("rules: 0.5", "1:8: expected a list, found the number 0.5"),
        ("rules: true", "1:8: expected a list, found the boolean true"),
        ("rules: []", "1:8: expected at least one entry, found none; add one"),
        ("rules:\n  -\n  - 1\n", "2:4: expected a value, found nothing; give one, or leave it out"),
        (
            "rules: a: b",
            (
                "1:9: not valid YAML: mapping values are not allowed here; "
                "is a line break missing, or are quotes needed around a text with ': ' in it?"
            ),
        ),
        (
            "rules:\n\t- a",
            (
                "2:1: not valid YAML: found character '\\t' that cannot start any token; "
                "indent with spaces, not with tabs"
            ),
        ),
        (
            "rules: @a",
            "1:8: not valid YAML: found character '@' that cannot start any token; put the text in quotes",
        ),
        (
            "rules: 'a",
            "1:10: not valid YAML: found unexpected end of stream; close the quotation mark or bracket",
        ),
        (
            "rules: [a\nb: c",
            "2:2: not valid YAML: expected ',' or ']', but got ':'; while parsing a flow sequence",
        ),
        ("\n\n---\na\n---\nb", "5:1: expected one document, found a second; put it into a file of its own"),
        ("rules: *all", "1:8: aliases such as *all are not read; write the value out"),
        ("rules: &all []", "1:8: anchors such as &all are not read; delete it"),
        ("rules: !!set {}", "1:8: tags, which begin with !, are not read; delete it, or quote the text"),
        ("%YAML 1.1\n---\nrules: no", "2:1: expected YAML 1.2; delete the %YAML directive"),
        ("rules: \x07", "1:8: found the control character U+0007; delete it"),
        ('rules: "\\u202e"', "1:8: found the control character U+202E; delete it"),
        (
            'rules: "\\UFFFFFFFF"',
            "1:9: not valid YAML: this escape names no character; write the character",
        ),
        (b"rules: \xe4", "1:8: expected UTF-8 text; save the file in the encoding UTF-8"),
        ("rules".encode("utf-16"), "1:1: expected UTF-8 text; save the file in the encoding UTF-8"),
        ("[" * 33, "1:33: expected at most 32 levels; write it flatter"),
        ("#" * (MAX_BYTES + 1), "1:1: expected at most 1048576 bytes, found 1048577; split the file"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_place(text: str | bytes, problem: str) -> None:
    """Each fault of form is a problem at its line and column, never another exception."""
    assert problem in told(text)


def test_a_fault_that_ruamel_marks_only_by_its_context_has_a_place_too() -> None:
    """Where ruamel leaves the place of the problem open, the place of its context is told."""
    text = "a: |\n \n   \n b\n"
    assert told(text) == [
        "4:2: not valid YAML: more indented follow up line than first in a block scalar",
    ]


@pytest.mark.parametrize(
    "text", [RULE, RULE.encode(), "\ufeff" + RULE, b"\xef\xbb\xbf" + RULE.encode(), f"%YAML 1.2\n---\n{RULE}"]
)
def test_harmless_ways_of_writing_are_read(text: str | bytes) -> None:
    """Bytes, a byte order mark and the directive of YAML 1.2 do not matter."""
    assert [rule.name for rule in load_rules({"r.yaml": text})] == ["root-node-red"]


def test_every_problem_is_told_and_not_only_the_first() -> None:
    """A file with several faults is answered once, with all of them, in the order of the file."""
    text = """\
rules:
  - name: A
    sumary: It is red.
    when: {node: Stamp, state: no, fro: 3m}
    when: {node: Stamp}
    severity: critcal
    playbook:
    mode: 5
    1: x
    [a]: b
  - name: b
    summary: 7
    when: {node: Stamp, state: red}
    severity: [error]
    playbook: page
    runbook: wiki
"""
    assert told(text) == [
        "2:5: expected the key `summary`, which is missing; add it",
        "2:11: expected at most 80 characters in kebab-case, such as root-node-red",
        "3:5: unknown key `sumary`; did you mean 'summary'?",
        "4:32: expected one of green, yellow, red, unknown, found 'no'",
        "4:36: unknown key `fro`; did you mean 'for'?",
        "5:5: the key `when` stands twice; delete this one or that of line 4",
        "6:15: expected one of critical, error, warning, info, found 'critcal'; did you mean 'critical'?",
        "7:5: expected a value, found nothing; give one, or leave it out",
        "8:11: expected one of observe, approve, auto, found the number 5",
        "9:5: expected a text as key; put it in quotes",
        "10:5: expected a text as key; put it in quotes",
        "12:14: expected a text, found the number 7; put it in quotes",
        "14:15: expected one of critical, error, warning, info, found a list",
        "16:14: expected a URL, https://…",
    ]


def test_a_doubled_key_alone_is_reason_enough() -> None:
    """A file that would be valid without its doubled key is refused, by both loaders."""
    with pytest.raises(FileError, match=r"^r.yaml:7:5: the key `playbook` stands twice"):
        load_rules({"r.yaml": RULE + "    playbook: drain\n"})
    with pytest.raises(FileError, match="the key `mode` stands twice"):
        load_workload(SHOP + "\nmode: auto\n", "w.yaml")


def test_merge_keys_are_not_read() -> None:
    """A merge key would bring in what does not stand in its place; it is refused as a key."""
    assert "7:5: expected a text as key; put it in quotes" in told(RULE + "    <<: {mode: auto}\n")


def test_dates_and_numbers_are_what_yaml_1_2_makes_of_them() -> None:
    """What YAML 1.1 would turn into booleans, dates or base 60 stays text."""
    tree = read("[no, on, 2024-01-01, 2024-13-45, 1:30, =, 12, 0x1F, 1.5, true]", "a.yaml")
    assert tree.value == ["no", "on", "2024-01-01", "2024-13-45", "1:30", "=", 12, 31, 1.5, True]
    assert not tree.problems


def test_a_number_of_too_many_digits_is_told() -> None:
    """A number that Python will not read is a problem at its place."""
    text = RULE + f"    mode: {'1' * 5000}\n"
    assert told(text) == ["7:11: this number has too many digits; write a smaller one"]


def test_a_name_that_two_files_give_is_told_with_both_places() -> None:
    """Rule names are unique over all files, whatever else is wrong with them."""
    second = "# later\n" + RULE.replace("page", "pgae")
    problems = rule_problems({"a.yaml": RULE, "b.yaml": second, "c.yaml": "rules: [x, {name: 1}]"})
    assert [str(problem) for problem in problems][:2] == [
        "b.yaml:3:11: the rule `root-node-red` stands at a.yaml:2:11 already; rename one of them",
        (
            "b.yaml:7:15: expected one of drain, page, notify, record, restart, webhook, found 'pgae'; "
            "did you mean 'page'?"
        ),
    ]


def test_a_name_of_the_catalogue_cannot_be_given_again() -> None:
    """Loaded together with the shipped rules, one's own cannot silently replace one of them."""
    problems = rule_problems({**catalog_texts(), "own.yaml": RULE})
    assert [(problem.file, problem.line, problem.column) for problem in problems] == [("own.yaml", 2, 11)]


def test_an_error_carries_all_problems_and_prints_one_per_line() -> None:
    """The text of the error is its problems, one to a line."""
    with pytest.raises(FileError) as caught:
        load_rules({"a.yaml": "rules: []", "b.yaml": "x"})
    assert [problem.file for problem in caught.value.problems] == ["a.yaml", "b.yaml"]
    assert len(str(caught.value).splitlines()) == 2


def test_a_long_list_of_problems_is_cut() -> None:
    """A file of nothing but faults is answered with the first hundred, and says that there are more."""
    problems = rule_problems({"r.yaml": "rules:\n" + "  - x\n" * 5000})
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].message == "the problems from here on are not listed"


def test_words_that_are_no_slip_of_the_finger_get_no_suggestion() -> None:
    """A key of hundreds of characters is cut in the message, and not compared."""
    (problem,) = rule_problems({"r.yaml": RULE + f"    {'summary' * 50}: x\n"})
    assert problem.message.startswith("unknown key `summarysummary")
    assert len(problem.message) < 60
    assert problem.hint.startswith("known: name, summary, when")


def test_a_key_that_looks_like_a_mark_of_pydantic_is_a_key_like_any_other() -> None:
    """Not even an unknown key in pointed brackets leads the loader astray."""
    assert "unknown key `<NodeModel>`; known: name, summary" in told(RULE + "    <NodeModel>: x\n")[0]


HOSTILE: dict[str, Callable[[], str]] = {
    "values": lambda: "[" + "1," * 100_000,
    "levels": lambda: "[" * 500_000,
    "mappings": lambda: "{a: " * 100_000,
    "aliases": lambda: "a: &a [x]\nb: " + "*a" + "\n" * 10,
    "one long name": lambda: RULE.replace("Stamp", "*" * 500_000),
    "one long alert": lambda: RULE.replace("node: Stamp, state: red", "alert: '" + "*" * 500_000 + "'"),
    "one long duration": lambda: RULE.replace("state: red", "state: red, for: '" + "1" * 500_000 + "'"),
    "one long url": lambda: RULE + "    runbook: '" + "https://" * 60_000 + "'\n",
    "many states": lambda: RULE.replace("red}", "[" + "red, " * 5_000 + "]}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_costs_more_than_reading_it(name: str) -> None:
    """A hostile file within the size limit is refused in seconds: nothing is compared at length."""
    begun = process_time()
    assert told(HOSTILE[name]())
    assert process_time() - begun < 60


SNIPPETS = st.sampled_from(
    [
        *"\t\n\r :-[]{},&*!|>'\"%@`#?~\x00\x85\u2028\ufeff\ud800\\0",
        "\n- ",
        "<<: ",
        "!!int ",
        "*a",
        "&a ",
        '"\\x',
        "\\UFFFFFFFF",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "? ",
        "0x",
        "1e9",
        "null",
        "true",
        ".inf",
        "2024-01-01",
        "|2\n",
    ]
)


@st.composite
def mutations(draw: st.DrawFn, text: str) -> str:
    """The text, with a few places cut, doubled, or filled with something else."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 40)))
        filling = draw(SNIPPETS | st.just(text[begin:end] * 2) | st.text(max_size=4))
        text = text[:begin] + filling + text[end:]
    return text


def refused(load: Callable[[], object]) -> tuple[Problem, ...]:
    """Why it was refused; nothing, if it was read. Any other exception fails the test."""
    try:
        load()
    except FileError as error:
        return error.problems or (Problem("", 0, 0, "an error without a problem"),)
    return ()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(mutations(SHOP))
def test_any_mutation_of_a_workload_file_is_read_or_refused(text: str) -> None:
    """Whatever becomes of a good file, the loader answers with a workload or with problems in the file."""
    lines = len(text.splitlines()) + 1
    problems = refused(lambda: load_workload(text, "w.yaml"))
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in problems)


@pytest.mark.slow
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(mutations(CATALOG))
def test_any_mutation_of_a_rule_file_is_read_or_refused(text: str) -> None:
    """The same for rule files; and what was expected is always said."""
    problems = refused(lambda: load_rules({"r.yaml": text}))
    assert all(problem.line and "another value" not in problem.message for problem in problems)


@settings(deadline=None, max_examples=100)
@given(st.lists(SNIPPETS, max_size=20).map("".join) | st.binary(max_size=40))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    """No text, and no bytes at all, make the loader fail in another way than it says."""
    assert rule_problems({"r.yaml": text})
