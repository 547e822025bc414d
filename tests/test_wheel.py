"""The wheel that an office installs: whole, and working from any folder, itself never written."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from programs import copy_project

pytestmark = pytest.mark.slow

PACKAGES = ("dbt_project", "expectations", "orchestration", "sources")


class Office:
    """A virtual environment with the wheel, and folders in which nothing of a checkout is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()
        self.venv = folder / "venv"
        self.packages = Path(
            sysconfig.get_path("purelib", vars={"base": str(self.venv), "platbase": ""})
        )

    def run(self, *command: str, **more: str) -> str:
        """Run a program of the environment, from elsewhere; return what it printed."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.elsewhere), **more}
        program = [str(self.venv / "bin" / command[0]), *command[1:]]
        done = subprocess.run(
            program,
            cwd=self.elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def installed(self) -> dict[str, int]:
        """Return each file and folder of the installed packages with when it was changed."""
        return {
            str(path.relative_to(self.packages)): path.stat().st_mtime_ns
            for name in PACKAGES
            for path in (self.packages / name).rglob("*")
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office")
    project = copy_project(folder)
    programs = Path(sys.executable).parent
    subprocess.run(["make", "--silent", "wheel", f"BIN={programs}"], cwd=project, check=True)
    [wheel] = (project / "dist").glob("*.whl")
    made = Office(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made.venv], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(made.venv / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    # What krat needs is taken from the tests' own environment, whose krat comes after the wheel's.
    needed = sysconfig.get_path("purelib")
    (made.packages / "needed.pth").write_text(f"{needed}\n", encoding="utf-8")
    for name in PACKAGES:
        subprocess.run(["chmod", "-R", "a-w", made.packages / name], check=True)
    return made


def test_the_wheel_has_every_file_that_a_checkout_has(office: Office) -> None:
    def files(folder: Path) -> set[str]:
        found = (path for name in PACKAGES for path in (folder / name).rglob("*.*"))
        ours = (path for path in found if path.is_file() and path.suffix != ".pyc")
        return {str(path.relative_to(folder)) for path in ours}

    assert files(office.packages) == files(office.folder / "project")


def test_a_month_goes_out_from_an_installed_wheel_that_cannot_be_written(office: Office) -> None:
    before = office.installed()
    assert "init" in office.run("krat", "--help")
    shown = office.run("python", "-c", "import orchestration; print(orchestration.__file__)")
    assert Path(shown.strip()).is_relative_to(office.packages)

    root = office.folder / "srv" / "krat"
    assert str(root) in office.run("krat", "init", str(root))
    home = {"KRAT_HOME": str(root)}
    office.run("krat", "example", **home)
    office.run("krat", "refresh", "--month", "2023-05", **home)
    assert (root / "releases" / "restricted" / "AL-04" / "2023-05" / "r1" / "gate.json").exists()

    office.run("krat", "service", "tidy", **home)
    loads = "from orchestration.definitions import defs; print(len(list(defs.assets)))"
    target = str(root / "dbt")
    assert int(office.run("python", "-c", loads, DBT_TARGET_PATH=target, **home)) > 2
    assert office.installed() == before
    assert not list(office.elsewhere.iterdir())
