"""How does a dead letter become bytes, and bytes a dead letter again?

Its body is whatever came: it need not be text, so it is kept in base 64.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Base64Bytes, TypeAdapter, ValidationError

from remediation.ledger.codec import UnreadableRecordError
from remediation.ports import DeadLetter


@dataclass(frozen=True, slots=True)
class _Stored:
    id: str
    at: datetime
    route: str
    code: str
    reason: str
    body: Base64Bytes
    size: int


_LETTER = TypeAdapter(_Stored)


def encode_letter(letter: DeadLetter) -> bytes:
    """The bytes of a dead letter. A reason that is not Unicode loses what is not."""
    reason = letter.reason.encode(errors="replace").decode()
    stored = _Stored(letter.id, letter.at, letter.route, letter.code, reason, letter.body, letter.size)
    return _LETTER.dump_json(stored)


def decode_letter(data: bytes) -> DeadLetter:
    """The dead letter of these bytes.

    Raises:
        UnreadableRecordError: they are damaged.
    """
    try:
        stored = _LETTER.validate_json(data)
    except ValidationError as error:
        raise UnreadableRecordError("damaged dead letter") from error
    return DeadLetter(
        stored.id, stored.at, stored.route, stored.code, stored.reason, stored.body, stored.size
    )
