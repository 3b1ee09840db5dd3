"""The settings page says what the settings are."""

from __future__ import annotations

from local.settings_reference import PAGE, page
from shared.wiring.settings import Settings


def test_the_page_is_what_the_settings_generate() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_explains_itself() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert field.examples, name
