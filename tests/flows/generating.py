"""Makes exports of any size that use every action, router, wait and test. Equal seeds give equal files.

python -m tests.flows.generating 4000000 > big.json
"""

import json
import sys
from random import Random
from typing import Any
from uuid import UUID

Json = dict[str, Any]

SITE = "https://flows.example.org"
LANGUAGES = ("fra", "swa")
WORDS = ("please", "tell", "us", "which", "of", "these", "you", "would", "like", "to", "hear", "more", "about", "today")

TESTS: dict[str, list[str]] = {
    "has_text": [],
    "has_value": [],
    "has_only_text": ["yes"],
    "has_phrase": ["good morning"],
    "has_only_phrase": ["good morning"],
    "has_any_word": ["tea coffee"],
    "has_all_words": ["tea coffee"],
    "has_beginning": ["stop"],
    "has_pattern": [r"(\w+)@(\w+)\.org".replace("@", " at ")],
    "has_number": [],
    "has_number_lt": ["@(fields.age + 1)"],
    "has_number_lte": ["10"],
    "has_number_eq": ["3"],
    "has_number_gte": ["18"],
    "has_number_gt": ["18"],
    "has_number_between": ["1", "5"],
    "has_date": [],
    "has_date_lt": ["@(today())"],
    "has_date_eq": ["2024-02-29"],
    "has_date_gt": ["2024-02-29"],
    "has_time": [],
    "has_phone": ["RW"],
    "has_email": [],
    "has_group": [],
    "has_category": ["Yes", "Maybe"],
    "has_error": [],
    "has_state": [],
    "has_district": ["Kigali"],
    "has_ward": ["Gasabo", "Kigali"],
    "has_intent": ["book", "0.5"],
    "has_top_intent": ["book", "0.5"],
}

HINTS: list[Json] = [
    {"type": "audio"},
    {"type": "image"},
    {"type": "video"},
    {"type": "location"},
    {"type": "digits", "count": 4, "terminated_by": "#"},
]


