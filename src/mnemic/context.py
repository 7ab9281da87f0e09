"""What is known about a question, as a block for a prompt: who the user is, then hits. Top to bottom.

No language model is involved. Every format stands between the markers of `hygiene`, so that a block that is
handed back as a message is cut out of it.
"""

from __future__ import annotations

import asyncio
import html
import json
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Literal, SupportsIndex

from mnemic import times, tokens
from mnemic.consolidate import ConsolidatePath
from mnemic.errors import InvalidConfig, describe
from mnemic.hygiene import CLOSING, OPENING, unmarked
from mnemic.protocols import Page, Record, Store, Where
from mnemic.question import Question
from mnemic.read import Hit, ReadPath
from mnemic.text import asks, fingerprint
from mnemic.types import SEARCHABLE_STATES, Episode, EpisodeState, Format, Memory

CONTEXT_STATES: tuple[EpisodeState, ...] = (*SEARCHABLE_STATES, "done")
"""Episodes that a context block may quote: also those that memories were made of."""

# A message that memories were made of is quoted beside them only when it is clearly relevant: one scale above
# the point where relevant and irrelevant are equally likely. Whole messages often hold a question, and
# questions resemble each other whatever they ask.
_CLEARLY = 1 / (1 + math.exp(-1))

# The stable part has this share of the budget at most: what answers the question is worth more than what is
# known anyway, yet a dozen lines about somebody fit into the default budget. What it leaves is for hits; what
# hits leave is not for it, as it would then change with the question.
_STABLE_SHARE = 1 / 3

# The shortest line takes about so many tokens: no more memories are read than may fit.
_LEAST_LINE = 12

# Extractors give what was said outright 0.7 and more; below this, it was a guess, a joke, or came from a tool.
_CERTAIN = 0.6


@dataclass(frozen=True, kw_only=True)
class Block:
    """A context block and what went into it."""

    text: str = ""
    stable: str = ""
    """How `text` begins: the same, byte for byte, until a memory in it changes."""
    rest: str = ""
    """What follows it."""
    tokens: int = 0
    hits: tuple[Hit, ...] = ()
    omitted: int = 0
    """Hits that did not fit."""
    profile_omitted: int = 0
    """Memories that belong into the stable part and did not fit."""


