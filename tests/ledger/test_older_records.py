"""Does a record that an earlier worker of this version stored still mean what it meant?"""

import json

from remediation.ledger.codec import decode, decode_entry, encode, encode_entry
from remediation.ledger.intent import LeverKind, Verb
from tests.builders import a_record, an_entry


def test_how_long_moves_took_was_once_kept_by_verb_alone() -> None:
    """Nearly every move was one of the state file, so that is what these times are of."""
    stored = json.loads(encode(a_record(), "w"))
    stored["record"]["took"] = {"drain": [31, 60], "rejoin": [30]}
    record, _ = decode(json.dumps(stored).replace(" ", "").encode())
    assert record.took == {
        (Verb.DRAIN, LeverKind.STATE_FILE): (31, 60),
        (Verb.REJOIN, LeverKind.STATE_FILE): (30,),
    }
    assert decode(encode(record, "w"))[0] == record


def test_what_was_heard_was_once_kept_in_sentences() -> None:
    """They are still told, before what else happened; there is nothing in them that could be played."""
    stored = json.loads(encode_entry(an_entry(3, events=("drain of weu planned",))))
    stored["heard"] = ["shop/weu/Stamp red by healthservice, 4s old"]
    entry = decode_entry(json.dumps(stored).encode())
    assert (entry.heard, entry.events) == (
        (),
        ("heard: shop/weu/Stamp red by healthservice, 4s old", "drain of weu planned"),
    )
    record = json.loads(encode(a_record(), "w"))
    record["record"]["journal"] = [stored]
    assert decode(json.dumps(record).replace(" ", "").encode())[0].journal[0].heard == ()
