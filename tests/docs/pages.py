"""The pages, their code blocks, and the modules these are taken from. Run as a script, it rewrites blocks and tables."""

import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
MODULES = sorted((ROOT / "docs_src").glob("*.py"))

_BLOCK = re.compile(
    r"(?:^<!-- (?P<how>code|printed): (?P<module>\w+\.py)(?: (?P<part>\w+))? -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PART = re.compile(r"^ *# begin (?P<name>\w+)\n(?P<text>.*?)^ *# end (?P=name)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `module` when a comment above it says where it comes from.

    <!-- code: tour.py scopes -->      the part between `# begin scopes` and `# end scopes`
    <!-- printed: tour.py -->          consecutive lines that the module prints, … standing for anything
    """

    page: str
    language: str
    text: str
    how: str | None
    module: str | None
    part: str | None


def blocks() -> list[Block]:
    return [
        Block(
            page=page.name,
            language=found["language"],
            text=found["text"],
            how=found["how"],
            module=found["module"],
            part=found["part"],
        )
        for page in PAGES
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def parts(module: str) -> dict[str, str]:
    source = (ROOT / "docs_src" / module).read_text(encoding="utf-8")
    return {found["name"]: textwrap.dedent(found["text"]).strip("\n") + "\n" for found in _PART.finditer(source)}


def is_printed(block: str, output: str) -> bool:
    lines = [".*".join(map(re.escape, line.split("…"))) for line in block.splitlines()]
    return re.search("^" + "\n".join(lines) + "$", output, re.MULTILINE) is not None


def slots_table() -> str:
    """The attributes of `slots.toml` under the headings they have there: one value at a time, or side by side."""
    source = (ROOT / "src" / "mnemic" / "slots.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(source)
    sections: dict[str, list[str]] = {}
    for found in re.finditer(r"^(?:# (?P<heading>[A-Z].*)\.\n$|\[(?P<name>\w+)\]$)", source, re.MULTILINE):
        if found["heading"]:
            sections[found["heading"]] = []
        else:
            sections[next(reversed(sections))].append(found["name"])
    rows = {
        heading[0].lower() + heading[1:]: [n for n in names if not _of(tables[n])]
        for heading, names in sections.items()
    }
    rows["of a thing: a project, a party"] = [name for name, table in tables.items() if _of(table)]
    lines = ["| | one value at a time | side by side |", "|---|---|---|"]
    for heading, names in rows.items():
        cells = [[n for n in names if tables[n].get("single") is kind] for kind in (True, False)]
        lines.append(f"| {heading} | {_named(cells[0])} | {_named(cells[1])} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def _of(table: dict[str, object]) -> bool:
    return bool(table.get("of")) and bool(table.get("single"))


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}_…`" if name in ("favourite", "own") else f"`{name}`" for name in names)


SLOTS_TABLE = re.compile(r"^\| \| one value at a time \| side by side \|\n(?:\|.*\n)+", re.MULTILINE)


def rewritten(text: str) -> str:
    """A page with every block that comes from a module, and the table of attributes, as they are now."""
    text = SLOTS_TABLE.sub(lambda _: slots_table(), text)
    return _BLOCK.sub(lambda found: _with_part(found) if found["how"] == "code" else found[0], text)


def _with_part(found: re.Match[str]) -> str:
    part = parts(found["module"]).get(found["part"])
    if part is None:
        return found[0]
    return f"<!-- code: {found['module']} {found['part']} -->\n```{found['language']}\n{part}```"


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(rewritten(each.read_text(encoding="utf-8")), encoding="utf-8")
