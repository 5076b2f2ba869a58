"""A real server in each async mode, the official client and raw sockets against it."""
