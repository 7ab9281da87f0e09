"""Who may import whom. The table of the design, read from the code's own imports."""

import ast
import functools
import graphlib
from pathlib import Path

import pytest

import mnemic

ROOT = Path(mnemic.__file__).parent

# From the bottom up. A package may always import itself.
LAYERS = (
    ("base", {"types", "errors", "ids"}),
    (
        "pure",
        {"filters", "times", "text", "tokens", "ranking", "protocols", "prompts", "inputs", "importers"}
        | {"dates", "drafts", "gates", "hygiene", "lifetimes", "names", "planning", "question", "reconcile", "records"}
        | {"exports", "files", "filling"}
        | {"sameness", "slots"},
    ),
    ("endpoints", {"providers"}),
    ("vendors", {"importers_mem0", "llms", "embedders", "rerankers", "extractors", "stores"}),
    (
        "core",
        {
            "write",
            "read",
            "context",
            "consolidate",
            "embedding",
            "explaining",
            "imports",
            "reranking",
            "retire",
            "verbatim",
        },
    ),
    ("edge", {"present", "registry", "config"}),
    (
        "api",
        {
            "asking",
            "engine",
            "explain",
            "forms",
            "graph",
            "memory",
            "moving",
            "past",
            "receipts",
            "remote",
            "sync",
            "upkeep",
        },
    ),
    ("surfaces", {"cli", "server", "mcp", "testing"}),
)
ALLOWED = {
    "base": {"base"},
    "pure": {"base", "pure"},
    "endpoints": {"base", "pure"},
    "vendors": {"base", "pure", "endpoints"},  # and never one another's packages
    "core": {"base", "pure", "core"},  # of a store or an embedder only the protocol
    "edge": {"base", "pure", "endpoints", "vendors", "core", "edge"},
    "api": {"base", "pure", "core", "edge", "api"},
    "surfaces": {layer for layer, _ in LAYERS},
}
LAYER_OF = {module: layer for layer, modules in LAYERS for module in modules}
PURE_ONLY = {"importers": {"errors", "times", "types"}}


@functools.cache
def imports():
    """(file, group, imported group) for each import of our own code, wherever in the file it stands."""
    return tuple(_imports())


def _imports():
    for file in sorted(ROOT.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts == ("__init__",):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in _named(node):
                yield file.relative_to(ROOT).as_posix(), parts[0], name


def _named(node):
    if isinstance(node, ast.Import):
        yield from (each.name.split(".")[1] for each in node.names if each.name.startswith("mnemic."))
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        if node.module == "mnemic":
            yield from (each.name for each in node.names if each.name in LAYER_OF)
        elif (node.module or "").startswith("mnemic."):
            yield node.module.split(".")[1]


def test_every_module_has_its_layer():
    groups = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")} - {
        "__init__",
        "__main__",
    }
    assert groups - LAYER_OF.keys() == set()


def test_imports_go_downwards_only():
    wrong = [
        (file, f"{group} imports {imported}")
        for file, group, imported in imports()
        if imported != group and LAYER_OF[imported] not in ALLOWED[LAYER_OF[group]]
    ]
    assert wrong == []


def test_modules_do_not_import_in_a_circle():
    graph = {}
    for _, group, imported in imports():
        if group != imported:
            graph.setdefault(group, set()).add(imported)
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(("module", "allowed"), PURE_ONLY.items())
def test_a_pure_reader_knows_nothing_of_the_rest(module, allowed):
    assert {imported for _, group, imported in imports() if group == module} <= allowed


def test_only_composition_roots_read_the_environment():
    readers = set()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                readers.add(file.relative_to(ROOT).as_posix())
    # providers.py reads the keys that the model library names, which are not settings of ours.
    assert {r for r in readers if not r.startswith("cli/")} <= {
        "config.py",
        "providers.py",
        "embedders/e5.py",
        "rerankers/remote.py",  # the keys that the providers name
    }
