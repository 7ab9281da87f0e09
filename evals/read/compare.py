"""Which questions got better, and which worse, from one run to another.

    python evals/read/compare.py A.jsonl B.jsonl [--figure R@10] [--show 10]
    python evals/read/compare.py A.jsonl A.jsonl --row-b "  without time"

A and B are files of questions that run.py wrote (their .json will do, too); rows are those of its table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

Lines = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A question that both runs answered."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    by: float
    """In the figure compared; above 0 is better."""


def main() -> None:
    wanted = _arguments()
    before, after = read(wanted.a, wanted.row_a), read(wanted.b, wanted.row_b)
    changes = compare(before, after, wanted.figure)
    print(table(changes, wanted.figure))
    print("\nBETTER, the most first")
    for each in [each for each in reversed(changes) if each.by > 0][: wanted.show]:
        print(shown(each))
    print("\nWORSE, the most first")
    for each in [each for each in changes if each.by < 0][: wanted.show]:
        print(shown(each))


def read(file: Path, row: str) -> Lines:
    """A row's questions by id.

    Raises:
        SystemExit: the file has no such row.
    """
    with file.with_suffix(".jsonl").open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    found = {line["id"]: line for line in lines if line["row"].strip() == row.strip()}
    if not found:
        raise SystemExit(
            f"{file} has no row {row!r}; it has {', '.join(sorted({line['row'].strip() for line in lines}))}"
        )
    return found


def compare(before: Lines, after: Lines, figure: str) -> list[Change]:
    """The questions that both have, the worst change first."""
    common = [each for each in before if each in after]
    return sorted(
        (
            Change(
                before=before[each],
                after=after[each],
                by=after[each]["metrics"][figure] - before[each]["metrics"][figure],
            )
            for each in common
        ),
        key=lambda change: change.by,
    )


def table(changes: Sequence[Change], figure: str) -> str:
    """How many by category."""
    lines = [f"{figure:26}{'n':>6}{'before':>9}{'after':>9}{'better':>9}{'worse':>9}"]
    for kind in [*sorted({each.before["category"] for each in changes}), None]:
        of = [each for each in changes if kind in (None, each.before["category"])]
        if of:
            was, is_now = (100 * fmean(side["metrics"][figure] for side in sides) for sides in _sides(of))
            better, worse = sum(each.by > 0 for each in of), sum(each.by < 0 for each in of)
            lines.append(f"{kind or 'ALL':26}{len(of):>6}{was:>9.1f}{is_now:>9.1f}{better:>9}{worse:>9}")
    return "\n".join(lines)


def _sides(changes: Sequence[Change]) -> tuple[list[Any], list[Any]]:
    return [each.before for each in changes], [each.after for each in changes]


def shown(change: Change) -> str:
    """The question and the ranks of its gold, before and after."""
    ranks = " -> ".join(
        " ".join(str(_rank(side, each)) for each in side["gold"]) for side in (change.before, change.after)
    )
    return f"{change.by:+.2f}  {change.before['id']} [{change.before['category']}] {change.before['question']}\n       gold at {ranks}"


def _rank(line: Mapping[str, Any], gold: str) -> int | str:
    return next((each["rank"] for each in line["found"] if each["id"] == gold), "-")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--row-a", default="mnemic")
    parser.add_argument("--row-b", default="mnemic")
    parser.add_argument("--figure", default="R@10")
    parser.add_argument("--show", type=int, default=10, help="so many questions each way")
    return parser.parse_args()


if __name__ == "__main__":
    main()
