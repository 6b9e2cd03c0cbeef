"""The page as a process of its own.

Not in conftest.py: a test that imports from `conftest` gets that of whichever folder pytest read last.
"""

from __future__ import annotations

import sys

from infra.processes.ports import free_port, listens
from infra.processes.stack import Stack


def serve(stack: Stack, name: str, store: str, **more: str) -> str:
    """The page as a child of `stack`; its address."""
    port = free_port()
    argv = [sys.executable, "-m", "streams.commands", "page", "--port", str(port)]
    environment = {"GROUNDSWELL_STORE": store, **more}
    stack.start(name, argv, env=environment, ready=lambda: listens(port), disposable=True)
    return f"http://127.0.0.1:{port}"
