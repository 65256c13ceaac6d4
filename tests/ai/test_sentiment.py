"""How texts sound, judged by words and signs alone, and by a model where there is one."""

import tomllib
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from tests import world
from trunkline.ai import feelings, lexicons, sentiment, spend
from trunkline.core.errors import Invalid, NotFound
from trunkline.inbox import conversations

pytestmark = pytest.mark.anyio

SENTENCES = tomllib.loads((Path(__file__).parent / "sentences.toml").read_text())
LABELLED = [
    (code, label, sentence)
    for part in ("known", "fresh")
    for code, labels in SENTENCES[part].items()
    for label, sentences in labels.items()
    for sentence in sentences
]
MOOD = (
    '{"sentiment":"negative","score":-0.78,"emotions":["frustration","disappointment"],'
    '"urgency":"high","language":"eng"}'
)


@pytest.mark.parametrize("code", lexicons.JUDGED)
def test_sentences_of_our_own_are_judged_as_people_do(code):
    ours = [(label, sentence) for spoken, label, sentence in LABELLED if spoken == code]

    wrong = [
        (sentence, feelings.read(sentence)) for label, sentence in ours if feelings.read(sentence).sentiment != label
    ]

    assert len(wrong) <= len(ours) // 20, wrong


@pytest.mark.parametrize("code", lexicons.JUDGED)
def test_the_language_is_told(code):
    longer = [sentence for spoken, _, sentence in LABELLED if spoken == code and len(sentence.split()) > 4]

    wrong = [sentence for sentence in longer if feelings.read(sentence).language not in (code, None)]

    assert not wrong


@pytest.mark.parametrize("text", SENTENCES["unknown"]["sentences"])
def test_what_nobody_here_can_read_is_unknown(text):
    mood = feelings.read(text)

    assert (mood.sentiment, mood.method, mood.score, mood.urgency) == ("unknown", "none", None, None)
    assert mood.language not in lexicons.JUDGED


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("good", "positive"), ("not good", "negative"), ("not good at all", "negative"), ("not bad", "neutral"),
        ("I'm not angry with you", "neutral"), ("It is never reliable.", "negative"), ("GREAT service", "positive"),
        ("no problem, thank you", "positive"), ("It isn’t good", "negative"),
        ("Je n'aime pas", "negative"), ("J’aime pas du tout ce produit", "negative"), ("pas mal du tout", "positive"),
        ("Das gefällt mir nicht", "negative"), ("Das ist nicht gut", "negative"),
        ("Ich bin nicht zufrieden", "negative"),
        ("nu sunt mulțumit deloc", "negative"), ("NU SUNT MULTUMIT", "negative"), ("nu este rau", "neutral"),
        ("no estoy contento", "negative"), ("no me gusta", "negative"),
    ],
)  # fmt: skip
def test_negation_turns_a_feeling(text, label):
    assert feelings.read(text).sentiment == label


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ("This is good", "This is very good"),
        ("It is a bit slow", "It is slow"),
        ("It is bad", "It is extremely bad"),
        ("I am happy", "I am happy!!!"),
        ("this is bad service", "this is BAD service"),
        ("Das ist gut", "Das ist sehr gut"),
        ("Este bun", "Este foarte bun"),
        ("Es bueno", "Es muy bueno"),
        ("C'est bon", "C'est très bon"),
        ("bad", "bad 😡"),
    ],
)
def test_words_and_signs_make_it_stronger(weaker, stronger):
    less, more = feelings.read(weaker).score, feelings.read(stronger).score

    assert abs(less or 0) < abs(more or 0)


def test_what_stands_behind_a_but_counts_more():
    assert feelings.read("It was slow but the food was great").sentiment == "positive"
    assert feelings.read("The food was great but it was terribly slow and the waiter was rude").sentiment == "negative"


