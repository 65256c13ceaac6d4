"""Loops to try things on that hang on how a loop behaves."""

import pytest


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def both(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """As `anyio_backend` of a module: production runs on uvloop, whose transports have ways of their own."""
    return "asyncio", {"use_uvloop": request.param}
