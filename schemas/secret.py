"""A secret comes from a variable, or from the file that the variable of the same name with `_FILE` names.

Law: never from a command line, which everybody on the machine can read; never shown, in no message and no log line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from schemas.errors import Fault

FILE: Final = "_FILE"

# Every secret there is; each may be given by its file in place of itself.
KAFKA_PASSWORD: Final = "GROUNDSWELL_KAFKA_PASSWORD"
STORE_PASSWORD: Final = "GROUNDSWELL_STORE_PASSWORD"
WRITER_PASSWORD: Final = "GROUNDSWELL_WRITER_PASSWORD"
READER_PASSWORD: Final = "GROUNDSWELL_READER_PASSWORD"
PAGE_PASSWORD: Final = "GROUNDSWELL_PAGE_PASSWORD"
GRAFANA_TOKEN: Final = "GROUNDSWELL_GRAFANA_TOKEN"
SECRETS: Final = (
    KAFKA_PASSWORD,
    STORE_PASSWORD,
    WRITER_PASSWORD,
    READER_PASSWORD,
    PAGE_PASSWORD,
    GRAFANA_TOKEN,
)


def secret(environment: Mapping[str, str], name: str) -> str:
    """The secret of that name, without the line's end of a file; empty where neither variable is set.

    Raises:
        Fault: both are set, or the file cannot be read or holds nothing.
    """
    given, file = environment.get(name, ""), environment.get(name + FILE, "").strip()
    if given and file:
        raise both_set(name)
    return read_secret(name + FILE, file) if file else given


def both_set(name: str) -> Fault:
    """What to say to who gives a secret and its file."""
    return Fault("settings", f"{name} and {name}{FILE} are both set", "Set one of them.")


def read_secret(name: str, file: str) -> str:
    """What the file of a variable holds.

    Raises:
        Fault: it cannot be read or holds nothing.
    """
    try:
        held = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:  # its text would show what is in the file
        raise Fault("settings", f"the file of {name} cannot be read (it is no text)", "Mend its name.") from None
    except OSError as error:
        raise Fault("settings", f"the file of {name} cannot be read ({error})", "Mend its name.") from None
    if not held:
        raise Fault("settings", f"the file of {name} is empty", "Write the secret into it.")
    return held
