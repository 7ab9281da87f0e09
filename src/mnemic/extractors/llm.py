"""Facts from a language model: one structured call, every fact held to words that were really said.

The call both extracts and reconciles. What the model says of a known memory is taken only where it
points at one that it was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from mnemic.errors import ModelError
from mnemic.extractors import answers, idle
from mnemic.prompts import extract as prompt
from mnemic.prompts import fill as filling
from mnemic.prompts import judge as judging
from mnemic.protocols import LLM, Verdict
from mnemic.text import fingerprint, windows
from mnemic.tokens import count_high
from mnemic.types import Extraction, ExtractionRequest, Fact, Refusal, Turn, Usage

_INPUT_TOKENS = 12_000
"""Turns for one call at most, also where the model takes more: in a long text it overlooks things."""

_LEAST_TOKENS = 256


@runtime_checkable
class Limited(Protocol):
    """A model that says how long a prompt may be."""

    @property
    def max_input_tokens(self) -> int:
        """Tokens of system and user message together."""


class LLMExtractor:
    """Finds facts with one call to a language model.

    A fact must quote its turn. A quote that differs in case, width, spacing or punctuation is put
    right, one that is close to a sentence becomes that sentence; any other fact is refused with the
    reason `quote_not_in_source`, and an assistant's question with `question`.

    A fact about somebody whom only an earlier sentence of its turn names is quoted from there on; whom
    only an earlier turn names, it cites as well.

    Turns that do not fit into one prompt are asked about in several, each whole; a turn too long for
    any is cut at sentence ends, and nothing of it is left out.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    @property
    def name(self) -> str:
        """Recorded with every memory made: the model and the version of the prompt."""
        return f"{self._llm.name}#extract@{prompt.VERSION}"

    async def extract(self, request: ExtractionRequest) -> Extraction:
        """Facts and refusals for `request.turns`.

        Raises:
            ModelError: the model failed, or its answer holds facts and not one could be read or placed;
                nothing of the request was extracted.
        """
        if (refusals := await idle.refused(request)) is not None:
            return Extraction(refusals=refusals)
        shape = prompt.shape(request)
        found: list[Fact] = []
        refused: list[Refusal] = []
        usage = Usage()
        for part in _parts(request, self._budget(request)):
            system, user = prompt.messages(part.request)
            answer, spent = await self._llm.answer(system, user, shape)
            usage += spent
            placed = [answers.fact(raw, request, part.origin) for raw in answer.facts]
            found += [each for each in placed if isinstance(each, Fact)]
            refused += [each for each in placed if isinstance(each, Refusal)]
            if placed and not any(placed):
                raise ModelError(f"{self._llm.name} answered with facts that quote nothing and could not be placed")
        return Extraction(facts=_once(found), refusals=tuple(refused), usage=usage)

    async def judge(self, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Verdict, ...], Usage]:
        """One verdict a pair (new statement, known statement), by one call for all pairs.

        A pair that the model passes over is `different`, which changes nothing.

        Raises:
            ModelError: the model failed or answered badly.
        """
        if not pairs:
            return (), Usage()
        answer, usage = await self._llm.answer(*judging.messages(pairs), judging.Verdicts)
        told = {each.pair: each.meant for each in answer.verdicts}
        return tuple(told.get(number, "different") for number in range(1, len(pairs) + 1)), usage

    async def fill(
        self, schema: Mapping[str, Any], memories: Sequence[str], instructions: str | None
    ) -> tuple[Mapping[str, Any], Usage]:
        """A form filled by one call, from as many of the memories, the first ones, as fit into a prompt.

        Raises:
            ModelError: the model failed or answered badly.
        """
        limit = self._llm.max_input_tokens if isinstance(self._llm, Limited) else _INPUT_TOKENS
        room = min(limit, _INPUT_TOKENS) - count_high(str(schema)) - count_high(filling.SYSTEM + (instructions or ""))
        shown: list[str] = []
        for each in memories:
            room -= count_high(each) + 8  # its number and quotation marks
            if room < 0:
                break
            shown.append(each)
        answer, usage = await self._llm.answer(*filling.messages(shown, instructions), filling.shape(schema))
        return answer.root, usage

    def _budget(self, request: ExtractionRequest) -> int:
        """Tokens of new turns that fit into one prompt beside everything else in it."""
        if not isinstance(self._llm, Limited):
            return _INPUT_TOKENS
        system, user = prompt.messages(replace(request, turns=()))
        room = self._llm.max_input_tokens - count_high(system) - count_high(user)
        return min(max(room, _LEAST_TOKENS), _INPUT_TOKENS)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    request: ExtractionRequest
    origin: tuple[int, ...]
    """For each turn of the part, which turn of the whole it comes from."""


def _parts(request: ExtractionRequest, budget: int) -> Iterator[_Part]:
    """The request in parts whose new turns stay within `budget` tokens, in order."""
    held: list[tuple[int, Turn]] = []
    room = budget
    for index, turn in enumerate(request.turns):
        for piece in _pieces(turn, budget):
            size = _tokens(piece)
            if held and size > room:
                yield _part(request, held)
                held, room = [], budget
            held.append((index, piece))
            room -= size
    if held:
        yield _part(request, held)


def _part(request: ExtractionRequest, held: Sequence[tuple[int, Turn]]) -> _Part:
    return _Part(
        request=replace(request, turns=tuple(turn for _, turn in held)), origin=tuple(index for index, _ in held)
    )


def _pieces(turn: Turn, budget: int) -> Iterator[Turn]:
    size = _tokens(turn)
    if size <= budget:
        yield turn
        return
    for content in windows(turn.content, max(len(turn.content) * budget // (size * 2), 1)):
        yield replace(turn, content=content)


def _tokens(turn: Turn) -> int:
    """Size of a turn in a prompt, with its role, date and marks."""
    return count_high(turn.content) + 30


def _once(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Each fact once; models in difficulty say the same again and again."""
    return tuple({(fact.turn, fingerprint(fact.text)): fact for fact in reversed(facts)}.values())[::-1]