class ContextPath:
    """Puts what is known about a question into a block."""

    def __init__(
        self,
        store: Store,
        read: ReadPath,
        consolidate: ConsolidatePath,
        *,
        count: Callable[[str], int] | None = None,
    ) -> None:
        self._store = store
        self._read = read
        self._consolidate = consolidate
        self._own_count = count

    async def block(
        self,
        asked: Question,
        where: Where,
        *,
        limit: int,
        floor: float | None,
        max_tokens: int,
        form: Format = "text",
        profile: bool = True,
    ) -> Block:
        """A stable part, then hits, best first: whole lines, at most `max_tokens` together. Empty with neither."""
        if self._own_count is None:
            await asyncio.to_thread(tokens.load)  # slow the first time
        count = tokens.count if self._own_count is None else _checked(self._own_count)
        layout = _LAYOUTS[form]
        share = int(max_tokens * _STABLE_SHARE)
        answer, known = await asyncio.gather(
            self._read.search(asked, where, limit=limit, floor=floor),
            self._foremost(where, max(share // _LEAST_LINE, 1) if profile else 0),
        )
        worth = [hit for hit in answer.hits if _worth_quoting(hit)]
        hits = _each_turn_once(
            worth if where.superseded and where.as_of is None else await self._still_so(worth, where)
        )
        stable, shown = _stable(known, share, layout, count)
        told = [memory for memory in known.memories if memory.id in shown]
        repeated = shown | await self._repeated(hits, shown)
        hits = [hit for hit in hits if hit.record.id not in repeated and not _says_one(hit.record, told)]
        return _filled(hits, stable, known.total - len(shown), where, max_tokens, layout, count)

    async def _foremost(self, where: Where, limit: int) -> Page:
        """What belongs into the stable part. Nothing for the whole store, whose users differ, nor for the past."""
        if not limit or not where.scope.ids or where.as_of is not None or where.known_at is not None:
            return Page(memories=(), total=0, next_cursor=None)
        return await self._consolidate.foremost(where, limit)

    async def _still_so(self, hits: Sequence[Hit], where: Where) -> list[Hit]:
        """Without messages that told something which had changed by then: what still held of them, memories tell."""
        done = [hit.record.id for hit in hits if isinstance(hit.record, Episode) and hit.record.state == "done"]
        changed = await self._store.citing(done, superseded=True) if done else ()
        stale = {source.episode_id for memory in changed if _is_over(memory, where) for source in memory.sources}
        return [hit for hit in hits if hit.record.id not in stale]

    async def _repeated(self, hits: Sequence[Hit], shown: set[str]) -> set[str]:
        """Messages of which all that is remembered stands in the stable part, and that beside it only ask."""
        done = [hit.record for hit in hits if isinstance(hit.record, Episode) and hit.record.state == "done"]
        made = await self._store.citing([each.id for each in done]) if done and shown else ()
        quotes: dict[str, list[str]] = {}
        for memory in made:
            for source in memory.sources:
                quotes.setdefault(source.episode_id, []).append(source.quote if memory.id in shown else "")
        return {each.id for each in done if all(quotes.get(each.id, ("",))) and _only_asks(each, quotes[each.id])}


def _checked(own: Callable[[str], object]) -> Callable[[str], int]:
    """The caller's counter, held to its word."""

    def count(text: str) -> int:
        found = own(text)
        if isinstance(found, bool) or not isinstance(found, SupportsIndex) or index(found) < 0:
            raise InvalidConfig(f"token_counter must return a whole number from 0 up, not {describe(found)}")
        return index(found)

    return count


def _worth_quoting(hit: Hit) -> bool:
    record = hit.record
    return not (isinstance(record, Episode) and record.state == "done") or hit.score >= _CLEARLY


def _is_over(memory: Memory, where: Where) -> bool:
    """Whether it no longer held at the moment asked about, by what was known at the moment asked about."""
    if memory.known_to is None or (where.known_at is not None and memory.known_to > where.known_at):
        return False
    return where.as_of is None or memory.valid_to is None or memory.valid_to <= where.as_of


def _each_turn_once(hits: Sequence[Hit]) -> list[Hit]:
    """Drop a message that a better hit quotes, and a memory whose message is a better hit."""
    seen: set[str] = set()
    kept = []
    for hit in hits:
        turns = {hit.record.id} if isinstance(hit.record, Episode) else {s.episode_id for s in hit.record.sources}
        if turns and turns <= seen:
            continue
        seen |= turns if isinstance(hit.record, Episode) else set()
        kept.append(hit)
    quoted = {s.episode_id for hit in kept if isinstance(hit.record, Memory) for s in hit.record.sources}
    return [hit for hit in kept if not (isinstance(hit.record, Episode) and hit.record.id in quoted)]


def _only_asks(message: Episode, quotes: Sequence[str]) -> bool:
    """Whether a message consists of quotes and questions."""
    rest = message.words
    for quote in quotes:
        rest = rest.replace(quote, "\n")
    return all(asks(part) for part in _SENTENCE.findall(rest) if any(map(str.isalnum, part)))


_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


def _says_one(record: Record, told: Sequence[Memory]) -> bool:
    """Whether it is a message that says no more than one of these memories does, by the same speaker."""
    if isinstance(record, Memory):
        return False
    said = _by(record), fingerprint(record.words)
    return any((_by(memory), fingerprint(memory.words)) == said for memory in told)


# Filling the budget.


@dataclass(frozen=True, kw_only=True)
class _Line:
    """What a line says: the words, and where they come from."""

    words: str
    date: str | None
    age: str | None
    """How long ago. Not told in the stable part, which must not change with the day."""
    place: Literal["profile", "pinned"] | None
    """Why it stands in the stable part."""
    by: str
    episode: str | None
    certainty: str | None
    past: bool


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """A format. The parts of a block stand on lines of their own; without hits or memories, their part is left out."""

    head: str = ""
    stable: tuple[str, str]
    """Before and after the lines."""
    hits: tuple[str, str]
    tail: str = ""
    between: str = "\n"
    line: Callable[[_Line], str]
    left_out: Callable[[int, str], str]

    def begun(self, lines: Sequence[str]) -> str:
        """The stable part, from the beginning of the block."""
        return _joined(self.head, _part(self.stable, self.between.join(lines))) if lines else ""

    def ended(self, lines: Sequence[str], *, begun: bool) -> str:
        """What follows it, to the end of the block."""
        hits = _part(self.hits, self.between.join(lines)) if lines else ""
        return _joined("" if begun else self.head, hits, self.tail) if hits or begun else ""


def _part(around: tuple[str, str], lines: str) -> str:
    return f"{around[0]}\n{lines}\n{around[1]}"


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _stable(known: Page, share: int, layout: _Layout, count: Callable[[str], int]) -> tuple[str, set[str]]:
    """The stable part within its share, and the ids of what it shows. One too long for it does not keep out others."""
    lines = {memory.id: layout.line(_known(memory)) for memory in known.memories}
    taken = _fitting(list(lines.items()), known.total, share, "about the user", layout, layout.begun, count)
    if not taken:
        return "", set()
    return layout.begun(_with_note([lines[each] for each in taken], known.total, "about the user", layout)), {*taken}


def _filled(
    hits: Sequence[Hit],
    stable: str,
    profile_omitted: int,
    where: Where,
    max_tokens: int,
    layout: _Layout,
    count: Callable[[str], int],
) -> Block:
    """The block, with as many hits as go into what the stable part leaves."""
    lines = {hit.record.id: layout.line(_recalled(hit.record, where)) for hit in hits}

    def whole(chosen: Sequence[str]) -> str:
        return _joined(stable, layout.ended(chosen, begun=bool(stable)))

    taken = _fitting(list(lines.items()), len(hits), max_tokens, "about the question", layout, whole, count)
    chosen = _with_note([lines[each] for each in taken], len(hits), "about the question", layout)
    if not taken and (not stable or count(whole(chosen)) > max_tokens):
        chosen = []
    text = whole(chosen)
    size = count(text)
    if not text or size > max_tokens:
        return Block(omitted=len(hits), profile_omitted=profile_omitted)
    return Block(
        text=text,
        stable=stable,
        rest=layout.ended(chosen, begun=bool(stable)),
        tokens=size,
        hits=tuple(hit for hit in hits if hit.record.id in taken),
        omitted=len(hits) - len(taken),
        profile_omitted=profile_omitted,
    )


def _fitting(
    lines: Sequence[tuple[str, str]],
    total: int,
    budget: int,
    which: str,
    layout: _Layout,
    assembled: Callable[[Sequence[str]], str],
    count: Callable[[str], int],
) -> list[str]:
    """Ids of the lines that fit, in order. Where some of `total` do not, there is room for the line that says so."""
    costs = {each: count(layout.between + line) for each, line in lines}
    frame = count(assembled([""]))
    room = budget - frame
    if total > len(lines) or sum(costs.values()) > room:
        room -= count(layout.between + layout.left_out(total, which))
    taken = []
    for each, _ in lines:
        if costs[each] <= room:
            room -= costs[each]
            taken.append(each)
    # Tokens may join over the end of a line, or, with a tokeniser of one's own, fall apart there.
    text_of = dict(lines)
    while taken and count(assembled(_with_note([text_of[each] for each in taken], total, which, layout))) > budget:
        taken.pop()
    return taken


def _with_note(lines: Sequence[str], total: int, which: str, layout: _Layout) -> list[str]:
    left = total - len(lines)
    return [*lines, layout.left_out(left, which)] if left else [*lines]


# Lines.


def _known(memory: Memory) -> _Line:
    return _line(memory, age=None, place="pinned" if memory.pinned else "profile", past=False)


def _recalled(record: Record, where: Where) -> _Line:
    """Its age and whether it still holds are told as of the moment asked about."""
    age = None if record.said_at is None else times.age(record.said_at, where.as_of or where.now)
    return _line(record, age=age, place=None, past=isinstance(record, Memory) and _is_over(record, where))


def _line(record: Record, *, age: str | None, place: Literal["profile", "pinned"] | None, past: bool) -> _Line:
    sources = [record.id] if isinstance(record, Episode) else [each.episode_id for each in record.sources]
    return _Line(
        words=_plain(record.words),
        date=None if record.said_at is None else record.said_at.date().isoformat(),
        age=age,
        place=place,
        by=_by(record),
        episode=next(iter(sources), None),
        certainty=_certainty(record),
        past=past,
    )


def _certainty(record: Record) -> str | None:
    if isinstance(record, Episode):
        return None
    if record.origin == "inferred":
        return "inferred"
    return "uncertain" if record.confidence < _CERTAIN else None


def _by(record: Record) -> str:
    """Who said it. A name that could be taken for a role, or for what a line says beside it, is said to be a name."""
    name = _in_a_label(record.actor or "")
    told = record.role if isinstance(record, Episode) else record.attributed_to or "user"
    if not name:
        return told
    role = record.role or told
    return f"{role} named {name}" if _LIKE_A_LABEL.match(name.casefold()) and name != role else name


# A name stands outside the quotes: nothing in it may end them, the line, or its place between the commas.
_LONGEST_NAME = 60
_ENDS_A_LABEL = frozenset(',;:<>"`、。،؛׃')
_AROUND_A_LABEL = ("Ps", "Pe", "Pi", "Pf", "Cc", "Cf", "Co", "Cs", "Cn")  # brackets, quotes, what is not seen

_LIKE_A_LABEL = re.compile(
    r"(?:user|assistant|system|developer|tool|human|no longer so|uncertain|inferred|profile|pinned|undated|note)\b"
    r"|使用者|用[戶户]|助[手理]|系[統统]"
)


def _in_a_label(name: str) -> str:
    """A name without marks, but for an apostrophe between letters."""
    seen = (each for each in name[: 4 * _LONGEST_NAME] if unicodedata.category(each) != "Cf")
    name = unicodedata.normalize("NFKC", _plain("".join(seen)))
    kept = (each if _is_apostrophe(name, at) or not _is_mark(each) else " " for at, each in enumerate(name))
    return " ".join("".join(kept).split())[:_LONGEST_NAME].strip()


def _is_mark(letter: str) -> bool:
    return letter in _ENDS_A_LABEL or unicodedata.category(letter) in _AROUND_A_LABEL or letter == "'"


def _is_apostrophe(name: str, at: int) -> bool:
    return name[at] in "'’" and name[at - 1 : at].isalpha() and name[at + 1 : at + 2].isalpha()


# Control characters, which XML has no room for; what turns the direction of writing for the lines to come; and
# letters that a model reads and nobody sees.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\U000e0000-\U000e007f]")


def _plain(words: str) -> str:
    """On one line, with nothing in it that ends the block."""
    return unmarked(" ".join(_UNSEEN.sub(" ", words).split()))


# Formats.


def quoted(words: str) -> str:
    """Words as data for a model: on one line, in quotation marks that nothing in them can end."""
    return f"“{_plain(words).translate(_QUOTES)}”"


def _as_text(line: _Line) -> str:
    when = "undated" if line.date is None else f"{line.date} ({line.age or line.place})"
    said = ", ".join(part for part in (when, "no longer so" if line.past else None, line.by, line.certainty) if part)
    words = line.words.translate(_QUOTES)
    return f"- {said}: “{words}”"


# Words keep their quotation marks, but none that could end the quote, and no angle brackets.
_QUOTES = str.maketrans("“”<>", "‘’‹›")


def _text_left_out(left: int, which: str) -> str:
    return f"- undated, note: “{left} more {'memory' if left == 1 else 'memories'} {which} did not fit.”"


def _as_xml(line: _Line) -> str:
    named = " ".join(f'{name}="{html.escape(value)}"' for name, value in _fields(line).items())
    return f"<item {named}>{html.escape(line.words, quote=False)}</item>"


def _xml_left_out(left: int, which: str) -> str:
    return f'<left_out count="{left}">{which}</left_out>'


def _as_json(line: _Line) -> str:
    return json.dumps({"text": line.words, **_fields(line)}, ensure_ascii=False)


def _json_left_out(left: int, which: str) -> str:
    return json.dumps({"left_out": left, "which": which})


def _fields(line: _Line) -> dict[str, str]:
    fields: dict[str, str | None] = {
        "date": line.date,
        "age": line.age,
        "holds": "no longer" if line.past else None,
        "by": line.by,
        "certainty": line.certainty,
        "episode": line.episode,
    }
    return {name: value for name, value in fields.items() if value}


_TEXT = _Layout(stable=(OPENING, CLOSING), hits=(OPENING, CLOSING), line=_as_text, left_out=_text_left_out)
_LAYOUTS: dict[Format, _Layout] = {
    "text": _TEXT,
    "messages": _TEXT,
    "xml": _Layout(
        head=OPENING,
        stable=("<profile>", "</profile>"),
        hits=("<recalled>", "</recalled>"),
        tail=CLOSING,
        line=_as_xml,
        left_out=_xml_left_out,
    ),
    "json": _Layout(
        head=f'{{"memory": {json.dumps(OPENING)},',
        stable=('"profile": [', "],"),
        hits=('"recalled": [', "],"),
        tail=f'"end": {json.dumps(CLOSING)}}}',
        between=",\n",
        line=_as_json,
        left_out=_json_left_out,
    ),
}
