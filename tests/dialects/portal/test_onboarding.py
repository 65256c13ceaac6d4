"""What a key is told about itself."""

import pytest

pytestmark = pytest.mark.anyio


async def test_a_key_learns_what_it_can_use(api, sms, whatsapp, reminder, account):
    answer = await api.get("/onboarding")

    told = answer.json()["data"]
    assert (told["tenant"], told["api_key"]) == ({"id": account, "name": "Acme"}, {"name": "", "scopes": ["*"]})
    assert told["integrations"][0] == {
        "id": sms.id, "name": sms.name, "channel": "sms", "provider": "simulator", "sender": "+40700000000",
        "status": "active", "is_default": True, "is_pool": False,
    }  # fmt: skip
    assert told["defaults"] == {
        "sms": {"integration_id": sms.id, "sms_routing": "integration"},
        "email": {"integration_id": None},
        "whatsapp": {"integration_id": whatsapp.id},
        "voice": {"integration_id": None},
    }
    assert told["templates"] == [{"key": "appointment_reminder", "channel": "sms"}]
    assert told["limits"] == {"batch_max": 500, "batch_status_max": 100}


async def test_its_examples_work(api, sms, email, whatsapp, reminder, update):
    examples = (await api.get("/onboarding")).json()["data"]["examples"]

    answers = []
    for example in examples:
        path = example["path"].removeprefix("/integrations")
        answers.append(await api.request(example["method"], path, json=example["body"]))

    assert len(examples) == 8
    assert [answer.status_code for answer in answers] == [200, *[202] * 6, 201]


async def test_the_whatsapp_example_names_a_template(api, whatsapp, update):
    examples = (await api.get("/onboarding")).json()["data"]["examples"]

    [one, many] = [each["body"] for each in examples if each["body"] and each["body"].get("channel") == "whatsapp"]
    assert (one["template_key"], many["template_key"]) == ("delivery_update", "delivery_update")


async def test_whatsapp_without_a_template_has_no_example(api, whatsapp):
    examples = (await api.get("/onboarding")).json()["data"]["examples"]

    assert [example["title"] for example in examples] == ["List contacts", "Create a contact"]


async def test_a_new_account_is_told_too(api):
    told = (await api.get("/onboarding")).json()["data"]

    assert (told["integrations"], told["templates"]) == ([], [])
    assert told["defaults"]["sms"] == {"integration_id": None}
    assert [example["title"] for example in told["examples"]] == ["List contacts", "Create a contact"]


async def test_scopes_are_told(anybody, new_key):
    headers = {"x-api-key": await new_key("portal", scopes=["read", "send"])}

    told = (await anybody.get("/onboarding", headers=headers)).json()["data"]

    assert told["api_key"]["scopes"] == ["read", "send"]


async def test_shared_numbers_are_told(api, pool):
    told = (await api.get("/onboarding")).json()["data"]

    assert [(one["id"], one["is_pool"]) for one in told["integrations"]] == [(pool.id, True)]
    assert told["defaults"]["sms"] == {"integration_id": None, "sms_routing": "platform"}
    assert told["examples"][1]["body"]["sms_routing"] == "platform"
