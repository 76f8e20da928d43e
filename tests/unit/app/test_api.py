"""The admin API over a real store and estate: what it answers, refuses and never tells."""

import asyncio
import contextlib
import json
import re

import msgspec
import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from polycloud.app import settings
from polycloud.app.answers import UsageAnswer
from polycloud.app.api.openapi import document
from polycloud.app.api.server import BODY_BYTES_MAX, create_app
from polycloud.app.client import Address, Answer, Client, Refused
from polycloud.app.control.control import Control
from polycloud.app.control.credentials import Credentials, Sources
from polycloud.app.control.estates import Estates, Sandboxed
from polycloud.app.control.link import Peer
from polycloud.app.control.tokens import admin_token
from polycloud.app.wiring import obtain
from polycloud.core.errors import EstateError
from polycloud.core.ports.state import Batch, Entry, NewKey
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage
from polycloud.gateway import link
from polycloud.store import Store

SECRET = "s3cr3t-value-nobody-may-see"


class Installation:
    """A control process without its sockets."""

    def __init__(self, estate_file, clock, log, ask, host="127.0.0.1"):
        self.settings = settings.read({}, estate_file.parent, {"host": host})
        self.store = Store(self.settings.database)
        token = admin_token(self.store.records, self.settings.admin_token, log)
        self.token = self.settings.admin_token.read_text().strip()
        self.estates = Estates(self.settings.estate, None, Sandboxed(None), clock, log)
        self.control = Control(self.settings, self.store, self.estates, token, clock, log)
        sources = Sources(obtain, None, {"HALL_TOKEN": SECRET})
        self.control.credentials = Credentials(sources, clock, log, self.control.push_credentials)
        self.app = create_app(self.control)
        self._ask = ask

    async def __call__(self, method, path, body=None, query="", token=None):
        return await self._ask(self.app, method, path, body, self.token if token is None else token, query)


@pytest.fixture
def installed(estate_file, clock, log, asking):
    @contextlib.asynccontextmanager
    async def make(host="127.0.0.1", load=True):
        made = Installation(estate_file, clock, log, asking, host)
        running = asyncio.create_task(made.control.credentials.run())
        try:
            if load:
                await made.control.reload()
            yield made
        finally:
            running.cancel()
            made.store.close()

    return make


def run(coroutine):
    return asyncio.run(coroutine)


def records(store):
    decision = DecisionRecord(
        request="q1", at_ms=1_799_999_999_000, key="k", team="demo", asked="llama", route="", classes=("general",),
        policy="p", overlay=0, chosen="onprem/hall/llama", eligible=("onprem/hall/llama",), expected_pico_usd=5,
    )  # fmt: skip
    attempt = AttemptRecord(
        request="q1", at_ms=1_799_999_999_500, number=1, key="k", team="demo", asked="llama",
        deployment="onprem/hall/llama", cloud="onprem", site="onprem/hall", model="llama", outcome="ok",
        latency_ms=50.0, usage=Usage(10, 5), cost_pico_usd=1_234_567_890_123, final=True,
    )  # fmt: skip
    file = store.journals.open("w-000000.jsonl", "w")
    store.journals.append(Batch(file, 2, "h", 2, (Entry(0, decision), Entry(1, attempt))))


def test_the_document_is_valid_and_lists_what_is_served(installed):
    validate(document())

    async def main():
        async with installed() as app:
            assert (await app("GET", "/openapi.json", token="")).json == document()
            served = {
                (method, re.sub(r":path", "", route.path))
                for route in app.app.routes
                if isinstance(route, Route)
                for method in route.methods - {"HEAD"}
            }
            told = {(m.upper(), path) for path, operations in document()["paths"].items() for m in operations}
            assert served == told

    run(main())


def test_the_token_guards_everything_but_what_is_open(installed):
    async def main():
        async with installed() as app:
            for path, operations in document()["paths"].items():
                for method in operations:
                    answer = await app(method.upper(), path.replace("{id}", "x"), token="pa-wrong")
                    if path.startswith("/admin/"):
                        assert answer.status == 401, path
                        assert answer.json["error"]["code"] == "admin_token_refused"
                    else:
                        assert answer.status in (200, 503), path
            assert (await app("GET", "/admin/keys", token="")).status == 401

    run(main())


def test_metrics_are_open_on_loopback_only(installed):
    async def main():
        async with installed(host="0.0.0.0") as app:
            assert (await app("GET", "/metrics", token="")).status == 401
            assert (await app("GET", "/metrics")).status == 200
            assert (await app("GET", "/healthz", token="")).body == b"ok\n"

    run(main())