class Maker:
    """The parts of an export, linked to one another."""

    def __init__(self, seed: int = 0):
        self.random = Random(seed)
        self.fields = [
            {"key": "age", "name": "Age", "type": "number"},
            {"key": "joined_on", "name": "Joined On", "type": "datetime"},
            {"key": "district", "name": "District", "type": "district"},
            {"key": "drink", "name": "Drink", "type": "text"},
            {"key": "phone", "name": "Phone", "type": "text"},
        ]
        self.groups = [
            {"uuid": self.uuid(), "name": "Testers", "query": None},
            {"uuid": self.uuid(), "name": "Adults", "query": "fields.age >= 18"},
            {"uuid": self.uuid(), "name": "Drinkers", "query": None},
        ]
        self.references = {
            kind: {"uuid": self.uuid(), "name": name}
            for kind, name in (
                ("channel", "Telephone"),
                ("topic", "General"),
                ("user", "Ann Example"),
                ("label", "Feedback"),
                ("template", "greeting"),
                ("llm", "Answers"),
                ("contact", "Bob"),
                ("classifier", "Old"),
                ("optin", "News"),
            )
        }
        self.flows: list[Json] = []

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def words(self, count: int = 12) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(count))

    def group(self) -> Json:
        group = self.random.choice(self.groups)
        return {"uuid": group["uuid"], "name": group["name"]}

    def flow_reference(self, kind: str) -> Json:
        flow = self.random.choice([flow for flow in self.flows if flow["type"] == kind])
        return {"uuid": flow["uuid"], "name": flow["name"]}

    def action(self, kind: str, flow_type: str) -> Json:
        return {"type": kind, "uuid": self.uuid(), **self._fields(kind, flow_type)}

    def _message(self) -> Json:
        ref = self.references
        return {
            "text": f"Hi @contact.first_name, {self.words()} @fields.age @(upper(globals.company))",
            "attachments": ["image:https://example.org/@(lower(fields.drink)).jpg"],
            "quick_replies": ["Yes<extra>really", "No", "<location>Where"],
            "template": ref["template"],
            "template_variables": ["@contact.name", "@results.answer"],
        }

    def _recipients(self) -> Json:
        ref = self.references
        return {
            "groups": [self.group(), {"name_match": "Group of @fields.drink"}],
            "contacts": [ref["contact"]],
            "contact_query": "age > @fields.age",
            "urns": ["tel:+250788123123"],
            "legacy_vars": ["@contact.urn"],
        }

    def _fields(self, kind: str, flow_type: str) -> Json:
        ref, message, recipients = self.references, self._message(), self._recipients()
        return {
            "add_contact_groups": {"groups": [self.group(), {"name_match": "@fields.drink"}]},
            "add_contact_urn": {"scheme": "tel", "path": "@results.answer"},
            "add_input_labels": {"labels": [ref["label"], {"name_match": "About @input.text"}]},
            "call_classifier": {"classifier": ref["classifier"], "input": "@input.text", "result_name": "Intent"},
            "call_llm": {
                "llm": ref["llm"],
                "instructions": self.words(30),
                "input": "@input.text",
                "output_local": "answer",
            },
            "call_resthook": {"resthook": "new-answer", "result_name": "Hook"},
            "call_webhook": {
                "method": "POST",
                "url": "https://example.org/?q=@(url_encode(input.text))",
                "headers": {"Content-Type": "application/json", "X-Token": "@globals.token"},
                "body": '@(json(object("contact", contact.uuid, "results", foreach_value(results, (v) => v.value))))',
                "result_name": "Webhook",
            },
            "enter_flow": {"flow": self.flow_reference(flow_type), "terminal": False},
            "open_ticket": {"topic": ref["topic"], "assignee": ref["user"], "note": "@input.text"},
            "play_audio": {"audio_url": "https://example.org/@(fields.drink).mp3"},
            "remove_contact_groups": {"groups": [], "all_groups": True},
            "request_optin": {"optin": ref["optin"]},
            "say_msg": {"text": f"{self.words()} @contact.name", "audio_url": "https://example.org/say.mp3"},
            "send_broadcast": {**message, **recipients},
            "send_email": {
                "addresses": ["a@example.org", "@contact.urn"],
                "subject": self.words(4),
                "body": "@results",
            },
            "send_msg": message,
            "set_contact_channel": {"channel": ref["channel"]},
            "set_contact_field": {"field": {"key": "drink", "name": "Drink"}, "value": "@results.answer.category"},
            "set_contact_language": {"language": "fra"},
            "set_contact_name": {"name": "@(title(input.text))"},
            "set_contact_status": {"status": "active"},
            "set_contact_timezone": {"timezone": "Africa/Kigali"},
            "set_run_local": {"local": "count", "value": "1", "operation": "increment"},
            "set_run_result": {"name": "Score", "value": "@(1 + parent.results.score)", "category": "High"},
            "start_session": {
                "flow": self.flow_reference("messaging"),
                **recipients,
                "exclusions": {"in_a_flow": True},
                "create_contact": False,
            },
            "transfer_airtime": {"amounts": {"RWF": 500, "USD": 0.5}},
        }[kind]

    def node(self, actions: list[Json], router: Json | None, following: str | None) -> Json:
        """One exit for each category. Of a switch all but the last end the flow; chance ends none."""
        count = len(router["categories"]) if router else 1
        is_random = router is not None and router["type"] == "random"
        exits: list[Json] = [
            {"uuid": self.uuid(), "destination_uuid": following if is_random else None} for _ in range(count)
        ]
        exits[-1]["destination_uuid"] = following
        node: Json = {"uuid": self.uuid(), "actions": actions, "exits": exits}
        if router:
            for category, way in zip(router["categories"], exits, strict=True):
                category["exit_uuid"] = way["uuid"]
            node["router"] = router
        return node

    def categories(self, *names: str) -> list[Json]:
        return [{"uuid": self.uuid(), "name": name} for name in names]

    def switch(self, tests: list[str], wait: Json | None = None) -> Json:
        categories = self.categories(*(test[:36] for test in tests), "Other")
        arguments = dict(TESTS, has_group=list(self.group().values()))
        router: Json = {
            "type": "switch",
            "operand": "@input.text",
            "result_name": "Answer",
            "categories": categories,
            "default_category_uuid": categories[-1]["uuid"],
            "cases": [
                {"uuid": self.uuid(), "type": test, "arguments": arguments[test], "category_uuid": category["uuid"]}
                for test, category in zip(tests, categories, strict=False)
            ],
        }
        if wait and wait["type"] == "msg":
            wait["timeout"] = {"seconds": 600, "category_uuid": categories[-1]["uuid"]}
        return router | ({"wait": wait} if wait else {})

    def rolled(self) -> Json:
        return {"type": "random", "result_name": "Bucket", "categories": self.categories("A", "B", "C")}

    def begin(self, kind: str) -> Json:
        """An empty flow, which the actions of all flows may refer to from now on."""
        self.flows.append(
            {
                "uuid": self.uuid(),
                "name": f"Flow {len(self.flows) + 1} of {kind}",
                "spec_version": "14.4.2",
                "language": "eng",
                "type": kind,
                "revision": 3,
                "expire_after_minutes": 5 if kind == "voice" else 720 if kind == "messaging" else 0,
            }
        )
        return self.flows[-1]

    def fill(self, definition: Json, nodes: list[Json]) -> Json:
        definition["localization"] = {language: self.translations(nodes, language) for language in LANGUAGES}
        definition["nodes"] = nodes
        definition["_ui"] = {
            "nodes": {
                node["uuid"]: {"position": {"left": 100, "top": 200 * place}, "type": "execute_actions"}
                for place, node in enumerate(nodes)
            },
            "stickies": {self.uuid(): {"title": "Note", "body": self.words(8), "color": "yellow"}},
        }
        return definition

    def translations(self, nodes: list[Json], language: str) -> Json:
        found: Json = {}
        for node in nodes:
            for action in node["actions"]:
                texts = {
                    key: [f"[{language}] {text}" for text in ([action[key]] if key != "quick_replies" else action[key])]
                    for key in ("text", "quick_replies", "subject", "body")
                    if key in action and action["type"] != "call_webhook"
                }
                if texts:
                    found[action["uuid"]] = {**texts, "_ui": {"auto_translated": ["text"]}}
            for category in node.get("router", {}).get("categories", ()):
                found[category["uuid"]] = {"name": [f"{category['name']} {language}"]}
        return found


