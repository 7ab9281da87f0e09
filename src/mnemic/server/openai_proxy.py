"""Memory for any OpenAI client: what is known goes into the prompt, what is said is remembered.

A request is forwarded to the configured upstream with two system messages more. First who the user is, the same byte
for byte until that changes, so that a provider's prompt cache holds it; and right before the last thing said what is
known about it. What was said since the last answer, and the answer, are logged as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from mnemic import AsyncMemory
from mnemic.errors import InvalidInput, MnemicError
from mnemic.server.callers import ids_in
from mnemic.server.problems import Refused, status_of
from mnemic.server.service import Call, Service, Writes

_log = structlog.get_logger("mnemic.openai")

_PATIENCE = httpx2.Timeout(600.0, connect=10.0)  # seconds: a long answer of a slow model, as the official client waits
_PASSED = ("content-type", "retry-after", "x-request-id", "openai-processing-ms")
_SPOKEN = ("user", "tool", "function")
_LONGEST_QUESTION = 8000  # characters of what was said last that are looked up: more says nothing more about it


def openai_app() -> FastAPI:
    """What is mounted at /openai/v1."""
    app = FastAPI(title="Mnemic for OpenAI clients", redirect_slashes=False)
    app.add_exception_handler(MnemicError, _ours)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _theirs)
    app.add_exception_handler(RequestValidationError, _misread)

    @app.get("/models", summary="Models of the upstream")
    async def models(request: Request, call: Writes) -> Response:
        answer = await _upstream(request, call.service, "GET", "/models")
        return Response(await _whole(answer), answer.status_code, _headers(answer))

    @app.post("/chat/completions", summary="A completion that remembers")
    async def complete(request: Request, call: Writes) -> Response:
        return await _complete(request, call)

    return app


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """One exchange, for the memory of somebody."""

    memory: AsyncMemory
    ids: Mapping[str, Any]
    said: Sequence[Mapping[str, Any]]
    """What was said since the last answer, each with an id that it has whenever it is sent again."""

    async def remember(self, answered: str, answer_id: str | None) -> bool:
        """Log what was said and what was answered; whether that was possible."""
        messages = [*self.said]
        if answered.strip():
            reply = {"role": "assistant", "content": answered}
            messages.append(reply | ({"external_id": answer_id} if answer_id else {}))
        try:
            if messages:
                await self.memory.add(messages, **self.ids, wait="stored")
        except MnemicError as exc:  # the answer is there, and is worth more than none
            _log.error("not_remembered", error=str(exc))
            return False
        return True


async def _complete(request: Request, call: Call) -> Response:
    body = await _body(request)
    messages = body["messages"]
    ids = ids_in(request.headers)
    if not ids and isinstance(body.get("user"), str) and body["user"].strip():
        ids = {"user_id": body["user"]}
    if not ids:
        raise InvalidInput("whose memory it is: send `user` in the body, or a header such as X-Mnemic-User-Id")
    request.state.action, request.state.ids = "openai", ids
    found = 0
    if _wanted(request, "x-mnemic-recall"):
        messages, found = await _recalled(call.memory, messages, ids)
    turn = _Turn(
        memory=call.memory, ids=ids, said=_said(body["messages"]) if _wanted(request, "x-mnemic-remember") else ()
    )
    answer = await _upstream(request, call.service, "POST", "/chat/completions", body | {"messages": messages})
    headers = _headers(answer) | {"X-Mnemic-Memories": str(found)}
    if answer.status_code != 200:
        return Response(await _whole(answer), answer.status_code, headers)
    if "text/event-stream" in answer.headers.get("content-type", ""):
        return StreamingResponse(_streamed(answer, turn), 200, headers)
    content = await _whole(answer)
    if turn.said:
        kept = await turn.remember(*_answered(content))
        headers["X-Mnemic-Remembered"] = "yes" if kept else "no"
    return Response(content, 200, headers)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f"the body is no JSON: {exc}") from exc
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise InvalidInput("messages must be a list of messages, as the chat completions API takes them")
    return dict(body)


async def _recalled(
    memory: AsyncMemory, messages: Sequence[Mapping[str, Any]], ids: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], int]:
    """The messages with what is known among them, and how many memories stand beside the stable part."""
    last = next((at for at in range(len(messages) - 1, -1, -1) if messages[at].get("role") == "user"), None)
    question = "" if last is None else _text(messages[last].get("content")).strip()
    if last is None or not question:
        return [*messages], 0
    block = await memory.context(question[:_LONGEST_QUESTION], **ids, format="messages")
    parts = [each["content"] for each in block.get("messages", ())]
    stable = [each for each in parts if each == block["stable"]]
    hits = [each for each in parts if each != block["stable"]]
    first = next((at for at, each in enumerate(messages) if each.get("role") not in ("system", "developer")), 0)
    known = [{"role": "system", "content": each} for each in stable]
    about = [{"role": "system", "content": each} for each in hits]
    return [*messages[:first], *known, *messages[first:last], *about, *messages[last:]], len(block["hits"])


def _said(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was said since the last answer. Its id is made of all that was said up to it: asked again, it is the same."""
    so_far, found = hashlib.sha256(), list[Mapping[str, Any]]()
    for each in messages:
        so_far.update(json.dumps(each, sort_keys=True, ensure_ascii=True).encode())
        role, content = each.get("role"), _text(each.get("content"))
        if role == "assistant":
            found.clear()
        elif role in _SPOKEN and content.strip():
            message = {"role": "user" if role == "user" else "tool", "content": content}
            if isinstance(each.get("name"), str) and each["name"].strip():
                message["name"] = each["name"]
            found.append(message | {"external_id": f"openai-{so_far.hexdigest()}"})
    return found


