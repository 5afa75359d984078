"""The wheel besides the package: the workflow that `trialpool run` starts, and what its results cite."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WORKFLOW = ("Snakefile", "rules", "scripts", "report")
CITED = ("requirements.lock", "CITATION.cff")


class BuildWhole(build_py):
    """The package with the workflow inside, where nothing of it stands in the sources."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "trialpool"
        files = [
            file for name in WORKFLOW for file in [Path("workflow", name), *Path("workflow", name).rglob("*")]
        ]
        for file in (file for file in [*files, *map(Path, CITED)] if file.is_file()):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target / file)


setup(cmdclass={"build_py": BuildWhole})
