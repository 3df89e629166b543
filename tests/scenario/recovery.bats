# What the dead left is put right: at the next start, by hand, and after a
# loop's death; what lives isn't touched. Damaged databases are kept.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
}

teardown() {
	teardown_fleet
}

# At once: nobody has the time to put anything right.
kill_everything() {
	local pids signal
	for signal in STOP STOP KILL; do
		mapfile -t pids < <(fleet_processes)
		kill -"$signal" "${pids[@]}"
	done
	wait_until 10 nothing_left
}

one_component() {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "sleep", "1000" ]; }
		);
	CONF
}

# Tests, locks and waits of two loops that nobody runs.
leave_work() {
	sql <<-'SQL'
		INSERT OR IGNORE INTO loops (id, name, status) VALUES
		    ('loop-1', 'One', 'running'), ('loop-2', 'Two', 'running');
		INSERT INTO tests (id, loop_id, status) VALUES
		    ('CP-1', 'loop-1', 'in_progress'),
		    ('INF-1', 'loop-2', 'in_progress'),
		    ('INF-2', 'loop-2', 'passed');
		INSERT INTO attempts (id, test_id, loop_id, fence, state, epoch)
		    SELECT 'a-1', 'CP-1', 'loop-1', 1, 'running', value
		    FROM meta WHERE key = 'epoch';
		INSERT INTO file_locks (file_path, locked_by, test_id) VALUES
		    ('src/a.c', 'loop-1', 'CP-1');
		INSERT INTO wait_graph (waiter, holder, resource) VALUES
		    ('loop-2', 'loop-1', 'src/a.c');
	SQL
}

nothing_in_progress() {
	[[ $(sql "SELECT group_concat(status) FROM (SELECT status FROM tests
	    ORDER BY id)") == pending,pending,passed ]]
	[[ $(sql "SELECT (SELECT count(*) FROM file_locks) +
	    (SELECT count(*) FROM wait_graph)") == 0 ]]
}

@test "everything is killed at once: the next start puts it right" {
	one_component
	lk up -d
	wait_state one running
	wait_event "event_type = 'component_started' AND component = 'one'"
	leave_work
	kill_everything
	run lk up -d
	[[ $status == 0 ]]
	[[ $output == *"reset 2 tests of dead loops: CP-1, INF-1"* ]]
	[[ $output == *"removed 1 lock"* ]]
	nothing_in_progress
	[[ $(sql "SELECT outcome FROM attempts") == interrupted ]]
	wait_event "event_type = 'recovery_done'
	    AND json_extract(payload, '$.tests') = 2"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	wait_state one running
}

@test "recover says what it would do, does it, and is safe to repeat" {
	one_component
	lk up -d
	wait_state one running
	leave_work
	run lk recover --dry-run
	[[ $status == 0 ]]
	[[ $output == *"nothing is changed"* && $output == *"reset 2 tests"* ]]
	[[ $(sql "SELECT count(*) FROM tests
	    WHERE status = 'in_progress'") == 2 ]]
	run lk recover
	[[ $status == 0 && $output == *"reset 2 tests"* ]]
	nothing_in_progress
	run lk recover
	[[ $status == 0 && $output == "nothing to recover" ]]
	run lk recover now
	[[ $status == 2 ]]
}

@test "a damaged database is moved aside, never deleted, and said loudly" {
	one_component
	lk up -d
	wait_state one running
	lk down
	dd if=/dev/urandom of="$FLEET/state/coordination.db" bs=4096 seek=1 \
	    count=20 conv=notrunc status=none
	cp "$FLEET/state/coordination.db" "$FLEET/damaged"
	run lk up -d
	[[ $status == 0 ]]
	[[ $output == *"THE DATABASE WAS DAMAGED"* ]]
	cmp "$FLEET/damaged" "$FLEET"/state/coordination.db.damaged-*Z
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	wait_event "event_type = 'database_damaged'"
	wait_state one running
}

@test "a database of other programs is extended and kept" {
	one_component
	sql <<-'SQL'
		CREATE TABLE loops (id TEXT PRIMARY KEY, name TEXT);
		CREATE TABLE tests (id TEXT PRIMARY KEY, loop_id TEXT,
		    status TEXT, mood TEXT);
		CREATE TABLE notes (text TEXT);
		INSERT INTO loops VALUES ('loop-1', 'Critical Path');
		INSERT INTO tests VALUES ('CP-1', 'loop-1', 'in_progress',
		    'calm');
		INSERT INTO notes VALUES ('kept');
	SQL
	lk up -d
	wait_state one running
	[[ $(sql "SELECT status || mood || ifnull(verify, '-')
	    FROM tests") == pendingcalm- ]]
	[[ $(sql "SELECT text FROM notes") == kept ]]
}

@test "a newer database is refused, and the fleet runs without it" {
	one_component
	sql 'PRAGMA user_version = 99'
	lk up -d || true
	wait_state one running
	run lk tests
	[[ $status == 1 && $output == *"newer loopkeeper"* ]]
	[[ $(sql 'PRAGMA user_version') == 99 ]]
	# The recorder doesn't give up, and keeps what happens.
	wait_state recorder running
	wait_until 10 grep -qs component_ready "$FLEET"/state/spool/*.jsonl \
	    "$FLEET"/state/run/spool/*.jsonl
}
