"""Does a record survive being stored, today and in the next version of the worker?"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediation.ledger.codec import (
    MAX_RECORD_BYTES,
    VERSION,
    UnreadableRecordError,
    UnstorableRecordError,
    decode,
    decode_entry,
    encode,
    encode_entry,
)
from remediation.ledger.letters import decode_letter, encode_letter
from remediation.ledger.record import JournalEntry, WorkloadRecord
from remediation.ports import DeadLetter
from tests.builders import a_record, a_signal, at, registers
from tests.ledger.full import a_rich_record
from tests.ledger.golden import WRITE_ID, golden, golden_record, meaning, spelled_out
from tests.ledger.strategies import damaged, mistaken, records

RICH = encode(a_rich_record(), "w")
ENTRY = encode_entry(a_rich_record().journal[0])
LETTER = encode_letter(DeadLetter("l1", at(0), "hub", "not-json", "it ends too early", b"{\xff", 2))

some_examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@some_examples
@given(records(), st.text(max_size=40))
def test_every_record_survives(record: WorkloadRecord, write_id: str) -> None:
    """Any record comes back equal, with its write id, and in the same order."""
    back, stored_by = decode(encode(record, write_id))
    assert (back, stored_by) == (record, write_id)
    assert [list(mapping) for mapping in _mappings(back)] == [list(mapping) for mapping in _mappings(record)]


@pytest.mark.slow
@some_examples
@given(records())
def test_p16_the_same_record_gives_the_same_bytes(record: WorkloadRecord) -> None:
    """A record and the one read back from its bytes give the same bytes."""
    data = encode(record, "w")
    assert encode(decode(data)[0], "w") == data


@some_examples
@given(st.from_type(JournalEntry))
def test_every_journal_entry_survives(entry: JournalEntry) -> None:
    """Any journal entry comes back equal, and takes one line."""
    data = encode_entry(entry)
    assert decode_entry(data) == entry
    assert b"\n" not in data


@some_examples
@given(st.from_type(DeadLetter))
def test_every_dead_letter_survives(letter: DeadLetter) -> None:
    """Any dead letter comes back equal, whatever bytes it holds."""
    assert decode_letter(encode_letter(letter)) == letter


def test_the_stored_form_is_the_golden_one() -> None:
    """Today's bytes of a record with something in every field are those in the golden file."""
    assert encode(golden_record(), WRITE_ID) == golden(VERSION).read_bytes()


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_every_golden_file_means_what_it_meant(version: int) -> None:
    """What any version of the worker stored is read today, and what it left out has its old meaning."""
    record, write_id = decode(golden(version).read_bytes())
    assert (record, write_id) == (golden_record(), WRITE_ID)
    assert json.loads(spelled_out(record)) == json.loads(meaning(version).read_text())


def test_the_golden_record_says_something_everywhere() -> None:
    """No field of anything is left at its default throughout, so the golden files miss nothing."""
    said: dict[type[Any], set[str]] = defaultdict(set)
    for thing in _things(golden_record()):
        said[type(thing)] |= {
            field.name for field in fields(thing) if getattr(thing, field.name) != _default(field)
        }
    silent = {
        f"{kind.__name__}.{field.name}"
        for kind, names in said.items()
        for field in fields(kind)
        if field.name not in names
    }
    assert silent == set()


def test_an_older_record_is_upgraded_step_by_step() -> None:
    """A record of two versions ago passes through both upgrades, in order."""
    old = encode(a_record(), "w").replace(b'"version":1', b'"version":-1').replace(b'"revision"', b'"count"')

    def renamed(envelope: dict[str, Any]) -> dict[str, Any]:
        record = envelope["record"]
        return {**envelope, "record": {"workload": record["workload"], "number": record["count"]}}

    def renamed_again(envelope: dict[str, Any]) -> dict[str, Any]:
        record = envelope["record"]
        return {**envelope, "record": {"workload": record["workload"], "revision": record["number"]}}

    assert decode(old, {-1: renamed, 0: renamed_again}) == (a_record(), "w")


def test_a_record_too_old_to_upgrade_is_refused() -> None:
    """A version from which no upgrade leads on is an error that says so."""
    old = encode(a_record(), "w").replace(b'"version":1', b'"version":0')
    with pytest.raises(UnreadableRecordError, match="version 0"):
        decode(old)


