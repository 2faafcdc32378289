"""How is the API server of a Kubernetes cluster reached: by which name, with whose rights, trusting whom?

The certificates of clusters are signed by authorities of their own, and their
tokens come from a service account or from Entra ID. What is missing of these is
found before anything is sent, and is known to have changed nothing.
"""

import base64
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from remediation.act.answer import Answer, scrub
from remediation.act.http import Door, json_body
from remediation.act.secret import ReadSecret, refused_for_missing
from remediation.ledger.intent import Outcome, OutcomeKind
from remediation.tokens import Bearer, TokenUnavailableError
from rules.topology import Deployment, SecretRef

AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The API servers of all AKS clusters with Entra ID."""

DOCUMENT_BYTES = 2 * 1024 * 1024
"""No object in a cluster is larger: etcd takes 1.5 MiB."""

_JSON = {"Accept": "application/json"}
_CREATE = {"Content-Type": "application/json"}
_PATCH = {"Content-Type": "application/strategic-merge-patch+json"}


class NotReadyError(Exception):
    """Nothing was sent, for want of a token or of trust."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Reached:
    """What the API server answered; `said` are its own words, without our token."""

    answer: Answer
    said: str


class Clusters:
    """The API servers. Each request is sent once."""

    def __init__(
        self,
        door: Door,
        read_secret: ReadSecret,
        tokens: Bearer | None = None,
        *,
        trusting: Callable[[ssl.SSLContext], Door] | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Nothing is asked for yet.

        Args:
            door: for clusters whose certificate authority this machine trusts.
            read_secret: gives tokens and authorities.
            tokens: the worker's own identity.
            trusting: makes the door for a cluster with an authority of its own.
            timeout_seconds: for one request.
        """
        self._door = door
        self._read_secret = read_secret
        self._tokens = tokens
        self._trusting = trusting
        self._timeout_seconds = timeout_seconds
        self._doors: dict[str, Door] = {}

    async def get(self, target: Deployment) -> Reached:
        """Fetch the deployment.

        Raises:
            NotReadyError: nothing was sent.
        """
        return await self._send("GET", target, {}, None)

    async def patch(self, target: Deployment, body: bytes) -> Reached:
        """Change the deployment by a strategic merge patch.

        Raises:
            NotReadyError: nothing was sent.
        """
        return await self._send("PATCH", target, _PATCH, body)

    async def ask_may_patch(self, target: Deployment) -> Reached:
        """Ask the cluster whether we might change the deployment, as `kubectl auth can-i` does.

        Raises:
            NotReadyError: nothing was sent.
        """
        return await self._send("POST", target, _CREATE, json_body(_review(target)), url=_reviews(target))

    async def close(self) -> None:
        """Give up the connections to clusters with an authority of their own."""
        doors, self._doors = self._doors, {}
        for door in doors.values():
            await door.close()

    async def _send(
        self,
        method: str,
        target: Deployment,
        headers: dict[str, str],
        body: bytes | None,
        *,
        url: str | None = None,
    ) -> Reached:
        door = self._door_to(target)
        token = await self._token(target)
        answer = await door.send(
            method,
            url or _url(target),
            {"Authorization": f"Bearer {token}", **_JSON, **headers},
            body,
            timeout_seconds=self._timeout_seconds,
            body_bytes=DOCUMENT_BYTES,
        )
        return Reached(answer, _said(answer, [token]))

    async def _token(self, target: Deployment) -> str:
        if target.token is not None:
            return self._secret(target.token)
        if self._tokens is None:
            raise NotReadyError(Outcome(OutcomeKind.REFUSED, "no token and no identity is configured"))
        try:
            return await self._tokens.bearer(AKS_SCOPE)
        except TokenUnavailableError as error:
            raise NotReadyError(Outcome(OutcomeKind.TRANSIENT, f"no token: {error}")) from error

    def _door_to(self, target: Deployment) -> Door:
        if target.ca is None:
            return self._door
        authority = self._secret(target.ca)
        if authority not in self._doors:
            if self._trusting is None:
                words = "no door is made for a certificate authority of the cluster's own"
                raise NotReadyError(Outcome(OutcomeKind.REFUSED, words))
            try:
                context = trust_in(authority)
            except ValueError as error:
                words = f"environment variable {target.ca.name} holds no certificate authority in PEM"
                raise NotReadyError(Outcome(OutcomeKind.REFUSED, words)) from error
            self._doors[authority] = self._trusting(context)
        return self._doors[authority]

    def _secret(self, ref: SecretRef) -> str:
        value = self._read_secret(ref)
        if value is None:
            raise NotReadyError(refused_for_missing(ref))
        return value


def trust_in(authority: str) -> ssl.SSLContext:
    """Trust in that certificate authority, in PEM or in base64 of it, and in no other.

    Raises:
        ValueError: it is none.
    """
    pem = authority if "-----BEGIN" in authority else base64.b64decode(authority).decode()
    if not pem:
        raise ValueError("empty")  # for which `ssl` would trust all that the machine trusts
    try:
        context = ssl.create_default_context(cadata=pem)
    except ssl.SSLError as error:
        raise ValueError("no certificate") from error
    # Set from Python 3.13 on, and the certificates of many clusters lack what it asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class _Refusal(BaseModel):
    """The API server's answer to a request that it does not grant."""

    kind: Literal["Status"]
    message: str = ""


def _said(answer: Answer, hide: Iterable[str]) -> str:
    try:
        return scrub(_Refusal.model_validate_json(answer.body).message, hide)
    except ValidationError:
        return answer.said(hide)


def _reviews(target: Deployment) -> str:
    return f"{target.api_server.rstrip('/')}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def _review(target: Deployment) -> dict[str, Any]:
    what = {"group": "apps", "resource": "deployments", "name": target.deployment}
    asked = {"namespace": target.namespace, "verb": "patch", **what}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }


def _url(target: Deployment) -> str:
    namespace, name = quote(target.namespace, safe=""), quote(target.deployment, safe="")
    base = target.api_server.rstrip("/")
    return f"{base}/apis/apps/v1/namespaces/{namespace}/deployments/{name}?fieldManager=remediation"
