# What the dead left is put right: at the next start, by hand, and after a
# loop's death; what lives isn't touched. Damaged databases are kept.

load lib

# Tests, locks and waits of two loops that nobody runs.
leave_work() {
	sql <<-'SQL'
		INSERT OR IGNORE INTO loops (id, name, status) VALUES
		    ('loop-1', 'One', 'running'), ('loop-2', 'Two', 'running');
		INSERT INTO tests (id, loop_id, status) VALUES
		    ('CP-1', 'loop-1', 'in_progress'),
		    ('INF-1', 'loop-2', 'in_progress'),
		    ('INF-2', 'loop-2', 'passed');
		INSERT INTO attempts (id, test_id, loop_id, fence, state, epoch,
		    cost_usd) SELECT 'a-' || t.id, t.id, t.loop_id, 1, 'running',
		    value, 0.5 FROM meta JOIN tests t
		    ON t.status = 'in_progress' WHERE key = 'epoch';
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
	sleepers one
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
	[[ $(sql "SELECT group_concat(outcome) FROM attempts") == \
	    interrupted,interrupted ]]
	[[ $(sql "SELECT sum(cost_usd) FROM usage") == 1.0 ]]
	wait_event "event_type = 'recovery_done'
	    AND json_extract(payload, '$.tests') = 2"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	wait_state one running
}

