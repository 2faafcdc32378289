"""Does a record that an earlier worker of this version stored still mean what it meant?"""

import json

from remediation.ledger.codec import decode, encode
from remediation.ledger.intent import LeverKind, Verb
from tests.builders import a_record


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
