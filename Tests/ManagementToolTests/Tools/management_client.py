"""A small client of the management HTTP API, with nothing but the standard library."""

import base64
import http.client
import json
import urllib.parse


def quoted(name):
    """A name as one segment of a path."""
    return urllib.parse.quote(name, safe="")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class ManagementClient:
    """Keeps one connection, and opens another when the broker has closed it."""

    def __init__(self, port, user="guest", password="guest", host="127.0.0.1", timeout_seconds=30):
        self.host = host
        self.port = port
        self.timeout_seconds = timeout_seconds
        self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.connection = None

    def request(self, method, path, body=None, headers=None):
        """A body that is no string is sent as JSON."""
        data = None
        sent = {"Authorization": self.authorization} | (headers or {})
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_seconds)
            try:
                self.connection.request(method, path, body=data, headers=sent)
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.will_close:
                    self.close()
                return Answer(answer.status, dict(answer.getheaders()), content)
            except (http.client.HTTPException, ConnectionError):
                self.close()
                if attempt == 2:
                    raise

    def get(self, path):
        """The answer's JSON; anything but 200 is an error."""
        answer = self.request("GET", path)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.body[:200]}"
        return answer.json

    def change(self, method, path, body=None):
        """A request that must succeed."""
        answer = self.request(method, path, body)
        assert answer.status in (200, 201, 202, 204), f"{method} {path}: {answer.status} {answer.body[:300]}"
        return answer

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
