"""Makes a string that a regular expression matches, for the part of the language that JSON Schemas use.

Literals, escapes, classes, groups, alternatives and repeats; no look-around, back references or flags.
"""

import random
import re
import string

LENGTH_MAX = 10_000  # repeats of repeats end here
REPEAT_MAX = 1000  # a longer repeat is refused rather than made
REPEAT_MORE = 2  # how far past its minimum an open repeat goes
_CLASSES = {"d": string.digits, "w": string.ascii_lowercase, "s": " ", "D": "x", "W": "-", "S": "x"}
_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits + "-_. "


class Unmatched(ValueError):
    """The pattern uses something that this module does not make."""


def matching(pattern: str, chance: random.Random) -> str:
    """A string in which ``re.search(pattern)`` finds the pattern. Raises Unmatched when it can not make one."""
    reader = _Reader(pattern, chance)
    text = reader.alternatives()
    try:
        found = reader.at == len(pattern) and re.search(pattern, text) is not None
    except re.error as error:
        raise Unmatched(f"{pattern!r} is not a regular expression: {error}") from None
    if not found:
        raise Unmatched(f"no string could be made for {pattern!r}")
    return text


class _Reader:
    def __init__(self, pattern: str, chance: random.Random) -> None:
        self.pattern, self.at, self.chance = pattern, 0, chance
        self.made = 0

    def alternatives(self) -> str:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return self.chance.choice(options)

    def sequence(self) -> str:
        out = []
        while (char := self.peek()) and char not in "|)":
            start = self.at
            piece = self.atom()
            low, high = self.repeat()
            times = self.chance.randint(low, high)
            end = self.at
            self.made += times
            if self.made > LENGTH_MAX:
                raise Unmatched(f"the pattern asks for more than {LENGTH_MAX} characters")
            if times == 0:
                continue
            out.append(piece)
            for _ in range(times - 1):
                self.at = start
                out.append(self.atom())
            self.at = end
        return "".join(out)

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def atom(self) -> str:
        char = self.peek()
        self.at += 1
        if char in "^$":
            return ""
        if char == ".":
            return self.chance.choice(string.ascii_lowercase)
        if char == "\\":
            escape = self.peek()
            self.at += 1
            if escape in "bB":
                return ""
            return self.chance.choice(_CLASSES[escape]) if escape in _CLASSES else escape
        if char == "[":
            return self.chance.choice(self.members())
        if char == "(":
            if self.pattern.startswith("?:", self.at):
                self.at += 2
            elif self.peek() == "?":
                raise Unmatched(f"groups of this kind are not made: {self.pattern!r}")
            inner = self.alternatives()
            self.at += 1
            return inner
        return char

    def members(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        found = ""
        while self.peek() and (self.peek() != "]" or not found):
            char = self.peek()
            self.at += 1
            if char == "\\":
                escape = self.peek()
                self.at += 1
                found += _CLASSES.get(escape, escape)
            elif self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                last = self.pattern[self.at + 1]
                self.at += 2
                found += "".join(map(chr, range(ord(char), min(ord(last), ord(char) + 255) + 1)))
            else:
                found += char
        self.at += 1
        if negated:
            found = "".join(c for c in _LETTERS if c not in found)
        if not found:
            raise Unmatched(f"an empty class in {self.pattern!r}")
        return found

    def repeat(self) -> tuple[int, int]:
        char = self.peek()
        low, high = 1, 1
        if char and char in "*+?":
            self.at += 1
            low, high = {"*": (0, REPEAT_MORE), "+": (1, 1 + REPEAT_MORE), "?": (0, 1)}[char]
        elif bounds := re.compile(r"\{(\d+)(,(\d*))?\}").match(self.pattern, self.at):
            self.at = bounds.end()
            low = int(bounds[1])
            high = low if bounds[2] is None else int(bounds[3]) if bounds[3] else low + REPEAT_MORE
        else:
            return low, high
        if self.peek() == "?":
            self.at += 1
        if low > high or high > REPEAT_MAX:
            raise Unmatched(f"a repeat of {low} to {high} is not made")
        return low, high
