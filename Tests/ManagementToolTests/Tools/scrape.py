#!/usr/bin/env python3
"""A real Prometheus scrapes the broker, and promtool reads its pages.

usage: scrape.py --port HTTP_PORT --amqp-port PORT --prometheus PROMETHEUS --promtool PROMTOOL --rules FILE
                 --dashboard FILE

Every query of the dashboard must have an answer, every alert must be evaluated, and what Prometheus has of a load
must be what the load was.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import pika

PUBLISHED = 1000
PAGES = {
    "leveret": "/metrics",
    "leveret-objects": "/metrics/per-object",
    "leveret-queues": "/metrics/detailed?family=queue_coarse_metrics&family=queue_metrics&family=queue_delivery_metrics"
    "&family=exchange_bindings&family=vhost_status&family=channel_metrics",
}


def load(amqp_port):
    """Messages published, confirmed, delivered, got, acked, returned, dropped and given back, all counted."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", amqp_port))
    channel = connection.channel()
    channel.queue_declare("scraped", durable=True)
    channel.queue_declare("scraped quorum", durable=True, arguments={"x-queue-type": "quorum"})
    # A name that needs every escape there is.
    channel.queue_declare('quoted "back\\slash" ü')
    channel.confirm_delivery()
    for number in range(PUBLISHED):
        channel.basic_publish("", "scraped", b"x" * (50 if number % 2 else 5000))
    for _ in range(30):
        channel.basic_publish("", "scraped quorum", b"q")
    for _ in range(5):
        channel.basic_publish("", "nowhere", b"dropped")
    for _ in range(3):
        try:
            channel.basic_publish("", "nowhere", b"returned", mandatory=True)
            raise AssertionError("not returned")
        except pika.exceptions.UnroutableError:
            pass
    delivered = 0
    for method, _, _ in channel.consume("scraped", inactivity_timeout=10):
        assert method is not None, "nothing is delivered"
        channel.basic_ack(method.delivery_tag)
        delivered += 1
        if delivered == 300:
            break
    channel.cancel()
    for _ in range(10):
        method, _, _ = channel.basic_get("scraped quorum")
        channel.basic_ack(method.delivery_tag)
    assert channel.basic_get("quoted \"back\\slash\" ü")[0] is None
    return connection


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check_pages(promtool, port):
    for name, path in PAGES.items():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            kind, page = answer.headers["content-type"], answer.read()
        assert kind.replace(" ", "").startswith("text/plain;version=0.0.4"), kind
        done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, timeout=60)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == 0 and not said.strip(), f"promtool on {path}: {said}"


def configuration(directory, port, rules):
    jobs = []
    for name, path in PAGES.items():
        address = urllib.parse.urlsplit(path)
        jobs.append({
            "job_name": name, "metrics_path": address.path, "params": urllib.parse.parse_qs(address.query),
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        })
    path = os.path.join(directory, "prometheus.yml")
    with open(path, "w") as file:
        json.dump(
            {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules],
             "scrape_configs": jobs}, file)
    return path


