# What becomes of a passed test that another loop's work has broken: who did it
# is known, a human is asked, the answer is done. On the example.

load lib

EXAMPLE=$LK_ROOT/examples/three-loops
BRANCH=loopkeeper/main

prepare() {
	need git make
	"$EXAMPLE/setup" "$FLEET/work" 3>&-
	REPOSITORY=$FLEET/work
}

# configure [KEYS OF REGRESSIONS] [KEYS OF PM]: loop-1 and loop-2, whose worker
# writes what the example's does, and, at INF-RING-001, breaks what CP-NUM-001
# of loop-1 tests, until it is told to be careful.
configure() {
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		printf '%s\n' "\$1" > "$FLEET/told-\$LOOPKEEPER_TEST_ID"
		"$EXAMPLE/worker" || exit
		test "\$LOOPKEEPER_TEST_ID" != INF-RING-001 ||
		    test -e "$FLEET/careful" ||
		    cp "$EXAMPLE/library/src/number.c" src/number.c
	SH
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		loops = { repository = "$REPOSITORY"; pause = "0"; recheck = 0;
		  retry_delay = "0"; worker = [ "$FLEET/worker", "{failure}" ]; };
		monitor = { every = "100ms"; };
		pm = { every = "200ms"; ${2:-} };
		regressions = { ${1:-} };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { priority = 1; }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { priority = 2; }; } );
	CONF
	export LOOPKEEPER_EXAMPLE_PACE=0
}

alone() {
	background "$1.log" "loopkeeper-$1" -c "$LOOPKEEPER_CONFIG" "${@:2}"
}

work() {
	alone loop "$1"
	wait_until 30 test_is "$2" passed
	kill "$PID"
	wait_until 10 gone "$PID"
}

# broken [KEYS OF REGRESSIONS] [KEYS OF PM]: CP-NUM-001 has passed, and fails
# since INF-RING-001, which is not the last that was merged.
broken() {
	configure "$@"
	jq '[.[] | select(.id == "CP-NUM-001" or .id == "INF-RING-001" or
	    .id == "INF-VEC-001")] | map(if .id == "INF-RING-001" then
	    .files += ["src/number.c"] else . end)' "$EXAMPLE/tests.json" \
	    > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
	work loop-1 CP-NUM-001
	lk order INF-RING-001 INF-VEC-001
	work loop-2 INF-VEC-001
	BAD=$(commit_of INF-RING-001)
	GOOD=$(commit_of CP-NUM-001)
}

# The last commit of a test.
commit_of() {
	git -C "$REPOSITORY" log -1 --format=%H --grep "^Test: $1\$" "$BRANCH"
}

sql_is() {
	local is
	is=$(sql "$2")
	[[ $is == "$1" ]] || fail "is: $is"
}

