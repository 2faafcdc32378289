"""How is the team told, without waking anyone?

By an Adaptive Card posted to a Teams channel through a Workflows webhook. A
202 means that the flow has started, not that the card was posted: its size is
checked only later, inside the flow. So cards are kept small, and Teams never
carries a page. The webhook's URL holds its signature: it is a secret.
"""

from remediation.act.answer import outcome_of
from remediation.act.card import card_body
from remediation.act.http import Door
from remediation.act.secret import ReadSecret, refused_for_missing
from remediation.ledger.intent import Outcome
from remediation.ledger.told import Message
from remediation.ports import Teller
from rules.topology import Workload

_ATTEMPTS = 3


class TeamsTeller:
    """Posts cards to Teams, or tells through `otherwise` where a workload has no Teams channel."""

    def __init__(
        self, door: Door, read_secret: ReadSecret, otherwise: Teller, *, timeout_seconds: float = 5.0
    ) -> None:
        self._door = door
        self._read_secret = read_secret
        self._otherwise = otherwise
        self._timeout_seconds = timeout_seconds

    async def tell(self, workload: Workload, message: Message) -> Outcome:
        """Post one card. It cannot be posted idempotently: what may have arrived is left to the outbox."""
        channel = workload.channels.teams
        if channel is None:
            return await self._otherwise.tell(workload, message)
        url = self._read_secret(channel.url)
        if url is None:
            return refused_for_missing(channel.url)
        answer = await self._door.post_json(
            url,
            card_body(message),
            timeout_seconds=self._timeout_seconds,
            attempts=_ATTEMPTS,
        )
        return outcome_of(answer, answer.said([url]))
