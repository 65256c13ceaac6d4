"""Profiles: what an agency tells of a sub-account and of whoever runs it."""

from msgspec import Struct

from trunkline.core.db import Tx, sql


class Profile(Struct, frozen=True):
    first_name: str = ""
    last_name: str = ""
    business_name: str | None = None
    description: str | None = None
    address_line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    language: str | None = None

    @property
    def person(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


async def put(tx: Tx, account_id: int, profile: Profile) -> None:
    """Keep the profile of a sub-account, in a system transaction of its agency."""
    await tx.run(PUT, account_id, *(getattr(profile, name) for name in Profile.__struct_fields__))


_NAMES = Profile.__struct_fields__

PUT = sql(
    f"""
    insert into profiles (account_id, {", ".join(_NAMES)})
    values ($1, {", ".join(f"${n}" for n in range(2, len(_NAMES) + 2))})
    on conflict (account_id) do update set {", ".join(f"{name} = excluded.{name}" for name in _NAMES)}
    """,
    system=True,
)
