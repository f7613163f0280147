#!/usr/bin/env python3
"""What Terraform's RabbitMQ provider, rabbitmqadmin v2, KEDA and Flower send to the API, and what they read in its
answers.

usage: automation_clients.py --port HTTP_PORT --amqp-port PORT

The programs themselves are not run: their requests are, in their order, and each field that they read is looked at for
the type that they read it as. Terraform's provider goes through rabbit-hole, a client in Go: there a field of another
type than declared is an error, a field that is missing or null is its type's zero.
"""

import argparse
import time
import urllib.parse

import pika

from management_client import ManagementClient, quoted

NUMBER = (int, float)
RATE = {"rate": NUMBER}
U16, U32, U64 = range(1 << 16), range(1 << 32), range(1 << 64)
CHANNEL_DETAILS = {"connection_name": str, "name": str, "node": str, "number": int, "peer_host": str, "peer_port": int,
                   "user": str}
# rabbit-hole's structures, field by field.
MESSAGE_STATS = {name: int for name in (
    "publish", "deliver", "deliver_get", "redeliver", "get", "get_no_ack", "ack", "return_unroutable",
    "drop_unroutable")} | {f"{name}_details": RATE for name in (
        "publish", "deliver", "deliver_get", "redeliver", "get", "get_no_ack", "ack")}
QUEUE = {
    "name": str, "type": str, "vhost": str, "durable": bool, "auto_delete": bool, "exclusive": bool, "arguments": dict,
    "node": str, "state": str, "leader": str, "members": [str], "online": [str], "memory": int, "consumers": int,
    "consumer_utilisation": NUMBER, "exclusive_consumer_tag": str, "policy": str, "message_bytes": int,
    "message_bytes_persistent": int, "message_bytes_ram": int, "message_bytes_ready": int,
    "message_bytes_unacknowledged": int, "messages": int, "messages_details": RATE, "messages_persistent": int,
    "messages_ram": int, "messages_ready": int, "messages_ready_details": RATE, "messages_unacknowledged": int,
    "messages_unacknowledged_details": RATE, "message_stats": MESSAGE_STATS,
    "owner_pid_details": {"name": str, "peer_port": int, "peer_host": str},
    "consumer_details": [{
        "arguments": dict, "channel_details": CHANNEL_DETAILS, "ack_required": bool, "active": bool,
        "consumer_tag": str, "exclusive": bool, "prefetch_count": int, "queue": {"name": str, "vhost": str}}],
}
VHOST = {
    "name": str, "description": str, "tags": [str], "default_queue_type": str, "tracing": bool, "messages": int,
    "messages_details": RATE, "messages_ready": int, "messages_ready_details": RATE, "messages_unacknowledged": int,
    "messages_unacknowledged_details": RATE, "recv_oct": int, "send_oct": int, "recv_oct_details": RATE,
    "send_oct_details": RATE, "cluster_state": dict,
}
EXCHANGE = {
    "name": str, "vhost": str, "type": str, "durable": bool, "auto_delete": bool, "internal": bool, "arguments": dict,
    "policy": str,
    "message_stats": {"publish_in": int, "publish_in_details": RATE, "publish_out": int, "publish_out_details": RATE},
}
BINDING = {"source": str, "vhost": str, "destination": str, "destination_type": str, "routing_key": str,
           "arguments": dict, "properties_key": str}
USER = {"name": str, "password_hash": str, "hashing_algorithm": str, "tags": [str]}
PERMISSIONS = {"user": str, "vhost": str, "configure": str, "write": str, "read": str}
TOPIC_PERMISSIONS = {"user": str, "vhost": str, "exchange": str, "write": str, "read": str}
POLICY = {"vhost": str, "name": str, "pattern": str, "apply-to": str, "definition": dict, "priority": int}
LIMITS = {"vhost": str, "value": {"max-connections": int, "max-queues": int}}
PARAMETER = {"name": str, "vhost": str, "component": str, "value": dict}
OVERVIEW = {
    "management_version": str, "rabbitmq_version": str, "erlang_version": str, "erlang_full_version": str,
    "exchange_types": [{"name": str, "description": str, "enabled": bool}], "message_stats": MESSAGE_STATS,
    "queue_totals": {"messages": int, "messages_details": RATE, "messages_ready": int, "messages_ready_details": RATE,
                     "messages_unacknowledged": int, "messages_unacknowledged_details": RATE},
    "object_totals": {name: int for name in ("consumers", "queues", "exchanges", "connections", "channels")},
    "node": str, "statistics_db_node": str,
    "listeners": [{"node": str, "protocol": str, "ip_address": str, "port": int}],
    "contexts": [{"node": str, "description": str, "path": str, "port": (int, str)}],
}


