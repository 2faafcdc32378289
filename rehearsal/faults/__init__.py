"""What can go wrong with a worker, at which of its calls, and when?

`kinds` names the faults of single calls, `inject` lets them happen, `troubles` are those that last,
`schedule` is one choice of both, `trial` runs it, in a world that writes down what checkers need.
"""
