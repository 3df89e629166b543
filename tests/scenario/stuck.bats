# Keepers and daemons that don't answer are found out and replaced; a database
# that can't be checked in time doesn't hold up the start.

load lib

prepare() {
	sleepers one two
}

@test "a keeper that hangs is killed, with evidence, and replaced" {
	lk up -d --wait
	local keeper pid two
	keeper=$(status_field one keeper_pid)
	pid=$(pid_of one)
	two=$(pid_of two)
	kill -STOP "$keeper"
	# A new daemon asks at once, an old one every five minutes.
	kill -9 "$(status_field @ daemon_pid)"
	wait_event "event_type = 'keeper_stuck' AND component = 'one'" 30
	wait_until 10 gone "$keeper"
	wait_until 10 has_pid_other_than one "$pid"
	gone "$pid"
	[[ $(sql "SELECT json_extract(payload, '\$.state') FROM events
	    WHERE event_type = 'keeper_stuck'") == T ]]
	[[ $(pid_of two) == "$two" ]]
}

@test "a daemon that hangs is killed by the guardian, and followed" {
	lk up -d --wait
	local daemon one
	daemon=$(status_field @ daemon_pid)
	one=$(pid_of one)
	kill -STOP "$daemon"
	wait_until 120 gone "$daemon"
	wait_until 10 has_daemon
	wait_event "event_type = 'daemon_restarted'"
	[[ $(pid_of one) == "$one" ]]
	lk restart two
}

@test "a locked database doesn't hold up the start: file-based until then" {
	lk up -d --wait
	lk down
	foreigner 'BEGIN EXCLUSIVE;'
	run lk up -d
	[[ $status == 0 && $output == *"file-based"* ]] || fail "$output"
	wait_state one running
	mode_is file-based
	state_is recorder waiting
	tell_foreigner 'COMMIT;'
	wait_state recorder running 30
	wait_until 30 mode_is normal
	wait_event "event_type = 'mode_changed'"
}

@test "most of a kind die of one cause: one is tried, the rest wait" {
	local names i
	names=$(for i in 1 2 3 4; do
		echo "{ name = \"w$i\"; kind = \"worker\"; command = [
		    \"/bin/sh\", \"-c\", \"[ -e $FLEET/well ] &&
		    exec sleep 1000; exit 7\" ]; },"
	done)
	fleet_config <<-CONF
		defaults = { restart = { delay = "100ms"; delay_max = "300ms";
		    max_restarts = 0; stable_after = "2500ms"; }; };
		components = ( $names
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d
	wait_event "event_type = 'fleet_circuit_opened'"
	wait_until 10 three_wait
	state_is one running
	touch "$FLEET/well"
	for i in 1 2 3 4; do
		wait_state "w$i" running 20
	done
	wait_event "event_type = 'fleet_circuit_closed'"
}

three_wait() {
	[[ $(lk status --json | jq '[.components[] |
	    select(.state == "waiting")] | length') == 3 ]]
}

@test "the daemon's file limit is its own" {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "/bin/sh", "-c",
		    "ulimit -Sn > $FLEET/limit; exec sleep 1000" ]; } );
	CONF
	ulimit -Sn 256
	lk up -d --wait
	wait_until 5 test -s "$FLEET/limit"
	[[ $(< "$FLEET/limit") == 256 ]]
	[[ $(awk '/^Max open files/ { print $4 }' \
	    "/proc/$(status_field @ daemon_pid)/limits") == $(ulimit -Hn) ]]
	rm "$FLEET/limit"
	kill -9 "$(pid_of one)"
	wait_until 5 test -s "$FLEET/limit"
	[[ $(< "$FLEET/limit") == 256 ]]
}

@test "who started us is told, and our children never see it" {
	need python3
	cat > "$FLEET/listen.py" <<-'PY'
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    print(s.recv(4096).decode())
	PY
	background heard python3 -u "$FLEET/listen.py" "$FLEET/notify"
	wait_until 5 test -S "$FLEET/notify"
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "/bin/sh", "-c",
		    "env > $FLEET/env; exec sleep 1000" ]; } );
	CONF
	NOTIFY_SOCKET=$FLEET/notify WATCHDOG_USEC=1000000 lk up -d --wait
	wait_until 5 grep -q '^READY=1' "$FLEET/heard"
	wait_until 5 grep -q '^WATCHDOG=1' "$FLEET/heard"
	wait_until 5 test -s "$FLEET/env"
	if grep -E "^(NOTIFY_SOCKET=$FLEET/|WATCHDOG_|LISTEN_)" "$FLEET/env"; then
		fail "a component saw that"
	fi
	lk reload
	wait_until 5 grep -q '^RELOADING=1' "$FLEET/heard"
	grep -q '^MONOTONIC_USEC=' "$FLEET/heard"
	lk down
	grep -q '^STOPPING=1' "$FLEET/heard"
}
