#!/usr/bin/env python3
"""Every command that RabbitMQ's own rabbitmqadmin (the Python one, as Debian ships it) has, against a broker.

usage: rabbitmqadmin.py --tool RABBITMQADMIN --port MANAGEMENT_PORT --amqp-port AMQP_PORT

What it prints is checked, and so is what the broker says afterwards. A command that `rabbitmqadmin help subcommands`
lists and that was not run fails the test.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import pika

from management_client import ManagementClient, quoted

LIST_FORMATS = ["raw_json", "pretty_json", "tsv", "long", "table", "kvp", "bash"]


class Tool:
    def __init__(self, path, port):
        self.path = path
        self.port = port
        self.used = set()

    def run(self, *arguments, options=(), stdin=None):
        """The standard output of a command that must succeed."""
        self.used.add(" ".join(arguments[:2]))
        self.used.add(arguments[0])
        command = [sys.executable, self.path, "--host", "127.0.0.1", "--port", str(self.port), *options, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        assert not done.stderr.strip(), f"{' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def fails(self, *arguments, options=()):
        """What a command that must fail says."""
        command = [sys.executable, self.path, "--host", "127.0.0.1", "--port", str(self.port), *options, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode != 0, f"{' '.join(arguments)} succeeded: {done.stdout}"
        return (done.stdout + done.stderr).strip()

    def rows(self, *arguments, options=()):
        return json.loads(self.run(*arguments, options=(*options, "--format", "raw_json")))

    def commands(self):
        """What the help lists: `declare queue`, `publish`."""
        text = self.run("help", "subcommands")
        found = set()
        for line in text.splitlines():
            words = line.split()
            if line.startswith("  ") and words and words[0] not in ("rabbitmqadmin", "where", "*", "standard"):
                takes_object = words[0] in ("list", "show", "declare", "delete", "close", "purge")
                if re.fullmatch("[a-z]+", words[0]) and (takes_object or words[0] in ("export", "import", "publish", "get")):
                    found.add(" ".join(words[:2]) if takes_object else words[0])
        return found


def equal(found, expected):
    assert found == expected, f"{found!r}, expected {expected!r}"


def topology(tool, admin):
    vhost = ("--vhost", "tools")
    equal(tool.run("declare", "vhost", "name=tools", "tracing=false"), "vhost declared")
    equal(tool.run("declare", "user", "name=worker", "password=secret", "tags=management"), "user declared")
    equal(
        tool.run(
            "declare", "user", "name=hashed", "password_hash=kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR",
            "tags=", "hashing_algorithm=rabbit_password_hashing_sha256"),
        "user declared")
    for user in ("guest", "worker"):
        equal(
            tool.run("declare", "permission", "vhost=tools", f"user={user}", "configure=.*", "write=.*", "read=.*"),
            "permission declared")
    equal(
        tool.run(
            "declare", "exchange", "name=orders", "type=topic", "durable=true", "auto_delete=false", "internal=false",
            'arguments={"alternate-exchange": "other"}', options=vhost),
        "exchange declared")
    equal(tool.run("declare", "exchange", "name=other", "type=fanout", "durable=false", options=vhost),
          "exchange declared")
    equal(
        tool.run(
            "declare", "queue", "name=work", "durable=true", "auto_delete=false",
            'arguments={"x-max-length": 1000, "x-message-ttl": 600000}', options=vhost),
        "queue declared")
    equal(tool.run("declare", "queue", "name=replicated", "queue_type=quorum", options=vhost), "queue declared")
    equal(
        tool.run(
            "declare", "binding", "source=orders", "destination=work", "routing_key=order.#", options=vhost),
        "binding declared")
    equal(
        tool.run(
            "declare", "binding", "source=orders", "destination=other", "destination_type=exchange",
            "routing_key=audit", 'arguments={"a": 1}', options=vhost),
        "binding declared")
    queue = admin.get("/api/queues/tools/work")
    equal(
        (queue["durable"], queue["auto_delete"], queue["arguments"]),
        (True, False, {"x-max-length": 1000, "x-message-ttl": 600000}))
    equal(admin.get("/api/queues/tools/replicated")["type"], "quorum")
    exchange = admin.get("/api/exchanges/tools/other")
    equal((exchange["type"], exchange["durable"]), ("fanout", False))
    refused = tool.fails("declare", "queue", "name=work", "durable=false", options=vhost)
    assert "inequivalent arg 'durable' for queue 'work' in vhost 'tools'" in refused, refused


def rules(tool, admin):
    vhost = ("--vhost", "tools")
    equal(
        tool.run(
            "declare", "policy", "name=limit", "pattern=^work", 'definition={"max-length": 10}', "priority=3",
            "apply-to=queues", options=vhost),
        "policy declared")
    equal(
        tool.run(
            "declare", "operator_policy", "name=upper", "pattern=^work", 'definition={"max-length": 7}',
            "priority=1", "apply-to=queues", options=vhost),
        "operator_policy declared")
    equal(
        tool.run(
            "declare", "parameter", "component=federation-upstream", "name=up",
            'value={"uri": "amqp://localhost"}', options=vhost),
        "parameter declared")
    equal(
        tool.run("declare", "vhost_limit", "vhost=tools", "name=max-queues", "value=50", options=vhost),
        "vhost_limit declared")
    equal(admin.get("/api/policies/tools/limit")["definition"], {"max-length": 10})
    equal(admin.get("/api/operator-policies/tools/upper")["definition"], {"max-length": 7})
    equal(admin.get("/api/vhost-limits/tools"), [{"vhost": "tools", "value": {"max-queues": 50}}])


def messages(tool, admin, directory):
    vhost = ("--vhost", "tools")
    equal(
        tool.run(
            "publish", "exchange=orders", "routing_key=order.new", "payload=first",
            'properties={"delivery_mode": 2, "headers": {"h": 1}}', options=vhost),
        "Message published")
    equal(tool.run("publish", "exchange=orders", "routing_key=none.such", "payload=lost", options=vhost),
          "Message published but NOT routed")
    # Without a payload, standard input is sent in base 64.
    equal(tool.run("publish", "routing_key=work", options=vhost, stdin="from stdin ü"), "Message published")
    equal(
        tool.run(
            "publish", "exchange=amq.default", "routing_key=work", "payload=dGhpcmQ=", "payload_encoding=base64",
            options=vhost),
        "Message published")
    [first] = tool.rows("get", "queue=work", "count=1", "ackmode=ack_requeue_true", options=vhost)
    equal((first["payload"], first["routing_key"], first["exchange"]), ("first", "order.new", "orders"))
    equal((first["message_count"], first["redelivered"]), (2, False))
    equal((first["properties"]["delivery_mode"], first["properties"]["headers"]), (2, {"h": 1}))
    file = os.path.join(directory, "payload")
    table = tool.run(
        "get", "queue=work", "count=1", "ackmode=ack_requeue_false", f"payload_file={file}", options=vhost)
    assert "order.new" in table, table
    with open(file) as content:
        equal(content.read(), "first")
    taken = tool.rows("get", "queue=work", "count=5", "ackmode=ack_requeue_false", "encoding=auto", options=vhost)
    equal([message["payload"] for message in taken], ["from stdin ü", "third"])
    tool.run("publish", "routing_key=work", "payload=x", options=vhost)
    equal(tool.run("purge", "queue", "name=work", options=vhost), "queue purged")
    equal(tool.rows("get", "queue=work", options=vhost), [])


def lists(tool, admin, amqp_port):
    parameters = pika.ConnectionParameters(
        "127.0.0.1", amqp_port, "tools", pika.PlainCredentials("worker", "secret"),
        client_properties={"connection_name": "listed"})
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.basic_consume("work", lambda *_: None, consumer_tag="the-consumer")
    wait_for(lambda: admin.get("/api/consumers/tools"))
    wait_for(lambda: admin.get("/api/connections"))
    wait_for(lambda: admin.get("/api/channels"))
    names = [
        "connections", "channels", "consumers", "exchanges", "queues", "bindings", "users", "vhosts", "permissions",
        "nodes", "parameters", "policies", "operator_policies", "vhost_limits",
    ]
    for name in names:
        rows = tool.rows("list", name)
        assert rows, f"list {name}: nothing"
        for form in LIST_FORMATS:
            tool.run("list", name, options=("--format", form))
        # All columns: other forms fail in the tool itself where a value is null, as of connections without TLS.
        tool.run("list", name, options=("--format", "long", "--depth", "3"))
        assert "tools" in json.dumps(rows) or name in ("users", "nodes"), f"list {name}: {rows}"
    columns = tool.rows("list", "queues", "name", "vhost", options=("--vhost", "tools", "--sort", "name"))
    equal(columns, [{"name": name, "vhost": "tools"} for name in ("replicated", "work")])
    backwards = tool.rows("list", "queues", "name", options=("-V", "tools", "--sort", "name", "--sort-reverse"))
    equal([row["name"] for row in backwards], ["work", "replicated"])
    for form in LIST_FORMATS:
        tool.run("show", "overview", options=("--format", form))
    tool.run("show", "overview", "rabbitmq_version", "cluster_name")
    tool.run("help", "config")
    tool.run("--version")
    tool.run("--bash-completion")
    [listed] = [row for row in tool.rows("list", "connections") if row["vhost"] == "tools"]
    equal(listed["user"], "worker")
    equal(tool.run("close", "connection", f"name={listed['name']}"), "connection closed")
    try:
        connection.process_data_events(time_limit=10)
        raise AssertionError("the connection is still open")
    except pika.exceptions.AMQPConnectionError as error:
        assert "320" in str(error) or "CONNECTION_FORCED" in str(error), repr(error)


def wait_for(condition):
    """RabbitMQ's lists are some seconds old."""
    import time
    for _ in range(100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("waited 10 seconds in vain")


def definitions(tool, admin, directory):
    everything = os.path.join(directory, "all.json")
    inside = os.path.join(directory, "tools.json")
    assert tool.run("export", everything).startswith("Exported definitions for 127.0.0.1 to")
    assert tool.run("export", inside, options=("--vhost", "tools")).startswith("Exported definitions")
    with open(everything) as file:
        exported = json.load(file)
    assert {"users", "vhosts", "permissions", "queues", "exchanges", "bindings", "policies"} <= set(exported)
    admin.change("DELETE", "/api/queues/tools/work")
    admin.change("DELETE", "/api/users/worker")
    assert tool.run("import", everything).startswith("Uploaded definitions from")
    wait_for(lambda: admin.request("GET", "/api/queues/tools/work").status == 200)
    equal(ManagementClient(tool.port, "worker", "secret").get("/api/whoami")["name"], "worker")
    admin.change("DELETE", "/api/queues/tools/work")
    assert tool.run("import", inside, options=("--vhost", "tools")).startswith("Uploaded definitions from")
    equal(admin.get("/api/queues/tools/work")["arguments"], {"x-max-length": 1000, "x-message-ttl": 600000})


def removal(tool, admin):
    vhost = ("--vhost", "tools")
    equal(
        tool.run(
            "delete", "binding", "source=orders", "destination_type=queue", "destination=work",
            "properties_key=order.%23", options=vhost),
        "binding deleted")
    for kind, *arguments in [
        ("queue", "name=work"), ("queue", "name=replicated"), ("exchange", "name=orders"),
        ("exchange", "name=other"), ("policy", "name=limit"), ("operator_policy", "name=upper"),
        ("parameter", "component=federation-upstream", "name=up"), ("vhost_limit", "vhost=tools", "name=max-queues"),
        ("permission", "vhost=tools", "user=worker"), ("user", "name=worker"), ("user", "name=hashed"),
        ("vhost", "name=tools"),
    ]:
        equal(tool.run("delete", kind, *arguments, options=vhost), f"{kind} deleted")
    missing = tool.fails("delete", "queue", "name=work", options=("--vhost", "/"))
    assert "Not found: /api/queues/%2F/work" in missing, missing
    refused = tool.fails("list", "queues", options=("--username", "guest", "--password", "wrong"))
    assert "Access refused: /api/queues" in refused, refused


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--amqp-port", type=int, required=True)
    arguments = parser.parse_args()
    tool = Tool(arguments.tool, arguments.port)
    admin = ManagementClient(arguments.port)
    admin.request("DELETE", "/api/vhosts/tools")
    with tempfile.TemporaryDirectory() as directory:
        topology(tool, admin)
        rules(tool, admin)
        messages(tool, admin, directory)
        lists(tool, admin, arguments.amqp_port)
        definitions(tool, admin, directory)
        removal(tool, admin)
    commands = tool.commands()
    assert len(commands) > 40, commands
    assert commands <= tool.used, f"not run: {commands - tool.used}"
    print(f"ok: {len(commands)} commands")


if __name__ == "__main__":
    main()
