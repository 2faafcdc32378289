"""Does every ledger keep what the port promises?"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from remediation.ledger.codec import (
    MAX_RECORD_BYTES,
    RecordTooLargeError,
    UnreadableRecordError,
    UnstorableRecordError,
    encode,
)
from remediation.ledger.intent import IllegalTransitionError, Intent, IntentState, Verb
from remediation.ledger.orders import HoldSwitch
from remediation.ledger.record import WorkloadRecord
from remediation.ports import ConflictError, Ledger
from tests.builders import (
    WORKLOAD,
    a_letter,
    a_record,
    a_signal,
    an_entry,
    an_intent,
    at,
    next_record,
    registers,
)
from tests.ledger.full import a_rich_record, acting
from tests.ledger.stores import AT_A_TIME, NewLedger, Store

MANY = 12 * AT_A_TIME
"""More decisions than a store reads, or lists, at a time."""


async def test_what_was_never_saved_is_blank(ledger: Ledger) -> None:
    """A workload nobody has written about has a blank record and no version."""
    stored = await ledger.load(WORKLOAD)
    assert stored.record == WorkloadRecord(WORKLOAD)
    assert stored.version is None


async def test_a_saved_record_comes_back_whole(ledger: Ledger, new_ledger: NewLedger) -> None:
    """The writer and every other worker load exactly what was saved, at the version save returned."""
    record = a_rich_record()
    version = await ledger.save(record, None)
    for reader in (ledger, new_ledger()):
        stored = await reader.load(WORKLOAD)
        assert stored.record == record
        assert stored.version == version


async def test_what_another_worker_saved_is_loaded(ledger: Ledger, new_ledger: NewLedger) -> None:
    """A record that one worker remembers is not mistaken for the one that another has written since."""
    version = await ledger.save(a_rich_record(), None)
    other = new_ledger()
    changed = acting((await other.load(WORKLOAD)).record)
    newer = await other.save(changed, version)
    stored = await ledger.load(WORKLOAD)
    assert stored.record == changed
    assert stored.version == newer != version


async def test_workloads_are_kept_apart(ledger: Ledger) -> None:
    """Each workload has its own record and its own version, whatever characters its name has."""
    names = ["shop", "shop/eu", "..", "käse & brot"]
    for name in names:
        await ledger.save(a_record(name), None)
    for name in names:
        assert (await ledger.load(name)).record.workload == name


async def test_a_stale_version_is_a_conflict(ledger: Ledger, new_ledger: NewLedger) -> None:
    """Whoever saves over a version that is not stored any more is refused, and nothing is written."""
    first = a_record()
    version = await ledger.save(first, None)
    second = next_record(first, drains=())
    newer = await new_ledger().save(second, version)
    for writer in (ledger, new_ledger()):
        with pytest.raises(ConflictError):
            await writer.save(next_record(first), version)
    assert (await ledger.load(WORKLOAD)).version == newer


async def test_the_second_creation_is_a_conflict(ledger: Ledger, new_ledger: NewLedger) -> None:
    """Of two workers that both saw no record, the second is refused."""
    version = await ledger.save(a_rich_record(), None)
    with pytest.raises(ConflictError):
        await new_ledger().save(a_record(), None)
    assert (await new_ledger().load(WORKLOAD)).version == version


async def test_a_version_of_nothing_is_refused(ledger: Ledger) -> None:
    """A record cannot be saved over one that is not there."""
    with pytest.raises(ConflictError):
        await ledger.save(a_record(revision=2), '"0x1"')
    assert (await ledger.load(WORKLOAD)).version is None


async def test_of_two_writers_exactly_one_wins(ledger: Ledger, new_ledger: NewLedger) -> None:
    """However often two workers write at once, one succeeds, one conflicts, and the winner's is stored."""
    workers = [ledger, new_ledger()]
    for revision in range(1, 31):
        stored = await ledger.load(WORKLOAD)
        drafts = [
            a_record(revision=revision, registers=registers([a_signal(node=name)])) for name in ("a", "b")
        ]
        results = await asyncio.gather(
            *(worker.save(draft, stored.version) for worker, draft in zip(workers, drafts, strict=True)),
            return_exceptions=True,
        )
        won = [place for place, result in enumerate(results) if isinstance(result, str)]
        assert len(won) == 1, results
        assert isinstance(results[1 - won[0]], ConflictError)
        now = await ledger.load(WORKLOAD)
        assert (now.record, now.version) == (drafts[won[0]], results[won[0]])


