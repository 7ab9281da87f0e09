"""Facts from a language model: one structured call, every fact held to words that were really said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from mnemic.prompts import extract as prompt
from mnemic.protocols import LLM
from mnemic.ranking import count_tokens
from mnemic.text import fingerprint, side, windows
from mnemic.types import Extraction, ExtractionRequest, Fact, Precision, Refusal, Turn, Usage

_INPUT_TOKENS = 12_000
"""Turns for one call at most, also where the model takes more: in a long text it overlooks things."""

_LEAST_TOKENS = 256
_ALIKE = 0.75
"""Share of a quote's letter pairs that a sentence must hold to be what was meant."""


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
            ModelError: the model failed or answered badly; nothing of the request was extracted.
        """
        found: list[Fact] = []
        refused: list[Refusal] = []
        usage = Usage()
        for part in _parts(request, self._budget(request)):
            system, user = prompt.messages(part.request)
            answer, spent = await self._llm.answer(system, user, prompt.ExtractedFacts)
            usage += spent
            for raw in answer.facts:
                match _fact(raw, request.turns, part.origin):
                    case Fact() as fact:
                        found.append(fact)
                    case Refusal() as refusal:
                        refused.append(refusal)
        return Extraction(facts=_once(found), refusals=tuple(refused), usage=usage)

    def _budget(self, request: ExtractionRequest) -> int:
        """Tokens of new turns that fit into one prompt beside everything else in it."""
        if not isinstance(self._llm, Limited):
            return _INPUT_TOKENS
        system, user = prompt.messages(replace(request, turns=()))
        room = self._llm.max_input_tokens - count_tokens(system) - count_tokens(user)
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
    tokens = _tokens(turn)
    if tokens <= budget:
        yield turn
        return
    for content in windows(turn.content, max(len(turn.content) * budget // (tokens * 2), 1)):
        yield replace(turn, content=content)


def _tokens(turn: Turn) -> int:
    """Size of a turn in a prompt, with its role, date and marks."""
    return count_tokens(turn.content) + 30


def _fact(raw: prompt.ExtractedFact, turns: Sequence[Turn], origin: Sequence[int]) -> Fact | Refusal | None:
    """The fact with its quote found in a turn, or why not. None when it says nothing."""
    text = raw.text.strip()
    if not text:
        return None
    # A wrong number is no loss when the words are found in another turn.
    named = origin[min(max(raw.turn, 1), len(origin)) - 1]
    place = _find(raw.quote, text, turns, [named, *(index for index in dict.fromkeys(origin) if index != named)])
    if place is None:
        return Refusal(turn=named, reason="quote_not_in_source", quote=raw.quote.strip() or text)
    index, quote = place
    turn = turns[index]
    if turn.role == "assistant" and _is_question(quote, turn.content):
        return Refusal(turn=index, reason="question", quote=quote)
    if side(text) != side(quote):
        text = quote  # a translation would change names; the words themselves never do
    since = _interval(raw.valid_from, turn.said_at)
    if since is not None and since.is_day_of(turn.said_at):
        since = None  # models like to write the day of saying, which the source already tells
    until = _interval(raw.valid_to, turn.said_at)
    if since and until and until.end <= since.start:
        until = None
    known = since or until
    return Fact(
        text=text,
        turn=index,
        quote=quote,
        kind=raw.kind,
        subject=_subject(raw.subject, turn, turns),
        attribute=_attribute(raw.attribute),
        attributed_to="assistant" if turn.role == "assistant" else "user",
        valid_from=since.start if since else None,
        valid_to=until.end if until else None,
        precision=known.precision if known else None,
    )


def _find(quote: str, text: str, turns: Sequence[Turn], order: Sequence[int]) -> tuple[int, str] | None:
    """Which turn says it, and its words: exact, alike but for marks and case, a few letters off, the closest sentence."""
    for find in (_verbatim, _span, _nearly):
        for index in order:
            if words := find(quote, turns[index].content):
                return index, words
    sentences = [(index, sentence) for index in order for sentence in _sentences(turns[index].content)]
    for wanted in (quote, text):
        best = max(sentences, key=lambda found: _likeness(wanted, found[1]), default=None)
        if best is not None and _likeness(wanted, best[1]) >= _ALIKE:
            return best
    return None


def _verbatim(quote: str, content: str) -> str | None:
    wanted = quote.strip()
    return wanted if wanted and wanted in content else None


def _span(quote: str, content: str) -> str | None:
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


def _sentences(content: str) -> list[str]:
    return [sentence for found in _SENTENCE.finditer(content) if (sentence := found.group().strip())]


def _likeness(wanted: str, sentence: str) -> float:
    """Share of the letter pairs of `wanted` that `sentence` holds; 0 when a number is missing from it."""
    ours, theirs = _folded(wanted)[0], _folded(sentence)[0]
    if set(re.findall(r"\d+", ours)) - set(re.findall(r"\d+", theirs)):
        return 0.0
    pairs = {ours[i : i + 2] for i in range(len(ours) - 1)}
    return sum(pair in theirs for pair in pairs) / len(pairs) if pairs else 0.0


def _is_question(quote: str, content: str) -> bool:
    after = content[content.index(quote) + len(quote) :].lstrip()
    return quote.endswith(("?", "？")) or after.startswith(("?", "？"))


_SPEAKER = frozenset(("user", "the user", "speaker", "the speaker", "i", "me", "用戶", "用户", "我"))
_ASSISTANT = frozenset(("assistant", "the assistant", "助手", "助理"))


def _subject(raw: str, turn: Turn, turns: Sequence[Turn]) -> str | None:
    """`user`, `assistant`, or a name. Where several people speak as the user, each goes by name."""
    subject = raw.strip()
    folded = subject.casefold()
    names = {other.name for other in turns if other.role == "user" and other.name}
    if folded in _ASSISTANT:
        return "assistant"
    if folded in _SPEAKER:
        return turn.name if len(names) > 1 and turn.role == "user" and turn.name else "user"
    if len(names) == 1 and folded == next(iter(names)).casefold():
        return "user"
    return subject or None


_NOTHING = frozenset(("", "none", "null", "n_a", "unknown"))


def _attribute(raw: str) -> str | None:
    """The attribute as a label: lower case, words joined by `_`."""
    label = re.sub(r"\W+", "_", raw.casefold()).strip("_")
    return None if label in _NOTHING else label


@dataclass(frozen=True, slots=True)
class _Interval:
    start: datetime
    end: datetime
    """The first moment after it."""
    precision: Precision

    def is_day_of(self, moment: datetime) -> bool:
        return self.precision == "day" and self.start <= moment < self.end


_DATE = re.compile(r"\s*(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})(?!\d).*)?)?\D*", re.DOTALL)


def _interval(raw: str | None, said_at: datetime) -> _Interval | None:
    """The year, month, day or second that `raw` names, in the zone of `said_at`; None when it names none."""
    found = _DATE.fullmatch(raw or "")
    if found is None or raw is None:
        return None
    year, month, day = found.groups()
    zone = said_at.tzinfo or UTC
    try:
        if day:
            return _day_or_second(raw.strip(), datetime(int(year), int(month), int(day), tzinfo=zone))
        start = datetime(int(year), int(month or 1), 1, tzinfo=zone)
        if month:
            return _Interval(start, (start + timedelta(days=31)).replace(day=1), "month")
        return _Interval(start, start.replace(year=start.year + 1), "year")
    except (ValueError, OverflowError):
        return None


def _day_or_second(raw: str, day: datetime) -> _Interval:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        moment = None
    if moment is None or not re.search(r"\d[T ]\d", raw):
        return _Interval(day, day + timedelta(days=1), "day")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=day.tzinfo)
    return _Interval(moment, moment + timedelta(seconds=1), "second")


def _once(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Each fact once; models in difficulty say the same again and again."""
    return tuple({(fact.turn, fingerprint(fact.text)): fact for fact in reversed(facts)}.values())[::-1]
