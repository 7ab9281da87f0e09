"""The six tools: what a model is told of each, and what each does. Answers come as JSON and as words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict  # that of Python 3.11 makes no schemas

from mnemic import AsyncMemory
from mnemic.context import quoted
from mnemic.errors import InvalidInput
from mnemic.hygiene import CLOSING, OPENING
from mnemic.mcp import arguments
from mnemic.mcp.arguments import Arguments
from mnemic.mcp.visits import Right, Visit


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a tool says: for programs, and for whoever reads."""

    data: Any
    text: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool as a model sees it."""

    name: str
    title: str
    description: str
    takes: type[Arguments]
    gives: type[Any]
    """A TypedDict."""
    needs: Right
    run: Callable[[AsyncMemory, Any, Visit], Awaitable[Answer]]
    destructive: bool = False
    idempotent: bool = False


# What tools answer with. Their fields are those of the library's answers, of which a model needs a few.


class Kept(TypedDict):
    """What happened to one memory."""

    id: str
    memory: str
    event: str
    """ADD, UPDATE, DELETE (another took its place), or NONE (it was known)."""
    replaces: list[str]


class NotKept(TypedDict):
    """Words of which no memory was made."""

    quote: str
    reason: str


class Remembered(TypedDict):
    """Answer of `remember`."""

    results: list[Kept]
    not_kept: list[NotKept]
    logged: list[str]
    """Ids of messages that are kept as they were said, and found so."""
    change_id: str


class Found(TypedDict):
    """One memory."""

    id: str
    memory: str
    kind: str
    said_at: str | None
    said_by: str | None
    confidence: float
    holds: bool
    """Whether it still does."""


class Recalled(TypedDict):
    """Answer of `recall`."""

    results: list[Found]


class Block(TypedDict):
    """Answer of `context`."""

    context: str
    found: int
    """Hits in it, beside what is known of the user anyway."""
    tokens: int


class Updated(TypedDict):
    """Answer of `update`."""

    id: str
    memory: str
    old_memory: str
    version: int
    change_id: str


class Forgotten(TypedDict):
    """Answer of `forget`."""

    forgotten: list[str]
    change_id: str


class Listed(TypedDict):
    """Answer of `list`."""

    results: list[Found]
    total: int
    next_cursor: str | None


# Writing.


async def _remember(memory: AsyncMemory, given: arguments.Remember, visit: Visit) -> Answer:
    said: Any = (
        given.text if given.messages is None else [each.model_dump(exclude_none=True) for each in given.messages]
    )
    facts = None if given.facts is None else [each.model_dump(exclude_none=True) for each in given.facts]
    more: dict[str, Any] = {} if facts is None else {"facts": facts}
    wait = "extracted" if facts is not None else visit.wait
    done = await memory.add(said, at=given.said_at, wait=wait, **more)
    messages = done["receipt"]["messages"]
    results = [
        Kept(id=each["id"], memory=each["memory"], event=each["event"], replaces=each.get("replaces", []))
        for each in done["results"]
    ]
    words = [given.text or ""] if given.messages is None else [each.content for each in given.messages]
    refused = [NotKept(quote=one["quote"], reason=one["reason"]) for each in messages for one in each["refused"]]
    refused += [
        NotKept(quote=said, reason=each["reason"] or "nothing lasting")
        for each, said in zip(messages, words, strict=False)
        if each["state"] == "refused"
    ]
    logged = [each["episode_id"] for each in messages if each["state"] in ("empty", "failed", "pending")]
    waits = any(each["state"] == "pending" for each in messages)
    data = Remembered(results=results, not_kept=refused, logged=logged, change_id=done["receipt"]["change_id"])
    return Answer(data=data, text=_told(data, waits=waits))


def _told(done: Remembered, *, waits: bool) -> str:
    lines = [_event(each) for each in done["results"]]
    lines += [f"Not kept ({each['reason']}): {quoted(each['quote'])}" for each in done["not_kept"]]
    ids = ", ".join(done["logged"])
    if ids and waits:
        lines.append(f"Stored as said and found by recall; memories are made of it soon (message {ids}).")
    elif ids:
        lines.append(f"Stored as said and found by recall; nothing more was made of it (message {ids}).")
    return "\n".join(lines or ["This was known word for word already; nothing changed."])


def _event(each: Kept) -> str:
    said = f"{quoted(each['memory'])} (id {each['id']})"
    match each["event"]:
        case "ADD" if each["replaces"]:
            return f"Remembered, in place of what was known before: {said}"
        case "ADD":
            return f"Remembered: {said}"
        case "UPDATE":
            return f"Now remembered more fully: {said}"
        case "DELETE":
            return f"No longer holds: {said}"
        case _:
            return f"Known already: {said}"


async def _update(memory: AsyncMemory, given: arguments.Update, _: Visit) -> Answer:
    done = await memory.update(given.id, given.text)
    names = ("id", "memory", "old_memory", "version", "change_id")
    data: dict[str, Any] = {name: done[name] for name in names}
    return Answer(data=data, text=f"Corrected to {quoted(data['memory'])}; it was {quoted(data['old_memory'])}.")


async def _forget(memory: AsyncMemory, given: arguments.Forget, _: Visit) -> Answer:
    found = await memory.get(given.id)
    if found["kind"] == "episode":  # a message of which no memory was made
        done = await memory.delete(found["id"])
        data = Forgotten(forgotten=[found["id"]], change_id=done["change_id"])
    else:
        done = await memory.forget(found["id"])
        data = Forgotten(forgotten=list(done["forgotten"]), change_id=done["change_id"])
    more = len(data["forgotten"]) - 1
    said = f", and {more} more that said the same or rested on it" if more > 0 else ""
    return Answer(data=data, text=f"Forgotten: {quoted(found['memory'])}{said}.")


# Reading.


async def _recall(memory: AsyncMemory, given: arguments.Recall, _: Visit) -> Answer:
    past = False if given.include_past else None
    found = (await memory.search(given.query, limit=given.limit, latest_only=past))["results"]
    if not found:
        return Answer(data=Recalled(results=[]), text=_NOTHING)
    return Answer(data=Recalled(results=[_shown(each) for each in found]), text=_lines(found))


_NOTHING = "Memory was searched and holds nothing about this."


async def _context(memory: AsyncMemory, given: arguments.Context, _: Visit) -> Answer:
    block = await memory.context(given.query, max_tokens=given.max_tokens)
    data = Block(context=block["context"], found=len(block["hits"]), tokens=block["tokens"])
    if not block["context"]:
        return Answer(data=data, text=_NOTHING)
    return Answer(data=data, text=block["context"])


async def _list(memory: AsyncMemory, given: arguments.List, _: Visit) -> Answer:
    page = await memory.get_all(limit=given.limit, cursor=given.cursor)
    data = Listed(
        results=[_shown(each) for each in page["results"]], total=page["total"], next_cursor=page["next_cursor"]
    )
    if not page["results"]:
        return Answer(data=data, text="There are no memories here." if not page["total"] else "There are no more.")
    more = f"\nMore with cursor {page['next_cursor']}" if page["next_cursor"] else ""
    return Answer(data=data, text=f"{page['total']} memories, newest first:\n{_lines(page['results'])}{more}")


def _shown(item: Mapping[str, Any]) -> Found:
    return Found(
        id=item["id"],
        memory=item["memory"],
        kind=item["kind"],
        said_at=item["said_at"],
        said_by=item["actor_id"] or item["attributed_to"],
        confidence=item["confidence"],
        holds=item.get("known_to") is None,
    )


def _lines(items: Sequence[Mapping[str, Any]]) -> str:
    """One line an item, between the marks that say that all of it is data."""
    return "\n".join([OPENING, *(_line(each) for each in items), CLOSING])


_UNSURE = 0.6
"""As in context blocks: below it, it was a guess, a joke, or came from a tool."""


def _line(item: Mapping[str, Any]) -> str:
    by = quoted(item["actor_id"]) if item["actor_id"] else item["attributed_to"] or "user"
    marks = [item["said_at"][:10] if item["said_at"] else "undated", by]
    if item.get("known_to") is not None:
        marks.append("no longer so")
    if item["confidence"] < _UNSURE:
        marks.append("uncertain")
    return f"- [{item['id']}] {', '.join(marks)}: {quoted(item['memory'])}"


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="context",
        title="What is known before answering",
        description=(
            "Everything in memory that matters for what the user just said, as one block to read before answering."
            " Call it at the start of a conversation, and whenever the user refers to themselves, their people,"
            " plans, preferences or earlier conversations. It needs no id and no exact words."
        ),
        takes=arguments.Context,
        gives=Block,
        needs="read",
        run=_context,
    ),
    Tool(
        name="recall",
        title="Search memory",
        description=(
            "Search memory for one thing and get single memories with their ids, best first. Call it to look up a"
            " detail, and before `update` or `forget`, which need an id. An empty result means that nothing is"
            " known; an error means that memory could not be asked, which is something else."
        ),
        takes=arguments.Recall,
        gives=Recalled,
        needs="read",
        run=_recall,
    ),
    Tool(
        name="remember",
        title="Remember",
        description=(
            "Keep something for later conversations. Call it when the user asks you to remember something, and when"
            " they say something lasting about themselves, their people, work, plans, preferences or decisions. Pass"
            " the user's own words; what changed replaces what was known. Do not pass greetings, questions, small"
            " talk, guesses of yours, or what was only true for a moment. If you have found the facts yourself,"
            " hand them over in `facts`, each with the words that say it."
        ),
        takes=arguments.Remember,
        gives=Remembered,
        needs="write",
        run=_remember,
    ),
    Tool(
        name="update",
        title="Correct a memory",
        description=(
            "Correct the words of one memory that is wrong or badly put. Call it when the user says that something"
            " remembered is not right. When something changed in the world (a new job), call `remember` instead, so"
            " that the past is kept."
        ),
        takes=arguments.Update,
        gives=Updated,
        needs="write",
        run=_update,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        name="forget",
        title="Forget one memory",
        description=(
            "Forget one memory for good, with everything that says the same; it is not learnt again. Call it only"
            " when the user asks for it, once for each memory. There is no tool that forgets everything: that is"
            " done by a person."
        ),
        takes=arguments.Forget,
        gives=Forgotten,
        needs="write",
        run=_forget,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        name="list",
        title="List memories",
        description=(
            "List what is remembered, newest first, page by page. Call it when the user asks what you know about"
            " them, or wants to tidy up. To find something particular, `recall` is better."
        ),
        takes=arguments.List,
        gives=Listed,
        needs="read",
        run=_list,
    ),
)


def tool_named(name: str) -> Tool:
    """The tool of this name.

    Raises:
        InvalidInput: there is none.
    """
    for each in TOOLS:
        if each.name == name:
            return each
    raise InvalidInput(f"there is no tool {name[:80]!r}; there are {', '.join(each.name for each in TOOLS)}")
