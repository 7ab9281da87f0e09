"""Every example of the documentation is a module, or a part of one, and runs."""

import json
import runpy
import shlex

import pages
import pytest
from typer.testing import CliRunner

from mnemic import registry
from mnemic.testing.fakes import FakeLLM

FACTS = {
    "facts": [
        {
            "turn": 1,
            "quote": "I moved to Tainan last month",
            "text": "The user moved to Tainan last month.",
            "subject": "user",
            "attribute": "home",
            "kind": "event",
            "valid_from": "2025-02",
        },
        {
            "turn": 1,
            "quote": "my sister Mei is allergic to peanuts",
            "text": "The user's sister Mei is allergic to peanuts.",
            "subject": "Mei",
            "attribute": "allergy",
        },
    ]
}


@pytest.fixture
def _model_that_answers(monkeypatch):
    """A named model is made, which checks its name and its package, and a recorded answer is given in its place."""
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COHERE_API_KEY", "MY_KEY"):
        monkeypatch.setenv(key, "not a key")
    make = registry.make_llm
    monkeypatch.setattr(registry, "make_llm", lambda name, **rest: FakeLLM(FACTS, name=make(name, **rest).name))


@pytest.mark.usefixtures("_model_that_answers")
@pytest.mark.parametrize("module", [module.name for module in pages.MODULES])
def test_an_example_runs_and_prints_what_the_page_shows(module, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(pages.ROOT / "docs_src" / module))
    output = capsys.readouterr().out
    shown = [block.text for block in pages.blocks() if (block.how, block.module) == ("printed", module)]
    assert [text for text in shown if not pages.is_printed(text, output)] == [], output


def test_every_python_block_is_a_part_of_a_module():
    wrong = [
        (block.page, block.text)
        for block in pages.blocks()
        if block.language == "python" and (block.how != "code" or block.text != pages.parts(block.module)[block.part])
    ]
    assert wrong == []


def test_every_part_of_a_module_is_shown_somewhere():
    shown = {(block.module, block.part) for block in pages.blocks() if block.how == "code"}
    written = {(module.name, part) for module in pages.MODULES for part in pages.parts(module.name)}
    assert written == shown


def test_every_module_is_shown():
    assert [module.name for module in pages.MODULES if not pages.parts(module.name)] == []


@pytest.mark.parametrize("page", ["README.md", "quickstart.md"])
def test_the_commands_of_a_page_run_one_after_the_other(page, monkeypatch, tmp_path):
    from mnemic.cli.main import app

    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.json").write_text(
        json.dumps([{"role": "user", "content": "I keep bees.", "at": "2025-03-14"}]), encoding="utf-8"
    )
    text = "".join(b.text for b in pages.blocks() if b.page == page and b.language == "console")
    commands = [shlex.split(line[2:]) for line in text.splitlines() if line.startswith("$ mnemic ")]
    assert commands
    for command in commands:
        result = CliRunner().invoke(app, command[1:])
        assert result.exit_code == 0, (command, result.output)
