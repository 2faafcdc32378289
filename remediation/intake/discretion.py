"""What of a stranger's words must not be repeated?

Tokens, keys and signatures of links stand in bodies where nobody expects them, and
what is said of a body goes into logs, pages and dead letters. E-mail addresses are
people's: the name in front is enough.
"""

import re

_MAX_TEXT = 8 * 1024
_ADDRESS = re.compile(r"([\w.+-]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63})*")
_TOKEN = re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*")
_SHOWN = re.compile(
    r"\b(bearer|sharedaccesssignature|authorization[\"']?\s*[:=]\s*[\"']?\w+)\s+[^\s\"',;]+", re.IGNORECASE
)
_SECRET = re.compile(
    r"\b(sig|password|pwd|\w{0,32}(?:token|key|secret))(\s*[=:]\s*[\"']?)[^\s\"'&,;]+", re.IGNORECASE
)


_MARKS = ("@", "=", ":", "eyj", "bearer", "sharedaccesssignature")
"""Without any of these no pattern matches, and to look for them is far cheaper."""


def discreet(words: str) -> str:
    """At most 8,192 characters of it, without secrets, and with e-mail addresses cut to the name in front."""
    small = words.lower()
    if not any(mark in small for mark in _MARKS):
        return words[:_MAX_TEXT]
    told = _ADDRESS.sub(r"\1@…", words[:_MAX_TEXT])
    told = _SHOWN.sub(r"\1 …", _TOKEN.sub("…", told))
    return _SECRET.sub(r"\1\2…", told)
