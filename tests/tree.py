"""README's tree, from the files' own first lines: `python tests/tree.py` prints it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "",
    "catalog",
    "catalog/datasets",
    "audio",
    "models",
    "training",
    "evaluation",
    "tables",
    "consumers",
    "stages",
    "browse",
)


def tree() -> str:
    lines = []
    for folder in [ROOT / "pipeline" / name for name in FOLDERS] + [ROOT / "jobs"]:
        name = folder.relative_to(ROOT).as_posix() + "/"
        lines.append(f"    {name:<26}{purpose(folder / '__init__.py')}")
        lines += [
            f"      {path.name:<24}{purpose(path)}"
            for path in sorted(folder.glob("*.py"))
            if path.name != "__init__.py"
        ]
    return "\n".join(lines)


def purpose(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    print(tree())
