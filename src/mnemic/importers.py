"""Chat exports become conversations: JSON Lines, JSON, ChatGPT, Claude and LoCoMo files.

Nothing is written here and nothing is remembered: who calls gives the messages to `add`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import re
import reprlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import IO, Any, NoReturn, TypeAlias
from urllib.parse import quote

from mnemic.errors import InvalidInput
from mnemic.times import parse_time
from mnemic.types import ROLES, Role

FORMATS = ("jsonl", "json", "chatgpt", "claude", "locomo")

MAX_BYTES = 1 << 30
"""Largest text that is unpacked, or read at once: parsed JSON takes several times its size in memory."""

MAX_LINE = 64 << 20
"""Longest line of a JSON Lines file, in bytes: far above any message, far below what fills a memory."""

BATCH = 1000
"""Most loose messages in one Conversation, so that a JSON Lines file of any length is read in passing."""

Json: TypeAlias = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedMessage:
    """One turn of an export."""

    role: Role
    content: str
    name: str | None = None
    at: datetime | None = None
    """When it was said, with a zone; None when the export does not say."""
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """Messages of one run, in order; never empty.

    Most runs are one Conversation. Loose messages of a run that has more than `BATCH` of them, or that
    is interleaved with another, come in several with the same `run_id`, in the order of the file.
    """

    run_id: str
    """The id in the export, or a hash of the content: the same file gives the same ids. No whitespace."""
    title: str | None
    messages: tuple[ImportedMessage, ...]


def read_export(
    source: str | os.PathLike[str] | IO[bytes] | IO[str],
    *,
    format: str | None = None,  # noqa: A002
    max_bytes: int = MAX_BYTES,
) -> Iterator[Conversation]:
    """Yield the conversations of a chat export; an empty file yields nothing.

    `source` is a path or an open stream (which stays open). It may be gzipped; a zip is read when it
    holds the `conversations.json` of a ChatGPT or Claude export. The text is UTF-8.

    - `jsonl`: a message a line, `{"role", "content"}`, or a statement, `{"text"}`, `{"memory"}` or
      `{"content"}`, said by the user. Optional: `name`; `at`, `timestamp`, `created_at` or `date`;
      `run_id`, `session_id`, `session` or `conversation_id`; `metadata`. Other keys are ignored. Read
      line by line. A line may also be a whole conversation, `{"messages": […]}`.
    - `json`: one such object, a list of them, a list of strings, or a dictionary with the list under
      `messages`, `results` or `memories`.
    - `chatgpt`, `claude`: what the two products export; what the user and the assistant wrote, without
      tools and thoughts. Of ChatGPT the current branch; of Claude all messages in the order of the
      file, each with the text of its attachments.
    - `locomo`: the LoCoMo benchmark; one conversation a session, every speaker a named user.

    Messages without text are left out. Half a surrogate pair, which no store can keep, becomes U+FFFD.

    >>> lines = io.StringIO('{"role": "user", "content": "I play tennis.", "session": "s1"}')
    >>> [(c.run_id, c.messages[0].content) for c in read_export(lines)]
    [('s1', 'I play tennis.')]

    Raises InvalidInput, at the latest while iterating, for an unknown format, a file that is in none of
    them, is damaged or not UTF-8, a line or item that cannot be read (with its number), and for more
    than `max_bytes` to unpack or to read at once. A path that cannot be opened raises OSError.
    """
    if format is not None and format not in FORMATS:
        raise InvalidInput(f"format must be one of {', '.join(FORMATS)}, or None to detect it, not {format!r}")
    return _read(source, format, max_bytes)


def _read(
    source: str | os.PathLike[str] | IO[bytes] | IO[str], wanted: str | None, max_bytes: int
) -> Iterator[Conversation]:
    with _opened(source) as raw:
        for text in _unpacked(raw, max_bytes):
            yield from _conversations(text, wanted, max_bytes)


def _conversations(text: io.BufferedReader, wanted: str | None, max_bytes: int) -> Iterator[Conversation]:
    """Tell the format by the first line, where it cannot be told by the whole."""
    number, first = _first_line(text)
    if not first:
        return
    if wanted == "jsonl" or (wanted is None and _begins_json_lines(first)):
        yield from _grouped(_json_lines(text, first, number))
        return
    data = _parsed(_rest(text, first, max_bytes))
    yield from _READERS[wanted or _format_of(data)](data)


# Bytes: opening, unpacking, limits


@contextmanager
def _opened(source: str | os.PathLike[str] | IO[bytes] | IO[str]) -> Iterator[Any]:
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:  # noqa: PTH123
            yield file
    elif hasattr(source, "read"):
        yield getattr(source, "buffer", source)  # sys.stdin has its bytes below
    else:
        raise InvalidInput(f"an export is read from a path or an open stream, not {type(source).__name__}")


def _unpacked(raw: Any, max_bytes: int) -> Iterator[io.BufferedReader]:
    """Yield the texts in `raw`: itself, what is gzipped in it, or the conversations of a zip."""
    can_go_back = raw.seekable() if hasattr(raw, "seekable") and not isinstance(raw, io.TextIOBase) else False
    start = raw.tell() if can_go_back else None
    plain = _buffered(raw)
    magic = plain.peek(4)[:4]
    if magic[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=plain) as packed:
            yield _buffered(packed, max_bytes)
    elif magic in (b"PK\x03\x04", b"PK\x05\x06"):
        if start is None:
            raw = io.BytesIO(_rest(plain, b"", max_bytes))
        else:
            raw.seek(start)
        yield from _members(raw, max_bytes)
    else:
        yield plain


_CONVERSATIONS = re.compile(r"(?:.*/)?conversations(?:-[0-9]+)?\.json", re.IGNORECASE)
"""ChatGPT numbers the files of a large account: conversations-000.json and on."""


def _members(file: IO[bytes], max_bytes: int) -> Iterator[io.BufferedReader]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if _CONVERSATIONS.fullmatch(info.filename)]
            if not members:
                raise _unrecognised("it is a zip without a conversations.json")
            if sum(info.file_size for info in members) > max_bytes:
                raise _too_large(max_bytes)
            for info in sorted(members, key=lambda info: info.filename):
                with archive.open(info) as member:
                    yield _buffered(member, max_bytes)
    except InvalidInput:
        raise
    except _DAMAGED as exc:
        raise InvalidInput(f"the zip cannot be read: {exc}; export it again, or unpack it and pass the file") from exc


_DAMAGED = (
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,  # an unknown compression
    RuntimeError,  # encrypted
    ValueError,
    OverflowError,
)
"""What gzip and zipfile raise for bytes that are not what they should be."""


def _buffered(below: Any, limit: int | None = None) -> io.BufferedReader:
    return io.BufferedReader(_Counted(below, limit), 1 << 16)


class _Counted(io.RawIOBase):
    """A stream of bytes that counts what passes, and says so when an archive is damaged. Closes nothing."""

    def __init__(self, below: Any, limit: int | None) -> None:
        super().__init__()
        self._below = below
        self._limit = limit
        self._passed = 0
        self._ahead = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer; less than all of it only at the end."""
        data = self._ahead
        while len(data) < len(buffer) and (part := self._read(len(buffer) - len(data))):
            data += part
        data, self._ahead = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size: int) -> bytes:
        try:
            part: str | bytes | None = self._below.read(size)
        except _DAMAGED as exc:
            raise InvalidInput(f"the export is damaged or cut short: {exc}; download or export it again") from exc
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part or b""
        self._passed += len(data)
        if self._limit is not None and self._passed > self._limit:
            raise _too_large(self._limit)
        return data


