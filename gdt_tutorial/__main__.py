"""The command line: `python -m gdt_tutorial COMMAND`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def run_demo(arguments: argparse.Namespace) -> int:
    """Run the closed loop in the terminal."""
    from gdt_tutorial import demo

    return demo.run(arguments)


def run_reproduce(arguments: argparse.Namespace) -> int:
    """Make a figure of the case study from scratch."""
    from gdt_tutorial import reproduce

    return reproduce.run(arguments)


def _add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slots", type=int, default=60, help="slots of 2 s to run (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="watch logs (default: the variable GDT_DATA, else the generator)")
    parser.add_argument("--intent", help='what the operator says, such as "keep video fluent around the library"')
    parser.add_argument(
        "--figure", type=Path, default=Path("gdt_demo.png"), help="where to save (default: %(default)s)"
    )


def _add_reproduce_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "figure",
        choices=(
            "fig4",
            "fig5",
            "parts",
            "who_wins",
            "vae",
            "vae_twin",
            "scenes",
            "diffusion",
            "decision_diffuser",
            "dense_event",
            "external_frontier",
            "internal_loop",
        ),
        help="the paper's Fig. 4 or 5, what each part of the scheme is worth, who wins where; codes of the status, also in "
        "the twin; emulators of scenes; who mutes best at the dense event; bytes against error by who decides when to report; "
        "the internal loop with a change in mid-run",
    )
    parser.add_argument("--seeds", type=int, help="evaluation seeds, from 0 on (default: what the book shows)")
    parser.add_argument(
        "--with",
        dest="own",
        metavar="MODULE:SCHEME",
        help="with fig5: run your own scheme alone, on the same campuses, and compare it with the stored table",
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes on this machine (default: %(default)s)")
    parser.add_argument(
        "--scheduler", help="address of a Dask scheduler to work on instead, such as tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=30.0,
        help="seconds that the scheduler may have no worker; inf waits for ever (default: %(default)s)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("outputs"), help="folder of the table (default: %(default)s)"
    )


# A command imports what it needs when it runs: `doctor` must work where torch does not.
commands: dict[str, Command] = {
    "demo": Command(
        help="both closed loops live in the terminal, and a figure of them",
        run=run_demo,
        add_arguments=_add_demo_arguments,
    ),
    "doctor": Command(help="what is wrong with this machine, and the fix", run=run_doctor),
    "reproduce": Command(
        help="the numbers of a figure of the case study, from scratch; a stopped run goes on where it was",
        run=run_reproduce,
        add_arguments=_add_reproduce_arguments,
    ),
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
