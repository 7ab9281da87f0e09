"""End to end: a model answers from `context()`, and from the whole conversation; a model judges.

    python evals/read/answer.py DATA --llm NAME [--judge NAME] [--seeds 3] [--questions 20] [--only NAME]

A seed draws the questions and their order; models are asked with temperature 0 where they take one, so what
differs between seeds is the draw and the model's own unrest. Prompts are pinned in prompts.py. What does not fit the
model is cut from the beginning of the whole conversation, and the table says in how many questions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import embedders
import prompts
import report
import stores
from baselines import everything
from borrowed import Share
from cases import Case, Question
from datasets import scan
from embedders import Timed
from measures import percentile

from mnemic import AsyncMemory
from mnemic.errors import ModelError
from mnemic.protocols import LLM
from mnemic.registry import make_llm
from mnemic.tokens import count as count_tokens
from mnemic.types import Usage

_ROOM = 600
"""Tokens of the prompt that are no notes."""

_SHARE = 0.8
"""Of what a model reads that is filled, by our count: its own tokeniser may count a quarter more."""

_HOSTED_INPUT = 100_000
"""Taken for a model that does not say what it reads."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One question, answered and judged."""

    notes: str
    """Where the notes came from: "context()" or "full context"."""
    seed: int
    question: str
    category: str
    reference: str
    answer: str
    correct: bool | None
    """None: a model failed, which counts as wrong in the table."""
    reason: str
    input_tokens: int
    output_tokens: int
    """Of answering; judging is no cost of a memory."""
    notes_seconds: float
    answer_seconds: float
    cut: bool


async def main(wanted: argparse.Namespace) -> int:
    found, missing = scan(wanted.data)
    for line in missing:
        print(f"not in {wanted.data}: {line}")
    chosen = [each for each in found if not wanted.only or any(name in each.name for name in wanted.only)]
    llm = make_llm(wanted.llm)
    judge = make_llm(wanted.judge) if wanted.judge else llm
    embedder = embedders.choose(wanted.embedder, wanted.vectors)
    for data in chosen:
        cases = [each for each in data.load() if any(question.answer for question in each.questions)]
        if not cases:
            print(f"\n{data.name}: no question has an answer to judge by")
            continue
        graded = await run(cases, llm, judge, embedder, wanted)
        print(f"\n{table(f'{data.name}, {llm.name}, judged by {judge.name}, {prompts.VERSION}', graded)}")
        print(f"written to {_write(wanted.out, data.name, llm.name, judge.name, graded)}")
    await embedder.close()
    return 0


async def run(cases: Sequence[Case], llm: LLM, judge: LLM, embedder: Timed, wanted: argparse.Namespace) -> list[Graded]:
    """Every drawn question of every seed, from both kinds of notes."""
    graded = []
    with tempfile.TemporaryDirectory() as folder:
        filled: dict[str, Path] = {}
        for seed in range(wanted.seeds):
            for case, question in draw(cases, wanted.questions, seed):
                if case.id not in filled:
                    filled[case.id] = Path(folder) / f"{len(filled)}.db"
                    await stores.fill(case, filled[case.id], embedder)
                memory = stores.opened(filled[case.id], embedder)
                graded += await _both(memory, case, question, llm, judge, seed, wanted)
                await memory.close()
                print(
                    f"\r{len(graded)} answers, {sum(bool(each.correct) for each in graded)} right",
                    end=" ",
                    file=sys.stderr,
                )
    return graded


def draw(cases: Sequence[Case], amount: int | None, seed: int) -> list[tuple[Case, Question]]:
    """So many questions that have an answer, in an order of the seed's; all by default."""
    pairs = [(case, question) for case in cases for question in case.questions if question.answer]
    return random.Random(seed).sample(pairs, min(amount or len(pairs), len(pairs)))


async def _both(
    memory: AsyncMemory, case: Case, question: Question, llm: LLM, judge: LLM, seed: int, wanted: argparse.Namespace
) -> list[Graded]:
    started = time.perf_counter()
    block = await memory.context(question.text, user_id=case.id, max_tokens=wanted.tokens, **stores.dated(question))
    spent = time.perf_counter() - started
    graded = [await _grade("context()", block["context"], question, llm, judge, seed, seconds=spent, cut=False)]
    if wanted.full:
        room = int(_SHARE * getattr(llm, "max_input_tokens", _HOSTED_INPUT)) - _ROOM
        notes, cut = shortened(everything(case), room)
        graded.append(await _grade("full context", notes, question, llm, judge, seed, seconds=0.0, cut=cut))
    return graded


