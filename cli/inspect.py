"""`remediation inspect`: what does the worker make of a body?"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.config import settings, workloads
from cli.out import NO, Json, fail, print_json, say
from remediation.intake.read import Reading, read
from remediation.intake.rejection import Rejection
from remediation.intake.subject import Known
from rules.conditions import words
from rules.signals import Signal
from rules.topology import Workload


def inspect(
    file: Annotated[str, typer.Argument(help="A file with one body, or - for standard input.")],
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Print the signals in a body, or the reason why it is rejected (exit status 1)."""
    known = workloads(settings())
    body = _body(file)
    try:
        reading = read(body, Known(known))
    except Rejection as why:
        _rejected(str(why.code), why.reason, json=json)
    answer = _answer(reading, known)
    if json:
        print_json(answer)
    else:
        _show(answer)
    if not answer["accepted"]:
        raise typer.Exit(NO)


def _body(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")


def _rejected(code: str, reason: str, *, json: bool) -> None:
    answer: dict[str, Any] = {"family": None, "accepted": False, "reason": f"{code}: {reason}", "signals": []}
    if json:
        print_json(answer)
    else:
        say(f"rejected: {answer['reason']}", "red")
    raise typer.Exit(NO)


def _answer(reading: Reading, known: dict[str, Workload]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "family": reading.family,
        "accepted": bool(reading.signals),
        "reason": "; ".join(f"{item.code}: {item.reason}" for item in reading.rejected),
        "signals": [_signal(signal, known[signal.subject.workload], now) for signal in reading.signals],
    }


def _signal(signal: Signal, workload: Workload, now: datetime) -> dict[str, Any]:
    why = signal.why or _too_old(signal, workload, now)
    return {
        "id": signal.id,
        "workload": signal.subject.workload,
        "stamp": signal.subject.stamp,
        "node": signal.subject.node,
        "source": signal.source,
        "health": signal.health,
        "condition": signal.condition,
        "alert": signal.alert,
        "severity": signal.severity,
        "observed_at": signal.observed_at,
        "reasons": list(signal.reasons),
        "may_act": signal.may_act and not why,
        "why": why,
    }


def _too_old(signal: Signal, workload: Workload, now: datetime) -> str:
    policy = workload.policy
    limit = policy.fresh_for if signal.health else policy.may_act_for
    age = now - signal.observed_at
    return f"observed {words(age)} ago; it may act for {words(limit)}" if age > limit else ""


def _show(answer: dict[str, Any]) -> None:
    say(f"family: {answer['family']}")
    for signal in answer["signals"]:
        subject = "/".join(
            part for part in (signal["workload"], signal["stamp"] or "global", signal["node"]) if part
        )
        says = signal["health"] or f"alert {signal['alert']} {signal['condition']}"
        say(f"{subject}: {says}, observed at {signal['observed_at'].isoformat()}", "bold")
        for reason in signal["reasons"]:
            say(f"  {reason}")
        say(f"  id: {signal['id']}")
        say("  may act" if signal["may_act"] else f"  must not act: {signal['why']}")
    if answer["reason"]:
        say(f"rejected: {answer['reason']}", "red")
