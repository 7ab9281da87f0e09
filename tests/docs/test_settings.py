"""The page of settings is what the code says."""

import settings

from mnemic.server.settings import ServerSettings


def test_the_page_of_settings_is_up_to_date():
    assert settings.PAGE.read_text(encoding="utf-8") == settings.page().rstrip("\n") + "\n", (
        "run: python tests/docs/settings.py"
    )


def test_every_setting_says_what_it_means():
    for name, variable, default, meaning in (*settings.memory(), *settings.server()):
        assert len(meaning) > 10, name
        assert default
        assert variable.startswith("MNEMIC_")


def test_a_default_in_the_table_is_read_as_the_default(monkeypatch):
    """What the table shows may be put into the environment as it stands."""
    for _, variable, default, _ in settings.server():
        if default != "none":
            monkeypatch.setenv(variable, default.strip("`"))
    assert ServerSettings() == ServerSettings.model_construct()