def _text(content: object) -> str:
    """The words of a message: a text, or the texts among its parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = (each.get("text") for each in content if isinstance(each, dict) and each.get("type") == "text")
        return "\n".join(each for each in texts if isinstance(each, str))
    return ""


def _answered(content: bytes) -> tuple[str, str | None]:
    """Text and id of a completion."""
    try:
        found = json.loads(content)
        message = found["choices"][0]["message"]
        answer_id = found.get("id")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", None
    said = _text(message.get("content")) if isinstance(message, dict) else ""
    return said, answer_id if isinstance(answer_id, str) else None


@dataclass
class _Heard:
    """The text of a streamed completion, as far as it came."""

    text: list[str] = field(default_factory=list)
    answer_id: str | None = None
    _rest: bytes = b""

    def take(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (said := line[5:].strip()) != b"[DONE]":
                self._take_event(said)

    def _take_event(self, said: bytes) -> None:
        try:
            event = json.loads(said)
            choices = event.get("choices") or []
            self.answer_id = event.get("id") or self.answer_id
            for choice in choices:
                delta = choice.get("delta", {}).get("content")
                if choice.get("index", 0) == 0 and isinstance(delta, str):
                    self.text.append(delta)
        except (ValueError, AttributeError, TypeError):
            return  # an upstream's own kind of event is passed on all the same


async def _streamed(answer: httpx2.Response, turn: _Turn) -> AsyncIterator[bytes]:
    """What comes, as it comes. What was said is logged at its end, also where the client goes before."""
    heard = _Heard()
    try:
        async for chunk in answer.aiter_bytes():
            heard.take(chunk)
            yield chunk
    finally:
        await answer.aclose()
        if turn.said:
            await asyncio.shield(turn.remember("".join(heard.text), heard.answer_id))


async def _upstream(request: Request, service: Service, method: str, path: str, body: Any = None) -> httpx2.Response:
    settings = service.settings
    if settings.upstream is None:
        raise Refused(404, "no upstream is set: MNEMIC_SERVER_UPSTREAM=https://host/v1 switches this on")
    headers = {"Content-Type": "application/json", "Accept": request.headers.get("accept", "*/*")}
    if settings.upstream_key is not None:
        headers["Authorization"] = f"Bearer {settings.upstream_key.get_secret_value()}"
    client: httpx2.AsyncClient = request.app.state.client
    sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    there = client.build_request(method, settings.upstream.rstrip("/") + path, content=sent, headers=headers)
    try:
        return await client.send(there, stream=True)
    except httpx2.HTTPError as exc:
        raise Refused(502, f"the upstream does not answer: {type(exc).__name__}: {exc}") from exc


async def _whole(answer: httpx2.Response) -> bytes:
    """All of an answer."""
    try:
        return await answer.aread()
    except httpx2.HTTPError as exc:
        raise Refused(502, f"the upstream's answer broke off: {type(exc).__name__}: {exc}") from exc


@asynccontextmanager
async def connected(app: FastAPI, upstream: str | None) -> AsyncIterator[None]:
    """One client for all requests to the upstream, where there is one, so that connections are kept."""
    if upstream is None:
        yield
        return
    async with httpx2.AsyncClient(timeout=_PATIENCE, follow_redirects=False) as client:
        app.state.client = client
        yield


def _headers(answer: httpx2.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in _PASSED if name in answer.headers}


def _wanted(request: Request, header: str) -> bool:
    return request.headers.get(header, "").strip().lower() not in ("false", "no", "0", "off")


def _error(status: int, message: str, kind: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """In the form that OpenAI's clients read."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": kind}}
    return JSONResponse(body, status, dict(headers or {}))


async def _ours(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, MnemicError)  # noqa: S101 - what it is registered for
    return _error(status_of(exc), str(exc), type(exc).__name__)


async def _refused(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refused)  # noqa: S101 - as above
    return _error(exc.status, exc.detail, exc.code, exc.headers)


async def _theirs(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    return _error(exc.status_code, f"{exc.detail}: /chat/completions and /models are what is served here", "not_found")


async def _misread(_: Request, exc: Exception) -> JSONResponse:
    return _error(422, str(exc), "InvalidInput")
