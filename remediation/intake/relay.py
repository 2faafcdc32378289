"""Did somebody forward a body together with the headers of its request?

Logic apps hand on what they received as `{headers, body}`. The headers hold keys
and tokens of others: they are dropped here, and nothing is ever said of them. The
body is what counts, and may be JSON, JSON in a string, or base64.
"""

from base64 import b64decode

from remediation.intake import limits
from remediation.intake.loose import Table
from remediation.intake.rejection import Code, Rejection

_CONTENT = "$content"


def unwrapped(value: object) -> object:
    """The body that was forwarded; anything that is no wrapper, as it is. Once: no wrapper in a wrapper.

    Raises:
        Rejection: the body was forwarded as a string or as base64, and no JSON that can be read is in it.
    """
    if not isinstance(value, dict) or not _is_wrapper(value):
        return value
    body = value["body"]
    if isinstance(body, dict) and isinstance(body.get(_CONTENT), str):
        # So they write what came with a media type that they do not know, such as that of CloudEvents.
        return _parsed(_decoded(body[_CONTENT]))
    return _parsed(body.encode()) if isinstance(body, str) else body


def _is_wrapper(value: Table) -> bool:
    return isinstance(value.get("headers"), dict) and "body" in value


def _decoded(content: str) -> bytes:
    try:
        return b64decode(content, validate=True)
    except ValueError:  # not the alphabet of base64, or its length
        raise Rejection(Code.NOT_JSON, "body.$content: base64 was expected") from None


def _parsed(body: bytes) -> object:
    try:
        return limits.parse(body)
    except Rejection as rejection:
        raise Rejection(rejection.code, f"in the forwarded `body`: {rejection.reason}") from None