def _rest(text: io.BufferedReader, first: bytes, max_bytes: int) -> bytes:
    """Return `first` and all that follows."""
    data = first + text.read(max(0, max_bytes - len(first)) + 1)
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return data


def _too_large(max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"the export holds more than {max_bytes:,} bytes of text; split it, save it as JSON Lines "
        "(read line by line when not compressed), or pass a larger max_bytes"
    )


# JSON


def _first_line(text: io.BufferedReader) -> tuple[int, bytes]:
    """Return the number and the bytes of the first line that is not blank; no bytes when there is none."""
    number = 1
    line = text.readline(MAX_LINE + 1).removeprefix(b"\xef\xbb\xbf")
    while line and not line.strip():
        number += line.endswith(b"\n")
        line = text.readline(MAX_LINE + 1)
    return number, line


def _begins_json_lines(line: bytes) -> bool:
    """Return whether a line is one of JSON Lines; False when the file has to be read as a whole."""
    if line.lstrip()[:1] not in (b"{", b"["):
        raise _unrecognised(f"it begins with {_decoded(line, 'the export')[:40]!r}")
    try:
        data = _parsed(line)
    except InvalidInput:
        return False
    return isinstance(data, dict) and _format_of(data) == "json" and not any(key in data for key in _LISTS)


