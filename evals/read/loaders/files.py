"""What the loaders share: finding files, reading them, and dates that the data sets write in their own ways."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnemic.errors import InvalidInput
from mnemic.times import parse_time

_FORMS = ("%d.%m.%Y, %H:%M:%S", "%B-%d-%Y", "%b-%d-%Y", "%B %d, %Y")
"""REALTALK's, BEAM's, and variants met in them; the others are read by `parse_time`."""


def matching(folder: Path, *patterns: str) -> Iterator[Path]:
    """Files under `folder` whose name fits a pattern, each once, sorted."""
    yield from sorted({file for pattern in patterns for file in folder.rglob(pattern) if file.is_file()})


def stem(file: Path) -> str:
    """The file's name without its endings."""
    return file.name.split(".")[0]


def read_json(file: Path) -> Any:
    """The content of a JSON file, gzipped or not; of JSON Lines the list."""
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as stream:
        if ".jsonl" in file.suffixes:
            return [json.loads(line) for line in stream if line.strip()]
        return json.load(stream)


def read_lines(file: Path) -> list[Any]:
    """A JSON value a line, whatever the file is called."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def when(text: Any) -> datetime | None:
    """The moment that a data set writes; None for what is no date."""
    if not isinstance(text, str) or not text.strip():
        return None
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        return parse_time(text.strip())
    except InvalidInput:
        return None


def words(answer: Any) -> str | None:
    """An answer as text; data sets also have numbers and lists."""
    if answer is None or answer == "":
        return None
    return "; ".join(map(str, answer)) if isinstance(answer, list) else str(answer)
