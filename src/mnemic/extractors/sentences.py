"""Sentences of a message, as offsets: nothing is rewritten, so each one can be quoted verbatim."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

with warnings.catch_warnings():
    # pysbd 0.3.4 holds escape sequences that Python warns of when it compiles them.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", SyntaxWarning)
    import pysbd


class Span(NamedTuple):
    """A stretch of a text; `prose` is False for code, logs, data and bare links."""

    start: int
    end: int
    prose: bool = True


def sentences(text: str) -> Iterator[Span]:
    """Trimmed, non-empty sentences of `text` in order, in any language.

    Lines, list items and Chinese and Latin end marks divide. Where a full stop may belong to an
    abbreviation, pysbd decides; long texts are divided by rule only, to stay linear.
    """
    if _is_data(text):
        yield from _trimmed(text, 0, len(text), prose=False)
        return
    careful = len(text) <= _CAREFUL_TEXT
    position = 0
    for block in _FENCE.finditer(text):
        yield from _lines(text, position, block.start(), careful=careful)
        yield from _trimmed(text, block.start(), block.end(), prose=False)
        position = block.end()
    yield from _lines(text, position, len(text), careful=careful)


# pysbd is quadratic in places: 1,000 characters of "1. 1. 1. …" take 40 ms, 10,000 take 4 s. With
# these two limits the worst message costs well under a second; what is longer goes by rule alone.
# It also takes a millisecond a sentence at best, so it is asked only where a stop is in doubt.
_CAREFUL_TEXT = 20_000
_CAREFUL_PIECE = 600

# The closing fence may be missing, when a message was cut.
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)

# What opens a line without being part of what is said: bullets, numbering, quoting marks.
_BULLET = re.compile(r"[ \t\u3000]*(?:(?:[-*•·–—>»#]+|\(?\d{1,2}[.)、](?!\d))[ \t\u3000]*)+")

# Marks that always end a sentence, with the closing quotes and brackets after them.
_HARD_END = re.compile(
    r"""(?:[。！？｡؟।]|[!?](?=[\s"'”’)\]!?\u3400-\u9fff]|\Z)|…{2,}|[~～]+(?=\s|[\u3400-\u9fff]))+"""
    r"""[。！？!?…~～]*["'”’」』）)\]]*""",
)

# A full stop that may end a sentence; an ellipsis does only before something other than a small letter.
_STOP = re.compile(r"""(?<=[^\s.])(?:\.["'”’)\]]*(?=\s)|\.{2,}["'”’)\]]*(?=\s+[^\sa-z]))""")
# What stands before a doubtful stop: a capitalised short word, a letter, a number, a known abbreviation.
_DOUBTFUL = re.compile(
    r"(?:\b[A-Z]\w{0,4}|\b[A-Za-z]|\d|\.\w{1,4}|\b(?:etc|vs|approx|est|dept|min|max|sec|hr|hrs|ext|no|fig|al|cf|ca|resp|incl))\Z",
)
_ABBREVIATED = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|approx|No|Vol|Fig|Inc|Ltd|Co|[A-Za-z])|\d)\Z")


_ABBREVIATION = 12  # characters before a stop that tell an abbreviation


def _lines(text: str, start: int, end: int, *, careful: bool) -> Iterator[Span]:
    position = start
    while position < end:
        stop = text.find("\n", position, end)
        stop = end if stop < 0 else stop
        if _is_machine_line(text[position : min(stop, position + _MACHINE_LINE_LOOK)]):
            yield from _trimmed(text, position, stop, prose=False)
        else:
            bullet = _BULLET.match(text, position, stop)
            yield from _pieces(text, bullet.end() if bullet else position, stop, careful=careful)
        position = stop + 1


def _pieces(text: str, start: int, end: int, *, careful: bool) -> Iterator[Span]:
    position = start
    for mark in _HARD_END.finditer(text, start, end):
        yield from _stops(text, position, mark.end(), careful=careful)
        position = mark.end()
    yield from _stops(text, position, end, careful=careful)


def _stops(text: str, start: int, end: int, *, careful: bool) -> Iterator[Span]:
    position = start
    if not _NUMBERED.search(text, max(0, start - _ABBREVIATION), end):
        for stop in _AFTER_NUMBER.finditer(text, start, end):
            before = text[max(position, stop.start() - _ABBREVIATION) : stop.start()]
            if not _ORDINAL.search(before):
                yield from _divided(text, position, stop.end(), careful=careful)
                position = stop.end()
    yield from _divided(text, position, end, careful=careful)


# A stop after a number ends a sentence before a capital ("a Pixel 9. I sold …"), where pysbd often sees a list.
# Not in a list within the line ("1. Buy milk 2. Call Ann"), nor after a German ordinal ("am 3. Mai").
_AFTER_NUMBER = re.compile(r"(?<=\d)\.(?=\s+(?:[^\W\d_a-z]|[iI]\b))")
_NUMBERED = re.compile(r"(?:^|[\s:;,(])1[.)]\s", re.MULTILINE)
_ORDINAL = re.compile(
    r"(?:\A|[\s(])(?:am|vom|zum|bis|der|die|das|dem|den|des|im|beim|seit|ab|und|mein|meine|meinen|ein|eine|einen)\s+\d{1,2}\Z"
    r"|\A\d{1,2}\Z",
    re.IGNORECASE,
)


