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
_NAMES = r"(?:token|key|secret|password|passwd|passphrase|pwd)"
_SECRET = re.compile(rf"\b(sig|\w{{0,32}}{_NAMES})([\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+", re.IGNORECASE)
_OF_COMMAND = re.compile(rf"((?<!\S)--?[\w-]{{0,32}}{_NAMES}\s+[\"']?)[^\s\"']+", re.IGNORECASE)
_OF_FUNCTION = re.compile(r"([?&]code=)[^\s\"'&#]+", re.IGNORECASE)
_OF_USER = re.compile(r"(://[^\s/:@]{0,64}:)[^\s/@]{1,512}@")
_OF_SERVICE = re.compile(r"\b(?:gh[pousr]_|github_pat_|xox[abprs]-)[\w-]{8,}")

_MARKS = (
    *("@", "=", ":", "--", " -", "eyj", "bearer", "sharedaccesssignature"),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox"),
)
"""Without any of these no pattern matches, and to look for them is far cheaper."""


def discreet(words: str) -> str:
    """At most 8,192 characters of it, without secrets, and with e-mail addresses cut to the name in front."""
    small = words.lower()
    if not any(mark in small for mark in _MARKS):
        return words[:_MAX_TEXT]
    # What stands before an @ is a name only where it is no password.
    told = _ADDRESS.sub(r"\1@…", _OF_USER.sub(r"\1…@", words[:_MAX_TEXT]))
    told = _SHOWN.sub(r"\1 …", _OF_SERVICE.sub("…", _TOKEN.sub("…", told)))
    told = _OF_FUNCTION.sub(r"\1…", _OF_COMMAND.sub(r"\1…", told))
    return _SECRET.sub(r"\1\2…", told)
