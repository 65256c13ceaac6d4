"""Where templates are searched for references, and what stays as it was typed."""

import pytest

from trunkline.flows.migrations import migrate


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # paths
        ("@webhook", "@webhook.json"),
        ("Hi @webhook.name!", "Hi @webhook.json.name!"),
        ("@webhook.name.", "@webhook.json.name."),
        ("@webhook.", "@webhook.json."),
        ("@webhook.0.name", "@webhook.json.0.name"),
        ("@WebHook.Name", "@WebHook.json.Name"),
        ("@webhook@webhook", "@webhook.json@webhook.json"),
        ("@webhook.json", "@webhook.json.json"),
        # expressions
        ("@(webhook)", "@(webhook.json)"),
        ("@( webhook . name )", "@( webhook.json . name )"),
        ('@(webhook["name"])', '@(webhook.json["name"])'),
        ("@(webhook[0].id & webhook.x)", "@(webhook.json[0].id & webhook.json.x)"),
        ("@(json(webhook))", "@(json(webhook.json))"),
        ("@(upper( webhook.x ) &  1)", "@(upper( webhook.json.x ) &  1)"),
        ('@(") webhook" & webhook)', '@(") webhook" & webhook.json)'),
        (r'@("\" webhook" & webhook)', r'@("\" webhook" & webhook.json)'),
        ("@(IF(WEBHOOK.a=1,\n\t2, 3))", "@(IF(WEBHOOK.json.a=1,\n\t2, 3))"),
        ("@(if(webhook, @webhook, 1))", "@(if(webhook, @webhook, 1))"),  # no sign inside of an expression
        # names of something else
        ("@results.webhook", "@results.webhook"),
        ("@(results.webhook.x)", "@(results.webhook.x)"),
        ("@(results . webhook)", "@(results . webhook)"),
        ("@(my_webhook & webhooks)", "@(my_webhook & webhooks)"),
        ("@webhooks.name", "@webhooks.name"),
        ('@("webhook")', '@("webhook")'),
        ("webhook", "webhook"),
        # arguments of the same name hide it
        ("@(foreach(a, (webhook) => webhook.x))", "@(foreach(a, (webhook) => webhook.x))"),
        ("@(foreach(a, (x) => webhook.x))", "@(foreach(a, (x) => webhook.json.x))"),
        ("@(foreach(webhook, (webhook) => webhook.x))", "@(foreach(webhook.json, (webhook) => webhook.x))"),
        (
            "@(foreach(a, (x, webhook) => f(webhook, x), webhook))",
            "@(foreach(a, (x, webhook) => f(webhook, x), webhook.json))",
        ),
        # what is no expression
        ("@@webhook", "@@webhook"),
        ("@@@webhook", "@@@webhook.json"),
        ("@@(webhook)", "@@(webhook)"),
        ("@(webhook", "@(webhook"),
        ("@(webhook & @webhook", "@(webhook & @webhook"),
        ('@("webhook)', '@("webhook)'),
        ("@", "@"),
        ("50 @ webhook", "50 @ webhook"),
        # what cannot be read
        ("@(webhook ~ 1) @webhook", "@(webhook ~ 1) @webhook.json"),
        ("@(webhook.) @(webhook +)", "@(webhook.) @(webhook +)"),
        ("@webhook.1st", "@webhook.1st"),
        ("é @webhook.été ü", "é @webhook.json.été ü"),
    ],
)
def test_references_to_the_answer_of_a_webhook(flow, acting, before, after):
    definition = flow("13.2.0", acting({"type": "send_msg", "uuid": "a1", "text": before}))

    migrated = migrate(definition, "13.3.0")

    assert migrated["nodes"][0]["actions"][0]["text"] == after
