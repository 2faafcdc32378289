"""What is a scenario? A workload, a timeline of what happens to it, and what is expected of the worker.

`model` says what may stand in a file, `load` reads it, `workload` makes the workload, `timeline` lets
it happen.
"""
