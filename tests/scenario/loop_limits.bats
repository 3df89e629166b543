# The clocks of a worker, and what becomes of a test whose worker doesn't end
# as it should.

load lib

prepare() {
	need git
}

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
		touch tried
		while :; do echo working; sleep 0.1; done
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "timeout: worker: over its time of 1s; verify: exit 1" ]]
	[[ $(fleet_processes) == "$LOOP" ]]
}

@test "a worker is asked to end before it is killed, and each step is noted" {
	local log
	start_loop 'time_limit = "1s";' <<-'SH'
		#!/bin/bash
		trap 'echo "asked, it goes on"' TERM
		while :; do sleep 0.1; done
	SH
	wait_until 20 test_is T-1 blocked
	log=$(sql "SELECT transcript FROM attempts")
	grep -A 9 ' over its time of 1s: asked to end (TERM)$' "$log" |
	    grep -A 9 '^asked, it goes on$' |
	    grep ' still there after [5-9]s: killed (KILL)$'
	grep -q 'T-1: over its time of 1s: asked to end (TERM)$' \
	    "$FLEET/loop-1.log"
	grep -q 'T-1: still there after [5-9]s: killed (KILL)$' "$FLEET/loop-1.log"
}

@test "a worker that was stopped is woken to be asked" {
	start_loop 'time_limit = "2s";' <<-'SH'
		#!/bin/bash
		trap 'echo "woken, it ends"; exit' TERM
		kill -STOP $$
		while :; do sleep 0.1; done
	SH
	wait_until 20 test_is T-1 blocked
	grep -q '^woken, it ends$' "$(sql "SELECT transcript FROM attempts")"
}

@test "a silent worker is ended" {
	start_loop 'silence_limit = "1s";' <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 blocked
	# Verify was asked before: it need not be asked again of the same files.
	[[ $(last_end) == \
	    "silent: no file was changed; worker: silent for 1s" ]]
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

# With less than a hundredth of the time, and more than who only waits.
@test "who works a little all the time doesn't wait for an answer" {
	need python3
	VERIFY="test -e done" start_loop 'input_limit = "4s";' <<-'SH'
		#!/usr/bin/env python3
		import time
		end = time.monotonic() + 9
		while time.monotonic() < end:
		    time.sleep(0.02)
		    sum(range(600))
		open("done", "w").close()
	SH
	wait_until 30 test_is T-1 passed
}

# A plain command may write only at its end, if at all.
@test "a plain command that begins with nothing at all is ended" {
	use_points
	LOOPKEEPER_LIFE_MS=1000 start_loop "" <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "silent: no file was changed; worker: no sign of\
 life within 1s" ]]
}

@test "not one that wrote, worked, has a child, or changed a file" {
	local begin begins=("echo begun" "touch file" "sleep 1000 & wait"
	    "while ((SECONDS < 2)); do :; done; sleep 0.1")
	use_points
	export LOOPKEEPER_LIFE_MS=1000
	for begin in "${begins[@]}"; do
		start_loop 'time_limit = "3s";' <<-SH
			#!/bin/bash
			$begin
			exec sleep 1000
		SH
		wait_until 20 test_is T-1 blocked
		[[ $(last_end) == timeout:* ]] || fail "$begin: $(last_end)"
		kill "$LOOP"
		wait_until 20 gone "$LOOP"
		sql "DELETE FROM tests"
	done
}

@test "a limit that is set asks a plain command for output" {
	start_loop 'startup_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch file
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "silent: worker: no output within 1s; verify: exit 1" ]]
}

@test "a worker that crashes, and one that was killed from outside" {
	local signal
	start_loop "" <<-'SH'
		#!/bin/sh
		touch tried
		if [ -e "$FLEET/killed" ]; then kill -SEGV $$; fi
		echo $$ > "$FLEET/pid"
		exec sleep 1000
	SH
	for signal in TERM INT HUP KILL; do
		wait_until 10 test -s "$FLEET/pid"
		[[ $signal != KILL ]] || touch "$FLEET/killed"
		kill -"$signal" "$(mv "$FLEET/pid" "$FLEET/its"; cat "$FLEET/its")"
	done
	wait_until 10 test_is T-1 blocked
	[[ $(last_end) == "crashed: worker: signal 11 (Segmentation fault);"* ]]
	# Being killed cost no attempt.
	[[ $(sql "SELECT attempts FROM tests") == 1 ]]
	[[ $(sql "SELECT outcome, count(*) FROM attempts GROUP BY 1") == \
	    $'crashed|1\ninterrupted|4' ]]
}

worker_is_known() {
	[[ $(sql "SELECT state FROM attempts WHERE pid > 0") == running ]]
}

# Whoever signals a pid of that row knows by this that it is still the same.
@test "a worker's row says which process it is, and since when" {
	local pid
	start_loop "" <<-'SH'
		#!/bin/sh
		exec sleep 1000
	SH
	wait_until 10 test_is T-1 in_progress
	wait_until 10 worker_is_known
	pid=$(sql "SELECT pid FROM attempts")
	[[ $(sql "SELECT pid_start FROM attempts") == \
	    $(cut -d ' ' -f 22 "/proc/$pid/stat") ]]
	[[ $(sql "SELECT boot_id FROM attempts") == \
	    $(< /proc/sys/kernel/random/boot_id) ]]
}

