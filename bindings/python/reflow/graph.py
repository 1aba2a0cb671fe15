"""Graphs: documents of nodes and connections, to be made, edited, loaded, saved, checked and drawn."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from . import _reflow
from ._naming import telling
from ._ports import port_of, port_text
from .errors import AlreadyExistsError, GraphError, InvalidArgumentError

if TYPE_CHECKING:
    from ._ports import PortLike
    from .actors import Actor
    from .runtime import Runtime

FORMATS = {"auto": 0, "json": 1, "yaml": 2, "msgpack": 3}
PICTURES = {"text": 1, "mermaid": 2, "dot": 3, "svg": 4, "html": 5}

PathLike = Union[str, "os.PathLike[str]"]


class Place(NamedTuple):
    """Where a value of a document stands: line and column from 1, offset and column in bytes."""

    line: int
    column: int
    offset: int


class Finding(NamedTuple):
    """What :meth:`Graph.validate` has found.

    ``severity`` is "error" (the graph does not run), "warning" (it runs, but look) or "note".
    ``path`` is that of the value in the document, such as ``$.connections[3].tgt``; ``file`` that of a
    subgraph, or empty.
    """

    severity: str
    code: str
    message: str
    hint: str
    node: str
    port: str
    path: str
    file: str

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.severity}: {self.message}{hint}"


class Connection(NamedTuple):
    """A connection: both ends as ``"node.port"`` and its metadata, such as ``{"capacity": 10}``."""

    source: str
    target: str
    metadata: Dict[str, Any]


class Initial(NamedTuple):
    """An initial packet: what is sent to an inport when the network starts."""

    target: str
    value: Any


class Node(NamedTuple):
    """A node: the id of its component, and its configuration."""

    component: str
    config: Dict[str, Any]


def _number(table: Mapping[str, int], name: str, what: str) -> int:
    try:
        return table[name]
    except (KeyError, TypeError):
        import difflib

        near = difflib.get_close_matches(str(name), table, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(table)
        raise InvalidArgumentError(f"no {what} named {name!r}", hint=hint) from None


def _end(value: Mapping[str, Any]) -> str:
    return port_text(str(value["nodeId"]), str(value["portId"]), value.get("index"))


def _is_initial(entry: Mapping[str, Any]) -> bool:
    return (
        entry.get("data") is not None
        or bool(entry.get("initial"))
        or not (entry.get("from") or {}).get("nodeId")
    )


def _exposed(section: Optional[Mapping[str, Any]]) -> Dict[str, List[str]]:
    return {
        name: [_end(end) for end in (ends if isinstance(ends, list) else [ends])]
        for name, ends in (section or {}).items()
    }


def document_places(
    document: Union[str, bytes], paths: Sequence[str], *, format: str = "auto", name: str = ""
) -> List[Optional[Place]]:
    """Where values of a graph document stand, one for each path (``"$.connections[3].tgt"``).

    None where nothing is known: in MessagePack, and in YAML beyond 4 MiB. ``name``, that of the file,
    tells the format if it is "auto".
    """
    data = document.encode("utf-8") if isinstance(document, str) else bytes(document)
    found = _reflow.document_places(data, list(paths), _number(FORMATS, format, "format"), name)
    return [None if f is None else Place(f["line"], f["column"], f["offset"]) for f in found]


@telling
class Graph:
    """A document of nodes, connections, initial packets, exposed ports, groups and properties.

    A graph has no threads and runs nothing; :class:`reflow.Network` takes it and makes it run, and
    :func:`reflow.run` does both. Edits return the graph, so that they can be chained; one that cannot be
    made raises and changes nothing::

        graph = reflow.Graph("hello")
        graph.add("greet", "Map", {"set": {"text": "'hello ' + name"}}).add("log", "Log")
        graph.connect("greet.out", "log.in").initial("greet.in", {"name": "world"})
        graph.save("hello.graph.json")

    In Jupyter a graph shows itself as a picture. Graphs compare equal if they say the same, and can be
    copied and pickled. One thread at a time uses a graph.
    """

    __slots__ = ("_handle", "_components", "__weakref__")

    def __init__(self, name: str = "") -> None:
        """An empty graph; ``name`` is its property "name"."""
        self._handle = _reflow.Graph.create(name)
        self._components: Dict[str, "Actor"] = {}

    @classmethod
    def _of(cls, handle: "_reflow.Graph") -> "Graph":
        graph = cls.__new__(cls)
        graph._handle = handle
        graph._components = {}
        return graph

    # ---- documents -----------------------------------------------------------------------------

    @classmethod
    def load(cls, path: PathLike) -> "Graph":
        """Reads a graph from a file: JSON, YAML or MessagePack, told by its ending or its content.

        Components that read files look for relative paths in the folder of the graph, too. Raises
        reflow.IOError, ParseError or GraphError with file, line, column and path, LimitError.
        """
        return cls._of(_reflow.Graph.load_file(os.fspath(path)))

    @classmethod
    def parse(cls, document: Union[str, bytes], *, format: str = "auto", name: str = "") -> "Graph":
        """Reads a graph from a document in memory. ``name`` is used in errors and tells the format.

        ``format`` is "auto", "json", "yaml" or "msgpack". Raises as :meth:`load`.
        """
        data = document.encode("utf-8") if isinstance(document, str) else bytes(document)
        return cls._of(_reflow.Graph.load(data, _number(FORMATS, format, "format"), name))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Graph":
        """A graph from the document as Python values, as :meth:`to_dict` gives it."""
        from .values import json_of

        return cls.parse(json_of(document, "the document"), format="json")

    def save(self, path: PathLike, *, format: str = "auto") -> None:
        """Writes the graph into a file, which is replaced as a whole or not at all. Folders that are not there are made.

        "auto" is told by the ending of the name, and JSON without a known one. Raises reflow.IOError.
        """
        name = os.fspath(path)
        if format == "auto":
            ending = os.path.splitext(name)[1].lower()
            format = {".yaml": "yaml", ".yml": "yaml", ".msgpack": "msgpack"}.get(ending, "json")
        self._handle.save_file(name, _number(FORMATS, format, "format"))

    def dump(self, *, format: str = "json") -> str:
        """The document as text, complete: parsing it gives an equal graph. "json" or "yaml"."""
        if format == "msgpack":
            raise InvalidArgumentError("MessagePack is not text", hint="call dump_bytes")
        return self.dump_bytes(format=format).decode("utf-8")

    def dump_bytes(self, *, format: str = "msgpack") -> bytes:
        """The document as bytes: "msgpack", "json" or "yaml"."""
        return self._handle.save(_number(FORMATS, format, "format"))

    def to_dict(self) -> Dict[str, Any]:
        """The document as Python values: the object of its JSON form."""
        document: Dict[str, Any] = self._handle.to_message()
        return document

    def copy(self) -> "Graph":
        """A copy that shares nothing that can change."""
        graph = self._of(self._handle.copy())
        graph._components = dict(self._components)
        return graph

    # ---- edits ---------------------------------------------------------------------------------

    def add(
        self,
        id: str,
        component: Union[str, "Actor"],
        config: Optional[Mapping[str, Any]] = None,
    ) -> "Graph":
        """Adds a node. ``component`` is the id of one, or an actor made by ``@reflow.actor``.

        Raises AlreadyExistsError for an id in use, ConversionError for a configuration that no message
        can hold.
        """
        self._handle.add_node(id, self._component(component), _config(config))
        return self

    def remove(self, id: str) -> "Graph":
        """Removes a node with its connections, initial packets, exposed ports and group memberships."""
        self._handle.remove_node(id)
        return self

    def rename(self, id: str, new_id: str) -> "Graph":
        """Gives a node another id everywhere."""
        self._handle.rename_node(id, new_id)
        return self

    def set_component(self, id: str, component: Union[str, "Actor"]) -> "Graph":
        """Gives a node another component."""
        self._handle.set_component(id, self._component(component))
        return self

    def set_config(self, id: str, config: Optional[Mapping[str, Any]]) -> "Graph":
        """Replaces the whole configuration of a node."""
        self._handle.set_config(id, _config(config))
        return self

    def set(self, id: str, key: str, value: Any) -> "Graph":
        """Sets one value in the configuration of a node; ``key`` may be a path: "rules.0.when".

        Objects on the way are made; an array must have the index or be one short of it. Raises
        NotFoundError for an unknown node or a path that cannot be followed.
        """
        self._handle.set_config_value(id, key, value)
        return self

    def unset(self, id: str, key: str) -> "Graph":
        """Removes a key from the configuration of a node."""
        self._handle.set_config_value(id, key, ...)
        return self

    def resolve_env(self, environment: Optional[Mapping[str, str]] = None) -> "Graph":
        """Puts environment variables into the configuration of the nodes that ask for them by ``env_vars``:
        ``{"API_KEY": "required", "TRACE": "optional", "REGION": "optional:eu"}``.

        A variable that is set becomes the value of its name; a default does if nothing is there. Nodes of
        subgraphs have theirs likewise. ``environment`` is ``os.environ`` if nothing is said. Documents that
        are made of the graph have the values in them. Raises NotFoundError, which names every variable that
        is required and not set, or InvalidUtf8Error; the graph is then as it was.
        """
        self._handle.resolve_env(_variables(os.environ if environment is None else environment))
        return self

    def connect(
        self,
        source: PortLike,
        target: PortLike,
        *,
        capacity: Optional[int] = None,
        capacity_bytes: Optional[int] = None,
        kind: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> "Graph":
        """Connects an outport to an inport: ``connect("read.out", "log.in")``.

        ``capacity`` (packets) and ``capacity_bytes`` (payload) bound the queue at the inport; ``kind``
        says what happens when it is full: "reliable" (holds the sender back, the default), "latest",
        "drop-oldest" or "drop-newest". Raises NotFoundError, AlreadyExistsError.
        """
        all_metadata = dict(metadata or {})
        for key, value in (
            ("capacity", capacity), ("capacity_bytes", capacity_bytes), ("kind", kind)
        ):
            if value is not None:
                all_metadata[key] = value
        self._handle.connect(port_of(source), port_of(target), all_metadata or ...)
        return self

    def disconnect(self, source: PortLike, target: PortLike) -> "Graph":
        """Removes a connection."""
        self._handle.disconnect(port_of(source), port_of(target))
        return self

    def initial(self, target: PortLike, value: Any) -> "Graph":
        """Adds an initial packet; a port may have several, which arrive in order."""
        self._handle.add_initial(port_of(target), value)
        return self

    def remove_initials(self, target: PortLike) -> "Graph":
        """Removes all initial packets of an inport."""
        self._handle.remove_initials(port_of(target))
        return self

    def expose_in(self, name: str, target: PortLike, type: str = "any") -> "Graph":
        """Exposes an inport of a node under a public name; ``type`` such as "integer", "array<float>"."""
        self._handle.add_inport(name, port_of(target), type)
        return self

    def expose_out(self, name: str, source: PortLike, type: str = "any") -> "Graph":
        """Exposes an outport of a node under a public name: the results of :func:`reflow.run`."""
        self._handle.add_outport(name, port_of(source), type)
        return self

    def hide_in(self, name: str) -> "Graph":
        """Hides an exposed inport again."""
        self._handle.remove_inport(name)
        return self

    def hide_out(self, name: str) -> "Graph":
        """Hides an exposed outport again."""
        self._handle.remove_outport(name)
        return self

    def add_group(self, id: str, nodes: Iterable[str]) -> "Graph":
        """Names a set of nodes, for people and editors."""
        self._handle.add_group(id, list(nodes))
        return self

    def remove_group(self, id: str) -> "Graph":
        """Removes a group; its nodes stay."""
        self._handle.remove_group(id)
        return self

    def set_property(self, key: str, value: Any) -> "Graph":
        """Sets a property of the graph, such as "description" or "on_stall"; "name" is the name."""
        self._handle.set_property(key, value)
        return self

    def remove_property(self, key: str) -> "Graph":
        """Removes a property."""
        self._handle.set_property(key, ...)
        return self

    def _component(self, component: Union[str, "Actor"]) -> str:
        if isinstance(component, str):
            return component
        from .actors import Actor, actor

        made = component if isinstance(component, Actor) else actor(component)
        known = self._components.setdefault(made.id, made)
        if known is not made and known.target is not made.target:
            raise AlreadyExistsError(
                f"the graph has another actor named {made.id!r}", hint="give one of them an id"
            )
        return made.id

    # ---- looking -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The property "name"; setting it sets that."""
        return str(self.properties.get("name", ""))

    @name.setter
    def name(self, value: str) -> None:
        self.set_property("name", value)

    @property
    def properties(self) -> Dict[str, Any]:
        """All properties, as a copy."""
        return dict(self.to_dict().get("properties") or {})

    @property
    def nodes(self) -> Dict[str, Node]:
        """All nodes by their ids, in the order of the document, as a copy."""
        processes = self.to_dict().get("processes") or {}
        return {
            id: Node(str(node.get("component", "")), dict(node.get("metadata") or {}))
            for id, node in processes.items()
        }

    @property
    def connections(self) -> List[Connection]:
        """All connections in the order of the document, as a copy."""
        return [
            Connection(_end(each["from"]), _end(each["to"]), dict(each.get("metadata") or {}))
            for each in self.to_dict().get("connections") or []
            if not _is_initial(each)
        ]

    @property
    def initials(self) -> List[Initial]:
        """All initial packets in the order of the document, as a copy."""
        return [
            Initial(_end(each["to"]), each.get("data"))
            for each in self.to_dict().get("connections") or []
            if _is_initial(each)
        ]

    @property
    def inports(self) -> Dict[str, List[str]]:
        """The exposed inports: public name to the ports that it leads to."""
        return _exposed(self.to_dict().get("inports"))

    @property
    def outports(self) -> Dict[str, List[str]]:
        """The exposed outports: public name to the ports that lead to it."""
        return _exposed(self.to_dict().get("outports"))

    @property
    def groups(self) -> Dict[str, List[str]]:
        """The groups: id to the ids of nodes."""
        return {str(g["id"]): list(g.get("nodes") or []) for g in self.to_dict().get("groups") or []}

    def config(self, id: str) -> Dict[str, Any]:
        """The configuration of a node, as a copy; empty if it has none."""
        return dict(self._handle.config(id) or {})

    def __len__(self) -> int:
        """How many nodes there are."""
        return self._handle.node_count

    def __bool__(self) -> bool:
        return True

    def __contains__(self, id: object) -> bool:
        """Whether a node has this id."""
        return id in self.nodes

    def __iter__(self) -> Iterator[str]:
        """The ids of the nodes."""
        return iter(self.nodes)

    def __getitem__(self, id: str) -> Node:
        """A node by its id. Raises NotFoundError with a hint."""
        nodes = self.nodes
        if id not in nodes:
            from .errors import NotFoundError, suggest

            raise NotFoundError(f"the graph has no node {id!r}", hint=suggest(id, list(nodes)))
        return Node(nodes[id].component, self.config(id))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return self._handle.equal(other._handle)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> "Graph":
        return self.copy()

    def __deepcopy__(self, memo: Dict[int, Any]) -> "Graph":
        return self.copy()

    def __reduce__(self) -> Tuple[Any, ...]:
        if self._components:
            names = ", ".join(sorted(self._components))
            raise TypeError(f"a graph with actors of this process cannot be pickled: {names}")
        return _parse_msgpack, (self.dump_bytes(),)

    def __repr__(self) -> str:
        return (
            f"<reflow.Graph {self.name!r}: {len(self)} nodes, "
            f"{self._handle.connection_count} connections>"
        )

    # ---- for networks ----------------------------------------------------------------------------

    def _capsule(self) -> Any:
        """What a network takes: the graph of the engine, to be copied."""
        return self._handle.capsule()

    def _register(self, runtime: "Runtime") -> None:
        """Makes the actors of the graph known to a runtime, under the ids that the graph has."""
        for id, made in self._components.items():
            if runtime.register(made) != id:
                raise AlreadyExistsError(f"the runtime has another component {id!r}")

    # ---- checking and drawing ------------------------------------------------------------------

    def validate(
        self, runtime: Optional["Runtime"] = None, *, components: bool = True
    ) -> List[Finding]:
        """Lists what is wrong or worth a look, those of its subgraphs too; empty if there is nothing.

        Components are those of the engine and the actors that the graph was given, or those of
        ``runtime``. Without ``components`` they are not looked at, only what the document says.
        """
        if runtime is None and components:
            from .runtime import Runtime

            with Runtime(mode="inline") as looking:
                self._register(looking)
                return self.validate(looking)
        found = _reflow.validate(self._handle, runtime if components else None)
        return [Finding(*(str(each.get(key) or "") for key in Finding._fields)) for each in found]

    def check(self, runtime: Optional["Runtime"] = None) -> "Graph":
        """Raises GraphError if the graph cannot run, and returns it otherwise."""
        errors = [finding for finding in self.validate(runtime) if finding.severity == "error"]
        if errors:
            first = errors[0]
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            raise GraphError(
                first.message + more, hint=first.hint, file=first.file, path=first.path,
                node=first.node, port=first.port,
            )
        return self

    def draw(self, kind: str = "text", *, depth: int = 0, dark: bool = False) -> str:
        """Draws the graph: "text", "mermaid", "dot", "svg" or "html".

        ``depth`` levels of subgraphs are expanded; ``dark`` is for a dark background.
        """
        return self._handle.render(_number(PICTURES, kind, "picture"), depth, dark)

    def _repr_mimebundle_(
        self, include: Optional[Iterable[str]] = None, exclude: Optional[Iterable[str]] = None
    ) -> Dict[str, str]:
        """What Jupyter shows: the drawing, and text for a terminal."""
        makers: Dict[str, Callable[[], str]] = {
            "image/svg+xml": lambda: self.draw("svg"),
            "text/html": lambda: self.draw("svg"),
            "text/plain": lambda: repr(self),
        }
        wanted = set(makers) if include is None else set(include) & set(makers)
        wanted -= set(exclude or ())
        return {kind: make() for kind, make in makers.items() if kind in wanted}

    def _repr_svg_(self) -> str:
        return self.draw("svg")


def _config(config: Optional[Mapping[str, Any]]) -> Any:
    return ... if config is None else dict(config)


def _variables(environment: Mapping[str, str]) -> Dict[str, Union[str, bytes]]:
    """What is no text becomes bytes, which are refused if a node asks for them; names are those of documents."""
    variables: Dict[str, Union[str, bytes]] = {}
    for name, value in environment.items():
        try:
            name.encode()
        except UnicodeEncodeError:
            continue
        try:
            value.encode()
        except UnicodeEncodeError:
            variables[name] = os.fsencode(value)
        else:
            variables[name] = value
    return variables


def _parse_msgpack(data: bytes) -> Graph:
    return Graph.parse(data, format="msgpack")
