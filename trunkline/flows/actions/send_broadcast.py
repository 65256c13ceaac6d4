"""Send a message to other contacts, in every language of the flow."""

from trunkline.flows import flow_types
from trunkline.flows.actions import composing, recipients
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.contents import (
    Attachments,
    Contacts,
    Groups,
    LegacyVariables,
    Query,
    QuickReplies,
    Text,
    Variables,
)
from trunkline.flows.events import BroadcastCreated
from trunkline.flows.references import TemplateReference
from trunkline.flows.step import Step


class SendBroadcast(Action, frozen=True, kw_only=True):
    type = "send_broadcast"
    allowed_in = flow_types.ONLINE

    text: Text
    attachments: Attachments = ()
    quick_replies: QuickReplies = ()
    template: TemplateReference | None = None
    template_variables: Variables = ()
    groups: Groups = ()
    contacts: Contacts = ()
    contact_query: Query = ""
    urns: tuple[str, ...] = ()
    legacy_vars: LegacyVariables = ()

    def run(self, step: Step) -> None:
        found = recipients.read(step, self)
        if not found:
            return
        languages = dict.fromkeys((step.flow.language, *step.flow.localization.languages))
        template = step.assets.templates.get(self.template.uuid) if self.template else None
        if self.template and template is None:
            step.missing("template", self.template.uuid, self.template.name)
        step.log(
            BroadcastCreated(
                translations={language: composing.content(step, self, (language,))[0] for language in languages},
                base_language=step.flow.language,
                groups=found.groups,
                contacts=found.contacts,
                contact_query=found.contact_query,
                urns=found.urns,
                template=template.ref if template else None,
                template_variables=[step.evaluate(each).text for each in self.template_variables] if template else [],
            )
        )
