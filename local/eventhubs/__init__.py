"""Event Hubs on this machine: a broker that the unmodified azure-eventhub SDK talks to.

It speaks AMQP 1.0 on loopback and keeps its events on disk. Bottom up: `amqp`, `decoding` and
`frames` are the wire; `segment`, `log`, `cursor` and `position` the disk; `message` and `hub`
the events; `tokens`, `requests`, `link`, `terminus`, `session` and `connection` the protocol;
`broker` ties them together.
"""

from local.eventhubs.broker import Broker
from local.eventhubs.log import Retention
from local.eventhubs.segment import CorruptLogError

__all__ = ["Broker", "CorruptLogError", "Retention"]
