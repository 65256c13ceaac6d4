"""Models behind an endpoint that answers, fails, stalls, streams and lies."""

import asyncio
import json

import pytest
from aiohttp import web

from trunkline.ai import models
from trunkline.ai.wire import ModelFailed
from trunkline.core.config import Settings
from trunkline.core.http import HttpFailure

pytestmark = pytest.mark.anyio


async def failure(http, settings) -> str:
    with pytest.raises(ModelFailed) as caught:
        await models.complete(http, settings, "Be brief.", "Hello", 50)
    return caught.value.reason


async def test_a_model_answers(http, configured, standin):
    standin.say("Hello there.")

    made = await models.complete(http, configured, "Be brief.", "Hello", 50)

    assert (made.text, made.tokens_in, made.tokens_out, made.model) == ("Hello there.", 200, 45, "small-1")
    assert not made.estimated
    assert standin.paths == ["/v1/chat/completions"]
    assert standin.headers[0]["Authorization"] == "Bearer sk-the-operators-secret"
    assert standin.seen[0] == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 50,
    }


async def test_only_the_operators_client_reaches_a_private_endpoint(tools, configured, standin):
    standin.say("Hello.")
    guarded = await tools.http()

    with pytest.raises(HttpFailure, match="not a public address"):
        await guarded.request("POST", configured.ai_base_url, json={})
    assert (await models.complete(await tools.operators_http(), configured, "", "Hi", 9)).text == "Hello."


async def test_without_a_key_none_is_sent(http, standin):
    standin.say("Hello.")

    await models.complete(http, Settings(ai_base_url=standin.url + "/", ai_model="m"), "", "Hi", 9)

    assert "Authorization" not in standin.headers[0]
    assert standin.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": -1, "completion_tokens": -1}])
async def test_tokens_are_estimated_where_the_endpoint_does_not_count(http, configured, standin, whole, usage):
    standin.say(web.json_response(whole("Nine letters", usage=usage)))

    made = await models.complete(http, configured, "Be brief.", "Hello", 50)

    assert made.estimated
    assert 3 <= made.tokens_in <= 10
    assert 3 <= made.tokens_out <= 6


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
async def test_what_passes_is_waited_out(http, configured, standin, rests, status):
    standin.say(web.Response(status=status), web.Response(status=status), "At last.")

    made = await models.complete(http, configured, "", "Hello", 50)

    assert made.text == "At last."
    assert len(standin.seen) == 3
    assert 0 < rests[0] < rests[1]


async def test_the_endpoint_says_how_long_to_wait(http, configured, standin, rests):
    standin.say(
        web.Response(status=429, headers={"Retry-After": "3"}),
        web.Response(status=503, headers={"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        "At last.",
    )

    await models.complete(http, configured, "", "Hello", 50)

    assert rests == [3, 0]


async def test_a_wait_beyond_the_deadline_is_not_begun(http, configured, standin, rests):
    standin.say(web.Response(status=429, headers={"Retry-After": "3600"}))

    assert await failure(http, configured) == "The endpoint is too busy."
    assert (len(standin.seen), rests) == (1, [])


async def test_three_tries_are_enough(http, configured, standin, rests):
    async def broken(request):
        return web.Response(status=500, text="boom")

    standin.say(broken)

    assert await failure(http, configured) == "The endpoint answered 500."
    assert len(standin.seen) == 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "The endpoint answered 400."),
        (401, "The endpoint refuses our key."),
        (404, "The endpoint does not know the model."),
        (302, "The endpoint answered 302."),
    ],
)
async def test_what_does_not_pass_is_not_repeated(http, configured, standin, rests, status, reason):
    standin.say(web.Response(status=status, headers={"Location": "http://127.0.0.1:1/"}))

    assert await failure(http, configured) == reason
    assert len(standin.seen) == 1


async def test_silence_is_not_asked_twice(http, configured, standin):
    standin.say(standin.stall)
    settings = Settings(ai_base_url=configured.ai_base_url, ai_model="small", ai_timeout=0.3)

    assert await failure(http, settings) == "No answer in time."
    assert len(standin.seen) == 1


async def test_nobody_there(http, rests):
    settings = Settings(ai_base_url="http://127.0.0.1:9", ai_model="small")

    assert await failure(http, settings) == "The endpoint cannot be reached."
    assert len(rests) == 2


async def test_an_address_that_is_none(http):
    assert (
        await failure(http, Settings(ai_base_url="ftp://x", ai_model="m")) == "The endpoint's address cannot be used."
    )


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"null", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"\xff\xfe",
        b'{"choices":[{"message":{"content":5}}]}', b'{"choices":"x"}', b'{"choices":[{"message":null}]}',
    ],
)  # fmt: skip
async def test_garbage_is_no_answer(http, configured, standin, body):
    standin.say(web.Response(body=body, content_type="application/json"))

    assert await failure(http, configured) == "The answer cannot be read."


@pytest.mark.parametrize("text", ["", "  \n", None, "<think>I wonder</think>", "\0"])
async def test_nothing_is_no_answer(http, configured, standin, whole, text):
    standin.say(web.json_response(whole(text)))

    assert await failure(http, configured) == "The model wrote nothing."


async def test_thoughts_and_what_no_database_takes_are_left_out(http, configured, standin):
    standin.say("<think>\nThey greet.\n</think>\n\nHello\0 there.")

    assert (await models.complete(http, configured, "", "Hi", 9)).text == "Hello there."


