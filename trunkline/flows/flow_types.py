"""The four types of flow, and what a type allows and defaults to."""

from typing import Literal

FlowType = Literal["messaging", "messaging_background", "messaging_offline", "voice"]

ALL: frozenset[str] = frozenset(("messaging", "messaging_background", "messaging_offline", "voice"))
ONLINE = ALL - {"messaging_offline"}
INTERACTIVE = ALL - {"messaging_background"}
VOICE = frozenset(("voice",))

# Minutes; what an `expire_after_minutes` of 0 means.
DEFAULT_EXPIRY = {"messaging": 3 * 24 * 60, "messaging_background": 0, "messaging_offline": 0, "voice": 5}
LONGEST_EXPIRY = {"messaging": 20_160, "messaging_background": 0, "messaging_offline": 0, "voice": 15}
