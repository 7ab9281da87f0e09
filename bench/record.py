"""Record what the local model answers to the cases of tests/recorded, one file a case.

    python bench/record.py                 cases that have no answer to the present prompt
    python bench/record.py NAME ...        these again
    python bench/record.py --weights F     another model's file

Can be stopped and started again: a case whose recorded request is the present one is left as it is.
At the end it prints what was expected beside what was found. Exit code 3 when there are no weights.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import local_model

from mnemic.errors import ModelError
from mnemic.extractors.llm import LLMExtractor
from mnemic.llms.local import LocalLLM

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "recorded"))
import replay

MOST = 40
"""Cases, so that recording all of them stays a matter of minutes."""


class Recorder(LocalLLM):
    """Keeps each request with the text of its answer."""

    kept: dict[str, Any] | None = None

    async def answer(self, system, user, shape):
        begun = time.perf_counter()
        self.kept = replay.request_of(system, user, shape) | {"answers": []}
        answer, usage = await super().answer(system, user, shape)
        self.kept |= {
            "model": self.name,
            "seconds": round(time.perf_counter() - begun, 1),
            "tokens": [usage.input_tokens, usage.output_tokens],
        }
        return answer, usage

    async def _ask(self, messages, schema):
        reply = await super()._ask(messages, schema)
        self.kept["answers"].append(reply.text)
        return reply


async def record(cases: list[replay.Case], llm: Recorder, names: list[str]) -> list[str]:
    """Record what is missing or stale; the names of cases that the model could not answer."""
    failed = []
    for case in cases:
        if (names and case.name not in names) or (not names and await replay.is_fresh(case)):
            continue
        try:
            await replay.run(case, LLMExtractor(llm))
        except ModelError as exc:
            failed.append(case.name)
            print(f"{case.name}: {exc}", flush=True)
            if llm.kept is None or not llm.kept["answers"]:
                continue
        case.file.write_text(
            json.dumps({"case": case.name} | llm.kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        print(f"{case.name}: {llm.kept.get('seconds', 0)} s, {llm.kept.get('tokens')} tokens", flush=True)
    return failed


async def show(cases: list[replay.Case]) -> None:
    right = 0
    for case in cases:
        if not await replay.is_fresh(case):
            continue
        problems, found = await replay.judge(case)
        right += not problems
        print(
            f"{'ok  ' if not problems else 'MISS'} {case.name}: {found}{' | ' + '; '.join(problems) if problems else ''}"
        )
    print(f"{right} of {len(cases)} as expected")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    cases = replay.cases()
    if len(cases) > MOST:
        raise SystemExit(f"{len(cases)} cases; at most {MOST} are recorded")
    try:
        weights = given.weights or local_model.fetch()
    except local_model.NoWeightsError as exc:
        print(f"no local model, nothing was recorded: {exc}", file=sys.stderr)
        return 3
    # No case has an answer of more than a few facts; what is longer turns in a circle.
    llm = Recorder(weights, threads=given.threads, context=4096, answer_tokens=500)
    asyncio.run(record(cases, llm, given.names))
    asyncio.run(show(cases))
    return 0


if __name__ == "__main__":
    sys.exit(main())
