"""Is a deployment restarted once per intent, and is nothing restarted that must not be?"""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from remediation.act.cluster import Clusters, trust_in
from remediation.act.http import Door
from remediation.act.restart import Restart, restart_body
from remediation.act.rollout import INTENT, RESTARTED_AT, DeploymentLook, look_of, missing, objection
from remediation.act.secret import ReadSecret
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.tokens import Bearer, StaticTokens, TokenUnavailableError
from rules.topology import Deployment, SecretRef
from tests.act.far_side import Answer, StillClock, breaks_off, hangs, hangs_up, says, says_json, secrets
from tests.act.kubernetes_server import NAME, NAMESPACE, TOKEN, KubernetesServer
from tests.act.own_authority import OwnAuthority
from tests.builders import NOW, at

INTENT_ID = "shop/weu/restart/7"
OTHER_ID = "shop/weu/restart/9"
BEFORE_PLAN = "2026-11-21T02:00:00Z"
AFTER_PLAN = "2026-11-21T04:01:00+01:00"


@asynccontextmanager
async def restarting(
    read_secret: ReadSecret | None = None,
    tokens: Bearer | None = None,
    timeout_seconds: float = 5.0,
    *,
    trusts_others: bool = False,
) -> AsyncIterator[Restart]:
    """What restarts, with a token at hand, closed afterwards."""
    door = Door(StillClock())
    restart = Restart(
        Clusters(
            door,
            read_secret or secrets(K8S_TOKEN=TOKEN),
            tokens,
            trusting=TrustingDoor if trusts_others else None,
            timeout_seconds=timeout_seconds,
        )
    )
    try:
        yield restart
    finally:
        await restart.close()
        await door.close()


