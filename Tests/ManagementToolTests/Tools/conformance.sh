#!/bin/bash
# Schemathesis against the OpenAPI document that the broker serves: no 5xx but those that are documented, no answer that
# is not documented. Bounded in time: so many requests for each operation.
# usage: conformance.sh SCHEMATHESIS HTTP_PORT
set -euo pipefail
schemathesis=$1 port=$2
cd "$(mktemp -d)"
# What would change what the run itself needs is left out: the user it logs in as, the virtual host of its examples.
excluded=()
for operation in put_users_user delete_users_user post_users_bulk_delete put_permissions_vhost_user \
  delete_permissions_vhost_user delete_vhosts_vhost put_user_limits_user_name; do
  excluded+=(--exclude-operation-id "$operation")
done
checks=status_code_conformance,content_type_conformance,response_schema_conformance
run() {
  timeout 120 "$schemathesis" run "http://127.0.0.1:$port/api/openapi.json" --auth guest:guest \
    --phases examples,coverage,fuzzing --generation-deterministic --request-timeout 10 --no-color "$@"
}
# A health check that finds something wrong answers 503: so it is documented.
health='^/api/health/checks/'
run --checks "not_a_server_error,$checks" --max-time 60 --exclude-path-regex "$health" "${excluded[@]}"
run --checks "$checks" --max-time 15 --include-path-regex "$health"
