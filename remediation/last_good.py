"""Which files were in force last, where those that are there at a start are bad?

In Azure every change of a file is a new process. What it finds is bad, and what
was good before is gone with the old one, unless somebody has kept it.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from remediation.texts import Texts
from remediation.waiting import Memory


class LastGood:
    """The files that were in force last."""

    def __init__(self, memory: Memory, whose: str) -> None:
        """Nothing is read yet.

        Args:
            memory: beside the ledger.
            whose: tells apart the workers that share a ledger and not their files.
        """
        self._memory = memory
        self._key = f"configuration-{sha256(whose.encode()).hexdigest()[:16]}"

    async def keep(self, texts: Texts) -> None:
        """Keep them, if that can be done. Never raises. They hold no secrets, only the names of these."""
        kept = {"workloads": dict(texts.workloads), "rules": dict(texts.rules)}
        await self._memory.keep(self._key, json.dumps(kept).encode())

    async def recall(self) -> Texts | None:
        """What was kept; None if nothing was, or if it cannot be had or read now. Never raises."""
        content = await self._memory.recall(self._key)
        try:
            kept = json.loads(content or b"")
            return Texts(_files(kept["workloads"]), _files(kept["rules"]))
        except (ValueError, TypeError, KeyError):
            return None


def _files(kept: Any) -> Mapping[str, str]:
    if not isinstance(kept, dict) or not all(isinstance(text, str) for text in kept.values()):
        raise TypeError
    return kept
