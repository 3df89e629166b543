# The wall clock is set forward or back by a day: nothing is restarted, no
# lock or lease expires, no decision is resolved. libfaketime moves the wall
# clock of the whole fleet by a file, and leaves the monotonic one alone.

setup() {
	load lib
	need jq sqlite3 faketime
	[[ -z ${SANITIZE:-} ]] || skip "two libraries want to be the first"
	setup_fleet
	FAKE=$(ls /usr/lib/*/faketime/libfaketime.so.1)
}

teardown() {
	teardown_fleet
}

# The fleet lives in a time of its own; its operator doesn't.
lk_faked() {
	env LD_PRELOAD="$FAKE" FAKETIME_DONT_FAKE_MONOTONIC=1 \
	    DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 \
	    FAKETIME_TIMESTAMP_FILE="$FLEET/clock" \
	    "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" "$@" 3>&-
}

set_clock() {
	echo "$1" > "$FLEET/clock.new"
	mv "$FLEET/clock.new" "$FLEET/clock"
}

start_fleet() {
	set_clock +0d
	fleet_config <<-CONF
		components = (
		  { name = "beats"; command = [ "$HELPERS/client" ];
		    ready = "notify"; heartbeat = { timeout = "8s"; }; },
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "1h"; }; },
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; }
		);
	CONF
	lk_faked up -d
	wait_state beats running
	wait_state pm running
	# A lock and a lease that have an hour left, a decision likewise.
	sql <<-'SQL'
		INSERT INTO file_locks (file_path, locked_by, locked_at,
		    expires_at) VALUES ('src/a.c', 'loop-1',
		    strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
		    strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+1 hour'));
		INSERT INTO decisions (id, decision_type, summary, options,
		    default_option, timeout_minutes, status, requested_at,
		    requested_by) VALUES ('DEC-900', 'test', 'left or right',
		    '[{"id":"A","description":"left"},' ||
		    '{"id":"B","description":"right"}]', 'A', 60, 'pending',
		    strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'loop-1');
	SQL
}

untouched() {
	[[ $(pid_of beats) == "$beats" ]] || fail "beats was restarted"
	[[ $(pid_of row) == "$row" ]] || fail "row was restarted"
	[[ $(sql "SELECT count(*) FROM file_locks") == 1 ]] ||
	    fail "the lock has expired"
	[[ $(sql "SELECT status FROM decisions") == pending ]] ||
	    fail "the decision was resolved"
	[[ $(count_events "event_type IN ('component_stuck',
	    'component_late', 'component_crashed')") == 0 ]] ||
	    fail "somebody was judged"
}

# Lives through several heartbeats of everybody.
beaten() {
	(($(status_field beats heartbeats) >= $1))
}

jump_by() {
	local beats row before
	start_fleet
	beats=$(pid_of beats) row=$(pid_of row)
	before=$(status_field beats heartbeats)
	set_clock "$1"
	wait_until 30 beaten $((before + 3))
	untouched
	set_clock +0d
	before=$(status_field beats heartbeats)
	wait_until 30 beaten $((before + 3))
	untouched
}

@test "a day forward and back touches nothing" {
	jump_by +1d
}

@test "a day back and forward touches nothing" {
	jump_by -1d
}
