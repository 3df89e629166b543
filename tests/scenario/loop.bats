# A loop takes its tests one after the other, has a worker make each pass,
# and believes only verify. Whatever happens to it, a test is pending or
# passed, never half. Most of these run a loop alone, as in a terminal.

load lib

prepare() {
	need git cc make
}

# add_tests: from JSON lines, without the brackets.
add_tests() {
	jq -s . > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

# run_alone NAME: sets LOOP to its pid.
run_alone() {
	background "$1.log" loopkeeper-loop -c "$LOOPKEEPER_CONFIG" "$1"
	LOOP=$PID
}

all_passed() {
	local left
	left=$(sql "SELECT id, status FROM tests WHERE status <> 'passed'")
	[[ -z $left ]] || fail "not passed:" "$left"
}

no_test_is() {
	[[ $(sql "SELECT count(*) FROM tests WHERE status = '$1'") == 0 ]]
}

exists() {
	[[ -e $1 ]] || fail "no $1"
}

stop_alone() {
	kill "$1"
	wait_until 10 gone "$1"
}

transcript_of() {
	sql "SELECT transcript FROM attempts WHERE test_id = '$1'
	    ORDER BY fence DESC LIMIT 1"
}

@test "the example fleet passes its nine tests" {
	example_fleet "[ \"$LK_ROOT/examples/three-loops/worker\" ]"
	lk up -d
	wait_until 60 all_passed
	[[ $(sql "SELECT count(*) FROM tests") == 9 ]]
	[[ $(sql "SELECT attempts FROM tests WHERE id = 'INF-MAP-001'") == 2 ]]
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	[[ $(count_events "event_type = 'test_passed'") == 9 ]]
	[[ $(count_events "event_type = 'attempt_ended'") == 10 ]]
	wait_event "event_type = 'queue_empty' AND loop_id = 'loop-3'"
	[[ $(merged "$FLEET/work" | sort) == \
	    $(sql "SELECT id FROM tests ORDER BY id") ]]
	check_out "$FLEET/result" "$FLEET/work"
	make -s -C "$FLEET/result" check
	# What its owner sees of it is as it was.
	[[ -z $(git -C "$FLEET/work" status --porcelain) ]]
	[[ $(git -C "$FLEET/work" rev-list --count HEAD) == 1 ]]
	# No test ran before the one that it depends on had passed.
	[[ $(sql "SELECT count(*) FROM tests t JOIN tests d
	    ON d.id = t.depends_on JOIN attempts a ON a.test_id = t.id
	    WHERE a.started_at < d.passed_at") == 0 ]]
	jq -e '.status == "idle" and .passed == 3 and .pending == 0 and
	    .component == "loop-2" and .mode == "normal"' \
	    "$FLEET/state/loop-2/specs/health.json"
	lk down
}

@test "what passes already needs no worker" {
	one_loop <<-'SH'
		#!/bin/sh
		touch "$FLEET/worked"
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "true"}
	JSON
	run_alone loop-1
	wait_until 10 test_is T-1 passed
	[[ $(sql "SELECT reason FROM tests") == "already passing" ]]
	[[ $(sql "SELECT attempts FROM tests") == 0 ]]
	[[ ! -e $FLEET/worked ]]
	[[ -z $(merged) ]]
	# Nothing was done, and nothing is said to be kept.
	[[ $(sql "SELECT count(*) FROM attempts
	    WHERE snapshot_ref IS NOT NULL") == 0 ]]
}

@test "the worker is given its task, and nothing that isn't its own" {
	one_loop <<-'SH'
		#!/bin/sh
		cat > stdin
		env > environment
		printf '%s\n' "$@" > arguments
		touch done
	SH
	sed -i 's|worker" \]|worker", "{test}:{attempt}", "{prompt}" ]|' \
	    "$LOOPKEEPER_CONFIG"
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "test -e done",
		 "spec_content": "Make it.\nNow."}
	JSON
	CLAUDECODE=1 NOTIFY_SOCKET=/nowhere run_alone loop-1
	wait_until 10 test_is T-1 passed
	local in=$FLEET/result
	check_out "$in"
	[[ $(cat "$in/stdin") == $'Make it.\nNow.' ]]
	[[ $(cat "$in/arguments") == $'T-1:1\nMake it.\nNow.' ]]
	grep -qx LOOPKEEPER_TEST_ID=T-1 "$in/environment"
	grep -qx LOOPKEEPER_ATTEMPT=1 "$in/environment"
	grep -qx "LOOPKEEPER_VERIFY=test -e done" "$in/environment"
	[[ $(cat "$(sed -n s/LOOPKEEPER_SPEC_FILE=//p \
	    "$in/environment")") == $'Make it.\nNow.' ]]
	run grep -E '^(CLAUDECODE|NOTIFY_SOCKET)=' "$in/environment"
	[[ $status == 1 ]]
	grep -q '^# .* worker: exit 0$' "$(transcript_of T-1)"
}

@test "what its shell has open is for neither worker nor verify" {
	local theirs
	one_loop <<-SH
		#!/bin/sh
		ls -l /proc/self/fd > "$FLEET/of-worker"
		touch done
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify":
		 "ls -l /proc/self/fd > '$FLEET/of-verify'; test -e done"}
	JSON
	exec {theirs}> "$FLEET/theirs"
	run_alone loop-1
	exec {theirs}>&-
	wait_until 10 test_is T-1 passed
	grep -q "$FLEET/theirs" <(ls -l "/proc/$LOOP/fd")
	! grep theirs "$FLEET/of-worker" "$FLEET/of-verify"
}

@test "health.json says how it is" {
	one_loop <<-'SH'
		#!/bin/sh
		echo working
		touch "$FLEET/started"
		while [ ! -e "$FLEET/go" ]; do sleep 0.05; done
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "test -e $FLEET/go"}
		{"id": "T-2", "loop_id": "loop-1", "verify": "test -e $FLEET/go"}
	JSON
	run_alone loop-1
	wait_until 10 exists "$FLEET/started"
	local time='test("^20[0-9-]+T[0-9:.]+Z$")'
	wait_until 10 health_says '.component == "loop-1"
	    and .loop_id == "loop-1" and .status == "running"
	    and .current_test == "T-1" and .attempt == 1
	    and (.started_at, .last_heartbeat, .last_output_at | '"$time"')
	    and .pid == '"$LOOP"' and .worker_pid > 1
	    and .passed == 0 and .failed == 0 and .pending == 1
	    and .mode == "normal"'
	touch "$FLEET/go"
	wait_until 10 health_says '.status == "idle" and .current_test == null
	    and .attempt == 0 and .started_at == null and .passed == 2'
	stop_alone "$LOOP"
	health_says '.status == "stopped"'
}

@test "a second process of the same loop is refused" {
	one_loop <<-'SH'
		#!/bin/sh
	SH
	run_alone loop-1
	wait_until 10 exists "$FLEET/state/loop-1/specs/health.json"
	run loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1 3>&-
	[[ $status == 1 ]]
	[[ $output == *"pid $LOOP"* ]] || fail "$output"
}

@test "skip and reset end the attempt that runs" {
	one_loop <<-'SH'
		#!/bin/sh
		sleep 1000 &
		(setsid sleep 1000 &)
		touch "$FLEET/started-$LOOPKEEPER_TEST_ID"
		sleep 1000
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "false",
		 "files": ["a"]}
		{"id": "T-2", "loop_id": "loop-1", "verify": "false"}
	JSON
	run_alone loop-1
	wait_until 10 exists "$FLEET/started-T-1"
	lk skip T-1 --reason "no use"
	wait_until 10 exists "$FLEET/started-T-2"
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	rm "$FLEET/started-T-2"
	lk reset T-2
	wait_until 10 exists "$FLEET/started-T-2"
	[[ $(sql "SELECT attempts FROM tests WHERE id = 'T-2'") == 0 ]]
	[[ $(sql "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'
	    AND state = 'parked'") == 2 ]]
	stop_alone "$LOOP"
	wait_until 5 nothing_left
	test_is T-1 skipped
	test_is T-2 pending
}

@test "told to stop, it gives the test back and leaves nothing" {
	one_loop <<-'SH'
		#!/bin/sh
		trap '' TERM
		(setsid sleep 1000 &)
		touch "$FLEET/started"
		while :; do sleep 1; done
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "false",
		 "files": ["a"]}
	JSON
	run_alone loop-1
	wait_until 10 exists "$FLEET/started"
	stop_alone "$LOOP"
	wait_until 5 nothing_left
	test_is T-1 pending
	[[ $(sql "SELECT attempts FROM tests") == 0 ]]
	[[ $(sql "SELECT outcome FROM attempts") == interrupted ]]
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	[[ $(sql "SELECT status FROM loops") == stopped ]]
}

@test "what is verified waits for a database that is locked, to be merged" {
	one_loop <<-'SH'
		#!/bin/sh
		echo once >> "$FLEET/started"
		while [ ! -e "$FLEET/go" ]; do sleep 0.05; done
		touch done
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "test -e done"}
	JSON
	run_alone loop-1
	wait_until 10 exists "$FLEET/started"
	foreigner 'BEGIN EXCLUSIVE;'
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
	[[ -z $(merged) ]]
	# Also when the one who has it dies now.
	kill -9 "$LOOP"
	wait_until 5 gone "$LOOP"
	tell_foreigner 'ROLLBACK;'
	dismiss_foreigner
	run_alone loop-1
	wait_until 20 test_is T-1 passed
	[[ ! -e $FLEET/state/spool/loop-1.outcome ]]
	[[ $(count_events "event_type = 'test_passed'") == 1 ]]
	[[ $(sql "SELECT group_concat(outcome) FROM (SELECT outcome
	    FROM attempts ORDER BY fence)") == interrupted,passed ]]
	# Its successor had no work but to verify and merge it.
	[[ $(wc -l < "$FLEET/started") == 1 ]]
	[[ $(sql "SELECT attempts FROM tests") == 1 ]]
	[[ $(merged) == T-1 ]]
	grep -q "which an earlier attempt had made" "$(transcript_of T-1)"
}

@test "in mode file-based it finishes what it is in and claims nothing" {
	one_loop <<-'SH'
		#!/bin/sh
		echo once >> "$FLEET/started-$LOOPKEEPER_TEST_ID"
		while [ ! -e "$FLEET/go" ]; do sleep 0.05; done
		touch "done-$LOOPKEEPER_TEST_ID"
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "sort_order": 1,
		 "verify": "test -e done-T-1"}
		{"id": "T-2", "loop_id": "loop-1", "sort_order": 2,
		 "verify": "test -e done-T-2"}
	JSON
	echo normal > "$FLEET/mode"
	LOOPKEEPER_MODE_FILE=$FLEET/mode run_alone loop-1
	wait_until 10 exists "$FLEET/started-T-1"
	echo "file-based recorder" > "$FLEET/mode"
	wait_until 10 health_says '.mode == "file-based"'
	touch "$FLEET/go"
	wait_until 10 exists "$FLEET/state/spool/loop-1.outcome"
	test_is T-1 in_progress
	test_is T-2 pending
	[[ -z $(merged) ]]
	echo normal > "$FLEET/mode"
	wait_until 10 all_passed
	[[ ! -e $FLEET/state/spool/loop-1.outcome ]]
	# It waited, and wasn't begun anew.
	[[ $(wc -l < "$FLEET/started-T-1") == 1 ]]
	[[ $(sql "SELECT count(*) FROM attempts") == 2 ]]
	[[ $(merged) == $'T-1\nT-2' ]]
}

@test "in mode slow it waits longer between two tests" {
	one_loop 'slow_pause = "2s";' <<-'SH'
		#!/bin/sh
		touch "done-$LOOPKEEPER_TEST_ID"
	SH
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "verify": "test -e done-T-1"}
		{"id": "T-2", "loop_id": "loop-1", "verify": "test -e done-T-2"}
	JSON
	echo slow > "$FLEET/mode"
	LOOPKEEPER_MODE_FILE=$FLEET/mode run_alone loop-1
	wait_until 20 all_passed
	[[ $(sql "SELECT (julianday(max(started_at)) -
	    julianday(min(ended_at))) * 86400 > 1.9 FROM attempts") == 1 ]]
}

health_says() {
	jq -e "$1" "$FLEET/state/loop-1/specs/health.json" > /dev/null ||
	    fail "$(cat "$FLEET/state/loop-1/specs/health.json")"
}

@test "killed at random moments, a test is pending or passed, never half" {
	local i
	one_loop <<-'SH'
		#!/bin/sh
		(setsid sleep 1000 &)
		sleep 0.0$((RANDOM_SEED % 10))
		touch "done-$LOOPKEEPER_TEST_ID"
	SH
	for i in {1..12}; do
		echo "{\"id\": \"T-$i\", \"loop_id\": \"loop-1\",
		    \"files\": [\"done-T-$i\"],
		    \"verify\": \"test -e done-T-$i\"}"
	done | add_tests
	for i in {1..25}; do
		RANDOM_SEED=$i run_alone loop-1
		sleep "0.$((RANDOM % 35 + 10))"
		kill -9 "$LOOP"
		wait_until 5 gone "$LOOP"
		# What recovery would find.
		[[ $(sql "SELECT count(*) FROM tests t WHERE t.status =
		    'in_progress' AND NOT EXISTS (SELECT 1 FROM attempts a
		    WHERE a.test_id = t.id AND a.ended_at IS NULL)") == 0 ]]
		[[ $(sql "SELECT count(*) FROM tests WHERE status NOT IN
		    ('pending', 'in_progress', 'passed')") == 0 ]]
	done
	run_alone loop-1
	wait_until 30 all_passed
	stop_alone "$LOOP"
	[[ $(sql "SELECT count(*) FROM attempts WHERE ended_at IS NULL") == 0 ]]
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	[[ $(count_events "event_type = 'test_passed'") == 12 ]]
	[[ $(count_events "event_type = 'attempt_ended'") == \
	    $(sql "SELECT count(*) FROM attempts") ]]
	[[ $(sql "PRAGMA integrity_check") == ok ]]
	# Each was merged once, by the attempt that says so.
	[[ $(merged | sort -V) == $(printf 'T-%s\n' {1..12}) ]]
	git -C "$FLEET/repository" log \
	    --format='%H %(trailers:key=Attempt,valueonly,separator=)' \
	    loopkeeper/main | grep -E ' .' | sort > "$FLEET/commits"
	sql "SELECT result_commit || ' ' || id FROM attempts
	    WHERE outcome = 'passed' ORDER BY 1" | diff "$FLEET/commits" -
	git -C "$FLEET/repository" fsck --strict
	[[ -z $(git -C "$FLEET/repository" status --porcelain) ]]
	[[ $(git -C "$FLEET/repository" worktree list | wc -l) == 3 ]]
}