def _divided(text: str, start: int, end: int, *, careful: bool) -> Iterator[Span]:
    doubtful = (
        _DOUBTFUL.search(text[max(start, stop.start() - _ABBREVIATION) : stop.start()])
        for stop in _STOP.finditer(text, start, end)
    )
    if careful and end - start <= _CAREFUL_PIECE and any(doubtful):
        ends = _library_ends(text[start:end])
        if ends is not None:
            position = start
            for relative in ends:
                yield from _trimmed(text, position, start + relative)
                position = start + relative
            return
    position = start
    for stop in _STOP.finditer(text, start, end):
        if not _ABBREVIATED.search(text[max(position, stop.start() - _ABBREVIATION) : stop.start()]):
            yield from _trimmed(text, position, stop.end())
            position = stop.end()
    yield from _trimmed(text, position, end)


def _library_ends(piece: str) -> list[int] | None:
    """Where pysbd ends the sentences of `piece`; None when it changed a sentence we then cannot find."""
    ends: list[int] = []
    position = 0
    # A new segmenter each time: it keeps the text on itself, and we may run in several threads.
    for sentence in pysbd.Segmenter(language="en", clean=False).segment(piece):
        words = str(sentence).strip()
        if not words:
            continue
        found = piece.find(words, position)
        if found < 0:
            return None
        position = found + len(words)
        ends.append(position)
    return [*ends[:-1], len(piece)]


def _trimmed(text: str, start: int, end: int, *, prose: bool = True) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Span(start, end, prose)


# What machines write.

_MACHINE_LINE_LOOK = 400  # enough of a line to know it

_DATA = re.compile(r"\s*(?:\{\s*[\"'}]|\[\s*[\[{\"'\d\]]|<\?xml|<!DOCTYPE|<html)", re.IGNORECASE)
_DATA_END = re.compile(r"[\]}>]\s*\Z")

_MACHINE_LINE = re.compile(
    r"""
      \s*https?://\S+\s*\Z                                                 # a link and nothing else
    | \s*Traceback\ \(most\ recent | \s*File\ ".{1,200}",\ line\ \d+       # Python traces
    | \s*at\ [\w.$<>]{1,120}\(.{0,200}\)\s*\Z                              # Java and JavaScript traces
    | \s*(?:[\w.]{1,80}\.)?\w{1,60}(?:Error|Exception|Warning):\ ?         # the last line of a trace
    | .{0,60}\b(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE|FATAL)\b\s*[\]:|-]   # logs
    | \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d[.,\dZ+:]*\]?\s.{0,40}(?:ERROR|WARN|INFO|DEBUG)\b
    | \s*(?:def|class|import|from|const|let|var|function|return|public|private|SELECT|INSERT|UPDATE|DELETE)\b
      .{0,200}(?:[{};:]|\)|\bimport\ \w+|\bFROM\ \w+.*)\s*\Z               # code
    | \s*(?:(?:async\ )?def|func|fn|function)\ \w{1,60}\(.* | \s*import\ [\w.]+\s*\Z
    | \s*[\$>%]\ ?(?:pip|npm|git|cd|ls|curl|docker|python3?|sudo|make|uv)\b # shell
    | \s*(?:pip3?|npm|git|curl|docker|sudo|kubectl|apt(?:-get)?)\ [a-z-]+\s[\w./:@=-]{1,200}\s*\Z
    | \s*[\w.\[\]"']{1,60}\s*(?:=|:=|\+=)\s*\S.{0,300}\Z                   # assignments
    | \s*(?:error|fatal|warn|warning|info|debug|hint|note|remote|npm|yarn|pip|bash|sh|zsh)(?:\[[\w-]{1,12}\])?:\ (?!i\b|I\b|my\b).{0,300}\Z   # tools
    | \s*(?:npm|yarn|pnpm)\ (?:ERR!|WARN|notice)\b
    | \s*\d{1,3}(?:\.\d{1,3}){3}\s-\s                                         # access logs
    | \s*(?:\[?[^\]]{0,40}\]\s)?"?(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\ /\S{0,200}
    | \s*(?:commit|diff|index|---|\+\+\+|@@)\ [\w./@+,-]{5,80}(?:\ .{0,80})?\Z       # version control
    | \s*[-+]{1,3}\s?[\w.]+\(.{0,200}\)\s*\Z
    | \s*[{}\[\]();,]+\s*\Z                                                # brackets alone
    | \s*"[\w.-]{1,60}"\s*:\s*.{1,300}\Z                                   # a line of JSON
    | \s*\|.{1,380}\|\s*\Z                                                 # a table row
    | \s*</?[a-zA-Z][\w-]{0,30}(?:\s[^<>]{0,200})?>.{0,300}\Z              # markup
    """,
    re.VERBOSE,
)
_SYMBOLS = frozenset("{}[]()<>=;:/\\|_$#@%^&*+`\"'~")
_SYMBOL_SHARE = 0.25  # prose stays below a tenth, code and encoded data above a quarter


def _is_data(text: str) -> bool:
    return bool(_DATA.match(text) and _DATA_END.search(text[-20:]))


def _is_machine_line(line: str) -> bool:
    if _MACHINE_LINE.match(line):
        return True
    visible = line.split()
    if not visible:
        return False
    symbols = sum(1 for character in line if character in _SYMBOLS)
    longest = max(map(len, visible))
    return (len(line) > 20 and symbols > _SYMBOL_SHARE * len(line)) or (
        longest > 80 and longest > 0.7 * len(line) and line.isascii()
    )
