# What the monitor finds while everybody thinks that work is going on, and what
# it does about it. It looks five times a second here.

load lib

prepare() {
	need git
}

# configure MONITOR [LOOP]: keys of the monitor, and of the loop, whose own
# clocks are off and whose worker is the script on standard input.
configure() {
	repository "$FLEET/repository"
	cat > "$FLEET/worker"
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		monitor = { every = "200ms"; $1 };
		loops = { retry_delay = "0"; silence_limit = "0";
		  startup_limit = "0"; input_limit = "0"; };
		regressions = { every = "0"; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify";
		    loop = { worker = [ "$FLEET/worker" ]; pause = "0";
		      repository = "$FLEET/repository"; ${2:-} }; }
		);
	CONF
}

# queue [KEYS]: one test, T-1, which never passes.
queue() {
	jq -n "[{id: \"T-1\", loop_id: \"loop-1\", verify: \"false\",
	    max_attempts: 2 ${1:+, $1}}]" > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

alone() {
	background "${1##*-}.log" "$@"
}

begin() {
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	MONITOR=$PID
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
}

holds() {
	[[ $(sql "SELECT count(*) FROM $1") -ge 1 ]] || fail "none: $1" \
	    "$(sql "SELECT severity, alert_type, message FROM alerts")"
}

sql_is() {
	local is
	is=$(sql "$2")
	[[ $is == "$1" ]] || fail "is: $is"
}

alerts_are() {
	local is
	is=$(sql "SELECT count(*) FROM alerts WHERE $2")
	[[ $is == "$1" ]] || fail "$is alerts, not $1: $2"
}

@test "a silent hang goes all the way to blocked, and nobody needs to help" {
	configure 'stuck_after = "2s";' <<-'SH'
		#!/bin/sh
		echo "before it hangs"
		touch changed
		exec sleep 1000
	SH
	queue
	begin
	wait_until 60 test_is T-1 blocked
	# Each step once for each of the two attempts.
	[[ $(sql "SELECT group_concat(outcome) FROM attempts") == \
	    silent,silent ]]
	events_are 2 "event_type = 'stuck_detected' AND test_id = 'T-1'"
	events_are 2 "event_type = 'attempt_stopped' AND loop_id = 'loop-1'"
	events_are 2 "event_type = 'attempt_ended' AND payload ->> 'detail'
	    LIKE '%no progress for %'"
	wait_until 10 alerts_are 2 "alert_type = 'loop_stuck'
	    AND severity = 'warning' AND context ->> 'cleared_at' IS NOT NULL"
	alerts_are 2 1
	local kept
	kept=$(find "$FLEET/state/loop-1" -name '*.stuck' | head -1)
	grep -q ' sleep: sleep 1000$' "$kept"
	grep -q ' changed$' "$kept"
	grep -q '^before it hangs$' "$kept"
	[[ $(find "$FLEET/state/loop-1" -name '*.stuck' | wc -l) == 2 ]]
	sql "SELECT message FROM alerts" | grep -F "see $kept"
	lk timeline --since 1h | grep "loop-1 is told to end its attempt at T-1"
}

# What the loop has seen is known to others five seconds later at most.
@test "CPU time is progress, and so are changed files" {
	configure 'stuck_after = "10s";' <<-'SH'
		#!/bin/bash
		end=$((SECONDS + 16))
		while ((SECONDS < end)); do :; done
		for i in {1..6}; do sleep 3; touch "file-$i"; done
	SH
	queue '"max_attempts": 1'
	begin
	wait_until 90 test_is T-1 blocked
	[[ $(sql "SELECT group_concat(outcome) FROM attempts") == failed ]]
	events_are 0 "event_type = 'stuck_detected'"
	alerts_are 0 1
}

# hung NUMBER: so many runs of git did.
hung() {
	[[ $(wc -l < "$FLEET/hung") -ge $1 ]]
}

