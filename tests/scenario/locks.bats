# Files that one loop, agent or person has locked against the others: who gets
# them, how long, who waits, and what becomes of them when somebody dies.

load attempts

# A loop whose worker says what `lock ARGUMENTS` answered, and stays.
locker() {
	one_loop <<-SH
		#!/bin/sh
		echo "half of it" > half
		loopkeeper lock $1 > "$FLEET/said" 2>&1
		echo \$? > "$FLEET/code"
		mv "$FLEET/code" "$FLEET/locked"
		while [ ! -e "$FLEET/go" ]; do sleep 0.05; done
		loopkeeper lock more.c > "$FLEET/said-late" 2>&1
		echo \$? > "$FLEET/late"
	SH
	add_test T-1 "test -e passed" '{"files": ["src/own.c"]}'
}

# nobody's configuration, with a database.
nobody() {
	sleepers other
	lk recover > /dev/null
}

locked_by() {
	sql_is "$1" "SELECT group_concat(file_path, ' ') FROM (SELECT * FROM
	    file_locks WHERE locked_by = '$2' ORDER BY file_path)"
}

# wait_as_green: for a.c, in the background; $PID is the command's own.
wait_as_green() {
	background waiting "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" \
	    lock --as green a.c --wait 1m
}

waits_for() {
	sql_is "$2" "SELECT group_concat(resource, ' ') FROM (SELECT * FROM
	    wait_graph WHERE waiter = '$1' ORDER BY resource)"
}

@test "all files are locked or none, and only who locked them gives them back" {
	nobody
	cd "$FLEET"
	run -2 lk lock a.c
	[[ $output == *"--as NAME"* ]]
	run -0 lk lock --as red src/../a.c lib/ --reason "a new header"
	[[ $output == "red: locked a.c, lib/ for 5m: lock again to prolong that" ]]
	run -1 lk lock --as green b.c "$FLEET/lib/x.c"
	[[ $output == *"lib/x.c is locked by red since "*": nothing was locked; \
--wait 5m waits for it" ]] || fail "$output"
	locked_by "" green
	run -2 lk lock --as green ../elsewhere.c
	run -2 lk lock --as green .
	run -2 lk lock --as "../red" b.c
	run -0 lk unlock --as green a.c
	[[ $output == "green: nothing of that was locked" ]]
	locked_by "a.c lib/" red
	run -3 lk locks
	[[ ${lines[0]} == "FILE "*"HELD-BY"*"TEST"*"FOR"*"EXPIRES"*"REASON"*WAITERS ]]
	[[ ${lines[1]} =~ ^a\.c\ +red\ +[0-9]+s\ +in\ 4m\ +a\ new\ header ]] ||
	    fail "$output"
	run -0 lk unlock --as red
	[[ $output == "red: unlocked 2 files" ]]
	run -3 lk locks
	[[ ${lines[0]} == "no file is locked" ]]
	# Named from where one is, as git does.
	repository "$FLEET/repository"
	mkdir "$FLEET/repository/src"
	cd "$FLEET/repository/src"
	lk lock --as red a.c ../b.c 'gen/*'
	locked_by "b.c src/a.c src/gen/*" red
	# No shell of this test's is to be taken for one that is left over.
	cd "$LK_ROOT"
}

@test "who waits for a lock gets it when it is free" {
	nobody
	lk lock --as red a.c
	background waiting lk lock --as green a.c b.c --wait 1m
	wait_until 10 waits_for green a.c
	run -3 lk locks
	[[ ${lines[1]} == a.c*red*green ]] || fail "$output"
	lk locks --json > "$FLEET/locks.json" || true
	jq -e '.[0] | .waiters == ["green"] and .locked_by == "red" and
	    (.orphan | not)' "$FLEET/locks.json"
	# Other programs may be called anything.
	sql "INSERT INTO wait_graph (waiter, holder, resource)
	    VALUES ('mauve, they say', 'red', 'a.c')"
	lk locks --json > "$FLEET/locks.json" || true
	jq -e '.[0].waiters == ["green", "mauve, they say"]' "$FLEET/locks.json"
	run -3 lk locks
	[[ ${lines[1]} == *"green, mauve, they say"* ]] || fail "$output"
	kill -0 "$PID"
	lk unlock --as red
	wait_until 10 gone "$PID"
	file_has "$FLEET/waiting" "green: locked a.c, b.c"
	locked_by "a.c b.c" green
	waits_for green ""
}