def test_a_field_of_a_newer_worker_is_refused() -> None:
    """A field this worker does not know is not dropped in silence, wherever it stands."""
    data = encode(a_rich_record(), "w")
    for known in (b'"revision":1', b'"attempts":2', b'"opened_at"', b'"lever":"out"', b'"severity":"error"'):
        assert known in data
        with pytest.raises(UnreadableRecordError):
            decode(data.replace(known, b'"news":7,' + known, 1))


def test_white_space_does_not_matter() -> None:
    """A record that a person has laid out with care in an editor is read like any other."""
    laid_out = json.dumps(json.loads(encode(a_rich_record(), "w")), indent=2).encode()
    assert decode(laid_out) == (a_rich_record(), "w")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"version":[1]}',
        b'{"version":1}',
        b'{"version":1,"write_id":"w","record":{"workload":"shop"}}',
        encode(a_rich_record(), "w").replace(b'"sources":["/health-models/shop",', b'"sources":['),
        b"\x00" * 100,
        b"[" * 100_000,
    ],
)
def test_damaged_bytes_are_named(data: bytes) -> None:
    """Whatever is wrong with the bytes is one kind of error, which says that they are damaged."""
    with pytest.raises(UnreadableRecordError, match="damaged record"):
        decode(data)


def test_no_part_of_a_record_is_a_record() -> None:
    """A record that was cut off anywhere is damaged; so is one with anything behind its end."""
    for end in range(len(RICH)):
        with pytest.raises(UnreadableRecordError, match="damaged record"):
            decode(RICH[:end])
    with pytest.raises(UnreadableRecordError, match="damaged record"):
        decode(RICH + b"}")


def test_no_part_of_an_entry_or_a_letter_is_one() -> None:
    """One that was cut off anywhere is damaged."""
    for whole, read in ((ENTRY, decode_entry), (LETTER, decode_letter)):
        for end in range(len(whole)):
            with pytest.raises(UnreadableRecordError):
                read(whole[:end])


@pytest.mark.slow
@settings(max_examples=500)
@given(damaged(RICH) | mistaken(RICH))
def test_whatever_becomes_of_the_bytes_is_a_stated_error_or_a_whole_record(data: bytes) -> None:
    """Nothing else is ever raised, and what is still read can be stored and read again."""
    with suppress(UnreadableRecordError):
        record, write_id = decode(data)
        assert decode(encode(record, write_id)) == (record, write_id)


@given(damaged(ENTRY) | mistaken(ENTRY), damaged(LETTER) | mistaken(LETTER))
def test_a_damaged_entry_or_letter_is_a_stated_error_or_a_whole_one(entry: bytes, letter: bytes) -> None:
    """As it is with records."""
    with suppress(UnreadableRecordError):
        assert decode_entry(encode_entry(decode_entry(entry))) == decode_entry(entry)
    with suppress(UnreadableRecordError):
        assert decode_letter(encode_letter(decode_letter(letter))) == decode_letter(letter)


def test_a_signal_of_another_workload_is_not_stored() -> None:
    """A register that belongs to another workload would come back as ours: it is refused."""
    with pytest.raises(UnstorableRecordError, match="other"):
        encode(a_record(registers=registers([a_signal(workload="other")])), "w")


def test_p19_two_thousand_nodes_fit() -> None:
    """2,000 nodes with long names, long ids and a word of why each fit into the limit."""
    signals = [
        a_signal(
            stamp=f"westeurope-{place // 40:02d}",
            node=f"CatalogService{place % 40:02d}",
            id=f"/health-models/shop 8a203044-2c0c-44df-a99b-{place:012d}",
            observed_at=at(place / 7),
            order=10_000_000 + place,
            reasons=("response time 1,234 ms above 1,000 ms for 5 m",),
        )
        for place in range(2000)
    ]
    data = encode(a_record(registers=registers(signals)), "w")
    assert len(signals) == len(decode(data)[0].registers)
    assert len(data) < 0.85 * MAX_RECORD_BYTES


def _mappings(record: WorkloadRecord) -> list[Mapping[Any, Any]]:
    return [value for field in fields(record) if isinstance(value := getattr(record, field.name), Mapping)]


def _things(value: object) -> Iterator[Any]:
    """Every dataclass instance in a value, at any depth."""
    if is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _things(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _things(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _things(part)


def _default(field: Any) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default
