"""Bytes, sockets and threads: from Engine.IO up to the packets of one connection.

Built on python-engineio and python-socketio through the seams that `server` and `engine` name; nothing here knows
handlers or payloads.
"""
