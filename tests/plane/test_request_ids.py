"""The id of a request, where each face's official clients look for it, once in every answer."""

import pytest


@pytest.mark.parametrize(("path", "name"), [("/v1/chat/completions", "x-request-id"), ("/v1/messages", "request-id")])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [200, 400])
def test_every_answer_says_its_id_once(run, script, path, name, stream, status):
    async def test(plane):
        whole = script.stream if stream else script.reply
        plane.a.answers = [whole if status == 200 else script.status(status)]
        data = await plane.raw(plane.request(path, max_tokens=9, stream=stream))
        head = data.partition(b"\r\n\r\n")[0].decode()
        assert head.split()[1] == str(status)
        told = [line.split(": ") for line in head.split("\r\n")[1:]]
        ids = [value for key, value in told if key in (name, "x-polycloud-request")]
        assert len(ids) == 2
        assert ids[0] == ids[1] == plane.attempts()[-1]["request"]

    run(test)
