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
    suites = "".join(_suite(file, found) for file, found in by_file.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="remediation" tests="{count}" failures="{failed}">\n{suites}</testsuites>\n'
    )


def _suite(file: str, found: list[Outcome]) -> str:
    failed = sum(not each.passed for each in found)
    seconds = sum(each.seconds for each in found)
    cases = "".join(map(_case, found))
    return (
        f'<testsuite name={quoteattr(file)} tests="{len(found)}" failures="{failed}" time="{seconds:.3f}">\n'
        f"{cases}</testsuite>\n"
    )


def _case(each: Outcome) -> str:
    name = f"{each.row}: {each.name}" if each.row else each.name
    head = (
        f"<testcase classname={quoteattr(PurePath(each.file).stem)} name={quoteattr(_plain(name))}"
        f' file={quoteattr(each.file)} time="{each.seconds:.3f}"'
    )
    if each.passed:
        return f"{head}/>\n"
    text = "\n".join(each.faults)
    message = quoteattr(_plain(text.partition("\n")[0]))
    return f"{head}><failure message={message}>{escape(_plain(text))}</failure></testcase>\n"


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
