"""The pages say everything there is to set, call and catch, and their links lead somewhere."""

import inspect
import re
import tomllib
from dataclasses import fields
from typing import get_args

import pages
import pytest

import mnemic
from mnemic import config, errors, filters, registry, slots
from mnemic.extractors import values_en, values_zh
from mnemic.memory import AsyncMemory
from mnemic.protocols import ARMS, ORDERS
from mnemic.stores.blocks import EPISODE_STATES
from mnemic.types import FORMATS, KINDS, Fate, Limits

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def page(name):
    return (pages.ROOT / name).read_text(encoding="utf-8")


def rows(text):
    """First cells of all table rows, without backquotes."""
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return {name.strip().strip("`") for cell in cells for name in cell.split(",")}


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("source", pages.PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(source):
    wrong = []
    for found in LINK.finditer(source.read_text(encoding="utf-8")):
        target, _, anchor = found["target"].partition("#")
        if "://" in target:
            continue
        file = source if not target else (source.parent / target).resolve()
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            wrong.append(found["target"])
    assert wrong == []


def test_every_setting_is_documented_with_its_variable_and_default():
    text = page("docs/configuration.md")
    wanted = [
        rf"^\| `{each.name}` \| `MNEMIC_{each.name.upper()}` \| .*{re.escape(each.default or 'none')}"
        for each in fields(config.Settings)
    ]
    assert [row for row in wanted if not re.search(row, text, re.MULTILINE)] == []
    assert "MNEMIC_HOME" in text


def test_every_argument_of_the_constructor_is_documented():
    arguments = [name for name in inspect.signature(AsyncMemory.__init__).parameters if name != "self"]
    assert [name for name in arguments if name not in rows(page("docs/configuration.md"))] == []


def test_every_key_of_a_configuration_is_documented():
    text = page("docs/migrating.md")
    keys = (*registry._ARGUMENTS, *registry._IGNORED, *registry._BASE_URLS, *registry._BY_URL)
    assert [key for key in keys if f"`{key}`" not in text + page("docs/configuration.md")] == []


def test_every_method_is_documented():
    methods = [name for name, _ in inspect.getmembers(AsyncMemory, callable) if not name.startswith("_")]
    assert [name for name in methods if name not in rows(page("docs/concepts.md"))] == []


def test_every_error_is_documented():
    names = [name for name in mnemic.__all__ if inspect.isclass(vars(errors).get(name))]
    assert len(names) > 10
    assert [name for name in names if name not in rows(page("docs/concepts.md"))] == []


def test_every_operator_field_kind_and_state_is_documented():
    text = page("docs/concepts.md")
    words = {*filters.OPERATORS, *filters.FIELDS, *KINDS, *filter(None, EPISODE_STATES)}
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


def test_every_arm_order_format_and_fate_is_documented():
    text = page("docs/concepts.md")
    known = rows(text)
    assert [name for name in (*ARMS, *FORMATS, *get_args(Fate)) if name not in known] == []
    assert [name for name in ORDERS if f"`{name}`" not in text] == []


def test_every_boost_is_documented():
    """Whatever moves a hit is named in the tables of the section on order, as `score_details` names it, and no other."""
    _, _, section = page("docs/concepts.md").partition("\n### Order\n")
    told = rows(section.partition("\n### ")[0]) - {"boost", "---"}
    source = page("src/mnemic/read.py")
    boosts = {*re.findall(r'found\["([^"]+)"\] =', source), *re.findall(r'"(attribute|breadth)":', source)}
    assert boosts >= {"recency", "attribute", "breadth"}
    assert told == boosts | {"first", "last"}


def test_every_attribute_the_rules_know_is_documented():
    text = page("docs/extraction.md")
    known = {
        rule.attribute.rstrip("?!") for grammar in (values_en, values_zh) for rule in grammar._RULES if rule.attribute
    }
    assert len(known) > 20
    assert sorted(name for name in known if f"`{name}`" not in text) == []


def test_every_attribute_stands_under_one_value_or_many():
    shown = pages.SLOTS_TABLE.search(page("docs/truth.md"))
    assert shown is not None
    assert shown[0] == pages.slots_table(), "run: python tests/docs/pages.py"
    assert all(f"`{name}" in page("docs/truth.md") for name in slots.known())


def test_every_limit_and_setting_of_the_write_path_is_documented():
    text = page("docs/concepts.md")
    assert [each.name for each in fields(Limits) if each.name not in rows(text)] == []


def test_every_dependency_has_a_decision():
    project = tomllib.loads(page("pyproject.toml"))["project"]
    wanted = project["dependencies"] + [each for extra in project["optional-dependencies"].values() for each in extra]
    names = {re.match(r"[\w.-]+", each)[0] for each in wanted}
    text = page("docs/decisions.md").lower()
    assert [name for name in sorted(names) if name.lower() not in text] == []


def test_every_make_target_is_documented():
    targets = re.findall(r"^([a-z][a-z0-9-]*):", page("Makefile"), re.MULTILINE)
    text = page("CONTRIBUTING.md")
    assert len(targets) > 5
    assert [name for name in targets if f"`make {name}`" not in text] == []


def test_every_file_of_the_package_is_on_the_map():
    folder = pages.ROOT / "src" / "mnemic"
    text = page("docs/architecture.md")
    files = {f.relative_to(folder) for f in folder.rglob("*.py") if f.name not in ("__init__.py", "make_prior.py")}
    shown = {f"`{f.name}`" if f.parent.name == "" else f"`{f.name}` in `{f.parent.as_posix()}/`" for f in files}
    rows = re.findall(r"^\| (`\w+\.py`(?: in `[\w/]+`)?) \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(shown)


def test_the_changelog_names_the_version():
    assert f"## {mnemic.__version__} - " in page("CHANGELOG.md")
