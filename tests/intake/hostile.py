"""What may an enemy, a bug or a broken line make of the bodies that we know?

A generator with a seed: the same bodies in every run, so that a failure can be
found again. Secrets are planted where bodies hold them, and where they do not.
"""

import gzip
import json
import random
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from remediation.intake.limits import (
    MAX_BODY,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ELEMENTS,
    MAX_ITEM,
    MAX_ITEMS,
    MAX_STRING,
)
from tests.intake.bodies import BODIES, a_health_event, an_alert_body

MARK = "s3cr3tMARK"
"""Never to be seen again, wherever a secret stood."""

CLAIMS = json.dumps({"aud": "https://management.example", "iat": "1519876543", "name": MARK})
SHAPED = (
    f"eyJhbGciOiJub25l.eyJ{MARK}.{MARK}",
    f"https://a.example/b?sv=1&sig={MARK}%3D&se=2",
    f"Authorization: Bearer {MARK}",
    f"SharedAccessSignature {MARK}",
    f"AccountKey={MARK}==;EndpointSuffix=x",
    f"password={MARK}",
    f"https://w.example/api/alerts?code={MARK}",
    f'{{"client_secret": "{MARK}", "password":"{MARK}"}}',
    f"postgres://reader:{MARK}@db.example/shop",
    f"sqlcmd --password {MARK}",
    f"passwd={MARK}",
    f"ghp_{MARK}0123456789",
)
"""Secrets that are known by their shape, wherever they stand."""

HEADERS = {"Authorization": f"Bearer {MARK}", "x-functions-key": MARK, "User-Agent": "IcMBroadcaster/1.0"}

WORDS_OF_A_SENTENCE = 3
_WORD = re.compile(r"(?<![\w/.-])[A-Za-z]{2,}(?![\w/.-])")

PRIVATE = ("headers", "httpRequest")

TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(b"NaN", b"-Infinity", b"1e999", b"9" * 21, b"\\ud800", b"\\u0000", b"null", b'"":', b'"data":{},'),
)

Value = Any
Change = Callable[[random.Random, Value], Value]


class Hostile(NamedTuple):
    """A body, and by which kind of change it came to be."""

    kind: str
    body: bytes


RAW = [path.read_bytes() for path in BODIES]
VALUES = [json.loads(raw) for raw in RAW]


def deep(levels: int, inner: Value = None) -> Value:
    """An object in an array in an object."""
    for level in range(levels):
        inner = {"a": inner} if level % 2 else [inner]
    return inner


ODD: tuple[Value, ...] = (
    *(None, True, 0, -1, 0.5, 10**19, 10**30, 1e308, float("nan"), float("-inf")),
    *(
        "",
        " ",
        "x" * 5_000,
        "\ud800",
        "a\udc00b",
        "\u202e\x00\x1b[31m",
        "ß" * 300,
        "\U0010ffff" * 300,
        "{",
        '{"a":',
        "[[[",
        "null",
    ),
    *([], {}, [[]], [None], {"": None}, [{}] * 50, deep(12), deep(MAX_DEPTH), deep(MAX_DEPTH + 8)),
    *(
        "2026-13-45T99:99:99Z",
        "9999-12-31T23:59:59.9999999-23:59",
        "0001-01-01T00:00:00+23:59",
        "0/0/0 0:00:00 AM",
    ),
    *("/subscriptions/" * 50, "/resourceGroups//providers//", "Resolved", "Fired", "Global", "stamps/weu"),
    *(["/subscriptions/x"] * 200, {"name": {"name": []}}, {f"k{i}": i for i in range(50)}),
    *SHAPED,
)


