# The three modes on the example's fleet: a component is missing, or the
# database; less happens, nothing is lost, and all of it ends by itself.

load attempts

prepare() {
	local name
	EXAMPLE=$LK_ROOT/examples/three-loops
	need git cc make
	"$EXAMPLE/setup" "$FLEET/work" 3>&-
	mkdir "$FLEET/broken"
	# What can be broken: it dies at once as long as the file is there.
	for name in monitor pm; do
		cat > "$FLEET/broken/loopkeeper-$name" <<-SH
			#!/bin/sh
			test -e "$FLEET/broken-$name" && exit 7
			exec "$BUILD/bin/loopkeeper-$name" "\$@"
		SH
		chmod +x "$FLEET/broken/loopkeeper-$name"
	done
	fleet_config <<-CONF
		pm = { every = "1s"; };
		loops = { repository = "$FLEET/work"; pause = "0";
		  retry_delay = "0"; slow_pause = "3s";
		  worker = [ "$EXAMPLE/worker" ]; };
		defaults = { environment = ( "LOOPKEEPER_EXAMPLE_PACE=0.1" ); };
		components = (
		  { name = "monitor"; command = [ "$FLEET/broken/loopkeeper-monitor" ];
		    ready = "notify"; mode_when_down = "slow"; $(fragile) },
		  { name = "pm"; command = [ "$FLEET/broken/loopkeeper-pm" ];
		    ready = "notify"; mode_when_down = "conservative";
		    $(fragile) },
		  $(loop 1), $(loop 2), $(loop 3)
		);
	CONF
}

fragile() {
	echo 'restart = { max_restarts = 1; delay = "10ms"; retry_every = "2s";
	    stable_after = "500ms"; };'
}

loop() {
	echo "{ name = \"loop-$1\"; command = [ \"loopkeeper-loop\" ];
	    ready = \"notify\"; loop = { priority = $1; }; }"
}

# break_it NAME MODE: it fails for good, and the mode is there.
break_it() {
	local pid
	pid=$(pid_of "$1")
	touch "$FLEET/broken-$1"
	kill -9 "$pid"
	wait_until 20 mode_is "$2"
	wait_event "event_type = 'mode_changed'
	    AND payload ->> 'mode' = '$2'"
	wait_until 10 alert_stands mode_changed 1
}

# It comes back by itself, and the mode goes with that.
mend_it() {
	rm "$FLEET/broken-$1"
	wait_until 20 mode_is normal
	wait_until 10 alert_stands mode_changed 0
	alerts_are 1 mode_changed
}

says() {
	run lk "${@:2}"
	[[ $output == *"$1"* ]] || fail "$output"
}

nine_passed() {
	all_passed &&
	    sql_is 9 "SELECT count(*) FROM tests WHERE status = 'passed'" &&
	    no_locks &&
	    [[ $(merged "$FLEET/work" | sort) == \
		$(sql "SELECT id FROM tests ORDER BY id") ]]
}

@test "monitor dead: slow, longer pauses, no files that overlap" {
	lk up -d --wait
	break_it monitor slow
	says "3s between tests, no overlapping files" status
	# Another program works on a file of INF-VEC-001, and locks nothing.
	lk import "$EXAMPLE/tests.json" > /dev/null
	sql "INSERT INTO loops (id, status) VALUES ('py-1', 'running');
	    INSERT INTO tests (id, loop_id, status, files) VALUES ('PY-1',
	    'py-1', 'in_progress', '[\"src/pu*.c\"]')"
	wait_until 60 test_is CP-STR-002 passed
	wait_until 60 test_is INF-RING-001 passed
	test_is INF-VEC-001 pending
	# Between the end of one and the beginning of the next.
	sql_is 0 "SELECT count(*) FROM attempts a JOIN attempts b
	    ON b.loop_id = a.loop_id AND b.started_at > a.ended_at
	    WHERE (julianday(b.started_at) - julianday(a.ended_at)) * 86400
	    < 2.9"
	mend_it monitor
	wait_until 30 test_is INF-VEC-001 passed
	sql "DELETE FROM tests WHERE id = 'PY-1'"
	wait_until 60 nine_passed
}

@test "PM dead: conservative, loops without a conflict go on; answers wait" {
	lk up -d --wait
	add_test X-1 false '{"max_attempts": 1}'
	wait_until 20 sql_is pending "SELECT status FROM decisions"
	break_it pm conservative
	says "mode: conservative (pm down" status
	run -0 lk decide DEC-001 B
	[[ ${lines[1]} == "pm isn't up: it is done as soon as it is;"* ]] ||
	    fail "$output"
	lk import "$EXAMPLE/tests.json" > /dev/null
	wait_until 60 sql_is 9 "SELECT count(*) FROM tests
	    WHERE status = 'passed'"
	mode_is conservative
	test_is X-1 blocked
	mend_it pm
	wait_until 30 test_is X-1 skipped
	sql "DELETE FROM tests WHERE id = 'X-1'"
	nine_passed
	[[ $(count_events "event_type = 'test_skipped'") == 1 ]]
}

@test "database locked: file-based, what runs is finished and nothing begun" {
	local claimed
	lk up -d --wait
	cat > "$FLEET/worker" <<-SH
		touch "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
		echo > L-1
	SH
	add_test L-1 "test -e L-1" "{\"worker\": \"sh $FLEET/worker\"}"
	wait_until 20 exists "$FLEET/started"
	foreigner 'BEGIN EXCLUSIVE;'
	wait_until 60 mode_is file-based
	says "mode: file-based (the database can't be written" status
	claimed=$(sql "SELECT count(*) FROM attempts")
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
	wait_until 20 says "L-1, verified, waiting to be merged" status loop-1
	[[ $(sql "SELECT count(*) FROM attempts") == "$claimed" ]]
	[[ $(commits_in_work) == 0 ]]
	tell_foreigner 'COMMIT;'
	wait_until 20 mode_is normal
	wait_until 20 test_is L-1 passed
	[[ $(commits_in_work) == 1 ]]
	lk import "$EXAMPLE/tests.json" > /dev/null
	wait_until 60 sql_is 10 "SELECT count(*) FROM tests
	    WHERE status = 'passed'"
	sql_is 2 "SELECT count(*) FROM events WHERE event_type = 'mode_changed'"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	no_locks
}

# Commits of L-1 on the integration branch.
commits_in_work() {
	merged "$FLEET/work" | grep -cx L-1 || true
}
