"""How does a pipeline read the result? As JUnit's XML, one test case for each scenario and rule test."""

from collections import defaultdict
from pathlib import PurePath
from xml.sax.saxutils import escape, quoteattr

from rehearsal.suite import Outcome, Suite

_UNREADABLE = "cannot be read"


def junit(suite: Suite) -> str:
    """The XML document."""
    by_file: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in suite.outcomes:
        by_file[outcome.file].append(outcome)
    for problem in suite.unreadable:
        file = problem.partition(":")[0]
        by_file[file].append(Outcome(file, _UNREADABLE, "", passed=False, faults=(problem,), seconds=0))
    count = sum(len(found) for found in by_file.values())
    failed = sum(not each.passed for found in by_file.values() for each in found)
    seconds = sum(each.seconds for found in by_file.values() for each in found)
    suites = "".join(_suite(file, found) for file, found in by_file.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="remediation" {_counts(count, failed, seconds)}>\n{suites}</testsuites>\n'
    )


def _suite(file: str, found: list[Outcome]) -> str:
    failed = sum(not each.passed for each in found)
    seconds = sum(each.seconds for each in found)
    cases = "".join(map(_case, found))
    return (
        f"<testsuite name={quoteattr(_plain(file))} {_counts(len(found), failed, seconds)}>\n"
        f"{cases}</testsuite>\n"
    )


def _counts(count: int, failed: int, seconds: float) -> str:
    """What every reader of the format looks for; nothing is ever skipped here."""
    return f'tests="{count}" failures="{failed}" errors="0" skipped="0" time="{seconds:.3f}"'


def _case(each: Outcome) -> str:
    name = f"{each.row}: {each.name}" if each.row else each.name
    head = (
        f"<testcase classname={quoteattr(_plain(PurePath(each.file).stem))} name={quoteattr(_plain(name))}"
        f' file={quoteattr(_plain(each.file))} time="{each.seconds:.3f}"'
    )
    if each.passed:
        return f"{head}/>\n"
    text = "\n".join(each.faults)
    message = quoteattr(_plain(text.partition("\n")[0]))
    words = escape(_plain(text))
    return f'{head}><failure type="expectation" message={message}>{words}</failure></testcase>\n'


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