def _json_lines(text: io.BufferedReader, first: bytes, number: int) -> Iterator[tuple[str, Json]]:
    line = first
    while line:
        if len(line) > MAX_LINE:
            raise InvalidInput(f"line {number} is longer than {MAX_LINE:,} bytes; is this JSON Lines?")
        if line.strip():
            yield f"line {number}", _parsed(line, f"line {number}")
        number += 1
        line = text.readline(MAX_LINE + 1)


def _parsed(data: bytes, where: str = "the export") -> Json:
    try:
        return json.loads(_decoded(data, where), parse_constant=_no_constant)
    except InvalidInput:
        raise
    except RecursionError as exc:
        raise InvalidInput(f"{where} is nested too deeply to be a chat export") from exc
    except ValueError as exc:
        raise InvalidInput(f"{where} is not valid JSON: {exc}") from exc


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        byte = f"byte 0x{data[exc.start]:02x} at position {exc.start}"
        raise InvalidInput(f"{where} is not UTF-8: {byte}; save it as UTF-8") from exc


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_LISTS = ("results", "memories")
"""Keys under which mem0 and others hand out a list of statements."""


def _format_of(data: Json) -> str:
    items = [item for item in (data if isinstance(data, list) else [data]) if isinstance(item, dict)]
    if any("mapping" in item for item in items):
        return "chatgpt"
    if any("chat_messages" in item for item in items):
        return "claude"
    if any(_sessions(item) for item in items):
        return "locomo"
    if any(key in item for item in items for key in ("messages", *_LISTS, *_TEXTS)):
        return "json"
    if isinstance(data, list) and all(isinstance(item, str) for item in data):
        return "json"
    keys = ", ".join(list(items[0])[:8]) if items else f"a {type(data).__name__}"
    raise _unrecognised(f"its JSON holds {keys or 'nothing'}")


def _unrecognised(why: str) -> InvalidInput:
    return InvalidInput(f"this is no chat export we know ({why}); the formats are {', '.join(FORMATS)}")


# jsonl and json


def _read_json(data: Json) -> Iterator[Conversation]:
    inner = next((data[key] for key in _LISTS if isinstance(data, dict) and key in data), data)
    rows = inner if isinstance(inner, list) else [inner]
    return _grouped((f"item {number}", row) for number, row in enumerate(rows, 1))


def _grouped(rows: Iterable[tuple[str, Json]]) -> Iterator[Conversation]:
    """Gather loose messages into conversations: neighbours with the same run, at most BATCH of them."""
    run: str | None = None
    loose_run: str | None = None
    batch: list[ImportedMessage] = []

    def gathered() -> Iterator[Conversation]:
        nonlocal loose_run
        if batch:
            if run is None and loose_run is None:
                loose_run = _hashed(batch)
            yield Conversation(run_id=run or loose_run or "", title=None, messages=tuple(batch))
            batch.clear()

    for where, row in rows:
        if isinstance(row, dict) and "messages" in row:
            yield from gathered()
            yield from _whole(row, where)
            continue
        row_run = _run_id(row, where)
        if row_run != run or len(batch) >= BATCH:
            yield from gathered()
        run = row_run
        message = _message(row, where)
        if message is not None:
            batch.append(message)
    yield from gathered()