def check_types(value, shape, where):
    if value is None:
        return
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: an object was expected, found {value!r}"
        for name, inner in shape.items():
            check_types(value.get(name), inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: a list was expected, found {value!r}"
        for item in value:
            check_types(item, shape[0], f"{where}[]")
    else:
        wanted = shape if isinstance(shape, tuple) else (shape,)
        # To Go a boolean is no number.
        assert isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool)), \
            f"{where}: {wanted} was expected, found {value!r}"


class Terraform:
    """Resources of the provider: made, read back, changed, read back, deleted, and found gone."""

    def __init__(self, client):
        self.client = client

    def read(self, path, shape):
        """As rabbit-hole reads: 404 is an answer too, which the provider takes for deleted."""
        answer = self.client.request("GET", f"/api/{path}")
        if answer.status == 404:
            assert isinstance(answer.json["error"], str) and isinstance(answer.json["reason"], str), answer.body
            return None
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.body[:200]}"
        check_types(answer.json, shape, path)
        return answer.json

    def send(self, method, path, body, *statuses):
        answer = self.client.request(method, f"/api/{path}", body)
        assert answer.status in statuses, f"{method} {path}: {answer.status} instead of {statuses}, {answer.body[:300]}"
        return answer

    def resource(self, path, versions, shape, fields, method="PUT"):
        """One that is put: each version is read back as it was written, and the last is deleted."""
        for number, body in enumerate(versions):
            self.send(method, path, body, 204 if number else 201)
            found = self.read(path, shape)
            for name, value in fields(body).items():
                assert found[name] == value, f"{path}: {name} is {found[name]!r} instead of {value!r}"
        # A second apply of the same changes nothing.
        self.send(method, path, versions[-1], 204)
        assert self.read(path, shape) is not None

    def gone(self, path, shape):
        self.send("DELETE", path, None, 204)
        assert self.read(path, shape) is None
        # The provider takes a second deletion's 404 for done.
        self.send("DELETE", path, None, 404)

    def virtual_host(self, name):
        path = f"vhosts/{quoted(name)}"
        settings = {"description": "", "tags": "", "default_queue_type": "quorum", "tracing": False}
        self.send("PUT", path, settings, 201)
        limits = f"vhost-limits/{quoted(name)}"
        self.send("PUT", f"{limits}/max-connections", {"value": 10}, 204)
        self.send("PUT", f"{limits}/max-queues", {"value": 1000}, 204)
        assert self.read(path, VHOST)["default_queue_type"] == "quorum"
        assert self.read(limits, [LIMITS])[0]["value"] == {"max-connections": 10, "max-queues": 1000}
        # An update reads first, and sends what it does not change as it was read.
        found = self.read(path, VHOST)
        self.read(limits, [LIMITS])
        self.send("PUT", path, {
            "description": "changed", "tags": "", "default_queue_type": found["default_queue_type"],
            "tracing": found["tracing"]}, 204)
        for limit in ("max-connections", "max-queues"):
            self.send("DELETE", f"{limits}/{limit}", None, 204)
        self.send("PUT", f"{limits}/max-queues", {"value": 2000}, 204)
        found = self.read(path, VHOST)
        assert (found["description"], found["default_queue_type"]) == ("changed", "quorum"), found
        assert self.read(limits, [LIMITS])[0]["value"] == {"max-queues": 2000}
        self.send("DELETE", f"{limits}/max-queues", None, 204)
        assert self.read(limits, [LIMITS]) == []

    def virtual_host_without_a_type(self):
        """What a virtual host without a default type says of it, an update sends back."""
        self.send("PUT", "vhosts/plain", {"description": "", "tags": "", "tracing": False}, 201)
        found = self.read("vhosts/plain", VHOST)
        self.send("PUT", "vhosts/plain", {
            "description": "d", "tags": "", "default_queue_type": found["default_queue_type"], "tracing": True}, 204)
        again = self.read("vhosts/plain", VHOST)
        assert again["default_queue_type"] == found["default_queue_type"] and again["tracing"] is True, again
        self.gone("vhosts/plain", VHOST)

    def users(self, host):
        self.resource(
            "users/terraform", [{"name": "", "tags": "administrator,management", "password": "one"},
                                {"name": "", "tags": "", "password": "two"}], USER,
            lambda body: {"name": "terraform", "tags": [tag for tag in body["tags"].split(",") if tag]})
        assert any(user["name"] == "terraform" for user in self.read("users/", [USER]))
        self.resource(
            f"permissions/{host}/terraform", [{"configure": "a", "write": "b", "read": "c"},
                                              {"configure": "", "write": "", "read": ".*"}], PERMISSIONS, dict)
        topics = f"topic-permissions/{host}/terraform"
        for exchange in ("amq.topic", "other"):
            # RabbitMQ asks whether there are any of this user there.
            self.send("PUT", topics, {"exchange": exchange, "write": "w", "read": "r"}, 201, 204)
        found = self.read(topics, [TOPIC_PERMISSIONS])
        assert sorted(item["exchange"] for item in found) == ["amq.topic", "other"], found
        # An update clears all of them and sets them anew.
        self.send("DELETE", topics, None, 204)
        assert self.read(topics, [TOPIC_PERMISSIONS]) is None
        self.send("PUT", topics, {"exchange": "amq.topic", "write": ".*", "read": ""}, 201)
        assert self.read(topics, [TOPIC_PERMISSIONS])[0]["write"] == ".*"

    def messaging(self, host):
        name = "an exchange/ü"
        path = f"exchanges/{host}/{quoted(name)}"
        settings = {"type": "topic", "durable": True, "auto_delete": False,
                    "arguments": {"alternate-exchange": "amq.fanout"}}
        self.resource(path, [settings], EXCHANGE, dict)
        for queue, arguments in (("q", {"x-message-ttl": 5000, "x-queue-type": "quorum"}), ("classic/ü", {
                "x-queue-type": "classic", "x-max-priority": 5})):
            path = f"queues/{host}/{quoted(queue)}"
            self.resource(
                path, [{"type": "", "durable": True, "arguments": arguments}], QUEUE,
                lambda body: {"durable": True, "auto_delete": False, "arguments": body["arguments"],
                              "type": body["arguments"]["x-queue-type"]})
        self.binding(host, name, "queue", "q", "a.#", {})
        self.binding(host, name, "queue", "classic/ü", "", {})
        self.binding(host, name, "queue", "q", "k e/y%ü", {"x-match": "all", "n": 3, "deep": {"list": [1, "x", True]}})
        self.binding(host, name, "exchange", "amq.direct", "", {"only": "arguments"})
        self.gone(f"exchanges/{host}/{quoted(name)}", EXCHANGE)
        # An empty query is what rabbit-hole sends without options.
        self.send("DELETE", f"queues/{host}/q?", None, 204)
        assert self.read(f"queues/{host}/q", QUEUE) is None
        self.gone(f"queues/{host}/{quoted('classic/ü')}", QUEUE)

    def binding(self, host, source, kind, destination, key, arguments):
        letter = {"queue": "q", "exchange": "e"}[kind]
        path = f"bindings/{host}/e/{quoted(source)}/{letter}/{quoted(destination)}"
        body = {"source": source, "vhost": "infra", "destination": destination, "destination_type": kind,
                "routing_key": key, "arguments": arguments}
        answer = self.send("POST", path, body, 201)
        location = next(value for name, value in answer.headers.items() if name.lower() == "location")
        # The provider remembers what is behind the last slash, and looks for it in the list.
        properties = urllib.parse.unquote(location.split("/")[-1])
        found = [item for item in self.read(path, [BINDING]) if item["properties_key"] == properties]
        assert len(found) == 1, f"{path}: {properties!r} is not in the list"
        for name, value in body.items():
            assert found[0][name] == value, f"{path}: {name} is {found[0][name]!r} instead of {value!r}"
        self.send("DELETE", f"{path}/{quoted(properties)}", None, 204)
        assert all(item["properties_key"] != properties for item in self.read(path, [BINDING]))
        self.send("DELETE", f"{path}/{quoted(properties)}", None, 404)

    def rules(self, host):
        policy = {"vhost": "infra", "name": "p", "pattern": "^a", "apply-to": "queues", "priority": 0,
                  "definition": {"max-length": 10, "overflow": "reject-publish"}}
        changed = policy | {"pattern": "^b", "apply-to": "all", "priority": 5, "definition": {"message-ttl": 60000}}
        fields = lambda body: {name: body[name] for name in POLICY}
        self.resource(f"policies/{host}/p", [policy, changed], POLICY, fields)
        self.gone(f"policies/{host}/p", POLICY)
        bounded = policy | {"name": "o", "definition": {"expires": 3600000}}
        changed = bounded | {"definition": {"max-length": 5, "message-ttl": 1000}, "priority": 1}
        self.resource(f"operator-policies/{host}/o", [bounded, changed], POLICY, fields)
        self.gone(f"operator-policies/{host}/o", POLICY)

    def parameters(self, host):
        upstream = {
            "uri": ["amqp://upstream"], "message-ttl": 0, "max-hops": 1, "prefetch-count": 1000, "reconnect-delay": 5,
            "ack-mode": "on-confirm", "trust-user-id": False, "exchange": "", "queue": ""}
        shovel = {
            "ack-mode": "on-confirm", "dest-queue": "there", "dest-protocol": "amqp091", "dest-uri": ["amqp://there"],
            "reconnect-delay": 1, "src-queue": "here", "src-protocol": "amqp091", "src-uri": ["amqp://"],
            "src-delete-after": "never", "src-prefetch-count": 10}
        for component, value, change in (
                ("federation-upstream", upstream, {"max-hops": 2, "trust-user-id": True}),
                ("shovel", shovel, {"ack-mode": "on-publish", "src-delete-after": 100})):
            path = f"parameters/{component}/{host}/{component}"
            bodies = [{"vhost": "infra", "component": component, "name": component, "value": item}
                      for item in (value, value | change)]
            self.resource(path, bodies, PARAMETER, dict)
            assert len(self.read(f"parameters/{component}/{host}", [PARAMETER])) == 1
            assert len(self.read(f"parameters/{component}", [PARAMETER])) == 1
            self.gone(path, PARAMETER)

    def run(self):
        self.read("overview", OVERVIEW)
        name = "infra"
        self.virtual_host(name)
        self.virtual_host_without_a_type()
        host = quoted(name)
        self.users(host)
        self.messaging(host)
        self.rules(host)
        self.parameters(host)
        self.gone(f"permissions/{host}/terraform", PERMISSIONS)
        self.send("DELETE", f"topic-permissions/{host}/terraform", None, 204)
        self.gone("users/terraform", USER)
        self.gone(f"vhosts/{host}", VHOST)