def places(value: Value) -> list[tuple[Any, Any]]:
    """Every container in a value with every key or index in it, but for what is private: it stays whole."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        for key in keys:
            if key != "claims":
                found.append((each, key))
                todo += [each[key]] if key not in PRIVATE else []
    return found


def planted(value: Value) -> Value:
    """The same with a secret in each place where bodies hold one."""
    if isinstance(value, dict):
        changed: dict[str, Any] = {
            key: CLAIMS if key == "claims" else planted(inner) for key, inner in value.items()
        }
        if isinstance(changed.get("headers"), dict):
            changed["headers"] |= HEADERS
        if isinstance(changed.get("activityLog"), dict) or "alertContext" in changed:
            where = "activityLog" if "activityLog" in changed else "alertContext"
            if isinstance(changed[where], dict):
                changed[where] = {**changed[where], "claims": CLAIMS, "httpRequest": dict(HEADERS)}
        return changed
    return [planted(each) for each in value] if isinstance(value, list) else value


def worded(value: Value, secret: str) -> Value:
    """The same with a secret at the end of every sentence that a sender wrote."""
    if isinstance(value, dict):
        return {key: worded(inner, secret) for key, inner in value.items()}
    if isinstance(value, str) and len(_WORD.findall(value)) >= WORDS_OF_A_SENTENCE:
        return f"{value} {secret}"
    return [worded(each, secret) for each in value] if isinstance(value, list) else value


def _fresh(chance: random.Random) -> Value:
    return planted(json.loads(chance.choice(RAW)))


def _odd_value(chance: random.Random, value: Value) -> Value:
    container, key = chance.choice(places(value) or [([value], 0)])
    container[key] = deepcopy(chance.choice(ODD))
    return value


def _without(chance: random.Random, value: Value) -> Value:
    container, key = chance.choice(places(value) or [([value], 0)])
    del container[key]
    return value


def _swapped(chance: random.Random, value: Value) -> Value:
    ours = places(value)
    theirs = places(_fresh(chance)) if chance.random() < 0.5 else ours
    if ours and theirs:
        (one, key), (other, name) = chance.choice(ours), chance.choice(theirs)
        if name not in PRIVATE:
            one[key] = deepcopy(other[name])
    return value


def _other_key(chance: random.Random, value: Value) -> Value:
    named = [(container, key) for container, key in places(value) if isinstance(container, dict)]
    if named:
        container, key = chance.choice(named)
        container[chance.choice([key.upper(), key.lower(), key + " ", "", key[::-1]])] = container.pop(key)
    return value


def _wrapped(chance: random.Random, value: Value) -> Value:
    text = json.dumps(value)
    wraps: list[Value] = [
        *([value], [value] * chance.randint(2, 5), [[value]], {"records": [value]}, {"records": value}),
        *({"data": value}, {"data": {"data": value}}, {"value": [value]}, {"essentials": value}, text),
        *(
            {"headers": HEADERS, "body": value},
            {"headers": HEADERS, "body": text},
            {"headers": HEADERS, "body": text[:-1]},
        ),
        {"headers": HEADERS, "body": {"$content-type": "x", "$content": b64encode(text.encode()).decode()}},
        {"headers": HEADERS, "body": {"$content": text}},
        {"headers": HEADERS, "body": {"headers": HEADERS, "body": value}},
        {"records": [{"records": [value]}, {"headers": HEADERS, "body": text}, None, 7]},
        {"specversion": "1.0", "type": "x", "id": "1", "source": "/x", "data": value},
        [value, deepcopy(chance.choice(ODD)), _fresh(chance)],
    ]
    return chance.choice(wraps)


def _odd_values(chance: random.Random, value: Value) -> Value:
    for _ in range(chance.randint(2, 6)):
        value = _odd_value(chance, value)
    return value


CHANGES: dict[str, Change] = {
    "odd value": _odd_value,
    "odd values": _odd_values,
    "missing": _without,
    "swapped": _swapped,
    "other key": _other_key,
    "wrapped": _wrapped,
    "wrapped odd": lambda chance, value: _wrapped(chance, _odd_value(chance, value)),
}


def _of_bytes(chance: random.Random, body: bytes) -> Hostile:
    """A body as a broken line, or another encoding, makes it."""
    at = chance.randrange(len(body) + 1)
    flipped = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        flipped[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    until = at + chance.randint(1, 200)
    return chance.choice(
        [
            Hostile("cut", body[:at]),
            Hostile("flipped", bytes(flipped)),
            Hostile("inserted", body[:at] + chance.choice(TOKENS) + body[at:]),
            Hostile("taken out", body[:at] + body[until:]),
            Hostile("repeated", body[:until] + body[at:]),
            Hostile("doubled", body + body),
            Hostile("byte-order mark", b"\xef\xbb\xbf" * chance.randint(1, 2) + body),
            Hostile("other encoding", body.decode().encode(chance.choice(["utf-16", "utf-16-be", "utf-32"]))),
            Hostile("compressed", gzip.compress(body, 1, mtime=0)),
            Hostile(
                "duplicate key", body.replace(b"{", b'{"data":0,"schemaId":1,"id":2,', chance.randint(1, 3))
            ),
        ]
    )


def mutations(count: int, seed: int = 4) -> Iterator[Hostile]:
    """So many changed bodies of the corpus: a third by bytes, the others by values, with secrets planted."""
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    kinds = list(CHANGES.items())
    for number in range(count):
        if number % 3 == 0:
            yield _of_bytes(chance, chance.choice(RAW))
            continue
        kind, change = kinds[number % len(kinds)]
        yield Hostile(kind, json.dumps(change(chance, _fresh(chance))).encode())


def _alert(context: Value = None, **essentials: Value) -> bytes:
    return json.dumps(an_alert_body(context, **essentials)).encode()


def _entry(**fields: Value) -> bytes:
    entry = {
        "operationName": "Microsoft.Compute/virtualMachines/write",
        "eventTimestamp": "2026-03-01T03:00:00Z",
        "status": "Failed",
        "level": "Error",
        **fields,
    }
    return _alert(entry, signalType="Activity Log", monitoringService="Activity Log - Administrative")


def _incident(services: Value) -> bytes:
    said = {
        "trackingId": "AAAA-111",
        "stage": "Active",
        "incidentType": "Incident",
        "impactedServices": services,
    }
    return _alert(
        {
            "operationName": "Microsoft.ServiceHealth/incident/action",
            "eventTimestamp": "2026-03-01T03:00:00Z",
            "properties": said,
        },
        signalType="Activity Log",
        monitoringService="ServiceHealth",
    )


def _grown(make: Callable[[int], bytes], most: int) -> Iterator[bytes]:
    """The same with ever more in it, up to what a limit lets through and a step beyond."""
    count = 1
    while len(body := make(count)) <= most:
        yield body
        count *= 4
    yield body


def _full(make: Callable[[int], bytes], most: int) -> bytes:
    """With as much in it as the limit lets through, to within a few hundredths."""
    hundred, thousand = len(make(100)), len(make(1000))
    return make(int(0.98 * (most - hundred) / ((thousand - hundred) / 900)))


MANY: dict[str, Callable[[int], bytes]] = {
    "targets": lambda n: _alert(alertTargetIDs=["/a"] * n),
    "distinct targets": lambda n: _alert(
        alertTargetIDs=[f"/subscriptions/{i}/resourceGroups/g{i}/providers/a/b/c" for i in range(n)]
    ),
    "criteria": lambda n: _alert({"condition": {"allOf": [{"metricName": "m"}] * n}}),
    "dimensions": lambda n: _alert(
        {"condition": {"allOf": [{"dimensions": [{"name": "stamp", "value": f"{i}"} for i in range(n)]}]}}
    ),
    "labels": lambda n: _alert({"labels": {f"region{i}": "West Europe" for i in range(n)}}),
    "description": lambda n: _alert(description="<p>sig=" * n),
    "blanks": lambda n: _alert(description=" \t" * n, alertRule="/" * n),
    "addresses": lambda n: _entry(properties={"statusMessage": "a.b+c-" * n + "@"}),
    "quotes in a string": lambda n: _entry(properties={"statusMessage": '{"' * n}),
    "errors": lambda n: _entry(
        properties={"statusMessage": {"details": [{"code": "X", "message": "code: abc"}] * n}}
    ),
    "silent errors": lambda n: _entry(
        properties={"statusMessage": {"details": [{"details": [{}] * 50}] * n}}
    ),
    "errors in strings": lambda n: _entry(
        properties={
            "statusMessage": json.dumps({"error": {"message": json.dumps({"details": [{"code": "Y"}] * n})}})
        }
    ),
    "services": lambda n: _incident([{"ServiceName": f"s{i}"} for i in range(n)]),
    "regions": lambda n: _incident(
        [{"ServiceName": "AKS", "ImpactedRegions": [{"RegionName": "West Europe"}] * n}]
    ),
    "services in a string": lambda n: _incident(
        json.dumps([{"ServiceName": "AKS", "ImpactedRegions": []}] * n)
    ),
    "tags": lambda n: _alert(
        {
            "operationName": "Microsoft.ServiceHealth/incident/action",
            "eventTimestamp": "2026-03-01T03:00:00Z",
            "properties": {
                "trackingId": "A",
                "stage": "Active",
                "region": "Global",
                "service": "AKS",
                "communication": "<p" * n,
            },
        },
        monitoringService="ServiceHealth",
    ),
    "reasons": lambda n: json.dumps(a_health_event(reasons=["\x00" * 9] * n)).encode(),
    "unknown keys": lambda n: json.dumps({**a_health_event(), **{f"k{i}": i for i in range(n)}}).encode(),
    "relayed": lambda n: json.dumps(
        {"headers": HEADERS, "body": _alert(alertTargetIDs=["/a"] * n).decode()}
    ).encode(),
}
"""Bodies that grow in one place."""

MANY_ITEMS: dict[str, Callable[[int], bytes]] = {
    "events": lambda n: b"[" + b",".join([json.dumps(a_health_event(other="é")).encode()] * n) + b"]",
    "alerts": lambda n: b"[" + b",".join([_alert()] * n) + b"]",
    "records": lambda n: b'[{"records":[' + b",".join([b"{}"] * n) + b"]}]",
    "rejected": lambda n: (
        b"[" + b",".join([b'{"type":"' + b"a.b@" * 40 + b'","specversion":"1.0"}'] * n) + b"]"
    ),
    "relays": lambda n: json.dumps([{"headers": {}, "body": "[" * 20}] * n).encode(),
}


def bombs() -> Iterator[Hostile]:
    """Bodies at each limit, one below it and one above it, and bodies that grow in one place."""
    for name, make in MANY.items():
        for body in (*_grown(make, MAX_ITEM), _full(make, MAX_ITEM)):
            yield Hostile(name, body)
    for name, make in MANY_ITEMS.items():
        for body in (*(make(MAX_ITEMS + by) for by in (-1, 0, 1)), _full(make, MAX_BODY)):
            yield Hostile(name, body)
    for by in (-1, 0, 1):
        yield Hostile("size", b"{" + b" " * (MAX_ITEM - 2 + by) + b"}")
        yield Hostile("size", b"[" + b" " * (MAX_BODY - 2 + by) + b"]")
        yield Hostile("string", b'{"a":"' + b"x" * (MAX_STRING + by) + b'"}')
        yield Hostile("string", b'{"a":"' + b'\\"' * (MAX_STRING // 2 + by) + b'"}')
        yield Hostile("key", b'{"' + b"x" * (MAX_STRING + by) + b'":1}')
        yield Hostile("digits", b'{"a":' + b"9" * (MAX_DIGITS + by) + b"}")
        yield Hostile("digits", b'{"a":0.' + b"9" * (MAX_DIGITS + by) + b"}")
        yield Hostile("digits", b'{"a":-' + b"9" * 100_000 + b"}")
        yield Hostile("depth", b"[" * (MAX_DEPTH + by) + b"]" * (MAX_DEPTH + by))
        yield Hostile("depth", b'{"a":' * (MAX_DEPTH + by) + b"1" + b"}" * (MAX_DEPTH + by))
        yield Hostile("elements", b"[" + b"1," * (MAX_ELEMENTS - 3 + by) + b"1]")
        yield Hostile("elements", b"[" + b"{}," * (MAX_ELEMENTS // 3 + by) + b"{}]")
        yield Hostile("unclosed", b"[" * (MAX_ITEM + by))
        yield Hostile("unclosed", b'"' * (MAX_ITEM + by))
        yield Hostile("unclosed", b'"\\' * (MAX_STRING + by))
        yield Hostile("surrogates", b'["' + b"\\ud800" * (20_000 + by) + b'"]')
    packed = gzip.compress(b" " * 10_000_000, mtime=0)
    yield Hostile("compressed", packed)
    yield Hostile(
        "compressed", json.dumps({"headers": {}, "body": {"$content": b64encode(packed).decode()}}).encode()
    )