def test_the_life_of_a_key(installed):
    async def main():
        async with installed() as app:
            made = await app("POST", "/admin/keys", {"team": "demo", "name": "web", "models": ["llama"]})
            assert made.status == 201
            plaintext, id = made.json["key"], made.json["id"]
            assert plaintext.startswith("pk-")
            listed = await app("GET", "/admin/keys")
            assert plaintext not in listed.body.decode()
            assert "digest" not in listed.json["keys"][0]
            assert listed.json["keys"][0]["state"] == "in force"
            rotated = await app("POST", f"/admin/keys/{id}/rotate", {"overlap_seconds": 60})
            assert rotated.status == 201
            assert rotated.json["key"] != plaintext
            revoked = await app("DELETE", f"/admin/keys/{id}")
            assert revoked.json["state"] == "revoked"
            missing = await app("DELETE", "/admin/keys/key-none")
            assert (missing.status, missing.json["error"]["code"]) == (404, "key_unknown")

    run(main())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"team": "nobody"}, "no team 'nobody'"),
        ({"team": "demo", "classes": ["top"]}, "no data class 'top'"),
        ({"team": "demo", "colour": 1}, "colour"),
        ({"team": 7}, "team"),
        ({"team": "demo", "requests_per_minute": 0}, "requests_per_minute"),
        ({"team": "demo", "models": ["lama"]}, "did you mean llama?"),
        ({"team": "demo", "name": "a\x00b"}, "name"),
        ({"team": "demo", "models": ["llama\n"]}, "models"),
        (b'{"team": "demo", "team": "other"}', "given twice: team"),
        (b"[" * 200_000, "body"),
        (b"{not json", "JSON"),
        (b"", "team"),
        (b"\xff\xfe", "body"),
    ],
)
def test_a_wrong_body_is_told_what_is_wrong(installed, body, said):
    async def main():
        async with installed() as app:
            answer = await app("POST", "/admin/keys", body)
            assert 400 <= answer.status < 500
            assert said in answer.json["error"]["message"]
            assert answer.json["error"]["fix"]

    run(main())


def test_a_huge_body_is_refused_before_it_is_held(installed):
    async def main():
        async with installed() as app:
            answer = await app("POST", "/admin/keys", b"x" * (BODY_BYTES_MAX + 1))
            assert answer.status == 413

    run(main())


def test_traffic_is_moved_with_the_version_it_was_based_on(installed):
    async def main():
        async with installed() as app:
            body = {"state": "draining", "reason": "patching", "by": "ops", "expect_version": 0}
            first = await app("PUT", "/admin/sites/onprem/hall", body)
            assert first.json["sites"]["onprem/hall"]["state"] == "draining"
            assert (first.json["version"], first.json["workers"], first.json["late"]) == (1, 0, {})
            again = await app("PUT", "/admin/sites/onprem/hall", body)
            assert (again.status, again.json["error"]["code"]) == (409, "conflict")
            share = {"state": "serving", "share": 20.0}
            second = await app("PUT", "/admin/deployments/onprem/barn/llama", share)
            assert second.json["deployments"]["onprem/barn/llama"]["share"] == 20
            unknown = await app("PUT", "/admin/sites/onprem/attic", {"state": "failed"})
            assert unknown.status == 404
            assert "onprem/hall" in unknown.json["error"]["message"]
            assert "`polycloud sites list`" in unknown.json["error"]["fix"]
            near = await app("PUT", "/admin/sites/onprem/hal", {"state": "failed"})
            assert "did you mean onprem/hall?" in near.json["error"]["message"]
            overlay = (await app("GET", "/admin/overlay")).json
            assert [change["version"] for change in overlay["history"]] == [2, 1]
            asked = await app("POST", "/admin/explain", {"model": "llama"})
            why = {v["deployment"]: v["reasons"] for v in asked.json["verdicts"]}
            assert why["onprem/hall/llama"] == ["the overlay drains it"]
            assert asked.json["overlay"] == 2

    run(main())


