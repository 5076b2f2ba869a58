"""What the tests of the guide share: the examples' folder, and clients in one Node process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT
from tests.node_client import JavaScript

GUIDE = ROOT / "examples" / "guide"


@pytest.fixture(scope="module")
def js() -> Iterator[JavaScript]:
    """Clients of the official JavaScript library."""
    with JavaScript() as javascript:
        yield javascript


@pytest.fixture(params=["websocket", "polling"])
def transports(request: pytest.FixtureRequest) -> list[str]:
    """The ``transports`` option of a client: a test that asks for it runs once with each."""
    return [request.param]


@pytest.fixture(scope="module", params=["annotated", "bare"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module's ``EXAMPLE`` as it is, and once more as a Flask-SocketIO application of old: without types."""
    path: Path = request.module.EXAMPLE
    if request.param == "annotated":
        return path
    bare = tmp_path_factory.mktemp("bare") / path.name
    bare.write_text(without_annotations(path.read_text()))
    return bare


def without_annotations(source: str) -> str:
    """The same program, with no annotation left in it."""
    return ast.unparse(ast.fix_missing_locations(_WithoutAnnotations().visit(ast.parse(source))))


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        assert node.value is not None
        return ast.Assign(targets=[node.target], value=node.value)
