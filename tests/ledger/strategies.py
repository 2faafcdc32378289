"""Which records are there? All of them, as far as their types allow; and what may be left of their bytes?"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, fields, replace
from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import strategies as st

from remediation.ledger.intent import Intent, Lease, LeverKind, Verb
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
        took=draw(
            st.dictionaries(
                st.tuples(st.sampled_from(Verb), st.sampled_from(LeverKind)),
                st.lists(st.integers(0), max_size=3).map(tuple),
            )
        ),
    )


_SCRAPS = (
    b"",
    b"\x00",
    b"\xff",
    b'"',
    b"\\",
    b"{",
    b"]",
    b"null",
    b"-1",
    b"9" * 30,
    b"1e999",
    b"NaN",
    b'"\\ud800"',
)
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    10**30,
    float("inf"),
    "",
    "x" * 99,
    "\x00",
    [],
    {},
    [[]],
    {"": 0},
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """These bytes with some of them lost, doubled, or swapped for others of them or for what is no JSON."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.sampled_from([0, 1, 1, 2, 9, 60, len(data)]))
        other = draw(st.integers(0, len(data)))
        scraps = st.sampled_from([*_SCRAPS, data[other : other + 1], data[other : other + 60]])
        data = data[:start] + draw(scraps | st.binary(max_size=3)) + data[end:]
    return data


@st.composite
def mistaken(draw: st.DrawFn, data: bytes) -> bytes:
    """The same JSON as a person might leave it: here and there something else stands, or nothing."""
    value = json.loads(data)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(value))
        container, key = draw(st.sampled_from(places))
        if draw(st.booleans()) and isinstance(container, dict):
            del container[key]
            continue
        elsewhere, there = draw(st.sampled_from(places))
        # Copied, so that nothing comes to lie within itself.
        copies = [json.dumps(each) for each in (*_ODD, elsewhere[there])]
        container[key] = json.loads(draw(st.sampled_from(copies)))
    return json.dumps(value).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value, with every key or index in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
