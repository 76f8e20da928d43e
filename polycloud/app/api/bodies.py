"""Bodies that callers of the admin API send: strict, so that a misspelt field is an error and not a surprise."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polycloud.app.api.backend import Question
from polycloud.core.ports.state import NewKey

PRINTED = r"^[^\x00-\x1f\x7f]*$"  # no control characters: these texts are shown in terminals and logs
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTED)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class CreateKey(Body):
    """A new gateway key."""

    team: Word = Field(description="The team it belongs to; the team's own limits hold as well.")
    name: str = Field(default="", max_length=200, pattern=PRINTED, description="What it is for.")
    models: list[Word] = Field(default=["*"], min_length=1, max_length=100, description="Patterns of models.")
    classes: list[Word] = Field(default=[], max_length=100, description="Data classes of all its requests.")
    requests_per_minute: int | None = Field(default=None, ge=1, le=10_000_000, description="Its rate.")
    region: str = Field(default="", max_length=100, description="Where its callers are: a site or a country.")
    expires_in_seconds: float | None = Field(default=None, gt=0, le=10 * 366 * 86400, description="None: never.")

    def wanted(self, now_ms: int) -> NewKey:
        expires = None if self.expires_in_seconds is None else now_ms + int(self.expires_in_seconds * 1000)
        return NewKey(
            team=self.team,
            name=self.name,
            models=tuple(self.models),
            classes=tuple(self.classes),
            requests_per_minute=self.requests_per_minute,
            region=self.region,
            expires_ms=expires,
        )


class RotateKey(Body):
    """A key is replaced; the old one goes on working for the overlap."""

    overlap_seconds: float = Field(default=86400.0, ge=0, le=90 * 86400, description="How long both work.")


class SteerBody(Body):
    """Where traffic may go: the whole entry of one site or deployment; `serving` without a share clears it."""

    state: Literal["serving", "draining", "failed"] = Field(
        description="draining: no new request or retry; failed: what waits there is tried elsewhere, too."
    )
    share: float | None = Field(default=None, ge=0, le=100, description="Percent, in place of the route's share.")
    reason: str = Field(default="", max_length=1000, pattern=PRINTED, description="Why; kept in the history.")
    by: str = Field(default="admin", max_length=200, pattern=PRINTED, description="Who.")
    expect_version: int | None = Field(
        default=None, ge=0, description="The version this is based on; refused when somebody was quicker."
    )


class ExplainBody(Body):
    """A request that is explained and not sent."""

    model: Word | None = Field(default=None, description="The name asked for; or give a whole body.")
    body: dict[str, object] | None = Field(default=None, description="A whole request as the caller would send it.")
    face: Literal["openai", "anthropic"] = Field(default="openai", description="The form of body.")
    team: str = Field(default="", description="The team that asks, for its models and classes.")
    key: str = Field(default="", description="The id of the key that asks.")
    data_class: str = Field(default="", description="As the header x-polycloud-class.")
    region: str = Field(default="", description="As the header x-polycloud-region.")
    needs: list[str] = Field(default=[], max_length=40, description="What it asks for: tools, json_schema …")
    input_tokens: int = Field(default=0, ge=0, le=100_000_000, description="Expected tokens of the prompt.")
    max_tokens: int | None = Field(default=None, ge=1, le=100_000_000, description="The longest answer.")

    def question(self) -> Question:
        return Question(
            model=self.model or "",
            face=self.face,
            body=b"" if self.body is None else json.dumps(self.body).encode(),
            team=self.team,
            key=self.key,
            data_class=self.data_class,
            region=self.region,
            needs=tuple(self.needs),
            input_tokens=self.input_tokens,
            max_tokens=self.max_tokens,
        )
