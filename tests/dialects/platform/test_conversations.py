"""Conversations by the platform dialect, where the example files say too little."""

import pytest

from trunkline.contacts import consents, tags
from trunkline.core.ids import new_uuid
from trunkline.inbox import tagging

pytestmark = pytest.mark.anyio


@pytest.fixture
def new_colleague(connection, account):
    async def make(role: str = "agent", *, account: int = account, active: bool = True) -> int:
        user = await connection.fetchval(
            "insert into users (uuid, email, name) values ($1, $1::uuid::text, 'Jo') returning id", new_uuid()
        )
        await connection.execute(
            "insert into memberships (account_id, user_id, role, active) values ($1, $2, $3, $4)",
            account,
            user,
            role,
            active,
        )
        return user

    return make


async def _ids(api, query: str) -> list[int]:
    return [row["id"] for row in (await api.get(f"/conversations?{query}")).json()["data"]]


@pytest.fixture
async def chat(connection, account, jane) -> int:
    """An unread conversation on web chat."""
    channel = await connection.fetchval(
        """
        insert into channels (account_id, uuid, kind, sends_as, name, name_key, address, schemes, config, semantics)
        values ($1, gen_random_uuid(), 'simulator', 'web_chat', 'Chat', 'chat', '', '{webchat}', '', 'at_least_once')
        returning id
        """,
        account,
    )
    return await connection.fetchval(
        """
        insert into conversations (account_id, uuid, contact_id, channel_id, channel, subject, preview, is_read,
            priority, last_message_at)
        values ($1, gen_random_uuid(), $2, $3, 'web_chat', 'Printer', 'It smokes', false, 'low', now()) returning id
        """,
        account,
        jane["id"],
        channel,
    )


@pytest.mark.parametrize("channel", ["chat", "live_chat", "web_chat"])
async def test_web_chat_has_three_names_and_one_rendering(api, chat, conversation, channel):
    told = (await api.get(f"/conversations?channel={channel}")).json()["data"]

    assert [(row["id"], row["channel"]) for row in told] == [(chat, "chat")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=open", ["chat", "mail"]),
        ("status=nonsense", []),
        ("channel=fax", []),
        ("channel=email", ["mail"]),
        ("assigned_to=unassigned", ["chat"]),
        ("assigned_to=0", []),
        ("assigned_to=", ["chat", "mail"]),
        ("is_read=false", ["chat"]),
        ("is_read=1", ["mail"]),
        ("is_starred=true", []),
        ("is_ai_handled=false", ["chat", "mail"]),
        ("priority=low", ["chat"]),
        ("search=smokes", ["chat"]),
        ("search=billing", ["mail"]),
        ("search=%25", []),
        ("contact_id=999999999999999999999", []),
        ("sort_by=priority", ["mail", "chat"]),
        ("sort_by=priority&sort_dir=asc", ["chat", "mail"]),
        ("sort_by=created_at&sort_dir=asc", ["mail", "chat"]),
        ("sort_by=nonsense", ["chat", "mail"]),
    ],
)
async def test_lists_are_filtered_and_sorted(api, conversation, chat, query, found):
    names = {chat: "chat", conversation["id"]: "mail"}

    ids = await _ids(api, query)

    assert [names[id] for id in ids] == found