@test "who has waited in vain, or is ended, waits no longer for anybody" {
	nobody
	lk lock --as red a.c
	run -1 lk lock --as green a.c --wait 300ms
	[[ $output == *"a.c is locked by red"*"(waited 300ms at most)"* ]]
	waits_for green ""
	run -2 lk lock --as green a.c --wait soon
	wait_as_green
	wait_until 10 waits_for green a.c
	kill "$PID"
	wait_until 10 gone "$PID"
	waits_for green ""
	# Who can't tidy up is forgotten soon.
	wait_as_green
	wait_until 10 waits_for green a.c
	kill -9 "$PID"
	wait_until 10 gone "$PID"
	waits_for green a.c
	sql_is 1 "SELECT julianday(expires_at) BETWEEN julianday('now') AND
	    julianday('now', '+16 seconds') FROM wait_graph"
	wait_until 30 sql_is 0 "SELECT julianday(expires_at) >
	    julianday('now') FROM wait_graph"
	lk locks > "$FLEET/locks" || true
	run -1 grep green "$FLEET/locks"
}

@test "who waits for a lock waits for the database as well" {
	nobody
	foreigner 'BEGIN EXCLUSIVE;'
	run -1 lk lock --as red a.c --wait 6s
	[[ $output == *"database is locked: nothing was locked (waited 6s at \
most)" ]] || fail "$output"
	background waiting lk lock --as red a.c --wait 1m
	tell_foreigner 'COMMIT;'
	wait_until 20 gone "$PID"
	locked_by a.c red
}

@test "a worker locks more for its attempt, which gives all of it back" {
	locker "src/more.c --reason because"
	# Its worker is told which fleet it belongs to.
	background loop-1.log env -u LOOPKEEPER_CONFIG loopkeeper-loop \
	    -c "$LOOPKEEPER_CONFIG" loop-1
	wait_until 20 exists "$FLEET/locked"
	[[ $(< "$FLEET/locked") == 0 ]] || fail "$(cat "$FLEET/said")"
	file_has "$FLEET/said" "loop-1: locked src/more.c until its attempt ends"
	locked_by "src/more.c src/own.c" loop-1
	sql_is 2 "SELECT count(*) FROM file_locks WHERE test_id = 'T-1' AND
	    attempt_id = (SELECT id FROM attempts)"
	# Whoever has lost the test gets nothing any more.
	lk skip T-1 --reason "no use"
	touch "$FLEET/go"
	wait_until 20 no_locks
	if [[ -e $FLEET/late ]]; then
		[[ $(< "$FLEET/late") == 1 ]]
		file_has "$FLEET/said-late" "the attempt at T-1 isn't loop-1's"
	fi
}

@test "what a dead loop's worker has locked is free at once" {
	locker "src/more.c"
	lk up -d
	wait_until 20 exists "$FLEET/locked"
	locked_by "src/more.c src/own.c" loop-1
	sql "INSERT INTO file_locks (file_path, locked_by)
	    VALUES ('theirs', 'somebody')"
	sql "UPDATE tests SET automatable = 0"
	kill -9 "$(pid_of loop-1)"
	wait_until 20 sql_is theirs "SELECT group_concat(file_path)
	    FROM file_locks"
	wait_until 20 test_is T-1 pending
}

