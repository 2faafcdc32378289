"""A small workload on this machine, so that the worker has something to look after."""
