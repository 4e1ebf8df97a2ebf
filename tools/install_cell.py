"""Write the cell that installs the library on Colab, as the first code of every notebook; its address stands in pyproject.toml.

    python tools/install_cell.py

Outside Colab the cell does nothing, and the built page leaves it out. On Colab it holds pip to the versions of all that is
there, so that pip adds what Colab lacks, or says in one error why it cannot; it never replaces a package that the running
kernel may have imported.
"""

import json
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = """\
import subprocess
import sys

# Colab lacks the library: add it, and replace nothing that is there.
if "google.colab" in sys.modules:
    address = "{address}"
    pip = f"{{sys.executable}} -m pip"
    keep = f"{{pip}} list --format=freeze --exclude gdt-tutorial > /tmp/colab.txt"
    add = f"{{pip}} install --constraint /tmp/colab.txt '{{address}}'"
    run = subprocess.run(f"{{keep}} && {{add}}", shell=True, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stdout + run.stderr)"""


def main() -> None:
    """Put the cell into every notebook, or mend the one that is there."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell.get("id") != "install"]
        first = next(index for index, cell in enumerate(cells) if cell["cell_type"] == "code")
        notebook["cells"] = [*cells[:first], install_cell(), *cells[first:]]
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def install_cell() -> dict:
    """Return the cell as it stands in a notebook."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {"tags": ["install", "remove-cell"]},
        "outputs": [],
        "source": SOURCE.format(address=address()).splitlines(keepends=True),
    }


def address() -> str:
    """Return what pip is asked to install on Colab."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["gdt"]["install"]


if __name__ == "__main__":
    main()
