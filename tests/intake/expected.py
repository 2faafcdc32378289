"""What does a body of the corpus give, in the form in which it is written beside it?

`python -m tests.intake.expected NAME...` writes the expectations of these bodies
from what the code gives now; without names it does so for those that have none.
Read every one of them before you keep it: it is the reader that says what is right.
"""

import json
import sys
from pathlib import Path
from typing import Any

from remediation.intake.read import read
from remediation.intake.rejection import Rejection
from rules.signals import Signal
from tests.intake.bodies import BODIES, CORPUS, KNOWN


def expectation(body: Path) -> dict[str, Any]:
    """The family and signals of a body, or the code it is rejected with; codes of items that are."""
    try:
        reading = read(body.read_bytes(), KNOWN)
    except Rejection as rejection:
        return {"code": str(rejection.code)}
    found: dict[str, Any] = {"family": reading.family, "signals": [shown(each) for each in reading.signals]}
    if reading.rejected:
        found["rejected"] = [str(item.code) for item in reading.rejected]
    return found


def shown(signal: Signal) -> dict[str, Any]:
    """A signal as the expectations write it; digests are left out, other tests are about them."""
    return {
        **({"id": signal.id} if signal.health else {}),
        "workload": signal.subject.workload,
        "stamp": signal.subject.stamp,
        "node": signal.subject.node,
        "source": signal.source,
        "observed_at": signal.observed_at.isoformat(),
        "order": signal.order,
        "health": signal.health,
        "condition": signal.condition,
        "alert": signal.alert,
        "severity": signal.severity,
        "reasons": list(signal.reasons),
        "may_act": signal.may_act,
        "why": signal.why,
        "placed_by": signal.placed_by,
    }


def write(names: list[str]) -> None:
    """Write the expectations of these bodies, or of all that have none."""
    chosen = [CORPUS / f"{name}.json" for name in names] or [
        body for body in BODIES if not body.with_suffix(".expected.json").exists()
    ]
    for body in chosen:
        body.with_suffix(".expected.json").write_text(json.dumps(expectation(body), indent=2) + "\n")
        sys.stdout.write(f"{body.stem}\n")


if __name__ == "__main__":
    write(sys.argv[1:])