class TrustingDoor(Door):
    """A door to a cluster whose certificate is signed by an authority of its own."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        super().__init__(StillClock(), trust)


class NoTokens:
    """Entra ID is down."""

    async def bearer(self, scope: str) -> str:
        """There is none."""
        raise TokenUnavailableError(f"Entra ID did not answer in time for {scope[:8]}")


def deployment(cluster: KubernetesServer, **changes: Any) -> Deployment:
    """The one that the cluster has."""
    return replace(Deployment(cluster.url, NAMESPACE, NAME, SecretRef("K8S_TOKEN")), **changes)


def a_look(**changes: Any) -> DeploymentLook:
    """What is seen of a deployment that this intent has restarted, and that serves again."""
    look = DeploymentLook(
        generation=5,
        observed_generation=5,
        replicas=3,
        present=3,
        updated=3,
        available=3,
        intent=INTENT_ID,
        progress="NewReplicaSetAvailable",
    )
    return replace(look, **changes)


async def apply(cluster: KubernetesServer, intent: str = INTENT_ID, planned: float = 0) -> Outcome:
    """Restart it for that intent, planned that many seconds after NOW."""
    async with restarting(timeout_seconds=0.5) as restart:
        return await restart.apply(deployment(cluster), intent, at(planned))


async def test_a_restart_is_followed_from_the_look_before_to_the_last_pod() -> None:
    """Look, apply, verify: the words say at every step what is still missing."""
    async with KubernetesServer() as cluster, restarting() as restart:
        target = deployment(cluster)
        assert objection(await restart.look(target)) is None
        assert missing(await restart.look(target), INTENT_ID) == "its pods carry no intent"
        assert (await restart.apply(target, INTENT_ID, NOW)).kind is OutcomeKind.APPLIED
        said = [missing(await restart.look(target), INTENT_ID)]
        cluster.observes()
        said.append(missing(await restart.look(target), INTENT_ID))
        cluster.counts(present=4, updated=3, available=3)
        said.append(missing(await restart.look(target), INTENT_ID))
        cluster.counts(present=3, updated=3, available=2)
        said.append(missing(await restart.look(target), INTENT_ID))
        cluster.rolls_out()
        said.append(missing(await restart.look(target), INTENT_ID))
    assert said == [
        "generation 5 is not observed yet, only 4",
        "0 of 3 replicas are updated",
        "1 old replicas are still there",
        "2 of 3 replicas are available",
        None,
    ]


async def test_the_change_is_one_patch_with_the_planned_moment() -> None:
    """The moment is that of the plan, not of the sending; nothing but the two annotations changes."""
    async with KubernetesServer() as cluster:
        spec_before = json.dumps(cluster.document["spec"]["template"]["spec"])
        await apply(cluster, planned=90)
        assert cluster.annotations == {RESTARTED_AT: "2026-11-21T03:01:30Z", INTENT: INTENT_ID}
        assert json.dumps(cluster.document["spec"]["template"]["spec"]) == spec_before
        assert [method for method, _ in cluster.requests] == ["GET", "PATCH"]


async def test_p5_an_intent_restarts_once_however_often_it_is_applied() -> None:
    """The annotation says that it was done: found, and nothing is sent."""
    async with KubernetesServer() as cluster:
        first = await apply(cluster)
        again = [await apply(cluster), await apply(cluster)]
        cluster.rolls_out()
        again.append(await apply(cluster))
        assert cluster.restarts == 1
        assert len(cluster.bodies) == 1
    assert not first.found
    assert all(outcome.kind is OutcomeKind.APPLIED and outcome.found for outcome in again)


async def test_p5_the_same_intent_asks_for_the_same_bytes() -> None:
    """Two workers with one intent and one look send one and the same patch; the second changes nothing."""
    assert restart_body(INTENT_ID, NOW, "1000") == restart_body(INTENT_ID, NOW, "1000")
    async with KubernetesServer() as cluster:
        cluster.instead["PATCH"] = says(503)
        await apply(cluster)
        await apply(cluster)
        assert len(set(cluster.bodies)) == 1


@pytest.mark.parametrize("lost", [hangs(), hangs_up(), says(500), says(504)])
async def test_p5_an_answer_that_is_lost_after_the_effect_is_unknown_and_found_later(lost: Answer) -> None:
    """Nobody says whether it was done; the next look does, and it is not done again."""
    async with KubernetesServer() as cluster:
        cluster.afterwards["PATCH"] = lost
        assert (await apply(cluster)).kind is OutcomeKind.UNKNOWN
        cluster.afterwards.clear()
        later = await apply(cluster)
        assert (later.kind, later.found) == (OutcomeKind.APPLIED, True)
        assert cluster.restarts == 1


async def test_p10_a_late_change_of_a_paused_worker_is_refused_by_the_cluster() -> None:
    """Somebody restarted it between the worker's look and its request: it is restarted once, by them."""
    async with KubernetesServer() as cluster, restarting() as restart:
        cluster.pause_before_patch = asyncio.Event()
        late = asyncio.create_task(restart.apply(deployment(cluster), INTENT_ID, NOW))
        while not cluster.bodies:
            await asyncio.sleep(0.01)
        cluster.person_restarts(AFTER_PLAN)
        cluster.pause_before_patch.set()
        outcome = await late
        assert cluster.restarts == 1
        assert INTENT not in cluster.annotations
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert "has changed since the look" in outcome.reason


async def test_p10_an_intent_does_not_undo_a_later_restart() -> None:
    """An old intent that comes back after a newer one would restart everything once more: it is refused."""
    async with KubernetesServer() as cluster:
        await apply(cluster, OTHER_ID, planned=60)
        cluster.rolls_out()
        outcome = await apply(cluster, INTENT_ID, planned=0)
        assert outcome.kind is OutcomeKind.REFUSED
        assert cluster.annotations[INTENT] == OTHER_ID
        assert cluster.restarts == 1


async def test_a_person_who_was_faster_is_not_followed_by_a_second_restart() -> None:
    """Restarted by hand after the plan: refused, in whatever time zone they wrote."""
    async with KubernetesServer() as cluster:
        cluster.person_restarts(AFTER_PLAN)
        outcome = await apply(cluster)
        assert cluster.restarts == 1
    assert outcome.kind is OutcomeKind.REFUSED
    assert "by other hands at 2026-11-21T03:01:00Z" in outcome.reason


