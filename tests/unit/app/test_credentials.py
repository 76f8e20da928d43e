"""Credentials: where they come from, when they are renewed, and that no secret is told."""

import asyncio
import logging
import threading

import pytest

from polycloud.app.control import credentials as module
from polycloud.app.control.credentials import Credentials, Sources
from polycloud.app.wiring import obtain
from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.estate import load

SECRET = "s3cr3t-value-nobody-may-see"


@pytest.fixture
def estate(estate_file):
    return load(estate_file).estate


def sources(environ=None, sandbox=None):
    return Sources(obtain, sandbox, environ or {})


def test_a_secret_comes_from_the_variable_that_the_estate_names(estate, tmp_path):
    found = sources({"HALL_TOKEN": SECRET}).get("onprem:secret:token", estate, tmp_path, 0.0)
    assert (found.kind, found.fields) == ("bearer", {"token": SECRET})
    with pytest.raises(Unauthorized, match="HALL_TOKEN is not set"):
        sources().get("onprem:secret:token", estate, tmp_path, 0.0)
    with pytest.raises(Unauthorized, match="no secret 'nope'"):
        sources().get("onprem:secret:nope", estate, tmp_path, 0.0)


def test_a_secret_comes_from_a_file_beside_the_estate(estate_file):
    estate_file.write_text(estate_file.read_text().replace("{env: HALL_TOKEN}", "{file: hall.token}"))
    estate = load(estate_file).estate
    with pytest.raises(Unauthorized, match="can not be read"):
        sources().get("onprem:secret:token", estate, estate_file.parent, 0.0)
    (estate_file.parent / "hall.token").write_text(SECRET + "\n")
    found = sources().get("onprem:secret:token", estate, estate_file.parent, 0.0)
    assert found.fields == {"token": SECRET}


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_secret_is_none_and_no_other_source_stands_in(estate_file, text):
    """Else a cloud's own chain would find whoever is signed in on this machine, and a server would be asked openly."""
    with pytest.raises(Unauthorized, match="HALL_TOKEN is not set here"):
        sources({"HALL_TOKEN": text}).get("onprem:secret:token", load(estate_file).estate, estate_file.parent, 0.0)
    estate_file.write_text(estate_file.read_text().replace("{env: HALL_TOKEN}", "{file: token.txt}"))
    (estate_file.parent / "token.txt").write_text(text)
    with pytest.raises(Unauthorized, match=r"token\.txt is empty"):
        sources().get("onprem:secret:token", load(estate_file).estate, estate_file.parent, 0.0)


def test_a_source_of_a_later_version_is_named(estate_file, tmp_path):
    estate_file.write_text(estate_file.read_text().replace("{env: HALL_TOKEN}", "{aws_secret: hall}"))
    with pytest.raises(Unauthorized, match="not aws_secret"):
        sources().get("onprem:secret:token", load(estate_file).estate, tmp_path, 0.0)


def test_the_sandbox_gives_its_own(estate, tmp_path):
    given = Credential("bearer", {"token": "x"})
    assert sources(sandbox=lambda: {"aws": given}).get("aws:sandbox", estate, tmp_path, 0.0) == given
    with pytest.raises(Unauthorized, match="is it running"):
        sources(sandbox=dict).get("aws:sandbox", estate, tmp_path, 0.0)


class FakeSources:
    """Answers what a test laid ready: a credential, or an error to raise."""

    def __init__(self):
        self.answers, self.asked = {}, []

    def get(self, name, estate, base, now):
        self.asked.append((name, now))
        found = self.answers[name]
        if isinstance(found, Exception):
            raise found
        return found


def test_renewal_is_early_and_a_failure_keeps_the_old_one_until_it_ends(estate, tmp_path, clock, log, caplog):
    caplog.set_level(logging.DEBUG)
    fake, pushed = FakeSources(), []
    start = clock.now

    async def main():
        held = Credentials(fake, clock, log, pushed.append)
        fake.answers = {"a": Credential("bearer", {"token": SECRET}, start + 1000), "b": Unauthorized("no such")}
        held.want({"a", "b"}, estate, tmp_path)
        await held.renew()
        assert pushed == [{"a": Credential("bearer", {"token": SECRET}, start + 1000, 1)}]
        told = {t.name: t for t in held.told()}
        assert (told["a"].kind, told["a"].problem, told["b"].problem) == ("bearer", "", "no such")
        assert SECRET not in repr(held.told())

        clock.now = start + 799
        fake.asked.clear()
        await held.renew()
        assert [name for name, _ in fake.asked] == ["b"]  # a is not due before 80 % of its life

        fake.answers["a"] = Unauthorized("the source is away")
        clock.now = start + 801
        await held.renew()
        assert len(pushed) == 1  # the old one is still good
        clock.now = start + 1001
        await held.renew()
        assert len(pushed) == 1  # workers know its end
        assert {t.name: t.version for t in held.told()}["a"] == 0

        fake.answers["a"] = Credential("bearer", {"token": "new"}, start + 5000)
        clock.now += module.BACKOFF_SECONDS[1]
        await held.renew()
        assert pushed[-1]["a"].version == 2

    asyncio.run(main())
    assert SECRET not in caplog.text


def test_no_cloud_waits_for_the_source_of_another(estate, tmp_path, clock, log):
    class HalfHung:
        answered = threading.Event()

        def get(self, name, estate, base, now):
            if name == "hung":
                assert self.answered.wait(30)
            return Credential("bearer", {"token": name})

    async def main():
        came = asyncio.Event()
        pushed = []

        def push(known):
            pushed.append(set(known))
            came.set()

        held = Credentials(HalfHung(), clock, log, push)
        held.want({"quick", "hung"}, estate, tmp_path)
        renewing = asyncio.create_task(held.renew())
        async with asyncio.timeout(30):
            await came.wait()
        assert pushed == [{"quick"}]
        HalfHung.answered.set()
        await renewing
        assert pushed[-1] == {"quick", "hung"}

    asyncio.run(main())


def test_an_unchanged_credential_is_not_pushed_again(estate, tmp_path, clock, log):
    fake, pushed = FakeSources(), []
    fake.answers = {"a": Credential("api_key", {"key": "k"})}

    async def main():
        held = Credentials(fake, clock, log, pushed.append)
        held.want({"a"}, estate, tmp_path)
        for _ in range(3):
            await held.renew()
            clock.now += module.RECHECK_SECONDS + 1
        assert len(fake.asked) == 3
        assert len(pushed) == 1
        held.want(set(), estate, tmp_path)
        await held.renew()
        assert held.told() == []

    asyncio.run(main())


def test_settle_waits_for_the_first_try(estate, tmp_path, clock, log):
    fake = FakeSources()
    fake.answers = {"a": Credential("api_key", {"key": "k"})}

    async def main():
        pushed = []
        held = Credentials(fake, clock, log, pushed.append)
        running = asyncio.create_task(held.run())
        held.want({"a"}, estate, tmp_path)
        await held.settle()
        assert len(pushed) == 1
        running.cancel()

    asyncio.run(main())
