"""How does the worker tell what it does to those who run it: logs and counts.

One log line per decision, never per event; every line about a decision carries
the workload and the ids. Counts are kept in the process and shown by `/readyz`.
"""

import logging
import sys
from collections import Counter

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("remediation")


class Tally:
    """Counts since the process began, by name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Count something that happened."""
        self._counts[name] += count

    def counts(self) -> dict[str, int]:
        """All counts, by name."""
        return dict(sorted(self._counts.items()))


def configure(*, json: bool, level: str = "INFO") -> None:
    """Send structlog through the standard library, as JSON or for a terminal.

    The Functions host collects the standard library's log records; so does a test.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Plain tracebacks: pretty ones show local variables, and those hold bodies and secrets.
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    rendering = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()] if json else [console]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:  # in Azure, Microsoft's: without it no line reaches Application Insights
        handler.setFormatter(formatter)
    root.setLevel(level)
    # The SDKs tell every request and every AMQP frame at INFO.
    for noisy in ("azure", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
