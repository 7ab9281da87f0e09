"""What a folder holds of the data sets we know, and what it lacks."""

from __future__ import annotations

from pathlib import Path

from cases import DataSet
from loaders import beam, lifebench, locomo, longmemeval, madial, realtalk

SOURCES = (locomo, longmemeval, madial, beam, realtalk, lifebench)


def scan(folder: Path) -> tuple[list[DataSet], list[str]]:
    """The data sets found, and a line for each that was not: its name and where the original comes from."""
    found, missing = [], []
    for source in SOURCES:
        there = list(source.find(folder))
        found += there
        if not there:
            missing.append(f"{source.NAME}: {source.ORIGIN}")
    return found, missing
