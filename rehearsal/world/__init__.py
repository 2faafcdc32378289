"""What is there, behind the ports? One file for each thing, each with its rules and where they come from.

The rules are those of `AZURE-FACTS.md`, whose sections the modules name. Nothing in here knows the
engine: it has a truth of its own, and is only looked at and moved through the ports.
"""
