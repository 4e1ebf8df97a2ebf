"""The one step that pyproject.toml cannot say: a wheel gets a copy of the chapters' plan.

Text and unit of each claim stand in notebooks/chapters.toml. A notebook that runs without the project, as on Colab, reads them
from the installed library.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithPlan(build_py):
    """Builds as setuptools does, and adds the plan."""

    def run(self) -> None:
        """Build, then copy; an editable install reads the project's own file."""
        super().run()
        if not self.editable_mode:
            self.copy_file(
                "notebooks/chapters.toml", str(Path(self.build_lib) / "gdt_tutorial" / "teaching" / "chapters.toml")
            )


setup(cmdclass={"build_py": BuildWithPlan})
