#!/bin/bash
# rabbitmq-c's amqp-tools: declare, publish, get, consume and delete from the command line.
# usage: amqp_tools.sh [--host HOST] [--port PORT] [--username NAME] [--password WORD] [--reference]
set -u

host=127.0.0.1 port=5672 username=guest password=guest
while [ $# -gt 0 ]; do
  case $1 in
    --host) host=$2; shift 2 ;;
    --port) port=$2; shift 2 ;;
    --username) username=$2; shift 2 ;;
    --password) password=$2; shift 2 ;;
    --reference) shift ;;
    *) echo "failed: unknown option $1" >&2; exit 2 ;;
  esac
done

queue=t-$$-$RANDOM-amqp-tools
working_directory=$(mktemp -d)

# Each tool has its own limit in time, so the script cannot hang.
tool() {
  local name=$1
  shift
  timeout 10 "$name" --server="$host" --port="$port" --username="$username" --password="$password" "$@"
}

clean_up() {
  tool amqp-delete-queue --queue="$queue" >/dev/null 2>&1
  rm -rf "$working_directory"
}
trap clean_up EXIT

fail() {
  echo "failed: $*" >&2
  exit 1
}

expect_equal() {
  [ "$1" = "$2" ] || fail "$3: expected '$2', got '$1'"
}

for name in amqp-declare-queue amqp-publish amqp-get amqp-consume amqp-delete-queue; do
  command -v "$name" >/dev/null || fail "$name is missing: run install.sh"
done

declared=$(tool amqp-declare-queue --durable --queue="$queue") || fail "amqp-declare-queue exited with $?"
expect_equal "$declared" "$queue" "the name amqp-declare-queue prints"

tool amqp-get --queue="$queue" >/dev/null
expect_equal $? 2 "the exit status of amqp-get with an empty queue"

tool amqp-publish --routing-key="$queue" --persistent --content-type=text/plain --header "kind: test" \
  --body="hello from the shell" ||
  fail "amqp-publish exited with $?"
body=$(tool amqp-get --queue="$queue") || fail "amqp-get exited with $?"
expect_equal "$body" "hello from the shell" "the body amqp-get prints"

printf 'one\ntwo\nthree\nfour\n' | tool amqp-publish --routing-key="$queue" --line-buffered ||
  fail "amqp-publish of lines exited with $?"
tool amqp-consume --queue="$queue" --count=3 --prefetch-count=1 -- tee -a "$working_directory/consumed" >/dev/null ||
  fail "amqp-consume exited with $?"
expect_equal "$(cat "$working_directory/consumed")" "$(printf 'one\ntwo\nthree')" \
  "the lines given to the command of amqp-consume"

# What amqp-consume did not acknowledge is still there.
body=$(tool amqp-get --queue="$queue") || fail "amqp-get after amqp-consume exited with $?"
expect_equal "$body" "four" "the message left by amqp-consume"

# A queue bound by amqp-consume itself to an exchange, filled once it is there.
tool amqp-consume --queue="" --exchange=amq.topic --routing-key="$queue.#" --exclusive --no-ack --count=1 \
  -- tee "$working_directory/bound" >/dev/null 2>&1 &
consumer=$!
for _ in $(seq 50); do
  tool amqp-publish --exchange=amq.topic --routing-key="$queue.key" --body="over a topic" ||
    fail "amqp-publish to amq.topic exited with $?"
  kill -0 $consumer 2>/dev/null || break
  sleep 0.1
done
wait $consumer || fail "amqp-consume from amq.topic exited with $?"
expect_equal "$(cat "$working_directory/bound")" "over a topic" "the message over amq.topic"

tool amqp-publish --routing-key="$queue" --body="not empty" || fail "amqp-publish exited with $?"
tool amqp-delete-queue --queue="$queue" --if-empty >/dev/null 2>"$working_directory/error" &&
  fail "amqp-delete-queue --if-empty deleted a queue with a message"
grep -q "PRECONDITION_FAILED - queue '$queue' in vhost '/' not empty" "$working_directory/error" ||
  fail "amqp-delete-queue --if-empty said: $(cat "$working_directory/error")"
deleted=$(tool amqp-delete-queue --queue="$queue") || fail "amqp-delete-queue exited with $?"
expect_equal "$deleted" 1 "the number of messages amqp-delete-queue prints"

tool amqp-get --queue="$queue" >/dev/null 2>"$working_directory/error" &&
  fail "the queue is left after amqp-delete-queue"
grep -q "404.*NOT_FOUND - no queue '$queue' in vhost '/'" "$working_directory/error" ||
  fail "amqp-get of a deleted queue said: $(cat "$working_directory/error")"
echo "ok: declare, publish, get, consume and delete with amqp-tools"
