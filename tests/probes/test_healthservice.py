"""Is what a HealthService says read as it is meant?"""

import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.act.http import Door
from remediation.decide.looks import HealthLook
from remediation.probes.healthservice import HttpHealthServices, read_checks
from tests.act.far_side import Answer, FarSide, StillClock, breaks_off, hangs, hangs_up, says, says_json
from tests.builders import NOW, a_stamp

WELL = b'{"component":"A","status":"Healthy"}'
ILL = b'{"component":"A","status":"Unhealthy"}'


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A door, closed afterwards."""
    door = Door(StillClock())
    yield door
    await door.close()


def services(
    door: Door, front_door_id: str | None = None, timeout_seconds: float = 3.0
) -> HttpHealthServices:
    """The probe, behind a Front Door of that id."""
    return HttpHealthServices(
        door.get, StillClock(), lambda _stamp: front_door_id, timeout_seconds=timeout_seconds
    )


def a_report(**checks: str) -> Any:
    """The body of a HealthService, as the reference implementation writes it."""
    entries = [
        {"component": name, "status": status, "duration": "00:00:00.0123"} for name, status in checks.items()
    ]
    return {"lastExecution": "2026-11-21T03:00:00", "checks": entries}


async def look_at(door: Door, answer: Answer, timeout_seconds: float = 3.0) -> HealthLook:
    """What the probe makes of that answer."""
    async with FarSide(answer) as far:
        stamp = a_stamp(health_service=f"{far.url}/health/stamp")
        return await services(door, timeout_seconds=timeout_seconds).look(stamp)


def a_look(status: int | None = 503, reason: str = "", **checks: bool) -> HealthLook:
    """A look at the stamp `weu`."""
    return HealthLook("weu", NOW, status, checks, reason)


async def test_a_healthy_stamp_serves(door: Door) -> None:
    """A 200 with its checks is read whole."""
    look = await look_at(door, says_json(200, a_report(BlobStorage="Healthy", Database="Healthy")))
    assert look == a_look(200, BlobStorage=True, Database=True)
    assert look.serves


async def test_an_unhealthy_stamp_names_its_checks(door: Door) -> None:
    """A 503 with its checks is an answer."""
    look = await look_at(door, says_json(503, a_report(BlobStorage="Unhealthy", Database="Degraded")))
    assert look == a_look(503, BlobStorage=False, Database=False)


async def test_the_probe_names_its_front_door(door: Door) -> None:
    """The ingress lets in only what carries the workload's Front Door ID; without one there is no header."""
    async with FarSide(says(200)) as far:
        stamp = a_stamp(health_service=f"{far.url}/health/stamp")
        await services(door, "11111111-2222").look(stamp)
        await services(door).look(stamp)
    assert far.received[0].headers["X-Azure-FDID"] == "11111111-2222"
    assert "X-Azure-FDID" not in far.received[1].headers
    assert [request.method for request in far.received] == ["GET", "GET"]


async def test_a_redirect_is_no_health(door: Door) -> None:
    """Front Door follows none, and only 200 serves."""
    look = await look_at(door, says(302, headers={"Location": "/health/liveness"}))
    assert look.status == 302
    assert not look.serves


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(hangs(), "timed out"), (hangs_up(), "connection lost before the answer")],
)
async def test_no_answer_is_an_answer(door: Door, answer: Answer, reason: str) -> None:
    """A HealthService that is silent is looked at without an error."""
    look = await look_at(door, answer, timeout_seconds=0.3)
    assert (look.status, look.reason, dict(look.checks)) == (None, reason, {})


async def test_a_dead_stamp_refuses(door: Door) -> None:
    """Nobody listens: no status, and the reason says so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    look = await services(door).look(a_stamp(health_service=f"http://127.0.0.1:{port}/"))
    assert (look.status, look.reason) == (None, "connection refused")


async def test_tls_and_names_fail_by_their_names(door: Door) -> None:
    """The reason tells a certificate from a DNS fault."""
    async with FarSide() as far:
        tls = await services(door).look(a_stamp(health_service=f"https://127.0.0.1:{far.port}/"))
    name = await services(door).look(a_stamp(health_service="http://nobody.invalid/"))
    assert (tls.reason, name.reason) == ("TLS failed", "host name not resolved")


@pytest.mark.parametrize("answer", [breaks_off(503, b'{"checks":['), says(503, b"x" * 100_000)])
async def test_a_torn_body_leaves_the_status(door: Door, answer: Answer) -> None:
    """The status stands, the checks are unread, and the reason says why."""
    look = await look_at(door, answer)
    assert (look.status, dict(look.checks), look.reason) == (503, {}, "the body is too long or broke off")


@pytest.mark.parametrize(
    ("body", "checks"),
    [
        (b'{"Checks":[{"Component":"A","Status":"healthy","Extra":1}]}', {"A": True}),
        (
            b'{"checks":[{"component":"A","status":"Healthy"},{"component":"A","status":"Unhealthy"}]}',
            {"A": False},
        ),
        (
            b'{"checks":[{"component":"A","status":"Unhealthy"},{"component":"A","status":"Healthy"}]}',
            {"A": False},
        ),
        (b'{"checks":[{"component":"A"}]}', {"A": False}),
        (b'{"checks":[{"status":"Healthy"}]}', {"unnamed check": True}),
        (
            b'{"checks":["A", null, {"component":"B","status":"Healthy"}]}',
            {"unnamed check": False, "B": True},
        ),
        (b'{"checks":[{"component":"A","status":true}]}', {"A": False}),
        (b'{"checks":null}', {}),
        (b'{"checks":[]}', {}),
        (b"[]", {}),
        (b"", {}),
        (b"<html>", {}),
        (b"\xff\xfe", {}),
        (b"[" * 60_000, {}),
        (b'{"checks":' + b"9" * 60_000 + b"}", {}),
    ],
)
def test_a_body_is_read_with_tolerance_and_without_trust(body: bytes, checks: dict[str, bool]) -> None:
    """Case and extra fields do not matter; what is missing or odd is not healthy."""
    assert read_checks(body) == checks


@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["checks", "Component", "status", "x"]), inner, max_size=3)
        ),
    ).map(lambda document: json.dumps(document).encode())
)
def test_no_body_is_an_error(body: bytes) -> None:
    """Reading never raises."""
    read_checks(body)
