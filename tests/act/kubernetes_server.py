"""What stands in the place of a Kubernetes API server and its deployment controller?

A real HTTP server with one deployment. It merges patches, counts generations,
refuses a stale version and checks tokens as the real one does; the controller
moves only when a test tells it to.
"""

import asyncio
import copy
import json
import ssl
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.act.far_side import Answer

TOKEN = "eyJhbGciOiJSUzI1NiJ9.service-account.0123456789abcdef"
NAMESPACE = "shop"
NAME = "background-processor"
PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


class KubernetesServer:
    """A cluster with one deployment, running while the context is open."""

    def __init__(self, replicas: int = 3, tls: ssl.SSLContext | None = None) -> None:
        self.rights = {TOKEN: {"get", "patch"}}
        self.requests: list[tuple[str, bytes]] = []
        self.restarts = 0
        """How often a change of the pod template made the controller replace the pods."""
        self.instead: dict[str, Answer] = {}
        """By method: what is answered without doing anything."""
        self.afterwards: dict[str, Answer] = {}
        """By method: what is answered when it is done."""
        self.pause_before_patch: asyncio.Event | None = None
        self.document = _a_deployment(replicas)
        self._tls = tls
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(application, scheme="https" if tls else "http")

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return str(self._server.make_url("/")).rstrip("/")

    @property
    def annotations(self) -> dict[str, str]:
        """Of the pod template."""
        found: dict[str, str] = self.document["spec"]["template"]["metadata"].get("annotations", {})
        return found

    @property
    def bodies(self) -> list[bytes]:
        """Of the patches that came."""
        return [body for method, body in self.requests if method == "PATCH"]

    async def __aenter__(self) -> Self:
        """Start it."""
        await self._server.start_server(ssl=self._tls) if self._tls else await self._server.start_server()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self._server.close()

    # --- other hands -----------------------------------------------------------------------

    def person_changes(self, **spec: Any) -> None:
        """Somebody changes the spec."""
        self._merge({"spec": spec})

    def person_restarts(self, moment: str) -> None:
        """Somebody says `kubectl rollout restart`, as the controller would see it through."""
        self._merge(_annotations({"kubectl.kubernetes.io/restartedAt": moment}))
        self.rolls_out()

    # --- the controller --------------------------------------------------------------------

    def observes(self) -> None:
        """It has read the newest generation, and begun: no pod is new yet."""
        self._set_status(observedGeneration=self.document["metadata"]["generation"], updatedReplicas=0)
        self._progresses("ReplicaSetUpdated")

    def counts(self, *, present: int, updated: int, available: int) -> None:
        """It has got as far as this."""
        self._set_status(replicas=present, updatedReplicas=updated, availableReplicas=available)

    def rolls_out(self) -> None:
        """It has finished: all pods are new, and serve."""
        wanted = self.document["spec"]["replicas"]
        self.observes()
        self.counts(present=wanted, updated=wanted, available=wanted)
        self._progresses("NewReplicaSetAvailable")

    def gives_up(self) -> None:
        """The deadline of the rollout has passed."""
        self._progresses("ProgressDeadlineExceeded", status="False")

    def _progresses(self, reason: str, status: str = "True") -> None:
        available = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
        progressing = {"type": "Progressing", "status": status, "reason": reason}
        self._set_status(conditions=[available, progressing])

    def _set_status(self, **changes: Any) -> None:
        status = self.document["status"] | changes
        # Zeroes are left out, as the real one does.
        self.document["status"] = {name: value for name, value in status.items() if value != 0}
        self._new_version()

    # --- the API server --------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.method, body))
        if request.method in self.instead:
            return await self.instead[request.method](request)
        response = self._refusal(request, body) or await self._grant(request, body)
        if request.method in self.afterwards:
            return await self.afterwards[request.method](request)
        return response

    def _review(self, token: str, body: bytes) -> web.Response:
        """Whether the asking one has a right."""
        asked = json.loads(body)["spec"]["resourceAttributes"]
        mine = {"namespace": NAMESPACE, "group": "apps", "resource": "deployments", "name": NAME}
        allowed = asked.pop("verb") in self.rights[token] and asked == mine
        return web.json_response(
            {"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}, status=201
        )

    def _refusal(self, request: web.Request, body: bytes) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.rights:
            return _status(401, "Unauthorized")
        if request.path == REVIEWS and request.method == "POST":
            return self._review(token, body)
        verb = request.method.lower()
        if verb not in self.rights[token]:
            return _status(403, f'deployments.apps "{NAME}" is forbidden: "{token}" cannot {verb} resource')
        if request.path != PATH:
            return _status(404, "deployments.apps not found")
        return None

    async def _grant(self, request: web.Request, body: bytes) -> web.Response:
        if request.method == "GET":
            return web.json_response(self.document)
        if self.pause_before_patch is not None:
            await self.pause_before_patch.wait()
        if request.headers.get("Content-Type") != STRATEGIC_MERGE:
            return _status(415, "the body of the request was in an unknown format")
        patch = json.loads(body)
        version = patch.get("metadata", {}).get("resourceVersion")
        if version is not None and version != self.document["metadata"]["resourceVersion"]:
            return _status(
                409, "the object has been modified; please apply your changes to the latest version"
            )
        annotations = patch["spec"]["template"]["metadata"]["annotations"]
        if not all(isinstance(value, str) for value in annotations.values()):
            return _status(400, "cannot restore map from a value that is no string")
        self._merge(patch)
        return web.json_response(self.document)

    def _merge(self, patch: dict[str, Any]) -> None:
        before = copy.deepcopy(self.document)
        _merge_into(self.document, patch)
        if self.document == before:
            return  # nothing changed, and nothing is written
        if self.document["spec"] != before["spec"]:
            self.document["metadata"]["generation"] += 1
        if self.document["spec"]["template"] != before["spec"]["template"]:
            self.restarts += 1
        self._new_version()

    def _new_version(self) -> None:
        metadata = self.document["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)


def _a_deployment(replicas: int) -> dict[str, Any]:
    """One that was rolled out long ago, with things in it that are no concern of ours."""
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": "0c6e1f1e-0000-4000-8000-000000000001",
            "resourceVersion": "1000",
            "generation": 4,
            "annotations": {"deployment.kubernetes.io/revision": "4"},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {"labels": {"app": NAME}, "creationTimestamp": None},
                "spec": {"containers": [{"name": "main", "image": "processor:7"}]},
            },
        },
        "status": {
            "observedGeneration": 4,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas,
            "availableReplicas": replicas,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    }


def _annotations(annotations: dict[str, str]) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


def _merge_into(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, value in patch.items():
        if isinstance(value, dict):
            _merge_into(target.setdefault(name, {}), value)
        elif value is None:
            target.pop(name, None)
        else:
            target[name] = value


def _status(code: int, message: str) -> web.Response:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return web.json_response(document, status=code)
