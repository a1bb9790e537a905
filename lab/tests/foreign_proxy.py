"""A small proxy in another language, for `cargo lab check --cmd`. Usage: foreign_proxy.py LISTEN BACKEND

It does what stages 1 to 3 promise. It keeps no connections to the backend, so stage 4 is not for it.
"""

import select
import socket
import sys
import threading

BLOCK = 65536
HOP_BY_HOP = {b"connection", b"keep-alive", b"x-bytes"}
totals = {}
lock = threading.Lock()


def add(path, size):
    path = path if len(path) <= 1024 else b"(other)"
    with lock:
        totals[path] = totals.get(path, 0) + size
        return totals[path]


class Stream:
    """A socket, and what was read from it too early."""

    def __init__(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.buffer = connection, b""

    def some(self, most=BLOCK):
        if not self.buffer:
            self.buffer = self.socket.recv(BLOCK)
        piece, self.buffer = self.buffer[:most], self.buffer[most:]
        return piece

    def until(self, mark):
        while mark not in self.buffer:
            piece = self.socket.recv(BLOCK)
            if not piece:
                raise EOFError
            self.buffer += piece
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def exactly(self, size):
        while size:
            piece = self.some(size)
            if not piece:
                raise EOFError
            size -= len(piece)
            yield piece


class Head:
    def __init__(self, stream):
        lines = stream.until(b"\r\n\r\n")[:-4].split(b"\r\n")
        self.start, fields = lines[0], [line.partition(b":")[::2] for line in lines[1:]]
        self.values = {name.lower(): value.strip() for name, value in fields}
        named = self.values.get(b"connection", b"").lower().replace(b",", b" ").split()
        dropped = HOP_BY_HOP.union(named)
        # RFC 9110 section 5.1: field names are case-insensitive, so a proxy may change their case.
        self.kept = [name.lower() + b":" + value for name, value in fields if name.lower() not in dropped]
        self.closes = self.values.get(b"connection", b"").lower() == b"close"

    def encoded(self, *more):
        return b"\r\n".join([self.start, *self.kept, *more]) + b"\r\n\r\n"


def pieces(stream, values, without):
    """The body, piece by piece: the bytes as they came, and how many of them are content."""
    if b"transfer-encoding" in values:
        size = None
        while size != 0:
            line = stream.until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line, 0
            for piece in stream.exactly(size):
                yield piece, len(piece)
            if size:
                yield stream.until(b"\r\n"), 0
        while line != b"\r\n":
            line = stream.until(b"\r\n")
            yield line, 0
    elif b"content-length" in values:
        for piece in stream.exactly(int(values[b"content-length"])):
            yield piece, len(piece)
    elif without == "until closed":
        while piece := stream.some():
            yield piece, len(piece)


def upload(client, request, backend, finished):
    try:
        for piece, _ in pieces(client, request.values, "nothing"):
            backend.socket.sendall(piece)
        finished.set()
    except ValueError:
        # A bad chunk: the client is left without an answer.
        backend.socket.shutdown(socket.SHUT_RDWR)
    except (OSError, EOFError):
        pass


def wait_for_answer(client, backend):
    """Until the backend answers; an error if the client is reset before."""
    watched = [client.socket, backend.socket]
    while not backend.buffer and backend.socket not in (ready := select.select(watched, [], [])[0]):
        # A reset raises; the next request, or the end of the client's requests, must wait.
        client.socket.recv(1, socket.MSG_PEEK)
        watched.remove(client.socket)


def exchange(client, address):
    """One request and its response; whether the connection stays."""
    request = Head(client)
    method, target, _ = request.start.split(b" ", 2)
    path = target.split(b"?")[0]
    backend = Stream(socket.create_connection(address))
    try:
        backend.socket.sendall(request.encoded(b"Connection: close"))
        finished = threading.Event()
        if b"content-length" in request.values or b"transfer-encoding" in request.values:
            threading.Thread(target=upload, args=(client, request, backend, finished), daemon=True).start()
        else:
            finished.set()
            wait_for_answer(client, backend)
        response = Head(backend)
        while response.start.split(b" ")[1].startswith(b"1"):
            client.socket.sendall(response.encoded())
            response = Head(backend)
        has_body = method != b"HEAD"
        body = pieces(backend, response.values, "until closed") if has_body else iter(())
        announced = int(response.values.get(b"content-length", 0)) if has_body else 0
        is_framed = not has_body or b"content-length" in response.values or b"transfer-encoding" in response.values
        stays = is_framed and finished.is_set() and not request.closes
        total = b"X-Bytes: %d" % add(path, announced)
        client.socket.sendall(response.encoded(total, b"Connection: " + (b"keep-alive" if stays else b"close")))
        sent = 0
        try:
            for piece, size in body:
                # Counted first: whoever has the last byte may ask for the total at once.
                sent += size
                if not announced:
                    add(path, size)
                client.socket.sendall(piece)
        finally:
            if announced:
                add(path, sent - announced)
        return stays
    finally:
        backend.socket.close()


def serve(connection, address):
    client = Stream(connection)
    try:
        while exchange(client, address):
            pass
        connection.shutdown(socket.SHUT_RDWR)
    except (OSError, EOFError, ValueError):
        pass
    finally:
        connection.close()


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


listener = socket.create_server(address(sys.argv[1]), backlog=128)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted, address(sys.argv[2])), daemon=True).start()
