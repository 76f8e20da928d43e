"""What all parts of the estate share: frozen, strict, and no key that is not known."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the estate: immutable once read; an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)
