"""What a model wrote, read as the shape it was asked for: strictly first, then as a patient reader would.

Models wrap JSON in fences and prose, think aloud, break off in the middle, and slip in quotes, commas
and escapes. `json_repair` mends the JSON; what may hide where in it is the shape's own business (see
`mnemic.prompts`). Nothing is read into an answer: what says nothing is unreadable, and "there is
nothing" counts only where it is written out whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from mnemic.errors import ModelError
from mnemic.protocols import Answer
from mnemic.types import Usage

if TYPE_CHECKING:
    from pydantic import ValidationError

Ask = Callable[[str | None], Awaitable[tuple[str, Usage]]]
"""Asks the model, with None, or asks again with what was wrong with its first answer."""


class UnreadableError(ValueError):
    """The answer cannot be read; the message says why, to be shown to the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading(Generic[Answer]):
    """An answer, and whether all of it was read."""

    answer: Answer
    whole: bool
    """False when it broke off, or some of it made no sense: the model may be asked again."""


async def converse(ask: Ask, shape: type[Answer], *, name: str) -> tuple[Answer, Usage]:
    """One answer of the shape, with what it cost. A bad one is shown to the model once.

    Of two answers that broke off, the first counts: it was not asked to be short.

    Raises:
        ModelError: neither answer could be read.
    """
    text, usage = await ask(None)
    first: Reading[Answer] | UnreadableError
    try:
        first = read(text, shape)
    except UnreadableError as exc:
        first = exc
    if isinstance(first, Reading) and first.whole:
        return first.answer, usage
    wrong = "it breaks off or holds something else than the answer" if isinstance(first, Reading) else str(first)
    text, again = await ask(f"This cannot be used: {wrong}. Answer again, in JSON of the shape asked for and shorter.")
    usage += again
    try:
        second = read(text, shape)
    except UnreadableError as exc:
        if isinstance(first, Reading):
            return first.answer, usage
        raise ModelError(
            f"{name} gave no answer of the expected shape, also when shown the error: {str(exc)[:200]}"
        ) from exc
    if isinstance(first, Reading) and not second.whole:
        return first.answer, usage
    return second.answer, usage


def read(text: str, shape: type[Answer]) -> Reading[Answer]:
    """The answer in `text`. A shape may refuse a mended empty answer by the validation context `mended`.

    Raises:
        UnreadableError: there is no answer in it.
    """
    from pydantic import ValidationError

    complaint: ValidationError | None = None
    for found in _candidates(_spoken(text)):
        try:
            answer = shape.model_validate(found.value, context={"mended": found.mended})
        except ValidationError as exc:
            # The first candidate is the likeliest to be what was meant, so its faults are the ones to show.
            complaint = complaint or exc
        else:
            return Reading(answer=answer, whole=found.whole)
    said = "it is empty" if complaint is None else problems(complaint)
    raise UnreadableError(said) from complaint


def problems(exc: ValidationError) -> str:
    """The first few things wrong, without repeating what was answered."""
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{json.dumps(list(item['loc']))} {item['msg']}" for item in found[:3])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A value that may be the answer."""

    value: Any
    mended: bool = False
    """It does not stand there as it is: something was put right, or it is surrounded by other words."""
    whole: bool = True


def _candidates(text: str) -> Iterator[_Candidate]:
    """From the strictest reading to the freest."""
    if not text:
        return
    yield from _in_json(text)
    plain = _plain_marks(text)
    if plain != text:
        yield from _in_json(plain)
    if _BRACKET.search(plain) is None:
        yield _Candidate(value=plain, mended=True)


def _in_json(text: str) -> Iterator[_Candidate]:
    blocks = [block for found in _FENCED.finditer(text) if (block := found.group(1).strip())]
    for piece in (text, *reversed(blocks)):
        if (value := _decoded(piece)) is not _NONE:
            yield _Candidate(value=value)
    values, rest = _embedded(text)
    value = values[0] if len(values) == 1 else values
    if values and not set(rest) & set("{["):
        # "Nothing" counts as the last word, not as something mentioned on the way.
        last = rest.rstrip().endswith(_HERE)
        yield _Candidate(value=value, mended=not last)
    for piece in (*reversed(blocks), text):
        if (candidate := _mended(piece)) is not None:
            yield candidate
    if values:
        yield _Candidate(value=values, mended=True, whole=False)


