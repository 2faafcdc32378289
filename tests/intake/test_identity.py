"""Do identities tell apart what differs, and only that?"""

from remediation.intake.identity import MAX_ID, bounded, digest


def test_a_digest_knows_the_borders_of_its_parts() -> None:
    """The same characters parted differently are another identity; text and its bytes are the same."""
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("é") == digest("é".encode())
    assert digest("a") == digest("a")


def test_a_long_identity_stays_short_and_of_its_own() -> None:
    """Identities that differ far behind the bound still differ; short ones stay as they are."""
    first, second = bounded("x" * 1000 + "1"), bounded("x" * 1000 + "2")
    assert first != second
    assert len(first) == MAX_ID
    assert bounded("x" * MAX_ID) == "x" * MAX_ID
