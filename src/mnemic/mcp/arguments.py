"""What the tools are called with. Descriptions are read by the model that calls; whatever is unknown is refused."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnemic.inputs import MAX_CHARS
from mnemic.types import SCOPE_IDS, Role

_Id = Annotated[str, Field(max_length=256)]
_Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
_RecordId = Annotated[str, Field(min_length=1, max_length=64)]


class Arguments(BaseModel):
    """Of every tool: whose memory. The fields are shown only where the ids are not settled."""

    model_config = ConfigDict(extra="forbid")

    user_id: _Id | None = Field(None, description="Whose memory: the id of the person you are talking with.")
    agent_id: _Id | None = Field(None, description="Memory of this agent alone. Usually left out.")
    app_id: _Id | None = Field(None, description="Memory of this application alone. Usually left out.")
    run_id: _Id | None = Field(None, description="Memory of this session alone. Usually left out.")

    @property
    def ids(self) -> dict[str, str]:
        """The ids that were given."""
        return {name: value for name in SCOPE_IDS if (value := getattr(self, name)) is not None}

    @property
    def named(self) -> dict[str, str]:
        """The memory that is named, for the audit."""
        return {}


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Role = Field("user", description="Who said it. What a tool or a web page said is `tool`.")
    content: _Text = Field(description="The words, as they were said.")
    name: Annotated[str, Field(max_length=256)] | None = Field(None, description="The speaker's name, in a group.")


class Fact(BaseModel):
    """One thing to know, and the words that say it."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="The fact as one sentence that can stand alone, in the language it was said in."
    )
    quote: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        description="The words that say it, copied exactly from `text` or from one of `messages`."
    )
    subject: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Whom or what it is about: `user`, or a name that stands in the quote."
    )
    attribute: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="What of the subject, in a word: `lives_in`, `employer`, `allergy`, `favourite_food`."
    )
    object: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="Its value in words of the quote: `Taipei`."
    )
    ends: bool = Field(False, description="It says that something stopped being so.")


class Remember(Arguments):
    """Of `remember`."""

    text: _Text | None = Field(
        None, description="What to remember, as the user said it, one thing at a time: `I am allergic to peanuts.`"
    )
    messages: Annotated[list[Message], Field(min_length=1, max_length=100)] | None = Field(
        None, description="Instead of `text`: the turns that say it, in order."
    )
    facts: Annotated[list[Fact], Field(max_length=100)] | None = Field(
        None,
        description="What you found in `text` or `messages` yourself. Each is held to its quote. Leave it out and"
        " memory finds the facts; an empty list says that there are none.",
    )
    said_at: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="When it was said, ISO 8601, where that is not now."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.text is None) == (self.messages is None):
            raise ValueError("pass `text` or `messages`, one of them")
        return self


class Recall(Arguments):
    """Of `recall`."""

    query: _Text = Field(description="What you want to know, as a question or a few words, in any language.")
    limit: int = Field(10, ge=1, le=100, description="How many memories at most.")
    include_past: bool = Field(False, description="Also what no longer holds, such as a former employer.")


class Context(Arguments):
    """Of `context`."""

    query: _Text = Field(description="What the user just asked or said.")
    max_tokens: int = Field(1000, ge=50, le=20_000, description="Size of the answer at most.")


class OfOne(Arguments):
    """Of tools that take one memory."""

    id: _RecordId = Field(description="Id of one memory, as `recall` or `list` gave it.")

    @property
    def named(self) -> dict[str, str]:
        """The memory that is named, for the audit."""
        return {"memory_id": self.id}


class Update(OfOne):
    """Of `update`."""

    text: _Text = Field(description="The whole memory as it should read now.")


class Forget(OfOne):
    """Of `forget`."""


class List(Arguments):
    """Of `list`."""

    limit: int = Field(20, ge=1, le=200, description="How many on a page.")
    cursor: Annotated[str, Field(max_length=2000)] | None = Field(None, description="`next_cursor` of the page before.")


def schema(kind: type[Arguments], *, without: frozenset[str]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments, with the ids that are settled left out."""
    found = kind.model_json_schema()
    properties = {name: _plain(each) for name, each in found["properties"].items() if name not in without}
    ids = {name: properties.pop(name) for name in SCOPE_IDS if name in properties}
    found["properties"] = properties | ids  # what the tool is about comes first
    for each in found.get("$defs", {}).values():
        each["properties"] = {name: _plain(one) for name, one in each["properties"].items()}
        each.pop("title", None)
    found.pop("title", None)
    found.pop("description", None)
    return found


def _plain(described: dict[str, Any]) -> dict[str, Any]:
    """One property without what says nothing to a model: titles, and null beside what may be left out."""
    kept = {name: value for name, value in described.items() if name != "title"}
    kinds = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(kinds) == 1:
        del kept["anyOf"]
        kept = kinds[0] | kept
        if kept.get("default", 0) is None:
            del kept["default"]
    return kept