def test_polite_thanks_are_no_feeling():
    assert feelings.read("Can you send me the invoice? Thanks!").sentiment == "neutral"
    assert feelings.read("Thanks for the invoice!").sentiment == "positive"


@pytest.mark.parametrize(
    ("text", "label", "emotion"),
    [
        ("😡😡", "negative", "anger"),
        ("👍", "positive", "satisfaction"),
        ("❤️", "positive", None),
        (":-(", "negative", "sadness"),
    ],
)
def test_signs_need_no_language(text, label, emotion):
    mood = feelings.read(text)

    assert (mood.sentiment, mood.method, mood.language) == (label, "emoji", None)
    assert mood.emotions == ([emotion] if emotion else [])


def test_signs_count_where_the_words_cannot_be_read():
    mood = feelings.read("Ik wacht al drie weken op het pakket 😡")

    assert (mood.sentiment, mood.method, mood.language) == ("negative", "emoji", "nld")


@pytest.mark.parametrize(
    ("text", "emotions"),
    [
        ("I'm so disappointed, this is the third time!", ["frustration", "disappointment"]),
        ("Thank you, I am delighted!", ["joy", "gratitude"]),
        ("I am not angry.", []),
        ("Sunt furios, m-am săturat!", ["anger", "frustration"]),
        ("Ich mache mir Sorgen, das Paket ist immer noch nicht da und es ist schlimm", ["frustration", "worry"]),
        ("What time is it?", []),
    ],
)
def test_emotions_are_named(text, emotions):
    assert feelings.read(text).emotions == emotions


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        ("This is urgent, our site is down!", "high"), ("It is not urgent.", "low"), ("I need it by tomorrow.", "high"),
        ("When will my order arrive? I need it this week.", "medium"), ("What are your opening hours?", "low"),
        ("Am nevoie urgentă de ajutor", "high"), ("Es ist nicht dringend", "low"), ("Das ist dringend!", "high"),
        ("C'est urgent, merci de répondre", "high"), ("Lo necesito cuanto antes", "high"),
        ("I've been waiting two weeks and still no answer.", "medium"),
        ("You are all thieves and liars!!!", "medium"),
    ],
)  # fmt: skip
def test_urgency_is_told(text, urgency):
    assert feelings.read(text).urgency == urgency


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text):
    mood = feelings.read(text)

    assert (mood.score is None) == (mood.sentiment == "unknown") == (mood.method == "none")
    assert mood.score is None or -1 <= mood.score <= 1
    assert 0 <= mood.confidence <= 0.9
    assert len(mood.emotions) <= 3


@given(st.sampled_from([sentence for *_, sentence in LABELLED]), st.integers(1, 200))
def test_the_same_text_is_always_judged_the_same(sentence, times):
    assert feelings.read(sentence) == feelings.read(sentence)
    assert feelings.read(f"{sentence} " * times).sentiment in ("positive", "neutral", "negative")


def test_every_emotion_of_the_files_is_a_known_one():
    named = {hit for lexicon in lexicons.lexicons().values() for hit in _values(lexicon.emotions)}

    assert named | set(lexicons.signs().emotions.values()) <= set(feelings.EMOTIONS)


def _values(phrases):
    return {
        value for kept in (phrases._by_word, phrases._by_beginning) for found in kept.values() for _, value in found
    }


@pytest.fixture
async def conversation(database, account) -> int:
    channel = await world.simulator(database, account)
    await world.say(database, channel, "+40740111222", "I've been waiting two weeks and still no answer.")
    await world.react(database)
    [row] = await world.execute(database.dsn, "select id from conversations where account_id = $1", account)
    return row["id"]


async def kept(database, account, id) -> str | None:
    async with database.tx(account) as tx:
        return (await conversations.get(tx, id)).sentiment


async def test_a_conversation_keeps_how_its_customer_sounds(place, database, account, conversation):
    mood = await sentiment.analyze(place, conversation_id=conversation)

    assert (mood.sentiment, mood.method, mood.language) == ("negative", "lexicon", "eng")
    assert await kept(database, account, conversation) == "negative"


