"""When are two deliveries the same fact? When their digests are the same.

Identities reach stores, logs and keys of other systems, so they are short and
plain whatever a sender put into his.
"""

from hashlib import sha256

MAX_ID = 256
_DIGEST = 32


def digest(*parts: str | bytes) -> str:
    """32 hex digits that stand for these parts, in this order and with these borders."""
    summed = sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode()
        summed.update(len(raw).to_bytes(8))
        summed.update(raw)
    return summed.hexdigest()[:_DIGEST]


def bounded(text: str) -> str:
    """The text itself, or, where it is long, its beginning and a digest of the whole."""
    if len(text) <= MAX_ID:
        return text
    return f"{text[: MAX_ID - _DIGEST - 1]}~{digest(text)}"
