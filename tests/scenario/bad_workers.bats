# Workers of the example's fleet that can't be relied on: one says that it is
# done and isn't, a provider refuses all of them. The others go on, or all wait;
# nothing is merged that doesn't pass, and nothing is used up for nothing.

load attempts

prepare() {
	EXAMPLE=$LK_ROOT/examples/three-loops
}

# of_test FIELD ID: of its attempts, the first one first.
of_test() {
	sql "SELECT group_concat($1) FROM (SELECT $1 FROM attempts
	    WHERE test_id = '$2' ORDER BY fence)"
}

passed_are() {
	sql_is "$1" "SELECT count(*) FROM tests WHERE status = 'passed'"
}

@test "one says that all tests pass, and has done next to nothing" {
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		test -e "$FLEET/honest" || case \$LOOPKEEPER_TEST_ID in
		POL-FMT-001)
			echo "\$1" > "$FLEET/told"
			echo "/* Done. */" >> src/size.c
			echo "Done: I ran it, all tests pass."
			exit 0 ;;
		esac
		exec "$EXAMPLE/worker"
	SH
	chmod 755 "$FLEET/worker"
	example_fleet "[ \"$FLEET/worker\", \"{failure}\" ]" 'max_attempts = 2;'
	lk up -d
	wait_until 60 test_is POL-FMT-001 blocked
	[[ $(of_test outcome POL-FMT-001) == failed,failed ]]
	# The second one was told what verify has to say to that.
	grep -q 'size_test' "$FLEET/told" || fail "$(< "$FLEET/told")"
	wait_until 60 passed_are 8
	events_are 0 "event_type = 'test_passed' AND test_id = 'POL-FMT-001'"
	[[ $(merged "$FLEET/work") != *POL-FMT-001* ]]
	check_out "$FLEET/result" "$FLEET/work"
	run ! grep -r "Done\\." "$FLEET/result/src"
	wait_until 15 sql_is test_blocked "SELECT decision_type FROM decisions"
	touch "$FLEET/honest"
	lk reset POL-FMT-001
	wait_until 30 passed_are 9
}

@test "a provider refuses all of them: they wait, and nothing is used up" {
	mkdir "$FLEET/bin" "$FLEET/stand-ins"
	ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/stand-ins/claude"
	cat > "$FLEET/bin/claude" <<-SH
		#!/bin/bash
		export LK_DAY=\$(< "$FLEET/day") LK_WORK=.
		echo "\$LOOPKEEPER_TEST_ID" >> "$FLEET/runs"
		[[ \$LK_DAY != good ]] || "$EXAMPLE/worker" > /dev/null || exit
		exec "$FLEET/stand-ins/claude" < /dev/null
	SH
	chmod 755 "$FLEET/bin/claude"
	cp -r "$LK_ROOT/config/workers" "$LK_ROOT/config/prompt.txt" "$FLEET"
	export PATH=$FLEET/bin:$PATH
	echo limit > "$FLEET/day"
	example_fleet '"claude"'
	LK_RESET=$(($(date +%s) + 10 * LK_PATIENCE)) lk up -d
	wait_event "event_type = 'rate_limited'" 30
	sql_is "claude|rate_limited" "SELECT provider, reason FROM gates"
	wait_until 10 sql_is 0 "SELECT count(*) FROM attempts
	    WHERE ended_at IS NULL"
	sql_is rate_limited "SELECT group_concat(DISTINCT outcome)
	    FROM attempts"
	echo good > "$FLEET/day"
	# When its time has come they go on by themselves.
	wait_until 90 passed_are 9
	sql_is 0 "SELECT count(*) FROM gates"
	sql_is 0 "SELECT count(*) FROM attempts
	    WHERE outcome NOT IN ('rate_limited', 'passed', 'failed')"
	# But for the one that gets it wrong at first.
	sql_is INF-MAP-001 "SELECT group_concat(DISTINCT test_id) FROM attempts
	    WHERE outcome = 'failed'"
	events_are 1 "event_type = 'rate_limited'"
	sql_is "1|1" "SELECT count(*), sum(context ->> 'cleared_at' IS NOT NULL)
	    FROM alerts WHERE alert_type = 'rate_limited'"
	{ lk summary --json; } | jq -e '[.loops[].lost.rate_limit_ms] |
	    all(. > 1000)' || fail "$(lk summary)"
}