Change = Callable[[WorkloadRecord], WorkloadRecord]


def _with(*intents: Intent) -> Change:
    return lambda record: next_record(record, intents={intent.id: intent for intent in intents})


ILLEGAL: dict[str, Change] = {
    "it skips a revision": lambda record: replace(record, revision=3),
    "it repeats a revision": lambda record: record,
    "an intent begins as acting": _with(
        an_intent(), an_intent(id="2", verb=Verb.RESTART, state=IntentState.ACTING)
    ),
    "an intent jumps from planned to applied": _with(an_intent(state=IntentState.APPLIED)),
    "an intent is forgotten before its end": _with(),
    "two drains are in flight": _with(an_intent(), an_intent(id="2", stamp="neu")),
}


@pytest.mark.parametrize("change", ILLEGAL.values(), ids=ILLEGAL)
async def test_p1_p4_what_must_not_follow_is_refused(
    change: Change, ledger: Ledger, new_ledger: NewLedger
) -> None:
    """What must not follow the stored record is not written, whether or not the worker remembers it."""
    record = a_record(intents={an_intent().id: an_intent()})
    version = await ledger.save(record, None)
    for writer in (ledger, new_ledger()):
        with pytest.raises(IllegalTransitionError):
            await writer.save(change(record), version)
    stored = await new_ledger().load(WORKLOAD)
    assert (stored.record, stored.version) == (record, version)


async def test_an_ended_intent_stays_ended(ledger: Ledger) -> None:
    """No save takes up again what is over."""
    record = a_record(intents={an_intent().id: an_intent()})
    version = await ledger.save(record, None)
    over = _with(an_intent(state=IntentState.SUPERSEDED))(record)
    version = await ledger.save(over, version)
    with pytest.raises(IllegalTransitionError):
        await ledger.save(_with(an_intent())(over), version)


async def test_a_record_does_not_begin_in_the_middle(ledger: Ledger) -> None:
    """The first record of a workload has revision 1."""
    with pytest.raises(IllegalTransitionError):
        await ledger.save(a_record(revision=2), None)
    assert (await ledger.load(WORKLOAD)).version is None


async def test_p19_a_record_that_is_too_large_is_refused(ledger: Ledger) -> None:
    """A record beyond the limit is refused with its size, and the stored one can go on."""
    first = a_record()
    version = await ledger.save(first, None)
    large = next_record(first, registers=registers([a_signal(reasons=("x" * MAX_RECORD_BYTES,))]))
    with pytest.raises(RecordTooLargeError, match=r"takes \d+ bytes"):
        await ledger.save(large, version)
    assert (await ledger.load(WORKLOAD)).version == version
    await ledger.save(next_record(first), version)


async def test_text_that_is_not_unicode_is_refused(ledger: Ledger) -> None:
    """A lone surrogate, which JSON can smuggle in, is refused by name and does not break the ledger."""
    with pytest.raises(UnstorableRecordError):
        await ledger.save(a_record(registers=registers([a_signal(reasons=("\ud800",))])), None)
    assert (await ledger.load(WORKLOAD)).version is None


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\x00", encode(a_rich_record(), "w")[:-40]])
async def test_a_damaged_record_is_told_apart_from_none(data: bytes, ledger: Ledger, store: Store) -> None:
    """Damaged bytes are an error, never a blank record that could be saved over."""
    await store.put(WORKLOAD, data)
    with pytest.raises(UnreadableRecordError):
        await ledger.load(WORKLOAD)
    with pytest.raises((ConflictError, UnreadableRecordError)):
        await ledger.save(a_record(), None)


