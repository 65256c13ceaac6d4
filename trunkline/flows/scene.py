"""A contact with what surrounds it while it is being changed: assets, environment, clock, and the events so far."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from msgspec import Struct, structs

from trunkline.expressions.environment import Environment, zone
from trunkline.expressions.values import ExpressionError
from trunkline.flows import channels
from trunkline.flows.assets import Assets
from trunkline.flows.contact import Contact
from trunkline.flows.events import Erred, Event, Warned

AnyEvent = TypeVar("AnyEvent", bound=Event)


class Options(Struct, frozen=True, kw_only=True):
    """Limits, and the host's prompts by name."""

    max_steps: int = 100
    max_sprints: int = 500
    max_runs: int = 500
    max_field_chars: int = 640
    max_result_chars: int = 640
    max_request_bytes: int = 262_144
    max_response_bytes: int = 262_144
    prompts: Mapping[str, str] = {}


class Scene:
    """What modifiers work on. A `Step` is a scene with a session in it."""

    def __init__(
        self,
        assets: Assets,
        environment: Environment,
        contact: Contact,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        random: Callable[[], float],
        options: Options = Options(),
    ):
        self.assets = assets
        self.account_environment = environment
        self.contact = contact
        self.clock, self.ids, self.random = clock, ids, random
        self.options = options
        self.events: list[Event] = []
        self._environment: Environment | None = None

    @property
    def environment(self) -> Environment:
        """The account's environment seen from the contact: its time zone, its language, its country."""
        if self._environment is None:
            self._environment = merged(
                self.account_environment,
                self.contact.timezone,
                self.contact.language,
                channels.country(self.assets, self.contact),
            )
        return self._environment

    def log(self, event: AnyEvent) -> AnyEvent:
        """Events happen in the order they are logged."""
        event.uuid = self.ids()
        event.created_on = self.clock()
        self.events.append(event)
        return event

    def error(self, text: str, code: str = "", **extra: Any) -> None:
        self.log(Erred(text=text, code=code, extra=extra or None))

    def warn(self, text: str, code: str = "", **extra: Any) -> None:
        self.log(Warned(text=text, code=code, extra=extra or None))

    def missing(self, kind: str, identity: str, name: str = "") -> None:
        """Something that a definition refers to is gone; the run goes on without it."""
        shown = f"{kind} {name or identity}"
        self.error(f"There is no {shown} any more.", "dependency:missing", type=kind, identity=identity)

    def touched(self) -> None:
        """Something that expressions see has changed."""

    def moved(self) -> None:
        """The contact's language, time zone or URNs changed, and with them the environment."""
        self._environment = None
        self.touched()


@lru_cache(maxsize=4096)
def merged(environment: Environment, timezone: str, language: str, country: str) -> Environment:
    """What the contact says replaces what the account says; its language only if the account allows it."""
    languages = environment.allowed_languages
    if language in languages:
        languages = (language, *(each for each in languages if each != language))
    try:
        zone(timezone or environment.timezone)
    except ExpressionError:
        timezone = ""  # one that was abolished since it was set
    return structs.replace(
        environment,
        timezone=timezone or environment.timezone,
        allowed_languages=languages,
        default_country=country or environment.default_country,
    )