@test "a component's locks last as long as it lives" {
	cat > "$FLEET/agent" <<-SH
		#!/bin/sh
		loopkeeper lock "\$LOOPKEEPER_COMPONENT.c"
		exec sleep 1000
	SH
	chmod 755 "$FLEET/agent"
	fleet_config <<-CONF
		components = (
		  { name = "red"; command = [ "$FLEET/agent" ];
		    restart = { policy = "never"; }; },
		  { name = "green"; command = [ "$FLEET/agent" ]; }
		);
	CONF
	lk up -d
	wait_until 20 locked_by red.c red
	wait_until 20 locked_by green.c green
	sql_is 2 "SELECT sum(renewed) FROM file_locks"
	lk locks > "$FLEET/locks"
	run -1 grep orphan "$FLEET/locks"
	# Rows of its own go as well; nobody else's do.
	sql "INSERT INTO file_locks (file_path, locked_by) VALUES
	    ('own', 'red'), ('theirs', 'somebody');
	    INSERT INTO wait_graph (waiter, holder, resource)
	    VALUES ('red', 'green', 'green.c')"
	kill -9 "$(pid_of red)"
	wait_until 20 sql_is green.c,theirs "SELECT group_concat(file_path)
	    FROM (SELECT * FROM file_locks ORDER BY file_path)"
	sql_is 0 "SELECT count(*) FROM wait_graph"
}

@test "the recorder prolongs locks of the living, and removes what is over" {
	use_points
	export LOOPKEEPER_LEASES_MS=200
	sleepers red
	lk up -d
	wait_state red running
	sql "INSERT INTO file_locks (file_path, locked_by, expires_at, renewed)
	    VALUES ('a', 'red', datetime('now', '+1 minute'), 1),
	    ('b', 'red', datetime('now', '+1 minute'), 0),
	    ('c', 'gone', datetime('now', '+1 minute'), 1),
	    ('d', 'red', datetime('now', '-1 second'), 0);
	    INSERT INTO wait_graph (waiter, holder, resource, expires_at)
	    VALUES ('x', 'red', 'a', datetime('now', '-1 second')),
	    ('x', 'red', 'b', NULL)"
	wait_until 20 sql_is a "SELECT group_concat(file_path) FROM file_locks
	    WHERE julianday(expires_at) > julianday('now', '+280 seconds')"
	wait_until 20 sql_is a,b,c "SELECT group_concat(file_path) FROM
	    (SELECT * FROM file_locks ORDER BY file_path)"
	sql_is b "SELECT group_concat(resource) FROM wait_graph"
}

@test "nobody waits for what a worker wanted that has ended" {
	one_loop <<-SH
		#!/bin/sh
		loopkeeper lock theirs --wait 1m &
		while [ ! -e "$FLEET/waits" ]; do sleep 0.05; done
		touch made
	SH
	lk recover > /dev/null
	lk lock --as red theirs
	add_test T-1 "test -e made || exit 1; touch '$FLEET/verifying'
	    while [ ! -e '$FLEET/go' ]; do sleep 0.05; done"
	run_alone
	wait_until 20 waits_for loop-1 theirs
	# Its time is far from over.
	sql "UPDATE wait_graph SET expires_at = datetime('now', '+1 hour')"
	touch "$FLEET/waits"
	wait_until 20 exists "$FLEET/verifying"
	waits_for loop-1 ""
	touch "$FLEET/go"
	wait_until 20 test_is T-1 passed
}

@test "locks of nobody are shown with the command that frees them" {
	nobody
	sql "INSERT INTO loops (id) VALUES ('loop-9');
	    INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES
	    ('a', 'loop-9', NULL), ('b', 'gone', NULL),
	    ('c', 'passer-by', datetime('now', '+1 hour')),
	    ('d', 'alive', NULL), ('e', 'who; is', NULL);
	    INSERT INTO component_health (component, last_heartbeat)
	    VALUES ('alive', datetime('now'))"
	run -3 lk locks
	[[ $(grep -c "orphan" <<< "$output") == 3 ]] || fail "$output"
	grep -q "to free it: loopkeeper force-unlock loop-9" <<< "$output"
	grep -q "to free it: loopkeeper force-unlock gone" <<< "$output"
	# As they stand, whatever the shell knows, they are to be pasted.
	run env -u LOOPKEEPER_CONFIG loopkeeper -c "$LOOPKEEPER_CONFIG" locks
	grep -qF "loopkeeper -c $LOOPKEEPER_CONFIG force-unlock 'who; is'" \
	    <<< "$output" || fail "$output"
	run -0 lk force-unlock 'who; is'
	run -0 lk force-unlock gone --dry-run
	[[ $output == "would unlock 1 file of gone" ]]
	run -0 lk force-unlock gon
	[[ $output == "gone: unlocked 1 file" ]] || fail "$output"
	run -0 lk force-unlock loop-9
	run -0 lk force-unlock loop-9
	[[ $output == "loop-9: has locked nothing and waits for nobody" ]]
	run -1 lk force-unlock nobody-else
	[[ $output == *"there is no loop nobody-else"* ]]
	run -2 lk force-unlock
	run -2 lk force-unlock-all gone
	lk force-unlock-all
	no_locks
	run -0 lk force-unlock --all
	[[ $output == "no file is locked, and nobody waits" ]]
}