def test_usage_decisions_and_status_tell_what_was_ingested(installed):
    async def main():
        async with installed() as app:
            records(app.store)
            usage = (await app("GET", "/admin/usage", query="by=team,site&since=1h")).json
            assert usage["rows"][0]["group"] == {"team": "demo", "site": "onprem/hall"}
            assert usage["rows"][0]["cost_usd"] == "1.234567890123"
            assert (await app("GET", "/admin/usage", query="by=team&team=other")).json["rows"] == []
            for query, said in (("by=shoe", "'shoe'"), ("since=soon", "since"), ("sice=1h", "sice")):
                wrong = await app("GET", "/admin/usage", query=query)
                assert wrong.status == 400
                assert said in wrong.json["error"]["message"]
            trail = (await app("GET", "/admin/decisions", query="request=q1")).json["requests"][0]["records"]
            assert [r["kind"] for r in trail] == ["decision", "attempt"]
            assert trail[1]["cost_usd"] == "1.234567890123"
            assert len((await app("GET", "/admin/decisions")).json["requests"]) == 1
            assert (await app("GET", "/admin/decisions", query="request=none")).status == 404
            status = (await app("GET", "/admin/status", query="window=10m")).json
            kept = {t["name"]: (t["measured"], t["kept"]) for t in status["targets"]}
            assert kept == {"up": ("100.0000%", True), "quick": ("100.0000%", True)}
            assert status["measured"][1]["cloud"] == "onprem"
            assert status["measured"][1]["cost_usd"] == "1.234567890123"
            assert status["ready"] is False  # no worker is there

    run(main())


def test_explain_takes_a_whole_body_and_the_callers_words(installed):
    async def main():
        async with installed() as app:
            body = {"model": "llama", "messages": [{"role": "user", "content": "hi"}]}
            asked = (await app("POST", "/admin/explain", {"body": body, "data_class": "personal"})).json
            assert asked["live"] is True
            verdicts = {v["deployment"]: v["eligible"] for v in asked["verdicts"]}
            assert verdicts == {"onprem/hall/llama": True, "onprem/barn/llama": False}
            team = (await app("POST", "/admin/explain", {"model": "llama", "team": "other"})).json
            assert team["classes"] == ["personal"]
            anthropic = {"face": "anthropic", "body": {**body, "max_tokens": 5}}
            assert (await app("POST", "/admin/explain", anthropic)).json["error"] == ""
            for wrong in (
                {},
                {"model": "llama", "body": body},
                {"body": {"model": 7}},
                {"model": "llama", "team": "nobody"},
                {"model": "llama", "needs": ["wings"]},
                {"model": "llama", "data_class": "nope"},
            ):
                assert (await app("POST", "/admin/explain", wrong)).status == 400, wrong
            assert (await app("POST", "/admin/explain", {"model": "nope"})).json["error"] == "model_unknown"

    run(main())


def test_a_reload_with_errors_changes_nothing_and_says_all(installed, estate_file):
    async def main():
        async with installed() as app:
            before = (await app("GET", "/admin/status")).json["estate"]["version"]
            good = estate_file.read_text()
            estate_file.write_text(good.replace("[DE]", "[XX]").replace("onprem/barn}", "onprem/born}"))
            answer = await app("POST", "/admin/reload")
            assert (answer.status, answer.json["error"]["code"]) == (400, "estate_invalid")
            assert len(answer.json["error"]["findings"]) >= 2
            status = (await app("GET", "/admin/status")).json
            assert status["estate"]["version"] == before
            assert status["refused"]["findings"] == answer.json["error"]["findings"]
            assert b"polycloud_estate_refused 1.0" in (await app("GET", "/metrics")).body
            estate_file.write_text(good.replace("target: 99 %", "target: 98 %"))
            reloaded = (await app("POST", "/admin/reload")).json
            assert (reloaded["version"], reloaded["changed"]) == (before, False)
            estate_file.write_text(good.replace('models: ["*"]', "models: [llama]"))
            reloaded = (await app("POST", "/admin/reload")).json
            assert reloaded["changed"]
            assert [v for v, _ in app.store.records.estate_versions(5)] == [reloaded["version"], before]

    run(main())


def test_without_an_estate_it_says_so_and_traffic_can_still_be_moved(installed):
    async def main():
        async with installed(load=False) as app:
            assert (await app("GET", "/readyz", token="")).status == 503
            assert (await app("GET", "/admin/status")).json["estate"] is None
            assert (await app("POST", "/admin/explain", {"model": "x"})).status == 503
            assert (await app("GET", "/admin/estate")).status == 503
            assert (await app("POST", "/admin/keys", {"team": "demo"})).status == 503
            assert (await app("PUT", "/admin/sites/any/where", {"state": "failed"})).status == 200

    run(main())


class Simulated:
    """The sandbox's control API, as far as an estate's load asks it."""

    def endpoints(self):
        return dict.fromkeys(("onprem/hall", "onprem/barn"), "http://127.0.0.1:1")

    def models(self):
        return dict.fromkeys(("onprem/hall", "onprem/barn"), ("llama", "mistral"))

    def credentials(self):
        return {}


def told_keys(app):
    """The ids of the keys of each push that follows."""
    found = []

    def push(kind, message):
        if isinstance(message, link.SetKeys):
            found.append([key.id for key in message.keys])

    app.control.link.push = push
    return found


