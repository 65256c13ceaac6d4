"""What WhatsApp templates and texts look like on the connector's wire."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.dialects.base import Moment, moment
from trunkline.dialects.connector.shapes import Ref
from trunkline.messaging.templates import Template


class TemplateOut(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    status: Literal["pending", "approved", "rejected", "paused", "disabled"]
    language: str
    category: str
    createdAt: Moment


class TemplatesOut(Struct, frozen=True):
    data: list[TemplateOut]
    success: bool = True


class TemplateIn(Struct):
    contactId: Ref
    whatsappTemplateId: Ref
    variables: dict[str, Any] | None = None


class SentOut(Struct, frozen=True):
    data: str
    success: bool = True


class TextIn(Struct):
    phoneNumber: Annotated[str, Meta(pattern="^[+][1-9][0-9]{1,14}$", examples=["+15551234567"])]
    message: Annotated[str, Meta(max_length=65_536, examples=["Hello Jane!\n\nYour order has been shipped."])]


class TypedOut(Struct, frozen=True, kw_only=True):
    """`creditsUsed` are reserved now; those of messages that cannot be delivered come back."""

    success: bool = True
    contactId: str
    messagesSent: int
    totalChunks: int
    messageIds: list[str]
    creditsUsed: int


def template(vault: Vault, row: Template) -> TemplateOut:
    return TemplateOut(
        id=opaque.write(vault, "template", row.id),
        name=row.name,
        status=row.status,  # pyright: ignore[reportArgumentType]
        language=row.language,
        category=row.category,
        createdAt=moment(row.created_at),
    )