async def test_what_is_unknown_leaves_the_conversation_as_it_was(place, database, account, conversation, monkeypatch):
    monkeypatch.setattr(feelings, "read", lambda text: feelings.UNKNOWN)

    await sentiment.analyze(place, conversation_id=conversation)

    assert await kept(database, account, conversation) is None


async def test_another_accounts_conversation_is_unknown(place, database, other_account, conversation):
    theirs = type(place)(database, other_account)

    for id in (conversation, 2**62, -1, 2**70):
        with pytest.raises(NotFound):
            await sentiment.analyze(theirs, conversation_id=id)


async def test_a_conversation_without_a_word_of_the_customer_cannot_be_judged(place, database, account):
    channel = await world.simulator(database, account)
    [contact] = await world.contacts(database, account, ["+40740111222"])
    async with database.tx(account) as tx:
        begun = await conversations.start(tx, contact, channel)

    with pytest.raises(Invalid) as caught:
        await sentiment.analyze(place, conversation_id=begun.id)

    assert list(caught.value.fields) == ["conversation_id"]


async def test_a_model_judges_and_says_so(modelled, standin):
    standin.say(f"Here you are:\n```json\n{MOOD}\n```")

    mood = await sentiment.analyze(modelled, "Ich warte.")

    assert (mood.sentiment, mood.score, mood.urgency, mood.method) == ("negative", -0.78, "high", "model")
    assert mood.emotions == ["frustration", "disappointment"]
    assert standin.given == {"text": "Ich warte."}
    assert "Ich warte" not in standin.rules


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that.", "{}", '{"sentiment":"angry","score":0}', '{"sentiment":"negative","score":-7}',
        '{"sentiment":"unknown","score":0}', '{"sentiment":"negative","score":"x"}', "{broken}",
    ],
)  # fmt: skip
async def test_nonsense_of_a_model_leaves_it_to_the_lexicons(modelled, standin, answer):
    standin.say(answer)

    mood = await sentiment.analyze(modelled, "This is terrible.")

    assert (mood.sentiment, mood.method) == ("negative", "lexicon")


async def test_a_model_that_is_away_leaves_it_to_the_lexicons(modelled, standin):
    standin.say(web.Response(status=401))

    assert (await sentiment.analyze(modelled, "This is terrible.")).method == "lexicon"


async def test_emotions_that_nobody_knows_are_left_out(modelled, standin):
    standin.say('{"sentiment":"positive","score":1,"emotions":["joy","<script>","joy"],"language":"<b>"}')

    mood = await sentiment.analyze(modelled, "Yes")

    assert (mood.emotions, mood.language, mood.urgency) == (["joy"], None, "low")


async def test_a_reached_cap_leaves_it_to_the_lexicons(modelled, standin, database, account):
    standin.say(MOOD)
    async with database.tx(account) as tx:
        await settings_put(tx, ai_monthly_tokens=10)

    assert (await sentiment.analyze(modelled, "This is terrible.")).method == "lexicon"
    assert standin.seen == []


async def test_a_workspace_may_keep_its_texts_to_itself(modelled, standin, database, account):
    standin.say(MOOD)
    async with database.tx(account) as tx:
        await settings_put(tx, ai_use_model="no")

    assert (await sentiment.analyze(modelled, "This is terrible.")).method == "lexicon"
    assert standin.seen == []


async def test_sentiment_costs_no_credits(modelled, standin, database):
    metered = await world.workspace(database, metered=True)
    standin.say(MOOD)

    mood = await sentiment.analyze(type(modelled)(database, metered), "This is terrible.")

    assert mood.method == "model"
    async with database.tx(metered) as tx:
        assert (await spend.this_month(tx)).tokens == 245


async def settings_put(tx, **values):
    from trunkline.accounts import settings

    await settings.put(tx, values, operator=True)
