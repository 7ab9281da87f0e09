"""From answers to figures: one table a data set, one JSON file of results and one of questions."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import measures
from baselines import Ranking
from borrowed import Share
from cases import DataSet, Question

from mnemic.tokens import count as count_tokens

RESULTS = Path(__file__).parents[2] / "results"
TOKENS_AT = 10


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One question, asked of one retriever."""

    question: Question
    ranking: Ranking
    depths: Sequence[int]
    milliseconds: float | None = None

    @cached_property
    def ids(self) -> list[str]:
        """Of the messages found, or of their sessions, best first; a session may come again."""
        turns = self.question.level == "turn"
        return [message.id if turns else message.session for message, _ in self.ranking]

    @cached_property
    def figures(self) -> measures.Row:
        row = measures.score(list(dict.fromkeys(self.ids)), self.question.gold, self.depths)
        return row | {f"tokens@{k}": float(sum(self._tokens[:k])) for k in self.depths}

    @property
    def curve(self) -> list[tuple[int, float]]:
        return measures.curve(self.ids, self._tokens, self.question.gold, max(self.depths))

    @cached_property
    def _tokens(self) -> list[int]:
        return [count_tokens(message.said) for message, _ in self.ranking[: max(self.depths)]]

    def line(self, retriever: str) -> dict[str, Any]:
        """For the file of questions."""
        best: dict[str, float] = {}
        for each, (_, score) in zip(self.ids, self.ranking, strict=True):
            best.setdefault(each, score)
        found = [
            {"rank": rank, "id": each, "score": round(score, 4)}
            for rank, (each, score) in enumerate(best.items(), 1)
            if rank <= max(self.depths)
        ]
        return {
            "row": retriever,
            "id": self.question.id,
            "category": self.question.category,
            "question": self.question.text,
            "gold": self.question.gold,
            "found": found,
            "metrics": {name: round(value, 4) for name, value in self.figures.items()},
        }


def summary(
    data: DataSet, rows: Mapping[str, Sequence[Answered]], whole: float, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything of a run but the questions. `whole` is the mean size of a case in tokens."""
    return {
        "dataset": data.name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("mnemic"),
        "commit": _commit(),
        "settings": settings,
        "depths": list(data.depths),
        "full context": {"tokens": whole},
        "rows": {name: _figures(answers) for name, answers in rows.items()},
    }


def _figures(answers: Sequence[Answered]) -> dict[str, Any]:
    categories: dict[str, list[measures.Row]] = {}
    for each in answers:
        categories.setdefault(each.question.category, []).append(each.figures)
    spent = [each.milliseconds for each in answers if each.milliseconds is not None]
    return {
        "n": len(answers),
        "all": measures.mean([each.figures for each in answers]),
        "categories": {name: {"n": len(of), **measures.mean(of)} for name, of in sorted(categories.items())},
        "milliseconds": {"p50": measures.percentile(spent, 0.5), "p95": measures.percentile(spent, 0.95)}
        if spent
        else None,
        "curve": measures.mean_curve([each.curve for each in answers]),
    }


def table(found: Mapping[str, Any]) -> str:
    """Every retriever against every figure, then recall@10 by category."""
    depths = found["depths"]
    columns = [*(f"R@{k}" for k in depths), "hit@5", "hit@10", "all@5", "all@10", "MRR", "nDCG@10"]
    heads = [*columns, f"tok@{TOKENS_AT}", "p50 ms", "p95 ms"]
    count = max(row["n"] for row in found["rows"].values())
    width = max(len(name) for name in [*found["rows"], "full context"]) + 2
    lines = [
        f"{found['dataset']}: {count} questions, {found['settings']['embedder']}, {found['date']}",
        " " * width + "".join(f"{head:>9}" for head in heads),
    ]
    for name, row in found["rows"].items():
        cells = [f"{100 * row['all'][column]:.1f}" for column in columns]
        cells.append(f"{row['all'][f'tokens@{TOKENS_AT}']:.0f}")
        spent = row["milliseconds"] or {"p50": math.nan, "p95": math.nan}
        cells += ["-" if math.isnan(each) else f"{each:.1f}" for each in spent.values()]
        lines.append(name.ljust(width) + "".join(f"{cell:>9}" for cell in cells))
    cells = ["-"] * len(columns) + [f"{found['full context']['tokens']:.0f}", "-", "-"]
    lines.append("full context".ljust(width) + "".join(f"{cell:>9}" for cell in cells))
    lines += ["", *_by_category(found, width), *_intervals(found)]
    return "\n".join(lines)


def _by_category(found: Mapping[str, Any], width: int) -> list[str]:
    kinds = next(iter(found["rows"].values()))["categories"]
    if len(kinds) < 2:
        return []
    wide = max(10, *(len(kind) + 2 for kind in kinds))
    lines = [
        "R@10 by category".ljust(width) + "".join(f"{kind:>{wide}}" for kind in kinds),
        "n".ljust(width) + "".join(f"{of['n']:>{wide}}" for of in kinds.values()),
    ]
    for name, row in found["rows"].items():
        lines.append(
            name.ljust(width) + "".join(f"{100 * row['categories'][kind]['R@10']:>{wide}.1f}" for kind in kinds)
        )
    return lines


def _intervals(found: Mapping[str, Any]) -> list[str]:
    """Of the first retriever's figures that are shares of questions."""
    name, row = next(iter(found["rows"].items()))
    shares = {key: Share(round(row["all"][key] * row["n"]), row["n"]) for key in ("hit@5", "hit@10", "all@5", "all@10")}
    return [f"{name} [95 % Wilson]: " + "; ".join(f"{key} {share}" for key, share in shares.items())]


def write(folder: Path, found: Mapping[str, Any], rows: Mapping[str, Sequence[Answered]]) -> Path:
    """The summary as JSON, and beside it a line a retriever and question."""
    folder.mkdir(parents=True, exist_ok=True)
    day = found["date"][:19].replace(":", "")
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{day}-{found['dataset']}-{found['settings']['embedder']}")
    file = folder / f"{name}.json"
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    with file.with_suffix(".jsonl").open("w", encoding="utf-8") as stream:
        for retriever, answers in rows.items():
            for each in answers:
                stream.write(json.dumps(each.line(retriever), ensure_ascii=False) + "\n")
    return file


def _commit() -> str:
    """The short hash, with a plus where the tree has changes; empty outside a repository."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
