"""What waits to be told after a decision?"""

from dataclasses import replace

from remediation.ledger.record import WorkloadRecord
from remediation.ledger.told import Channel, Message, MessageKind


def told(record: WorkloadRecord) -> list[tuple[str, str, str]]:
    """What waits to be told: channel, kind and incident, in order."""
    return [(str(m.channel), str(m.kind), m.incident) for m in record.outbox]


def details(message: Message) -> dict[str, str]:
    """The details of a message, and its title."""
    return {"title": message.title, **dict(message.facts)}


def page(record: WorkloadRecord, incident: str | None = None) -> dict[str, str]:
    """The details of the page that waits, of that incident if one is named."""
    return _waiting(record, Channel.PAGE, incident)


def card(record: WorkloadRecord, incident: str | None = None) -> dict[str, str]:
    """The same of what the team is told."""
    return _waiting(record, Channel.NOTIFY, incident)


def _waiting(record: WorkloadRecord, channel: Channel, incident: str | None) -> dict[str, str]:
    triggers = [m for m in record.outbox if (m.channel, m.kind) == (channel, MessageKind.TRIGGER)]
    (message,) = (m for m in triggers if incident in (None, m.incident))
    return details(message)


def delivered(record: WorkloadRecord) -> WorkloadRecord:
    """The same record, with everything told."""
    return replace(record, outbox=())


def happened(record: WorkloadRecord) -> str:
    """What the journal says of the last decision."""
    return "\n".join(record.journal[-1].events)