async def test_a_record_of_a_newer_worker_is_refused(ledger: Ledger, store: Store) -> None:
    """A record that a newer worker wrote is refused with words that say so."""
    await store.put(WORKLOAD, encode(a_record(), "w").replace(b'"version":1,', b'"version":2,', 1))
    with pytest.raises(UnreadableRecordError, match="newer worker"):
        await ledger.load(WORKLOAD)


async def test_a_broken_workload_does_not_break_the_others(ledger: Ledger, store: Store) -> None:
    """One workload's damaged record leaves the other workloads as they are."""
    await store.put("broken", b"{}")
    await ledger.save(a_record(), None)
    assert (await ledger.load(WORKLOAD)).version is not None


async def test_the_journal_begins_empty(ledger: Ledger) -> None:
    """A workload without decisions has an empty journal."""
    assert await ledger.journal(WORKLOAD) == []


async def test_the_journal_gives_the_last_entries_oldest_first(ledger: Ledger, new_ledger: NewLedger) -> None:
    """Entries come in the order of their revisions, however they were added, and only the last ones."""
    for revisions in ((9, 10, 11), (2,), (1, 3), (100,)):
        await ledger.append_journal([an_entry(revision) for revision in revisions])
    journal = await new_ledger().journal(WORKLOAD, limit=4)
    assert journal == [an_entry(revision) for revision in (9, 10, 11, 100)]


async def test_an_entry_is_kept_whole(ledger: Ledger) -> None:
    """A journal entry comes back with everything it said."""
    entries = list(a_rich_record().journal)
    await ledger.append_journal(entries)
    assert await ledger.journal(WORKLOAD) == entries


async def test_the_journal_is_read_to_its_beginning(ledger: Ledger, new_ledger: NewLedger) -> None:
    """However long it is: newest first, and no further than somebody goes on asking."""
    entries = [an_entry(revision) for revision in range(1, MANY)]
    await ledger.append_journal(entries)
    reader = new_ledger()
    assert [entry async for entry in reader.history(WORKLOAD)] == entries[::-1]
    async for entry in reader.history(WORKLOAD):
        assert entry == entries[-1]
        break
    assert [entry async for entry in reader.history("other")] == []


async def test_the_journal_is_read_from_any_moment(ledger: Ledger) -> None:
    """One decision a minute, by workers of which one is five minutes behind: none is lost or added."""
    entries = [
        replace(an_entry(revision), at=at(60 * (revision - 5 * (revision % 3 == 0))))
        for revision in range(1, MANY)
    ]
    await ledger.append_journal(entries)
    for minute in (-9, 0, 1, 2, 20, MANY - 30, MANY, MANY + 99):
        found = [entry async for entry in ledger.history(WORKLOAD, at(60 * minute))]
        assert found == [entry for entry in reversed(entries) if entry.at <= at(60 * minute)]


async def test_a_decision_is_found_by_its_revision(ledger: Ledger, new_ledger: NewLedger) -> None:
    """However many came after it; where there is none, or it is another workload's, there is none."""
    await ledger.append_journal([an_entry(revision) for revision in (3, *range(5, MANY))])
    await ledger.append_journal([an_entry(4, "other")])
    reader = new_ledger()
    assert await reader.decision(WORKLOAD, 3) == an_entry(3)
    assert await reader.decision(WORKLOAD, 4) is None
    assert await reader.decision("nobody", 3) is None


async def test_an_entry_is_added_once(ledger: Ledger, new_ledger: NewLedger) -> None:
    """An entry whose id is there is left as it is, and the new ones beside it are added."""
    await ledger.append_journal([an_entry(1, events=("first",))])
    await new_ledger().append_journal([an_entry(1, events=("second",)), an_entry(2)])
    assert await ledger.journal(WORKLOAD) == [an_entry(1, events=("first",)), an_entry(2)]


