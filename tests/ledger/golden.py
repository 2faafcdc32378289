"""Which bytes did each version of the worker store, and what did they mean?

`python -m tests.ledger.golden` writes the files of this version. Do that only
for a change of the stored form that is meant. Once a version has been released,
such a change takes a new VERSION and an upgrade, and the old files stay as they
are: somebody's ledger is full of them.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path

from remediation.ledger.codec import VERSION, decode, encode
from remediation.ledger.record import WorkloadRecord
from tests.ledger.full import a_rich_record, acting

FOLDER = Path(__file__).parent / "golden"
WRITE_ID = "00000000000000000000000000000001"


def golden_record() -> WorkloadRecord:
    """What all golden files hold."""
    return acting(a_rich_record())


def golden(version: int) -> Path:
    """Where the bytes of that version lie."""
    return FOLDER / f"record-v{version}.json"


def meaning(version: int) -> Path:
    """Where it is spelled out what they mean: also what they leave out because it is the default."""
    return FOLDER / f"record-v{version}.meaning.json"


def spelled_out(record: WorkloadRecord) -> str:
    """A record with all its fields, defaults or not, as JSON for people."""
    return json.dumps(_plain(record), indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


if __name__ == "__main__":
    data = encode(golden_record(), WRITE_ID)
    golden(VERSION).write_bytes(data)
    meaning(VERSION).write_text(spelled_out(decode(data)[0]))