def wait_for(what, ask):
    """Rates come with the next samples."""
    for _ in range(600):
        if ask():
            return
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come")


class RabbitmqadminV2:
    """The successor of rabbitmqadmin: a client in Rust, to which a field that is missing is an error, as is a number
    beyond its type."""

    CHANNEL = {"number": U16, "name": str, "connection_details": {"name": str, "peer_host": str, "peer_port": U32},
               "vhost": str, "state": str, "consumer_count": U32, "confirm": bool, "prefetch_count": U32,
               "messages_unacknowledged": U32, "messages_unconfirmed": U32}
    CONSUMER = {"consumer_tag": str, "active": bool, "ack_required": bool, "prefetch_count": U32, "exclusive": bool,
                "arguments": dict, "consumer_timeout": U64, "queue": {"name": str, "vhost": str},
                "channel_details": {"number": U16, "name": str, "connection_name": str, "node": str, "peer_host": str,
                                    "peer_port": U32, "user": str}}
    CONNECTION = {"name": str, "node": str, "state": str, "protocol": str, "user": str, "connected_at": U64,
                  "host": str, "port": U32, "peer_host": str, "peer_port": U32, "channel_max": U16, "channels": U16,
                  "vhost": str, "client_properties": {"capabilities": dict}}
    NODE = {"name": str, "uptime": U32, "run_queue": U32, "processors": U32, "os_pid": str, "fd_total": U32,
            "proc_total": U32, "mem_limit": U64, "mem_alarm": bool, "disk_free_limit": U64, "disk_free_alarm": bool,
            "rates_mode": str, "enabled_plugins": [str], "being_drained": bool, "rabbitmq_version": str,
            "applications": [{"name": str, "description": str, "version": str}]}
    MEMORY = {name: U64 for name in (
        "connection_readers", "connection_writers", "connection_channels", "connection_other", "queue_procs",
        "quorum_queue_procs", "stream_queue_procs", "stream_queue_replica_reader_procs",
        "stream_queue_coordinator_procs", "plugins", "metadata_store", "other_proc", "metrics", "mgmt_db", "mnesia",
        "quorum_ets", "metadata_store_ets", "other_ets", "binary", "msg_index", "code", "atom", "other_system",
        "allocated_unused", "reserved_unallocated")} | {
            "strategy": str, "total": {"rss": U64, "allocated": U64, "erlang": U64}}
    QUEUE = {"name": str, "vhost": str, "type": str, "durable": bool, "auto_delete": bool, "exclusive": bool,
             "arguments": dict, "node": str, "state": str, "memory": U64, "consumers": U16,
             "consumer_utilisation": NUMBER, "messages": U64, "messages_unacknowledged": U64}
    FLAG = {"name": str, "state": str, "desc": str, "doc_url": str, "stability": str, "provided_by": str}
    ATTEMPTS = {"protocol": str, "auth_attempts": U64, "auth_attempts_failed": U64, "auth_attempts_succeeded": U64}

    def __init__(self, client):
        self.client = client

    def check(self, value, shape, where):
        if isinstance(shape, dict):
            for name, inner in shape.items():
                assert name in value, f"{where} has no {name}"
                self.check(value[name], inner, f"{where}.{name}")
        elif isinstance(shape, list):
            for item in value:
                self.check(item, shape[0], f"{where}[]")
        elif isinstance(shape, range):
            assert type(value) is int and value in shape, f"{where}: {value!r} is beyond its type"
        else:
            check_types(value, shape, where)
            assert value is not None, f"{where} is null"

    def run(self, connection, channel):
        channel.queue_declare("v2", durable=True)
        channel.basic_consume("v2", lambda *delivery: None, consumer_tag="v2")
        channel.queue_declare("v2 timed", durable=True, arguments={"x-consumer-timeout": 60000})
        channel.basic_consume("v2 timed", lambda *delivery: None, consumer_tag="timed")
        node = quoted(self.client.get("/api/overview")["node"])
        for path, shape in (
                ("channels", [self.CHANNEL]), ("consumers", [self.CONSUMER]), ("consumers/%2F", [self.CONSUMER]),
                ("connections", [self.CONNECTION]), ("connections/username/guest", [self.CONNECTION]),
                ("nodes", [self.NODE]), (f"nodes/{node}", self.NODE), (f"nodes/{node}/memory", {"memory": self.MEMORY}),
                ("queues", [self.QUEUE]), ("queues/detailed", [self.QUEUE]), ("queues/%2F/v2", self.QUEUE),
                ("feature-flags", [self.FLAG]), (f"auth/attempts/{node}", [self.ATTEMPTS]), ("users", [USER]),
                ("whoami", {"name": str, "tags": [str]}), ("vhosts", [{"name": str}]), ("exchanges", [
                    {name: EXCHANGE[name] for name in ("name", "vhost", "type", "durable", "auto_delete", "arguments")}]),
                ("bindings", [BINDING]), ("cluster-name", {"name": str}), ("overview", {
                    "churn_rates": {"connection_created": U32, "queue_declared": U32}})):
            found = self.client.get(f"/api/{path}")
            assert found, path
            self.check(found, shape, path)
        timeouts = {item["consumer_tag"]: item["consumer_timeout"] for item in self.client.get("/api/consumers")}
        assert timeouts == {"v2": 0, "timed": 60000}, timeouts
        # As of 4.2.4 the node's own field counts, before it an application's.
        shown = self.client.get(f"/api/nodes/{node}")
        assert shown["rabbitmq_version"] == self.client.get("/api/overview")["rabbitmq_version"]
        assert any(item["name"] == "rabbit" for item in shown["applications"])


