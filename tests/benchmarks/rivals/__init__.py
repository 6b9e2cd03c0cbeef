"""The same join by Groundswell and by what somebody would take instead, on one log: `make bench`.

Law: nobody wins by doing less.  Everybody reads the same filled log with one worker process on one core, and its last
values are compared with a truth that is computed apart, key by key.  A run whose values differ has no figure.
"""
