"""What happens to accounts and their members."""

from trunkline.core.events import Event


class SettingsChanged(Event, frozen=True):
    type = "account.settings_changed"
    names: list[str]


class SubAccountCreated(Event, frozen=True):
    """Belongs to the agency; `account_id` is the new sub-account."""

    type = "sub_account.created"
    account_id: int
    email: str


class SubAccountDeleted(Event, frozen=True):
    type = "sub_account.deleted"
    account_id: int


class MemberAdded(Event, frozen=True):
    type = "member.added"
    user_id: int
    role: str


class MemberChanged(Event, frozen=True):
    type = "member.changed"
    user_id: int
    role: str
    active: bool