asked() {
	wait_until 30 sql_is "${1:-DEC-001} pending" "SELECT id || ' ' || status
	    FROM decisions WHERE decision_type = 'regression'
	    ORDER BY id DESC LIMIT 1"
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

reverted() {
	git -C "$REPOSITORY" log --format=%B "$BRANCH" |
	    grep -q "^Reverts: $1" || fail "not reverted: $1"
}

is_over() {
	wait_event "event_type = 'regression_cleared' AND test_id = 'CP-NUM-001'" 30
}

@test "who broke it is told, and how to act; A rolls back just that commit" {
	broken
	alone monitor
	alone pm
	asked
	has_event "event_type = 'regression_detected' AND test_id = 'CP-NUM-001'
	    AND json_extract(payload, '$.last_good_commit') = '$GOOD'
	    AND json_extract(payload, '$.first_bad_commit') = '$BAD'
	    AND json_extract(payload, '$.blamed_loop') = 'loop-2'
	    AND json_extract(payload, '$.blamed_test') = 'INF-RING-001'
	    AND json_extract(payload, '$.blamed_attempt') = (SELECT id
	        FROM attempts WHERE test_id = 'INF-RING-001')
	    AND json_extract(payload, '$.blamed_transcript') = (SELECT transcript
	        FROM attempts WHERE test_id = 'INF-RING-001')"
	run -3 lk regressions
	says "CP-NUM-001 of loop-1: fails"
	says "passes on    ${GOOD:0:12}"
	says "fails since  ${BAD:0:12}  INF-RING-001 of loop-2, attempt 1"
	says "loopkeeper decide DEC-001 A   # roll back ${BAD:0:12}, just that"
	says "loopkeeper decide DEC-001 C   # skip it (the default)"
	says "loopkeeper rollback loop-2 --commit ${BAD:0:12}"
	says "loopkeeper reset CP-NUM-001"
	says "skip CP-NUM-001 --reason 'Regression from INF-RING-001'"
	says "loopkeeper transcript INF-RING-001 1"
	# As they stand, whatever the shell knows, they are to be pasted.
	run env -u LOOPKEEPER_CONFIG loopkeeper -c "$LOOPKEEPER_CONFIG" \
	    regressions
	says "loopkeeper -c $LOOPKEEPER_CONFIG reset CP-NUM-001"
	says "loopkeeper -c $LOOPKEEPER_CONFIG decide DEC-001 B"
	lk regressions --json | jq -e '.[0].blamed_test == "INF-RING-001" and
	    .[0].decision_id == "DEC-001" and (.[0].output | test("CHECK|number"))'
	lk decide DEC-001 A
	is_over
	reverted "$BAD"
	test_is INF-RING-001 pending
	test_is INF-VEC-001 passed
	test_is CP-NUM-001 passed
	events_are 1 "event_type = 'rollback_triggered'
	    AND json_extract(payload, '$.by') = 'pm'"
	sql_is 1 "SELECT count(*) FROM decisions WHERE applied_at IS NOT NULL"
	# Who does it anew knows what it broke, and that ends with it.
	touch "$FLEET/careful"
	work loop-2 INF-RING-001
	grep -q "as commit ${BAD:0:12}, and rolled back: CP-NUM-001 fails with it" \
	    "$FLEET/told-INF-RING-001"
	grep -q "make -s check-number" "$FLEET/told-INF-RING-001"
	sql_is "" "SELECT evidence FROM tests WHERE id = 'INF-RING-001'"
	run -3 lk regressions
	says "no regression is open"
	run -3 lk regressions --all
	says "CP-NUM-001 of loop-1: over"
}

@test "B: the test is done anew, on the tip, by one who knows what is wrong" {
	broken
	alone monitor
	alone pm
	asked
	lk decide DEC-001 B
	wait_until 15 test_is CP-NUM-001 pending
	work loop-1 CP-NUM-001
	grep -q "CP-NUM-001 had passed, and fails.* since commit ${BAD:0:12}" \
	    "$FLEET/told-CP-NUM-001"
	grep -q "(INF-RING-001); it passes on ${GOOD:0:12}" \
	    "$FLEET/told-CP-NUM-001"
	is_over
	events_are 0 "event_type = 'rollback_triggered'"
}

@test "C is what nobody's answer means: skipped, until it passes again" {
	broken '' 'decision_timeout = "1s";'
	alone monitor
	alone pm
	wait_until 30 test_is CP-NUM-001 skipped
	is_over
	sql_is "Regression from INF-RING-001" \
	    "SELECT reason FROM tests WHERE id = 'CP-NUM-001'"
	sql_is "C auto_resolved" "SELECT choice || ' ' || status FROM decisions"
	sql_is 1 "SELECT count(*) FROM decisions"
}

@test "without being asked, once it is wanted, but not again and again" {
	broken 'auto_rollback = true;'
	alone monitor
	alone pm
	is_over
	reverted "$BAD"
	sql_is "A auto_resolved pm" "SELECT choice || ' ' || status || ' ' ||
	    decided_by FROM decisions"
	has_event "event_type = 'decision_expired'"
	# The same again, as careless as before: now somebody is asked.
	work loop-2 INF-RING-001
	BAD=$(commit_of INF-RING-001)
	asked DEC-002
	sql "SELECT summary FROM decisions WHERE id = 'DEC-002'" |
	    grep -F "not rolled back by itself: that test's work was rolled"
	run reverted "$BAD"
	[[ $status != 0 ]]
}

@test "so often a day, and no more" {
	broken 'auto_rollback = true; rollbacks_per_day = 0;'
	alone monitor
	alone pm
	asked
	sql "SELECT summary FROM decisions" |
	    grep -F "there were as many today as are allowed"
	events_are 0 "event_type = 'rollback_triggered'"
}

@test "a rollback that can't be done is told, and asked again without it" {
	broken
	alone monitor
	alone pm
	asked
	# Somebody has built on it meanwhile.
	check_out "$FLEET/clone" "$REPOSITORY"
	sed -i 's,$, /**/,' "$FLEET/clone/src/ring_add.c"
	git -C "$FLEET/clone" commit -qam "By hand"
	git -C "$FLEET/clone" push -q origin "$BRANCH"
	lk decide DEC-001 A
	asked DEC-002
	sql "SELECT summary FROM decisions WHERE id = 'DEC-002'" |
	    grep -F "couldn't be rolled back: ${BAD:0:12} (INF-RING-001) can't"
	sql_is '["B","C"]' "SELECT json_group_array(value ->> 'id')
	    FROM decisions, json_each(options) WHERE decisions.id = 'DEC-002'"
	sql_is 1 "SELECT count(*) FROM alerts WHERE acknowledged = 0
	    AND alert_type = 'rollback_failed'"
	test_is INF-RING-001 passed
	lk decide DEC-002 C
	is_over
	wait_until 10 sql_is 0 "SELECT count(*) FROM alerts
	    WHERE acknowledged = 0 AND alert_type = 'rollback_failed'"
}

@test "a rollback that can't be done yet is told once, and done when it can" {
	broken
	alone monitor
	alone pm
	asked
	git -C "$REPOSITORY" worktree add -q "$FLEET/tree" "$BRANCH"
	lk decide DEC-001 A
	wait_until 15 sql_is 1 "SELECT count(*) FROM alerts WHERE
	    acknowledged = 0 AND severity = 'warning' AND message LIKE
	    '%yet, and is tried again: branch $BRANCH is checked out in %'"
	sql_is "" "SELECT applied_at FROM decisions"
	git -C "$REPOSITORY" worktree remove "$FLEET/tree"
	wait_until 60 sql_is 1 "SELECT count(*) FROM decisions
	    WHERE applied_at IS NOT NULL"
	reverted "$BAD"
	is_over
	sql_is 1 "SELECT count(*) FROM decisions"
	events_are 1 "event_type = 'alert_raised'
	    AND json_extract(payload, '$.type') = 'rollback_failed'"
	sql_is 0 "SELECT count(*) FROM alerts WHERE acknowledged = 0
	    AND alert_type = 'rollback_failed'"
}

@test "a PM that dies amid a rollback finishes it when it is back" {
	broken
	alone monitor
	alone pm
	asked
	# Verify of the rollback waits.
	touch "$FLEET/hang"
	sql "UPDATE tests SET files = '[\"src/*\"]', verify = 'echo x >> $FLEET/verifies;
	    while test -e $FLEET/hang; do sleep 0.05; done'
	    WHERE id = 'INF-VEC-001'"
	lk decide DEC-001 A
	wait_until 15 test -s "$FLEET/verifies"
	kill -9 "$PID"
	wait_until 10 gone "$PID"
	sql_is "" "SELECT applied_at FROM decisions"
	alone pm
	rm "$FLEET/hang"
	wait_until 30 sql_is 1 "SELECT count(*) FROM decisions
	    WHERE applied_at IS NOT NULL"
	reverted "$BAD"
	is_over
	sql_is 1 "SELECT count(*) FROM decisions"
}
