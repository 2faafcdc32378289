"""Would people hear of it?"""

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from cli.checks.frame import Check, NotWellError
from remediation.ledger.intent import OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from remediation.ports import Teller
from rules.signals import Severity
from rules.topology import SecretRef, Workload

ROUTING_KEY = re.compile(r"[0-9A-Za-z]{32}")

TITLE = "Test by `remediation doctor`: nothing is wrong"

_SET = "set it as an app setting, best as a Key Vault reference"

ReadSecret = Callable[[SecretRef], str | None]


def pager(workload: Workload, read: ReadSecret) -> Check:
    """Whether someone could be woken."""

    async def run() -> str:
        service = workload.channels.pagerduty
        if service is None:
            return "none is given: pages go to the log alone"
        key = read(service.routing_key)
        if key is None:
            raise NotWellError(f"{service.routing_key.name} is not set", _SET)
        if not ROUTING_KEY.fullmatch(key):
            why = f"{service.routing_key.name} holds no routing key"
            mend = "take the Integration Key of an Events API V2 integration: 32 letters and digits"
            raise NotWellError(why, mend)
        return "a routing key is set; `--tell` shows whether it is taken"

    return Check(f"{workload.name}: PagerDuty", run)


def teams(workload: Workload, read: ReadSecret) -> Check:
    """Whether the team could be told."""

    async def run() -> str:
        channel = workload.channels.teams
        if channel is None:
            return "none is given: notifications go to the log alone"
        url = read(channel.url)
        if url is None:
            raise NotWellError(f"{channel.url.name} is not set", _SET)
        if not is_url(url):
            why = f"{channel.url.name} holds no https URL"
            raise NotWellError(why, "take the URL of the Workflows webhook, whole, with its signature")
        return "a URL is set; `--tell` shows whether it is taken"

    return Check(f"{workload.name}: Teams", run)


def told(workload: Workload, teller: Teller, channel: Channel, now: datetime) -> Check:
    """Whether a test arrives. A page of it is resolved at once, so that nobody's night is long."""
    kinds = [MessageKind.TRIGGER, MessageKind.RESOLVE] if channel is Channel.PAGE else [MessageKind.TRIGGER]

    async def run() -> str:
        for kind in kinds:
            outcome = await teller.tell(workload, _test(workload, channel, kind, now))
            if outcome.kind is not OutcomeKind.APPLIED:
                mend = "check the key or the URL, and the way to it from here"
                raise NotWellError(f"{kind}: {outcome.kind}: {outcome.reason}", mend)
        return "taken; see that it arrives"

    return Check(f"{workload.name}: test {channel}", run)


def _test(workload: Workload, channel: Channel, kind: MessageKind, now: datetime) -> Message:
    incident = f"{workload.name}/global/doctor"
    return Message(
        id=f"{incident}@{now.isoformat()}:{channel}:{kind}",
        channel=channel,
        kind=kind,
        incident=incident,
        severity=Severity.INFO,
        title=TITLE,
        created_at=now,
        not_before=now,
        facts=(("Worker", "has been asked to see whether this channel works"),),
    )


def is_url(text: str) -> bool:
    """Whether it is an address that nobody on the way can read along, or one of this machine."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or local)