@pytest.mark.parametrize("moment", [BEFORE_PLAN, "2026-11-21T03:00:00Z", "yesterday", "2026-11-21T09:00:00"])
async def test_an_earlier_restart_is_no_obstacle(moment: str) -> None:
    """It was before the plan, or nobody can say when: the rule saw the deployment red after it."""
    async with KubernetesServer() as cluster:
        cluster.person_restarts(moment)
        assert (await apply(cluster)).kind is OutcomeKind.APPLIED
        assert cluster.annotations[INTENT] == INTENT_ID


async def test_nothing_is_restarted_that_is_scaled_to_zero() -> None:
    """There are no pods; the annotation would restart them only when somebody wants them again."""
    async with KubernetesServer(replicas=0) as cluster:
        outcome = await apply(cluster)
        assert not cluster.bodies
    assert outcome.kind is OutcomeKind.REFUSED
    assert "scaled to 0" in outcome.reason


async def test_nothing_is_restarted_whose_rollouts_are_paused() -> None:
    """The change would wait, and take effect whenever somebody resumes."""
    async with KubernetesServer() as cluster:
        cluster.person_changes(paused=True)
        cluster.rolls_out()
        outcome = await apply(cluster)
        assert not cluster.bodies
    assert outcome.kind is OutcomeKind.REFUSED
    assert "paused" in outcome.reason


async def test_a_rollout_in_progress_is_waited_for() -> None:
    """From the change of the spec to the first time that all new pods serve, nothing is sent."""
    said = []
    async with KubernetesServer() as cluster:
        cluster.person_changes(minReadySeconds=5)
        said.append(await apply(cluster))
        cluster.observes()
        said.append(await apply(cluster))
        cluster.counts(present=4, updated=3, available=3)
        said.append(await apply(cluster))
        cluster.counts(present=3, updated=3, available=1)
        said.append(await apply(cluster))
        assert not cluster.bodies
        cluster.rolls_out()
        assert (await apply(cluster)).kind is OutcomeKind.APPLIED
    assert {outcome.kind for outcome in said} == {OutcomeKind.TRANSIENT}
    assert [outcome.reason.removeprefix("a rollout is in progress: ") for outcome in said] == [
        "generation 5 is not observed yet, only 4",
        "0 of 3 replicas are updated",
        "1 old replicas are still there",
        "1 of 3 replicas are available",
    ]


async def test_a_rollout_beyond_its_deadline_is_left_to_people() -> None:
    """Pods of a version that never worked are not mended by more of them."""
    async with KubernetesServer() as cluster:
        cluster.observes()
        cluster.counts(present=4, updated=1, available=3)
        cluster.gives_up()
        outcome = await apply(cluster)
        assert not cluster.bodies
    assert outcome.kind is OutcomeKind.REFUSED
    assert "stuck" in outcome.reason


async def test_pods_that_do_not_serve_are_what_a_restart_is_for() -> None:
    """Rolled out long ago and now unavailable is no rollout in progress."""
    async with KubernetesServer() as cluster:
        cluster.counts(present=3, updated=3, available=0)
        assert (await apply(cluster)).kind is OutcomeKind.APPLIED


@pytest.mark.parametrize("rights", [{"get"}, set()])
async def test_a_missing_right_is_refused_and_named(rights: set[str]) -> None:
    """403: trying again does not help, and whoever grants rights reads which one."""
    async with KubernetesServer() as cluster:
        cluster.rights[TOKEN] = rights
        outcome = await apply(cluster)
        assert cluster.restarts == 0
    assert outcome.kind is OutcomeKind.REFUSED
    assert "no right to get and patch deployments in namespace shop" in outcome.reason
    assert TOKEN not in outcome.reason
    assert "is forbidden" in outcome.reason