@pytest.mark.parametrize("query", ["assigned_to=me", "assigned_to=-1", "is_read=maybe", "contact_id=x", "contact_id="])
async def test_a_filter_that_makes_no_sense_is_refused(api, query):
    answer = await api.get(f"/conversations?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [query.partition("=")[0]])


async def test_opening_it_reads_it(api, chat):
    await api.head(f"/conversations/{chat}")
    assert await _ids(api, "is_read=false") == [chat]

    told = (await api.get(f"/conversations/{chat}")).json()

    assert told["data"]["is_read"] is True
    assert await _ids(api, "is_read=false") == []


async def test_a_long_history_is_walked_backwards(api, conversation, connection, account, jane):
    id = conversation["id"]
    await connection.execute(
        """
        insert into messages (account_id, direction, status, contact_id, channel_id, conversation_id, scheme, address,
            body)
        select $1, 'in', 'handled', $2, c.channel_id, c.id, 'mailto', 'jane@example.com', n::text
        from conversations c, generate_series(1, 250) n where c.id = $3
        """,
        account,
        jane["id"],
        id,
    )

    newest = (await api.get(f"/conversations/{id}")).json()
    earlier = (await api.get(newest["links"]["earlier"])).json()

    assert [message["body"] for message in newest["messages"]] == [str(n) for n in range(51, 251)]
    assert [message["body"] for message in earlier["messages"]] == ["We got it.", *(str(n) for n in range(1, 51))]
    assert earlier["links"] == {"earlier": None}
    assert newest["messages"][0]["sender"] == {"type": "contact", "id": jane["id"], "name": "Jane"}
    assert (newest["messages"][0]["direction"], newest["messages"][0]["status"]) == ("inbound", "received")


async def test_the_starter_is_assigned_and_the_preview_is_short(api, jane, email):
    body = {"contact_id": jane["id"], "channel": "email", "message": "x" * 300}

    told = (await api.post("/conversations", json=body)).json()["data"]

    assert told["assigned_to"] is not None
    assert told["preview"] == "x" * 200


async def test_tags_of_a_conversation_are_told(api, conversation, database, account):
    async with database.tx(account) as tx:
        tag = await tags.create(tx, "urgent", kind="conversation", color="#EF4444")
        await tagging.add(tx, [conversation["id"]], [tag.id])

    [told] = (await api.get("/conversations")).json()["data"]

    assert told["tags"] == [{"id": tag.id, "name": "urgent", "color": "#EF4444"}]


async def test_a_conversation_outlives_its_contact(api, conversation, jane):
    await api.delete(f"/contacts/{jane['id']}")

    told = (await api.get(f"/conversations/{conversation['id']}")).json()["data"]

    assert told["contact"]["id"] == jane["id"]


@pytest.mark.parametrize(
    ("body", "text", "html"),
    [
        ({"body": "1 < 2\nand more"}, "1 < 2\nand more", None),
        ({"body": "<p>Hi <b>you</b></p>"}, "Hi you", "<p>Hi <b>you</b></p>"),
        ({"body_text": "<b>literal</b>"}, "<b>literal</b>", None),
        ({"body_text": "Hi", "body_html": "<i>Hi</i>"}, "Hi", "<i>Hi</i>"),
        ({"body_html": "<i>Hi</i>"}, "Hi", "<i>Hi</i>"),
        ({"body": '<a href="javascript:x()">Hi</a>'}, "Hi", '<a rel="noopener noreferrer">Hi</a>'),
        (
            {"body": '<img src="https://example.com/a.png" onerror="x()">Hi'},
            "Hi",
            '<img src="https://example.com/a.png">Hi',
        ),
    ],
)
async def test_a_reply_is_text_or_clean_html(api, conversation, body, text, html):
    told = (await api.post(f"/conversations/{conversation['id']}/reply", json=body)).json()["data"]

    assert (told["body_text"], told["body_html"], told["body"]) == (text, html, html or text)


async def test_a_note_stays_inside(api, conversation, connection, account):
    sent = "select count(*) from messages where account_id = $1"
    before = await connection.fetchval(sent, account)

    told = (await api.post(f"/conversations/{conversation['id']}/reply", json={"body": "x", "internal": True})).json()

    assert (told["data"]["type"], told["data"]["sender"]["type"]) == ("note", "user")
    assert await connection.fetchval(sent, account) == before


async def test_who_opted_out_gets_no_reply(api, jane, sms, database, account):
    await api.put(f"/contacts/{jane['id']}", json={"phone": "+40740111222"})
    body = {"contact_id": jane["id"], "channel": "sms", "message": "Hi"}
    id = (await api.post("/conversations", json=body)).json()["data"]["id"]
    async with database.tx(account) as tx:
        await consents.opt_out(tx, "sms", "+40740111222", "keyword")

    answer = await api.post(f"/conversations/{id}/reply", json={"body": "Hi"})

    assert answer.status_code == 422
    assert answer.json() == {"message": "The recipient has opted out.", "code": "RECIPIENT_OPTED_OUT"}


@pytest.mark.parametrize("role", ["viewer", "switched off", "foreign"])
async def test_not_everybody_can_be_assigned(api, conversation, new_colleague, other_account, role):
    made = {
        "viewer": {"role": "viewer"},
        "switched off": {"active": False},
        "foreign": {"account": other_account},
    }
    user = await new_colleague(**made[role])

    answer = await api.post(f"/conversations/{conversation['id']}/assign", json={"user_id": user})

    assert answer.status_code == 422
    assert set(answer.json()) == {"message"}


async def test_a_closed_one_that_opens_forgets_when_it_was_solved(api, conversation):
    path = f"/conversations/{conversation['id']}"

    closed = (await api.put(path, json={"status": "closed"})).json()["data"]
    opened = (await api.put(path, json={"status": "open"})).json()["data"]

    assert closed["resolved_at"] is not None
    assert opened["resolved_at"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"is_starred": True}),
        ("DELETE", "", None),
        ("POST", "/reply", {"body": "x"}),
        ("POST", "/assign", {"user_id": None}),
        ("POST", "/close", None),
    ],
)
async def test_anothers_conversation_is_not_found(api, conversation, new_key, other_account, method, path, body):
    api.headers["authorization"] = f"Bearer {await new_key(account=other_account, rate='off')}"

    answer = await api.request(method, f"/conversations/{conversation['id']}{path}", json=body)

    assert (answer.status_code, answer.json()) == (404, {"message": "Conversation not found."})
