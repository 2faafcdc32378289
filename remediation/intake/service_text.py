"""What do people at Azure say about an incident, in plain words, and is it only about managing things?

Communications are HTML, long, and not to be trusted. That starting, creating or
deleting fails while all that runs is fine is said nowhere but in them (I3).
"""

import html
import re

from remediation.intake.limits import clip

_MAX_TEXT = 8 * 1024
_TAG = re.compile(r"<[^<>]*>?")
_BLANKS = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_BLOCK = re.compile(r"</(?:p|li|t[drh]|h\d|div)>|<br\s*/?>", re.IGNORECASE)

_ADVERTISED = re.compile(r"stay informed|service health alerts?\b|aka\.ms")
_MANAGING = re.compile(
    r"management operation|control[- ]plane|"
    r"\b(?:start|creat|updat|delet|provision|deploy|scal|resiz|allocat|reconfigur)(?:e|es|ing|ion|ions|ment|ments)?\b"
)
_FAILING = re.compile(
    r"\bfail|\berror|\bunable\b|\bcannot\b|\bcan not\b|\bdelay|difficult|\bproblem|\bissue|"
    r"unsuccessful|time[sd]?[- ]?out"
)
_FINE = re.compile(
    r"\b(?:not|n't|un)\s?(?:be(?:en)?\s)?(?:impacted|affected)|unaffected|"
    r"continu(?:e|es|ing) to (?:run|serve|work|operate|function)|remain(?:s|ed)? (?:available|healthy)"
)
_HURTING = re.compile(
    r"connectivity|\bconnect(?:ing)?\b|unavailab|data[- ]plane|reboot|restarted|packet loss|downtime|"
    r"unhealthy|throughput"
)


def plain(text: str) -> str:
    """The words in a piece of HTML, in one line, at most 8,192 characters of it."""
    broken = _BLOCK.sub(". ", text[:_MAX_TEXT])
    words = html.unescape(_TAG.sub("", broken))
    line = clip(_BLANKS.sub(" ", words).strip(" ."), _MAX_TEXT)
    return re.sub(r"(?:\s*\.){2,}\s*|\s+\.\s*", ". ", line).strip()


def only_managing(words: str, *, informational: bool) -> bool:
    """Whether only management operations fail, while what runs is fine.

    A sentence must speak of managing and of failing. Then either it says that the rest is
    fine, or its level is the one for incidents that leave availability alone; the level by
    itself is only a hint. Any word of harm to what runs, outside of what it says is fine,
    and the answer is no.
    """
    sentences = [each for each in _SENTENCE.split(words.lower()) if not _ADVERTISED.search(each)]
    fine = [each for each in sentences if _FINE.search(each)]
    others = [each for each in sentences if not _FINE.search(each)]
    managing = any(_MANAGING.search(each) and _FAILING.search(each) for each in sentences)
    hurting = any(_HURTING.search(each) for each in others)
    return managing and not hurting and (informational or bool(fine))
