"""Drafted replies and sentiment in the platform dialect. Models are called between transactions, never inside one."""

from trunkline.ai import replies, sentiment
from trunkline.ai.grounds import Ask, Turn
from trunkline.dialects.base import Call, Data, Invalid, NotFound, OutOfCredits, PeerFailed
from trunkline.dialects.platform import ai_shapes as shapes
from trunkline.dialects.platform.dialect import platform

# Longer than a model may take with all repeats.
SECONDS = 60


@platform.post(
    "/ai/generate-reply", scope="ai", level="create", bucket="ai_reply", seconds=SECONDS, tag="AI",
    raises=(NotFound, OutOfCredits, PeerFailed),
)  # fmt: skip
async def generate_reply(call: Call, body: shapes.DraftIn) -> Data[shapes.DraftOut]:
    """Draft a reply to a conversation, or to a message with what was said before it. Nothing is sent.

    The draft is drawn from the knowledge base; `[1]` in it names one of `sources_used`. Where no model is configured,
    it quotes the knowledge base word for word, and `model` is extractive; when that does not answer, the status is 422
    with the code NO_ANSWER. A metered workspace pays one credit for each draft, none for a failed one. The code
    AI_CAP_REACHED says that the workspace's limit for this month does not allow it.
    """
    ask = _ask(body)
    made = await replies.draft(call, ask, tone=body.tone, instructions=body.instructions or "")
    return Data(shapes.draft(made))


@platform.post(
    "/ai/analyze-sentiment", scope="ai", level="create", bucket="ai_sentiment", seconds=SECONDS, tag="AI",
    raises=(NotFound,),
)  # fmt: skip
async def analyze_sentiment(call: Call, body: shapes.SentimentIn) -> Data[shapes.SentimentOut]:
    """Tell how a text sounds, or what the customer wrote last in a conversation, which keeps the result.

    Without a model, lexicons judge English, Romanian, Spanish, French and German; of other languages they say unknown.
    """
    if body.conversation_id is None and not (body.text or "").strip():
        raise Invalid({"text": ["The text field is required when conversation_id is not present."]})
    if body.conversation_id is not None and body.text:
        raise Invalid({"text": ["The text field must not be present with conversation_id."]})
    return Data(shapes.mood(await sentiment.analyze(call, body.text, conversation_id=body.conversation_id)))


def _ask(body: shapes.DraftIn) -> Ask:
    if body.conversation_id is None and not (body.message or "").strip():
        raise Invalid({"message": ["The message field is required when conversation_id is not present."]})
    if body.conversation_id is not None and body.message:
        raise Invalid({"message": ["The message field must not be present with conversation_id."]})
    return Ask(
        conversation_id=body.conversation_id,
        message=body.message or "",
        history=[
            Turn("customer" if turn.role == "user" else "team", turn.content) for turn in body.conversation_history
        ],
        sender_name=body.sender_name or "",
        subject=body.subject or "",
    )
