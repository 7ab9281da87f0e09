"""Which attributes have one value, and under which names they go."""

import re
import tomllib
from importlib.resources import files

import pytest

from mnemic import slots, text

DATA = tomllib.loads((files("mnemic") / "slots.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("employer", "employer"),
        ("Works at", "employer"),
        ("works_at", "employer"),
        ("company name", "employer"),
        ("user's employer", "employer"),
        ("current employer", "employer"),
        ("profession", "occupation"),
        ("lives_in", "home"),
        ("location", "home"),
        ("Place of Residence", "home"),
        ("pets", "pet"),
        ("kids", "children"),
        ("Date of birth", "birthday"),
        ("興趣愛好", "likes"),
        ("工作單位", "employer"),
        ("favorite color", "favourite_colour"),
        ("favourite films", "favourite_movie"),
        ("favourite_顏色", "favourite_colour"),
        ("status of the Atlas project", "status_of:atlas project"),
        ("plan_for: Japan trip", "plan_of:japan trip"),
        ("Zorb level", "zorb_level"),
    ],
)
def test_an_attribute_has_one_name(said, meant):
    assert slots.canonical(said) == meant
    assert slots.canonical(meant) == meant


@pytest.mark.parametrize("nothing", [None, "", "  ", "?!", "_"])
def test_what_names_no_attribute_has_no_slot(nothing):
    assert slots.canonical(nothing) is None
    assert slots.key("user", nothing) is None


@pytest.mark.parametrize(
    "name",
    """employer occupation home hometown name age birthday email phone relationship_status spouse car school boss timezone
    native_language favourite_food favourite_甜點 status_of:atlas plan_of:japan current_project weight height""".split(),
)
def test_a_subject_has_one(name):
    assert slots.single(name) is True


@pytest.mark.parametrize(
    "name",
    """pet children hobby skill language allergy health place_visited friend likes dislikes education plan goal event
    medication nationality project""".split(),
)
def test_a_subject_has_many(name):
    assert slots.single(name) is False


@pytest.mark.parametrize("name", ["job", "zorb_level"])
def test_of_some_only_the_extractor_can_tell(name):
    assert slots.single(name) is None


def test_a_project_has_the_last_word():
    own = {"favourite_*": False, "favorite food": True, "zorb level": True, "pet": True}
    assert slots.single("favourite_colour", own) is False
    assert slots.single("favourite_food", own) is True
    assert slots.single("Zorb level", own) is True
    assert slots.single("pets", own) is True
    assert slots.single("employer", own) is True


def test_a_slot_is_a_subject_and_an_attribute():
    assert slots.key("User", "works at") == slots.key(" user ", "employer") == "user:employer"
    assert slots.key("小明", "住處") == "小明:home"
    assert slots.key("Ｄana", "employer") == "dana:employer"
    assert slots.key(None, "employer") is None
    assert slots.key("  ", "employer") is None


def test_what_belongs_to_a_thing_has_its_slot_there():
    assert slots.key("user", "status of Atlas") == slots.key("Atlas", "status") == "atlas:status"
    assert slots.key("Project Atlas", "status") == slots.key("the Atlas project", "status") == "atlas:status"
    assert slots.key("user", "deadline") is None
    assert slots.key("user", "deadline_of:thesis") != slots.key("user", "deadline_of:tax return")


def test_plans_have_one_slot_each_only_when_they_name_their_thing():
    assert slots.single("plan") is False
    assert slots.key("user", "plan_of:japan trip") != slots.key("user", "plan_of:piano")
    assert slots.single("plan_of:japan trip") is True


def test_the_words_of_an_attribute_are_terms_of_both_languages():
    assert set(text.terms("works employed 上班 任职")) <= slots.words("employer")
    assert not slots.words("employer") & set(text.terms("Siemens 台積電"))
    assert slots.words("zorb_level") == frozenset()
    assert slots.phrases("employer").sub("", "我任職於台積電") == "我台積電"
    assert slots.phrases("zorb_level") is None


def test_the_data_holds_only_what_is_read():
    for name, table in DATA.items():
        assert re.fullmatch(r"[a-z][a-z_]*", name)
        assert table.keys() <= {"single", "why", "of", "exclusive", "synonyms", "words"}, name
        assert isinstance(table.get("single", True), bool), name
        assert "single" in table or table["why"], name


def test_no_name_belongs_to_two_attributes():
    seen = {name: name for name in DATA}
    for name, table in DATA.items():
        for synonym in table.get("synonyms", "").split():
            assert seen.setdefault(synonym, name) == name, synonym


def test_a_long_or_hostile_name_is_read_quickly():
    for hostile in ("a_" * 100_000, "status_of_" * 20_000, "favourite_" * 20_000, "\u0000\ud800" * 50_000):
        assert len(slots.canonical(hostile) or "") <= 120
