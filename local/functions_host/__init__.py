"""The same `function_app.py`, on this machine: a small stand-in for the Azure Functions host.

It serves HTTP, timer and Event Hubs triggers. Where it differs from the real host is listed with the
assumptions.
"""

from local.functions_host.errors import HostError
from local.functions_host.host import FunctionsHost

__all__ = ["FunctionsHost", "HostError"]
