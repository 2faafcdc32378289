"""In which words is the end of an incident told: is it well again, or only not known to be ill any more?

Whoever reads `has ended` at three in the morning goes back to sleep. So these words are kept for what
was taken back. Where a source is no longer heard, or a stamp no longer watched, people are told that.
"""

from collections.abc import Collection, Iterator

from remediation.decide.draft import Draft
from remediation.ledger.told import Incident
from rules.findings import Finding
from rules.health import BAD_NEWS
from rules.signals import RegisterKey
from rules.topology import Workload

ENDED = "has ended"


def words_of_its_end(draft: Draft, incident: Incident, workload: Workload, wider: str | None) -> str:
    """How the incident ended, to be read behind its title.

    Args:
        draft: the decision that ends it.
        incident: as people were last told of it.
        workload: as it is now.
        wider: the key of the incident that it has become part of, if there is one.
    """
    if wider:
        return f"has become part of {wider}"
    stamp = incident.stamp
    if stamp is not None and stamp not in workload.stamp_names:
        out = draft.before.stamp(stamp).drain is not None
        left = ", and was left out of rotation by the worker" if out else ""
        return f"closed: {stamp} is no longer part of the workload{left}"
    lost = dict.fromkeys(key.source for key in _not_taken_back(draft, incident))
    if lost:
        return f"closed, and not known to be well: {', '.join(lost)} no longer tells"
    return ENDED


def _not_taken_back(draft: Draft, incident: Incident) -> Iterator[RegisterKey]:
    """On what its findings rested until now that nobody took back: it was forgotten, or is doubted."""
    for key in dict.fromkeys(key for finding in _just_ended(draft, incident) for key in finding.evidence):
        said = draft.registers.get(key)
        doubted = said is not None and said.health in BAD_NEWS and key.doubt in draft.registers
        if key == key.knowing and (said is None or doubted):
            yield key


def _just_ended(draft: Draft, incident: Incident) -> Collection[Finding]:
    return [
        finding
        for finding in draft.before.findings.values()
        if finding.family == incident.family and incident.stamp in (None, finding.stamp)
    ]
