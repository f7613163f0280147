#!/usr/bin/env python3
"""Every endpoint and method of the HTTP API, used by users with each tag, with and without permissions.

usage: permission_matrix.py --port PORT [--compare FILE | --record FILE]

With --record it writes the statuses that the broker gave (RabbitMQ's are in permission_matrix.json). With --compare
it compares them: whatever differs from the record, and is not named in DIFFERENCES, fails.
"""

import argparse
import concurrent.futures
import json
import sys
import urllib.parse

from management_client import ManagementClient, quoted

# Users: a tag, and whether they may do everything in the virtual host "inside". The object's owners, so to say, are
# users with permissions; everybody else is outside.
TAGS = ["none", "management", "policymaker", "monitoring", "administrator"]
USERS = {f"{tag}-{where}": (tag, where == "inside") for tag in TAGS for where in ("inside", "outside")}

V = "inside"
EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}

# What differs from the record, which is of RabbitMQ 3.10, on purpose: by "METHOD path", the users and the status here.
EVERYBODY = [*USERS, "nobody"]
DIFFERENCES = {
    # RabbitMQ 4.x: whoever monitors may see what is in every virtual host.
    f"GET vhosts/{V}/connections": {"monitoring-outside": 200},
    f"GET vhosts/{V}/channels": {"monitoring-outside": 200},
    f"GET exchanges/{V}": {"monitoring-outside": 200},
    f"GET queues/{V}": {"monitoring-outside": 200},
    f"GET bindings/{V}": {"monitoring-outside": 200},
    f"GET vhosts/{V}": {
        "management-inside": 200, "policymaker-inside": 200, "monitoring-inside": 200, "monitoring-outside": 200},
    # Refused, instead of an empty list, as for everything else in a virtual host.
    f"GET consumers/{V}": {"management-outside": 401, "policymaker-outside": 401},
    # RabbitMQ fails here.
    "GET connections/username/guest": {
        f"{tag}-{where}": 200 for tag in ("management", "policymaker") for where in ("inside", "outside")},
    # RabbitMQ 4.x: nothing is done in the virtual host any more.
    f"GET aliveness-test/{V}": {"administrator-outside": 200},
    # RabbitMQ 3.10 takes it for the queues of a virtual host called "detailed".
    "GET queues/detailed": {
        f"{tag}-{where}": 200 for tag in TAGS if tag != "none" for where in ("inside", "outside")},
    # RabbitMQ 3.10 has no such path; in 4.x it is for administrators.
    "GET auth/hash_password/secret": {user: 401 for user in EVERYBODY if not user.startswith("administrator")},
}


# Stands for a form with the name and the password of the user who asks.
LOGIN_FORM = object()


def use(client, user, password, method, path, body):
    """The status that a user gets."""
    if body is not LOGIN_FORM:
        return client.request(method, "/api/" + path, body).status
    form = urllib.parse.urlencode({"username": user, "password": password})
    return client.request(
        method, "/api/" + path, form, {"Content-Type": "application/x-www-form-urlencoded"}).status


