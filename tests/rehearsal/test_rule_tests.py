"""Is a rule test that could never fail refused, with its place?"""

from pathlib import Path

import pytest

from rehearsal.rule_tests import run_rule_tests
from rules.problems import FileError

OF_EACH = "is asked of each stamp, never of the workload as a whole"


def problems(file: Path) -> list[str]:
    """What is wrong with a file of rule tests, by relative paths; nothing where it is well."""
    try:
        run_rule_tests(file)
    except FileError as error:
        return str(error).replace(f"{file.parent}/", "").splitlines()
    return []


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("given: [], not: [root-node-red at wue]", "3:32: there is no stamp wue; did you mean 'weu'?"),
        ("given: [], holds: [root-node-red at xyz]", "3:34: there is no stamp xyz; the stamps are weu, neu"),
        (
            "given: [{node: wue/Stamp, state: red}], not: [root-node-red at weu]",
            "3:30: there is no stamp wue; did you mean 'weu'?",
        ),
        (
            "given: [{alert: a, stamp: wue}], not: [root-node-red at weu]",
            "3:41: there is no stamp wue; did you mean 'weu'?",
        ),
        (
            "given: [], not: [root-node-rad at weu]",
            "3:32: there is no rule root-node-rad; did you mean 'root-node-red'?",
        ),
        (
            "given: [], not: [root-node-red at global]",
            f"3:32: the rule root-node-red {OF_EACH}; write `at` and a stamp",
        ),
        ("given: []", "3:5: expected rules under `holds` or `not`, found none; else it tests nothing"),
        (
            "given: [{node: weu/Stamp, state: red}], not: []",
            "3:5: expected rules under `holds` or `not`, found none; else it tests nothing",
        ),
        (
            "given: [{node: weu/Stamp, state: red, stamp: neu}], not: [root-node-red at weu]",
            "3:23: `stamp` and `severity` are an alert's; a node is written STAMP/NODE",
        ),
        (
            "given: [{alert: a, source: b}], not: [root-node-red at weu]",
            "3:42: an alert has no `source`; its source is its name",
        ),
    ],
)
def test_what_could_never_fail_is_told_with_its_place(tmp_path: Path, test: str, said: str) -> None:
    """A stamp or a rule that is not there never holds, so every `not` about it would."""
    file = tmp_path / "t.yaml"
    file.write_text(f"stamps: [weu, neu]\nrule_tests:\n  - {{name: x, {test}}}\n", "utf-8")
    assert problems(file) == [f"t.yaml:{said}"]


def test_what_is_of_the_workload_as_a_whole_may_be_spoken_of(tmp_path: Path) -> None:
    """Alerts of no stamp, global nodes, and that with nothing given nothing holds."""
    file = tmp_path / "t.yaml"
    facts = "[{alert: a}, {node: global/CosmosDB, state: red}]"
    file.write_text(
        f"rule_tests:\n  - {{name: x, given: {facts}, not: [root-node-red at sdc]}}\n"
        "  - {name: y, given: [], not: [root-node-red at sdc]}\n",
        "utf-8",
    )
    assert [test.faults for test in run_rule_tests(file)] == [(), ()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "t.yaml:1:9: the file own.yaml cannot be read: No such file or directory"),
        (b"\xff\xfe\xff", "t.yaml:1:9: the file own.yaml cannot be read: UnicodeDecodeError"),
        (b"rules: 3\n", "own.yaml:1:8: expected a list, found the number 3"),
    ],
)
def test_a_rule_file_that_cannot_be_read_is_told_where_it_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """By the file and line of the test; and what stands in it, by a path that can be opened."""
    if content is not None:
        (tmp_path / "own.yaml").write_bytes(content)
    file = tmp_path / "t.yaml"
    file.write_text("rules: [own.yaml]\nrule_tests: [{name: x, given: [], not: [a at weu]}]\n", "utf-8")
    assert problems(file) == [said]
