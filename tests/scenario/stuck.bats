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

# However seldom it is asked otherwise: somebody waits.
@test "a keeper that hangs is found when something is wanted of it" {
	lk up -d --wait
	local pid
	pid=$(pid_of one)
	kill -STOP "$(keeper_of one)" "$(keeper_of two)"
	timeout $((60 * LK_PATIENCE)) "$LOOPKEEPER" restart one 3>&-
	has_pid_other_than one "$pid"
	kill -STOP "$(keeper_of one)"
	timeout $((60 * LK_PATIENCE)) "$LOOPKEEPER" down 3>&-
	wait_until 10 nothing_left
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
	wait_state recorder waiting
	lk status > "$FLEET/status"
	grep -F "mode: file-based (the database is being checked: loops finish" \
	    "$FLEET/status" || fail "$(< "$FLEET/status")"
	tell_foreigner 'COMMIT;'
	wait_state recorder running 30
	wait_until 30 mode_is normal
	wait_event "event_type = 'mode_changed'"
}

# kind_of_four: w1 to w4 die of one cause until $FLEET/well is there, and note
# each start in $FLEET/starts.
kind_of_four() {
	local names i
	names=$(for i in 1 2 3 4; do
		echo "{ name = \"w$i\"; kind = \"worker\"; command = [
		    \"/bin/sh\", \"-c\", \"echo w$i >> $FLEET/starts;
		    [ -e $FLEET/well ] && exec sleep 1000; exit 7\" ]; },"
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
}

# Puts it right, and sees them all come back.
mend_kind() {
	touch "$FLEET/well"
	for i in 1 2 3 4; do
		wait_state "w$i" running 20
	done
	wait_events 1 "event_type = 'fleet_circuit_closed'"
	[[ $(count_events "event_type = 'fleet_circuit_opened'") == 1 ]]
}

@test "most of a kind die of one cause: one is tried, the rest wait" {
	kind_of_four
	wait_state one running
	mend_kind
}

@test "they wait on when the daemon dies" {
	kind_of_four
	local daemon begun
	daemon=$(status_field @ daemon_pid)
	begun=$(starts_of_waiting)
	kill -9 "$daemon"
	wait_until 15 has_other daemon_pid @ "$daemon"
	restarts=$(status_field w1 restarts)
	wait_until 15 restarts_exceed w1 $((restarts + 5))
	[[ $(starts_of_waiting) == "$begun" ]]
	three_wait
	mend_kind
}

@test "one that an operator wants is tried all the same" {
	kind_of_four
	local begun verb
	for verb in restart start; do
		begun=$(starts_of w3)
		run lk "$verb" w3
		wait_until 5 has_started_since w3 "$begun"
		wait_until 10 three_wait
	done
	mend_kind
}

starts_of() {
	grep -c "$1" "$FLEET/starts"
}

has_started_since() {
	(($(starts_of "$1") > $2))
}

starts_of_waiting() {
	grep -cv w1 "$FLEET/starts"
}

restarts_exceed() {
	(($(status_field "$1" restarts) > $2))
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
		    "env > $FLEET/env; exec sleep 1000" ]; },
		  { name = "gone"; command = [ "false" ];
		    mode_when_down = "slow";
		    restart = { max_restarts = 1; delay = "10ms"; }; } );
	CONF
	NOTIFY_SOCKET=$FLEET/notify WATCHDOG_USEC=1000000 lk up -d
	wait_until 5 grep -q '^READY=1' "$FLEET/heard"
	wait_until 10 grep -q '^STATUS=.*mode slow' "$FLEET/heard"
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