@test "where git hangs it isn't tried for each loop" {
	use_points
	configure '' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	sed -i 's|^components = (|&{ name = "loop-2"; command = [ "true" ];\
	    loop = { worker = [ "'"$FLEET"'/worker" ];\
	    repository = "'"$FLEET"'/repository"; }; },|' "$LOOPKEEPER_CONFIG"
	queue
	lk add T-2 --loop loop-2 --verify false
	mkdir "$FLEET/bin"
	cat > "$FLEET/bin/git" <<-SH
		#!/bin/bash
		case \$* in *" diff "*)
			echo "\$EPOCHREALTIME" >> "$FLEET/hung"
			exec sleep 1000
		esac
		exec $(type -P git) "\$@"
	SH
	chmod +x "$FLEET/bin/git"
	touch "$FLEET/hung"
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-2
	wait_until 20 sql_is 2 "SELECT count(*) FROM attempts
	    WHERE state = 'running'"
	export LOOPKEEPER_GIT_LOOK_MS=300
	PATH=$FLEET/bin:$PATH alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 30 hung 2
	local at
	mapfile -t at < "$FLEET/hung"
	((${at[1]/./} - ${at[0]/./} > 4000000))
	grep -F "what it has changed: git diff: it didn't end within" \
	    "$FLEET/monitor.log"
}

@test "a loop that doesn't end what it is told to end is told of" {
	configure 'stuck_after = "3s"; heed_after = "1s";' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	queue '"max_attempts": 1'
	begin
	wait_until 20 holds "attempts WHERE state = 'running'"
	kill -STOP "$PID"
	wait_until 30 holds "alerts WHERE severity = 'critical' AND message LIKE
	    'loop-1: was told % ago to end its attempt at T-1, and doesn''t: %'"
	kill -CONT "$PID"
	wait_until 20 test_is T-1 blocked
	wait_until 10 alerts_are 2 "context ->> 'cleared_at' IS NOT NULL"
	alerts_are 2 1
}

@test "no more attempts are ended in an hour than it may end" {
	configure 'stuck_after = "1s"; stops_per_hour = 1;' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	queue
	begin
	wait_until 30 holds "alerts WHERE alert_type = 'stuck_not_ended'
	    AND severity = 'critical'"
	events_are 1 "event_type = 'attempt_stopped'"
	test_is T-1 in_progress
}

@test "a loop that takes nothing though it could is told of, in words" {
	configure 'stuck_after = "1s"; stuck_critical = 1;' \
	    <<< '#!/bin/sh'
	queue
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 20 holds "alerts WHERE alert_type = 'loop_stuck' AND message
	    LIKE 'loop-1: doesn''t run, and 1 pending test waits for it (%'"
	wait_until 10 holds "alerts WHERE alert_type = 'loops_stuck'
	    AND severity = 'critical'"
	# It is meant to be so: nothing is wrong.
	printf 'loop-1\tpaused\tme\t2026-01-07T02:14:00.000Z\t\n' \
	    > "$FLEET/state/wanted"
	wait_until 10 alerts_are 2 "context ->> 'cleared_at' IS NOT NULL"
	alerts_are 2 1
	rm "$FLEET/state/wanted"
	wait_until 20 alerts_are 4 1
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	wait_until 20 alerts_are 4 "context ->> 'cleared_at' IS NOT NULL"
	wait_until 20 test_is T-1 blocked
	# It lives, and that is all.
	kill -STOP "$PID"
	lk reset T-1
	wait_until 20 holds "alerts WHERE alert_type = 'loop_stuck' AND message
	    LIKE 'loop-1: has taken no test for %, with 1 pending test and %'"
	kill -CONT "$PID"
	wait_until 20 alerts_are 6 "context ->> 'cleared_at' IS NOT NULL"
}

@test "so few stuck loops that nobody is warned are told of all the same" {
	configure 'stuck_after = "1s"; stuck_warning = 2; stuck_critical = 0;' \
	    <<< '#!/bin/sh'
	queue
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 20 holds "alerts WHERE alert_type = 'loop_stuck'"
	alerts_are 1 "severity = 'info' AND message LIKE 'loop-1: %'"
	events_are 1 "event_type = 'stuck_detected'"
	background foreign.log sleep 1000
	sql "INSERT INTO loops (id, status, current_test_id, pid)
	    VALUES ('old-one', 'running', 'X-1', $PID)"
	wait_until 20 alerts_are 2 "alert_type = 'loop_stuck'
	    AND severity = 'warning'"
	alerts_are 2 1
}

