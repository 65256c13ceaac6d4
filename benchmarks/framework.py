"""The same pages by a Django REST framework view: what its serializers cost with the same statements below them.

`python -m benchmarks.framework DSN` serves it with the product's own server on a free port. It knows the key from the
same memory and asks the database through the same functions; it counts no requests and checks no parameter.
"""

import asyncio
import base64
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import django
import uvloop
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.asgi import get_asgi_application

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a benchmark", TIME_ZONE="UTC", USE_TZ=True
)
django.setup()

from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.authentication import BaseAuthentication  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from trunkline.accounts.credentials import Credentials  # noqa: E402
from trunkline.contacts import fields, groups, named, notes, profiles, urns  # noqa: E402
from trunkline.core import phones  # noqa: E402
from trunkline.core.db import Database, Tx  # noqa: E402
from trunkline.dialects.rapidpro import values  # noqa: E402
from trunkline.flows import runs  # noqa: E402
from trunkline.messaging import copies, labels  # noqa: E402
from trunkline.server import serve  # noqa: E402

SIZE = 250
Place = tuple[datetime, int]
open_: dict[str, Any] = {}


class Somebody:
    is_authenticated = True


class Key(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Any, Any]:
        credential = async_to_sync(open_["credentials"].find)(request.headers["authorization"].partition(" ")[2])
        if credential is None:
            raise AuthenticationFailed
        return Somebody(), credential


class Pages(APIView):
    authentication_classes = (Key,)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)
    load: Callable[[Tx, Place | None], Awaitable[tuple[Sequence[Any], dict[str, Any]]]]
    serializer: type[serializers.Serializer]
    moment: str

    def get(self, request: Any) -> Response:
        rows, context = async_to_sync(self._load)(request.auth.account.id, _read(request.query_params.get("cursor")))
        more, rows = len(rows) > SIZE, rows[:SIZE]
        results = self.serializer(rows, many=True, context=context).data
        following = None
        if more:
            cursor = _write((getattr(rows[-1], self.moment), rows[-1].id))
            following = request.build_absolute_uri(f"{request.path}?cursor={cursor}")
        return Response({"next": following, "previous": None, "results": results})

    async def _load(self, account: int, after: Place | None) -> tuple[Sequence[Any], dict[str, Any]]:
        async with open_["database"].tx(account) as tx:
            return await type(self).load(tx, after)


async def load_contacts(tx: Tx, after: Place | None) -> tuple[Sequence[Any], dict[str, Any]]:
    rows = await profiles.page(tx, profiles.Filter(), after=after, limit=SIZE + 1)
    ids = [row.id for row in rows[:SIZE]]
    return rows, {
        "shown": values.shown(await fields.all(tx), "UTC"),
        "urns": await urns.of(tx, ids),
        "groups": await groups.of(tx, ids),
        "notes": await notes.of(tx, ids),
    }


async def load_messages(tx: Tx, after: Place | None) -> tuple[Sequence[Any], dict[str, Any]]:
    rows = await copies.page(tx, copies.Filter(), after=after, limit=SIZE + 1)
    return rows, {"labels": await labels.of(tx, [row.id for row in rows[:SIZE] if row.direction == "in"])}


async def load_runs(tx: Tx, after: Place | None) -> tuple[Sequence[Any], dict[str, Any]]:
    rows = await runs.page(tx, runs.Filter(), cursor=after, limit=SIZE + 1)
    return rows, {"contacts": await named.of(tx, {row.contact_id for row in rows[:SIZE]})}


def _read(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    at, _, id = base64.urlsafe_b64decode(cursor).decode().partition("|")
    return datetime.fromisoformat(at), int(id)


def _write(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0].isoformat()}|{place[1]}".encode()).decode()


Moment = serializers.DateTimeField


class RefSerializer(serializers.Serializer):
    uuid = serializers.UUIDField()
    name = serializers.CharField()


class NoteSerializer(serializers.Serializer):
    text = serializers.CharField(source="body")
    created_on = Moment(source="created_at")
    created_by = serializers.SerializerMethodField()

    def get_created_by(self, note: Any) -> dict[str, str] | None:
        return {"email": note.email, "name": note.name or note.email} if note.email else None


class ContactSerializer(serializers.Serializer):
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    language = serializers.CharField()
    urns = serializers.SerializerMethodField()
    groups = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    fields = serializers.SerializerMethodField("shown_fields")  # type: ignore[assignment]
    flow = serializers.SerializerMethodField()
    created_on = Moment(source="created_at")
    modified_on = Moment(source="updated_at")
    last_seen_on = Moment(source="last_seen_at")
    blocked = serializers.SerializerMethodField()
    stopped = serializers.SerializerMethodField()

    def get_urns(self, profile: Any) -> list[str]:
        return [f"{each.scheme}:{each.path}" for each in self.context["urns"][profile.id]]

    def get_groups(self, profile: Any) -> Any:
        return RefSerializer(self.context["groups"][profile.id], many=True).data

    def get_notes(self, profile: Any) -> Any:
        return NoteSerializer(self.context["notes"].get(profile.id, ()), many=True).data

    def shown_fields(self, profile: Any) -> dict[str, str | None]:
        return self.context["shown"](profile.fields)

    def get_flow(self, profile: Any) -> dict[str, str] | None:
        return {"uuid": str(profile.flow_uuid), "name": profile.flow_name} if profile.flow_uuid else None

    def get_blocked(self, profile: Any) -> bool:
        return profile.status == "blocked"

    def get_stopped(self, profile: Any) -> bool:
        return profile.status == "stopped"


