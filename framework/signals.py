"""What happens, told to whoever wants to know: blinker signals, as Flask's own.

Signals observe; they decide nothing, and their order is undefined. A receiver takes the sender, the Flask application (the
``SocketIO`` where there is none), and keyword arguments; it should accept ``**extra``, since more may come. A receiver
that raises is logged and disturbs nothing: not the event, not the other receivers. Without receivers a signal costs a
look at a dictionary. No Flask context is promised.
"""

from __future__ import annotations

import logging
from typing import Any

from blinker import NamedSignal, Namespace

logger = logging.getLogger("framework")

_signals = Namespace()

namespace_registered = _signals.signal("namespace-registered")
client_connecting = _signals.signal("client-connecting")
client_connected = _signals.signal("client-connected")
client_refused = _signals.signal("client-refused")
client_disconnected = _signals.signal("client-disconnected")
event_received = _signals.signal("event-received")
event_handled = _signals.signal("event-handled")
event_failed = _signals.signal("event-failed")
stream_ended = _signals.signal("stream-ended")
emitted = _signals.signal("emitted")
plugin_loaded = _signals.signal("plugin-loaded")
server_starting = _signals.signal("server-starting")
server_draining = _signals.signal("server-draining")
server_stopped = _signals.signal("server-stopped")


def notify(signal: NamedSignal, sender: Any, **about: Any) -> None:
    """Send *signal* to its receivers, if there are any; what one of them raises is logged."""
    if signal.receivers:
        for receiver in signal.receivers_for(sender):
            try:
                receiver(sender, **about)
            except Exception:
                logger.exception("a receiver of the signal %s failed", signal.name)
