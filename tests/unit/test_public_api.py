"""What is public is promised: a change of it shows as a change of public_api.txt.

Rewrite that file with REWRITE_PUBLIC_API=1, and look at what changed.
"""

import inspect
import os
from pathlib import Path

import mnemic
from mnemic import AsyncMemory, Memory

FILE = Path(__file__).with_name("public_api.txt")


def shown():
    lines = ["# Public names and signatures. Written by test_public_api.py; do not edit.", "", "mnemic:"]
    lines += [f"  {name}" for name in mnemic.__all__]
    for owner in (AsyncMemory, Memory):
        lines += ["", f"{owner.__name__}:"]
        for name in sorted(vars(owner)):
            value = vars(owner)[name]
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(value, property):
                lines.append(f"  {name}: {inspect.signature(value.fget).return_annotation}")
                continue
            function = value.__func__ if isinstance(value, classmethod) else value
            kind = "async " if inspect.iscoroutinefunction(function) and owner is AsyncMemory else ""
            lines.append(f"  {kind}{name}{inspect.signature(function)}")
    return "\n".join(lines) + "\n"


def test_the_public_names_and_signatures_are_those_on_file():
    if os.environ.get("REWRITE_PUBLIC_API"):
        FILE.write_text(shown(), encoding="utf-8")
    assert shown() == FILE.read_text(encoding="utf-8")


def test_all_is_sorted_and_every_name_in_it_resolves():
    assert mnemic.__all__ == sorted(mnemic.__all__)
    assert len(set(mnemic.__all__)) == len(mnemic.__all__)
    assert [name for name in mnemic.__all__ if not hasattr(mnemic, name)] == []
    assert dir(mnemic) == mnemic.__all__


def test_a_name_that_is_not_public_is_an_attribute_error():
    try:
        mnemic.Nothing  # noqa: B018
    except AttributeError as exc:
        assert str(exc) == "module 'mnemic' has no attribute 'Nothing'"  # noqa: PT017
    else:
        raise AssertionError("it resolved")


def test_memory_has_every_method_of_async_memory_with_the_same_arguments():
    for name, method in inspect.getmembers(AsyncMemory, inspect.isfunction):
        if name.startswith("_") or name == "open":  # Memory opens when it is made
            continue
        assert inspect.signature(getattr(Memory, name)) == inspect.signature(method), name
        assert not inspect.iscoroutinefunction(inspect.unwrap(getattr(Memory, name))) or name != "scope"


def test_every_public_method_says_what_it_does():
    for owner in (AsyncMemory, Memory):
        for name, method in inspect.getmembers(owner, inspect.isroutine):
            if not name.startswith("_"):
                assert (inspect.getdoc(method) or "").strip(), f"{owner.__name__}.{name}"
