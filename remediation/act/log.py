"""Where is someone told who has configured no channel?

In the log: a page is never lost without a trace.
"""

import structlog

from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.ledger.told import Channel, Message, MessageKind
from rules.topology import Workload

_CHARACTERS = 1000


class LogTeller:
    """A channel to people that always works: one line in the log."""

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Write it: a page as an error, anything else as a warning."""
        log = structlog.get_logger(__name__)
        wakes = message.channel is Channel.PAGE and message.kind is MessageKind.TRIGGER
        (log.error if wakes else log.warning)(
            str(message.channel),
            workload=workload.name,
            incident=message.incident,
            message=message.id,
            kind=str(message.kind),
            severity=str(message.severity),
            title=_line(message.title),
            facts={_line(label): _line(text) for label, text in message.facts},
        )
        return Outcome(OutcomeKind.APPLIED, "written to the log: no channel is configured")


def _line(text: str) -> str:
    """One printable line: foreign text must not look like further lines of the log."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_CHARACTERS])
