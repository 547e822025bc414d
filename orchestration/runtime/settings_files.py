"""Settings that an office may change: files in the data folder, beside krat's own.

Belongs here: reading one, and saying which line is wrong. Not here: what a file holds (the module
that uses it).
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sources.atomic import write_text
from sources.custody.home import Home
from sources.texts import Language, text

Settings = TypeVar("Settings", bound="OfficeSettings")

#: A county, as settings name it.
CountyCode = Annotated[str, Field(pattern=r"^AL-(0[1-9]|1[0-2])$")]


class OfficeSettings(BaseModel):
    """Settings of a file that an office may change: no other keys, and no value of another type."""

    # An input would be quoted by an error, and may be a secret. A number in quotes, or `yes` for 1,
    # is a slip.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


@dataclass
class WrongSetting(Exception):
    """A line of a settings file that can't be used; a sentence says what to write."""

    file: str
    line: int
    key: str
    #: What krat's own file has there.
    example: str = ""
    #: What kind of slip it is: wrong, unknown, twice, closed.
    slip: str = "wrong"
    #: Whether the office's last good file is in use; else krat's own is.
    last_good: bool = False

    def __str__(self) -> str:
        return self.sentence("en")

    def sentence(self, language: Language) -> str:
        """Return where the mistake is, what to write, and what is used until then."""
        place: dict[str, Any] = {"file": self.file}
        if self.slip != "closed":
            place |= {"line": self.line, "key": self.key}
        if self.slip == "wrong":
            place["example"] = self.example
        used = "last_good" if self.last_good else "own"
        return (
            f"{text(f'office_settings.{self.slip}', language, **place)} "
            f"{text(f'office_settings.used.{used}', language)}"
        )


class _Twice(yaml.MarkedYAMLError):
    """A key that is there twice: YAML would take the second."""


class _Loader(yaml.SafeLoader):
    """YAML in which 6:00 and 2023-02-31 are what was typed, and no number of YAML 1.1's own kinds.

    A key that is there twice is an error, and so is an alias: it can be as long as one likes.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _Twice(context=key.value, problem_mark=key.start_mark)
                seen.add(key.value)
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag.rpartition(":")[2] in {"null", "bool"}]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_DIGITS = list("-+0123456789.")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(0|[1-9]\d{0,9})$", re.ASCII), _DIGITS
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?\d{1,9}\.\d{0,9}$", re.ASCII), _DIGITS
)


def read_settings(
    home: Home, own: Path, model: type[Settings]
) -> tuple[Settings, WrongSetting | None]:
    """Return the settings of `<home>/<name>`, or of krat's `own` file if the office has none.

    Of a file that is wrong the last good one is used, and the mistake is returned. What was good
    for an older krat is used no more.
    """
    path, last_good = home.root / own.name, home.last_good / own.name
    try:
        settings = _read(path, own, model)
    except FileNotFoundError:
        return _read(own, own, model), None
    except WrongSetting as wrong:
        with suppress(WrongSetting, FileNotFoundError):
            settings = _read(last_good, own, model)
            wrong.last_good = True
            return settings, wrong
        return _read(own, own, model), wrong
    content = path.read_text(encoding="utf-8")
    with suppress(OSError, UnicodeDecodeError):
        if last_good.read_text(encoding="utf-8") == content:
            return settings, None
    write_text(last_good, content)
    return settings, None


def _read(path: Path, own: Path, model: type[Settings]) -> Settings:
    """Return what a file holds; raise WrongSetting, or FileNotFoundError."""
    # What krat's own file leaves empty has an example in the code.
    example = {
        **yaml.load(own.read_text(encoding="utf-8"), Loader=_Loader),
        **getattr(model, "EXAMPLES", {}),
    }
    root = None
    try:
        content = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(content, Loader=_Loader)
        loaded = yaml.load(content, Loader=_Loader)
        # In JSON hours, paths and codes are text, whatever else is strict.
        return model.model_validate_json(json.dumps(loaded, default=str))
    except FileNotFoundError:
        raise
    except OSError:
        raise WrongSetting(path.name, 1, "", slip="closed") from None
    except UnicodeDecodeError:
        raise WrongSetting(path.name, 1, "UTF-8", _shown(example, ())) from None
    except _Twice as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WrongSetting(path.name, line, str(error.context), slip="twice") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise WrongSetting(path.name, line, "YAML", _shown(example, ())) from None
    except ValidationError as error:
        first = error.errors()[0]
        keys = tuple(str(key) for key in first["loc"] if key != "[key]")
        unknown = first["type"] == "extra_forbidden"
        raise WrongSetting(
            path.name,
            _line(root, keys),
            ".".join(keys) or "YAML",
            _shown(example, keys),
            slip="unknown" if unknown else "wrong",
        ) from None
    # A tag that promises a date or number and holds none; brackets in brackets without end.
    except (ValueError, TypeError, RecursionError):
        raise WrongSetting(path.name, 1, "YAML", _shown(example, ())) from None


def _line(node: yaml.Node | None, keys: tuple[str, ...]) -> int:
    """Return the line of a setting, or of what should hold it."""
    line = node.start_mark.line + 1 if node else 1
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
            continue
        found = [
            (name, value)
            for name, value in (node.value if isinstance(node, yaml.MappingNode) else [])
            if name.value == key
        ]
        if not found:
            break
        [(name, node), *_] = found
        line = name.start_mark.line + 1
    return line


def _shown(example: Any, keys: tuple[str, ...]) -> str:
    """Return how krat's own file writes a setting; of one that it lacks, what holds it."""
    shown, known = example, list[str]()
    for key in keys:
        if isinstance(shown, list) and shown and isinstance(shown[0], dict):
            shown = shown[0]
            continue
        if not isinstance(shown, dict) or key not in shown:
            break
        shown = shown[key]
        known.append(key)
    written = yaml.safe_dump(shown, default_flow_style=True, width=1000).split("\n...")[0].strip()
    return f"{known[-1]}: {written}" if known else written
