# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one command, `underseal`. Each group is imported only when it is called."""

import importlib
import sys
from typing import Any

import click

from crypto.errors import CryptoError, WrongPassphrase
from intake.console import Voice
from intake.errors import Exit, UndersealError
from intake.files import silence_output

_GROUPS = {
    "keys": ("desk.keys_cli", "keys", "Make and sign the keys of an office (offline)."),
    "portal": ("portal.cli", "portal", "Serve the page and keep sealed envelopes (online)."),
    "courier": ("courier.cli", "courier", "Carry bundles from the portal and signed files to it (online)."),
    "desk": ("desk.cli", "desk", "Receive, read, tag and summarize (offline)."),
    "demo": ("underseal_demo", "demo", "Run a throwaway office on this machine."),
}
_EXTRAS = {"keys": "desk", "demo": "dev"}  # what a group is installed with, where that is not its own name
_EXTRAS_OF = {"psycopg": "postgresql"}  # what brings a library that is no part of its group


class PartMissing(UndersealError):
    """{} needs a part that is not installed: pip install 'underseal[{}]'"""

    exit_code = Exit.MISSING


class Lent(click.Command):
    """A verb that stands in one group and comes with another part, imported when it is called."""

    def __init__(self, name: str, module: str, text: str) -> None:
        super().__init__(name, help=text)
        self._module = module

    def loaded(self) -> click.Command:
        """Return the verb itself. Raises PartMissing."""
        try:
            verb: click.Command = getattr(importlib.import_module(self._module), str(self.name))
        except ModuleNotFoundError as error:
            raise PartMissing(self.name, self._module.partition(".")[0]) from error
        return verb

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        return self.loaded().make_context(info_name, args, parent, **extra)


_LENT = {"portal": [Lent("verify", "courier.outside_cli", "Check a portal from outside, as anyone can.")]}


class _Groups(click.Group):
    """The groups by name, imported on use, so that a portal never loads what opens letters."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _GROUPS:
            return None
        module, attribute, _ = _GROUPS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, click.Group):
            for verb in _LENT.get(cmd_name, []):
                command.add_command(verb)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a lent verb without its group: the part that has the group need not be installed."""
        for verb in _LENT.get(args[0], []):
            if args[1:2] == [verb.name]:
                return f"{args[0]} {verb.name}", verb, args[2:]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _GROUPS.items()])


@click.command(cls=_Groups, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="underseal")
def cli() -> None:
    """Anonymous, end-to-end sealed intake for a union whose members fear their employer."""


def main() -> None:
    """Run the command: the one place where an error becomes a sentence and an exit code."""
    group = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in _GROUPS else "underseal"
    sys.exit(_run(Voice(group), group))


def _run(voice: Voice, group: str) -> int:
    try:
        result = cli(prog_name="underseal", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except UndersealError as error:
        return voice.fail(error)
    except CryptoError as error:
        voice.say(str(error))
        return Exit.PASSPHRASE if isinstance(error, WrongPassphrase) else Exit.UNTRUSTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        return _explain(voice, error)
    except (click.Abort, KeyboardInterrupt):
        voice.say("stopped")
        return Exit.STOPPED
    except BrokenPipeError:  # whoever read our answer has read enough
        silence_output()
        return 0
    except OSError as error:
        voice.say(f"the system refused it: {(error.strerror or 'unknown reason').lower()}")
        return Exit.STORAGE
    except ModuleNotFoundError as error:
        voice.say(f"the part that needs {error.name} is not installed")
        voice.hint(
            f"install it with: pip install 'underseal[{_EXTRAS_OF.get(error.name or '', _EXTRAS.get(group, group))}]'"
        )
        return Exit.MISSING
    except Exception as error:  # a fault of ours: a traceback could show what must not be shown
        voice.say(f"this program failed on something it did not foresee ({type(error).__name__})")
        return Exit.REFUSED


def _explain(voice: Voice, error: click.ClickException) -> int:
    """Say what is wrong with the words of a command; they may have been pasted from anywhere, so `say` cleans them."""
    message = error.format_message().rstrip(".")
    voice.say(message[:1].lower() + message[1:])
    context = getattr(error, "ctx", None)
    voice.hint(f"{context.command_path if context else 'underseal'} --help")
    return Exit.USAGE


if __name__ == "__main__":
    main()