def _whole(row: dict[str, Json], where: str) -> Iterator[Conversation]:
    """Read a conversation that is one object; its time, where it has one, dates messages that have none."""
    if not isinstance(row["messages"], list):
        raise InvalidInput(f"{where}: messages must be a list, not {reprlib.repr(row['messages'])}")
    read = [_message(item, f"{where}, message {number}") for number, item in enumerate(row["messages"], 1)]
    run_id = _run_id(row, where) or _usable_id(row.get("id"))
    title = row.get("title") or row.get("name")
    yield from _conversation(run_id, title, _dated((m for m in read if m is not None), _at(row, where)))


_TEXTS = ("content", "text", "memory")
_TIMES = ("at", "timestamp", "created_at", "date")
_RUNS = ("run_id", "session_id", "session", "conversation_id")
_ROLE_NAMES: dict[str, Role] = {
    **{role: role for role in ROLES},
    "human": "user",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
}


def _message(row: Json, where: str) -> ImportedMessage | None:
    """Read one message or statement; None when it holds no text."""
    if isinstance(row, str):
        return ImportedMessage(role="user", content=_clean(row)) if row.strip() else None
    if not isinstance(row, dict) or not any(key in row for key in _TEXTS):
        raise InvalidInput(f"{where}: expected an object with role and content, or with text, not {reprlib.repr(row)}")
    role = row.get("role") or "user"
    if not isinstance(role, str) or role.lower() not in _ROLE_NAMES:
        raise InvalidInput(f"{where}: role must be one of {', '.join(ROLES)}, not {reprlib.repr(role)}")
    name, metadata = row.get("name"), row.get("metadata")
    if name is not None and not isinstance(name, str):
        raise InvalidInput(f"{where}: name must be a string, not {reprlib.repr(name)}")
    if metadata is not None and not isinstance(metadata, dict):
        raise InvalidInput(f"{where}: metadata must be an object, not {reprlib.repr(metadata)}")
    content = _text_of(next((row[key] for key in _TEXTS if row.get(key) is not None), ""), where)
    if not content.strip():
        return None
    return ImportedMessage(
        role=_ROLE_NAMES[role.lower()],
        content=content,
        name=_clean(name) if name else None,
        at=_at(row, where),
        metadata=_cleaned(metadata or {}, where),
    )


def _text_of(content: Json, where: str) -> str:
    """Return the text of a content that is a string or a list of typed parts."""
    if isinstance(content, str):
        return _clean(content)
    if not isinstance(content, list):
        raise InvalidInput(f"{where}: content must be a string or a list of parts, not {reprlib.repr(content)}")
    return _joined(_part(part) for part in content)


def _at(row: dict[str, Json], where: str) -> datetime | None:
    key = next((key for key in _TIMES if row.get(key) not in (None, "")), None)
    return None if key is None else parse_time(row[key], name=f"{where}: {key}")


def _run_id(row: Json, where: str) -> str | None:
    if not isinstance(row, dict):
        return None
    key = next((key for key in _RUNS if row.get(key) not in (None, "")), None)
    if key is None:
        return None
    run_id = _usable_id(row[key])
    if run_id is None:
        raise InvalidInput(f"{where}: {key} must be a string or a whole number, not {reprlib.repr(row[key])}")
    return run_id


# chatgpt


def _read_chatgpt(data: Json) -> Iterator[Conversation]:
    for number, item in _numbered(data, "chatgpt", "mapping"):
        where = f"conversation {number}"
        start = _time_or_none(item.get("create_time"), f"{where}: create_time")
        read = (_chatgpt_message(message, where) for message in _chatgpt_branch(item))
        messages = _dated((message for message in read if message is not None), start)
        run_id = _usable_id(item.get("conversation_id")) or _usable_id(item.get("id"))
        yield from _conversation(run_id, item.get("title"), messages)