def shortened(notes: str, room: int) -> tuple[str, bool]:
    """The end of the notes that fits into so many tokens, and whether something was cut."""
    if count_tokens(notes) <= room:
        return notes, False
    lines = notes.split("\n")
    kept = 0
    while kept < len(lines) and (room := room - count_tokens(lines[-kept - 1]) - 1) >= 0:
        kept += 1
    return "\n".join(lines[len(lines) - kept :]), True


async def _grade(
    source: str, notes: str, question: Question, llm: LLM, judge: LLM, seed: int, *, seconds: float, cut: bool
) -> Graded:
    answer, correct, reason, usage = "", None, "", Usage()
    started = time.perf_counter()
    spent = 0.0
    try:
        reply, usage = await llm.answer(
            prompts.ANSWER, prompts.asking(notes, question.text, question.asked_on), prompts.Reply
        )
        spent = time.perf_counter() - started
        answer = reply.answer
        asked = prompts.judging(question.text, question.answer or "", answer)
        verdict, _ = await judge.answer(prompts.JUDGE, asked, prompts.Verdict)
        correct, reason = verdict.correct, verdict.reason
    except ModelError as exc:
        reason = f"failed: {exc}"
        spent = spent or time.perf_counter() - started
    return Graded(
        notes=source,
        seed=seed,
        question=question.id,
        category=question.category,
        reference=question.answer or "",
        answer=answer,
        correct=correct,
        reason=reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        notes_seconds=seconds,
        answer_seconds=spent,
        cut=cut,
    )


def table(title: str, graded: Sequence[Graded]) -> str:
    """Accuracy, cost and latency by kind of notes, over all seeds and by seed.

    The interval of all seeds is that of as many answers as there are different questions: asking one
    again tells little more of the memory.
    """
    lines = [
        title,
        f"{'':26}{'accuracy [95 % Wilson] right/of':34}{'tok in':>8}{'tok out':>8}{'s p50':>8}{'s p95':>8}{'cut':>6}{'failed':>8}",
    ]
    for notes in dict.fromkeys(each.notes for each in graded):
        of = [each for each in graded if each.notes == notes]
        lines.append(_line(f"{notes}, all seeds", of, _share(of)))
        for seed in sorted({each.seed for each in of}):
            part = [each for each in of if each.seed == seed]
            lines.append(_line(f"  seed {seed}", part, _share(part)))
    return "\n".join(lines)


def _share(of: Sequence[Graded]) -> Share:
    """Right answers, scaled to the number of different questions."""
    different = len({each.question for each in of})
    return Share(round(sum(bool(each.correct) for each in of) * different / len(of)), different)


def _line(name: str, of: Sequence[Graded], share: Share) -> str:
    seconds = [each.notes_seconds + each.answer_seconds for each in of]
    answered = [each for each in of if each.answer] or of
    spent = [fmean(each.input_tokens for each in answered), fmean(each.output_tokens for each in answered)]
    cells = "".join(f"{each:>8.0f}" for each in spent)
    cells += "".join(f"{percentile(seconds, part):>8.1f}" for part in (0.5, 0.95))
    cut, failed = sum(each.cut for each in of), sum(each.correct is None for each in of)
    return f"{name:26}{share!s:34}{cells}{cut:>6}{failed:>8}"


def _write(folder: Path, data: str, llm: str, judge: str, graded: Sequence[Graded]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="minutes")[:16].replace(":", "")
    file = folder / f"{now}-{data}-answers.jsonl"
    with file.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps({"dataset": data, "llm": llm, "judge": judge, "prompts": prompts.VERSION}) + "\n")
        for each in graded:
            stream.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
    return file


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the data sets")
    parser.add_argument("--llm", required=True, help="answers: provider:model, or local:/path.gguf")
    parser.add_argument("--judge", help="judges; the answering model by default, which is lenient with itself")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--questions", type=int, help="so many a seed; all by default")
    parser.add_argument("--only", action="append", help="data sets whose name has this; may be repeated")
    parser.add_argument("--tokens", type=int, default=1000, help="the budget of context()")
    parser.add_argument("--no-full", dest="full", action="store_false", help="without the baseline of the full context")
    parser.add_argument("--embedder", default="bundled")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_arguments())))
