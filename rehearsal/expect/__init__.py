"""Did the worker do what was expected, and if not, what instead and why?

`words` reads an expectation, `judge` holds it against the history, `why` says what stood in the way.
"""
