"""Runs the scenarios against a broker on loopback; records or compares what it answered.

run.py --port 5672 [--only TEXT] [--record FILE] [--compare FILE] [--jobs N]
"""

import argparse
import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from queue import Empty, SimpleQueue

from scenario import SCENARIOS, Session, plain

SCENARIO_SECONDS = 10
HERE = Path(__file__).parent


def load_scenarios():
    for path in sorted(HERE.glob("*.py")):
        if path.stem not in ("run", "scenario"):
            importlib.import_module(path.stem)


class Run(threading.Thread):
    """One scenario on a thread of its own, so that one that hangs can be left behind."""

    def __init__(self, name, port):
        super().__init__(daemon=True)
        self.scenario = name
        self.port = port
        self.answer = None
        self.failure = None
        self.began = time.monotonic()

    def run(self):
        session = Session(self.port)
        try:
            self.answer = plain(SCENARIOS[self.scenario](session))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)
            line = next(
                (
                    f"{Path(frame.filename).stem}:{frame.lineno}"
                    for frame in reversed(place)
                    if Path(frame.filename).parent == HERE and Path(frame.filename).stem != "scenario"
                ),
                "",
            )
            self.failure = f"{type(error).__name__} at {line}: {error}"
        finally:
            session.end()


def run_all(names, port, jobs):
    """Answers and failures by name."""
    waiting = SimpleQueue()
    for name in names:
        waiting.put(name)
    answers, failures, running = {}, {}, []
    while True:
        while len(running) < jobs:
            try:
                run = Run(waiting.get_nowait(), port)
            except Empty:
                break
            run.start()
            running.append(run)
        if not running:
            return answers, failures
        time.sleep(0.005)
        for run in list(running):
            if run.is_alive() and time.monotonic() - run.began < SCENARIO_SECONDS:
                continue
            running.remove(run)
            if run.is_alive():
                failures[run.scenario] = f"hangs: not finished within {SCENARIO_SECONDS} s"
            elif run.failure:
                failures[run.scenario] = run.failure
            else:
                answers[run.scenario] = run.answer


def write(path, table):
    Path(path).write_text(json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def compare(names, answers, failures, recorded, differences):
    """The lines of what differs without a reason."""
    lines = [f"{name}: {text}" for name, text in failures.items()]
    for name in names:
        if name not in recorded:
            lines.append(f"{name}: not recorded yet")
        elif name in answers:
            expected = recorded[name]
            for change in differences.get(name, {}).get("changes", []):
                if at(expected, change["at"]) == change["expected"]:
                    lines.append(f"{name} {change['at']}: differences.json has the recorded answer")
                expected = changed(expected, change["at"], change["expected"])
            for place, wanted, actual in unlike(expected, answers[name]):
                lines += [f"{name} {dump(place)}:", f"  expected {dump(wanted)}", f"  actual   {dump(actual)}"]
    for name in sorted((set(recorded) | set(differences)) - set(SCENARIOS)):
        lines.append(f"{name}: no such scenario")
    return lines


def at(value, place):
    for key in place:
        value = value[key]
    return value


def changed(value, place, replacement):
    if not place:
        return replacement
    key, *rest = place
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = changed(copy[key], rest, replacement)
    return copy


def unlike(expected, actual, place=()):
    """Where they differ: the innermost places, with both values."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        keys = sorted(expected)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        keys = range(len(expected))
    else:
        return [] if expected == actual else [(place, expected, actual)]
    return [found for key in keys for found in unlike(expected[key], actual[key], (*place, key))]


def dump(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", help="scenarios whose name contains this")
    parser.add_argument("--record", help="writes the answers to this file")
    parser.add_argument("--compare", help="compares with this file and differences.json")
    parser.add_argument("--answers", help="writes what this broker answered, beside a comparison")
    parser.add_argument("--jobs", type=int, default=8, help="scenarios at once")
    return parser.parse_args()


def main():
    arguments = parse()
    # pika logs every refusal, and scenarios provoke them.
    logging.disable(logging.CRITICAL)
    load_scenarios()
    names = sorted(name for name in SCENARIOS if not arguments.only or arguments.only in name)
    began = time.monotonic()
    answers, failures = run_all(names, arguments.port, arguments.jobs)
    for path in (arguments.record, arguments.answers):
        if path:
            old = json.loads(Path(path).read_text()) if arguments.only and Path(path).exists() else {}
            write(path, {**old, **answers})
    if arguments.compare:
        recorded = json.loads(Path(arguments.compare).read_text())
        differences = json.loads((HERE / "differences.json").read_text())
        lines = compare(names, answers, failures, recorded, differences)
    else:
        lines = [f"{name}: {text}" for name, text in failures.items()]
    print("\n".join(lines))
    bad = len({line.split(":")[0].split(" ")[0] for line in lines if not line.startswith(" ")})
    print(f"{len(names)} scenarios in {time.monotonic() - began:.1f} s, {bad} that differ")
    sys.stdout.flush()
    # Scenarios that hang are not waited for.
    os._exit(1 if lines else 0)


if __name__ == "__main__":
    main()
