"""Would the worker do the right thing? The whole worker in virtual time, in a world that can be broken.

Never deployed. The engine, the rules, the decisions and the ledger's codec are the real ones; what
lies behind the ports is a world of its own truth (`world/`), under a clock that jumps (`clock`).

Where to begin:

- `scenario/` is the format of a scenario file: a workload, a timeline, expectations. A scenario is
  read by `scenario.load`, acted out by `run.rehearse`, and judged by `expect`.
- `gate.Gate` is the one place through which every call of every worker passes. A `gate.Faults`
  given to `run.rehearse` stands around each call: it may delay, refuse, repeat, lose the answer, let
  the effect land late, or end the process in the middle of it.
- `history.History` is all that a checker may read: what was sent, written, done and told, in order.
- The same scenario with the same seed gives the same history, byte for byte.
"""