async def test_journals_are_kept_apart(ledger: Ledger) -> None:
    """A journal holds no decisions of other workloads, not even of one whose name begins alike."""
    names = [WORKLOAD, "shop2", "shop/2", "..", "sh.op"]
    await ledger.append_journal([an_entry(1, name) for name in names])
    for name in names:
        assert await ledger.journal(name) == [an_entry(1, name)]


async def test_appending_nothing_is_well(ledger: Ledger) -> None:
    """No entries, no effect."""
    await ledger.append_journal([])
    assert await ledger.journal(WORKLOAD) == []


async def test_p7_a_dead_letter_keeps_every_byte(ledger: Ledger, new_ledger: NewLedger) -> None:
    """A body comes back byte for byte, text or not, and so does its reason."""
    letters = [
        a_letter("a", body=bytes(range(256)), size=70_000, reason="not UTF-8: „ÿ“"),
        a_letter("b/c", body=b"", size=0, at=at(1)),
    ]
    for letter in letters:
        await ledger.bury(letter)
    assert await new_ledger().dead_letters() == letters


async def test_a_dead_letter_is_buried_once(ledger: Ledger, new_ledger: NewLedger) -> None:
    """A replay, even on another day, leaves the first letter as it is."""
    await ledger.bury(a_letter())
    await new_ledger().bury(a_letter(at=at(2 * 86400), reason="again"))
    assert await ledger.dead_letters() == [a_letter()]


async def test_dead_letters_come_by_time(ledger: Ledger) -> None:
    """The last letters come oldest first, whatever the order of their burial or of their ids."""
    assert await ledger.dead_letters() == []
    for name, when in (("z", 0), ("a", 86400), ("m", 3600), ("b", 3600.5)):
        await ledger.bury(a_letter(name, at=at(when)))
    assert [letter.id for letter in await ledger.dead_letters(limit=3)] == ["m", "b", "a"]


async def test_p17_without_a_marker_nothing_is_held(ledger: Ledger) -> None:
    """Neither in a store that nobody has made yet, nor in one that is in use."""
    assert await ledger.marker(WORKLOAD) is None
    await ledger.save(a_record(), None)
    assert await ledger.marker(WORKLOAD) is None


async def test_p17_a_marker_holds_every_workload(ledger: Ledger, store: Store) -> None:
    """Whoever can write to the store can stop all acting; what he wrote is the reason."""
    await store.lay("hold", b"the network\nteam  moves the hubs\n")
    for workload in (WORKLOAD, "other"):
        held = await ledger.marker(workload)
        assert held == HoldSwitch("marker", "hold: the network team moves the hubs")


async def test_p17_a_marker_of_one_workload_holds_that_one(ledger: Ledger, store: Store) -> None:
    """And no other, whose name may begin alike."""
    await store.lay(f"hold-{WORKLOAD}", b"")
    assert await ledger.marker(WORKLOAD) == HoldSwitch("marker", f"hold-{WORKLOAD} is there")
    assert await ledger.marker(f"{WORKLOAD}2") is None


async def test_p17_any_content_of_a_marker_holds(ledger: Ledger, store: Store) -> None:
    """It is written in a hurry: what is no text, or far too much of it, holds as well."""
    await store.lay("hold", b"\xff\xfe" + b"x" * 100_000)
    held = await ledger.marker(WORKLOAD)
    assert held is not None
    assert len(held.reason) < 400
    held.reason.encode()


async def test_a_store_that_works_passes_the_check(ledger: Ledger) -> None:
    """The check passes on an empty store, again and again, and leaves no trace in what is kept."""
    for _ in range(2):
        await ledger.check()
    assert (await ledger.load(WORKLOAD)).version is None


async def test_closing_twice_is_well(ledger: Ledger) -> None:
    """Close can be called before use, after use, and again."""
    await ledger.close()
    await ledger.close()
