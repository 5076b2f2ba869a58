"""No Socket.IO server at all, only its frames, on picows and uvloop: ``bound.py PORT [pydantic]``.

It bounds what the others can reach. Without ``pydantic`` it looks at nothing but the ack's number, so that its rate is
the one of the load.
"""

from __future__ import annotations

import sys
from typing import Literal

import uvloop
from chat import Message, post
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server
from pydantic import TypeAdapter
from pydantic_core import to_json

OPEN = b'0{"sid":"bound","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECT = b"40/chat,"
START = len(b"42/chat,")  # then the ack's number, of four digits, and the array
ANSWER = b'{"id":1,"room":"lobby","author":"ada","length":58}'
DELIVERY = b'42/chat,["posted",' + ANSWER + b"]"
EVENT = TypeAdapter(tuple[Literal["message", "broadcast"], Message])
clients: set[WSTransport] = set()


class Frames(WSListener):
    """Answers each event with the same bytes, and sends each broadcast to all."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, OPEN)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        clients.discard(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        if frame.msg_type is not WSMsgType.TEXT:
            return
        text = frame.get_payload_as_bytes()
        if text == CONNECT:
            clients.add(transport)
            transport.send(WSMsgType.TEXT, b'40/chat,{"sid":"bound"}')
        elif text.startswith(b"42"):
            answer = self.answer(text)
            if text.startswith(b'["broadcast"', START + 4):
                for client in list(clients):
                    client.send(WSMsgType.TEXT, DELIVERY)
            transport.send(WSMsgType.TEXT, b"43/chat," + text[START : START + 4] + b"[" + answer + b"]")

    def answer(self, text: bytes) -> bytes:
        return ANSWER


class Typed(Frames):
    """Does the work of the handler: validates the payload, serializes the ack."""

    def answer(self, text: bytes) -> bytes:
        _, message = EVENT.validate_json(text[START + 4 :])
        return to_json(post(message))


async def serve(port: int, listener: type[Frames]) -> None:
    server = await ws_create_server(lambda request: listener(), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Typed if "pydantic" in sys.argv else Frames))
