"""Files for messages: which are taken, and how they go out."""

import httpx2
import pytest
from starlette.applications import Starlette

from tests import world
from trunkline.callbacks import routes
from trunkline.messaging import media

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def _upload(api, name: str, content: bytes, kind: str = "application/octet-stream"):
    return await api.post("/media.json", files={"file": (name, content, kind)})


async def test_an_upload_is_told_with_all_its_fields(api):
    answer = await _upload(api, "steve marten.png", PNG)

    told = answer.json()
    assert (answer.status_code, list(told)) == (201, ["uuid", "content_type", "url", "filename", "size"])
    assert (told["content_type"], told["filename"], told["size"]) == ("image/png", "steve marten.png", 108)
    assert told["url"].endswith(f"/{told['uuid']}/steve%20marten.png")


async def test_its_address_leads_to_it(api, database):
    told = (await _upload(api, "a.png", PNG)).json()

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(Starlette(routes=routes(database)))) as client:
        answer = await client.get(told["url"])

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.jpg", b"\xff\xd8\xff" + bytes(50), "image/jpeg"),
        ("a.gif", b"GIF89a" + bytes(50), "image/gif"),
        ("a.webp", b"RIFF\0\0\0\0WEBP" + bytes(50), "image/webp"),
        ("a.m4a", b"\0\0\0\x18ftypM4A \0\0" + bytes(50), "audio/mp4"),
        ("a.mp3", b"ID3" + bytes(50), "audio/mpeg"),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(50), "video/mp4"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(50), "application/pdf"),
    ],
)
async def test_these_types_are_taken(api, name, content, kind):
    answer = await _upload(api, name, content)

    assert (answer.status_code, answer.json()["content_type"]) == (201, kind)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("a.png", b"", "The submitted file is empty."),
        ("a.jpg", b"MZ\x90\0" + bytes(50), "Unsupported file type."),
        ("a.svg", SVG, "Unsupported file type."),
        ("a.png", SVG, "Unsupported file type."),
        ("a.txt", b"hello", "Unsupported file type."),
        ("a.html", b"<html></html>", "Unsupported file type."),
        ("a.zip", b"PK\x03\x04" + bytes(50), "Unsupported file type."),
        ("a.exe", PNG, "Unsupported file type."),
        ("a.png", PNG + bytes(25 * 2**20), "Limit for file uploads is 25.0 MB."),
        ("a.png", PNG + bytes(26 * 2**20), "Limit for file uploads is 25.0 MB."),
    ],
)
async def test_all_else_is_refused_and_not_kept(api, database, account, name, content, refusal):
    answer = await _upload(api, name, content)

    kept = await world.execute(database.dsn, "select count(*) from media where account_id = $1", account)
    folder = database.tools.media.root / str(account)
    assert (answer.status_code, answer.json()) == (400, {"file": [refusal]})
    assert kept[0][0] == 0
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/a.png", "a.png"), ("a<b>&'c.png", "abc.png"), ("x" * 5000 + ".png", "x" * 200 + ".png"),
        ("été [1] (2)-3.png", "été [1] (2)-3.png"), ("@contact.png", "contact.png"), ("%2e%2e.png", "2e2e.png"),
    ],
)  # fmt: skip
async def test_names_are_made_harmless(name, kept):
    assert media.readable(name.rpartition("/")[2]) == kept


async def test_without_a_file_there_is_nothing(api):
    nothing = await api.post("/media.json", data={"other": "x"})
    text = await api.post("/media.json", files={"file": (None, "text")})
    json = await api.post("/media.json", json={"file": "x"})

    assert (nothing.status_code, nothing.json()) == (400, {"file": ["No file was submitted."]})
    assert text.json() == {"file": ["The submitted data was not a file. Check the encoding type on the form."]}
    assert json.status_code == 415


async def test_media_is_not_listed_and_not_deleted(api):
    codes = [(await api.request(method, "/media.json")).status_code for method in ("GET", "DELETE")]

    assert codes == [405, 405]


async def test_a_file_goes_out_with_a_message(api, database, account, ann):
    channel = await world.simulator(database, account)
    file = (await _upload(api, "a b.png", PNG)).json()

    body = {"contact": str(ann.uuid), "attachments": [file["uuid"]]}
    told = (await api.post("/messages.json", json=body)).json()
    await world.deliver(database, account)

    [out] = await world.execute(
        database.dsn, "select body, attachments from simulator_outbox where channel_id = $1", channel.id
    )
    assert told["attachments"] == [{"content_type": "image/png", "url": file["url"]}]
    assert told["media"] == f"image/png:{file['url']}"
    assert (out["body"], file["url"] in out["attachments"]) == ("", True)


async def test_a_file_may_be_named_by_its_address(api, ann):
    file = (await _upload(api, "a.png", PNG)).json()

    body = {"contact": str(ann.uuid), "text": "Hi", "attachments": [f"image/png:{file['url']}"]}
    told = (await api.post("/messages.json", json=body)).json()

    assert [each["url"] for each in told["attachments"]] == [file["url"]]


async def test_a_file_of_another_workspace_is_no_file(api, ann, anybody, new_key, other_account):
    mine = anybody.headers["authorization"]
    anybody.headers["authorization"] = f"Token {await new_key('rapidpro', role='admin', account=other_account)}"
    file = (await _upload(anybody, "a.png", PNG)).json()
    anybody.headers["authorization"] = mine

    body = {"contact": str(ann.uuid), "text": "Hi", "attachments": [file["uuid"]]}
    answer = await api.post("/messages.json", json=body)

    assert (answer.status_code, answer.json()) == (400, {"attachments": [f"No such object: {file['uuid']}"]})


async def test_files_of_a_broadcast_go_to_their_readers(api, database, account, ann):
    await world.simulator(database, account)
    file = (await _upload(api, "a.png", PNG)).json()

    body = {"contacts": [str(ann.uuid)], "attachments": {"eng": [file["uuid"]]}}
    told = (await api.post("/broadcasts.json", json=body)).json()
    await world.react(database)

    [message] = (await api.get(f"/messages.json?broadcast={told['id']}")).json()["results"]
    assert (told["text"], told["attachments"]) == ({}, {"eng": [f"image/png:{file['url']}"]})
    assert message["attachments"] == [{"content_type": "image/png", "url": file["url"]}]


async def test_an_agent_uploads(agent):
    assert (await _upload(agent, "a.png", PNG)).status_code == 201
