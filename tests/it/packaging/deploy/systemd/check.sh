#!/usr/bin/env bash
# Checks the service in a container with systemd. Its test reads what this prints.
set -euo pipefail

unit=comfydeploy-webhook
url=http://127.0.0.1:8080
run=7c9e6679-7425-40de-944b-e07fc1f90ae7

main_pid() {
    systemctl show --property=MainPID --value "$unit"
}

until_ready() {
    timeout 20 bash -c "until curl --silent --fail $url/readyz; do sleep 0.1; done"
}

until_ready
curl --fail --silent --show-error --user hook:hook --header 'Content-Type: application/json' \
    "$url/api/webhooks/run-update" --data "{\"run_id\": \"$run\", \"status\": \"processing\"}"
pid=$(main_pid)
status() {
    sed --quiet "s/^$1:\t//p" "/proc/$pid/status"
}
echo "no new privileges: $(status NoNewPrivs)"
echo "capabilities: $(status CapBnd)"
echo "seccomp: $(status Seccomp)"
owner=$(stat --format=%u /var/lib/private/$unit/runs.db)
echo "owner of the database: $([ "$owner" = 0 ] || echo not) root"

# The limit of open files was raised without a warning.
journalctl --unit="$unit" --output=cat --no-pager
if journalctl --unit="$unit" --output=cat | grep '"level":"WARN"'; then
    exit 1
fi

kill -KILL "$pid"
timeout 20 bash -c "until [ \$(systemctl show --property=MainPID --value $unit) -ne 0 ]; do sleep 0.1; done"
until_ready
test "$(main_pid)" != "$pid"
shown=$(curl --fail --silent --header 'Authorization: Bearer reader' "$url/api/runs/$run")
echo "after a kill: $(grep --only-matching '"status":"[a-z]*"' <<< "$shown")"

systemctl stop "$unit"
test "$(systemctl show --property=Result --value "$unit")" = success
rm /etc/comfydeploy-webhook/read-token
systemctl start "$unit" || echo "without a token: failed"
