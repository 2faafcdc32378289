"""Where do the stamps differ? By stamp, by path and by check, as they were last seen.

Where the inside is green and users are not, comparing by what differs is what
finds the fault: one region, one path, one check.
"""

from collections.abc import Iterator

from remediation.decide.draft import Draft
from remediation.decide.looks import FRONT_DOOR, FRONT_DOOR_NODE
from rules.health import last_word
from rules.scope import Situation
from rules.signals import RegisterKey

MOST_CHARACTERS = 1000

_THROUGH_FRONT_DOOR = RegisterKey(None, FRONT_DOOR_NODE, FRONT_DOOR)
"""Where the word of the look through Front Door is kept."""

_WAY = "through Front Door: "


def table_of_differences(draft: Draft, situation: Situation) -> str:
    """One line for each stamp, in the order of the file, and one for the way through Front Door."""
    shown: list[str] = []
    room = MOST_CHARACTERS
    lines = [*_through_front_door(draft), *_direct(draft, situation)]
    for place, line in enumerate(lines):
        left_out = f"and {len(lines) - place} more"
        is_last = place == len(lines) - 1
        if len(line) + 1 + (0 if is_last else len(left_out)) > room:
            return "\n".join([*shown, left_out])
        shown.append(line)
        room -= len(line) + 1
    return "\n".join(shown)


def _direct(draft: Draft, situation: Situation) -> Iterator[str]:
    for name in situation.workload.stamp_names:
        seen = draft.stamp(name).seen
        looked = f"direct {seen.words.removeprefix('HealthService ')}" if seen else "not looked at directly"
        yield f"{name}: {looked}; root {situation.root(name)}"


def _through_front_door(draft: Draft) -> Iterator[str]:
    said = last_word(draft.registers, _THROUGH_FRONT_DOOR)
    if said is not None:
        reasons = "; ".join(reason.removeprefix(_WAY) for reason in said.reasons)
        why = f" ({reasons})" if reasons else ""
        yield f"{_WAY}{said.says}{why}, at {said.observed_at:%H:%M:%S}"
