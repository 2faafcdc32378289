"""A workload that is broken on purpose, and the worker that saves it, to be watched in a terminal."""