# Which actions a type of flow may have beyond the ones that every type may.
EVERYWHERE = [
    "add_contact_groups",
    "add_contact_urn",
    "enter_flow",
    "remove_contact_groups",
    "send_msg",
    "set_contact_field",
    "set_contact_language",
    "set_contact_name",
    "set_contact_status",
    "set_contact_timezone",
    "set_run_local",
    "set_run_result",
]
ONLINE = [
    "call_classifier",
    "call_llm",
    "call_resthook",
    "call_webhook",
    "open_ticket",
    "request_optin",
    "send_broadcast",
    "send_email",
    "set_contact_channel",
    "start_session",
    "transfer_airtime",
]
ALLOWED = {
    "messaging": [*EVERYWHERE, *ONLINE, "add_input_labels"],
    "messaging_background": [*EVERYWHERE, *ONLINE],
    "messaging_offline": [*EVERYWHERE, "add_input_labels"],
    "voice": [*EVERYWHERE, *ONLINE, "add_input_labels", "play_audio", "say_msg"],
}
WAITING = ("messaging", "messaging_offline", "voice")


def flow(make: Maker, kind: str) -> Json:
    """A flow of one type with everything that is allowed in it, each node leading to the next."""
    definition = make.begin(kind)
    nodes: list[Json] = []

    def add(actions: list[Json], router: Json | None = None) -> None:
        nodes.insert(0, make.node(actions, router, nodes[0]["uuid"] if nodes else None))

    def add_actions(actions: list[str]) -> None:
        for action in actions:
            add([make.action(action, kind), make.action("send_msg", kind)])

    def add_switches(wait: bool) -> None:
        tests = list(TESTS)
        for start in range(0, len(tests), 6):
            hint = HINTS[start % len(HINTS)]
            add([], make.switch(tests[start : start + 6], {"type": "msg", "hint": hint} if wait else None))

    # From the end: who enters a flow may never come back from it, and where nobody is asked a switch ends it.
    add_actions(["enter_flow"])
    if kind not in WAITING:
        add_switches(wait=False)
    add_actions([action for action in ALLOWED[kind] if action != "enter_flow"])
    add([], make.rolled())
    if kind in WAITING:
        add_switches(wait=True)
    if kind == "voice":
        add([], make.switch(["has_only_text"], {"type": "dial", "phone": "@fields.phone"}))
    return make.fill(definition, nodes)


