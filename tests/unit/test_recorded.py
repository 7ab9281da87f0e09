"""The extractor on recorded answers of a real model: with no model, and fails when the prompt has changed."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("pydantic")
pytest.importorskip("json_repair")

sys.path.insert(0, str(Path(__file__).parent.parent / "recorded"))
import replay

from mnemic.extractors.llm import LLMExtractor
from mnemic.prompts import extract, judge

CASES = replay.cases()


def test_there_are_at_most_forty_cases_and_no_recording_without_one():
    assert len(CASES) <= 40
    assert {file.stem for file in replay.HERE.glob("*.json")} == {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_recorded_answer_is_an_answer_to_the_present_prompt(case):
    if not await replay.is_fresh(case):
        pytest.fail(f"stale: run `make record` ({case.name})")
    recorded = json.loads(case.file.read_text(encoding="utf-8"))
    assert recorded["version"] == (judge.VERSION if case.pairs else extract.VERSION)


@pytest.mark.parametrize("case", [case for case in CASES if not case.pairs], ids=lambda case: case.name)
async def test_every_fact_of_a_recorded_answer_stands_on_words_that_were_said(case):
    found = await replay.run(case, LLMExtractor(replay.Replaying(case)))
    for fact in found.facts:
        assert fact.quote in case.request.turns[fact.turn].content
        assert fact.object is None or fact.object in fact.quote
        assert fact.to is None or 0 <= fact.to < len(case.request.near)
        for place, words in fact.also:
            assert words in case.request.before[place].content
        assert set(fact.categories) <= set(case.request.choices)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_model_gets_right_what_it_is_said_to_get_right(case):
    wrong, found = await replay.judge(case)
    if "miss" in case.raw:
        assert wrong, f"{case.name} is right now; take its `miss` out of cases.toml: {found}"
    else:
        assert not wrong, f"{wrong}, found {found}"


async def test_a_changed_request_is_stale(monkeypatch):
    monkeypatch.setattr(extract, "SYSTEM", extract.SYSTEM + " ")
    with pytest.raises(replay.StaleError, match=r"stale.*make record"):
        await replay.run(CASES[0], LLMExtractor(replay.Replaying(CASES[0])))
    assert not await replay.is_fresh(CASES[0])
