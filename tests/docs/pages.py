"""The pages, their code blocks, and the modules these are taken from."""

import re
import textwrap
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
