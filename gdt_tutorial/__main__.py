"""The command line: `python -m gdt_tutorial COMMAND`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gdt_tutorial
from gdt_tutorial import doctor

__all__ = ["Command", "commands", "main"]


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: its line in the help, its own arguments, and what it does; it returns the exit code."""

    help: str
    run: Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], object] = lambda parser: None


def run_doctor(arguments: argparse.Namespace) -> int:
    """Print what is fine, what is not, and the fix; 1 where something is not."""
    n_problems = 0
    for finding in doctor.examine():
        n_problems += finding.level == "problem"
        print(f"{finding.level:8} {finding.name:15} {finding.text}", flush=True)
        if finding.fix:
            print(f"{'':8} {'':15} fix: {finding.fix}", flush=True)
    print(f"{n_problems} problem(s); the fix stands below each." if n_problems else "This machine is ready.")
    return int(n_problems > 0)


# A command imports what it needs when it runs: `doctor` must work where torch does not.
commands: dict[str, Command] = {
    "doctor": Command(help="what is wrong with this machine, and the fix", run=run_doctor),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m gdt_tutorial", description=gdt_tutorial.__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"gdt_tutorial {gdt_tutorial.__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in commands.items():
        command.add_arguments(subparsers.add_parser(name, help=command.help, description=command.help))
    arguments = parser.parse_args(argv)
    return commands[arguments.command].run(arguments)


if __name__ == "__main__":
    sys.exit(main())