@test "an attempt that strays is told of, once, and goes on" {
	configure 'max_files = 3;' <<-'SH'
		#!/bin/bash
		mkdir -p src other
		touch src/{1..4}
		until [[ -e $FLEET/more ]]; do sleep 0.1; done
		touch other/{5,6}
		until [[ -e $FLEET/end ]]; do sleep 0.1; done
	SH
	queue '"files": ["src/*"]'
	begin
	wait_until 20 holds "alerts WHERE alert_type = 'digression' AND message =
	    'loop-1: 4 files changed by T-1, more than 3 (monitor.max_files)'"
	touch "$FLEET/more"
	wait_until 20 holds "alerts WHERE alert_type = 'digression' AND message =
	    'loop-1: T-1 has changed what is outside its files: other/5 and 1'
	    || ' other (its files are src/*)'"
	# It stands as long as the attempt, also for a monitor that begins anew.
	kill "$MONITOR"
	wait_until 10 gone "$MONITOR"
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	rm "$FLEET/state/loop-1/worktree/src/1"
	wait_until 10 grep -q . "$FLEET/state/loop-1/worktree/other/../.git"
	events_are 2 "event_type = 'digression_detected'"
	alerts_are 2 "NOT acknowledged"
	lk reset T-1
	touch "$FLEET/end"
	wait_until 20 alerts_are 2 "context ->> 'cleared_at' IS NOT NULL"
}

# So many conflicts, just now.
conflicts() {
	sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
	    WHERE i < $1) INSERT INTO events (id, timestamp, source,
	    event_type) SELECT hex(randomblob(8)), strftime(
	    '%Y-%m-%dT%H:%M:%fZ', 'now'), 'pm', 'file_conflict' FROM n"
}

# metric NAME SEVERITY MESSAGE
metric() {
	holds "alerts WHERE alert_type = '$1' AND severity = '$2'
	    AND message LIKE '$3' AND context ->> 'cleared_at' IS NULL"
}

@test "a metric is a warning, then critical, and over when it is over" {
	configure 'conflicts_warning = 2; conflicts_critical = 4;
	    decisions_warning = 1; decisions_critical = 2;
	    database_warning = "4K"; database_critical = "1G";' <<< '#!/bin/sh'
	queue '"status": "skipped"'
	conflicts 3
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 20 metric conflicts warning '3 conflicts in an hour: %'
	metric database_size warning \
	    "the coordination database has % MB: %/coordination.db"
	lk ack all > /dev/null
	conflicts 2
	wait_until 10 metric conflicts critical '5 conflicts in an hour: %'
	holds "alerts WHERE alert_type = 'conflicts' AND NOT acknowledged"
	# Down to a warning and up again is no news.
	sql "DELETE FROM events WHERE rowid IN (SELECT rowid FROM events
	    WHERE event_type = 'file_conflict' LIMIT 2)"
	conflicts 3
	sql "INSERT INTO decisions (id, requested_at) VALUES
	    ('DEC-001', strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	    ('DEC-002', datetime('now', '-50 minutes'))"
	wait_until 10 metric decisions warning '2 decisions are pending: %'
	sql "INSERT INTO decisions (id, requested_at) VALUES
	    ('DEC-003', datetime('now', '-61 minutes'))"
	wait_until 10 metric decisions critical '3 decisions are pending: %'
	wait_until 10 metric decision_age critical \
	    'a decision has been pending for 1h: %'
	events_are 2 "event_type = 'alert_raised'
	    AND payload ->> 'type' = 'conflicts'"
	sql "DELETE FROM events WHERE event_type = 'file_conflict';
	    UPDATE decisions SET status = 'decided'"
	wait_until 10 alerts_are 3 "context ->> 'cleared_at' IS NOT NULL"
	alerts_are 4 1
}

