"""One worker: a role as a Faust app, and the observation of it.

Law: on any surprise the process exits non-zero and its supervisor starts it again.
"""
