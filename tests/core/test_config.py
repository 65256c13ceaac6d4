"""Boot settings from the environment, a file, and who starts us."""

from pathlib import Path

import pytest

from trunkline.core import config
from trunkline.core.errors import Refusal


def test_without_anything_there_are_defaults() -> None:
    settings = config.load({})

    assert (settings.data, settings.database_url, settings.log_format) == (Path("data"), "", "text")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("data", "~/messages", Path("~/messages").expanduser()),
        ("database_url", "postgresql://db/trunkline", "postgresql://db/trunkline"),
        ("web_connections", "25", 25),
        ("trusted_proxies", "10.0.0.1, 192.168.0.0/16", ("10.0.0.1", "192.168.0.0/16")),
        ("egress_allow", " , localhost:8080,", ("localhost:8080",)),
        ("insecure_http", "deny", "deny"),
        ("log_format", "json", "json"),
    ],
)
def test_the_environment_names_each_setting(name: str, text: str, value: object) -> None:
    settings = config.load({f"TRUNKLINE_{name.upper()}": text, "UNRELATED": "1"})

    assert getattr(settings, name) == value


@pytest.mark.parametrize(("name", "text"), [("insecure_http", "maybe"), ("web_connections", "many"), ("log_level", "")])
def test_a_wrong_value_is_refused_with_its_name(name: str, text: str) -> None:
    with pytest.raises(Refusal, match=name):
        config.load({f"TRUNKLINE_{name.upper()}": text})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trunkline.toml"
    path.write_text('public_url = "https://file.example"\nlog_level = "debug"\negress_allow = ["localhost"]\n')
    return path


def test_the_file_lies_below_the_environment_and_the_caller_above_both(file: Path) -> None:
    environ = {"TRUNKLINE_CONFIG": str(file), "TRUNKLINE_LOG_LEVEL": "error", "TRUNKLINE_SECRET": "env"}

    settings = config.load(environ, secret="caller", public_url=None)

    assert (settings.public_url, settings.log_level, settings.secret) == ("https://file.example", "error", "caller")
    assert settings.egress_allow == ("localhost",)


def test_an_unknown_setting_in_the_file_is_refused(file: Path) -> None:
    file.write_text('publik_url = "x"')

    with pytest.raises(Refusal, match="publik_url"):
        config.load({"TRUNKLINE_CONFIG": str(file)})


@pytest.mark.parametrize("text", ["= nonsense", "a ="])
def test_a_broken_file_is_refused(file: Path, text: str) -> None:
    file.write_text(text)

    with pytest.raises(Refusal, match="cannot be read"):
        config.load({"TRUNKLINE_CONFIG": str(file)})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"none\.toml"):
        config.load({"TRUNKLINE_CONFIG": str(tmp_path / "none.toml")})
