"""What mem0's clients ask, as arguments of our methods. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from mnemic import inputs
from mnemic.errors import InvalidInput, InvalidScope, describe
from mnemic.server.compat.mem0_filters import ids_in, names_somebody, translated
from mnemic.types import SCOPE_IDS

DEFAULT_THRESHOLD = 0.1
"""What their clients mean by "the usual": here the embedder's own floor."""

MOST_IN_A_PAGE = 200
MOST_IN_A_BATCH = 1000

_MOST_HITS = 1000
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of a list."""

    asked: dict[str, Any]
    """Arguments of `get_all`, but for `limit` and `cursor`."""
    page: int
    size: int
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Adding:
    """An add."""

    asked: dict[str, Any]
    """Arguments of `add`."""
    choices: list[Any] | None
    """Categories of this call alone."""


def whom(body: Mapping[str, Any]) -> dict[str, Any]:
    """Whose memory an add is for, wherever the ids stand: beside the messages, or in `filters`.

    Raises:
        InvalidInput: nobody is named, one id has two values, or the filter holds more than ids.
    """
    ids = ids_in(body)
    if body.get("filters"):
        demanded, rest = inputs.split_filters(translated(body["filters"]))
        if rest is not None:
            raise InvalidInput("filters of an add hold ids only; put everything else into metadata")
        ids = {name: value for name, value in inputs.merge_ids(ids, demanded).items() if value not in (None, "")}
    if not ids:
        raise InvalidScope(f"At least one of {', '.join(SCOPE_IDS)} is required, such as user_id='alice'.")
    return ids


def adding(body: Mapping[str, Any], settings: Mapping[str, Any]) -> Adding:
    """An add as it is sent to any version; `settings` are the project's.

    Raises:
        InvalidInput: something of it cannot be used; nobody is named.
    """
    ids = whom(body)
    asked: dict[str, Any] = {"messages": _messages(body.get("messages")), **ids}
    for name in ("metadata", "timestamp", "expiration_date"):
        if body.get(name) is not None:
            asked[name] = body[name]
    if body.get("infer") is not None:
        asked["infer"] = body["infer"]
    if (wish := _instructions(body, ids, settings)) is not None:
        asked["instructions"] = wish
    if asked.get("infer", True) is True:
        asked["wait"] = "stored"
    choices = body.get("custom_categories")
    if choices is not None and not (isinstance(choices, list) and all(isinstance(each, dict) for each in choices)):
        raise InvalidInput(f"custom_categories must be a list of {{name: meaning}}, not {describe(choices)}")
    return Adding(asked=asked, choices=choices or None)


def searching(body: Mapping[str, Any], *, top_k: int = 10) -> dict[str, Any]:
    """Arguments of `search`.

    Raises:
        InvalidInput: something of it cannot be used, or nobody is named.
    """
    asked: dict[str, Any] = {
        "query": body.get("query"),
        "filters": _filters(body),
        "top_k": whole(body.get("top_k", body.get("limit")), "top_k", top_k, 1, _MOST_HITS),
        "threshold": _threshold(body.get("threshold")),
    }
    for name in ("show_expired", "latest_only", "rerank"):
        if body.get(name) is not None:
            asked[name] = body[name]
    if body.get("reference_date") is not None:
        asked["reference_date"] = _moment(body["reference_date"])
    return asked


def listing(body: Mapping[str, Any], query: Mapping[str, str]) -> Listing:
    """One page of a list; what the query says of pages wins.

    Raises:
        InvalidInput: as `searching`.
    """
    asked: dict[str, Any] = {"filters": _filters(body), "order": "said"}
    for name in ("show_expired", "latest_only"):
        if body.get(name) is not None:
            asked[name] = body[name]
    return Listing(
        asked=asked,
        page=whole(query.get("page", body.get("page")), "page", 1, 1, 10**9),
        size=whole(query.get("page_size", body.get("page_size")), "page_size", 100, 1, MOST_IN_A_PAGE),
        fields=fields(body),
    )


def ids_into_filters(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body of an older version, whose ids stand at the top, as one of today."""
    ids = ids_in(body)
    given = body.get("filters")
    return {**body, "filters": {"AND": [ids, given]} if ids and given else ids or given}