def endpoints(node):
    """(method, path, body, requests of an administrator before it, requests after it)."""
    reads = [
        "overview", "cluster-name", "nodes", f"nodes/{node}", f"nodes/{node}/memory", "extensions", "definitions",
        f"definitions/{V}", "connections", f"vhosts/{V}/connections", "connections/username/guest", "channels",
        f"vhosts/{V}/channels", "consumers", f"consumers/{V}", "exchanges", f"exchanges/{V}", f"exchanges/{V}/x",
        f"exchanges/{V}/x/bindings/source", f"exchanges/{V}/x/bindings/destination", "queues", "queues/detailed",
        f"queues/{V}", f"queues/{V}/q", f"queues/{V}/q/bindings", "bindings", f"bindings/{V}", f"bindings/{V}/e/x/q/q",
        f"bindings/{V}/e/x/q/q/k", f"bindings/{V}/e/x/e/y", f"bindings/{V}/e/x/e/y/k", "vhosts", f"vhosts/{V}",
        f"vhosts/{V}/permissions", f"vhosts/{V}/topic-permissions", "users", "users/without-permissions",
        "users/somebody", "users/somebody/permissions", "users/somebody/topic-permissions", "user-limits",
        "user-limits/somebody", "whoami", "permissions", f"permissions/{V}/somebody", "topic-permissions",
        f"topic-permissions/{V}/somebody", "parameters", "parameters/federation-upstream",
        f"parameters/federation-upstream/{V}", "global-parameters", "global-parameters/g", "policies",
        f"policies/{V}", f"policies/{V}/p", "operator-policies", f"operator-policies/{V}",
        f"operator-policies/{V}/o", "vhost-limits", f"vhost-limits/{V}", f"aliveness-test/{V}",
        "health/checks/alarms", "health/checks/local-alarms", "health/checks/virtual-hosts",
        "health/checks/port-listener/1", "health/checks/protocol-listener/amqp091",
        "health/checks/node-is-quorum-critical", "feature-flags", f"auth/attempts/{node}",
        f"auth/attempts/{node}/source", "auth/hash_password/secret",
    ]
    for path in reads:
        yield ("GET", path, None, [], [])
    queue = ("PUT", f"queues/{V}/extra", {})
    exchange = ("PUT", f"exchanges/{V}/extra", {"type": "fanout"})
    no_queue = ("DELETE", f"queues/{V}/extra", None)
    no_exchange = ("DELETE", f"exchanges/{V}/extra", None)
    yield ("PUT", "cluster-name", {"name": "matrix"}, [], [])
    yield ("POST", "definitions", {"queues": []}, [], [])
    yield ("POST", f"definitions/{V}", {"queues": []}, [], [])
    yield ("PUT", f"queues/{V}/extra", {}, [], [no_queue])
    yield ("DELETE", f"queues/{V}/extra", None, [queue], [no_queue])
    yield ("DELETE", f"queues/{V}/q/contents", None, [], [])
    yield ("POST", f"queues/{V}/q/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}, [], [])
    yield ("POST", f"queues/{V}/q/actions", {"action": "sync"}, [], [])
    yield ("PUT", f"exchanges/{V}/extra", {"type": "fanout"}, [], [no_exchange])
    yield ("DELETE", f"exchanges/{V}/extra", None, [exchange], [no_exchange])
    message = {"properties": {}, "routing_key": "", "payload": "m", "payload_encoding": "string"}
    yield ("POST", f"exchanges/{V}/x/publish", message, [], [])
    for kind, name in (("q", "q"), ("e", "y")):
        binding = f"bindings/{V}/e/x/{kind}/{name}"
        yield ("POST", binding, {"routing_key": "extra"}, [], [("DELETE", f"{binding}/extra", None)])
        yield (
            "DELETE", f"{binding}/extra", None, [("POST", binding, {"routing_key": "extra"})],
            [("DELETE", f"{binding}/extra", None)])
    changes = [
        ("vhosts/extra", {}), ("users/extra", {"password": "secret", "tags": ""}),
        (f"permissions/{V}/somebody", EVERYTHING),
        (f"topic-permissions/{V}/somebody", {"exchange": "x", "write": ".*", "read": ".*"}),
        (f"parameters/federation-upstream/{V}/f", {"value": {"uri": "amqp://localhost"}}),
        ("global-parameters/extra", {"value": 1}),
        (f"policies/{V}/extra", {"pattern": "^none$", "definition": {"max-length": 1}}),
        (f"operator-policies/{V}/extra", {"pattern": "^none$", "definition": {"max-length": 1}}),
        (f"vhost-limits/{V}/max-queues", {"value": 1000}), ("user-limits/somebody/max-channels", {"value": 1000}),
    ]
    for path, body in changes:
        # The parameter's component needs a plugin in RabbitMQ: only who may is compared.
        kept = "permissions" in path
        yield ("PUT", path, body, [], [] if kept else [("DELETE", path, None)])
        yield ("DELETE", path, None, [("PUT", path, body)], [("PUT", path, body)] if kept else [])
    yield (
        "POST", "users/bulk-delete", {"users": ["extra"]}, [("PUT", "users/extra", {"password": "s", "tags": ""})],
        [("DELETE", "users/extra", None)])
    yield ("POST", f"vhosts/{V}/start/{node}", None, [], [])
    yield ("POST", "rebalance/queues", None, [], [])
    yield ("PUT", "feature-flags/quorum_queue/enable", {}, [], [])
    yield ("DELETE", f"auth/attempts/{node}", None, [], [])
    yield ("POST", "login", LOGIN_FORM, [], [])
    yield ("DELETE", "reset", None, [], [])
    yield ("DELETE", f"reset/{node}", None, [], [])


def prepare(admin):
    for path, body in [
        (f"vhosts/{V}", {}), (f"permissions/{V}/guest", EVERYTHING),
        ("users/somebody", {"password": "secret", "tags": ""}), (f"permissions/{V}/somebody", EVERYTHING),
        (f"topic-permissions/{V}/somebody", {"exchange": "x", "write": ".*", "read": ".*"}),
        (f"queues/{V}/q", {}), (f"exchanges/{V}/x", {"type": "topic"}), (f"exchanges/{V}/y", {"type": "topic"}),
        (f"policies/{V}/p", {"pattern": "^none$", "definition": {"max-length": 1}}),
        (f"operator-policies/{V}/o", {"pattern": "^none$", "definition": {"max-length": 1}}),
        ("global-parameters/g", {"value": {"a": 1}}),
    ]:
        admin.change("PUT", "/api/" + path, body)
    for destination in ("q/q", "e/y"):
        admin.change("POST", f"/api/bindings/{V}/e/x/{destination}", {"routing_key": "k"})
    for name, (tag, is_inside) in USERS.items():
        tags = "" if tag == "none" else tag
        admin.change("PUT", f"/api/users/{name}", {"password": "secret", "tags": tags})
        if is_inside:
            admin.change("PUT", f"/api/permissions/{V}/{name}", EVERYTHING)


def clean(admin):
    for name in list(USERS) + ["somebody", "extra"]:
        admin.request("DELETE", f"/api/users/{name}")
    for path in (f"vhosts/{V}", "vhosts/extra", "global-parameters/g", "global-parameters/extra"):
        admin.request("DELETE", f"/api/{path}")


def matrix(port):
    """{"METHOD path": {user: status}}; the node's name is {node} there."""
    admin = ManagementClient(port)
    node = admin.get("/api/overview")["node"]
    clean(admin)
    prepare(admin)
    clients = {name: ManagementClient(port, name, "secret") for name in USERS}
    found = {}
    # Refusals come late, so that nobody guesses passwords: these all wait at once, and only at the end.
    strangers = concurrent.futures.ThreadPoolExecutor(max_workers=32)
    refusals = {}
    for method, path, body, before, after in endpoints(quoted(node)):
        endpoint = f"{method} {path.replace(quoted(node), '{node}')}"
        row = found[endpoint] = {}
        stranger = ManagementClient(port, "nobody", "wrong")
        refusals[endpoint] = strangers.submit(use, stranger, "nobody", "wrong", method, path, body)
        for name, client in clients.items():
            for request in before:
                admin.request(request[0], "/api/" + request[1], request[2])
            row[name] = use(client, name, "secret", method, path, body)
            for request in after:
                admin.request(request[0], "/api/" + request[1], request[2])
    for endpoint, refusal in refusals.items():
        found[endpoint]["nobody"] = refusal.result()
    clean(admin)
    return found


def compare(found, recorded):
    wrong = []
    for endpoint, row in recorded.items():
        for user, expected in row.items():
            expected = DIFFERENCES.get(endpoint, {}).get(user, expected)
            status = found[endpoint][user]
            if status != expected:
                wrong.append(f"{endpoint} as {user}: {status}, expected {expected}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--compare")
    parser.add_argument("--record")
    arguments = parser.parse_args()
    found = matrix(arguments.port)
    if arguments.record:
        with open(arguments.record, "w") as file:
            lines = [f" {json.dumps(endpoint)}: {json.dumps(row)}" for endpoint, row in found.items()]
            file.write("{\n" + ",\n".join(lines) + "\n}\n")
    if arguments.compare:
        with open(arguments.compare) as file:
            wrong = compare(found, json.load(file))
        for line in wrong:
            print(line)
        if wrong:
            print(f"failed: {len(wrong)} of {sum(len(row) for row in found.values())} differ")
            sys.exit(1)
    print(f"ok: {len(found)} endpoints, {sum(len(row) for row in found.values())} requests")


if __name__ == "__main__":
    main()
