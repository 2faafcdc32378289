"""Why can a probe not see, in words for people?

The reason goes into records and pages. An SDK's own text does not: it may hold
an address with a signature, and says in ten lines what fits in five words.
"""

from collections.abc import Callable

from rules.topology import SecretRef

ReadSecret = Callable[[SecretRef], str | None]
"""The value behind a reference, None where there is none."""


class BlindError(Exception):
    """Nothing can be seen; the message says why and holds no secret."""


def secret_of(ref: SecretRef, read_secret: ReadSecret) -> str:
    """The value behind a reference.

    Raises:
        BlindError: there is none.
    """
    value = read_secret(ref)
    if value is None:
        raise BlindError(f"environment variable {ref.name} is not set")
    return value
