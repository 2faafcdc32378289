"""Which bodies are orders, and what do the others get to hear?"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from remediation.decide.orders import (
    ApproveOrder,
    DrainOrder,
    EndSilenceOrder,
    HoldOrder,
    Order,
    RejoinOrder,
    ReleaseOrder,
    SilenceOrder,
)
from remediation.intake.order import KINDS, read_order
from remediation.intake.rejection import Code, Rejection
from tests.builders import NOW, at

SAID = {"workload": "shop", "author": "ada", "reason": "drill"}


def body(**changes: Any) -> bytes:
    """An order's body."""
    return json.dumps(SAID | changes).encode()


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({"order": "hold"}, HoldOrder("ada", "drill")),
        ({"order": "hold", "for": "2h"}, HoldOrder("ada", "drill", at(7200))),
        ({"order": "release"}, ReleaseOrder("ada", "drill")),
        ({"order": "silence", "for": "1h 30m"}, SilenceOrder("ada", "drill", at(5400))),
        (
            {"order": "silence", "until": "2026-11-21T06:00:00+02:00", "stamp": "weu", "family": "dns-*"},
            SilenceOrder("ada", "drill", datetime(2026, 11, 21, 4, tzinfo=UTC), "weu", "dns-*"),
        ),
        ({"order": "end-silence", "silence": "s1"}, EndSilenceOrder("ada", "s1", "drill")),
        ({"order": "drain", "stamp": "weu"}, DrainOrder("ada", "drill", "weu")),
        ({"order": "rejoin", "stamp": "weu"}, RejoinOrder("ada", "drill", "weu")),
        (
            {"order": "rejoin", "stamp": "weu", "unproven": True},
            RejoinOrder("ada", "drill", "weu", unproven=True),
        ),
        ({"order": "approve", "approval": "0123456789"}, ApproveOrder("ada", "0123456789", "drill")),
    ],
)
def test_each_kind_of_order_is_read(given: dict[str, Any], order: Order) -> None:
    """Times in UTC; a byte-order mark is passed over, as in every body."""
    assert read_order(body(**given), NOW) == ("shop", order)
    assert read_order(b"\xef\xbb\xbf" + body(**given), NOW) == ("shop", order)


def test_every_kind_is_named_to_whoever_gives_an_unknown_one() -> None:
    """And to whoever gives none."""
    for given in (body(order="dran", stamp="weu"), body()):
        with pytest.raises(Rejection, match=r"order: one of hold, .*, approve was expected"):
            read_order(given, NOW)
    for kind in KINDS:
        with pytest.raises(Rejection) as why:
            read_order(json.dumps({"order": kind}).encode(), NOW)
        assert why.value.reason == "workload: Field required"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"order": "drain"}, "stamp: Field required"),
        ({"order": "drain", "stamp": None}, "stamp: Input should be a valid string"),
        ({"order": "drain", "stamp": "weu", "force": True}, "force: Extra inputs are not permitted"),
        ({"order": "rejoin", "stamp": "weu", "unproven": "yes"}, "unproven: Input should be a valid boolean"),
        ({"order": "hold", "author": 7}, "author: Input should be a valid string"),
        ({"order": "hold", "for": "2 hours"}, "for: expected a duration such as 45s, 3m or 1h 30m"),
        ({"order": "hold", "for": 7200}, "for: expected a duration such as 45s, 3m or 1h 30m"),
        ({"order": "hold", "until": "2026-11-21T04:00:00"}, "until: Input should have timezone info"),
        ({"order": "hold", "until": "soon"}, "until: Input should be a valid datetime"),
        ({"order": "silence"}, "order: a silence ends: `until` or `for` was expected"),
        (
            {"order": "silence", "for": "1h", "until": "2026-11-21T04:00:00Z"},
            "order: either `until` or `for` was expected, not both",
        ),
    ],
)
def test_an_order_is_read_strictly(given: dict[str, Any], reason: str) -> None:
    """What is not understood to the last key is not done; the sentence says where."""
    with pytest.raises(Rejection) as why:
        read_order(body(**given), NOW)
    assert why.value.code is Code.WRONG_SHAPE
    assert why.value.reason.startswith(reason)


@pytest.mark.parametrize(
    "given",
    [b"", b"[]", b'"x"', b"\xff", b'{"order": "hold", "order": "release"}', b'{"a": "' + b"x" * 300_000],
)
def test_what_is_no_order_is_refused(given: bytes) -> None:
    """With the same bounds as every other body."""
    with pytest.raises(Rejection):
        read_order(given, NOW)


def test_the_answer_repeats_no_value() -> None:
    """It may be a key that was pasted into the wrong field."""
    with pytest.raises(Rejection) as why:
        read_order(body(order="hold", until="hunter2"), NOW)
    assert "hunter2" not in why.value.reason
