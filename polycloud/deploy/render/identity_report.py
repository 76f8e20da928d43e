"""The report on people and rights: who signs in how, where a second factor is enforced, what each cloud grants, where
the clouds grant different things for one role.

How a cloud says it comes from that cloud's folder, see ``Words``.
"""

from collections.abc import Callable, Mapping

import msgspec

from polycloud.deploy.blueprint import Blueprint, SignIn
from polycloud.deploy.intents import Intent, Member, intents, members
from polycloud.deploy.ports import Rendered
from polycloud.deploy.yaml import header
from polycloud.estate.schema.rules import Action

FILE = "identity/report.md"
UNMEANT = "granted, not meant"
NOTHING = "nothing"  # the words of a right that no resource gives to anybody
ANYTHING = "anything"  # what a member loses whom a cloud can not name
NOBODY = "nobody: no role gives a person anything here"
# What an action is done to: rights are compared between clouds where a role reaches the same kind of thing.
KINDS: dict[Action, str] = {
    "invoke": "models",
    "read": "data",
    "write": "data",
    "delete": "data",
    "run": "clusters",
    "deploy": "clusters",
    "administer": "clusters",
    "audit": "clusters",
}


class Row(msgspec.Struct, frozen=True):
    """One action of one role. ``beyond`` is what the cloud's words allow more than the estate meant; ``lacks`` what
    they can not express, so that it is not granted. ``gives`` are the actions that they come to."""

    role: str
    action: Action
    on: str
    words: str
    beyond: str = ""
    lacks: str = ""
    gives: tuple[Action, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """What a person does once, since Terraform can not or should not: ``why`` says so with its source."""

    what: str
    why: str
    commands: str = ""


class Told(msgspec.Struct, frozen=True):
    """What a cloud makes of the sign-in of people. ``mapping`` is (the estate's word, the cloud's attribute)."""

    by: str
    factor: str
    session: str
    mapping: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...] = ()


class Words(msgspec.Struct, frozen=True):
    """How one cloud says rights and sign-in; both functions take the blueprint narrowed to it."""

    rows: Callable[[Blueprint], list[Row]]
    told: Callable[[Blueprint, SignIn], Told]


def on(intent: Intent) -> str:
    """What an intent reaches, in words."""
    named = [f"model/{s.model}@{s.site.id}" for s in intent.services]
    named += [f"dataset/{f.dataset}@{f.bucket.site.id}" for f in intent.folders]
    named += [f"cluster/{c.name}" for c in intent.clusters]
    return ", ".join(dict.fromkeys(named))


def said(
    here: Blueprint, say: Callable[[str, Intent], Row], lost: Callable[[Blueprint, Member, Intent], str]
) -> list[Row]:
    """Each action of each role in a cloud's words, less what its members do not get: ``lost`` is what of it a member
    can not be given there, or ""; a right that nobody gets is none."""
    found = []
    for principal in here.principals:
        for intent in intents(here, principal):
            row = say(principal.name, intent)
            losses = [(f"{one.kind}:{one.name}", lost(here, one, intent)) for one in members(principal)]
            if row.words != NOTHING and all(loss == ANYTHING for _, loss in losses):
                row = Row(row.role, row.action, row.on, NOTHING)
            told = [f"{loss} for {who}" for who, loss in losses if loss] or ([] if losses else ["anybody who holds it"])
            lacks = "; ".join((row.lacks, *told) if row.lacks else told)
            found.append(msgspec.structs.replace(row, lacks=lacks))
    return found


def people(here: Blueprint) -> list[Member]:
    """The groups and users that get any right in the cloud that ``here`` is narrowed to, sorted."""
    named = {
        one for role in here.principals if intents(here, role) for one in members(role) if one.kind in ("group", "user")
    }
    return sorted(named, key=lambda one: (one.kind, one.name))


def lasts(seconds: int) -> str:
    """A session's length in words."""
    return f"{seconds // 3600} hours" if seconds % 3600 == 0 else f"{seconds // 60} minutes"


def at_provider(here: Blueprint, how: SignIn, why: str) -> str:
    """That a cloud can not ask for the second factor itself, ``why``, and who does."""
    asks = how.provider == "entra" and "azure" in here.accounts
    return f"at the provider alone: {why}{'; its Conditional Access policy, see azure, asks for it' if asks else ''}"


def claims(how: SignIn) -> tuple[tuple[str, str], ...]:
    """(the estate's word, the provider's claim) of all that the provider tells."""
    given = (
        ("subject", how.subject),
        ("email", how.email),
        ("groups", how.groups),
        ("family_name", how.family_name),
        ("department", how.department),
        ("cost_center", how.cost_center),
    )
    return tuple((word, claim) for word, claim in given if claim)


