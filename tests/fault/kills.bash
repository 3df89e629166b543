# What the campaigns of kills have in common: who may be killed, and how.

# Lines "WHAT NAME PID" of all that may be killed.
victims() {
	{ lk status --all --json || true; } | jq -r '
	    (.fleet | "guardian - \(.guardian_pid)", "daemon - \(.daemon_pid)"),
	    (.components[] | "keeper \(.name) \(.keeper_pid)",
	    "component \(.name) \(.pid)")' | grep -E ' [1-9][0-9]*$'
}

# The same, once there are any.
wait_victims() {
	local begun_s=$SECONDS
	until victims; do
		((SECONDS - begun_s < 20 * LK_PATIENCE)) ||
		    fail "everybody is dead" || return
		sleep 0.02
	done
}

pause_ms() {
	sleep "$(printf '0.%03d' "$1")"
}

# kill_pid WHAT NAME PID: kills it and notes that, once it is dead.
kill_pid() {
	kill -9 "$3" 2> /dev/null || return 0
	wait_until 10 gone "$3"
	echo "$1 $2 $3" >> "$FLEET/killed"
}

fleet_is_whole() {
	local left
	left=$({ lk status --json || true; } | jq -r '.components[] |
	    select(.state != "running") | "\(.name) is \(.state)"')
	[[ -z $left && $(status_field @ daemon_pid) -gt 0 ]] || fail "$left"
}
