"""The tree of errors is the one that is drawn, and each says what to do."""

import inspect
import re

import pytest

import mnemic
from mnemic import errors


def test_the_tree_in_the_docstring_is_the_tree_there_is():
    drawn, parents = {}, []
    for line in errors.__doc__.splitlines():
        found = re.match(r"    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)( \((?P<also>[\w, ]+)\))?( |$)", line)
        if found:
            depth = len(found["indent"]) // 4
            parents[depth:] = [found["name"]]
            drawn[found["name"]] = {
                *([parents[depth - 1]] if depth else ["Exception"]),
                *(found["also"] or "").split(", "),
            } - {""}
    there = {
        name: {base.__name__ for base in each.__bases__} for name, each in vars(errors).items() if inspect.isclass(each)
    }
    assert drawn == there


def test_every_error_is_public():
    assert {name for name, each in vars(errors).items() if inspect.isclass(each)} <= set(mnemic.__all__)


@pytest.mark.parametrize(
    ("error", "also"),
    [
        ("NotFound", LookupError),
        ("NotFound", ValueError),
        ("InvalidInput", ValueError),
        ("MissingDependency", ImportError),
    ],
)
def test_errors_are_caught_by_the_names_python_has(error, also):
    assert issubclass(getattr(mnemic, error), also)


def test_not_found_carries_the_id_and_what_to_do():
    error = errors.NotFound("abc")
    assert error.id == "abc"
    assert str(error) == "no memory or episode has the id 'abc'; get_all() lists the ids there are"
