# The clocks of a worker, and what becomes of a test whose worker doesn't end
# as it should.

load lib

# start_loop KEYS: runs loop-1 alone on one test, T-1, whose verify is $VERIFY
# (false) and whose worker stands on standard input.
start_loop() {
	one_loop "$1"
	jq -n --arg verify "${VERIFY:-false}" '[{id: "T-1", verify: $verify,
	    loop_id: "loop-1", max_attempts: 1}]' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	LOOP=$PID
}

# The outcome and detail of the last attempt that ended.
last_end() {
	sql "SELECT payload ->> 'outcome' || ': ' || ifnull(payload ->>
	    'detail', '') FROM events WHERE event_type = 'attempt_ended'
	    ORDER BY rowid DESC LIMIT 1"
}

@test "a worker over its time is ended, tree and all" {
	start_loop 'time_limit = "1s";' <<-'SH'
		#!/bin/sh
		trap '' TERM
		(setsid sleep 1000 &)
		while :; do echo working; sleep 0.1; done
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "timeout: worker: over its time of 1s; verify: exit 1" ]]
	[[ $(fleet_processes) == "$LOOP" ]]
}

@test "a silent worker is ended" {
	start_loop 'silence_limit = "1s";' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "silent: worker: silent for 1s; verify: exit 1" ]]
}

@test "work without output isn't silence: CPU time, and changed files" {
	start_loop 'silence_limit = "1s";' <<-'SH'
		#!/bin/bash
		end=$((SECONDS + 4))
		while ((SECONDS < end)); do :; done
		for i in {1..20}; do
			sleep 0.2
			echo "$i" > "file-$((i % 3))"
		done
	SH
	wait_until 30 test_is T-1 blocked
	[[ $(last_end) == "failed: verify: exit 1" ]]
}

@test "a worker that crashes, and one that was killed from outside" {
	start_loop "" <<-'SH'
		#!/bin/sh
		if [ -e killed ]; then kill -SEGV $$; fi
		echo $$ > pid
		sleep 1000
	SH
	wait_until 10 test -s "$FLEET/repository/pid"
	touch "$FLEET/repository/killed"
	kill -9 "$(cat "$FLEET/repository/pid")"
	wait_until 10 test_is T-1 blocked
	[[ $(last_end) == "crashed: worker: signal 11 (Segmentation fault);"* ]]
	# Being killed cost no attempt.
	[[ $(sql "SELECT attempts FROM tests") == 1 ]]
	[[ $(sql "SELECT group_concat(outcome) FROM (SELECT outcome
	    FROM attempts ORDER BY fence)") == interrupted,crashed ]]
}

@test "verify decides, however the worker ended" {
	VERIFY="test -e done" start_loop 'silence_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch done
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 passed
}

@test "a verify over its time is no pass, and leaves nothing" {
	VERIFY="sleep 1000" start_loop 'verify_limit = "300ms";' <<-'SH'
		#!/bin/sh
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: verify: over its time of 300ms" ]]
	[[ $(fleet_processes) == "$LOOP" ]]
}

@test "what a worker leaves behind is ended and named" {
	start_loop "" <<-'SH'
		#!/bin/sh
		env -i setsid sleep 12345 < /dev/null &
		sleep 0.2
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(sql "SELECT payload ->> 'leftovers' FROM events
	    WHERE event_type = 'attempt_ended'") == "sleep 12345 (pid "* ]]
	[[ $(fleet_processes) == "$LOOP" ]]
}

@test "a worker that can't be started doesn't use up the test" {
	start_loop 'slow_pause = "50ms";' <<-'SH'
		#!/no/such/interpreter
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(sql "SELECT attempts FROM tests") == 0 ]]
	[[ $(sql "SELECT count(*) FROM attempts") == 10 ]]
	[[ $(sql "SELECT reason FROM tests") == "interrupted 10 times; the \
last: not started: exec: No such file or directory" ]]
}

@test "setup comes before the first test; without it nothing is claimed" {
	VERIFY="test -e ready" start_loop 'setup = "touch ready";' <<-'SH'
		#!/bin/sh
	SH
	wait_until 10 test_is T-1 passed
	kill "$LOOP"
	wait_until 10 gone "$LOOP"
	lk reset T-1
	sed -i 's/touch ready/echo no luck; exit 3/' "$LOOPKEEPER_CONFIG"
	run loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1 3>&-
	[[ $status == 1 ]]
	[[ $output == *"setup: exit 3"* ]]
	grep -q "no luck" "$FLEET/state/loop-1/specs/logs/setup.log"
	test_is T-1 pending
}
