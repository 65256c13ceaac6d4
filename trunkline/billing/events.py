"""What happens to credits."""

from datetime import date, datetime

from trunkline.core.events import Event


class CreditsGranted(Event, frozen=True):
    """Credits came from the operator or the agency; the SQL function `transfer_credits` writes it too."""

    type = "credits.granted"
    amount: int
    balance: int
    reason: str


class CreditsLow(Event, frozen=True):
    """The balance came down to the account's threshold or below it: once for each time it does."""

    type = "credits.low"
    balance: int
    threshold: int


class RechargeRequested(Event, frozen=True):
    """A sub-account of this agency needs credits. `key` stays the same however often the agency is told."""

    type = "recharge.requested"
    key: str
    account_id: int
    email: str
    name: str
    balance: int
    threshold: int
    amount: int
    url: str
    at: datetime


class ChannelUnpaid(Event, frozen=True):
    """There are not enough credits for the month of a channel. It works on, and the month is owed."""

    type = "channel.unpaid"
    channel_id: int
    month: date
    amount: int
