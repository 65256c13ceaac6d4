"""References from flows to the things of a workspace: groups, fields, flows, channels and so on."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from trunkline.flows.marks import Uuid, template

Name = Annotated[str, Meta(max_length=640)]


class Reference(Struct, frozen=True, kw_only=True):
    """What an action points at. `kind` is the word that dependencies are listed under."""

    kind: ClassVar[str]

    @property
    def identity(self) -> str:
        """The uuid or key; "" when the thing is found by a template at run time."""
        raise NotImplementedError

    def shown(self) -> dict[str, Any]:
        """The reference as events and dependencies write it."""
        raise NotImplementedError


class UuidReference(Reference, frozen=True, kw_only=True):
    uuid: Uuid
    name: Name = ""

    @property
    def identity(self) -> str:
        return self.uuid

    def shown(self) -> dict[str, Any]:
        return {"uuid": self.uuid, "name": self.name}


class FlowReference(UuidReference, frozen=True, kw_only=True):
    kind = "flow"


class ChannelReference(UuidReference, frozen=True, kw_only=True):
    kind = "channel"


class ContactReference(UuidReference, frozen=True, kw_only=True):
    kind = "contact"


class TemplateReference(UuidReference, frozen=True, kw_only=True):
    kind = "template"


class TopicReference(UuidReference, frozen=True, kw_only=True):
    kind = "topic"


class LlmReference(UuidReference, frozen=True, kw_only=True):
    kind = "llm"


class ClassifierReference(UuidReference, frozen=True, kw_only=True):
    kind = "classifier"


class OptinReference(UuidReference, frozen=True, kw_only=True):
    kind = "optin"


class FieldReference(Reference, frozen=True, kw_only=True):
    kind = "field"

    key: Annotated[str, Meta(min_length=1, max_length=64)]
    name: Name = ""

    @property
    def identity(self) -> str:
        return self.key

    def shown(self) -> dict[str, Any]:
        return {"key": self.key, "name": self.name}


class VariableReference(Reference, frozen=True, kw_only=True):
    """Fixed by `uuid`, or named at run time by the template `name_match`."""

    uuid: Uuid | None = None
    name: Name = ""
    name_match: Annotated[str, template()] = ""

    def __post_init__(self) -> None:
        if not self.uuid and not self.name_match:
            raise ValueError("A reference needs a uuid or a name_match")

    @property
    def identity(self) -> str:
        return self.uuid or ""

    def shown(self) -> dict[str, Any]:
        return {"uuid": self.uuid, "name": self.name} if self.uuid else {"name_match": self.name_match}


class GroupReference(VariableReference, frozen=True, kw_only=True):
    kind = "group"


class LabelReference(VariableReference, frozen=True, kw_only=True):
    kind = "label"


class UserReference(Reference, frozen=True, kw_only=True):
    """Fixed by `uuid` or, in older flows, `email`; or named at run time by the template `email_match`."""

    kind = "user"

    uuid: Uuid | None = None
    name: Name = ""
    email: Name = ""
    email_match: Annotated[str, template()] = ""

    def __post_init__(self) -> None:
        if not self.uuid and not self.email and not self.email_match:
            raise ValueError("A user needs a uuid, an email or an email_match")

    @property
    def identity(self) -> str:
        return self.uuid or self.email

    def shown(self) -> dict[str, Any]:
        if self.uuid:
            return {"uuid": self.uuid, "name": self.name}
        if self.email:
            return {"email": self.email, "name": self.name}
        return {"email_match": self.email_match}