class KEDA:
    """The scaler's two questions, and the five values that it scales by."""

    INFO = {"messages": int, "messages_ready": int, "messages_unacknowledged": int, "name": str,
            "message_stats": {"publish_details": RATE, "deliver_get_details": RATE}}

    def __init__(self, client):
        self.client = client

    def queue(self, name, host="%2F"):
        info = self.client.get(f"/api/queues/{host}/{urllib.parse.quote_plus(name)}")
        check_types(info, self.INFO, name)
        return info

    def composed(self, pattern, size=100, host="%2F"):
        page = self.client.get(
            f"/api/queues{'/' + host if host else ''}?page=1&use_regex=true&pagination=false"
            f"&name={urllib.parse.quote_plus(pattern)}&page_size={size}")
        check_types(page, {"items": [self.INFO], "page_count": int}, pattern)
        assert isinstance(page["items"], list), page
        return page

    def run(self, channel):
        names = ["keda.1", "keda.2", "other"]
        for name in names:
            channel.queue_declare(name, durable=True)
        info = self.queue("keda.1")
        assert (info["messages"], info["messages_unacknowledged"]) == (0, 0), info
        for _ in range(5):
            channel.basic_publish("", "keda.1", b"x")
        channel.basic_publish("", "keda.2", b"x")
        # Publisher confirms are on: what was published is counted.
        assert channel.basic_get("keda.1")[0] is not None
        info = self.queue("keda.1")
        assert (info["messages"], info["messages_ready"], info["messages_unacknowledged"]) == (5, 4, 1), info

        def rates():
            channel.basic_publish("", "keda.1", b"x")
            method = channel.basic_get("keda.1", auto_ack=True)[0]
            assert method is not None
            stats = self.queue("keda.1")["message_stats"]
            return stats["publish_details"]["rate"] > 0 and stats["deliver_get_details"]["rate"] > 0

        wait_for("a rate", rates)
        page = self.composed("^keda\\.[0-9]$")
        assert sorted(item["name"] for item in page["items"]) == ["keda.1", "keda.2"] and page["page_count"] == 1, page
        assert sum(item["messages"] for item in page["items"]) == 6, page
        assert any(item["message_stats"]["publish_details"]["rate"] >= 0 for item in page["items"])
        # With more queues than a page has KEDA gives up: it must be told of the pages.
        assert self.composed("^keda", size=1)["page_count"] == 2
        assert self.composed("^nobody$")["items"] == []
        assert len(self.composed("keda", host="")["items"]) == 2
        answer = self.client.request("GET", "/api/queues/%2F?page=1&use_regex=true&pagination=false&name=%28&page_size=5")
        assert answer.status == 400 and answer.json["reason"], answer.body
        assert self.client.request("GET", "/api/queues/%2F/nobody").status == 404


