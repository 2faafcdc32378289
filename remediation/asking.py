"""What do the sources say that tell nobody by themselves, and what never arrived?

Azure has no event for a changed health state, and a webhook loses alerts. So some
sources are asked at every tick, and what they say goes the way of every other fact.
"""

from collections.abc import Iterable

from remediation.decide.plan import Arrival
from remediation.intake.read import read
from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from remediation.observe import Tally, log
from remediation.ports import Clock, Ledger
from remediation.probes.fired_alerts import RECOVERED, missed
from remediation.probes.rounds import Rounds
from rules.health import BAD_NEWS, Registers, last_word
from rules.signals import Health, Signal


class Asking:
    """Asks what is due, and keeps what is news."""

    def __init__(self, rounds: Rounds, ledger: Ledger, clock: Clock, tally: Tally) -> None:
        self._rounds = rounds
        self._ledger = ledger
        self._clock = clock
        self._tally = tally

    async def news(self, workload: str, known: Known) -> list[Arrival]:
        """What the sources of a workload say that its record does not hold yet.

        Raises:
            LedgerUnavailableError, UnreadableRecordError: what is news cannot be known.
        """
        asked = await self._rounds.due(workload)
        if not asked.signals and not asked.bodies:
            return []
        registers = (await self._ledger.load(workload)).record.registers
        recovered = missed(self._read(workload, asked.bodies, known), registers)
        self._tally.add(RECOVERED, len(recovered))
        if recovered:
            log.warning("alerts that never arrived", workload=workload, count=len(recovered))
        told = [signal for signal in asked.signals if _is_news(signal, registers)]
        now = self._clock.now()
        return [Arrival(signal, now) for signal in (*told, *recovered)]

    def _read(self, workload: str, bodies: Iterable[bytes], known: Known) -> list[Signal]:
        """The signals of listed alerts. A subscription has others' too: those are no dead letters of ours."""
        signals: list[Signal] = []
        for body in bodies:
            try:
                signals += read(body, known).signals
            except Rejection as why:
                self._tally.add(f"listed.{why.code}")
        return [signal for signal in signals if signal.subject.workload == workload]


def _is_news(signal: Signal, registers: Registers) -> bool:
    """Who cannot see takes nothing back: the last red word of a source stands until it sees again."""
    heard = last_word(registers, signal.key)
    if heard is None:
        return True
    blind = signal.health is Health.UNKNOWN and heard.health in BAD_NEWS
    return heard.id != signal.id and not blind
