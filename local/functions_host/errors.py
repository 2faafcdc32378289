"""What does the local host say when an app cannot be served?

One exception type, raised before anything is served, so that a wrong binding is found when the worker
starts and not when the first event arrives at night.
"""


class HostError(Exception):
    """The app, its settings or host.json cannot be served as they are; the message says what to change."""
