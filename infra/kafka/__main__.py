"""python -m infra.kafka up: Apache Kafka on loopback until Ctrl-C, which leaves nothing behind."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from infra.kafka import jars
from infra.kafka.cluster import ApacheKafka
from schemas.errors import Fault


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 after Ctrl-C or SIGTERM, 2 after a Fault (one line on standard error)."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if options.verb == "fetch":
            print(jars.resolve())
        else:
            _up(options.brokers, options.data, options.port)
    except Fault as fault:
        print(f"groundswell: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.kafka", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="bring brokers up and keep them until Ctrl-C")
    up.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    up.add_argument("--data", type=Path, help="folder that is kept (default: a temporary one)")
    up.add_argument("--port", type=int, default=9092, help="of the first broker, the others follow (default: 9092)")
    verbs.add_parser("fetch", help="fetch the jars and print their folder")
    return parser


def _up(brokers: int, data: Path | None, port: int) -> None:
    print("Apache Kafka: fetching its jars if needed, starting (seconds)", file=sys.stderr, flush=True)
    with ApacheKafka(brokers, data=data.absolute() if data else None, port=port) as kafka:
        print(f"ready {kafka.bootstrap}", flush=True)
        while True:
            kafka.stack.check()
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
