# Types of the package: what `import reflow` gives.
from typing import Any, Dict, Final, List

from . import errors as errors
from ._operations import DeadLetterCounts as DeadLetterCounts
from ._operations import DeadLetters as DeadLetters
from ._operations import NodeState as NodeState
from ._arun import arun as arun
from ._http import HttpRequest as HttpRequest
from ._http import LostMessage as LostMessage
from ._reflow import Context as Context
from ._reflow import Message as Message
from ._run import Result as Result
from ._run import run as run
from .actors import Actor as Actor
from .actors import Port as Port
from .actors import actor as actor
from .errors import *
from .events import Event as Event
from .events import Events as Events
from .graph import Graph as Graph
from .graph import document_places as document_places
from .network import Network as Network
from .network import Output as Output
from .peer import DiscoveryServer as DiscoveryServer
from .peer import Peer as Peer
from .peer import PeerEvents as PeerEvents
from .peer import PeerMesh as PeerMesh
from .peer import RemotePeer as RemotePeer
from .recording import Replay as Replay
from .recording import ReplayState as ReplayState
from .recording import replay as replay
from .runtime import Failure as Failure
from .runtime import Runtime as Runtime
from .stream import Stream as Stream
from .values import register_converter as register_converter
from .values import unregister_converter as unregister_converter

__version__: Final[str]

#: A signal without content.
FLOW: Final[Message]

def components() -> List[Dict[str, Any]]: ...
def feature(name: str) -> bool: ...
