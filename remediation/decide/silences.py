"""Which silence covers an incident now, and which one has lately ended?

A silence mutes telling and nothing else: the worker goes on deciding and
acting. Three things are told all the same, and they stand here together:

- what the worker could not do: a step of its own that is stuck or refused
  wakes someone through any silence, for nobody else knows of it;
- what the worker still holds out: the question about a stamp that it drained
  half a day ago (P14);
- the end of what was told: whoever was woken is told when it is over (P8).

A fault that reaches further than one stamp is another subject. The silence of
a stamp never covers it; one of the whole workload does, as whoever made it was
shown.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from remediation.ledger.orders import Silence
from remediation.ledger.told import Incident

REMEMBERED_FOR = timedelta(hours=24)
"""An ended silence is kept so long, for whoever is told at its end wants to know whose it was."""


def covers(silence: Silence, stamp: str | None, family: str) -> bool:
    """Whether it is about that stamp (None: the workload as a whole) and that family."""
    # Only `*` is special in a pattern, as in rule files.
    pattern = re.sub(r"([\[?])", r"[\1]", silence.family)
    return silence.stamp in (None, stamp) and fnmatchcase(family, pattern)


def silence_on(silences: Iterable[Silence], incident: Incident, now: datetime) -> Silence | None:
    """The silence that covers the incident now; of several, the one that lasts longest."""
    standing = [
        silence
        for silence in silences
        if silence.since <= now < silence.until and covers(silence, incident.stamp, incident.family)
    ]
    return max(standing, key=lambda silence: (silence.until, silence.id), default=None)


def silence_before(silences: Iterable[Silence], incident: Incident, now: datetime) -> Silence | None:
    """The last silence of the incident that has ended; None where nobody remembers one."""
    ended = [
        silence
        for silence in silences
        if silence.until <= now and covers(silence, incident.stamp, incident.family)
    ]
    return max(ended, key=lambda silence: (silence.until, silence.id), default=None)


def remembered(silences: tuple[Silence, ...], now: datetime) -> tuple[Silence, ...]:
    """The silences without those that ended a day ago."""
    return tuple(silence for silence in silences if now - silence.until < REMEMBERED_FOR)
