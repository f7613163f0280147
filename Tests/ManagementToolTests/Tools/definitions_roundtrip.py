#!/usr/bin/env python3
"""Definitions from RabbitMQ into this broker and back: 200 objects of every kind.

usage: definitions_roundtrip.py --port PORT --rabbitmq-port PORT      (management ports)

1. RabbitMQ gets 200 objects of every kind and exports them. 2. The broker imports this export and exports what it
has. 3. A RabbitMQ without these objects imports that. 4. All three exports must name the same objects, with the same
properties. Everything that was there before, and that is made here, is removed from both.
"""

import argparse
import json
import sys
import time

from management_client import ManagementClient, quoted

COUNT = 200
# What an object of each kind is known by.
IDENTITY = {
    "users": ("name",), "vhosts": ("name",), "permissions": ("vhost", "user"),
    "topic_permissions": ("vhost", "user", "exchange"), "parameters": ("vhost", "component", "name"),
    "global_parameters": ("name",), "policies": ("vhost", "name"), "queues": ("vhost", "name"),
    "exchanges": ("vhost", "name"),
    "bindings": ("vhost", "source", "destination", "destination_type", "routing_key", "arguments"),
}
# What each broker has of its own: the cluster's name and the identity of a cluster.
OWN_GLOBAL_PARAMETERS = {"cluster_name", "internal_cluster_id"}
HOST = "v-0"