async def test_a_model_that_wants_the_limit_under_another_name_gets_it(http, configured, standin):
    refusal = {"error": {"message": "Unsupported parameter: use 'max_completion_tokens' instead."}}
    standin.say(web.json_response(refusal, status=400), "Hello.")

    await models.complete(http, configured, "", "Hi", 9)

    assert "max_tokens" not in standin.seen[1]
    assert standin.seen[1]["max_completion_tokens"] == 9


def stream(*pieces: object, done: bool = True, cut: int = 7):
    """An answer in pieces that are cut anywhere."""

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        lines = [": keep-alive", *(f"data: {p if isinstance(p, str) else json.dumps(p)}\r\n" for p in pieces)]
        body = "\n".join([*lines, "data: [DONE]" if done else ""]).encode()
        for at in range(0, len(body), cut):
            await response.write(body[at : at + cut])
        return response

    return answer


def delta(text: str) -> dict:
    return {"model": "small-1", "choices": [{"index": 0, "delta": {"content": text}}]}


async def test_a_stream_is_told_as_it_comes(http, configured, standin):
    told: list[str] = []
    last = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 4}}
    standin.say(stream(delta("Bună "), delta("ziua, "), delta("Ana 😀"), last))

    made = await models.complete(http, configured, "", "Hi", 9, told=told.append)

    assert told == ["Bună ", "ziua, ", "Ana 😀"]
    assert (made.text, made.tokens_in, made.tokens_out) == ("Bună ziua, Ana 😀", 11, 4)
    assert standin.seen[0]["stream"] is True


async def test_what_comes_first_is_told_first(http, configured, standin):
    """The second piece leaves when the first one was heard."""
    heard = asyncio.Event()

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {json.dumps(delta('One'))}\n\n".encode())
        await heard.wait()
        await response.write(f"data: {json.dumps(delta(' two'))}\n\ndata: [DONE]\n\n".encode())
        return response

    standin.say(answer)

    made = await models.complete(http, configured, "", "Hi", 9, told=lambda text: heard.set())

    assert made.text == "One two"


async def test_who_does_not_stream_is_told_whole(http, configured, standin):
    told: list[str] = []
    standin.say("Hello.")

    await models.complete(http, configured, "", "Hi", 9, told=told.append)

    assert told == ["Hello."]


async def test_a_stream_that_nobody_asked_for_is_read(http, configured, standin):
    standin.say(stream(delta("Hello.")))

    assert (await models.complete(http, configured, "", "Hi", 9)).text == "Hello."


@pytest.mark.parametrize(
    "answer",
    [
        stream(delta("Hel"), done=False),
        stream(delta("Hel"), {"error": {"message": "overloaded"}}),
        stream(delta("Hel"), "{broken"),
        stream(done=False),
    ],
    ids=["cut off", "an error", "broken", "empty"],
)
async def test_a_stream_that_breaks_off_is_no_answer(http, configured, standin, answer):
    standin.say(answer)

    assert await failure(http, configured) == "The answer broke off."


async def test_texts_become_vectors_in_their_order(http, configured, standin):
    standin.say(web.json_response({"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0.5]}]}))

    found = await models.embed(http, configured, ["a", "b"])

    assert found == [[1, 0.5], [0, 1]]
    assert standin.paths == ["/v1/embeddings"]
    assert standin.seen == [{"model": "vectors", "input": ["a", "b"], "encoding_format": "float"}]


@pytest.mark.parametrize(
    "data",
    [[], [{"embedding": [1]}], [{"embedding": []}, {"embedding": []}], [{"embedding": [1]}, {"embedding": [1, 2]}],
     [{"embedding": ["x"]}, {"embedding": [1]}], [{}, {}]],
)  # fmt: skip
async def test_vectors_that_cannot_be_are_refused(http, configured, standin, data):
    standin.say(web.json_response({"data": data}))

    with pytest.raises(ModelFailed, match="cannot be read"):
        await models.embed(http, configured, ["a", "b"])


async def test_the_knowledge_base_gets_its_vectors_from_there(tools, standin):
    standin.say(web.json_response({"data": [{"index": 0, "embedding": [1, 0]}]}))

    embedder = models.embedder(tools)

    assert embedder is not None
    assert embedder.model == "vectors"
    assert await embedder.embed(["a"]) == [[1, 0]]


@pytest.mark.parametrize("missing", ["ai_base_url", "ai_embedding_model"])
async def test_without_a_model_of_meanings_there_is_no_embedder(tools, missing):
    tools.settings = Settings(**{"ai_base_url": "http://x", "ai_embedding_model": "m", missing: ""})

    assert models.embedder(tools) is None


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (web.json_response({"data": [{"id": "small"}, {"id": "vectors"}]}), "ok", "small can be reached"),
        (web.json_response({"data": [{"id": "other"}]}), "warn", "does not list small and vectors"),
        (web.Response(status=401), "fail", "TRUNKLINE_AI_API_KEY"),
        (web.Response(status=404), "warn", "answers 404"),
        (web.Response(text="hello"), "ok", "can be reached"),
    ],
)
async def test_a_probe_tells_what_is_wrong(http, configured, standin, answer, state, told):
    standin.say(answer)

    probe = await models.probe(http, configured)

    assert probe is not None
    assert (probe.state, told in probe.message) == (state, True), probe


async def test_a_probe_of_nothing_is_nothing(http):
    away = await models.probe(http, Settings(ai_base_url="http://127.0.0.1:9", ai_model="small"))

    assert await models.probe(http, Settings()) is None
    assert away is not None
    assert away.state == "fail"


def test_an_estimate_is_rather_too_high():
    assert models.estimate("") == 0
    assert models.estimate("four words are here") >= 4
    assert models.estimate("тест" * 10) >= 20
