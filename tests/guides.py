"""Pages whose blocks say what is to be done: recipes and guides, read and followed word by word."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: What the information of a block must say: its language, what is done with it, and a file.
INFORMATION = re.compile(
    r"\w+ (?P<action>create|append) (?P<file>\S+)|diff (?P<change>change) (?P<changed>\S+)"
    r"|sh (?P<command>run|prove|asked)|text (?P<shown>shows)"
)


@dataclass(frozen=True)
class Block:
    """A block of a recipe: what is done with its text, and to which file, if to one."""

    action: str
    file: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines, each a command."""
        return self.text.splitlines()


def read_recipes(page: str, section: str = "Recipes") -> dict[str, list[Block]]:
    """Return the blocks of each recipe in a section of a page, by its title.

    Raises ValueError for a block that says nothing, or something unknown, of what to do with it.
    """
    _, _, below = page.partition(f"\n## {section}\n")
    recipes = {}
    for title, body in re.findall(
        r"(?ms)^### (.+?)\n(.+?)(?=^### |\Z)", re.split(r"(?m)^## ", below)[0]
    ):
        recipes[title] = list(_blocks(body))
    return recipes


def _blocks(body: str) -> Iterator[Block]:
    fences = re.findall(r"(?ms)^( *)```(.*?)\n(.*?)^ *```$", body)
    for indent, information, text in fences:
        found = INFORMATION.fullmatch(information)
        if found is None:
            raise ValueError(f"what is to be done with this block? {information!r}")
        named = {name: value for name, value in found.groupdict().items() if value}
        file = named.pop("file", named.pop("changed", ""))
        [action] = named.values()
        yield Block(action, file, re.sub(rf"(?m)^{indent}", "", text))


def change(content: str, diff: str) -> str:
    """Return a text with a diff applied: each of its parts has one place.

    Raises ValueError where it has none or several, or where a part changes nothing.
    """
    for part in diff.split("@@\n"):
        lines = part.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        if {line[0] for line in lines} - set(" +-") or before == after:
            raise ValueError(f"this is no change:\n{part}")
        # A line is looked for as a whole.
        places = f"\n{content}".count(f"\n{before}")
        if not before or places != 1:
            raise ValueError(f"{places} places for:\n{part}")
        content = f"\n{content}".replace(f"\n{before}", f"\n{after}")[1:]
    return content


def follow(block: Block, project: Path) -> None:
    """Do what a block asks for, unless it proves or shows something."""
    path = project / block.file
    if block.action == "create":
        assert not path.exists(), block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    elif block.action == "append":
        with path.open("r+", encoding="utf-8") as file:
            assert file.read().endswith("\n"), block.file
            file.write(block.text)
    elif block.action == "change":
        content = path.read_text(encoding="utf-8")
        path.write_text(change(content, block.text), encoding="utf-8")
    elif block.action == "run":
        run(project, block.text)


def run(project: Path, command: str, *, status: int = 0) -> str:
    """Run commands of a shell in a folder; return what they print. They must end with `status`."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KRAT_", "DBT_", "DAGSTER_", "PYTEST_"))
    }
    environment |= {
        "PYTHONPATH": str(project),
        "COLUMNS": "300",
        # dbt reads all of its project anew when the path of the warehouse is another one.
        "KRAT_DBT_WAREHOUSE": str(project / "data" / "warehouse.duckdb"),
    }
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}"
    return done.stdout
