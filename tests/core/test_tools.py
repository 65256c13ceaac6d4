"""What a process works with, the installation's secret above all."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trunkline.core import config, tools
from trunkline.core.errors import Refusal
from trunkline.core.tools import Tools


def settings(data: Path, **more: object) -> config.Settings:
    return config.load({}, data=data, **more)


def test_a_secret_is_made_once(data: Path) -> None:
    first, second = tools.secret(settings(data)), tools.secret(settings(data))

    assert first == second
    assert len(first) == 43


def test_only_the_owner_can_read_the_secret(data: Path) -> None:
    tools.secret(settings(data))

    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == ["secret"]


def test_a_given_secret_wins_and_is_not_written(data: Path) -> None:
    assert tools.secret(settings(data, secret="given by the operator")) == "given by the operator"
    assert not data.exists()


def test_an_existing_secret_is_kept(data: Path) -> None:
    data.mkdir()
    (data / "secret").write_text("kept from the backup\n")

    assert tools.secret(settings(data)) == "kept from the backup"


def test_first_starts_at_once_agree(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = iter(range(100, 200))
    monkeypatch.setattr(tools.os, "getpid", lambda: next(pids))

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: tools.secret(settings(data)), range(16)))

    assert len(made) == 1


@pytest.mark.parametrize("left", ["", "cut short"])
def test_a_damaged_secret_is_refused_with_its_place(data: Path, left: str) -> None:
    data.mkdir()
    (data / "secret").write_text(left)

    with pytest.raises(Refusal, match=f"{data / 'secret'}.*backup"):
        tools.secret(settings(data))


def test_a_given_secret_must_be_long_enough(data: Path) -> None:
    with pytest.raises(Refusal, match="TRUNKLINE_SECRET is shorter than 16 bytes"):
        tools.secret(settings(data, secret="short"))


def test_a_wrong_entry_of_the_allow_list_is_refused_with_its_setting(data: Path) -> None:
    with pytest.raises(Refusal, match="TRUNKLINE_EGRESS_ALLOW: 'not a host!'"):
        Tools(settings(data, secret="x" * 40, egress_allow=["not a host!"]))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Refusal, match="TRUNKLINE_SECRET"):
        tools.secret(settings(tmp_path / "file" / "data"))


@pytest.mark.parametrize("public", ["https://msg.example.org", "https://msg.example.org/"])
def test_addresses_of_ours_start_with_the_public_url(data: Path, public: str) -> None:
    made = Tools(settings(data, public_url=public, secret="x" * 40))

    assert made.url("/u/token") == "https://msg.example.org/u/token"


@pytest.mark.anyio
async def test_one_http_client_for_all(data: Path) -> None:
    made = Tools(settings(data, secret="x" * 40))

    first, second = await made.http(), await made.http()
    await made.close()
    await made.close()

    assert first is second
