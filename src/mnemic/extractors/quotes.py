"""Where a quote stands in what was said: exactly, or nearly, as models copy with small slips. Pure.

Whatever is found is a stretch of the source itself, so that evidence is never a model's own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from mnemic.text import query_terms, terms
from mnemic.types import Turn

_ALIKE = 0.75
"""Share of a quote's letter pairs, or of a fact's words, that a sentence must hold to be what was meant."""


def find(quote: str, text: str, turns: Sequence[Turn], order: Sequence[int]) -> tuple[int, str] | None:
    """Which turn says it, and its words: exact, alike but for marks and case, a few letters off, the closest sentence.

    `order`: the turns to look at, likeliest first. `text`: the fact, for want of a quote that stands anywhere.
    """
    for look in (verbatim, span, _nearly):
        for index in order:
            if words := look(quote, turns[index].content):
                return index, words
    said = [(index, sentence) for index in order for sentence in sentences(turns[index].content)]
    # Who quotes nothing is given the sentence that holds the words of the fact.
    for alike, wanted in ((_likeness, quote), (_likeness, text), *(((_overlap, text),) if not quote else ())):
        best = max(said, key=lambda found: alike(wanted, found[1]), default=None)
        if best is not None and alike(wanted, best[1]) >= _ALIKE:
            return best
    return None


def verbatim(quote: str, content: str) -> str | None:
    """The quote without blanks around it, when `content` holds it."""
    wanted = quote.strip()
    return wanted if wanted and wanted in content else None


def span(quote: str, content: str) -> str | None:
    """The stretch of `content` with the quote's letters and digits, whatever stands between them."""
    wanted, _ = _folded(quote)
    have, places = _folded(content)
    start = have.find(wanted) if wanted else -1
    return None if start < 0 else content[places[start] : places[start + len(wanted) - 1] + 1]


def _nearly(quote: str, content: str) -> str | None:
    """The stretch of `content` that differs from the quote in one letter of five at most, and in no digit.

    Small models write some Chinese characters in the other of their two forms.
    """
    wanted, _ = _folded(quote)
    have, places = _folded(content)
    allowed = len(wanted) // 5
    # Of one piece more than there may be errors, at least one is unharmed; it tells where to look.
    size = len(wanted) // (allowed + 1)
    starts = {
        found.start() - offset
        for offset in range(0, size * (allowed + 1), size or 1)
        for found in re.finditer(f"(?={re.escape(wanted[offset : offset + size])})", have)
        if 0 <= found.start() - offset <= len(have) - len(wanted)
    }
    off, start = min(((_letters_off(wanted, have[at : at + len(wanted)]), at) for at in starts), default=(1, -1))
    return None if start < 0 or off > allowed else content[places[start] : places[start + len(wanted) - 1] + 1]


def _letters_off(one: str, other: str) -> int:
    """How many places differ; a digit that differs is as bad as everything."""
    wrong = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(one) if any(a.isdigit() or b.isdigit() for a, b in wrong) else len(wrong)


def _folded(text: str) -> tuple[str, list[int]]:
    """Letters and digits, width and case folded, and where in `text` each comes from."""
    pairs = [
        (folded, index)
        for index, char in enumerate(text)
        for folded in unicodedata.normalize("NFKC", char).casefold()
        if folded.isalnum()
    ]
    return "".join(folded for folded, _ in pairs), [index for _, index in pairs]


_SENTENCE = re.compile(r"[^。！？!?\n]+?(?:[。！？!?\n]+|\.(?=\s|$)|$)")


def sentences(content: str) -> list[str]:
    """The sentences of `content`, roughly, each a stretch of it."""
    return [sentence for found in _SENTENCE.finditer(content) if (sentence := found.group().strip())]


def _likeness(wanted: str, sentence: str) -> float:
    """Share of the letter pairs of `wanted` that `sentence` holds; 0 when a number is missing from it."""
    ours, theirs = _folded(wanted)[0], _folded(sentence)[0]
    if _numbers(ours) - _numbers(theirs):
        return 0.0
    pairs = {ours[i : i + 2] for i in range(len(ours) - 1)}
    return sum(pair in theirs for pair in pairs) / len(pairs) if pairs else 0.0


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))


def _overlap(text: str, sentence: str) -> float:
    """Share of the words of `text` that `sentence` holds, in any form and order; 0 when a number is missing."""
    ours, theirs = set(query_terms(text)), set(terms(sentence))
    if _numbers(text) - _numbers(sentence):
        return 0.0
    return len(ours & theirs) / len(ours) if ours else 0.0
