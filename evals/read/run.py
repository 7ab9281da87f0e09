"""Recall on public data sets, through the public API and with no language model; ablation and baselines beside it.

    python evals/read/run.py DATA [--only NAME] [--embedder NAME] [--vectors FILE] [--cases N]

DATA is scanned for the data sets we know (see README.md); what is there is run, what is missing is named.
Vectors are cached on disk, so that only the first run embeds.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import embedders
import report
import stores
from baselines import BM25, Ranking, Vectors, everything, whole_sessions
from cases import Case, DataSet, Question
from datasets import scan
from embedders import Timed
from report import Answered

from mnemic.protocols import ARMS
from mnemic.tokens import count as count_tokens

SESSION_DEPTH = 300
"""Messages asked for where sessions are ranked, so that ten sessions come up however many turns each fills."""

MNEMIC = "mnemic"


def main() -> int:
    wanted = _arguments()
    found, missing = scan(wanted.data)
    for line in missing:
        print(f"not in {wanted.data}: {line}")
    chosen = [each for each in found if not wanted.only or any(name in each.name for name in wanted.only)]
    if not chosen:
        print("nothing to run")
        return 1
    asyncio.run(run(chosen, wanted))
    return 0


async def run(chosen: list[DataSet], wanted: argparse.Namespace) -> list[Path]:
    """Run the data sets one after the other; the files written."""
    embedder = embedders.choose(wanted.embedder, wanted.vectors, record=wanted.record is not None)
    written = []
    for data in chosen:
        cases = data.load()[: wanted.cases]
        rows = await evaluate(data, cases, embedder, ablation=wanted.ablation)
        if not rows:
            print(f"\n{data.name}: no question has known evidence; see answer.py")
            continue
        whole = fmean(count_tokens(everything(case)) for case in cases)
        found = report.summary(data, rows, whole, _settings(embedder, cases, wanted))
        print(f"\n{report.table(found)}\n")
        written.append(report.write(wanted.out, found, rows))
        print(f"written to {written[-1]}")
    await embedder.close()
    if wanted.record:
        embedders.save(wanted.record, embedder.name, embedder.seen)
    if wanted.picture:
        _draw(written)
    return written


async def evaluate(data: DataSet, cases: list[Case], embedder: Timed, *, ablation: bool) -> dict[str, list[Answered]]:
    """Every question with known evidence, by retriever."""
    rows: dict[str, list[Answered]] = {}
    for number, case in enumerate(cases, 1):
        if sys.stderr.isatty():
            print(f"\r{data.name} {number}/{len(cases)} ", end="", file=sys.stderr)
        if any(question.gold for question in case.questions):
            for name, answers in (await _case(case, data.depths, embedder, ablation=ablation)).items():
                rows.setdefault(name, []).extend(answers)
    return rows


async def _case(case: Case, depths: Sequence[int], embedder: Timed, *, ablation: bool) -> dict[str, list[Answered]]:
    questions = [each for each in case.questions if each.gold]
    rows: dict[str, list[Answered]] = {}

    def note(name: str, question: Question, ranking: Ranking, milliseconds: float | None = None) -> None:
        answer = Answered(question=question, ranking=ranking, depths=depths, milliseconds=milliseconds)
        rows.setdefault(name, []).append(answer)

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.db"
        await stores.fill(case, whole, embedder)
        for name, arms in _variants(ablation=ablation):
            # A copy each: what a search leaves behind (use, for one) must not reach the next variant.
            file = Path(shutil.copy(whole, Path(folder) / f"{len(rows)}.db"))
            memory = stores.opened(file, embedder, arms)
            for each in questions:
                note(name, each, *await stores.ask(memory, case, each, _depth(each, depths), embedder))
            await memory.close()
    keywords = {"BM25": BM25(case)}
    if len(case.sessions()) < len(case.messages):
        keywords["BM25, one turn each side"] = BM25(case, window=1)
    if questions[0].level == "session":
        keywords["BM25, whole sessions"] = BM25(whole_sessions(case))
    for name, index in keywords.items():
        for each in questions:
            note(name, each, index.search(each.text, _depth(each, depths)))
    nearest = await Vectors(embedder).read(case)
    for each in questions:
        note("vectors only", each, await nearest.search(each.text, _depth(each, depths)))
    return rows


def _variants(*, ablation: bool) -> list[tuple[str, tuple[str, ...] | None]]:
    without = [(f"  without {arm}", tuple(other for other in ARMS if other != arm)) for arm in ARMS]
    return [(MNEMIC, None), *(without if ablation else [])]


def _depth(question: Question, depths: Sequence[int]) -> int:
    return SESSION_DEPTH if question.level == "session" else max(depths)


def _settings(embedder: Timed, cases: list[Case], wanted: argparse.Namespace) -> dict[str, Any]:
    return {
        "embedder": embedder.name,
        "arms": list(ARMS),
        "threshold": 0,
        "infer": False,
        "cases": len(cases),
        "messages": sum(len(case.messages) for case in cases),
        "largest case": max(len(case.messages) for case in cases),
        "vectors": str(wanted.vectors) if wanted.vectors else "cached",
    }


def _draw(written: list[Path]) -> None:
    try:
        import picture
    except ImportError:
        print("no picture: pip install --group evals")
        return
    for file in written:
        print(f"drawn to {picture.draw(file)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the data sets")
    parser.add_argument("--only", action="append", help="data sets whose name has this; may be repeated")
    parser.add_argument("--cases", type=int, help="only so many cases of each")
    parser.add_argument("--embedder", default="bundled", help="as for Memory(embedder=…)")
    parser.add_argument("--vectors", type=Path, help="vectors to replay, written by --record")
    parser.add_argument("--record", type=Path, help="write all vectors used into this npz file")
    parser.add_argument("--out", type=Path, default=report.RESULTS, help="folder of the results")
    parser.add_argument("--no-ablation", dest="ablation", action="store_false", help="all arms only")
    parser.add_argument("--no-picture", dest="picture", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
