"""What does a rehearsal mean when a test does not say?"""

from pathlib import Path
from typing import Any

from rehearsal.run import Run, rehearse
from rehearsal.scenario.load import Scenario, read_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def a_scenario(text: str, **named: Any) -> Scenario:
    """A scenario of a YAML text, with a name and an expectation where it has none."""
    given = {"name": "a test", "run": "10m", **named}
    head = "".join(f"{key}: {value}\n" for key, value in given.items() if f"\n{key}:" not in f"\n{text}")
    tail = "" if "expect:" in text else "\nexpect: [journal complete]\n"
    return read_scenario(head + text + tail, "test.yaml", SCENARIOS)


def a_run(text: str, **named: Any) -> Run:
    """Its run."""
    return rehearse(a_scenario(text, **named))


def failing(run: Run) -> list[str]:
    """The expectations that do not hold."""
    return [each.text for each in run.judged if not each.holds]