def objects():
    """200 of each kind, with names that need escaping among them, and every property that the kind has."""
    numbers = range(COUNT)
    hosts = [f"v-{i}" if i % 10 else f"v/{i} ü" for i in numbers]
    hosts[0] = HOST
    hashes = [
        # "secret" salted, by SHA-256 and SHA-512.
        ("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "rabbit_password_hashing_sha256"),
        ("TlNwrWaQ4aGZjTBEm2XNnEaiAsJnaoqh6L7eoZV4iz6pTIYPzzIMqLLjNYrxRvhTFdbqLoMHlDnDhkGF8GtzZxd5Wzo=",
         "rabbit_password_hashing_sha512"),
    ]
    tags = [["administrator"], ["monitoring", "policymaker"], ["management"], [], ["custom"]]
    kinds = {
        "vhosts": [{"name": host} for host in hosts],
        "users": [
            {
                "name": f"user-{i}", "password_hash": hashes[i % 2][0], "hashing_algorithm": hashes[i % 2][1],
                "tags": tags[i % 5], "limits": {"max-connections": i, "max-channels": 10 * i} if i % 3 == 0 else {},
            }
            for i in numbers
        ],
        "permissions": [
            {"user": f"user-{i}", "vhost": hosts[i], "configure": f"^q-{i}", "write": ".*", "read": "" if i % 7 else "x"}
            for i in numbers
        ],
        "topic_permissions": [
            {"user": f"user-{i}", "vhost": hosts[i], "exchange": "amq.topic", "write": f"^a.{i}", "read": "^{username}"}
            for i in numbers
        ],
        "global_parameters": [{"name": f"global-{i}", "value": {"list": [i, "x", None, True]}} for i in numbers],
        "policies": [
            {
                "vhost": HOST, "name": f"policy-{i}", "pattern": f"^policed-{i}$", "priority": i,
                "apply-to": ["all", "queues", "exchanges"][i % 3],
                "definition": [
                    {"max-length": i, "overflow": "reject-publish"}, {"message-ttl": 1000 + i, "dead-letter-exchange": "dlx"},
                    {"alternate-exchange": "other"},
                ][i % 3],
            }
            for i in numbers
        ],
        "exchanges": [
            {
                "vhost": HOST, "name": f"exchange-{i}" if i % 9 else f"exchange/{i} ü",
                "type": ["direct", "fanout", "topic", "headers"][i % 4], "durable": True, "auto_delete": i % 5 == 0,
                "internal": i % 6 == 0, "arguments": {"alternate-exchange": "other"} if i % 4 == 0 else {},
            }
            for i in numbers
        ],
        "queues": [
            {
                "vhost": HOST, "name": f"queue-{i}" if i % 9 else f"queue/{i} ü", "durable": True,
                "auto_delete": i % 5 == 4,
                "arguments": [
                    {}, {"x-max-length": i, "x-overflow": "reject-publish"}, {"x-message-ttl": i, "x-expires": 3600000 + i},
                    {"x-max-priority": 5, "x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "k"},
                    {"x-single-active-consumer": True},
                ][i % 5],
            }
            for i in numbers
        ],
    }
    kinds["queues"] += [
        {"vhost": HOST, "name": f"quorum-{i}", "durable": True, "auto_delete": False,
         "arguments": {"x-queue-type": "quorum", "x-delivery-limit": i + 1}} for i in range(10)
    ]
    kinds["bindings"] = [
        {
            "vhost": HOST, "source": kinds["exchanges"][i]["name"],
            "destination": kinds["queues" if i % 3 else "exchanges"][(i + 4) % COUNT]["name"],
            "destination_type": "queue" if i % 3 else "exchange", "routing_key": ["", f"key.{i}", "#.ü", "~ %"][i % 4],
            # RabbitMQ 3.10 fails to list a binding that has arguments and a key with special characters.
            "arguments": {"x-match": "all", "n": i, "s": "text", "b": True} if i % 4 == 1 else {},
        }
        for i in numbers
    ]
    kinds["parameters"] = [
        {
            "vhost": HOST, "component": "federation-upstream", "name": f"upstream-{i}",
            "value": {"uri": "amqp://localhost", "expires": 3600000 + i},
        }
        for i in numbers
    ] + [
        {"vhost": hosts[i], "component": "vhost-limits", "name": "limits", "value": {"max-queues": 1000 + i}}
        for i in numbers
    ] + [
        {
            "vhost": HOST, "component": "operator_policy", "name": f"upper-{i}",
            "value": {"pattern": f"^x-{i}", "definition": {"max-length": i}, "priority": i, "apply-to": "queues"},
        }
        for i in numbers
    ] + [
        {
            "vhost": HOST, "component": "shovel", "name": f"shovel-{i}",
            "value": {
                "src-protocol": "amqp091", "src-uri": "amqp://127.0.0.1:1", "src-queue": "a", "dest-protocol": "amqp091",
                "dest-uri": "amqp://127.0.0.1:1", "dest-queue": "b"},
        }
        for i in range(3)
    ]
    return kinds


def named(export):
    """{kind: {identity: object}}, without what a broker has of its own."""
    found = {}
    for kind, keys in IDENTITY.items():
        found[kind] = {}
        for item in export.get(kind, []):
            if kind == "global_parameters" and item["name"] in OWN_GLOBAL_PARAMETERS:
                continue
            found[kind][tuple(json.dumps(item[key], sort_keys=True) for key in keys)] = item
    return found


def normal(kind, item):
    """Without what some versions write and others do not."""
    item = dict(item)
    if kind == "users":
        # Also as "a,b" in old exports.
        if isinstance(item["tags"], str):
            item["tags"] = [tag for tag in item["tags"].split(",") if tag]
        item["tags"] = sorted(item["tags"])
        item.setdefault("limits", {})
    return item


def differences(left, right, names):
    wrong = []
    for kind in IDENTITY:
        for identity in sorted(set(left[kind]) ^ set(right[kind])):
            where = names[0] if identity in left[kind] else names[1]
            wrong.append(f"{kind} {identity}: only in the export of {where}")
        for identity in sorted(set(left[kind]) & set(right[kind])):
            first, second = normal(kind, left[kind][identity]), normal(kind, right[kind][identity])
            for key in sorted(set(first) & set(second)):
                if first[key] != second[key]:
                    wrong.append(
                        f"{kind} {identity}: {key} is {first[key]!r} in the export of {names[0]}, {second[key]!r} in that"
                        f" of {names[1]}")
    return wrong


def properties_keys(client):
    """What each binding is called in paths, which clients keep."""
    return {
        (item["vhost"], item["source"], item["destination_type"], item["destination"], item["properties_key"])
        for item in client.get(f"/api/bindings/{quoted(HOST)}")
    }


def clean(client):
    """Every virtual host but the default one, users but guest, parameters but the broker's own."""
    for host in client.get("/api/vhosts?columns=name"):
        if host["name"] != "/":
            client.change("DELETE", f"/api/vhosts/{quoted(host['name'])}")
    for user in client.get("/api/users"):
        if user["name"] != "guest":
            client.change("DELETE", f"/api/users/{quoted(user['name'])}")
    for parameter in client.get("/api/global-parameters"):
        if parameter["name"] not in OWN_GLOBAL_PARAMETERS:
            client.change("DELETE", f"/api/global-parameters/{quoted(parameter['name'])}")


def timed(what, function):
    start = time.monotonic()
    result = function()
    print(f"{what}: {time.monotonic() - start:.1f} s", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rabbitmq-port", type=int, required=True)
    arguments = parser.parse_args()
    # RabbitMQ makes 200 virtual hosts one by one, each with two message stores: minutes beside other tests.
    broker = ManagementClient(arguments.port, timeout_seconds=120)
    rabbit = ManagementClient(arguments.rabbitmq_port, timeout_seconds=600)
    clean(rabbit)
    clean(broker)
    made = objects()
    timed("RabbitMQ imports what is made", lambda: rabbit.change("POST", "/api/definitions", made))
    original = rabbit.get("/api/definitions")
    wrong = differences(named({**made}), named(original), ("the script", "RabbitMQ"))
    wrong = [line for line in wrong if "guest" not in line and '"/"' not in line]
    assert not wrong, "RabbitMQ does not have what it was given:\n" + "\n".join(wrong[:10])

    timed("the broker imports RabbitMQ's export", lambda: broker.change("POST", "/api/definitions", original))
    ours = timed("the broker exports", lambda: broker.get("/api/definitions"))
    wrong = differences(named(original), named(ours), ("RabbitMQ", "the broker"))
    wrong += [f"only one of both calls a binding so: {key}"
              for key in sorted(properties_keys(rabbit) ^ properties_keys(broker))]
    timed("the broker imports it again", lambda: broker.change("POST", "/api/definitions", original))
    wrong += differences(named(ours), named(broker.get("/api/definitions")), ("the broker", "the broker, again"))

    timed("RabbitMQ forgets everything", lambda: clean(rabbit))
    timed("RabbitMQ imports the broker's export", lambda: rabbit.change("POST", "/api/definitions", ours))
    again = rabbit.get("/api/definitions")
    wrong += differences(named(original), named(again), ("RabbitMQ", "RabbitMQ, by way of the broker"))
    clean(rabbit)
    clean(broker)
    for line in wrong[:40]:
        print(line)
    if wrong:
        print(f"failed: {len(wrong)} differences")
        sys.exit(1)
    print("ok: " + ", ".join(f"{len(items)} {kind}" for kind, items in named(original).items()))


if __name__ == "__main__":
    main()
