"""How far does a fault reach?"""

from enum import StrEnum


class Scope(StrEnum):
    """What is broken. Only for `stamp` does a drain help."""

    NONE = "none"
    STAMP = "stamp"
    PARTIAL = "partial"
    GLOBAL = "global"
    EDGE = "edge"
    UNKNOWN = "unknown"
