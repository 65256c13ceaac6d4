"""The generated pages of events and channels."""

from tools import catalogue


def test_an_event_without_words_of_its_own_is_spoken() -> None:
    line = next(line for line in catalogue.events().splitlines() if "`group.created`" in line)

    assert line == "| `group.created` | Group created. | `group_id` |"


def test_a_setting_has_its_public_name() -> None:
    assert "| `as` | `sms`, `whatsapp`, `voice`, `email`, `webchat` | `sms` |" in catalogue.kinds()


def test_a_setting_without_default_is_needed() -> None:
    assert "| `host` | str | needed |" in catalogue.kinds()