def _chatgpt_branch(item: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the messages from the root to the current node, or to the newest leaf when that is missing."""
    nodes = {key: node for key, node in _dict(item.get("mapping")).items() if isinstance(node, dict)}
    current = item.get("current_node")
    if not isinstance(current, str) or current not in nodes:
        leaves = [key for key, node in nodes.items() if not node.get("children")]
        current = max(leaves or nodes, key=lambda key: _number(_dict(nodes[key].get("message"))), default=None)
    branch: list[dict[str, Json]] = []
    seen = set()
    while isinstance(current, str) and current in nodes and current not in seen:
        seen.add(current)
        branch.append(_dict(nodes[current].get("message")))
        current = nodes[current].get("parent")
    return branch[::-1]


def _number(message: dict[str, Json]) -> float:
    time = message.get("create_time")
    return time if isinstance(time, int | float) else float("-inf")


def _chatgpt_message(message: dict[str, Json], where: str) -> ImportedMessage | None:
    """Read what was shown of a message; None for tools and their calls, hidden turns and thoughts."""
    author, content, metadata = (_dict(message.get(key)) for key in ("author", "content", "metadata"))
    role = author.get("role")
    if role not in ("user", "assistant") or metadata.get("is_visually_hidden_from_conversation"):
        return None
    if message.get("recipient") not in (None, "all"):
        return None
    if content.get("content_type", "text") not in ("text", "multimodal_text"):
        return None
    text = _joined(_part(part) for part in _list(content.get("parts")))
    if not text:
        return None
    return ImportedMessage(
        role=role,
        content=text,
        name=_title(author.get("name")),
        at=_time_or_none(message.get("create_time"), f"{where}: create_time"),
    )


# claude


def _read_claude(data: Json) -> Iterator[Conversation]:
    for number, item in _numbered(data, "claude", "chat_messages"):
        where = f"conversation {number}"
        start = _time_or_none(item.get("created_at"), f"{where}: created_at")
        read = (_claude_message(_dict(message), where) for message in _list(item.get("chat_messages")))
        messages = _dated((message for message in read if message is not None), start)
        yield from _conversation(_usable_id(item.get("uuid")), item.get("name"), messages)


def _claude_message(message: dict[str, Json], where: str) -> ImportedMessage | None:
    role = _ROLE_NAMES.get(str(message.get("sender")))
    if role not in ("user", "assistant"):
        return None
    # `text` repeats the parts, with a placeholder for each that is not text
    text = _joined(_part(part) for part in _list(message.get("content")))
    if not text and isinstance(message.get("text"), str):
        text = _clean(message["text"])
    attached = [_attachment(_dict(item)) for item in _list(message.get("attachments"))]
    content = "\n\n".join(part for part in (text, *attached) if part.strip())
    if not content:
        return None
    at = _time_or_none(message.get("created_at"), f"{where}: created_at")
    return ImportedMessage(role=role, content=content, at=at)


def _attachment(item: dict[str, Json]) -> str:
    text = item.get("extracted_content")
    if not isinstance(text, str) or not text.strip():
        return ""
    return f"[attachment: {_title(item.get('file_name')) or 'pasted text'}]\n{_clean(text)}"


# locomo

_SESSION = re.compile(r"session_([0-9]{1,9})")
_TURN_GAP = timedelta(seconds=5)
"""LoCoMo dates sessions only; turns a few seconds apart stay in order and on their day."""


def _read_locomo(data: Json) -> Iterator[Conversation]:
    for number, sample in _numbered(data, "locomo", "conversation"):
        talk = _dict(sample.get("conversation"))
        sample_id = _usable_id(sample.get("sample_id"))
        speakers = [_title(talk.get(key)) for key in ("speaker_a", "speaker_b")]
        title = " and ".join(name for name in speakers if name) or None
        for session in _sessions(sample):
            where = f"sample {number}, session {session}"
            start = _time_or_none(talk.get(f"session_{session}_date_time"), f"{where}: date_time")
            turns = enumerate(_list(talk[f"session_{session}"]))
            read = [_locomo_turn(_dict(turn), start and start + index * _TURN_GAP) for index, turn in turns]
            messages = [message for message in read if message is not None]
            if messages:
                yield from _conversation(f"{sample_id or _hashed(messages)}/session_{session}", title, messages)


def _sessions(sample: dict[str, Json]) -> list[int]:
    """Return the numbers of a LoCoMo sample's sessions, in order."""
    talk = _dict(sample.get("conversation"))
    found = (match for key in talk if (match := _SESSION.fullmatch(key)) and isinstance(talk[key], list))
    return sorted(int(match[1]) for match in found)


def _locomo_turn(turn: dict[str, Json], at: datetime | None) -> ImportedMessage | None:
    text = _clean(turn["text"]) if isinstance(turn.get("text"), str) else ""
    caption = _title(turn.get("blip_caption"))
    shared = f"[shares an image: {caption}]" if caption else ""
    content = " ".join(part for part in (text, shared) if part.strip())
    if not content:
        return None
    dia_id = turn.get("dia_id")
    metadata = {"dia_id": dia_id} if isinstance(dia_id, str) else {}
    return ImportedMessage(role="user", content=content, name=_title(turn.get("speaker")), at=at, metadata=metadata)


_READERS: dict[str, Callable[[Json], Iterator[Conversation]]] = {
    "json": _read_json,
    "chatgpt": _read_chatgpt,
    "claude": _read_claude,
    "locomo": _read_locomo,
}


# Shared steps


def _numbered(data: Json, name: str, key: str) -> list[tuple[int, dict[str, Json]]]:
    """Return the objects of an export from 1. Raises InvalidInput when none of them has `key`."""
    items = data if isinstance(data, list) else [data]
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise InvalidInput(f"item {number} of a {name} export must be an object, not {reprlib.repr(item)}")
    if items and not any(key in item for item in items):
        raise InvalidInput(f"this is no {name} export: nothing in it has {key!r}; the formats are {', '.join(FORMATS)}")
    return list(enumerate(items, 1))


def _conversation(run_id: str | None, title: Json, messages: list[ImportedMessage]) -> Iterator[Conversation]:
    if messages:
        yield Conversation(run_id=run_id or _hashed(messages), title=_title(title), messages=tuple(messages))


def _dated(messages: Iterable[ImportedMessage], start: datetime | None) -> list[ImportedMessage]:
    """Give messages without a time the one before plus a second, from `start` on; none without a `start`."""
    dated: list[ImportedMessage] = []
    for message in messages:
        at = message.at
        if at is None and start is not None:
            before = dated[-1].at if dated else None
            at = before + timedelta(seconds=1) if before else start
        dated.append(replace(message, at=at))
    return dated


def _part(part: Json) -> tuple[bool, str]:
    """Return (is it an image, its text) of one part of a content."""
    if isinstance(part, str):
        return False, part
    part = _dict(part)
    kind = part.get("type", part.get("content_type"))
    if kind in ("image", "image_url", "input_image", "image_asset_pointer"):
        return True, "[image]"
    if kind in ("text", "input_text", "output_text", "audio_transcription") and isinstance(part.get("text"), str):
        return False, part["text"]
    return False, ""


def _joined(parts: Iterable[tuple[bool, str]]) -> str:
    """Join the parts that hold something; images are told of only beside text."""
    held = [(is_image, _clean(text)) for is_image, text in parts if text.strip()]
    return "\n".join(text for _, text in held) if not all(is_image for is_image, _ in held) else ""


def _time_or_none(value: Json, name: str) -> datetime | None:
    return None if value in (None, "") else parse_time(value, name=name)


def _usable_id(value: Json) -> str | None:
    """Return an id from a file without whitespace or control characters, which are percent-encoded."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = _clean(str(value)).strip()
    return "".join(quote(char) if char.isspace() or not char.isprintable() else char for char in text) or None


def _hashed(messages: Iterable[ImportedMessage]) -> str:
    """Return an id made of what was said, by whom and when."""
    digest = hashlib.blake2b(digest_size=8)
    for message in messages:
        at = message.at.isoformat() if message.at else None
        digest.update(json.dumps([message.role, message.name, at, message.content]).encode())
    return f"import-{digest.hexdigest()}"


def _clean(text: str) -> str:
    """Replace half surrogate pairs, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _LONE.search(text) else text


_LONE = re.compile("[\ud800-\udfff]")


def _cleaned(metadata: dict[str, Json], where: str) -> dict[str, Json]:
    """Return metadata whose strings can all be kept."""
    try:
        text = json.dumps(metadata, ensure_ascii=False)
    except RecursionError as exc:
        raise InvalidInput(f"{where}: metadata is nested too deeply") from exc
    return json.loads(_clean(text)) if _LONE.search(text) else metadata


def _title(value: Json) -> str | None:
    return _clean(value).strip() or None if isinstance(value, str) else None


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