class AttachmentSerializer(serializers.Serializer):
    content_type = serializers.CharField()
    url = serializers.CharField()


class MessageSerializer(serializers.Serializer):
    uuid = serializers.UUIDField()
    contact = serializers.SerializerMethodField()
    urn = serializers.SerializerMethodField()
    channel = serializers.SerializerMethodField()
    direction = serializers.CharField()
    type = serializers.CharField(source="kind")
    status = serializers.CharField()
    archived = serializers.SerializerMethodField()
    visibility = serializers.CharField()
    text = serializers.CharField()
    labels = serializers.SerializerMethodField()
    flow = serializers.SerializerMethodField()
    attachments = AttachmentSerializer(many=True)
    quick_replies = serializers.SerializerMethodField()
    created_on = Moment(source="created_at")
    sent_on = serializers.SerializerMethodField()
    modified_on = Moment(source="modified_at")
    media = serializers.SerializerMethodField()
    id = serializers.IntegerField()
    broadcast = serializers.IntegerField(source="broadcast_id")

    def get_contact(self, copy: Any) -> dict[str, str]:
        return {"uuid": str(copy.contact_uuid), "name": copy.contact_name}

    def get_urn(self, copy: Any) -> str:
        return f"{copy.scheme}:{copy.address}"

    def get_channel(self, copy: Any) -> dict[str, str] | None:
        return {"uuid": str(copy.channel_uuid), "name": copy.channel_name} if copy.channel_uuid else None

    def get_archived(self, copy: Any) -> bool:
        return copy.visibility == "archived"

    def get_labels(self, copy: Any) -> Any:
        return RefSerializer(self.context["labels"].get(copy.id, ()), many=True).data

    def get_flow(self, copy: Any) -> dict[str, str] | None:
        return {"uuid": str(copy.flow_uuid), "name": copy.flow_name} if copy.flow_uuid else None

    def get_quick_replies(self, copy: Any) -> list[dict[str, str]]:
        return [{"text": each["text"]} for each in copy.quick_replies]

    def get_sent_on(self, copy: Any) -> Any:
        return Moment().to_representation(copy.sent_at) if copy.direction == "out" and copy.sent_at else None

    def get_media(self, copy: Any) -> str | None:
        first = copy.attachments[0] if copy.attachments else None
        return f"{first['content_type']}:{first['url']}" if first else None


class RunSerializer(serializers.Serializer):
    uuid = serializers.UUIDField()
    flow = serializers.SerializerMethodField()
    contact = serializers.SerializerMethodField()
    start = serializers.SerializerMethodField()
    responded = serializers.BooleanField()
    path = serializers.SerializerMethodField()
    values = serializers.SerializerMethodField()
    created_on = Moment(source="created_at")
    modified_on = Moment(source="modified_at")
    exited_on = Moment(source="exited_at")
    exit_type = serializers.SerializerMethodField()
    id = serializers.IntegerField()

    def get_flow(self, run: Any) -> dict[str, str]:
        return {"uuid": str(run.flow_uuid), "name": run.flow_name}

    def get_contact(self, run: Any) -> dict[str, Any]:
        contact = self.context["contacts"][run.contact_id]
        shown = phones.national(contact.urn.path)
        return {"uuid": contact.uuid, "name": contact.name, "urn": str(contact.urn), "urn_display": shown}

    def get_start(self, run: Any) -> dict[str, str] | None:
        return {"uuid": str(run.start_uuid)} if run.start_uuid else None

    def get_path(self, run: Any) -> list[dict[str, Any]]:
        moment = Moment()
        return [
            {"node": node, "time": moment.to_representation(at)}
            for node, at in zip(run.nodes, run.arrivals, strict=True)
        ]

    def get_values(self, run: Any) -> dict[str, dict[str, Any]]:
        return {
            key: {
                "name": result["name"],
                "value": result["value"],
                "category": result["category"],
                "node": result["node_uuid"],
                "time": result["created_on"],
                "input": result["input"],
            }
            for key, result in run.results.items()
        }

    def get_exit_type(self, run: Any) -> str | None:
        return None if run.status in runs.OPEN else run.status


class Contacts(Pages):
    load, serializer, moment = load_contacts, ContactSerializer, "updated_at"


class Messages(Pages):
    load, serializer, moment = load_messages, MessageSerializer, "shown_at"


class Runs(Pages):
    load, serializer, moment = load_runs, RunSerializer, "modified_at"


urlpatterns = [
    path("api/v2/contacts.json", Contacts.as_view()),
    path("api/v2/messages.json", Messages.as_view()),
    path("api/v2/runs.json", Runs.as_view()),
]


async def main(dsn: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = await Database(dsn).open()
    credentials = await Credentials(database).open()
    open_.update(database=database, credentials=credentials)

    def tell(host: str, port: int) -> None:
        print(f"http://{host}:{port}", flush=True)

    await serve(get_asgi_application(), host="127.0.0.1", port=0, stop=stop, on_listen=tell)
    await credentials.close()
    await database.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
