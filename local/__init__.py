"""Azure on one machine: what the worker needs around it, for trying out and for tests. Never deployed."""
