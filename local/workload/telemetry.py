"""Does anybody learn how the stamps are? What Azure Monitor and Log Analytics know can fail to arrive."""


class Telemetry:
    """The way of all telemetry.

    Attributes:
        arrives: else no health event, no alert and no score reaches anybody, and queries fail.
    """

    def __init__(self) -> None:
        self.arrives = True


class QueryFailedError(Exception):
    """Log Analytics does not answer."""