@test "a working loop is unlocked only where that is meant, and its work is kept" {
	local id
	locker "src/more.c"
	lk up -d
	wait_until 20 exists "$FLEET/locked"
	id=$(attempt id)
	run -2 lk force-unlock loop-1
	[[ ${lines[0]} == "loop-1 works on T-1 (attempt 1"*", for "*"cost \
unknown so far): its worker is stopped, what it has done kept as \
refs/loopkeeper/attempts/$id, and the test pending again" ]] || fail "$output"
	[[ ${lines[1]} == *"--yes"* ]]
	run -0 lk force-unlock loop-1 --dry-run
	[[ $output == *"its worker would be stopped"* ]]
	locked_by "src/more.c src/own.c" loop-1
	sql "UPDATE tests SET automatable = 0"
	run -0 lk force-unlock-all --yes
	[[ ${lines[1]} == "loop-1: unlocked 2 files; T-1 is pending again" ]] ||
	    fail "$output"
	no_locks
	test_is T-1 pending
	used_up 0
	kept half
	sql_is "interrupted|parked" "SELECT outcome, state FROM attempts
	    WHERE id = '$id'"
	wait_event "event_type = 'force_release' AND loop_id = 'loop-1'
	    AND test_id = 'T-1'"
	# Its next attempt is another one.
	rm "$FLEET/locked"
	sql "UPDATE tests SET automatable = 1"
	wait_until 20 exists "$FLEET/locked"
	[[ $(attempt fence) == 2 ]]
}

@test "of another program's loop that works it says so, too" {
	nobody
	sql "INSERT INTO loops (id) VALUES ('py-1');
	    INSERT INTO tests (id, loop_id, status)
	    VALUES ('P-1', 'py-1', 'in_progress');
	    INSERT INTO file_locks (file_path, locked_by) VALUES ('a', 'py-1');
	    INSERT INTO component_health (component, last_heartbeat)
	    VALUES ('py-1', datetime('now'))"
	run -2 lk force-unlock py-1
	[[ ${lines[0]} == "py-1 works on P-1 (attempt 1 of 3, for "*"): it is \
another program's loop and goes on with that, but the test is pending again" ]] ||
	    fail "$output"
	run -2 lk force-unlock --all
	locked_by a py-1
	test_is P-1 in_progress
	run -0 lk force-unlock --all --yes
	[[ ${lines[1]} == "py-1: unlocked 1 file; P-1 is pending again" ]] ||
	    fail "$output"
	no_locks
	test_is P-1 pending
	sql_is "force-unlock" "SELECT reason FROM tests WHERE id = 'P-1'"
	# Nobody is asked of one that is dead.
	sql "UPDATE tests SET status = 'in_progress';
	    UPDATE component_health SET last_heartbeat = '2026-01-07 02:14:00';
	    INSERT INTO file_locks (file_path, locked_by) VALUES ('a', 'py-1')"
	run -0 lk force-unlock py-1
	test_is P-1 pending
}