class Flower:
    """Celery's monitor lists a virtual host's queues and shows those of its workers."""

    FIELDS = {"name": str, "messages": int, "messages_unacknowledged": int, "messages_ready": int, "consumers": int}

    def __init__(self, client):
        self.client = client

    def queues(self, names, host="%2F"):
        found = [item for item in self.client.get(f"/api/queues/{host}") if item["name"] in names]
        for item in found:
            check_types(item, self.FIELDS, item["name"])
            for name in self.FIELDS:
                assert name in item, f"{item['name']} has no {name}"
        return {item["name"]: item for item in found}

    def run(self, connection, channel):
        # As Celery declares them.
        channel.exchange_declare("celery", "direct", durable=True)
        channel.queue_declare("celery", durable=True)
        channel.queue_bind("celery", "celery", "celery")
        channel.queue_declare("celery@worker.celery.pidbox", auto_delete=True, arguments={"x-expires": 10000})
        for _ in range(3):
            channel.basic_publish("celery", "celery", b"[[], {}, {}]")
        worker = connection.channel()
        worker.basic_qos(prefetch_count=2)
        worker.basic_consume("celery", lambda *delivery: None)
        wait_for("the deliveries", lambda: (connection.process_data_events(0.1), self.queues(["celery"])["celery"][
            "messages_unacknowledged"] == 2)[1])
        shown = self.queues(["celery", "celery@worker.celery.pidbox", "nobody"])
        assert len(shown) == 2, shown
        celery = shown["celery"]
        assert (celery["messages"], celery["messages_ready"], celery["consumers"]) == (3, 1, 1), celery
        # Idle queues say since when.
        wait_for("idle_since", lambda: isinstance(
            self.queues(["celery@worker.celery.pidbox"])["celery@worker.celery.pidbox"].get("idle_since"), str))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--amqp-port", type=int, required=True)
    arguments = parser.parse_args()
    client = ManagementClient(arguments.port)
    Terraform(client).run()
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", arguments.amqp_port))
    channel = connection.channel()
    channel.confirm_delivery()
    admin = connection.channel()
    RabbitmqadminV2(client).run(connection, admin)
    admin.close()
    KEDA(client).run(channel)
    Flower(client).run(connection, channel)
    connection.close()
    print("ok: Terraform's provider, rabbitmqadmin v2, KEDA and Flower find what they look for")


main()
