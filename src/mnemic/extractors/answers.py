"""From a model's entry to a fact: every field is held to what was said, and dropped where it does not hold. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeGuard

from mnemic import slots
from mnemic.extractors import quotes
from mnemic.text import query_terms, side, terms
from mnemic.types import Deed, ExtractionRequest, Fact, Near, Precision, Refusal, Turn


class Raw(Protocol):
    """One fact as a model writes it; see `prompts.extract.ExtractedFact`."""

    @property
    def turn(self) -> int: ...  # noqa: D102
    @property
    def quote(self) -> str: ...  # noqa: D102
    @property
    def known(self) -> int: ...  # noqa: D102
    @property
    def does(self) -> Literal["new", "same", "fuller", "replaces", "ends", "unsure"]: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def attribute(self) -> str: ...  # noqa: D102
    @property
    def object(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> Literal["fact", "preference", "event", "procedure"]: ...  # noqa: D102
    @property
    def valid_from(self) -> str: ...  # noqa: D102
    @property
    def valid_to(self) -> str: ...  # noqa: D102
    @property
    def categories(self) -> Sequence[str]: ...  # noqa: D102


def fact(raw: Raw, request: ExtractionRequest, origin: Sequence[int]) -> Fact | Refusal | None:
    """The fact with its quote found in a turn, or why not. None when nothing in it can be placed."""
    turns = request.turns
    quote, text = _readable(raw.quote, turns), _readable(raw.text, turns)
    # A wrong number is no loss when the words are found in another turn.
    named = origin[min(max(raw.turn, 1), len(origin)) - 1]
    place = quotes.find(
        quote, text or quote, turns, [named, *(index for index in dict.fromkeys(origin) if index != named)]
    )
    if place is None:
        return Refusal(turn=named, reason="quote_not_in_source", quote=quote) if quote else None
    index, quote = place
    turn = turns[index]
    if turn.role == "assistant" and _is_question(quote, turn.content):
        return Refusal(turn=index, reason="question", quote=quote)
    if not text or side(text) != side(quote) or text.casefold() == raw.object.strip().casefold():
        # A translation would change names, and a value alone says nothing; the words themselves do.
        text = quote
    elif _lacks_value(text, raw.object, quote) or _is_copied(text, raw, turn, request):
        text = quote
    # Models like to write a day that merely stands in the prompt: of this turn, which the source tells, or another.
    shown = [turn.said_at, *(each.said_at for each in request.near), *(each.said_at for each in request.before)]
    since, until = (
        None if found and any(map(found.is_day_of, shown)) else found
        for found in (_interval(raw.valid_from, turn.said_at), _interval(raw.valid_to, turn.said_at))
    )
    if since and until and until.end <= since.start:
        until = None
    dated = since or until
    subject = _subject(raw.subject, turn, turns)
    quote = _from_name_on(subject, quote, turn)
    does, to = _deed(raw, text, request.near)
    return Fact(
        text=text,
        turn=index,
        quote=quote,
        kind=raw.kind,
        subject=subject,
        attribute=_attribute(raw.attribute),
        object=_object(raw.object, quote),
        ends=raw.does == "ends",
        does=does,
        to=to,
        also=_also(subject, text, turn, request.before),
        categories=tuple(dict.fromkeys(name for name in raw.categories if name in request.choices)),
        attributed_to="assistant" if turn.role == "assistant" else "user",
        valid_from=since.start if since else None,
        valid_to=until.end if until else None,
        precision=dated.precision if dated else None,
    )


def _lacks_value(text: str, value: str, quote: str) -> bool:
    """Whether the text leaves out what it is to say: "Adopted a kitten", where the value is "Momo"."""
    named = set(query_terms(value))
    return bool(named) and _object(value, quote) is not None and named.isdisjoint(terms(text))


def _is_copied(text: str, raw: Raw, turn: Turn, request: ExtractionRequest) -> bool:
    """Whether the text is one of a known memory that it is to change, or has words that only such a memory has."""
    if raw.does not in ("new", "same") and any(text == each.text for each in request.near):
        return True
    said = {term for each in (turn, *request.before) for term in terms(each.content)}
    known = {term for each in request.near for term in terms(each.text)}
    return bool((set(query_terms(text)) - said) & known)


_ENTITY = re.compile(r"&(?:#\d{1,6}|[a-z]{2,6});")


def _readable(written: str, turns: Sequence[Turn]) -> str:
    """Without the blanks around it, and with `&amp;` as `&` where nobody said `&amp;`."""
    if _ENTITY.search(written) and not any(_ENTITY.search(turn.content) for turn in turns):
        written = html.unescape(written)
    return written.strip()


def _deed(raw: Raw, text: str, near: Sequence[Near]) -> tuple[Deed, int | None]:
    """What it does to which known memory; `new` where it points at none that was shown."""
    if raw.does == "new" or not 1 <= raw.known <= len(near):
        return "new", None
    to = raw.known - 1
    if raw.does in ("same", "fuller") and not set(query_terms(text)) & set(terms(near[to].text)):
        # Without a word in common it is safer to keep both: what is the same is found by its vector, too.
        return "new", None
    # Where something ended, the fact that says so stands in the place of the one that said it was.
    return "replaces" if raw.does == "ends" else raw.does, to


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


_REACH = 200
"""Characters between a name and the words about it, in one turn, for both to be quoted together."""

_MARKS = ("。", "！", "？", "\n", ". ", "! ", "? ")


def _from_name_on(subject: str | None, quote: str, turn: Turn) -> str:
    """The quote, begun at the sentence that names its subject where it does not do so itself."""
    if not _is_other(subject, turn) or subject.casefold() in quote.casefold():
        return quote
    start = turn.content.index(quote)
    named = turn.content.rfind(subject, max(start - _REACH, 0), start)
    if named < 0:
        return quote
    ends = [(found, mark) for mark in _MARKS if (found := turn.content.rfind(mark, 0, named)) >= 0]
    begun = max((found + len(mark) for found, mark in ends), default=0)
    return turn.content[max(begun, named - _REACH) : start + len(quote)].strip()


# A word with a capital that does not begin the text: in many languages, a name.
_NAME = re.compile(r"(?<=[^\W\d_] )[A-Z]\w+")


def _also(subject: str | None, text: str, turn: Turn, before: Sequence[Turn]) -> tuple[tuple[int, str], ...]:
    """Sentences of earlier turns that name whom the fact names and its own turn does not: for each the latest."""
    names = [subject] if _is_other(subject, turn) else []
    names += _NAME.findall(text)
    found: dict[tuple[int, str], None] = {}
    for name in dict.fromkeys(names):
        wanted = re.compile(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", re.IGNORECASE)
        if wanted.search(turn.content):
            continue
        said = (
            (index, sentence)
            for index in range(len(before) - 1, -1, -1)
            for sentence in quotes.sentences(before[index].content)
            if wanted.search(sentence)
        )
        if place := next(said, None):
            found[place] = None
    return tuple(found)


def _is_other(subject: str | None, turn: Turn) -> TypeGuard[str]:
    """Whether it names somebody else than who speaks."""
    return subject is not None and subject not in ("user", "assistant", turn.name)


def _object(raw: str, quote: str) -> str | None:
    """The words of the quote that are the value; None where it does not say it."""
    return quotes.verbatim(raw, quote) or quotes.span(raw, quote)


_NOTHING = frozenset(("", "none", "null", "n_a", "unknown"))


def _attribute(raw: str) -> str | None:
    """The attribute by its one name; None where the model says that there is none."""
    name = slots.canonical(raw)
    return None if name is None or name in _NOTHING else name


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
