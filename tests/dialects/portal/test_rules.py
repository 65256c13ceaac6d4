"""What holds for every endpoint of the portal dialect: keys, scopes, limits, shapes of refusals, the document."""

import jsonschema_rs
import pytest
import schemathesis

from trunkline.dialects import openapi
from trunkline.dialects.portal import portal

pytestmark = pytest.mark.anyio

SMS = {"channel": "sms", "to": "+40740111222", "body": "Hi"}
OPERATIONS = [(operation.method, operation.path, operation.rules.scopes) for operation in portal.operations]


async def test_without_a_key_nobody_is_known(anybody):
    answer = await anybody.get("/contacts")

    assert answer.status_code == 401
    assert answer.json() == {"message": "Invalid API key.", "code": "unauthenticated"}
    assert answer.headers["www-authenticate"] == "ApiKey"


@pytest.mark.parametrize("headers", [{"x-api-key": "nonsense"}, {"authorization": "Bearer {key}"}])
async def test_only_a_key_in_its_header_counts(anybody, new_key, headers):
    key = await new_key("portal")

    answer = await anybody.get("/contacts", headers={name: value.format(key=key) for name, value in headers.items()})

    assert answer.status_code == 401


async def test_a_key_of_another_dialect_is_unknown(anybody, new_key):
    answer = await anybody.get("/contacts", headers={"x-api-key": await new_key("platform")})

    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path", "scopes"), OPERATIONS, ids=lambda value: str(value))
async def test_each_operation_wants_its_scope(anybody, new_key, method, path, scopes):
    others = [scope for scope in portal.scopes if scope not in scopes]
    headers = {"x-api-key": await new_key("portal", scopes=others)}

    answer = await anybody.request(method, path.replace("{id}", "1"), headers=headers)

    assert len(scopes) == 1
    assert answer.status_code == 403
    assert answer.json() == {
        "message": f"This key lacks the required scope: {scopes[0]}.",
        "code": "insufficient_scope",
        "required_scope": scopes[0],
    }


def test_scopes_are_as_documented():
    scopes = {(method, path): scope[0] for method, path, scope in OPERATIONS if method != "PATCH"}

    assert scopes == {
        ("POST", "/messages/send"): "send",
        ("POST", "/messages/send-batch"): "send",
        ("POST", "/calls/initiate"): "send",
        ("GET", "/calls/{id}"): "read",
        ("GET", "/messages/{id}/status"): "read",
        ("POST", "/messages/batch-status"): "read",
        ("GET", "/onboarding"): "read",
        ("GET", "/contacts"): "read",
        ("GET", "/contacts/{id}"): "read",
        ("POST", "/contacts"): "write",
        ("PUT", "/contacts/{id}"): "write",
        ("DELETE", "/contacts/{id}"): "write",
        ("GET", "/groups"): "read",
        ("GET", "/campaigns"): "read",
        ("POST", "/campaigns"): "write",
        ("POST", "/campaigns/{id}/send"): "send",
        ("GET", "/campaigns/{id}/status"): "read",
        ("GET", "/templates"): "read",
        ("POST", "/templates"): "write",
        ("PUT", "/templates/{id}"): "write",
        ("DELETE", "/templates/{id}"): "write",
        ("GET", "/webhooks"): "read",
        ("GET", "/webhooks/events-catalog"): "read",
        ("GET", "/webhooks/{id}"): "read",
        ("POST", "/webhooks"): "write",
        ("PUT", "/webhooks/{id}"): "write",
        ("DELETE", "/webhooks/{id}"): "write",
        ("POST", "/webhooks/{id}/test"): "write",
        ("GET", "/webhooks/{id}/deliveries"): "read",
        ("GET", "/webhooks/{id}/deliveries/{delivery_id}"): "read",
        ("POST", "/webhooks/{id}/deliveries/{delivery_id}/replay"): "write",
        ("POST", "/webhooks/{id}/replay"): "write",
    }


async def test_sending_has_a_bucket_of_its_own(anybody, new_key, sms):
    headers = {"x-api-key": await new_key("portal")}

    sent = [await anybody.post("/messages/send", json=SMS, headers=headers) for _ in range(61)]
    read = await anybody.get("/contacts", headers=headers)

    assert [answer.status_code for answer in sent] == [202] * 60 + [429]
    assert sent[0].headers["x-ratelimit-limit"] == "60"
    assert sent[-1].json() == {"message": "Too Many Attempts.", "code": "rate_limited"}
    assert int(sent[-1].headers["retry-after"]) > 0
    assert (read.status_code, read.headers["x-ratelimit-limit"]) == (200, "120")


async def test_a_batch_counts_once(anybody, new_key, sms):
    headers = {"x-api-key": await new_key("portal")}
    recipients = [{"to": f"+4074{n:07d}"} for n in range(50)]

    answer = await anybody.post(
        "/messages/send-batch", json={"channel": "sms", "body": "Hi", "recipients": recipients}, headers=headers
    )

    assert answer.headers["x-ratelimit-remaining"] == "59"


async def test_both_addresses_serve_the_same(api):
    made = (await api.post("/contacts", json={"email": "maria@example.com"})).json()

    answer = await api.get(f"http://testserver/api/portal/v1/contacts/{made['data']['id']}")

    assert answer.json() == made


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/nowhere", {"message": "Not found.", "code": "not_found"}),
        ("/contacts/abc", {"message": "Contact not found.", "code": "not_found"}),
        ("/campaigns/1/status", {"message": "Campaign not found.", "code": "not_found"}),
    ],
)
async def test_what_is_not_there_has_one_shape(api, path, told):
    answer = await api.get(path)

    assert (answer.status_code, answer.json()) == (404, told)


async def test_broken_json_has_the_dialects_shape(api):
    answer = await api.post("/contacts", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json() == {"message": "The request body is not valid JSON.", "code": "malformed"}


async def test_a_bug_tells_nothing(api, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("trunkline.contacts.people.get", broken)

    answer = await api.get("/contacts/1")

    assert (answer.status_code, answer.json()) == (500, {"message": "Server Error", "code": "server_error"})


def test_the_document_is_valid():
    document = openapi.document(portal, "http://testserver")

    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(portal.operations)


def test_examples_of_the_document_fit():
    document = openapi.document(portal, "http://testserver")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for operation in operations
        if "requestBody" in operation
    ]

    for body in bodies:
        schema = {**body["schema"], "components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(body["example"])
