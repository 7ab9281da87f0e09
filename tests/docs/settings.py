"""The tables of docs/settings.md, made from the code. Run as a script, it writes the page anew."""

import re
from dataclasses import fields
from pathlib import Path

from mnemic import config
from mnemic.server.settings import ServerSettings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

_HEAD = "| setting | environment variable | default | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The whole page."""
    return f"""# Settings

All that can be set from outside. This page is written by `python tests/docs/settings.py`.

## The memory

Of the library's command line, of `mnemic serve` and of `mnemic worker`. They are also lines of the
[configuration file](configuration.md#where-things-are), and most are options of the command line.
[Configuration](configuration.md) says more of each.

{_HEAD}{"".join(map(_row, memory()))}
`MNEMIC_HOME` names the folder of the store and of the configuration file.

## The server

Of `mnemic serve` alone; `--host`, `--port` and `--workers` are options, too. [The server](server.md) says more.

{_HEAD}{"".join(map(_row, server()))}
"""


def memory() -> list[tuple[str, str, str, str]]:
    """Settings of the memory; what they mean says the table in `config`'s docstring."""
    told = {}
    for names, _, meaning in re.findall(
        r"^\| ([\w, ]+) \| (MNEMIC_\w+)[^|]* \| (.*) \|$", config.__doc__, re.MULTILINE
    ):
        told.update(dict.fromkeys(names.split(", "), meaning))
    return [
        (each.name, f"MNEMIC_{each.name.upper()}", _shown(each.default), told[each.name])
        for each in fields(config.Settings)
    ]


def server() -> list[tuple[str, str, str, str]]:
    """Settings of the server; what they mean says the description of each."""
    return [
        (name, f"MNEMIC_SERVER_{name.upper()}", _shown(field.default), field.description)
        for name, field in ServerSettings.model_fields.items()
    ]


def _shown(default: object) -> str:
    if default is None or default == "":
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _row(row: tuple[str, str, str, str]) -> str:
    name, variable, default, meaning = row
    meaning = meaning.replace("|", "\\|")
    return f"| `{name}` | `{variable}` | {default} | {meaning[0].upper()}{meaning[1:].rstrip('.')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page().rstrip("\n") + "\n", encoding="utf-8")
