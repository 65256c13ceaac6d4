"""Prices in credits: the only table of them."""

SEGMENT = 1
ASSISTANT_TURN = AI_TURN = 1
CAMPAIGN_CONTACT = 1
CHANNEL_MONTH = 50

# What a credit costs where nobody agreed on anything else: told to agencies, never charged by us.
CURRENCY = "USD"
LIST_PRICE = "0.10"

# Own channels that cost a metered account something all the same, in credits for a segment.
OWN: dict[str, int] = {"simulator": SEGMENT}


def price(kind: str, *, pool: bool, metered: bool, segments: int) -> int:
    """What a message costs. The operator's pool always costs; an own channel of another kind never does."""
    if pool:
        return SEGMENT * max(1, segments)
    return OWN.get(kind, 0) * max(1, segments) if metered else 0


def campaign_message(kind: str, sends_as: str, *, pool: bool, metered: bool, segments: int) -> int:
    """What the message that a campaign begins with costs, for one contact.

    Where a message has a price of its own, that is all; else a metered account pays for each contact, but not
    for mail, which begins no conversation.
    """
    own = price(kind, pool=pool, metered=metered, segments=segments)
    if own or not metered or sends_as == "email":
        return own
    return CAMPAIGN_CONTACT


def ai_turn(*, metered: bool) -> int:
    """What one answer of the assistant costs, however many messages it reads or writes."""
    return AI_TURN if metered else 0