def small_flow(seed: int = 0) -> Json:
    """A short flow: one action, a wait, a switch with one case, translations."""
    make = Maker(seed)
    definition = make.begin("messaging")
    last = make.node([make.action("set_contact_field", "messaging")], None, None)
    router = make.switch(["has_any_word"], {"type": "msg", "hint": {"type": "digits", "count": 1}})
    middle = make.node([], router, last["uuid"])
    first = make.node([make.action("send_msg", "messaging")], None, middle["uuid"])
    return make.fill(definition, [first, middle, last])


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with something else at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def export(size: int = 1_000_000, seed: int = 0) -> Json:
    """An export of at least `size` bytes of JSON."""
    make = Maker(seed)
    written = 0
    while written < size or len(make.flows) < len(ALLOWED):
        kind = list(ALLOWED)[len(make.flows) % len(ALLOWED)]
        written += len(json.dumps(flow(make, kind), separators=(",", ":")))
    first = make.flow_reference("messaging")
    return {
        "version": "13",
        "site": SITE,
        "flows": make.flows,
        "campaigns": [_campaign(make, first)],
        "triggers": _triggers(make, first),
        "fields": make.fields,
        "groups": make.groups,
    }


def workspace(file: Json, seed: int = 1) -> Json:
    """A workspace that has what the flows of an export need from elsewhere."""
    references = Maker(seed - 1).references
    plural = {"channel": "channels", "topic": "topics", "label": "labels", "template": "templates", "llm": "llms"}
    known = {key: [references[kind]] for kind, key in plural.items()}
    return known | {
        "site": file["site"],
        "users": [references["user"] | {"email": "ann@example.org"}],
        "globals": [
            {"key": "company", "name": "Company", "value": "Acme"},
            {"key": "token", "name": "T", "value": "x"},
        ],
    }


def _campaign(make: Maker, first: Json) -> Json:
    relative = {"label": "Joined On", "key": "joined_on"}
    common = {"offset": 3, "unit": "D", "delivery_hour": 9, "relative_to": relative, "start_mode": "I"}
    group = make.groups[0]
    return {
        "uuid": make.uuid(),
        "name": "Reminders",
        "group": {"uuid": group["uuid"], "name": group["name"]},
        "events": [
            {"uuid": make.uuid(), "event_type": "F", "message": None, "flow": first, **common},
            {
                "uuid": make.uuid(),
                "event_type": "M",
                "message": {"eng": "Hi @contact", "fra": "Salut @contact"},
                "base_language": "eng",
                **common,
            },
        ],
    }


def _triggers(make: Maker, first: Json) -> list[Json]:
    group = {"uuid": make.groups[0]["uuid"], "name": make.groups[0]["name"]}
    return [
        {
            "trigger_type": "K",
            "flow": first,
            "groups": [group],
            "exclude_groups": [],
            "channel": None,
            "keywords": ["join", "start"],
            "match_type": "F",
        },
        {"trigger_type": "C", "flow": first, "groups": [], "exclude_groups": [group], "channel": None},
    ]


if __name__ == "__main__":
    json.dump(export(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000), sys.stdout)
