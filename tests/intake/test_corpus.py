"""Do the bodies of the corpus, and the collected ones, say what they are known to say?"""

import json
from pathlib import Path
from typing import Any

import pytest

from remediation.intake.read import Reading, read
from remediation.intake.rejection import Code, Rejection
from tests.intake.bodies import BODIES, know, shop
from tests.intake.expected import expectation

PAYLOADS = Path(__file__).parents[2].parent / "shared" / "payloads"
COLLECTED = sorted(PAYLOADS.glob("*.json"))
STRANGE = ("ctx_", "rest_", "legacy_log_custom_json")
"""Contexts without their alert, answers of APIs, and what somebody made up: no family has these shapes."""

FULLY_READ = {"Platform", "Log Alerts V2"}
EVERY_GROUP = ("test-rg", "pipelinealertrg", "ai-engineering")

needs_payloads = pytest.mark.skipif(not COLLECTED, reason="the collected payloads are not beside the project")


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_each_body_of_the_corpus_says_what_is_written_beside_it(body: Path) -> None:
    """A body of the corpus gives its family and signals, or the code it is rejected with."""
    assert expectation(body) == json.loads(body.with_suffix(".expected.json").read_text())


def essentials(path: Path) -> dict[str, Any]:
    """The essentials of a body, if it has any."""
    value = json.loads(path.read_text())
    found = value.get("data", {}).get("essentials", {})
    return dict(found)


def reading_or_code(path: Path) -> Reading | Code:
    """What becomes of a body when all resource groups are known."""
    try:
        return read(path.read_bytes(), know(shop(resource_groups=EVERY_GROUP)))
    except Rejection as rejection:
        return rejection.code


@needs_payloads
@pytest.mark.parametrize("path", COLLECTED, ids=lambda path: path.stem)
def test_every_collected_body_gives_a_reading_or_a_code(path: Path) -> None:
    """No real body breaks the reader; a common alert on resources of ours is always read."""
    found = reading_or_code(path)
    if essentials(path).get("monitoringService") in FULLY_READ:
        assert isinstance(found, Reading)
        assert found.signals
    elif essentials(path).get("monitoringService"):
        assert isinstance(found, Reading) or found is Code.NOT_OURS
    elif path.stem.startswith(STRANGE):
        assert found is Code.UNKNOWN_FAMILY
    else:
        assert isinstance(found, Reading) or found in (Code.NOT_OURS, Code.BAD_TIME)


@needs_payloads
@pytest.mark.parametrize(
    "path", [path for path in COLLECTED if path.name.startswith("testaction_")], ids=lambda path: path.stem
)
def test_what_the_test_button_sends_never_acts(path: Path) -> None:
    """Each sample of `Test action group` that is read may not act, and says why."""
    found = reading_or_code(path)
    if isinstance(found, Reading):
        assert {(signal.may_act, signal.why) for signal in found.signals} == {
            (False, "a test action, not a real alert")
        }
    else:
        assert found is Code.NOT_OURS


@needs_payloads
@pytest.mark.parametrize("name", ["common_metric_static_resolved_plain", "common_log_v2_acmerule"])
def test_a_real_alert_may_act(name: str) -> None:
    """A collected alert that is no sample may act."""
    found = reading_or_code(PAYLOADS / f"{name}.json")
    assert isinstance(found, Reading)
    assert all(signal.may_act for signal in found.signals)