@test "recover says what it would do, does it, and is safe to repeat" {
	sleepers one
	rm -rf "$FLEET/state"
	run -1 lk recover
	[[ $output == *"$FLEET/state/wanted: No such file or directory" ]] ||
	    fail "$output"
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

@test "a dry run says that the tables were another version's" {
	sleepers one
	lk recover
	run -0 lk recover --dry-run
	[[ $output != *"version"* ]]
	sql "PRAGMA user_version = 4; DROP INDEX tests_retry;
	    UPDATE meta SET value = '4' WHERE key = 'schema'"
	run -0 lk recover --dry-run
	[[ $output == *"the tables were another version's"* ]] ||
	    fail "$output"
	run -0 lk recover --dry-run
	[[ $output != *"version"* ]]
}

@test "a damaged database is moved aside, never deleted, and said loudly" {
	sleepers one
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
	sleepers one
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
	sleepers one
	sql "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
	    INSERT INTO meta VALUES ('schema', '99')"
	lk up -d || true
	wait_state one running
	run lk tests
	[[ $status == 1 && $output == *"newer loopkeeper"* ]]
	[[ $(sql "SELECT value FROM meta") == 99 ]]
	# The recorder doesn't give up, and keeps what happens.
	wait_state recorder running
	wait_until 10 grep -qs component_ready "$FLEET"/state/spool/*.jsonl \
	    "$FLEET"/state/run/spool/*.jsonl
}

# A worker that is through as soon as $FLEET/go is there; with or without
# loop-1 in the configuration.
with_loop() {
	repository "$FLEET/repository"
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { repository = "$FLEET/repository";
		    worker = [ "sh", "-c", "echo once >> $FLEET/begun;
		      while [ ! -e $FLEET/go ]; do sleep 0.05; done;
		      touch passes" ]; }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { repository = "$FLEET/repository";
		    worker = [ "true" ]; }; } );
	CONF
}

nobody_runs() {
	[[ $(sql "SELECT count(*) FROM loops WHERE status = 'running'") == 0 ]]
	[[ $(sql "SELECT group_concat(status) FROM component_health
	    WHERE component LIKE 'loop-%'") == unknown,unknown ]]
}

@test "what a loop left that died, and isn't started again, is put right" {
	with_loop
	sed -i 's/ready = "notify"; loop/restart = { policy = "never"; }; &/' \
	    "$LOOPKEEPER_CONFIG"
	lk up -d --wait
	echo '[{"id": "T-1", "loop_id": "loop-1", "verify": "false",
	    "files": ["a"]}]' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
	wait_until 15 test -e "$FLEET/begun"
	kill -9 "$(pid_of loop-1)"
	wait_until 15 test_is T-1 pending
	[[ $(sql "SELECT outcome FROM attempts") == interrupted ]]
	[[ $(sql "SELECT attempts FROM tests") == 0 ]]
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	wait_event "event_type = 'recovery_done' AND loop_id = 'loop-1'"
}

@test "the outcome of a loop that is no more in the configuration is kept" {
	with_loop
	lk up -d --wait
	lk add T-1 --loop loop-1 --verify "test -e passes"
	wait_until 15 test -e "$FLEET/begun"
	foreigner 'BEGIN EXCLUSIVE;'
	touch "$FLEET/go"
	wait_until 20 test -e "$FLEET/state/spool/loop-1.outcome"
	sleepers one
	lk reload
	tell_foreigner 'ROLLBACK;'
	dismiss_foreigner
	wait_until 20 test_is T-1 pending
	[[ ! -e $FLEET/state/spool/loop-1.outcome ]]
	# The other one was idle, and is known to be gone all the same.
	wait_until 10 nobody_runs
	# What it had done is verified; that is known when it comes back.
	[[ $(sql "SELECT outcome || (result_commit <> '') FROM attempts") == \
	    interrupted1 ]]
	[[ -z $(merged) ]]
	with_loop
	lk reload
	wait_until 20 test_is T-1 passed
	[[ $(merged) == T-1 ]]
	[[ $(wc -l < "$FLEET/begun") == 1 ]]
	[[ $(count_events "event_type = 'test_passed'") == 1 ]]
}

# Everything dies while the loop's worker and a process of its own are at work;
# GRANDCHILD lives on.
die_at_work() {
	one_loop 'setup = "true";' <<-SH
		#!/bin/sh
		echo precious > work
		setsid sleep 1000 < /dev/null > /dev/null 2>&1 &
		echo \$! > "$FLEET/grandchild"
		touch "$FLEET/started"
		sleep 1000
	SH
	lk add T-1 --loop loop-1 --verify false
	lk up -d
	wait_until 20 test -e "$FLEET/started"
	GRANDCHILD=$(< "$FLEET/grandchild")
	local pids signal
	mapfile -t pids < <(fleet_processes | grep -vx "$GRANDCHILD")
	for signal in STOP KILL; do
		kill -"$signal" "${pids[@]}"
	done
	[[ -d /proc/$GRANDCHILD ]]
}

# What it left is kept by who finds that it won't come back for it.
is_kept() {
	gone "$GRANDCHILD"
	local ref
	ref=$(sql "SELECT snapshot_ref FROM attempts
	    WHERE outcome = 'interrupted'")
	[[ $(git -C "$FLEET/repository" show "$ref:work") == precious ]]
	[[ $output == *"kept what loop-1 left in "*"/loop-1/worktree as $ref"* ]]
	# It is safe, and done once.
	run lk recover
	[[ $output == "nothing to recover" ]] || fail "$output"
}

@test "what a loop that is no more was at is kept at the next start" {
	need git
	die_at_work
	sleepers one
	run lk up -d
	is_kept
	# Its worktrees aren't deleted, but told of.
	local command
	command=$(sql "SELECT message FROM alerts
	    WHERE alert_type = 'worktrees_left'")
	[[ $command == "2 worktrees of loops that are no more "* ]]
	[[ -e $FLEET/state/loop-1/worktree/work ]]
	[[ -e $FLEET/state/loop-1/verify.setup ]]
	bash -ec "${command#*: }"
	[[ -z $(find "$FLEET/state/loop-1" -name 'worktree*' -o \
	    -name 'verify*') ]]
	lk recover
	[[ $(sql "SELECT count(*) FROM alerts WHERE alert_type =
	    'worktrees_left' AND context ->> 'cleared_at' IS NULL") == 0 ]]
}

@test "what a loop that isn't enabled any more was at is kept as well" {
	need git
	die_at_work
	sed -i 's/name = "loop-1";/& enabled = false;/' "$LOOPKEEPER_CONFIG"
	run lk recover --dry-run
	[[ $output == *"keep what loop-1 left in "* ]]
	[[ -d /proc/$GRANDCHILD ]]
	run lk recover
	is_kept
	# It is no hindrance when it is.
	sed -i 's/ enabled = false;//' "$LOOPKEEPER_CONFIG"
	printf '#!/bin/sh\ntest ! -e work && touch other\n' > "$FLEET/worker"
	sql "UPDATE tests SET verify = 'test -e other'"
	lk up -d
	wait_until 20 test_is T-1 passed
}

@test "what a loop that comes back was at is its own to keep" {
	need git
	die_at_work
	lk recover > "$FLEET/out"
	run ! grep -q "kept what" "$FLEET/out"
	[[ -d /proc/$GRANDCHILD ]]
	kill "$GRANDCHILD"
}

epoch() {
	sql "SELECT value FROM meta WHERE key = 'epoch'"
}

@test "a backup copied over it while the fleet is down is noticed" {
	local before
	sleepers one
	lk up -d
	wait_state one running
	lk down
	before=$(epoch)
	lk up -d
	[[ $(epoch) == "$before" ]]
	sqlite3 "$FLEET/state/coordination.db" ".backup '$FLEET/backup.db'"
	sql "INSERT INTO loops (id, name) VALUES ('loop-9', 'later')"
	lk down
	cp "$FLEET/backup.db" "$FLEET/state/coordination.db"
	echo stray > "$FLEET/state/coordination.db-wal"
	# Also when somebody looks into it first.
	run lk tests
	run lk up -d
	[[ $status == 0 ]]
	[[ $(epoch) != "$before" ]]
	[[ $(sql "SELECT count(*) FROM loops WHERE id = 'loop-9'") == 0 ]]
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	grep -q stray "$FLEET"/state/coordination.db.stray-*-wal
}

@test "what a crash left in the -wal is its own, and kept" {
	local before
	sleepers one
	lk up -d
	wait_state one running
	before=$(epoch)
	sql "INSERT INTO loops (id, name) VALUES ('loop-9', 'later')"
	kill_everything
	test -s "$FLEET/state/coordination.db-wal"
	lk up -d
	[[ $(epoch) == "$before" ]]
	[[ $(sql "SELECT count(*) FROM loops WHERE id = 'loop-9'") == 1 ]]
	[[ -z $(compgen -G "$FLEET/state/*stray*" || true) ]]
}

aside() {
	sha256sum "$FLEET"/state/coordination.db.damaged-*
}

loop_log_has() {
	grep -q "$1" "$FLEET/state/logs/loop-1.log"
}

@test "what lives through a damaged database goes on with the fresh one" {
	local before page pid supervisors
	with_loop
	lk up -d --wait
	pid=$(pid_of loop-1)
	lk add T-1 --loop loop-1 --verify "test -e passes"
	wait_until 15 test -e "$FLEET/begun"
	before=$(epoch)
	supervisors=("$(status_field @ guardian_pid)"
	    "$(status_field @ daemon_pid)")
	kill -STOP "${supervisors[@]}"
	kill -9 "${supervisors[@]}"
	# Nobody who works meets the damage: one more table has it.
	sql "CREATE TABLE junk (x); INSERT INTO junk VALUES (1);
	    PRAGMA wal_checkpoint(TRUNCATE)"
	page=$(sql "SELECT rootpage FROM sqlite_master WHERE name = 'junk'")
	dd if=/dev/urandom of="$FLEET/state/coordination.db" bs=4096 \
	    seek=$((page - 1)) count=1 conv=notrunc status=none
	run lk up -d
	[[ $status == 0 && $output == *"THE DATABASE WAS DAMAGED"* ]]
	# Neither the claim nor anything that follows from it is of any use.
	before=$before$(aside)
	wait_until 10 loop_log_has 'T-1: lost_lease'
	touch "$FLEET/go"
	lk add T-2 --loop loop-1 --verify "test -e passes"
	wait_until 10 test_is T-2 passed
	# And one that slept.
	lk add T-3 --loop loop-2 --verify true
	wait_until 10 test_is T-3 passed
	[[ $(pid_of loop-1) == "$pid" ]]
	[[ $(sql "SELECT group_concat(DISTINCT epoch) FROM attempts") == \
	    $(epoch) ]]
	[[ $(epoch)$(aside) != "$before" && $before == *"$(aside)" ]]
	wait_event "event_type = 'database_damaged'"
	[[ $(count_events "test_id = 'T-1' AND event_type = 'test_passed'") == 0 ]]
}
