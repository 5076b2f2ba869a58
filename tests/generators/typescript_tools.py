"""What compiles, bundles and runs generated TypeScript, in Node and in Chromium."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.contract import Contract
from framework.generators import find_generator
from tests.live import ROOT
from tests.node_client import NodeError, run_node

SOURCES = Path(__file__).parent / "typescript"
_REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"


def contract_of(app: Any) -> Contract:
    """The contract of a Flask application."""
    contract: Contract = app.extensions["socketio"].contract()
    return contract


def render(contract: Contract, **options: str) -> str:
    """The generated module."""
    return find_generator("typescript")(contract, options)


class Workspace:
    """A folder with generated modules and the sources beside this file, in which the compiler finds its libraries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "generated").mkdir(parents=True)
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        for source in SOURCES.iterdir():
            (folder / source.name).write_text(source.read_text("utf-8"), "utf-8")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        (self.folder / name).write_text(text, "utf-8")

    def compile(self, *names: str, **options: object) -> str:
        """What the compiler prints about these modules; nothing where all is well."""
        settings = {
            "strict": True,
            "noEmit": True,
            "skipLibCheck": False,
            "target": "es2022",
            "module": "nodenext",
            "lib": ["es2022", "dom", "dom.iterable"],
            "types": [],
            **options,
        }
        self.write("tsconfig.json", json.dumps({"compilerOptions": settings, "files": names}))
        return self._run(_tool("tsc"), "--pretty", "false")

    def bundle(self, scenario: str, platform: str) -> Path:
        """A script that runs a scenario in Node, or makes it callable in a page."""
        script = self.folder / f"{scenario}.{platform}.mjs"
        is_node = platform == "node"
        problems = self._run(
            _tool("esbuild"),
            "node.ts" if is_node else "page.ts",
            "--bundle",
            "--target=es2022",
            "--log-level=warning",
            f"--alias:scenario=./{scenario}.ts",
            f"--platform={platform}",
            *(["--format=esm", f"--banner:js={_REQUIRE}"] if is_node else ["--format=iife"]),
            f"--outfile={script}",
        )
        assert problems == "", problems
        return script

    def shake(self, text: str) -> str:
        """What is left of the generated modules when only *text* uses them; libraries are left out."""
        self.write("entry.ts", text)
        return self._run(
            _tool("esbuild"), "entry.ts", "--bundle", "--format=esm", "--target=es2022", "--packages=external"
        )

    def run_in_node(self, scenario: str, *arguments: str) -> dict[str, Any]:
        """The report of a scenario."""
        command = ["node", str(self.bundle(scenario, "node")), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise NodeError(f"{scenario} ended with code {done.returncode}:\n{done.stdout}\n{done.stderr}")
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def run_in_chromium(self, scenario: str, url: str, *more: str) -> dict[str, Any]:
        """The report of a scenario."""
        bundle = self.bundle(scenario, "browser")
        return run_node("typescript_page.cjs", url, str(bundle), *more, timeout_s=120)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300)
        return done.stdout + done.stderr


def broken_claims(report: Mapping[str, Any]) -> dict[str, str]:
    """The claims of a report that do not hold, printed whole for whoever reads why a test failed."""
    claims: dict[str, str] = report["claims"]
    assert claims
    found = {words: outcome for words, outcome in claims.items() if outcome != "ok"}
    for words, outcome in found.items():
        print(f"{words}\n    {outcome}")
    return found


def _tool(name: str) -> str:
    tool = ROOT / "node_modules" / ".bin" / name
    assert tool.exists(), f"{name} is not installed: run 'npm ci' in the root of the repository."
    return str(tool)