async def test_a_token_that_is_not_taken_is_refused() -> None:
    """401 is final too."""
    async with KubernetesServer() as cluster:
        cluster.rights.clear()
        outcome = await apply(cluster)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "patch deployments" in outcome.reason
    assert "HTTP 401: Unauthorized" in outcome.reason


async def test_a_deployment_that_is_not_there_is_refused() -> None:
    """404: the address in the workload file is wrong."""
    async with KubernetesServer() as cluster, restarting() as restart:
        target = deployment(cluster, deployment="no/such")
        outcome = await restart.apply(target, INTENT_ID, NOW)
        look = await restart.look(target)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "there is no deployment shop/no/such" in outcome.reason
    assert look.reason == outcome.reason


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_cluster_is_tried_again_when_it_says(method: str, status: int) -> None:
    """429 and 503 are transient, with the wait that was asked for."""
    async with KubernetesServer() as cluster:
        cluster.instead[method] = says(status, "overloaded", {"Retry-After": "7"})
        outcome = await apply(cluster)
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert outcome.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hangs(), "timed out"),
        (hangs_up(), "connection lost"),
        (says(500, "etcd"), "HTTP 500"),
        (says(204), "HTTP 204"),
        (says(200, "<html>a proxy</html>"), "cannot be read as a deployment"),
        (says_json(200, {"kind": "Pod", "spec": {}}), "cannot be read as a deployment"),
        (breaks_off(200, b'{"kind": "Deployment"'), "cannot be read as a deployment"),
    ],
)
async def test_what_cannot_be_looked_at_is_not_restarted(answer: Answer, words: str) -> None:
    """A look that fails has changed nothing: transient, and no patch follows it."""
    async with KubernetesServer() as cluster, restarting(timeout_seconds=0.3) as restart:
        cluster.instead["GET"] = answer
        outcome = await restart.apply(deployment(cluster), INTENT_ID, NOW)
        look = await restart.look(deployment(cluster))
        assert not cluster.bodies
    assert outcome.kind is OutcomeKind.TRANSIENT
    assert words in outcome.reason
    assert words in look.reason
    assert look.replicas == 0
    assert objection(look) is not None
    assert missing(look, INTENT_ID) == look.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"intent": OTHER_ID}, f"its pods carry another intent: {OTHER_ID}"),
        ({"intent": ""}, "its pods carry no intent"),
        ({"replicas": 0, "present": 0, "updated": 0, "available": 0}, "it was scaled to 0 replicas"),
        (
            {"available": 1, "progress": "ProgressDeadlineExceeded"},
            "stuck beyond its deadline: 1 of 3 replicas are available",
        ),
        ({"updated": 4, "present": 4, "available": 4}, "4 of 3 replicas are updated"),
        ({"observed_generation": 9}, None),
        ({"progress": ""}, None),
    ],
)
def test_a_restart_is_done_only_when_every_pod_is_ours_and_serves(
    changes: dict[str, Any], words: str | None
) -> None:
    """Somebody else's pods, none, too few or too many: the words say which."""
    assert missing(a_look(**changes), INTENT_ID) == words


def test_zeroes_that_the_cluster_leaves_out_are_zeroes() -> None:
    """A status without counts is one of a deployment without pods."""
    document = {
        "kind": "Deployment",
        "metadata": {"generation": 1, "resourceVersion": "1"},
        "spec": {"replicas": 2, "template": {"metadata": {}}},
        "status": {},
    }
    look = look_of(json.dumps(document).encode())
    assert (look.observed_generation, look.present, look.updated, look.available) == (0, 0, 0, 0)
    assert missing(replace(look, intent=INTENT_ID), INTENT_ID) == "generation 1 is not observed yet, only 0"


