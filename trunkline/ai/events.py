"""What assistants do by themselves that others want to know."""

from trunkline.core.events import Event


class HumanAlerted(Event, frozen=True):
    """An assistant gave a conversation to people; `reason` is one of `talks.Reason`."""

    type = "assistant.human_alerted"

    contact_id: int
    conversation_id: int
    assistant_id: int
    reason: str
    last_message: str


class AssistantsOutOfCredits(Event, frozen=True):
    """Nothing is left to answer with. Told once; again only when an assistant could answer in between."""

    type = "assistant.out_of_credits"

    contact_id: int
    conversation_id: int


class ConversationSummarised(Event, frozen=True):
    type = "conversation.summarised"

    contact_id: int
    conversation_id: int
    summary: str