def test_a_new_control_process_takes_the_sandboxs_key_from_no_worker(installed, estate_file):
    """Workers outlive it: what they hear first must hold all keys that they have."""
    estate_file.write_text(estate_file.read_text() + "sandbox: {clouds: all, key: pk-demo, team: demo}\n")

    async def main():
        async with installed(load=False) as app:
            app.estates._sandboxed = Sandboxed(Simulated())
            told = told_keys(app)
            await app.control.begin()
            await app.control.reload()
            assert told
            assert all(keys == ["demo"] for keys in told)

    run(main())


def test_over_a_broken_estate_workers_keep_their_keys_but_for_those_that_are_revoked(installed, estate_file):
    estate_file.write_text("estate: [")

    async def main():
        async with installed(load=False) as app:
            kept, _ = app.store.keys.create(NewKey(team="demo"), 1)
            ended, _ = app.store.keys.create(NewKey(team="demo"), 2)
            told = told_keys(app)
            await app.control.begin()
            with pytest.raises(EstateError):
                await app.control.reload()
            assert told == []
            await app.control.revoke_key(ended.id)
            assert told == [[kept.id]]

    run(main())


def test_no_answer_holds_a_secret(installed):
    async def main():
        async with installed() as app:
            key = (await app("POST", "/admin/keys", {"team": "demo"})).json["key"]
            assert [t.problem for t in app.control.credentials.told()] == [""]
            for path in ("status", "keys", "overlay", "estate", "usage", "decisions"):
                body = (await app("GET", f"/admin/{path}")).body.decode()
                assert SECRET not in body
                assert key not in body
                assert app.token not in body
            assert SECRET not in (await app("GET", "/metrics")).body.decode()
            config = json.loads((await app("GET", "/admin/estate")).body)["config"]
            assert config["secrets"]["token"]["env"] == "HALL_TOKEN"

    run(main())


def test_what_is_not_there_is_said_in_the_same_form(installed):
    async def main():
        async with installed() as app:
            for method, path, status in (("GET", "/nope", 404), ("DELETE", "/admin/overlay", 405)):
                answer = await app(method, path)
                assert answer.status == status
                assert set(answer.json["error"]) == {"code", "message", "fix"}

    run(main())


def test_the_admin_token_is_kept_and_made_anew_when_its_file_is_gone(estate_file, clock, log, asking):
    first = Installation(estate_file, clock, log, asking)
    assert first.settings.admin_token.stat().st_mode & 0o077 == 0
    first.store.close()
    second = Installation(estate_file, clock, log, asking)
    assert second.token == first.token
    second.settings.admin_token.unlink()
    second.store.close()
    third = Installation(estate_file, clock, log, asking)
    assert third.token != first.token
    assert not third.control.authorized(first.token)
    assert first.token.encode() not in third.settings.database.read_bytes()
    third.store.close()


def pushed_keys(control):
    """What workers are told of keys, newest last."""
    found, push = [], control.link.push

    def noting(kind, message):
        if kind == "keys":
            found.append({key.id: key.team for key in message.keys})
        push(kind, message)

    control.link.push = noting
    return found


def test_a_key_whose_team_left_the_estate_opens_nothing(installed, estate_file):
    """The classes of the team would not hold for it any more: it must not go on without them."""

    async def scene():
        async with installed() as it:
            made = (await it("POST", "/admin/keys", {"team": "other"})).json
            told = pushed_keys(it.control)
            text = estate_file.read_text()
            estate_file.write_text(text.replace("  other: {classes: [personal]}\n", ""))
            assert (await it("POST", "/admin/reload")).status == 200
            gone = [dict(keys) for keys in told]
            body = {"model": "llama", "key": made["id"]}
            assert (await it("POST", "/admin/explain", body)).status == 404
            told.clear()
            estate_file.write_text(text)
            assert (await it("POST", "/admin/reload")).status == 200
            return made["id"], gone, told

    id, gone, back = run(scene())
    assert gone and all(id not in keys for keys in gone)
    assert id not in back[0], "the tables that workers still have do not know the team"
    assert back[-1][id] == "other"


def test_a_key_s_region_must_be_a_place(installed):
    async def scene():
        async with installed() as it:
            wrong = await it("POST", "/admin/keys", {"team": "demo", "region": "Nowhere"})
            right = await it("POST", "/admin/keys", {"team": "demo", "region": "DE"})
            return wrong, right

    wrong, right = run(scene())
    assert (wrong.status, right.status) == (400, 201)
    assert "Nowhere" in wrong.json["error"]["message"]


