"""Is what could not be read kept, once, and bounded?"""

from remediation.intake.dead_letter import MAX_KEPT, letter
from remediation.intake.rejection import Code
from tests.builders import NOW, at


def test_the_same_body_by_the_same_route_is_one_letter() -> None:
    """A replay has the same id; another route or body has another."""
    first = letter(b"{", Code.NOT_JSON, "cut off", "alerts", NOW)
    assert letter(b"{", Code.NOT_JSON, "cut off", "alerts", at(60)).id == first.id
    assert letter(b"{", Code.NOT_JSON, "cut off", "hub", NOW).id != first.id
    assert letter(b"}", Code.NOT_JSON, "cut off", "alerts", NOW).id != first.id


def test_a_letter_keeps_the_body_as_it_came() -> None:
    """Bytes that are no text are kept, with code, reason, route and moment."""
    kept = letter(b"\xff\x00", Code.NOT_UTF8, "byte 0 is not UTF-8", "hub", NOW)
    assert (kept.body, kept.size, kept.code, kept.route, kept.at) == (b"\xff\x00", 2, "not_utf8", "hub", NOW)


def test_a_letter_is_bounded() -> None:
    """Of a large body the beginning is kept, and its true size."""
    kept = letter(b"x" * (MAX_KEPT + 1), Code.TOO_LARGE, "too large", "alerts", NOW)
    assert (len(kept.body), kept.size) == (MAX_KEPT, MAX_KEPT + 1)
