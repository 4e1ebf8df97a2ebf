"""Choose the exact version of every package: writes requirements.lock, and environment.yml from the same versions.

    make lock

The lock holds for Python 3.11-3.13 and any system. It pins torch, but none of the CUDA packages that torch's default
Linux build asks for: the build that is installed brings its own. The environment for conda and Binder opens and runs
chapters: it leaves out what only the tests, the building of the book and the extras need.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CUDA = re.compile(r"(nvidia|cuda)-|triton\b")
NOTEBOOK_TOOLS = ("jupyterlab", "papermill", "ipykernel")  # to open a chapter, to run it again, and what runs it
HEADER = "# Made by `make lock` from pyproject.toml; do not edit. Python 3.11-3.13, any system, no CUDA packages.\n"
ENVIRONMENT = """\
# Made by `make lock`; do not edit. The same versions as in requirements.lock, for conda and for Binder:
#     conda env create -f environment.yml
name: gdt-tutorial
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
      # Here lie the builds of torch without CUDA, which pip prefers to the default ones.
      - --extra-index-url https://download.pytorch.org/whl/cpu
{pins}
      - -e .
"""


def main() -> None:
    """Write both files."""
    lock = resolve("pyproject.toml", "--all-extras")
    write("requirements.lock", HEADER + "\n".join(lock) + "\n")
    pins = resolve("pyproject.toml", "-", "--constraint", "requirements.lock", stdin="\n".join(NOTEBOOK_TOOLS))
    write("environment.yml", ENVIRONMENT.format(pins="\n".join(f"      - {pin}" for pin in pins)))


def resolve(*arguments: str, stdin: str = "") -> list[str]:
    """Return the pins that uv finds, CUDA packages left out."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11"]
    command += ["--fork-strategy", "fewest", "--no-header", "--no-annotate", "--quiet", *arguments]
    output = subprocess.run(command, cwd=ROOT, input=stdin, check=True, text=True, stdout=subprocess.PIPE).stdout
    return [line for line in output.splitlines() if not CUDA.match(line)]


def write(name: str, text: str) -> None:
    """Write a file of the repository, and say so."""
    (ROOT / name).write_text(text)
    print(f"{name}: {text.count('==')} packages")


if __name__ == "__main__":
    main()