async def test_a_token_that_is_not_set_is_refused_before_anything_is_sent() -> None:
    """The reason names the variable."""
    async with KubernetesServer() as cluster, restarting(secrets()) as restart:
        outcome = await restart.apply(deployment(cluster), INTENT_ID, NOW)
        look = await restart.look(deployment(cluster))
        assert not cluster.requests
    assert outcome == Outcome(OutcomeKind.REFUSED, "environment variable K8S_TOKEN is not set")
    assert look.reason == outcome.reason


async def test_a_token_that_vanishes_after_the_look_stops_the_change() -> None:
    """It is read at every use, and nothing is sent without it."""
    values = iter([TOKEN, None])
    async with KubernetesServer() as cluster, restarting(lambda _: next(values)) as restart:
        outcome = await restart.apply(deployment(cluster), INTENT_ID, NOW)
        assert not cluster.bodies
    assert outcome.kind is OutcomeKind.REFUSED


async def test_the_workers_own_identity_is_used_where_no_token_is_named() -> None:
    """AKS with Entra ID takes a token of the worker's identity."""
    async with KubernetesServer() as cluster, restarting(secrets(), StaticTokens(TOKEN)) as restart:
        outcome = await restart.apply(deployment(cluster, token=None), INTENT_ID, NOW)
    assert outcome.kind is OutcomeKind.APPLIED


async def test_an_identity_that_cannot_be_shown_now_is_transient() -> None:
    """Entra ID may come back; nothing was sent."""
    async with KubernetesServer() as cluster, restarting(tokens=NoTokens()) as restart:
        outcome = await restart.apply(deployment(cluster, token=None), INTENT_ID, NOW)
        assert not cluster.requests
    assert outcome == Outcome(OutcomeKind.TRANSIENT, "no token: Entra ID did not answer in time for 6dae42f8")


async def test_neither_token_nor_identity_is_refused() -> None:
    """Nothing is sent without a name."""
    async with KubernetesServer() as cluster, restarting() as restart:
        outcome = await restart.apply(deployment(cluster, token=None), INTENT_ID, NOW)
        assert not cluster.requests
    assert outcome.kind is OutcomeKind.REFUSED


async def test_the_clusters_own_words_are_shown_without_the_token() -> None:
    """An answer that quotes the token back does not carry it into the ledger."""
    for said in (
        says(422, f"no such thing: Bearer {TOKEN}"),
        says_json(400, {"kind": "Status", "message": TOKEN}),
    ):
        async with KubernetesServer() as cluster:
            cluster.instead["PATCH"] = said
            outcome = await apply(cluster)
        assert outcome.kind is OutcomeKind.REFUSED
        assert TOKEN not in outcome.reason
        assert "***" in outcome.reason