def render(blueprint: Blueprint, clouds: Mapping[str, Words]) -> Rendered:
    """``identity/report.md``, and as gaps what people have to do; nothing for an estate without roles and sign-in."""
    how = blueprint.sign_in
    if not blueprint.principals and how is None:
        return Rendered({})
    here = {cloud: narrowed for cloud in clouds if (narrowed := blueprint.of(cloud)).keys}
    head = header("Who signs in, and what each cloud lets them do", blueprint.estate, "roles, identity")
    lines = ["<!--", head.replace("# ", "").rstrip(), "-->", "# Sign-in and rights", ""]
    gaps: list[str] = []
    if how is not None:
        told = {c: clouds[c].told(own, how) if people(own) else Told(NOBODY, "", "", ()) for c, own in here.items()}
        lines += _sign_in(how, told)
        gaps = [f"people at {cloud}: {step.what}" for cloud, one in told.items() for step in one.steps]
    rows = {cloud: clouds[cloud].rows(narrowed) for cloud, narrowed in here.items()}
    lines += _drift(rows)
    lines += _nothing(blueprint)
    for cloud in here:
        lines += _rights(cloud, rows[cloud])
    return Rendered({FILE: "\n".join(lines).rstrip() + "\n"}, gaps=tuple(gaps))


def _sign_in(how: SignIn, told: Mapping[str, Told]) -> list[str]:
    required = "required" if how.second_factor else "not required by the estate"
    proof = how.proof
    shown = f"a token shows it by {proof.claim} with {' or '.join(proof.values)}" if proof else "no token shows it"
    lines = [
        "## Sign-in",
        "",
        f"People sign in at {_plain(how.issuer)} ({how.provider}). A second factor is {required}",
    ]
    lines[-1] += f"; {shown}." if how.second_factor else "."
    lines += ["", *_table(("cloud", "people sign in by", "second factor", "a session lasts"))]
    lines += [_line((cloud, one.by, one.factor, one.session)) for cloud, one in told.items()]
    lines += ["", "What the provider tells of a person, and what becomes of it:", ""]
    lines += _table(("what", "the provider's name", *told))
    for word, claim in claims(how):
        lines.append(_line((word, claim, *(dict(one.mapping).get(word, "") for one in told.values()))))
    steps = [(cloud, step) for cloud, one in told.items() for step in one.steps]
    if steps:
        lines += ["", "### By hand, once", ""]
    for number, (cloud, step) in enumerate(steps, 1):
        lines.append(f"{number}. {cloud}: {_plain(step.what)}. {step.why}")
        if step.commands:
            lines += ["", *(f"       {line}" for line in step.commands.splitlines()), ""]
    return [*lines, ""]


def _drift(rows: Mapping[str, list[Row]]) -> list[str]:
    """One line for each role and action that not all clouds grant alike, of those where the role reaches anything."""
    found = []
    for role in sorted({row.role for some in rows.values() for row in some}):
        for kind in sorted(set(KINDS.values())):
            by_cloud = {
                cloud: own for cloud, some in rows.items() if (own := [r for r in some if _about(r, role, kind)])
            }
            for action, of_kind in KINDS.items():
                cells = {cloud: _granted(own, action) for cloud, own in by_cloud.items()}
                if of_kind == kind and _differ(list(cells.values())):
                    found.append(_line((role, action, *(cells.get(cloud, "") for cloud in rows))))
    lines = ["## Where the clouds differ", ""]
    if not found:
        return [*lines, "Every role may do the same in each cloud where it reaches anything of a kind.", ""]
    lines += ["One role, said in each cloud's own words. An empty cell: not meant there, and not granted.", ""]
    return [*lines, *_table(("role", "action", *rows)), *found, ""]


def _about(row: Row, role: str, kind: str) -> bool:
    return row.role == role and KINDS[row.action] == kind


def _granted(rows: list[Row], action: Action) -> str:
    meant = [row for row in rows if row.action == action]
    given = any(action in row.gives for row in rows)
    if not meant:
        return UNMEANT if given else ""
    if not given:
        return "not granted"
    return "granted, and more" if any(row.beyond for row in meant) else "granted"


def _differ(cells: list[str]) -> bool:
    """Whether clouds say different things where all were meant to say one, or some alone give what none was meant
    to."""
    said = {cell for cell in cells if cell}
    return len(said) > 1 or (UNMEANT in said and "" in cells)


def _nothing(blueprint: Blueprint) -> list[str]:
    """Members whom clouds do not know."""
    teams = [(p.name, m.name) for p in blueprint.principals for m in members(p) if m.kind == "team"]
    if not teams:
        return []
    named = ", ".join(f"{_plain(team)} ({_plain(role)})" for role, team in teams)
    return [f"Teams hold keys of the gateway and nothing in any cloud: {named}.", ""]


def _rights(cloud: str, rows: list[Row]) -> list[str]:
    lines = [f"## Rights at {cloud}", ""]
    if not rows:
        return [*lines, "The estate grants nothing here.", ""]
    lines += _table(("role", "action", "on", "expressed as", "beyond the intent", "not expressed"))
    cells = [(r.role, r.action, r.on, r.words, r.beyond or "-", r.lacks or "-") for r in rows]
    return [*lines, *map(_line, cells), ""]


def _table(heads: tuple[str, ...]) -> list[str]:
    return ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(_plain, cells)) + " |"


def _plain(text: str) -> str:
    """Text that can not break out of its cell or its line."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("-->", "")
