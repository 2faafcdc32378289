"""Which promises does a history break? One module for each kind of promise.

Checkers read a `rehearsal.history.History` and what was given to the run (the workload, its rules,
what was to go wrong): never the engine. `case` prepares the history, `truth` works out from it how the
stamps really were, `check` asks every checker.
"""

from rehearsal.check.acts import ACTS
from rehearsal.check.case import Case, Violation
from rehearsal.check.ends import ENDS
from rehearsal.check.pace import PACE
from rehearsal.check.people import PEOPLE
from rehearsal.check.permission import PERMISSION
from rehearsal.check.returns import RETURNS
from rehearsal.faults.trial import Trial

CHECKERS = (*ACTS, *RETURNS, *PACE, *PERMISSION, *PEOPLE, *ENDS)


def check(trial: Trial) -> list[Violation]:
    """Everything in which a run breaks a promise, in the order of time."""
    if trial.stuck:
        return [Violation("P20", 0.0, f"the run is stuck: {trial.stuck}")]
    case = Case(trial)
    found = [violation for checker in CHECKERS for violation in checker(case)]
    return sorted(found, key=lambda each: (each.at, each.promise, each.words))


__all__ = ["CHECKERS", "Case", "Violation", "check"]
