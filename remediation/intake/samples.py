"""Is this alert the fixed sample that "Test action group" sends?

A sample looks like a real Fired alert in everything but its names. It shows that
the way to us works; it must never cause an action.
"""

import re
from collections.abc import Iterable

from remediation.intake.loose import Table, lower_keys, table, text

WHY = "a test action, not a real alert"

RULE = "test-action"
"""The alert that a rule asks for. A sample's own name may be a real alert's: `test-latency`."""

_GROUP = "test-rg"
_RULE = re.compile(r"test[-_]", re.IGNORECASE)
_PLACEHOLDERS = ("11111111-1111-1111-1111-111111111111", "aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e")
_TRACKING = "test-ttt"


def is_sample(rule: str, ids: Iterable[str], groups: Iterable[str | None], context: Table) -> bool:
    """Whether any mark of a sample is there.

    Args:
        rule: name of the alert rule. By itself no mark: a team may well name a rule `test-latency`.
        ids: resource ids of the alert, in which a documented placeholder subscription is a mark.
        groups: their resource groups, in lower case.
        context: the alert context, whose properties may say so.
    """
    properties = lower_keys(table(context, "properties"))
    return (
        _GROUP in groups
        or (bool(_RULE.match(rule)) and any(f"/{place}" in id_ for id_ in ids for place in _PLACEHOLDERS))
        or str(properties.get("issynthetic")).lower() == "true"
        or text(properties, "trackingid").lower() == _TRACKING
    )
