#!/bin/bash
# A RabbitMQ of one's own on loopback, as Debian ships it, that knows of no other: started, and stopped by its pid.
# usage: private_rabbitmq.sh start|stop DIRECTORY AMQP_PORT
# The management port is AMQP_PORT + 10000, the distribution's + 20000, epmd's AMQP_PORT - 1000.
set -euo pipefail
action=$1 directory=$2 port=$3
server=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$server" ] || { echo "private_rabbitmq.sh: RabbitMQ is not installed: see install.sh" >&2; exit 2; }

export HOME=$directory
export RABBITMQ_NODENAME=tools-$port@localhost RABBITMQ_DIST_PORT=$((port + 20000))
export ERL_EPMD_PORT=$((port - 1000)) ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_CONF_ENV_FILE=$directory/environment.conf RABBITMQ_CONFIG_FILE=$directory/rabbitmq.conf
export RABBITMQ_MNESIA_BASE=$directory/data RABBITMQ_LOG_BASE=$directory/log
export RABBITMQ_ENABLED_PLUGINS_FILE=$directory/enabled_plugins RABBITMQ_PID_FILE=$directory/broker.pid
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'

broker_pid() { cat "$directory/broker.pid" 2>/dev/null || true; }

# Without the files of whoever starts it: Foundation takes a process for alive while anybody has the one that it watches.
alone() {
  local file
  for file in /proc/self/fd/*; do
    case ${file##*/} in 0 | 1 | 2) ;; *) eval "exec ${file##*/}>&-" 2>/dev/null || true ;; esac
  done
  exec setsid "$@"
}

case $action in
start)
  mkdir -p "$directory/data" "$directory/log"
  : >"$directory/environment.conf"
  echo '[rabbitmq_management,rabbitmq_federation_management,rabbitmq_shovel_management].' >"$directory/enabled_plugins"
  cat >"$directory/rabbitmq.conf" <<CONFIGURATION
listeners.tcp.1 = 127.0.0.1:$port
management.tcp.ip = 127.0.0.1
management.tcp.port = $((port + 10000))
log.file.level = warning
CONFIGURATION
  # Not the distribution's own: a broker that others use stays alone.
  (alone epmd) >"$directory/epmd.log" 2>&1 </dev/null &
  echo $! >"$directory/epmd.pid"
  sleep 0.3
  (alone "$server") >"$directory/start.log" 2>&1 </dev/null &
  for _ in $(seq 600); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$((port + 10000))") 2>/dev/null; then
      echo "management on $((port + 10000))"
      exit 0
    fi
    sleep 0.5
  done
  echo "private_rabbitmq.sh: RabbitMQ did not start:" >&2
  tail -5 "$directory/start.log" >&2
  "$0" stop "$directory" "$port"
  exit 1
  ;;
stop)
  pid=$(broker_pid)
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 120); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
    kill -9 "$pid" 2>/dev/null || true
  fi
  kill "$(cat "$directory/epmd.pid")" 2>/dev/null || true
  ;;
*) echo "usage: private_rabbitmq.sh start|stop DIRECTORY AMQP_PORT" >&2; exit 2 ;;
esac
