"""Facts that come with the messages: whoever handed them over is a model itself, and has read them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mnemic.extractors import answers
from mnemic.types import Extraction, ExtractionRequest, Fact, Finding, Refusal


class HandedExtractor:
    """Answers with the facts it was given, each held to the words it quotes as those of a model are."""

    name = "handed@1"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings

    async def extract(self, request: ExtractionRequest) -> Extraction:
        """The facts that quote one of the turns, and those that do not as refusals."""
        order = range(len(request.turns))
        placed = [answers.fact(_Written.of(each), request, order) for each in self._findings]
        nowhere = (
            Refusal(turn=0, reason="quote_not_in_source", quote=each.quote)
            for each, found in zip(self._findings, placed, strict=True)
            if found is None
        )
        return Extraction(
            facts=tuple(each for each in placed if isinstance(each, Fact)),
            refusals=(*(each for each in placed if isinstance(each, Refusal)), *nowhere),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A finding as a model's answer has it, with no memory that it points at."""

    text: str
    quote: str
    subject: str
    attribute: str
    object: str
    kind: Literal["fact", "preference", "event", "procedure"]
    does: Literal["new", "ends"]
    turn: int = 1
    known: int = 0
    valid_from: str = ""
    valid_to: str = ""
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Finding) -> _Written:
        return cls(
            text=found.text,
            quote=found.quote,
            subject=found.subject,
            attribute=found.attribute,
            object=found.object,
            kind=found.kind,
            does="ends" if found.ends else "new",
        )
