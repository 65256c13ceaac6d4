"""The documents say what the operations do, and fuzzers find nothing that contradicts them."""

import jsonschema_rs
import pytest
import schemathesis

from tests.dialects import toy
from trunkline.dialects import openapi

DIALECTS = [toy.platform, toy.developer, toy.portal]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_a_document_is_valid(dialect):
    document = openapi.document(dialect, "http://testserver/")

    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(dialect.operations)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
def test_examples_fit_their_schemas(dialect):
    document = openapi.document(dialect, "http://testserver")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for operation in operations
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]

    for body in bodies:
        schema = {**body["schema"], "components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(body["example"])


def test_an_operation_says_who_may_call_it():
    paths = openapi.document(toy.platform, "http://testserver")["paths"]

    assert paths["/auth/login"]["post"]["security"] == []
    assert paths["/contacts"]["get"]["security"] == [{"bearer": []}, {"session": []}]
    assert paths["/contacts"]["get"]["x-scope"] == "contacts"
    assert paths["/campaigns/{id}/send"]["post"]["x-bucket"] == "campaign_send"


def test_an_operation_names_all_its_refusals():
    post = openapi.document(toy.platform, "http://testserver")["paths"]["/contacts"]["post"]

    assert list(post["responses"]) == [
        "400", "401", "403", "409", "413", "415", "422", "429", "500", "503", "201",
    ]  # fmt: skip
    assert post["description"] == "Create a contact.\n\nThe email address must be new."
    assert post["summary"] == "Create a contact"
    assert [parameter["name"] for parameter in post["parameters"]] == ["Idempotency-Key"]


def test_addresses_have_their_format():
    contact = openapi.document(toy.platform, "")["components"]["schemas"]["ContactIn"]["properties"]

    assert contact["site"]["anyOf"][0]["format"] == "uri"
    assert contact["born"]["anyOf"][0]["format"] == "date-time"


def test_the_table_of_routes_shows_scope_and_level():
    rows = {(row.method, row.path): row for row in openapi.routes_of(toy.platform)}

    assert rows["DELETE", "/api/v1/contacts/{id}"] == openapi.Route(
        "platform", "DELETE", "/api/v1/contacts/{id}", "contacts", "manage", "", "Delete a contact"
    )
    assert rows["POST", "/api/v1/auth/login"].level == "public"


@pytest.mark.parametrize(
    "rules", [{"scope": "nope"}, {"level": "nope"}, {"bucket": "nope"}, {"idempotent": True, "public": True}]
)
def test_a_wrong_rule_is_found_at_import(rules):
    async def endpoint() -> None: ...

    with pytest.raises(TypeError):
        toy.platform.post("/wrong", **rules)(endpoint)


def test_an_unknown_parameter_is_found_at_import():
    async def endpoint(thing: object) -> None: ...

    with pytest.raises(TypeError, match="thing"):
        toy.platform.post("/wrong")(endpoint)
