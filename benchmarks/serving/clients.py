"""A page without a browser: it loads, opens its websocket, and tells what a reader does."""

import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

_LARGEST = 200 << 20
_KEYS = ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "]")
_SHOWN = {
    "kind": "MessageSent", "msg_type": "bokeh_event",
    "msg_data": {"type": "event", "name": "document_ready", "values": {"type": "map"}},
}  # fmt: skip


class Client:
    """One reader on a real websocket; speaks Bokeh's protocol.

    Attributes
    ----------
    loading
        Seconds from asking for the page until all of it has come.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._random = random.Random(seed)

    async def open(self) -> None:
        """Load the page as a browser does."""
        start = time.perf_counter()
        origin = "/".join(self._url.split("/")[:3])
        asked = HTTPRequest(self._url, request_timeout=120)
        page = (await AsyncHTTPClient(max_clients=100).fetch(asked)).body.decode()
        token = re.search(r'"token":"([^"]+)"', page)[1]
        address = f"{self._url.split('?')[0].replace('http', 'ws', 1)}/ws"
        request = HTTPRequest(address, headers={"Origin": origin}, request_timeout=120)
        self._socket = await websocket_connect(
            request, subprotocols=["bokeh", token], max_message_size=_LARGEST
        )
        self._socket.protocol.stream.set_nodelay(True)  # as browsers do
        await self._message()  # ACK
        document = json.loads(await self._ask("PULL-DOC-REQ", {}))["doc"]
        self._keys, self._images, self._heads, self._count = _places(document)
        self._told = _named(document, "pruning_note")
        self.loading = time.perf_counter() - start
        await self._ask("PATCH-DOC", {"events": [_SHOWN]})  # from now on the model is asked

    async def act(self) -> float:
        """Step, or brush images or heads; seconds until the server has answered."""
        start = time.perf_counter()
        if self._random.random() < 0.5:
            key = self._random.choice(_KEYS)
            await self._change(self._keys, "tags", [key, self._random.random()])
        else:
            source, count = self._random.choice(
                [(self._images, self._count[0]), (self._heads, self._count[1])]
            )
            chosen = self._random.sample(range(count), count // 4)
            await self._change(source, "indices", sorted(chosen))
        return time.perf_counter() - start

    async def ping(self) -> float:
        """Seconds until the server has answered a question that needs no work."""
        start = time.perf_counter()
        await self._ask("SERVER-INFO-REQ", {})
        return time.perf_counter() - start

    async def answered(self) -> None:
        """Wait until the model has told what pruning the parts of the first head changes."""
        while True:
            header, content = await self._message()
            events = json.loads(content)["events"] if header["msgtype"] == "PATCH-DOC" else ()
            if any(self._tells(event) for event in events):
                return

    def _tells(self, event: dict[str, Any]) -> bool:
        if event.get("model", {}).get("id") != self._told or event.get("attr") != "text":
            return False
        return "computing" not in event["new"] and event["new"].startswith("L")

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    async def _change(self, model: str, attribute: str, new: object) -> None:
        event = {"kind": "ModelChanged", "model": {"id": model}, "attr": attribute, "new": new}
        await self._ask("PATCH-DOC", {"events": [event]})

    async def _ask(self, kind: str, content: dict[str, Any]) -> str:
        """Content of the message that answers; what else comes is read and dropped."""
        number = uuid4().hex
        for part in ({"msgid": number, "msgtype": kind}, {}, content):
            await self._socket.write_message(json.dumps(part))
        while True:
            header, answer = await self._message()
            if header.get("reqid") == number:
                if header["msgtype"] == "ERROR":
                    raise RuntimeError(answer)
                return answer

    async def _message(self) -> tuple[dict[str, Any], str]:
        header = json.loads(await self._part())
        await self._part()  # metadata
        content = await self._part()
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._part()
        return header, content

    async def _part(self) -> str:
        part = await self._socket.read_message()
        if part is None:
            raise ConnectionError("the server closed the connection")
        return part


def _parts(document: Any) -> Iterator[dict[str, Any]]:
    """All objects of a document as JSON, whatever they are in."""
    if isinstance(document, dict):
        yield document
    if isinstance(document, (dict, list)):
        for one in document.values() if isinstance(document, dict) else document:
            yield from _parts(one)


def _named(document: Any, name: str) -> str:
    """The id of the model of a name."""
    found = (part for part in _parts(document) if part.get("attributes", {}).get("name") == name)
    return next(found)["id"]


def _places(document: Any) -> tuple[str, str, str, tuple[int, int]]:
    """Ids of the keys and of the selections of images and heads, and how many there are."""
    found: dict[str, tuple[str, int]] = {}
    for part in _parts(document):
        if part.get("name") == "ColumnDataSource":
            attributes = part["attributes"]
            columns = dict(attributes["data"].get("entries", ()))
            for column, name in (("thumbnail", "images"), ("layer_jitter", "heads")):
                if column in columns:
                    names = columns["name" if name == "images" else "label"]
                    found[name] = attributes["selected"]["id"], len(names)
    (images, m), (heads, n) = found["images"], found["heads"]
    return _named(document, "keys"), images, heads, (m, n)
