"""Turns that no model need read: rules refuse every sentence of them, and nothing in them is about who speaks."""

from __future__ import annotations

import re

from mnemic.extractors.rules import RuleExtractor
from mnemic.types import ExtractionRequest, Refusal, Turn

_CHAT = frozenset(("greeting", "thanks", "farewell", "small_talk"))
_ASKING = frozenset(("question", "request"))
# What is asked or ordered may tell something beside ("Did you know I moved?") wherever the speaker is in it.
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|i'd|i'll|my|mine|me|we|we're|our|us)\b|[我咱俺]", re.IGNORECASE)


async def refused(request: ExtractionRequest) -> tuple[Refusal, ...] | None:
    """The refusals, one a turn, when all new turns are idle; None when a model should read them."""
    found = await RuleExtractor().extract(request)
    whole = {each.turn: each for each in found.refusals if each.quote is None}
    if found.facts or not all(
        place in whole and _is_idle(turn, whole[place].reason) for place, turn in enumerate(request.turns)
    ):
        return None
    return tuple(whole[place] for place in range(len(request.turns)))


def _is_idle(turn: Turn, reason: str) -> bool:
    if reason in _CHAT:
        return True
    return reason in _ASKING and _FIRST_PERSON.search(turn.content.replace("’", "'")) is None
