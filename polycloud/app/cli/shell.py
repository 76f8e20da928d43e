"""Completion for shells, printed for their start files."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_POLYCLOUD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(polycloud completion bash)"       in ~/.bashrc
    zsh:   eval "$(polycloud completion zsh)"        in ~/.zshrc
    fish:  polycloud completion fish | source        in ~/.config/fish/config.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "the choice lists only shells that click knows"
    click.echo(found(context.find_root().command, {}, "polycloud", VARIABLE).source())
