"""How are the steps taken that move no lever: a restart, a request to another system?"""

from remediation.act.restart import Restart
from remediation.act.rollout import missing
from remediation.act.webhook import StepWebhook
from remediation.ledger.intent import Intent, Outcome, OutcomeKind, Verb
from rules.topology import Deployment, Endpoint, Workload


class NamedSteps:
    """The steps whose targets a workload file names."""

    def __init__(self, restart: Restart, webhook: StepWebhook) -> None:
        self._restart = restart
        self._webhook = webhook

    async def take(self, workload: Workload, intent: Intent) -> Outcome:
        """Take the step. Idempotent by the intent's id. Never raises."""
        target = _target(workload, intent)
        if isinstance(target, Deployment):
            return await self._restart.apply(target, intent.id, intent.planned_at)
        if isinstance(target, Endpoint):
            return await self._webhook.apply(target, workload.name, intent)
        return _nothing_of_that_name(workload, intent)

    async def look(self, workload: Workload, intent: Intent) -> Outcome | None:
        """Whether a restart is seen to be done; None while it goes on."""
        target = _target(workload, intent)
        if not isinstance(target, Deployment):
            return _nothing_of_that_name(workload, intent)
        seen = await self._restart.look(target)
        wanting = missing(seen, intent.id)
        return None if wanting else Outcome(OutcomeKind.APPLIED, "rolled out, and every replica serves")

    async def close(self) -> None:
        """Give up connections."""
        await self._restart.close()


def _target(workload: Workload, intent: Intent) -> Deployment | Endpoint | None:
    if intent.verb is Verb.RESTART:
        of_stamp = (each for each in workload.deployments if each.stamp == intent.stamp)
        return next((each for each in of_stamp if each.name == intent.target), None)
    return next((each for each in workload.webhooks if each.name == intent.target), None)


def _nothing_of_that_name(workload: Workload, intent: Intent) -> Outcome:
    what = "deployment" if intent.verb is Verb.RESTART else "webhook"
    where = f" of stamp {intent.stamp}" if intent.verb is Verb.RESTART else ""
    return Outcome(OutcomeKind.REFUSED, f"workload {workload.name} names no {what} {intent.target}{where}")
