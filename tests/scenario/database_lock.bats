# Another program holds the database's lock: events are kept on disk, readers
# read on, writers say what is the matter, and afterwards all is in its place.

load lib

prepare() {
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0; delay = "10ms";
		    delay_max = "50ms"; }; };
		components = ( { name = "dies"; command = [ "sleep", "1000" ]; }
		);
	CONF
	lk up -d
	wait_state dies running
	wait_event "event_type = 'component_started' AND component = 'dies'"
	sql "INSERT INTO loops (id, name) VALUES ('loop-1', 'One');
	    INSERT INTO tests (id, loop_id) VALUES ('CP-1', 'loop-1')"
}

die_five_times() {
	local pid
	for _ in {1..5}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		wait_until 5 has_pid_other_than dies "$pid"
	done
}

is_kept() {
	grep -qs component_crashed "$FLEET"/state/spool/kept-*.jsonl
}

all_told() {
	local n
	n=$(count_events "event_type = 'component_crashed'")
	[[ $n == 5 ]] || fail "$n of 5 deaths are in the database"
}

spool_is_drained() {
	! ls "$FLEET"/state/spool/*.jsonl 2> /dev/null
}

@test "events are kept on disk while it is locked, and told afterwards once" {
	local pid
	foreigner 'BEGIN EXCLUSIVE;'
	die_five_times
	wait_until 15 is_kept
	lk tests | grep -q CP-1
	[[ $(pid_of recorder) =~ ^[0-9]+$ ]]
	lk status | grep -q dies
	[[ $(count_events "event_type = 'component_crashed'") == 0 ]]
	tell_foreigner 'COMMIT;'
	wait_until 15 all_told
	wait_until 15 spool_is_drained
	[[ $(status_field recorder restarts) == 0 ]]
	lk skip CP-1
}

@test "the recorder dies while it is locked: nothing is lost" {
	local pid recorder
	foreigner 'BEGIN EXCLUSIVE;'
	die_five_times
	wait_until 15 is_kept
	recorder=$(pid_of recorder)
	kill -9 "$recorder"
	wait_until 15 has_pid_other_than recorder "$recorder"
	tell_foreigner 'COMMIT;'
	wait_until 20 has_event "event_type = 'component_crashed'
	    AND component = 'recorder'"
	[[ $(count_events "event_type = 'component_crashed'
	    AND component = 'dies'") == 5 ]]
	wait_until 15 spool_is_drained
}

@test "a reader in a long transaction doesn't hold anything up" {
	local pid
	foreigner 'BEGIN;' 'SELECT count(*) FROM events;'
	pid=$(pid_of dies)
	kill -9 "$pid"
	wait_event "event_type = 'component_crashed'"
	spool_is_drained
}
