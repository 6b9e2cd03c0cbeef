"""A network of its own: every broker and every worker is a host, and chaos decides which packets arrive.

    network = Network(stack, ["kafka-1", "kafka-2", "attribution-1"])
    network.open()
    stack.start("attribution-1", [*network.enter("attribution-1"), "groundswell", "worker", "attribution"])
    network.drop({("kafka-1", "attribution-1")})    one direction; a packet vanishes, nobody is told
    network.drop(set())

Law: nothing of it is outside.  The program moves itself into a network and a mount namespace without names
(`enter_private`), hosts are further ones, and the kernel removes all of them when the last process in them ends: after
Ctrl-C, a crash or SIGKILL too, because the guard of the stack ends every child.  The outer namespace is the router, so
one table of rules holds every split.  Its addresses are of RFC 2544's network for tests and lead nowhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.processes.stack import Stack
from schemas.errors import Fault

ROUTER: Final = "router"  # chaos itself, the producer and the proxy before ClickHouse
ROUTER_ADDRESS: Final = "198.18.0.1"
FIRST_HOST: Final = 11
PRIVATE: Final = "GROUNDSWELL_CHAOS_PRIVATE"
REQUIRED: Final = "GROUNDSWELL_REQUIRE_NETWORK"
PROGRAMS: Final = ("unshare", "nsenter", "ip", "iptables-restore")
CHAINS: Final = ("FORWARD", "INPUT", "OUTPUT")

Pair = tuple[str, str]  # from, to


def enter_private(module: str, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Start this program again in namespaces of its own; does not return where it does.

    Returns:
        True: this is the program in its namespaces.  False: the machine does not let it, and it has said so.

    Raises:
        Fault: the machine does not let it, and `GROUNDSWELL_REQUIRE_NETWORK` says that it must.
    """
    if is_private(environment):
        return True
    why, command = way_in()
    if not why:
        again = [*command, sys.executable, "-m", module, *arguments]
        os.execvpe(again[0], again, {**environment, PRIVATE: _namespace("self")})
    if environment.get(REQUIRED):
        raise Fault(
            "machine", f"no network of its own: {why}", f"Mend it, or unset {REQUIRED} and go on without splits."
        )
    print(f"chaos: no network of its own ({why}): nothing is split, no disk gets full", flush=True)
    return False


def is_private(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is no longer in the network that it was started in."""
    return environment.get(PRIVATE, _namespace("self")) != _namespace("self")


def way_in() -> tuple[str, list[str]]:
    """Why there is none, and else the command that runs another one in private namespaces."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} missing", []
    command = ["unshare", "--net", "--mount", "--"]
    if os.geteuid() != 0:
        command[1:1] = ["--user", "--map-root-user"]
    # All that is asked for later, once: an address, a rule, a mount.
    trial = (
        "ip link add name trial type veth peer name other && ip link set lo up && mount -t tmpfs none /mnt && "
        "printf '*filter\\n-A FORWARD -s 198.18.0.11 -d 198.18.0.12 -j DROP\\nCOMMIT\\n' | iptables-restore -w"
    )
    done = subprocess.run([*command, "sh", "-ec", trial], capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["unshare failed"])[-1], []
    return "", command


class Network:
    """Hosts around a router.  Only inside `enter_private`.

    Args:
        stack: whose children the hosts' processes are; they hold the namespaces.
        hosts: their names.
    """

    def __init__(self, stack: Stack, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self.address: Final = {name: f"198.18.0.{FIRST_HOST + place}" for place, name in enumerate(hosts)}
        self.address[ROUTER] = ROUTER_ADDRESS
        self._stack = stack

    def open(self) -> None:
        """Make the hosts and their ways to each other.

        Raises:
            Fault: the machine does not let us.
        """
        if not is_private():
            raise Fault("machine", "this is the machine's own network", "Call enter_private first.")
        run("ip", "link", "set", "lo", "up")
        run("ip", "address", "replace", f"{ROUTER_ADDRESS}/32", "dev", "lo")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for name in self.hosts:
            self._add(name)

    def close(self) -> None:
        """Take the cables away, for another network after this one; the hosts end with the stack."""
        self.drop(())
        for name in self.hosts:
            with suppress(Fault):  # it was never laid
                run("ip", "link", "delete", self._cable(name))

    def enter(self, host: str) -> tuple[str, ...]:
        """What a command begins with that runs on `host`."""
        return ("nsenter", f"--net=/proc/{self._stack.pid_of(_holder(host))}/ns/net", "--")

    def drop(self, pairs: Collection[Pair]) -> None:
        """From now on these directions, and no others, are black holes."""
        rules = [
            f"-A {chain} -s {self.address[sender]} -d {self.address[receiver]} -j DROP"
            for sender, receiver in sorted(pairs)
            for chain in CHAINS
        ]
        run("iptables-restore", "-w", text="\n".join(["*filter", *rules, "COMMIT", ""]))

    def _add(self, name: str) -> None:
        ours, address = _namespace("self"), self.address[name]
        holder = _holder(name)
        self._stack.start(
            holder,
            ["unshare", "--net", "sleep", "infinity"],
            ready=lambda: _namespace(self._stack.pid_of(holder)) != ours,
            patience=0.1,
        )
        cable = self._cable(name)
        holder_pid = str(self._stack.pid_of(holder))
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", holder_pid)
        run("ip", "link", "set", cable, "up")
        run("ip", "route", "add", address, "dev", cable)
        for command in (
            "ip link set lo up",
            f"ip address add {address}/32 dev eth0",
            "ip link set eth0 up",
            f"ip route add {ROUTER_ADDRESS} dev eth0",
            f"ip route add default via {ROUTER_ADDRESS}",
        ):
            run(*self.enter(name), *command.split())

    def _cable(self, name: str) -> str:
        return f"to-{self.address[name].rpartition('.')[2]}"


def run(*command: str, text: str | None = None) -> None:
    """Run a command of the machine's.

    Raises:
        Fault: it failed.
    """
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        what = f"{' '.join(command)}: {done.stderr.strip() or done.returncode}"
        raise Fault("machine", what, "Look at the machine's namespaces and iptables.")


def _holder(host: str) -> str:
    return f"host {host}"


def _namespace(process: int | str) -> str:
    return os.readlink(f"/proc/{process}/ns/net")