@test "a test that began while it was asked isn't taken from anybody" {
	local code=0
	need script
	nobody
	mkfifo "$FLEET/answer"
	sql "INSERT INTO loops (id) VALUES ('py-1');
	    INSERT INTO tests (id, loop_id, status) VALUES
	    ('P-1', 'py-1', 'in_progress'), ('P-2', 'py-1', 'pending');
	    INSERT INTO file_locks (file_path, locked_by) VALUES ('a', 'py-1');
	    INSERT INTO component_health (component, last_heartbeat)
	    VALUES ('py-1', datetime('now'))"
	# In the background nothing is read from what the test reads.
	background said sh -c "exec script -qec '$LOOPKEEPER force-unlock py-1' \
	    /dev/null < '$FLEET/answer'"
	exec 7> "$FLEET/answer"
	wait_until 10 file_has "$FLEET/said" "Do that, and unlock"
	file_has "$FLEET/said" "py-1 works on P-1"
	sql "UPDATE tests SET status = 'passed' WHERE id = 'P-1';
	    UPDATE tests SET status = 'in_progress' WHERE id = 'P-2'"
	echo y >&7
	exec 7>&-
	wait "$PID" || code=$?
	[[ $code == 1 ]]
	file_has "$FLEET/said" "py-1 works on something else by now"
	test_is P-2 in_progress
	locked_by a py-1
}

@test "after everything has crashed all locks can be taken away" {
	locker "src/more.c"
	lk up -d
	wait_until 20 exists "$FLEET/locked"
	kill_everything
	run -3 lk locks
	[[ $(grep -c "orphan" <<< "$output") == 2 ]] || fail "$output"
	# Nobody works any more: nothing is asked.
	run -0 lk force-unlock-all
	[[ $output == "loop-1: unlocked 2 files"* ]] || fail "$output"
	no_locks
	test_is T-1 pending
}

@test "a loop whose whole queue is locked says whom it waits for" {
	one_loop <<-SH
		#!/bin/sh
		mkdir src && touch src/a.c
	SH
	lk recover > /dev/null
	lk lock --as red 'src/*'
	add_test T-1 "test -e src/a.c" '{"files": ["src/a.c", "src/b.c"]}'
	run_alone
	wait_until 20 waits_for loop-1 "src/a.c src/b.c"
	sql_is "T-1 2" "SELECT DISTINCT test_id || ' ' || count(*)
	    FROM wait_graph"
	lk locks > "$FLEET/locks" || true
	file_has "$FLEET/locks" loop-1
	lk unlock --as red
	wait_until 20 test_is T-1 passed
	waits_for loop-1 ""
}

@test "an agent in any language tells what happened, and that it lives" {
	one_loop <<-SH
		#!/bin/sh
		loopkeeper event human_message text=hello number=3 part=0.5 \
		    id=007 sure=true
		loopkeeper event digression_detected test_id=OTHER
		touch done
	SH
	add_test T-1 "test -e done"
	lk up -d
	wait_event "event_type = 'digression_detected'"
	sql_is 'loop-1|{"text":"hello","number":3,"part":0.5,"id":"007",'\
'"sure":true,"loop_id":"loop-1","test_id":"T-1","attempt":1}' \
	    "SELECT source, payload FROM events
	    WHERE event_type = 'human_message'"
	sql_is OTHER "SELECT test_id FROM events
	    WHERE event_type = 'digression_detected'"
	run -2 lk event Human text=hello --as me
	run -2 lk event human_message hello --as me
	run -2 lk event human_message text=hello
	# Nothing of it is lost on its way: neither a number that no reader of
	# JSON can hold, nor the end of what is too long.
	lk event session_note commit=1234e567 session=123456789012345678901 \
	    at=1764374400123456 --as me
	wait_event "event_type = 'session_note'"
	sql_is '1234e567 123456789012345678901 integer' "SELECT
	    json_extract(payload, '$.commit') || ' ' ||
	    json_extract(payload, '$.session') || ' ' ||
	    json_type(payload, '$.at')
	    FROM events WHERE event_type = 'session_note'"
	run -2 lk event session_note --as me \
	    "text=$(printf '%01024d' 0)"
	local quotes
	quotes=$(printf '%01000d' 0 | tr 0 '"')
	run -2 lk event session_note --as me "a=$quotes" "b=$quotes"
	lk down
	# Nobody takes it up now: it isn't lost.
	lk event human_message text=later --as me
	lk up -d
	wait_event "source = 'me' AND component = 'me'"
	LOOPKEEPER_COMPONENT=loop-1 lk heartbeat
	run -2 lk heartbeat
}