class Prometheus:
    def __init__(self, executable, directory, port, rules):
        self.port = free_port()
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            [executable, "--config.file", configuration(directory, port, rules), "--storage.tsdb.path",
             os.path.join(directory, "data"), "--web.listen-address", f"127.0.0.1:{self.port}"],
            stdout=self.log, stderr=self.log)

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]

    def value(self, expression):
        result = self.query(expression)
        assert len(result) == 1, f"{expression}: {result}"
        return float(result[0]["value"][1])

    def wait(self, condition, what):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.25)
        self.log.seek(0)
        raise AssertionError(f"{what}: {self.log.read()[-2000:]} {self.ask('targets')}")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def check_values(prometheus):
    total = PUBLISHED + 30 + 5 + 3
    job = '{job="leveret"}'
    expected = {
        f"sum(rabbitmq_global_messages_received_total{job})": total,
        f"sum(rabbitmq_global_messages_received_confirm_total{job})": total,
        f"sum(rabbitmq_global_messages_confirmed_total{job})": total,
        f"sum(rabbitmq_global_messages_routed_total{job})": PUBLISHED + 30,
        f"sum(rabbitmq_global_messages_unroutable_dropped_total{job})": 5,
        f"sum(rabbitmq_global_messages_unroutable_returned_total{job})": 3,
        f"sum(rabbitmq_global_messages_get_empty_total{job})": 1,
        f"sum(rabbitmq_message_size_bytes_count{job})": total,
        f"sum(rabbitmq_message_size_bytes_sum{job})": PUBLISHED // 2 * 5050 + 30 + 5 * 7 + 3 * 8,
        'sum(rabbitmq_message_size_bytes_bucket{job="leveret",le="100"})': PUBLISHED // 2 + 38,
        'sum(rabbitmq_message_size_bytes_bucket{job="leveret",le="10000"})': total,
        'rabbitmq_global_messages_delivered_get_manual_ack_total{job="leveret",queue_type="rabbit_quorum_queue"}': 10,
        'rabbitmq_global_messages_acknowledged_total{job="leveret",queue_type="rabbit_quorum_queue"}': 10,
        'rabbitmq_global_messages_acknowledged_total{job="leveret",queue_type="rabbit_classic_queue"}': 300,
        f"rabbitmq_queues{job}": 3,
        f"rabbitmq_connections{job}": 1,
        f"rabbitmq_channels{job}": 1,
        f"sum(rabbitmq_queue_messages_ready{job})": PUBLISHED - 300 + 20,
        'rabbitmq_queue_messages_ready{job="leveret-objects",queue="scraped"}': PUBLISHED - 300,
        'rabbitmq_detailed_queue_messages_ready{job="leveret-queues",queue="scraped quorum"}': 20,
        'rabbitmq_detailed_queue_messages_ready{job="leveret-queues",queue="quoted \\"back\\\\slash\\" ü"}': 0,
        'rabbitmq_cluster_vhost_status{job="leveret-queues",vhost="/"}': 1,
        'count(rabbitmq_identity_info{rabbitmq_endpoint="aggregated"})': 1,
        'count(rabbitmq_identity_info{rabbitmq_endpoint="per-object"})': 1,
    }
    for expression, value in expected.items():
        prometheus.wait(lambda: prometheus.query(expression), expression)
        found = prometheus.value(expression)
        assert found == value, f"{expression}: {found}, expected {value}"


def check_dashboard(prometheus, dashboard):
    with open(dashboard) as file:
        panels = json.load(file)["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(expressions) > 40
    for expression in expressions:
        plain = (
            expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$vhost", ".*"))
        for name in set(re.findall(r"rabbitmq_\w+", plain)):
            assert prometheus.query(name), f"the dashboard asks for {name}, which nobody serves"
        prometheus.query(plain)
    return len(expressions)


def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "amqp-port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("prometheus", "promtool", "rules", "dashboard"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    connection = load(arguments.amqp_port)
    check_pages(arguments.promtool, arguments.port)
    with tempfile.TemporaryDirectory() as directory:
        prometheus = Prometheus(arguments.prometheus, directory, arguments.port, arguments.rules)
        try:
            prometheus.wait(
                lambda: len(prometheus.query("up == 1")) == len(PAGES), "Prometheus has not scraped every page")
            check_values(prometheus)
            count = check_dashboard(prometheus, arguments.dashboard)
            rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
            broken = [rule for rule in rules if rule["health"] == "err"]
            assert not broken, broken
            for rule in rules:
                for name in set(re.findall(r"rabbitmq_\w+", rule["query"])):
                    assert prometheus.query(name), f"an alert asks for {name}, which nobody serves"
        finally:
            prometheus.stop()
    connection.close()
    print(f"ok: {len(PAGES)} pages, {count} queries, {len(rules)} alerts")


if __name__ == "__main__":
    main()
