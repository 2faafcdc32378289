"""What can go wrong on the wire, in the words of AMQP?

The conditions are a closed vocabulary: the SDK decides by them whether it tries again.
"""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """An AMQP error condition, with what it means here."""

    DECODE_ERROR = "amqp:decode-error"
    """Bytes that are no AMQP value."""
    INVALID_FIELD = "amqp:invalid-field"
    """A value of the wrong type, or an address or selector that says nothing."""
    NOT_ALLOWED = "amqp:not-allowed"
    """A frame out of turn."""
    NOT_FOUND = "amqp:not-found"
    """No such hub, partition or node."""
    NOT_IMPLEMENTED = "amqp:not-implemented"
    """Something of AMQP that this broker does not do."""
    INTERNAL_ERROR = "amqp:internal-error"
    """The disk refused a write; the sender may try again."""
    UNAUTHORIZED = "amqp:unauthorized-access"
    """No valid token was put for this address."""
    RESOURCE_LIMIT = "amqp:resource-limit-exceeded"
    """Too many readers, links or bytes in flight."""
    FORCED = "amqp:connection:forced"
    """The connection was idle for too long, or the broker stops."""
    FRAMING_ERROR = "amqp:connection:framing-error"
    """Bytes that are no AMQP frame."""
    UNATTACHED_HANDLE = "amqp:session:unattached-handle"
    """A transfer on a handle that has no link."""
    HANDLE_IN_USE = "amqp:session:handle-in-use"
    """A second link on the handle of a living one."""
    TRANSFER_LIMIT = "amqp:link:transfer-limit-exceeded"
    """More deliveries than the credit that was given."""
    MESSAGE_SIZE = "amqp:link:message-size-exceeded"
    """A message larger than the link takes."""
    STOLEN = "amqp:link:stolen"
    """A reader with a higher epoch owns the partition."""
    ARGUMENT = "com.microsoft:argument-error"
    """A position that this partition never had."""


class AmqpError(Exception):
    """A fault with the condition and the text that the peer is told."""

    def __init__(self, condition: Condition, description: str) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description


class DecodeError(AmqpError):
    """Bytes that cannot be read as AMQP."""

    def __init__(self, description: str, condition: Condition = Condition.DECODE_ERROR) -> None:
        super().__init__(condition, description)
