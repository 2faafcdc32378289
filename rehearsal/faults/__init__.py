"""What can go wrong with a worker, at which of its calls, and when?

`kinds` names the faults of single calls, `inject` lets them happen, `troubles` are those that last.
`schedule` is one choice of both, `choice` makes all that there are, and `trial` runs one, in a world
that writes down what checkers need.
"""
