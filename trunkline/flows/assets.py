"""What a workspace has that flows refer to: read once, shared by all sessions, never changed."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal, Protocol

from msgspec import Struct

from trunkline.flows.events import FieldRef
from trunkline.flows.queries import GroupQuery
from trunkline.flows.sessions import Ref


class Flows(Protocol):
    """Where definitions come from: `definition.Flow`, or None for what is missing. Keep what was decoded once.

    (Definitions are made of actions, and actions see assets; so no type here.)
    """

    def by_uuid(self, uuid: str) -> Any: ...

    def by_name(self, name: str) -> Any: ...


class Named(Struct, frozen=True, kw_only=True):
    uuid: str
    name: str

    @property
    def ref(self) -> Ref:
        return Ref(self.uuid, self.name)


class Channel(Named, frozen=True, kw_only=True):
    """`roles` of send, receive, call, answer, ussd."""

    address: str = ""
    schemes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("send", "receive")
    country: str = ""
    match_prefixes: tuple[str, ...] = ()
    allow_international: bool = False
    features: tuple[str, ...] = ()


class Field(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    type: Literal["text", "number", "datetime", "state", "district", "ward"] = "text"
    uuid: str = ""

    @property
    def ref(self) -> FieldRef:
        return FieldRef(self.key, self.name)


class Group(Named, frozen=True, kw_only=True):
    """A group with a query has exactly the contacts that match it."""

    query: str = ""


class Label(Named, frozen=True, kw_only=True):
    pass


class Topic(Named, frozen=True, kw_only=True):
    pass


class Campaign(Named, frozen=True, kw_only=True):
    pass


class User(Named, frozen=True, kw_only=True):
    email: str = ""


class Llm(Named, frozen=True, kw_only=True):
    type: str = ""
    roles: tuple[str, ...] = ()


class Global(Struct, frozen=True, kw_only=True):
    key: str
    value: str
    name: str = ""


class Resthook(Struct, frozen=True, kw_only=True):
    slug: str
    subscribers: tuple[str, ...] = ()


class Translation(Struct, frozen=True, kw_only=True):
    """One language of a message template on one channel. A component maps names in its text to variables."""

    channel: Ref
    locale: str = ""
    components: tuple[dict[str, Any], ...] = ()
    variables: tuple[dict[str, Any], ...] = ()
    namespace: str = ""


class Template(Named, frozen=True, kw_only=True):
    translations: tuple[Translation, ...] = ()


class NoFlows:
    """For those who only change contacts."""

    def by_uuid(self, uuid: str) -> Any:
        return None

    def by_name(self, name: str) -> Any:
        return None


class Assets:
    """The order of channels, fields and groups matters: for channel choice, and for who enters which group first."""

    def __init__(
        self,
        flows: Flows | None = None,
        *,
        channels: Iterable[Channel] = (),
        fields: Iterable[Field] = (),
        groups: Iterable[Group] = (),
        labels: Iterable[Label] = (),
        globals: Iterable[Global] = (),
        topics: Iterable[Topic] = (),
        users: Iterable[User] = (),
        llms: Iterable[Llm] = (),
        resthooks: Iterable[Resthook] = (),
        templates: Iterable[Template] = (),
        campaigns: Iterable[Campaign] = (),
        locations: Any = None,
    ):
        self.flows = flows or NoFlows()
        self.channels = {channel.uuid: channel for channel in channels}
        self.fields = {field.key: field for field in fields}
        self.groups = {group.uuid: group for group in groups}
        self.labels = {label.uuid: label for label in labels}
        self.globals = {each.key: each for each in globals}
        self.topics = {topic.uuid: topic for topic in topics}
        self.users = {user.uuid: user for user in users}
        self.llms = {llm.uuid: llm for llm in llms}
        self.resthooks = {hook.slug.lower(): hook for hook in resthooks}
        self.templates = {template.uuid: template for template in templates}
        self.campaigns = {campaign.uuid: campaign for campaign in campaigns}
        self.locations = locations

    @cached_property
    def queries(self) -> list[GroupQuery]:
        """The query groups in order, compiled."""
        return [GroupQuery(group, self) for group in self.groups.values() if group.query]

    @cached_property
    def group_names(self) -> Mapping[str, Group]:
        return {group.name.strip().lower(): group for group in reversed(self.groups.values())}

    @cached_property
    def label_names(self) -> Mapping[str, Label]:
        return {label.name.strip().lower(): label for label in reversed(self.labels.values())}

    @cached_property
    def user_emails(self) -> Mapping[str, User]:
        return {user.email.strip().lower(): user for user in reversed(self.users.values())}

    @cached_property
    def topic_names(self) -> Mapping[str, Topic]:
        return {topic.name.strip().lower(): topic for topic in reversed(self.topics.values())}
