"""The `remediation` command, one file per command. Never deployed."""
