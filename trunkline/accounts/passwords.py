"""Which passwords are good enough: long ones that are not on everybody's list."""

import re
import unicodedata
from collections.abc import Iterable

from trunkline.core.errors import Invalid

LEAST = 15
LEAST_WITH_SECOND_FACTOR = 8
MOST = 1024


def check(password: str, *, names: Iterable[str] = (), second_factor: bool = False) -> None:
    """Raise `Invalid` for a password that is too short, or that anybody who knows `names` would try."""
    normal = unicodedata.normalize("NFKC", password)
    least = LEAST_WITH_SECOND_FACTOR if second_factor else LEAST
    if len(normal) < least:
        raise Invalid({"password": [f"The password must have at least {least} characters."]})
    if len(normal) > MOST:
        raise Invalid({"password": [f"The password must have at most {MOST} characters."]})
    bare = _bare(normal)
    if len(set(normal)) < 3 or bare in COMMON or bare in {_bare(name) for name in names}:
        raise Invalid({"password": ["The password is too easy to guess."]})


def _bare(text: str) -> str:
    """What is left without case, signs and the digits at the end; what is all digits stays."""
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
    return letters.rstrip("0123456789") or letters


# The longest entries of the usual lists, as `_bare` leaves them: shorter ones never get here.
COMMON = frozenset(
    """
    password passwordpassword passwordpasswordpassword mypassword thisismypassword letmein
    letmeinletmein iloveyou iloveyouiloveyou qwertyuiop qwertyuiopasdfg qwertyuiopasdfgh
    qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertyqwertyqwerty qwerty asdfghjkl
    asdfghjklasdfghjkl zxcvbnm zxcvbnmzxcvbnm welcome welcomewelcome admin administrator adminadminadmin
    changeme changemechangeme trustno abcdefghijklmno abcdefghijklmnop abcdefghijklmnopqrstuvwxyz
    abcabcabcabcabc trunkline trunklinetrunkline secret secretsecretsecret
    princessprincess sunshinesunshine footballfootball baseballbaseball dragondragondragon
    monkeymonkeymonkey mastermastermaster supermansuperman testtesttesttest testingtesting
    user username 000000000000000 111111111111111 012345678901234 0123456789012345 01234567890123456789
    123456789012345 1234567890123456 12345678901234567 123456789012345678 1234567890123456789
    12345678901234567890 123123123123123 123456123456123456 987654321098765 098765432109876
    09876543210987654321 112233445566778 1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx3edc4rfv
    1qaz2wsx3edc4rfv5tgb
    """.split()  # noqa: SIM905
)