@test "a worker dies at once with its loop, though nobody sweeps" {
	start_loop "" <<-'SH'
		#!/bin/sh
		echo $$ > "$FLEET/pid"
		exec sleep 1000
	SH
	wait_until 10 test -s "$FLEET/pid"
	kill -9 "$LOOP"
	wait_until 5 gone "$(< "$FLEET/pid")"
}

@test "verify decides, however the worker ended" {
	VERIFY="test -e done" start_loop 'silence_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch done
		exec sleep 1000
	SH
	wait_until 20 test_is T-1 passed
	[[ $(merged) == T-1 ]]
}

@test "a verify over its time is no pass, and leaves nothing" {
	VERIFY="sleep 1000" start_loop 'verify_limit = "300ms";' <<-'SH'
		#!/bin/sh
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: verify: over its time of 300ms" ]]
	[[ $(fleet_processes) == "$LOOP" ]]
}

# Signs of life they are, all of them.
@test "what writes without end is ended, worker, verify and setup" {
	printf '#!/bin/sh\ntrap "" TERM\nwhile :; do head -c 300000 /dev/zero
	    sleep 0.1; done\n' > "$FLEET/flood"
	chmod +x "$FLEET/flood"
	start_loop 'max_output = "1M";' <<-SH
		#!/bin/sh
		exec "$FLEET/flood"
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: no file was changed; worker: over its output\
 of 1M" ]]
	kill "$LOOP"
	wait_until 20 gone "$LOOP"
	sql "DELETE FROM tests"
	VERIFY=$FLEET/flood start_loop 'max_output = "1M";' <<-'SH'
		#!/bin/sh
		touch work
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: verify: over its output of 1M" ]]
	kill "$LOOP"
	wait_until 20 gone "$LOOP"
	sql "DELETE FROM tests"
	start_loop "max_output = \"1M\"; setup = \"$FLEET/flood\";" < /dev/null
	wait_until 20 grep -q "setup: over its output of 1M" "$FLEET/loop-1.log"
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

@test "so is what somebody else has started for it" {
	mkfifo "$FLEET/orders"
	background elsewhere.log bash -c 'read -r id < "$FLEET/orders"
	    LOOPKEEPER_ATTEMPT_ID=$id sleep 54321 &
	    echo $! > "$FLEET/pid"
	    wait'
	start_loop "" <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_ATTEMPT_ID" > "$FLEET/orders"
		until test -s "$FLEET/pid"; do sleep 0.05; done
		setsid sleep 12345 < /dev/null &
		sleep 0.2
	SH
	wait_until 20 test_is T-1 blocked
	[[ $(sql "SELECT payload ->> 'leftovers' FROM events
	    WHERE event_type = 'attempt_ended'") == "sleep 12345 (pid "*"), \
sleep 54321 (pid $(< "$FLEET/pid"))" ]]
	gone "$(< "$FLEET/pid")"
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

# alerts_are NUMBER [WHERE]: so many alerts of a setup.
alerts_are() {
	local number
	number=$(sql "SELECT count(*) FROM alerts WHERE alert_type = 'setup'
	    AND context ->> 'cause' = 'setup:loop-1' AND ${2:-true}")
	[[ $number == "$1" ]] || fail "$number alerts"
}

# A repository whose dependencies aren't in it.
repository_with_dependencies() {
	repository "$FLEET/repository"
	echo /deps/ > "$FLEET/repository/.gitignore"
	git -C "$FLEET/repository" add -A
	git -C "$FLEET/repository" commit -q -m "Need something"
}

@test "setup brings what git ignores to where work is done and judged" {
	repository_with_dependencies
	VERIFY="test -s deps/made && test -e done" start_loop \
	    'setup = "mkdir deps && pwd | tee deps/made >> $FLEET/made";' <<-'SH'
		#!/bin/sh
		test -s deps/made && touch done
	SH
	wait_until 10 test_is T-1 passed
	lk add T-2 --loop loop-1 --verify "test -s deps/made && test -e more"
	lk add T-3 --loop loop-1 --verify "test -s deps/made && test -e done"
	wait_until 10 test_is T-3 passed
	# Once in each, and it stays there.
	printf '%s\n' "$WORK" "${WORK%/*}/verify" | diff - "$FLEET/made"
	[[ $(git -C "$FLEET/repository" ls-tree -r --name-only \
	    loopkeeper/main) == $'.gitignore\nREADME\ndone' ]]
}

@test "a setup that fails claims nothing, is told once and tried again" {
	VERIFY="test -e done" start_loop "setup = \"echo no luck; \
	    echo once >> $FLEET/tried; test -e $FLEET/fixed\";" <<-'SH'
		#!/bin/sh
		touch done
	SH
	wait_until 10 alerts_are 1 "NOT acknowledged"
	wait_until 10 grep -qz "once.once" "$FLEET/tried"
	alerts_are 1
	grep -q "nothing is claimed: setup: exit 1: see .*/setup.log" \
	    "$FLEET/loop-1.log"
	grep -q "no luck" "$FLEET/state/loop-1/specs/logs/setup.log"
	test_is T-1 pending
	[[ $(sql "SELECT count(*) FROM attempts") == 0 ]]
	touch "$FLEET/fixed"
	wait_until 20 test_is T-1 passed
	[[ $(sql "SELECT attempts FROM tests") == 1 ]]
	alerts_are 1 "acknowledged AND context ->> 'cleared_at' IS NOT NULL"
	alerts_are 1
}
