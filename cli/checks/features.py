"""Can what a workload file asks for beyond its stamps be used: sources, deployments, webhooks?"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from cli.checks.channels import ReadSecret, is_url
from cli.checks.frame import Check, NotWellError
from remediation.act.restart import Restart
from remediation.act.webhook import signing_key
from remediation.ports import Clock
from remediation.probes.health_model import HealthModelStates
from remediation.probes.rounds import NotAnsweredError, Source
from rules.signals import Health
from rules.topology import Deployment, Endpoint, SecretRef, Workload

CONNECT_SECONDS = 5.0

T = TypeVar("T")

_ROLES = {
    "health-score": "check `health_query`; give the worker's identity Log Analytics Reader on the workspace",
    "health-model": "check `health_model`; give the worker's identity Reader on the health model",
    "fired-alerts": "check `fired_alerts`; give the worker's identity Monitoring Reader on the subscription",
}
"""How a source is mended, by its name."""

_KEYS = {"health-score": "health_query", "health-model": "health_model", "fired-alerts": "fired_alerts"}
"""What a source is called in a workload file."""

_HISTORY = (
    "give the worker's identity Microsoft.CloudHealth/healthmodels/entities/getHistory/action on the model"
)

_WRITER = "give the worker `get` and `patch` of that deployment, as Azure Kubernetes Service RBAC Writer does"

_REACH = "check `url`, and the way to it from here"


def source(asked: Source, clock: Clock) -> Check:
    """Whether a source that is asked gives a whole answer, and knows what it is asked about."""
    mend = _ROLES[asked.name]

    async def run() -> str:
        answer = await _answer(asked.ask, clock, mend)
        if answer.failed:
            raise NotWellError(answer.failed, mend)
        unknown = [signal for signal in answer.signals if signal.health is Health.UNKNOWN]
        if unknown:
            said = "; ".join(
                f"{each.subject.node}: {' '.join(each.reasons) or 'unknown'}" for each in unknown
            )
            raise NotWellError(said, mend)
        if isinstance(asked, HealthModelStates):
            await _answer(asked.history_of_some, clock, _HISTORY)
            return f"{len({signal.subject for signal in answer.signals})} entities, and their history"
        if answer.signals:
            return f"{len(answer.signals)} nodes"
        return f"{len(answer.bodies)} alerts within the hour"

    return Check(f"{asked.about}: {_KEYS[asked.name]}", run, slow=mend)


async def _answer(ask: Callable[[datetime], Awaitable[T]], clock: Clock, mend: str) -> T:
    """What comes of asking.

    Raises:
        NotWellError: there is no usable answer.
    """
    try:
        return await ask(clock.now())
    except NotAnsweredError as error:
        raise _unanswered(error.reason, mend) from error
    except (OSError, ValueError) as error:
        raise NotWellError(f"no usable answer ({type(error).__name__})", mend) from error


def _unanswered(reason: str, mend: str) -> NotWellError:
    if reason.startswith("no token"):
        # The rest lists every kind of credential that there is.
        return NotWellError("no token", "see what is said of the identity")
    return NotWellError(reason, mend)


def deployment(workload: Workload, target: Deployment, restart: Restart) -> Check:
    """Whether a deployment can be seen, and might be restarted. Nothing is restarted by it."""

    async def run() -> str:
        seen = await restart.look(target)
        if seen.reason:
            raise _unanswered(seen.reason, f"check `deployments`; {_WRITER}")
        refusal = await restart.forbidden(target)
        if refusal:
            raise NotWellError(f"it cannot be restarted: {refusal}", _WRITER)
        return f"{seen.available} of {seen.replicas} replicas are available, and it may be restarted"

    return Check(f"{workload.name}/{target.stamp}: deployment {target.name}", run)


def webhook(workload: Workload, target: Endpoint, read: ReadSecret) -> Check:
    """Whether a receiver is there. What it does with a step cannot be tried without asking it for one."""

    async def run() -> str:
        url = target.url if isinstance(target.url, str) else _set(target.url, read)
        if not is_url(url):
            raise NotWellError(f"{_where(target.url)} no https URL", "give the receiver's address, whole")
        if target.secret is not None and signing_key(_set(target.secret, read)) is None:
            why = f"{target.secret.name} holds no signing secret"
            raise NotWellError(why, "take the receiver's: `whsec_` and base64")
        await _reach(url)
        signed = "" if target.secret else ", without a signature"
        return f"it is there; a step cannot be tried without taking it{signed}"

    return Check(f"{workload.name}: webhook {target.name}", run)


def _set(ref: SecretRef, read: ReadSecret) -> str:
    value = read(ref)
    if value is None:
        raise NotWellError(
            f"{ref.name} is not set", "set it as an app setting, best as a Key Vault reference"
        )
    return value


def _where(given: SecretRef | str) -> str:
    return f"{given.name} holds" if isinstance(given, SecretRef) else "this is"


async def _reach(url: str) -> None:
    """Open a connection, with its certificate where there is one, and send nothing."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    except socket.gaierror as error:
        raise NotWellError("its name is not resolved", _REACH) from error
    except ssl.SSLError as error:
        raise NotWellError("its certificate is not trusted", _REACH) from error
    except (OSError, TimeoutError) as error:
        raise NotWellError(f"it cannot be reached ({type(error).__name__})", _REACH) from error
    writer.close()
