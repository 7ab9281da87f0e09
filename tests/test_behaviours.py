"""Each promise that is listed as kept has a test in its tier, and each test names promises that are listed."""

import ast
import functools
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KNOWN = {f"{letter}{n}" for letter, last in (("F", 5), ("W", 16), ("R", 13), ("S", 8)) for n in range(1, last + 1)}


def listed(table):
    return tomllib.loads((HERE / "behaviours.toml").read_text(encoding="utf-8"))[table]


def done():
    return listed("done")


@functools.cache
def named():
    """(id, tier, where) of each mark on a test function, a test class, or a whole module."""
    return tuple(_named())


def _named():
    for file in sorted(HERE.rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        whole = [
            mark
            for node in tree.body
            if isinstance(node, ast.Assign) and _is_pytestmark(node)
            for mark in ast.walk(node.value)
        ]
        yield from _marks(tree, file, whole)


def _is_pytestmark(node):
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _marks(node, file, above):
    for child in getattr(node, "body", ()):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            marks = [*above, *child.decorator_list]
            if isinstance(child, ast.ClassDef):
                yield from _marks(child, file, marks)
            if child.name.startswith("test_") or _is_contract(child):
                tier = "slow" if any(_name(mark) == "pytest.mark.slow" for mark in marks) else "default"
                for mark in marks:
                    if isinstance(mark, ast.Call) and _name(mark.func) == "pytest.mark.behaviour":
                        for each in mark.args:
                            yield ast.literal_eval(each), tier, f"{file.relative_to(HERE)}::{child.name}"


def _is_contract(node):
    """A class that inherits its tests."""
    return isinstance(node, ast.ClassDef) and any(_name(base).endswith("Contract") for base in node.bases)


def _name(node):
    return ast.unparse(node)


@pytest.mark.parametrize(("promise", "tier"), done().items())
def test_a_promise_that_is_listed_has_a_test_in_its_tier(promise, tier):
    assert tier in ("default", "slow")
    assert [where for each, its_tier, where in named() if (each, its_tier) == (promise, tier)]


def test_every_listed_promise_is_a_known_one():
    assert done().keys() | listed("open").keys() <= KNOWN
    assert not done().keys() & listed("open").keys()


def test_a_test_names_only_promises_that_are_listed():
    assert [(promise, where) for promise, _, where in named() if promise not in done() | listed("open")] == []


def test_a_promise_that_is_open_has_a_test_that_says_so():
    """Once nothing of it is expected to fail, it is kept and belongs to those."""
    source = (HERE / "surfaces" / "test_read_promises.py").read_text(encoding="utf-8")
    tests = source.split("@pytest.mark.behaviour(")[1:]
    unkept = {test.split('"')[1] for test in tests if "unkept(" in test}
    assert unkept == listed("open").keys()


def test_the_list_that_is_read_is_the_list_that_pytest_sees(request):
    """Marks made in a way that is not read here would be checked by nobody."""
    files = {HERE.joinpath(where.split("::")[0]) for *_, where in named()}
    for item in request.session.items:
        if item.get_closest_marker("behaviour"):
            assert item.path in files