@pytest.mark.parametrize(
    "since", ["9" * 30, "9" * 5000, "9" * 30 + "y", "abc", "99999999999999", "%D9%A1%D9%A2", "1&since=2"]
)
def test_a_time_that_is_none_is_refused(installed, since):
    async def scene():
        async with installed() as it:
            return await it("GET", "/admin/usage", query=f"since={since}")

    answer = run(scene())
    assert (answer.status, answer.json["error"]["code"]) == (400, "bad_request")
    assert "sys." not in answer.json["error"]["message"]


def test_one_dimension_said_twice_counts_once(installed):
    async def scene():
        async with installed() as it:
            return await it("GET", "/admin/usage", query="by=team,team")

    answer = run(scene())
    assert (answer.status, answer.json["by"]) == (200, ["team"])


def test_a_mistake_of_ours_is_told_without_its_content(installed):
    async def scene():
        async with installed() as it:
            it.control.estate = lambda: {}[SECRET]
            seen = []

            async def noting(scope, receive, send):
                async def sending(message):
                    seen.append(message)
                    await send(message)

                await create_app(it.control)(scope, receive, sending)

            with pytest.raises(KeyError):
                await it._ask(noting, "GET", "/admin/estate", token=it.token)
            return seen

    head, body = run(scene())
    assert head["status"] == 500
    assert json.loads(body["body"])["error"]["code"] == "internal"
    assert SECRET.encode() not in body["body"]


def test_a_placement_is_planned_elsewhere(installed, estate_file):
    async def main():
        async with installed() as app:
            answer = await app("GET", "/admin/placement", query="seconds=5")
            assert (answer.status, "nothing to place" in answer.json["error"]["message"]) == (400, True)
            assert (await app("GET", "/admin/placement", query="seconds=999")).status == 400
            hall = "accelerators: {H100: 8}, cost_per_hour: 2 USD"
            work = "workloads: {w: {kind: batch, needs: {accelerator: H100, count: 1}, hours_per_month: 10}}"
            estate_file.write_text(estate_file.read_text().replace("lat: 50.1,", f"lat: 50.1, {hall},") + work)
            await app.control.reload()
            answer = await app("GET", "/admin/placement", query="seconds=5")
            assert answer.status == 200
            assert answer.json["placement"]["estate"] == "small"
            assert answer.json["placement"]["cost"]["month_micro"] == 20_000_000
        async with installed(load=False) as app:
            assert (await app("GET", "/admin/placement")).status == 503

    run(main())


def test_the_client_reads_every_answer_whole(installed, monkeypatch):
    """What the types of ``polycloud.app.answers`` leave out would be missing here."""
    came = []

    async def main():
        async with installed() as app:
            records(app.store)
            peer = Peer(None)
            peer.worker, peer.beat = "w0", link.Beat("w0", 1, 2, {"onprem/hall/llama": "open"}, 3)
            app.control.link._peers[1] = peer
            loop = asyncio.get_running_loop()

            def whole(self, method, path, body=None, headers=None, seconds=0.0):
                path, _, query = path.partition("?")
                asked = app(method, path, body, query)
                answer = asyncio.run_coroutine_threadsafe(asked, loop).result()
                came.append(json.loads(answer.body))
                return Answer(answer.status, answer.headers, answer.body)

            monkeypatch.setattr(Address, "whole", whole)
            client = Client("http://localhost")

            def same(found):
                assert json.loads(msgspec.json.encode(found)) == came[-1]
                return found

            def ask():
                assert same(client.status())["workers"][0]["beat"]["requests"] == 3
                app.control.link._peers.clear()
                assert same(client.usage(since="100d"))["rows"]
                made = same(client.create_key(team="demo", models=None))
                same(client.rotate_key(made["id"]))
                same(client.revoke_key(made["id"]))
                assert len(same(client.keys())["keys"]) == 2
                same(client.reload())
                same(client.explain({"model": "llama"}))
                assert same(client.decisions("q1"))["requests"][0]["records"][1]["cost_usd"]
                same(client.estate())
                assert client.sites() == ["onprem/hall", "onprem/barn"]
                same(client.steer("onprem/hall", "failed", reason="test"))
                assert same(client.overlay())["history"]
                steered = same(client.status())["overlay"]["sites"]
                assert steered == {"onprem/hall": {"state": "failed", "reason": "test", "by": "admin"}}
                with pytest.raises(Refused, match="not an answer of this version"):
                    client._get("/admin/keys", UsageAnswer)
                with pytest.raises(Refused, match="no key"):
                    client.revoke_key("nobody")

            await asyncio.to_thread(ask)

    run(main())