def updating(body: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `update`.

    Raises:
        InvalidInput: there is nothing to change.
    """
    asked: dict[str, Any] = {}
    words = body.get("text", body.get("data", body.get("memory")))
    if words is not None:
        asked["text"] = inputs.text(words, "text")
    if body.get("metadata") is not None:
        asked["metadata"] = inputs.metadata(body["metadata"])
    if body.get("timestamp") is not None:
        asked["timestamp"] = _moment(body["timestamp"])
    if "expiration_date" in body:
        inputs.expiry(body["expiration_date"])  # a batch is refused before anything of it is done
        asked["expiration_date"] = body["expiration_date"]
    if not asked:
        raise InvalidInput("send at least one of text, metadata, timestamp and expiration_date")
    return asked


def batch(body: Mapping[str, Any], what: str) -> list[dict[str, Any]]:
    """The items of a batch, each with its `memory_id`.

    Raises:
        InvalidInput: there is none, too many, or one without an id, or the same one twice.
    """
    given = body.get("memories", body.get("memory_ids"))
    if not isinstance(given, list) or not given:
        raise InvalidInput(f"memories must be a list of at least one memory, not {describe(given)}")
    if len(given) > MOST_IN_A_BATCH:
        raise InvalidInput(f"Maximum of {MOST_IN_A_BATCH} memories can be {what} in a single request")
    items = [{"memory_id": each} if isinstance(each, str) else each for each in given]
    for each in items:
        if not isinstance(each, dict) or not is_uuid(each.get("memory_id")):
            raise InvalidInput(f"each of memories needs a memory_id that is a UUID, not {describe(each)}")
    if len({each["memory_id"].lower() for each in items}) < len(items):
        raise InvalidInput("memories names a memory twice")
    return items


def fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What of each memory is asked for; nothing is all of it.

    Raises:
        InvalidInput: no list of names.
    """
    given = body.get("fields")
    if given is None:
        return ()
    if not isinstance(given, list) or any(not isinstance(each, str) for each in given):
        raise InvalidInput(f"fields must be a list of names, not {describe(given)}")
    return tuple(given)


def is_uuid(value: object) -> TypeGuard[str]:
    """Whether something has the form of an id."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def page_of(query: Mapping[str, str], *, most: int = MOST_IN_A_PAGE, usual: int = 100) -> tuple[int, int]:
    """Number and size of the page that a query asks for.

    Raises:
        InvalidInput: no numbers.
    """
    return (
        whole(query.get("page"), "page", 1, 1, 10**9),
        whole(query.get("page_size"), "page_size", usual, 1, most),
    )


def _filters(body: Mapping[str, Any]) -> dict[str, Any]:
    """All that narrows a search or a list."""
    given = body.get("filters")
    if not names_somebody(given):
        raise InvalidScope(
            f"filters must say whose memories are meant: at least one of {', '.join(SCOPE_IDS)} is required,"
            " such as filters={'user_id': 'alice'}"
        )
    parts = [translated(given)]
    for name, key, op in (("start_date", "said_at", "gte"), ("end_date", "said_at", "lte")):
        if body.get(name) is not None:
            parts.append({key: {op: body[name]}})
    if body.get("categories"):
        parts.append({"categories": {"in": _listed(body["categories"])}})
    if body.get("keywords"):
        parts.append({"keywords": {"in": _listed(body["keywords"])}})
    if body.get("metadata"):
        parts.append({"metadata": body["metadata"]})
    return parts[0] if len(parts) == 1 else {"AND": parts}


def refuse_ids_beside_filters(body: Mapping[str, Any]) -> None:
    """The third version of search and list takes ids in filters alone.

    Raises:
        InvalidInput: there are some.
    """
    if found := ids_in(body):
        raise InvalidInput(
            f"{', '.join(sorted(found))} stand beside the filter; put ids into it: filters={{'user_id': 'alice'}}"
        )


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _messages(given: Any) -> Any:
    """Messages; a content that is one part is a list of one."""
    if isinstance(given, Mapping):
        given = [given]
    if not isinstance(given, list):
        return given
    return [
        {**each, "content": [each["content"]]}
        if isinstance(each, dict) and isinstance(each.get("content"), dict)
        else each
        for each in given
    ]


def needs_settings(body: Mapping[str, Any], ids: Mapping[str, Any]) -> bool:
    """Whether the project's wishes are to be put together with those of the call; else they hold as they are."""
    return "agent_id" in ids or any(body.get(name) for name in ("includes", "excludes", "agent_custom_instructions"))


def _instructions(body: Mapping[str, Any], ids: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """What is wished for this call: its own words over the project's, and those for agents where one speaks."""
    general = body.get("custom_instructions")
    for_agents = body.get("agent_custom_instructions")
    for name, value in (("custom_instructions", general), ("agent_custom_instructions", for_agents)):
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name} must be text, not {describe(value)}")
    general = settings.get("custom_instructions") if general is None else general
    for_agents = settings.get("agent_custom_instructions") if for_agents is None else for_agents
    wishes: list[str] = []
    if "agent_id" in ids and for_agents and "user_id" not in ids:
        wishes.append(for_agents)
    else:
        if general:
            wishes.append(general)
        if "agent_id" in ids and for_agents:
            wishes.append(f"Of what the assistant says: {for_agents}")
    for name, before in (("includes", "Keep only: "), ("excludes", "Leave out: ")):
        if isinstance(body.get(name), str) and body[name].strip():
            wishes.append(before + body[name])
    return "\n".join(wishes) if any(each.strip() for each in wishes) else None


def _threshold(value: Any) -> float | None:
    return None if value is None or value == DEFAULT_THRESHOLD else value


def _moment(value: Any) -> Any:
    """A time as our methods take it: seconds as numbers also where they are text, as the command line sends them."""
    if isinstance(value, str) and _SECONDS.fullmatch(value.strip()):
        return float(value)
    return value


def whole(value: Any, name: str, usual: int, least: int, most: int) -> int:
    """A whole number, also as text; `usual` where there is none, `most` where it is larger.

    Raises:
        InvalidInput: it is none, or too small.
    """
    if value is None or value == "":
        return usual
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value:
        raise InvalidInput(f"{name} must be a whole number of at least {least}, not {describe(value)}")
    return min(value, most)
