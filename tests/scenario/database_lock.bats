# Another program holds the database's lock: events are kept on disk, readers
# read on, writers say what is the matter, and afterwards all is in its place.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
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

teardown() {
	[[ -z ${commands:-} ]] || exec {commands}>&-
	teardown_fleet
}

# sqlite3 on the other end of $commands; ends when that is closed.
open_foreigner() {
	mkfifo "$FLEET/commands"
	sqlite3 -batch "$FLEET/state/coordination.db" < "$FLEET/commands" \
	    > "$FLEET/answers" 2>&1 3>&- &
	exec {commands}> "$FLEET/commands"
	printf '%s\n' '.timeout 10000' "$@" "SELECT 'so far';" >&"$commands"
	wait_until 15 grep -q 'so far' "$FLEET/answers"
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
	open_foreigner 'BEGIN EXCLUSIVE;'
	for _ in {1..5}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		wait_until 5 has_pid_other_than dies "$pid"
	done
	wait_until 15 is_kept
	lk tests | grep -q CP-1
	[[ $(pid_of recorder) =~ ^[0-9]+$ ]]
	lk status | grep -q dies
	[[ $(count_events "event_type = 'component_crashed'") == 0 ]]
	echo 'COMMIT;' >&"$commands"
	wait_until 15 all_told
	wait_until 15 spool_is_drained
	[[ $(status_field recorder restarts) == 0 ]]
	lk skip CP-1
}

@test "the recorder dies while it is locked: nothing is lost" {
	local pid recorder
	open_foreigner 'BEGIN EXCLUSIVE;'
	for _ in {1..5}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		wait_until 5 has_pid_other_than dies "$pid"
	done
	wait_until 15 is_kept
	recorder=$(pid_of recorder)
	kill -9 "$recorder"
	wait_until 15 has_pid_other_than recorder "$recorder"
	echo 'COMMIT;' >&"$commands"
	wait_until 20 has_event "event_type = 'component_crashed'
	    AND component = 'recorder'"
	[[ $(count_events "event_type = 'component_crashed'
	    AND component = 'dies'") == 5 ]]
	wait_until 15 spool_is_drained
}

@test "a reader in a long transaction doesn't hold anything up" {
	local pid
	open_foreigner 'BEGIN;' 'SELECT count(*) FROM events;'
	pid=$(pid_of dies)
	kill -9 "$pid"
	wait_event "event_type = 'component_crashed'"
	spool_is_drained
}
