"""How do facts become effects? The loop between the pure core and the outside world."""

from remediation.engine.cycle import Engine, Ports

__all__ = ["Engine", "Ports"]