async def test_the_patch_is_of_the_kind_that_leaves_other_annotations_alone() -> None:
    """Strategic merge: what others have written stays."""
    async with KubernetesServer() as cluster:
        cluster.document["spec"]["template"]["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
        assert (await apply(cluster)).kind is OutcomeKind.APPLIED
        assert cluster.annotations["prometheus.io/scrape"] == "true"


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_cluster_with_an_authority_of_its_own_is_trusted_by_it(
    tmp_path: Path, *, encoded: bool
) -> None:
    """PEM or base64 of it."""
    authority = OwnAuthority(tmp_path)
    # As the command `base64` gives it: in lines.
    ca = base64.encodebytes(authority.pem.encode()).decode() if encoded else authority.pem
    known = secrets(K8S_TOKEN=TOKEN, K8S_CA=ca)
    async with (
        KubernetesServer(tls=authority.server()) as cluster,
        restarting(known, trusts_others=True) as restart,
    ):
        target = deployment(cluster, ca=SecretRef("K8S_CA"))
        assert (await restart.apply(target, INTENT_ID, NOW)).kind is OutcomeKind.APPLIED
        assert cluster.restarts == 1


async def test_one_authority_has_one_door_and_it_is_closed(tmp_path: Path) -> None:
    """Looks come every few seconds: connections are neither opened anew for each nor left open."""
    authority = OwnAuthority(tmp_path)
    doors: list[TrustingDoor] = []

    def made(trust: ssl.SSLContext) -> TrustingDoor:
        doors.append(TrustingDoor(trust))
        return doors[-1]

    door = Door(StillClock())
    clusters = Clusters(door, secrets(K8S_TOKEN=TOKEN, K8S_CA=authority.pem), trusting=made)
    async with KubernetesServer(tls=authority.server()) as cluster:
        target = deployment(cluster, ca=SecretRef("K8S_CA"))
        for _ in range(2):
            assert (await Restart(clusters).look(target)).replicas == 3
        session = doors[0]._session
        assert session is not None
        await clusters.close()
    assert len(doors) == 1
    assert session.closed


async def test_a_cluster_signed_by_another_authority_gets_no_token(tmp_path: Path) -> None:
    """TLS fails first: nothing is sent, neither to a stranger nor where no authority is named."""
    (tmp_path / "other").mkdir()
    stranger = OwnAuthority(tmp_path / "other")
    known = secrets(K8S_TOKEN=TOKEN, K8S_CA=OwnAuthority(tmp_path).pem)
    async with (
        KubernetesServer(tls=stranger.server()) as cluster,
        restarting(known, trusts_others=True) as restart,
    ):
        for ca in (SecretRef("K8S_CA"), None):
            outcome = await restart.apply(deployment(cluster, ca=ca), INTENT_ID, NOW)
            assert outcome.kind is OutcomeKind.TRANSIENT
            assert "TLS failed" in outcome.reason
        assert not cluster.requests


@pytest.mark.parametrize(
    "value",
    [
        "no base64!",
        base64.b64encode(b"no PEM").decode(),
        base64.b64encode(b"\xff").decode(),
        "whsec_",
        "====",
    ],
)
async def test_what_is_no_authority_is_refused_without_being_repeated(value: str) -> None:
    """Nobody falls back to trusting everything; the reason names the variable and not its value."""
    known = secrets(K8S_TOKEN=TOKEN, K8S_CA=value)
    async with KubernetesServer() as cluster, restarting(known, trusts_others=True) as restart:
        outcome = await restart.apply(deployment(cluster, ca=SecretRef("K8S_CA")), INTENT_ID, NOW)
        assert not cluster.requests
    words = "environment variable K8S_CA holds no certificate authority in PEM"
    assert outcome == Outcome(OutcomeKind.REFUSED, words)


async def test_an_authority_is_not_ignored_where_no_door_can_heed_it(tmp_path: Path) -> None:
    """Refused: it would otherwise be another trust than the one that was asked for."""
    known = secrets(K8S_TOKEN=TOKEN, K8S_CA=OwnAuthority(tmp_path).pem)
    async with KubernetesServer() as cluster, restarting(known) as restart:
        outcome = await restart.apply(deployment(cluster, ca=SecretRef("K8S_CA")), INTENT_ID, NOW)
        assert not cluster.requests
    assert outcome.kind is OutcomeKind.REFUSED


def test_trust_in_one_authority_is_trust_in_no_other(tmp_path: Path) -> None:
    """The machine's own authorities are left out; old certificates of clusters are taken."""
    trust = trust_in(OwnAuthority(tmp_path).pem)
    assert len(trust.get_ca_certs()) == 1
    assert trust.verify_mode is ssl.CERT_REQUIRED
    assert trust.check_hostname
    assert not trust.verify_flags & ssl.VERIFY_X509_STRICT
    with pytest.raises(ValueError, match="empty"):
        trust_in("")


def test_the_moment_is_written_in_utc_to_the_second() -> None:
    """As kubectl writes it, whatever the zone and the fraction."""
    planned = NOW.astimezone(tz=None) + timedelta(microseconds=999_999)
    body = json.loads(restart_body(INTENT_ID, planned, "1"))
    annotations = body["spec"]["template"]["metadata"]["annotations"]
    assert annotations[RESTARTED_AT] == "2026-11-21T03:00:00Z"
    assert body["metadata"] == {"resourceVersion": "1"}
