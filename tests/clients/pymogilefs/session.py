"""What a user of pymogilefs does, against the tracker in TRACKER."""

import io
import os

from pymogilefs import backend
from pymogilefs.client import Client
from pymogilefs.exceptions import MogilefsError


class Rename(backend.RequestConfig):
    """pymogilefs has no rename of its own; this is how it would ask."""

    COMMAND = "rename"


def refusal(ask):
    """The code that a request is refused with."""
    try:
        ask()
    except MogilefsError as error:
        return error.code
    return None


domain = os.environ["DOMAIN"]
client = Client([os.environ["TRACKER"]], domain)
content = bytes(range(256)) * 500

for key in ["one", "two", "odd key=&%"]:
    stored = client.store_file(io.BytesIO(content), key)
    assert stored["length"] == len(content), stored
    assert client.get_file(key).read() == content, key

empty = client.list_keys(prefix="nothing").data
assert empty["key_count"] == 0, empty
listed = client.list_keys(prefix="o", limit=10).data
assert sorted(listed["keys"].values()) == ["odd+key%3D%26%25", "one"], listed
behind = client.list_keys(after="one", limit=10).data
assert list(behind["keys"].values()) == ["two"], behind

client._do_request(Rename, domain=domain, from_key="one", to_key="three")
assert refusal(lambda: client.get_file("one")) == "unknown_key"
assert client.get_file("three").read() == content
taken = refusal(lambda: client._do_request(Rename, domain=domain, from_key="two", to_key="three"))
assert taken == "key_exists", taken

client.delete_file("two")
assert refusal(lambda: client.get_paths("two")) == "unknown_key"
assert refusal(lambda: client.delete_file("two")) == "unknown_key"

client.store_file(io.BytesIO(b"again"), "three")
assert client.get_file("three").read() == b"again"
