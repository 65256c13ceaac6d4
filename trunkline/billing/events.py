"""What happens to credits."""

from trunkline.core.events import Event


class CreditsGranted(Event, frozen=True):
    """Credits came from the operator or the agency; the SQL function `transfer_credits` writes it too."""

    type = "credits.granted"
    amount: int
    balance: int
    reason: str


class CreditsLow(Event, frozen=True):
    """The balance came down to the account's threshold or below it: once for each time it does.

    `key` tells one crossing from the next: the idempotency key of an auto-recharge request.
    """

    type = "credits.low"
    balance: int
    threshold: int
    key: str
