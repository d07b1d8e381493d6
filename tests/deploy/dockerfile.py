"""A Dockerfile read and, as far as it copies files, carried out: no Docker, no base image, the same files.

What is read is what infra/Dockerfile needs: stages, arguments, COPY of files and folders, and from other stages. The
commands of RUN are handed to whoever asks, for he knows what they may do here.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from pathlib import Path, PurePosixPath

Run = Callable[[list[str], Path, Path], None]
"""Carries out a RUN: its words, its working directory, and the root of the stage's files."""
_CONTINUED = re.compile(r"\\\n\s*")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def _is_option(word: str) -> bool:
    return word.startswith("--")


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    words: list[str]

    @property
    def options(self) -> dict[str, str]:
        """Return what stands before the arguments; of an option that comes twice, the last."""
        pairs = [word.removeprefix("--").partition("=") for word in takewhile(_is_option, self.words)]
        return {name: value for name, _, value in pairs}

    @property
    def arguments(self) -> list[str]:
        return list(dropwhile(_is_option, self.words))


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def command(self) -> list[str]:
        """Return the words of the last CMD, in its exec form."""
        [last] = [each for each in self.instructions if each.name == "CMD"][-1:]
        words: list[str] = json.loads(" ".join(last.words))
        return words

    def users(self) -> list[str]:
        return [each.words[0] for each in self.instructions if each.name == "USER"]


def read(dockerfile: Path) -> list[Stage]:
    """Return the stages, in order."""
    stages: list[Stage] = []
    for instruction in _instructions(dockerfile.read_text(encoding="utf-8")):
        if instruction.name == "FROM":
            base, *named = instruction.arguments
            stages.append(Stage(named[1] if named else "", base))
        elif stages:
            stages[-1].instructions.append(instruction)
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in _CONTINUED.sub("", "\n".join(lines)).splitlines():
        name, *words = line.split()
        yield Instruction(name, words)


@dataclass
class Build:
    """The files of a build's stages, below one folder.

    Args:
        context: What is built from; what ``ignored`` names in it is not there.
        variables: What the base image and the builder set.
    """

    context: Path
    folder: Path
    variables: Mapping[str, str]
    run: Run

    def make(self, stages: list[Stage]) -> Path:
        """Carry all stages out, and return the root of the last one's files."""
        root = self.folder
        for number, stage in enumerate(stages):
            root, directory = self._root(stage.name or str(number)), PurePosixPath("/")
            root.mkdir(parents=True)
            for instruction in stage.instructions:
                if instruction.name == "WORKDIR":
                    directory = PurePosixPath(instruction.words[0])
                    self._inside(root, directory).mkdir(parents=True, exist_ok=True)
                elif instruction.name == "COPY":
                    self._copy(instruction, root, directory)
                elif instruction.name == "RUN":
                    words = [self._filled(word) for word in instruction.arguments]
                    self.run(words, self._inside(root, directory), root)
        return root

    def _root(self, stage: str) -> Path:
        return self.folder / stage

    def _copy(self, copy: Instruction, root: Path, directory: PurePosixPath) -> None:
        *sources, target = map(self._filled, copy.arguments)
        origin = self._root(copy.options["from"]) if "from" in copy.options else self.context
        for source in sources:
            found, placed = self._inside(origin, PurePosixPath(source)), self._inside(root, directory / target)
            if found.is_dir():
                shutil.copytree(found, placed, dirs_exist_ok=True)
            else:
                placed.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, placed / found.name)

    def _filled(self, word: str) -> str:
        return _VARIABLE.sub(lambda match: self.variables[match[1]], word)

    def _inside(self, root: Path, path: PurePosixPath) -> Path:
        return root / str(path).lstrip("/")


def allowed(context: Path, ignore: Path, copy: Path) -> Path:
    """Return a copy of what a .dockerignore lets through that ignores all (``*``) but some paths (``!path``)."""
    lines = [line for line in ignore.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    first, *rest = lines
    assert first == "*", "this .dockerignore is not a list of what is let through"
    everywhere = [line.removeprefix("**/") for line in rest if line.startswith("**/")]
    for kept in (line.removeprefix("!") for line in rest if line.startswith("!")):
        if (context / kept).is_dir():
            shutil.copytree(context / kept, copy / kept, ignore=shutil.ignore_patterns(*everywhere))
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy(context / kept, copy / kept)
    return copy
