"""A wire between a client and a PostgreSQL server, to cut at a commit, before the server has it or after; or anywhere."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

_COMMIT = b"COMMIT\0"


class Wire:
    """Passes everything on, until `cut` arms it: then connections end at the commits that are named."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{self._listener.getsockname()[1]}").geturl()
        self._cuts = []
        self._left, self._deed = None, None
        self._guard = threading.Lock()
        self._gates, self._open = [], True
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *commits):
        """What happens to the next commits, in their order: None, "before" the server has it, or "after"."""
        with self._guard:
            self._cuts, self.cuts = list(commits), 0

    def at(self, message, deed):
        """Do something when so many more messages came, then end the connection. Whether the one before was done."""
        with self._guard:
            before, self._deed = self._deed, deed
            self._left = message
            return before is None

    def freeze(self, *, new=True):
        """Pass nothing on any more, on connections that stay open; nor on `new` ones."""
        with self._guard:
            self._open = not new
            for gate in self._gates:
                gate.clear()

    def thaw(self):
        """Go on where it stopped."""
        with self._guard:
            self._open = True
            for gate in self._gates:
                gate.set()

    def close(self):
        self._listener.close()
        self.thaw()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # it is away just now, and so is the wire
                    client.close()
                    continue
                gate = threading.Event()
                with self._guard:
                    self._gates.append(gate)
                    if self._open:
                        gate.set()
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server, gate), daemon=True).start()

    def _ask(self, client, server, gate):
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(65_536):
                gate.wait()
                if (deed := self._due()) is not None:
                    deed()
                    return
                how = self._next() if _COMMIT in data else None
                if how == "before":
                    server.shutdown(socket.SHUT_RDWR)
                    return
                if how == "after":
                    client.shutdown(socket.SHUT_RDWR)  # nobody hears the answer
                    server.sendall(data)
                    server.settimeout(10)
                    with contextlib.suppress(TimeoutError):
                        server.recv(1)
                    return
                server.sendall(data)

    def _answer(self, client, server, gate):
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                gate.wait()
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _due(self):
        with self._guard:
            if self._deed is None:
                return None
            self._left -= 1
            if self._left >= 0:
                return None
            deed, self._deed = self._deed, None
            return deed

    def _next(self):
        with self._guard:
            how = self._cuts.pop(0) if self._cuts else None
            self.cuts += how is not None
            return how
