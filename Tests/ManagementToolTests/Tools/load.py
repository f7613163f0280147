#!/usr/bin/env python3
"""The HTTP API with many queues and connections, measured: how long its answers take, what memory it takes, and what a
publisher and a consumer notice while it is asked every second. Not part of `make test`.

usage: load.py --port HTTP_PORT --amqp-port PORT --pid BROKER_PID [--queues 100000] [--connections 10000]
"""

import argparse
import json
import resource
import socket
import threading
import time
import urllib.request

import pika

from management_client import ManagementClient


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024


def timed(port, path, headers):
    """Seconds to the first byte and to the last, and bytes."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    start = time.monotonic()
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read(1)
        first = time.monotonic() - start
        count = 1
        while piece := answer.read(1 << 16):
            count += len(piece)
    return first, time.monotonic() - start, count


class Traffic:
    """One publisher and one consumer over a queue of their own; counts what the consumer gets."""

    def __init__(self, amqp_port):
        self.delivered = 0
        self.stopped = False
        self.amqp_port = amqp_port
        with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", amqp_port)) as connection:
            connection.channel().queue_declare("traffic", auto_delete=False)
        self.threads = [threading.Thread(target=self.publish), threading.Thread(target=self.consume)]
        for thread in self.threads:
            thread.start()

    def publish(self):
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.amqp_port))
        channel = connection.channel()
        while not self.stopped:
            for _ in range(100):
                channel.basic_publish("", "traffic", b"x" * 100)
            connection.process_data_events(0)
        connection.close()

    def consume(self):
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.amqp_port))
        channel = connection.channel()
        for method, _, _ in channel.consume("traffic", auto_ack=True, inactivity_timeout=0.5):
            if method is not None:
                self.delivered += 1
            if self.stopped:
                break
        connection.close()

    def rate(self, seconds):
        before, start = self.delivered, time.monotonic()
        time.sleep(seconds)
        return (self.delivered - before) / (time.monotonic() - start)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


def open_connections(amqp_port, count):
    """Bare connections: the login of one, recorded, sent by all."""
    import struct

    def frame(payload):
        return struct.pack(">BHI", 1, 0, len(payload)) + payload + b"\xce"

    def text(value, size):
        return struct.pack(size, len(value)) + value

    start = struct.pack(">HH", 10, 11) + struct.pack(">I", 0) + text(b"PLAIN", ">B") + text(b"\0guest\0guest", ">I")
    hello = (
        b"AMQP\0\0\x09\x01" + frame(start + text(b"en_US", ">B"))
        + frame(struct.pack(">HHHIH", 10, 31, 10, 131072, 0)) + frame(struct.pack(">HH", 10, 40) + text(b"/", ">B") + b"\0\0"))
    sockets = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", amqp_port))
        connection.sendall(hello)
        sockets.append(connection)
    return sockets


def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "amqp-port", "pid"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--queues", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=10_000)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    admin = ManagementClient(arguments.port)
    headers = {"Authorization": admin.authorization}
    print(f"at rest: {resident_mib(arguments.pid)} MiB")
    start = time.monotonic()
    queues = [{"vhost": "/", "name": f"load-{i}", "durable": True, "auto_delete": False, "arguments": {}}
              for i in range(arguments.queues)]
    admin.change("POST", "/api/definitions", {"queues": queues})
    print(f"{arguments.queues} queues imported: {time.monotonic() - start:.1f} s, {resident_mib(arguments.pid)} MiB")
    sockets = open_connections(arguments.amqp_port, arguments.connections)
    time.sleep(2)
    print(f"{arguments.connections} connections: {resident_mib(arguments.pid)} MiB")
    paths = [
        "/api/overview", "/api/queues?page=1&page_size=100", "/api/queues?disable_stats=true", "/api/queues",
        "/api/connections?page=1&page_size=100", "/api/connections", "/metrics", "/metrics/per-object",
        "/metrics/detailed?family=queue_coarse_metrics",
    ]
    for path in paths:
        first, last, count = timed(arguments.port, path, headers)
        print(f"{path}: first byte {first * 1000:.0f} ms, all {last * 1000:.0f} ms, {count / 1e6:.1f} MB,"
              f" {resident_mib(arguments.pid)} MiB")
    traffic = Traffic(arguments.amqp_port)
    traffic.rate(2)
    for path in ("/api/overview", "/api/queues?page=1&page_size=100", "/metrics"):
        alone = traffic.rate(4)
        stop = threading.Event()

        def poll():
            while not stop.is_set():
                timed(arguments.port, path, headers)
                stop.wait(1)

        poller = threading.Thread(target=poll)
        poller.start()
        polled = traffic.rate(6)
        stop.set()
        poller.join()
        print(f"{path} each second: {polled:.0f} messages/s, alone {alone:.0f} ({100 * polled / alone - 100:+.1f} %)")
    traffic.stop()
    for connection in sockets:
        connection.close()
    print("ok: measured")


if __name__ == "__main__":
    main()
