"""Which records are there? All of them, as far as their types allow."""

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, replace
from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import strategies as st

from remediation.ledger.intent import Intent, Lease, Verb
from remediation.ledger.orders import Approval, HoldSwitch, Silence
from remediation.ledger.record import DrainMade, HeldStep, JournalEntry, WorkloadRecord
from remediation.ledger.stamp import Drain, Moved, Refusal, Seen, StampRecord
from remediation.ledger.told import Incident, Message
from remediation.ports import DeadLetter
from rules.evaluate import Asked, Waiting
from rules.findings import Finding
from rules.queue import Backlog, PartitionState, QueueState
from rules.signals import Signal

moments = st.datetimes(timezones=st.just(UTC))

# Every datetime of the worker is aware and in UTC: the door sees to it.
st.register_type_strategy(datetime, moments)

_BUILT: tuple[type[Any], ...] = (
    Signal,
    Finding,
    Lease,
    Intent,
    Drain,
    Seen,
    StampRecord,
    Incident,
    Message,
    HeldStep,
    JournalEntry,
    HoldSwitch,
    DrainMade,
    DeadLetter,
    Moved,
    Refusal,
    Silence,
    Approval,
    PartitionState,
    Backlog,
    QueueState,
)


def _all_fields(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Things with any value in every field, defaults or not."""
    given: Iterable[Field[Any]] = fields(kind)
    return st.builds(kind, **{field.name: ... for field in given})


def _dictionaries(asked: Any) -> st.SearchStrategy[Mapping[Any, Any]]:
    """Mappings as the worker makes them: dictionaries, not whatever else may be one."""
    key, value = get_args(asked)
    return st.dictionaries(st.from_type(key), st.from_type(value), max_size=3)


st.register_type_strategy(Mapping, _dictionaries)
for _kind in _BUILT:
    st.register_type_strategy(_kind, _all_fields(_kind))


def _some(kind: type[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.from_type(kind), max_size=3)


@st.composite
def records(draw: st.DrawFn) -> WorkloadRecord:
    """Records: each thing lies under the key that it says itself."""
    workload = draw(st.text(max_size=8))
    signals = [
        replace(signal, subject=signal.subject._replace(workload=workload)) for signal in draw(_some(Signal))
    ]
    since: Mapping[Waiting, datetime] = draw(st.dictionaries(st.from_type(Waiting), moments, max_size=3))
    return WorkloadRecord(
        workload=workload,
        revision=draw(st.integers(0)),
        registers={signal.key: signal for signal in signals},
        since=since,
        findings={Asked(finding.rule, finding.stamp): finding for finding in draw(_some(Finding))},
        incidents={incident.key: incident for incident in draw(_some(Incident))},
        stamps=draw(st.dictionaries(st.text(), st.from_type(StampRecord), max_size=3)),
        intents={intent.id: intent for intent in draw(_some(Intent))},
        drains=tuple(draw(_some(DrainMade))),
        held=tuple(draw(_some(HeldStep))),
        outbox=tuple(draw(_some(Message))),
        journal=tuple(draw(_some(JournalEntry))),
        hold=draw(st.none() | st.from_type(HoldSwitch)),
        silences=tuple(draw(_some(Silence))),
        approvals=tuple(draw(_some(Approval))),
        took=draw(st.dictionaries(st.sampled_from(Verb), st.lists(st.integers(0), max_size=3).map(tuple))),
    )
