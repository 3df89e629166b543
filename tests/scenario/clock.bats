# The wall clock is set forward or back by a day: nothing is restarted, no
# lock or lease expires, no decision is resolved. libfaketime moves the wall
# clock of the whole fleet by a file, and leaves the monotonic one alone.

load lib

prepare() {
	fake_clock
}

# The fleet lives in a time of its own; its operator doesn't.
lk_faked() {
	FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE=$FLEET/clock \
	    faked "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" "$@" 3>&-
}

set_clock() {
	echo "$1" > "$FLEET/clock.new"
	mv "$FLEET/clock.new" "$FLEET/clock"
}

start_fleet() {
	set_clock +0d
	fleet_config <<-CONF
		components = (
		  { name = "dies"; command = [ "sleep", "1000" ];
		    restart = { max_restarts = 0; delay = "100ms"; }; },
		  { name = "beats"; command = [ "$HELPERS/client" ];
		    ready = "notify"; heartbeat = { timeout = "8s"; }; },
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "1h"; }; },
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { repository = "$FLEET/repository";
		      worker = [ "/bin/sh", "-c", "exec sleep 1000" ]; }; }
		);
	CONF
	repository "$FLEET/repository"
	lk_faked up -d
	wait_state beats running
	wait_state pm running
	# A test under way, with its lease; a lock and a decision that have an
	# hour left.
	lk add T-1 --loop loop-1 --verify false
	wait_until 20 test_is T-1 in_progress
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
	[[ $(sql "SELECT count(*) FROM attempts WHERE ended_at IS NULL") == 1 &&
	    $(sql "SELECT count(*) FROM attempts") == 1 ]] ||
	    fail "the attempt has lost its lease"
	[[ $(count_events "event_type IN ('component_stuck',
	    'component_late', 'component_crashed')
	    AND component <> 'dies'") == 0 ]] || fail "somebody was judged"
}

# It did reach them: who dies now dies on another day, by its keeper's clock
# and by the daemon's.
lives_on_day() {
	local pid reloads
	reloads=$(count_events "event_type = 'config_reloaded'")
	pid=$(pid_of dies)
	kill -9 "$pid"
	wait_until 10 has_pid_other_than dies "$pid"
	wait_state dies running
	lk reload
	wait_event "event_type = 'component_crashed' AND component = 'dies'
	    AND payload ->> 'pid' = $pid AND $(is_on_day "$1")"
	wait_until 10 reloads_are $((reloads + 1))
	[[ $(sql "SELECT $(is_on_day "$1") FROM events
	    WHERE event_type = 'config_reloaded'
	    ORDER BY rowid DESC LIMIT 1") == 1 ]]
}

is_on_day() {
	echo "abs(julianday(timestamp) - julianday('now', '$1')) < 0.2"
}

reloads_are() {
	[[ $(count_events "event_type = 'config_reloaded'") == "$1" ]]
}

# Lives through several heartbeats of everybody.
beaten() {
	(($(status_field beats heartbeats) >= $1))
}

# is_well_on DAY: after some time there.
is_well_on() {
	local before
	before=$(status_field beats heartbeats)
	lives_on_day "$1"
	wait_until 30 beaten $((before + 3))
	untouched
}

jump_by() {
	local beats row
	start_fleet
	beats=$(pid_of beats) row=$(pid_of row)
	is_well_on "+0 days"
	set_clock "${1}d"
	is_well_on "$1 days"
	set_clock +0d
	is_well_on "+0 days"
}

@test "a day forward and back touches nothing" {
	jump_by +1
}

@test "a day back and forward touches nothing" {
	jump_by -1
}
