"""What is the value behind `env:NAME`?

Files hold names only. A value is read where it is used, at the moment of its
use, and goes nowhere else: not into a record, a reason or a log.
"""

import os
from collections.abc import Callable, Mapping

from remediation.ledger.intent import Outcome, OutcomeKind
from rules.topology import SecretRef

ReadSecret = Callable[[SecretRef], str | None]
"""The value behind a reference, None where there is none."""


def from_environment(ref: SecretRef, environment: Mapping[str, str] = os.environ) -> str | None:
    """The variable's value without white space around it; None if it is not set or blank."""
    return environment.get(ref.name, "").strip() or None


def words_if_missing(ref: SecretRef) -> str:
    """What people are told when there is no value. The name is no secret."""
    return f"environment variable {ref.name} is not set"


def refused_for_missing(ref: SecretRef) -> Outcome:
    """Trying again will not set it."""
    return Outcome(OutcomeKind.REFUSED, words_if_missing(ref))
