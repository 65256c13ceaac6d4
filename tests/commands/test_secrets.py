"""The installation's secret stays the one that sealed what is stored."""

from typing import Any


def test_another_secret_is_refused_before_anything_is_sealed_with_it(
    trunkline: Any, acme: str, monkeypatch: Any
) -> None:
    trunkline("channel", "create", "simulator", "--account", acme, "--name", "Before")
    monkeypatch.setenv("TRUNKLINE_SECRET", "another secret of more than sixteen bytes")

    outcome = trunkline("channel", "create", "simulator", "--account", acme, "--name", "After", "--json")

    assert "TRUNKLINE_SECRET" in outcome.refusal["message"]
    assert "After" not in trunkline("channel", "list", "--account", acme).out
