"""Paths and methods: what names an operation, and what each wrong one is told."""

import httpx2
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "id", ["abc", "-1", "0", "1.5", "9223372036854775808", "99999999999999999999", "101", "٣", "1e3", "007"]
)
async def test_a_wrong_id_is_404_in_the_noun(client, id):
    answer = await client.get(f"/contacts/{id}")

    assert (answer.status_code, answer.json()["message"]) == (404, "Contact not found.")


async def test_a_literal_segment_beats_a_parameter(client):
    answer = await client.get("/contacts/export")

    assert answer.headers["content-type"] == "text/csv"
    assert answer.text.startswith("First Name\n")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"contacts ?.csv\"; filename*=UTF-8''contacts%20%C3%A9.csv"
    )


async def test_a_stream_that_fails_at_once_is_refused_in_shape(client):
    answer = await client.get("/contacts/broken-export")

    assert (answer.status_code, answer.json()["message"]) == (404, "Contact not found.")


async def test_a_json_stream_is_one_array(anybody, new_key):
    key = await new_key("developer")

    answer = await anybody.get("/api/v1/companies", headers={"authorization": f"Bearer {key}"})

    assert answer.json() == [{"id": 0}, {"id": 1}, {"id": 2}]


async def test_a_bare_array_is_walked_by_cursor(anybody, new_key):
    key = await new_key("developer")

    answer = await anybody.get("/api/v1/contacts?limit=2", headers={"authorization": f"Bearer {key}"})

    assert answer.json() == [0, 1]
    assert answer.headers["x-total-count"] == "5"
    assert answer.headers["link"] == '<http://testserver/api/v1/contacts?limit=2&cursor=abc>; rel="next"'


@pytest.mark.parametrize(
    "query", ["companyId=x", "companyId[]=x", "companyId[$ne]=x", "companyId=", "companyId=a&companyId=b"]
)
async def test_a_twisted_filter_is_never_no_filter(anybody, new_key, query):
    key = await new_key("developer")

    answer = await anybody.get(f"/api/v1/contacts?{query}", headers={"authorization": f"Bearer {key}"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path", ["/nope", "//contacts", "/contacts/..%2fcampaigns", "/contacts//", "", "/contacts/1/x"]
)
async def test_an_unknown_path_is_404(client, path):
    answer = await client.get(httpx2.URL(f"http://testserver/api/inbox/v1{path}"))

    assert (answer.status_code, answer.json()["message"]) == (404, "Not found.")


@pytest.mark.parametrize("path", ["/contacts/%00", "/contacts?search=%00", "/contacts?search=%ff", "/contacts/%ff"])
async def test_a_null_character_or_broken_text_is_400(client, path):
    answer = await client.get(path)

    assert answer.status_code == 400


async def test_a_trailing_slash_is_no_difference(client):
    answer = await client.get("/contacts/5/")

    assert answer.json() == {"data": {"id": 5}}


async def test_a_wrong_method_names_the_right_ones(client):
    answer = await client.put("/contacts", json={})

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert answer.json()["code"] == "method_not_allowed"


async def test_options_names_the_methods_to_anybody(anybody):
    answer = await anybody.options("/api/v1/contacts/5")

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


async def test_head_is_get_without_the_body(client):
    whole = await client.get("/contacts/5")

    answer = await client.head("/contacts/5")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(("method", "status"), [("TRACE", 405), ("QUERY", 405), ("FOO", 501)])
async def test_strange_methods_are_refused(client, method, status):
    answer = await client.request(method, "/contacts")

    assert answer.status_code == status


async def test_a_method_override_is_ignored(client):
    answer = await client.post(
        "/contacts?_method=DELETE",
        json={"first_name": "Jane", "email": "j@example.com"},
        headers={"x-http-method-override": "DELETE"},
    )

    assert answer.status_code == 201


async def test_nothing_left_to_say_is_204(client):
    answer = await client.delete("/contacts/5")

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


async def test_put_and_patch_are_one_operation(client):
    body = {"first_name": "Jane", "email": "j@example.com"}

    answer = await client.patch("/contacts/5", json=body)

    assert answer.json() == {"data": {"id": 5}}