@test "nothing passes: an alert where there is work to do, and only there" {
	use_points
	# An hour has three seconds.
	export LOOPKEEPER_HOUR_MS=3000
	configure 'passed_critical = "6s";' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	queue
	begin
	wait_until 20 metric tests_passed warning \
	    '0 tests passed in an hour, with work to do'
	wait_until 20 metric tests_passed critical \
	    'no test has passed for 6s, with work to do: %'
	lk skip T-1
	wait_until 20 alerts_are 1 "context ->> 'cleared_at' IS NOT NULL"
	# It is meant to take nothing, for longer than an hour.
	printf 'loop-1\tdraining\tme\t2026-01-07T02:14:00.000Z\t\n' \
	    > "$FLEET/state/wanted"
	lk reset T-1
	conflicts 20
	wait_until 10 metric conflicts critical '20 conflicts in an hour: %'
	wait_until 10 alerts_are 2 "context ->> 'cleared_at' IS NOT NULL"
	alerts_are 2 1
}

@test "a loop that knows only the database is told of when it hangs" {
	configure 'stuck_after = "2s";' <<< '#!/bin/sh'
	queue '"status": "skipped"'
	background foreign.log sleep 1000
	sql "INSERT INTO loops (id, status, current_test_id, pid)
	    VALUES ('old-one', 'running', 'X-1', $PID)"
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 20 holds "alerts WHERE alert_type = 'loop_stuck'
	    AND message LIKE 'old-one: no progress on X-1 for % (no event, no'
	    || ' CPU time)'"
	# Its heart beats on: that alone is nothing.
	sql "INSERT INTO component_health VALUES ('old-one', datetime('now'),
	    'healthy', NULL);
	    UPDATE loops SET updated_at = datetime('now')"
	holds "alerts WHERE context ->> 'cleared_at' IS NULL"
	sql "INSERT INTO events (id, timestamp, source, event_type, payload)
	    VALUES ('e1', datetime('now'), 'old-one', 'progress',
	    '{\"loop_id\": \"old-one\"}')"
	wait_until 20 holds "alerts WHERE context ->> 'cleared_at' IS NOT NULL"
	wait_until 20 alerts_are 2 1
	# A child of it works.
	background busy.log bash -c 'trap "kill %1" TERM
	    (while :; do :; done) & wait'
	sql "UPDATE loops SET pid = $PID"
	wait_until 20 alerts_are 2 "context ->> 'cleared_at' IS NOT NULL"
}

passed_are() {
	[[ $(sql "SELECT count(*) FROM tests WHERE status = 'passed'") == "$1" ]]
}

@test "one hangs in the example fleet: the others don't notice" {
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		[ "\$LOOPKEEPER_TEST_ID" != POL-FMT-001 ] || exec sleep 1000
		exec "$LK_ROOT/examples/three-loops/worker"
	SH
	chmod 755 "$FLEET/worker"
	example_fleet "[ \"$FLEET/worker\" ]" 'max_attempts = 2;
	    silence_limit = "0"; startup_limit = "0"; input_limit = "0";' \
	    'monitor = { every = "200ms"; stuck_after = "8s"; };'
	lk up -d
	wait_until 120 test_is POL-FMT-001 blocked
	[[ $(sql "SELECT group_concat(outcome) FROM attempts
	    WHERE test_id = 'POL-FMT-001'") == silent,silent ]]
	wait_until 60 passed_are 8
	events_are 2 "event_type = 'attempt_stopped'"
	# Nobody was restarted for it, nor anybody else judged.
	restarts_are loop-3 0
	events_are 0 "event_type IN ('component_stuck', 'stuck_detected')
	    AND (test_id <> 'POL-FMT-001' OR test_id IS NULL)"
	# A question is open, and nothing waits for its answer.
	wait_until 15 holds "decisions WHERE decision_type = 'test_blocked'"
	lk down
}
