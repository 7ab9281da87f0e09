"""Where the store is, and where settings come from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnemic import InvalidConfig, Memory
from mnemic.config import Settings, config_file, load, store_file
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor


@pytest.mark.behaviour("F2")
def test_the_store_lives_in_the_users_data_directory_and_not_in_a_temporary_one(tmp_path):
    script = "from mnemic.config import store_file; print(store_file())"
    environment = {"HOME": str(tmp_path / "user"), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "tmp")}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    file = Path(ran.stdout.strip())
    assert (file.name, file.parent.name) == ("mnemic.db", "mnemic")
    assert file.is_relative_to(tmp_path / "user")
    assert not file.is_relative_to(tmp_path / "tmp")


@pytest.mark.behaviour("F2")
def test_mnemic_home_moves_the_store_and_the_settings():
    assert store_file({"MNEMIC_HOME": "/data/m"}) == Path("/data/m/mnemic.db")
    assert config_file({"MNEMIC_HOME": "/data/m"}) == Path("/data/m/config.toml")
    assert store_file({"MNEMIC_HOME": "~/m"}) == Path.home() / "m" / "mnemic.db"
    assert store_file({"MNEMIC_HOME": ""}) == store_file({})


@pytest.mark.behaviour("F2")
def test_a_memory_is_there_for_the_next_process(tmp_path, monkeypatch):
    monkeypatch.setenv("MNEMIC_HOME", str(tmp_path / "home"))
    script = """
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
with Memory(embedder=FakeEmbedder(), extractor=FakeExtractor()) as m:
    m.remember("I ski", user_id="alice")
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    with Memory(embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        assert memory.stats()["store"] == str(tmp_path / "home" / "mnemic.db")
        assert [item["memory"] for item in memory.search("I ski", user_id="alice")["results"]] == ["I ski"]


@pytest.mark.behaviour("F2")
@pytest.mark.parametrize("given_as", ["argument", "environment", "file", "url"])
def test_a_path_can_be_given_in_four_ways(tmp_path, monkeypatch, given_as):
    path, home = str(tmp_path / "here" / "m.db"), tmp_path / "home"
    monkeypatch.setenv("MNEMIC_HOME", str(home))
    arguments = {"argument": {"path": path}, "url": {"path": f"sqlite:///{path}"}}.get(given_as, {})
    if given_as == "environment":
        monkeypatch.setenv("MNEMIC_PATH", path)
    if given_as == "file":
        home.mkdir()
        (home / "config.toml").write_text(f'path = "{path}"\n')
    with Memory(embedder=FakeEmbedder(), extractor=FakeExtractor(), **arguments) as memory:
        assert memory.stats()["store"] == path
    assert Path(path).exists()


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path):
    (tmp_path / "config.toml").write_text('project = "file"\nembedder = "file:e"\nuser_id = "file"\n')
    environment = {"MNEMIC_HOME": str(tmp_path), "MNEMIC_PROJECT": "environment", "MNEMIC_USER_ID": " ", "OTHER": "x"}
    assert load(environment) == Settings(project="environment", embedder="file:e", user_id="file")
    with Memory(":memory:", project="argument", embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        assert memory._core._engine.project == "argument"


def test_with_nothing_set_there_are_defaults(tmp_path):
    assert load({"MNEMIC_HOME": str(tmp_path / "none")}) == Settings()


@pytest.mark.parametrize("content", ['colour = "red"', "project = 5", "project = ", "\x00", '[table]\na = "b"'])
def test_a_file_of_settings_that_means_nothing_is_refused_by_name(tmp_path, content):
    (tmp_path / "config.toml").write_text(content)
    with pytest.raises(InvalidConfig, match=r"config\.toml"):
        load({"MNEMIC_HOME": str(tmp_path)})


def test_a_file_of_settings_in_another_encoding_is_refused_by_name(tmp_path):
    (tmp_path / "config.toml").write_bytes('project = "é"'.encode("utf-16"))
    with pytest.raises(InvalidConfig, match=r"config\.toml"):
        load({"MNEMIC_HOME": str(tmp_path)})


def test_no_folder_is_made_and_nothing_is_written_by_asking_for_settings(tmp_path):
    load({"MNEMIC_HOME": str(tmp_path / "none")})
    store_file({"MNEMIC_HOME": str(tmp_path / "none")})
    assert list(tmp_path.iterdir()) == []