_CLOSE = re.compile(r"</(?:think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_OPEN = re.compile(r"<(?:think|thinking|thought|reasoning|reflection)>", re.IGNORECASE)
_CONTROL = re.compile(r"<\|[^|<>\n]{1,40}\|>|[\ufeff\u200b\u2060\x00]")


def _spoken(text: str) -> str:
    """The text without what a model only thought, and without marks of its own protocol."""
    kept: list[str] = []
    at = 0
    while (opened := _OPEN.search(text, at)) is not None:
        kept.append(text[at : opened.start()])
        closed = _CLOSE.search(text, opened.end())
        at = len(text) if closed is None else closed.end()
    kept.append(text[at:])
    # Where the model's template opens the thought, only its end is to be seen.
    return _CONTROL.sub("", _CLOSE.split("".join(kept))[-1]).strip()


_FENCED = re.compile(r"```[^\n`]{0,20}\n?([^`]*)(?:```|$)")

_NONE = object()


def _decoded(text: str) -> object:
    """The value of a text that is JSON, or JSON Lines, from end to end; else `_NONE`."""
    values, at = [], 0
    while (begin := _GAP.match(text, at)) is not None and begin.end() < len(text):
        try:
            value, at = _DECODER.raw_decode(text, begin.end())
        except (ValueError, RecursionError):
            return _NONE
        values.append(value)
    if not values:
        return _NONE
    return values[0] if len(values) == 1 else values


_GAP = re.compile(r"[\s,]*")
_BRACKET = re.compile(r"[{\[]")
_STARTS = 200
"""How many brackets that begin nothing are tried, so that a wall of them takes no time."""

_HERE = "\x1a"


def _embedded(text: str) -> tuple[list[Any], str]:
    """The objects and lists that stand in a text, and the text with a mark in the place of each."""
    values: list[Any] = []
    rest: list[str] = []
    at = done = failed = 0
    while failed < _STARTS and (begin := _BRACKET.search(text, at)) is not None:
        try:
            value, at = _DECODER.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            failed += 1
            at = begin.end()
            continue
        values.append(value)
        rest += [text[done : begin.start()], _HERE]
        done = at
    return values, "".join((*rest, text[done:]))


def _pairs(pairs: list[tuple[str, Any]]) -> object:
    """An object; where keys come twice, what they can only mean.

    Lists are joined. When the first key comes again with another value, a new object begins that the
    model forgot to open: all of them, in a list. Else the last value counts, as everywhere.
    """
    objects: list[dict[str, Any]] = [{}]
    for name, value in pairs:
        known = objects[-1]
        if name not in known:
            known[name] = value
        elif isinstance(value, list) and isinstance(known[name], list):
            known[name] = known[name] + value
        elif len(known) > 1 and name == next(iter(known)):
            objects.append({name: value})
        else:
            known[name] = value
    return objects[0] if len(objects) == 1 else objects


# Line breaks inside strings are let pass; NaN and Infinity are no values.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_pairs, parse_constant=lambda _: None)

_LONGEST = 16_000
"""Characters of an answer that is mended at most: far more than an answer of 2,048 tokens has. The
library takes quadratic time over a wall of opened objects."""

_DEEPEST = 64

_ESCAPED_MARK = re.compile(r"""(?<!\\)\\(?=[^\w\s"\\/])""")
"""A backslash that JSON does not have, before a mark, as Markdown and Python write it. Before a letter it
may be part of a path, and stays."""


def _mended(text: str) -> _Candidate | None:
    """The JSON of a text, put right. What comes after the last closed object of one that broke off is left out."""
    begin = _BRACKET.search(text)
    if begin is None:
        return None
    piece = text[begin.start() :]
    depth = sum(map(piece.count, "{[")) - sum(map(piece.count, "}]"))
    if depth > 0:
        piece = piece[: piece.rfind("}") + 1]
    if not piece or len(piece) > _LONGEST or depth > _DEEPEST:
        return None
    from json_repair import repair_json

    try:
        value = repair_json(_ESCAPED_MARK.sub("", piece), return_objects=True)
    except (ValueError, RecursionError):
        return None
    return _Candidate(value=value, mended=True, whole=depth <= 0) if isinstance(value, dict | list) else None


_WIDE = str.maketrans("｛｝［］＂“”„", '{}[]"""' + '"')
_WIDE_COLON = re.compile(r'(?<=")(\s{0,4})：')
_WIDE_COMMA = re.compile(r'(?<=["}\]\d])(\s{0,4})，(?=\s{0,4}["{\[])')


def _plain_marks(text: str) -> str:
    """JSON whose own marks were written wide, curly or as HTML entities."""
    if "&quot;" in text and '"' not in text:
        text = text.replace("&quot;", '"').replace("&amp;", "&")
    text = text.translate(_WIDE)
    return _WIDE_COMMA.sub(r"\1,", _WIDE_COLON.sub(r"\1:", text))
