"""Prices in credits: the only table of them."""

SEGMENT = 1
AI_TURN = 1

# Own channels that cost a metered account something all the same, in credits for a segment.
OWN: dict[str, int] = {"simulator": SEGMENT}


def price(kind: str, *, pool: bool, metered: bool, segments: int) -> int:
    """What a message costs. The operator's pool always costs; an own channel of another kind never does."""
    if pool:
        return SEGMENT * max(1, segments)
    return OWN.get(kind, 0) * max(1, segments) if metered else 0


def ai_turn(*, metered: bool) -> int:
    """What one answer of the assistant costs, however many messages it reads or writes."""
    return AI_TURN if metered else 0
