"""Names in TypeScript for what a contract names: the same for the same contract, whatever else is in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...contract import Contract, NamespaceContract
from .text import is_identifier

INPUT, OUTPUT = "-Input", "-Output"
# What the output itself uses or exports, in the scope that models are declared in.
_TAKEN_WORDS = """
AbortSignal AnswerOf AnyListener ArgsOf Array ArrayBuffer AsyncIterable AsyncIterator Boolean Bytes CallGiven CallOf
CallOptions CallRest ChunkOf ClientOptions CodeOf ConnectError DeclaredCode DeclaredConnectCode Error ErrorAnswer EventError
EventErrorOf EventShape EventShapes EventStream FailureParts IDLE Infinity IteratorResult KeyIn LONGEST ManagerOptions Map Math
NameIn NamespaceClient NamespaceTypes Number Object Omit Partial Promise Provided QuestionOf Readonly ReadonlyMap Record
RegExp ReturnType Set Socket SocketOptions StandardCode StandardConnectCode StreamOf StreamPart StreamSource StreamWaiter
String Symbol TextEncoder Uint8Array ValueCheck ValueProblem ValuesOf acknowledge bytes check clearTimeout connect console failAuth
integer io isBytes isErrorAnswer isRecord lost nameArgument readConnectError readError refuse setTimeout toUint8Array undefined v waitFor
z
"""
# Words that can't name a type, a parameter or a variable.
_RESERVED_WORDS = """
    abstract any arguments as asserts async await bigint boolean break case catch class const continue debugger declare
    default delete do else enum eval export extends false finally for function get if implements import in infer
    instanceof interface is keyof let module namespace never new null number object of package private protected public
    readonly require return set static string super switch symbol this throw true try type typeof undefined unique
    unknown using var void while with yield
"""
# Members of every client, and of every object.
_MEMBERS_WORDS = """
    call connected constructor disconnect failed handle off on onConnectError once socket stream then toString
    toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable __proto__ __defineGetter__ __defineSetter__
    __lookupGetter__ __lookupSetter__
"""
_TAKEN = frozenset(_TAKEN_WORDS.split())
_RESERVED = frozenset(_RESERVED_WORDS.split())
_MEMBERS = frozenset(_MEMBERS_WORDS.split())
_OWN_PARAMETERS = frozenset({"ack", "options"})
NAMESPACE_SUFFIXES = (
    "Calls",
    "Client",
    "ClientToServerEvents",
    "Events",
    "Options",
    "Questions",
    "ServerToClientEvents",
    "Socket",
    "Streams",
    "Types",
)


class Named(NamedTuple):
    """What something is called.

    Args:
        name: In TypeScript.
        differs: Whether the contract's own name is another, beyond ``-Input`` and ``-Output``.
    """

    name: str
    differs: bool


class _Wish(NamedTuple):
    short: str
    long: str
    exact: bool


def name_namespaces(contract: Contract) -> dict[str, str]:
    """Return what the client of each path is called, without ``Client``."""
    wishes = {
        one.path: _Wish(_pascal(one.name), _pascal(f"{one.name} {one.path}"), one.name == _pascal(one.name))
        for one in contract.namespaces
    }
    whole = {(name, suffix) for name in _TAKEN for suffix in NAMESPACE_SUFFIXES if name.endswith(suffix)}
    return _settle(wishes, frozenset(name.removesuffix(suffix) for name, suffix in whole), "Namespace")


def name_models(contract: Contract, namespaces: Iterable[str]) -> dict[str, Named]:
    """Return what each model is called.

    What is sent of a model with two shapes ends in ``Input``; what arrives has the plain name, so a model that is only
    received keeps its name when it is sent, too.
    """
    taken = {f"{name}{suffix}" for name in namespaces for suffix in NAMESPACE_SUFFIXES}
    taken |= {f"connect{name}" for name in namespaces} | _TAKEN | _RESERVED
    wishes = {key: _wish_for(key, contract) for key in contract.models}
    checked = {f"{wish.short}Schema" for wish in wishes.values()}  # what the schemas of the others may be called
    settled = _settle(wishes, frozenset(taken | checked), "Model")
    return {
        key: Named(name, name != re.sub(f"{INPUT}$", "Input", key.removesuffix(OUTPUT)))
        for key, name in settled.items()
    }


def name_methods(namespace: NamespaceContract) -> dict[str, str]:
    """Return the method of each event: its name on the wire, with ``_`` after it where the client has that itself."""
    events = {event.name for event in namespace.client_events}
    names = {name: name for name in events if name not in _MEMBERS}
    for name in sorted(events & _MEMBERS):
        method = f"{name}_"
        while method in names.values():
            method += "_"
        names[name] = method
    return names


def name_parameters(names: Iterable[str]) -> list[str]:
    """Return identifiers for parameters, each of its own."""
    found: list[str] = []
    for name in names:
        word = name if is_identifier(name) else re.sub(r"\W", "_", name) or "value"
        word = word if is_identifier(word) else f"_{word}"
        while word in found or word in _RESERVED or word in _OWN_PARAMETERS:
            word += "_"
        found.append(word)
    return found


def _wish_for(key: str, contract: Contract) -> _Wish:
    whole = key.removesuffix(INPUT).removesuffix(OUTPUT)
    ending = "Input" if key.endswith(INPUT) else ""
    title = str(contract.models[key].get("title", ""))
    module, own = _split(whole, title)
    short = _pascal(f"{module[-1]} {own}" if module else own) + ending
    long = _pascal(" ".join([*module, own])) + ending
    return _Wish(short, long, exact=short == whole)


def _split(whole: str, title: str) -> tuple[list[str], str]:
    """Return the module that stands before a model's own name where two have the same, and that name."""
    plain = re.sub(r"[^a-zA-Z0-9.\-_]", "_", title)
    if plain and whole == plain:
        return [], title
    if plain and whole.endswith(f"__{plain}"):
        return [part for part in whole[: -len(plain) - 2].split("__") if part], title
    return [], whole


def _pascal(text: str) -> str:
    """Return the words of *text* in one, each with a capital; an identifier stays as it is but for its first letter."""
    words = [text] if is_identifier(text) else re.findall(r"[^\W_]+", text)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if is_identifier(name) else f"_{name}"


def _settle(wishes: Mapping[str, _Wish], taken: frozenset[str], more: str) -> dict[str, str]:
    """Give each its short name where it is the only one to want it, else its long one, else one with a mark of its key."""
    wanted: dict[str, list[str]] = {}
    for key in sorted(wishes):
        wanted.setdefault(_free(wishes[key].short, taken, more), []).append(key)
    found: dict[str, str] = {}
    for name, keys in wanted.items():
        exact = [key for key in keys if wishes[key].exact]
        winner = keys[0] if len(keys) == 1 else exact[0] if len(exact) == 1 else None
        if winner is not None:
            found[winner] = name
    longs = [_free(wishes[key].long, taken, more) for key in wishes if key not in found]
    for key in sorted(wishes.keys() - found.keys()):
        name = _free(wishes[key].long, taken, more)
        clashes = longs.count(name) > 1 or name in found.values()
        found[key] = f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:6]}" if clashes else name
    return found


def _free(name: str, taken: frozenset[str], more: str) -> str:
    while name in taken:
        name += more
    return name
