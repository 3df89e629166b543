# Every outcome that an attempt can have, and what follows from it: whether it
# uses up an attempt, what is kept, what the next claim does.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
	mkdir "$FLEET/bin" "$FLEET/stand-ins"
	for name in claude opencode; do
		ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/stand-ins/$name"
		cat > "$FLEET/bin/$name" <<-SH
			#!/bin/bash
			echo "\$LOOPKEEPER_TEST_ID \$*" >> "$FLEET/runs"
			$FLEET/meanwhile
			export LK_DAY=\$(cat "$FLEET/day")
			exec "$FLEET/stand-ins/$name" "\$@"
		SH
		chmod +x "$FLEET/bin/$name"
	done
	ln -s /bin/true "$FLEET/meanwhile"
	echo good > "$FLEET/day"
	cp -r "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	export PATH=$FLEET/bin:$PATH LK_WORK="done"
}

# preset NAME [KEYS [TOP]]: loop-1 has that worker; TOP stands above.
preset() {
	fleet_config <<-CONF
		loops = { worker = "$1"; pause = "0";
		  retry_delay = "0"; slow_pause = "0";
		  repository = "$FLEET/repository"; ${2:-} };
		${3:-}
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { }; }
		);
	CONF
}

# With locks, and with whatever the workers here make in its scope.
locking='{"files": ["src/a.c", "work", "half", "done*", "other", "broken",
    "tests/*"]}'

# came_to OUTCOME COUNTED STATUS: that is what T-1's first attempt came to: how
# much of the test it used up, what the test is now; and all that is the same
# for any outcome.
came_to() {
	local first="FROM attempts WHERE test_id = 'T-1' AND fence = 1" event
	wait_until 30 sql_is "$1" "SELECT outcome $first"
	wait_until 10 test_is T-1 "$3"
	used_up "$2"
	no_locks
	sql_is 1 "SELECT ended_at IS NOT NULL $first"
	in_repository rev-parse -q --verify "$(sql "SELECT snapshot_ref $first")"
	sql_is 1 "SELECT count(*) FROM usage WHERE attempt_id =
	    (SELECT id $first)"
	sql_is 1 "SELECT count(*) FROM events WHERE event_type = 'attempt_ended'
	    AND payload ->> 'outcome' = '$1' AND test_id = 'T-1'
	    AND payload ->> 'fence' = 1"
	event=test_failed
	[[ $1 != passed ]] || event=test_passed
	sql_is "$2" "SELECT count(*) FROM events WHERE event_type = '$event'
	    AND test_id = 'T-1' AND payload ->> 'outcome' = '$1'"
	sql_is 0 "SELECT count(*) FROM events WHERE test_id = 'T-1'
	    AND event_type IN ('test_failed', 'test_passed')
	    AND payload ->> 'outcome' <> '$1'"
}

# next_passes: the loop is as it was.
next_passes() {
	add_test N-1 "test -e next" '{"worker": "touch next"}'
	wait_until 30 test_is N-1 passed
}

# evidence: the file with what T-1's last attempt failed with.
evidence() {
	local transcript
	transcript=$(attempt transcript)
	echo "${transcript%.log}.failure"
}

detail_is() {
	[[ $(last_end) == "$1" ]] || fail "$(last_end)"
}

@test "passed" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	came_to passed 1 passed
	merged_exactly T-1
	sql_is "done|1" "SELECT state, result_commit <> base_commit FROM attempts"
	sql_is 1 "SELECT count(*) FROM events WHERE event_type = 'merged'
	    AND payload ->> 'commit' = '$(tip)'"
	next_passes
}

@test "failed, and the next attempt is told why" {
	one_loop <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_LAST_RESULT" > told
		cat "$LOOPKEEPER_SPEC_FILE" >> told
		test "$LOOPKEEPER_ATTEMPT" = 1 || touch work
	SH
	add_test T-1 "echo 'there is no work'; test -e work"
	run_alone
	wait_until 30 test_is T-1 passed
	used_up 2
	sql_is failed,passed "SELECT group_concat(outcome) FROM
	    (SELECT outcome FROM attempts ORDER BY fence)"
	[[ $(snapshot told) == "verify: exit 1"*"there is no work"* ]] ||
	    fail "$(snapshot told)"
}

@test "a NUL in what verify says hides nothing of it" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch half
	SH
	add_test T-1 "printf 'a\\0b\\n'; echo 'the error itself'; exit 1"
	run_alone
	wait_until 20 test_is T-1 blocked
	file_has "$(evidence)" "a b"
	file_has "$(evidence)" "the error itself"
}

@test "what an attempt leaves to read isn't written over by another database's" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		echo "said by $LOOPKEEPER_ATTEMPT_ID" | tee work
	SH
	add_test T-1 "cat work; false"
	run_alone
	wait_until 20 test_is T-1 blocked
	local id log
	id=$(attempt id)
	log=$(attempt transcript)
	stop_alone
	mkdir "$FLEET/old"
	mv "$FLEET"/state/coordination.db* "$FLEET/old"
	add_test T-1 "cat work; false"
	run_alone
	wait_until 20 test_is T-1 blocked
	file_has "$log" "said by $id"
	file_has "${log%.log}.failure" "said by $id"
	file_has "$(attempt transcript)" "said by $(attempt id)"
	file_has "$(evidence)" "said by $(attempt id)"
}

@test "before each attempt there is a checkpoint, which leads back there" {
	local before=() id
	one_loop 'max_attempts = 2;' <<-'SH'
		#!/bin/sh
		test "$LOOPKEEPER_ATTEMPT-$LOOPKEEPER_TEST_ID" = 1-T-2 ||
			touch "$LOOPKEEPER_TEST_ID"
	SH
	in_repository branch loopkeeper/main
	for id in T-1 T-2 T-3; do
		before+=("$(tip)")
		add_test "$id" "test -e $id"
		[[ $id != T-1 ]] || run_alone
		wait_until 20 test_is "$id" passed
	done
	sql_is "T-1 ${before[0]}, T-2 ${before[1]}, T-2 ${before[1]}, \
T-3 ${before[2]}" "SELECT group_concat(test_id || ' ' || git_ref, ', ')
	    FROM (SELECT * FROM checkpoints WHERE loop_id = 'loop-1'
	    AND checkpoint_type = 'attempt' ORDER BY rowid)"
	stop_alone
	id=$(sql "SELECT id FROM checkpoints WHERE test_id = 'T-2' LIMIT 1")
	lk rollback loop-1 --to "$id" --yes
	[[ $(in_repository ls-tree --name-only loopkeeper/main) == \
	    $'README\nT-1' ]]
	test_is T-1 passed
	test_is T-2 pending
	test_is T-3 pending
}

@test "failed for good" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		exit 3
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	came_to failed 1 blocked
	detail_is "failed: worker: exit 3; verify: exit 1"
	never_merged T-1
	next_passes
}

@test "verify has its whole time, however long git took" {
	in_repository config filter.slow.smudge 'sleep 4; cat'
	in_repository config filter.slow.clean cat
	echo 'work filter=slow' > "$FLEET/repository/.gitattributes"
	in_repository add .gitattributes
	in_repository commit -q -m "Filter"
	one_loop 'verify_limit = "3s"; max_attempts = 1;' <<-'SH'
		#!/bin/sh
		echo done > work
	SH
	add_test T-1 "sleep 0.5; grep done work"
	run_alone
	wait_until 60 ended 1
	detail_is "passed: "
}

@test "crashed" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch half
		kill -SEGV $$
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	came_to crashed 1 blocked
	kept half
	detail_is "crashed: worker: signal 11 (Segmentation fault); verify: exit 1"
	next_passes
}

# patient KEYS: no clock but those.
patient() {
	local limit none=
	for limit in startup silence input progress; do
		[[ $1 == *"${limit}_limit"* ]] || none+="${limit}_limit = \"0\"; "
	done
	one_loop "max_attempts = 1; $none $1"
}

@test "silent: no output at the start" {
	patient 'startup_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch half
		while :; do sleep 0.2; done
	SH
	add_test T-1 false "$locking"
	run_alone
	came_to silent 1 blocked
	kept half
	detail_is "silent: worker: no output within 1s; verify: exit 1"
	next_passes
}

@test "silent: no sign of life" {
	patient 'silence_limit = "1s";' <<-'SH'
		#!/bin/sh
		echo begun
		touch half
		sleep 1000
	SH
	add_test T-1 false "$locking"
	run_alone
	came_to silent 1 blocked
	kept half
	detail_is "silent: worker: silent for 1s; verify: exit 1"
	next_passes
}

@test "silent: much talk, but no file changes" {
	patient 'progress_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch half
		while :; do echo talk; sleep 0.1; done
	SH
	add_test T-1 false "$locking"
	run_alone
	came_to silent 1 blocked
	kept half
	detail_is "silent: worker: no file changed for 1s; verify: exit 1"
	next_passes
}

@test "timeout, and a warning before it, which goes" {
	patient 'time_warning = "1s"; time_limit = "4s";' <<-'SH'
		#!/bin/sh
		trap '' TERM
		touch half
		while :; do echo talk; sleep 0.1; done
	SH
	add_test T-1 false "$locking"
	run_alone
	wait_until 20 alert_stands attempt_slow 1
	came_to timeout 1 blocked
	kept half
	detail_is "timeout: worker: over its time of 4s; verify: exit 1"
	alerts_are 1 attempt_slow
	alert_stands attempt_slow 0
	next_passes
}

@test "silent: with a warning half way, which goes when it lives" {
	patient 'silence_limit = "10s";' <<-SH
		#!/bin/sh
		read x < "$FLEET/wait"
		echo "it lives"
		until test -e "$FLEET/go"; do echo talk; sleep 0.1; done
		exec sleep 1000
	SH
	mkfifo "$FLEET/wait"
	add_test T-1 false "$locking"
	run_alone
	wait_until 20 alert_stands attempt_silent 1
	sql_is "T-1: its worker has shown no sign of life for 5s; after 10s \
it is ended" "SELECT message FROM alerts WHERE alert_type = 'attempt_silent'"
	echo > "$FLEET/wait"
	wait_until 20 alert_stands attempt_silent 0
	touch "$FLEET/go"
	wait_until 20 alert_stands attempt_silent 1
	wait_until 20 test_is T-1 blocked
	detail_is "silent: no file was changed; worker: silent for 10s"
	alert_stands attempt_silent 0
}

@test "silent: the warning is for files that don't change, too" {
	patient 'progress_limit = "4s";' <<-'SH'
		#!/bin/sh
		while :; do echo talk; sleep 0.1; done
	SH
	add_test T-1 false "$locking"
	run_alone
	wait_until 20 alert_stands attempt_silent 1
	sql_is "T-1: its worker has changed no file for 2s; after 4s it is \
ended" "SELECT message FROM alerts WHERE alert_type = 'attempt_silent'"
	wait_until 20 test_is T-1 blocked
	alert_stands attempt_silent 0
}

@test "whatever ends it, what passes has passed" {
	patient 'time_limit = "1s";' <<-'SH'
		#!/bin/sh
		touch work
		sleep 1000
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	came_to passed 1 passed
	merged_exactly T-1
}

@test "waiting_for_input: a plain command" {
	patient 'input_limit = "1s";' <<-'SH'
		#!/bin/bash
		echo "Overwrite? [y/N]"
		touch half
		exec 3<> <(:)
		read -r -u 3
	SH
	add_test T-1 false "$locking"
	run_alone
	# Three in a row, of which none counts.
	came_to waiting_for_input 0 blocked
	ended 3
	sql_is "3 attempts in a row came to nothing; the last: waiting_for_input: \
worker: it waits for input: nothing for 1s; verify: exit 1" \
	    "SELECT reason FROM tests WHERE id = 'T-1'"
	kept half
	next_passes
}

@test "waiting_for_input: an agent that asks" {
	echo hang-on-question > "$FLEET/day"
	preset claude 'input_limit = "1s";'
	add_test T-1 false "$locking"
	run_alone
	came_to waiting_for_input 0 blocked
	ended 3
	# Nobody pays a session for going on to wait.
	run ! grep -e --resume "$FLEET/runs"
}

@test "budget: money" {
	echo hang-on-question > "$FLEET/day"
	preset opencode 'input_limit = "0"; silence_limit = "0";' \
	    'budget = { attempt_usd = 0.01; };'
	add_test T-1 false "$locking"
	run_alone
	came_to budget 0 blocked
	ended 3
	[[ $(last_end) == "budget: no file was changed; worker: out of budget"* ]]
	sql_is "0.012|3" "SELECT min(cost_usd), count(*) FROM usage"
}

@test "budget: money that is told at the end is for the program to keep" {
	echo budget > "$FLEET/day"
	preset claude 'input_limit = "0"; silence_limit = "0";' \
	    'budget = { attempt_usd = 0.01; };'
	add_test T-1 false "$locking"
	run_alone
	came_to budget 0 blocked
	ended 3
	[[ $(last_end) == "budget: no file was changed; worker: exit 1" ]] ||
	    fail "$(last_end)"
	# Those that go on with a session, too.
	[[ $(grep -c -e "--max-budget-usd=0.010000" "$FLEET/runs") == 3 ]]
	[[ $(grep -c -e --resume "$FLEET/runs") == 2 ]]
	sql_is 0 "SELECT count(*) FROM gates"
}

@test "budget: tokens, and a warning at 80 %" {
	echo hang-on-question > "$FLEET/day"
	preset claude 'input_limit = "0"; silence_limit = "0";' \
	    'budget = { attempt_tokens = 1000; };'
	add_test T-1 false "$locking"
	run_alone
	came_to budget 0 blocked
	ended 3
	sql_is "1115|1115" "SELECT tokens, (SELECT tokens_estimated FROM usage
	    LIMIT 1) FROM attempts LIMIT 1"
	# What a broken off one has in its session was paid for.
	[[ $(grep -c -e --resume "$FLEET/runs") == 2 ]]
	stop_alone
	sed -i 's/attempt_tokens = 1000/attempt_tokens = 1300/' \
	    "$LOOPKEEPER_CONFIG"
	add_test T-2 false
	run_alone
	wait_until 20 alert_stands attempt_budget 1
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = 'T-2'
	    AND ended_at IS NOT NULL"
	sql_is "T-2: over 80 % of its budget: 1115 of 1300 tokens are spent" \
	    "SELECT message FROM alerts
	    WHERE alert_type = 'attempt_budget'"
	sql_is 1 "SELECT count(*) FROM events WHERE event_type = 'alert_raised'
	    AND payload ->> 'type' = 'attempt_budget'"
	# It goes with the attempt.
	stop_alone
	alert_stands attempt_budget 0
}

@test "budget: of the day; nothing is claimed until it is raised" {
	preset claude '' 'budget = { loop_day_usd = 0.03; };'
	add_test T-1 "test -e done" "$locking"
	add_test T-2 "test -e done-2" '{"worker": "touch done-2"}'
	run_alone
	came_to passed 1 passed
	wait_until 20 sql_is 1 "SELECT count(*) FROM events
	    WHERE event_type = 'budget_exceeded'"
	test_is T-2 pending
	lk budget --raise 1 --loop loop-1
	wait_until 90 test_is T-2 passed
	sql_is 0 "SELECT count(*) FROM alerts WHERE alert_type LIKE 'budget%'
	    AND context ->> 'cleared_at' IS NULL"
}

# is_over_budget LIMIT: an attempt has been ended by that limit of the day, which
# leaves the test for later.
is_over_budget() {
	came_to budget 0 pending
	[[ $(last_end) == "budget: no file was changed; worker: out of budget"* ]] ||
	    fail "$(last_end)"
	wait_until 20 sql_is 1 "SELECT count(*) FROM events
	    WHERE event_type = 'budget_exceeded' AND payload ->> 'cause' LIKE '%$1%'"
	ended 1
}

@test "budget: of the loop's day, spent in the middle of an attempt" {
	echo hang-on-question > "$FLEET/day"
	preset opencode 'input_limit = "0"; silence_limit = "0";' \
	    'budget = { loop_day_usd = 0.01; };'
	add_test T-1 "test -e done" "$locking"
	run_alone
	is_over_budget loop-1
	# It isn't tried again before there is something to spend.
	echo good > "$FLEET/day"
	lk budget --raise 1 --loop loop-1
	wait_until 90 test_is T-1 passed
	sql_is budget,passed "SELECT group_concat(outcome) FROM
	    (SELECT outcome FROM attempts ORDER BY fence)"
}

@test "budget: of the day, spent by all loops together" {
	echo hang-on-question > "$FLEET/day"
	preset opencode 'input_limit = "0"; silence_limit = "0";' \
	    'budget = { day_usd = 0.02; };'
	add_test T-1 "test -e done" "$locking"
	run_alone loop-1
	wait_until 20 sql_is 0.012 "SELECT cost_usd FROM attempts"
	jq -n '{id: "U-1", loop_id: "loop-2", verify: "test -e done"}' |
	    add_tests
	run_alone loop-2
	is_over_budget day
	wait_until 20 ended 1 U-1
	sql_is budget "SELECT outcome FROM attempts WHERE test_id = 'U-1'"
	test_is U-1 pending
}

@test "rate_limited: one gate for all, and one who tries it" {
	local other
	echo limit > "$FLEET/day"
	preset claude 'recheck = 0;'
	sed -i 's/exec/LK_WORK="done-$LOOPKEEPER_TEST_ID" exec/' \
	    "$FLEET/bin/claude"
	add_test T-1 "test -e done-T-1" "$locking"
	LK_RESET=$(($(date +%s) + 8 * LK_PATIENCE)) lk up -d
	came_to rate_limited 0 pending
	alert_stands rate_limited 1
	sql_is "claude|rate_limited|1" "SELECT provider, reason, failures
	    FROM gates"
	{ lk status --json || true; } |
	    jq -e '.gates[0].text | test("^rate-limited \\(claude, until ")'
	# The other one doesn't begin.
	jq -n '[{id: "U-1", loop_id: "loop-2",
	    verify: "test -e done-U-1"}]' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
	wait_until 20 says loop-2 "rate-limited (claude, "
	# When its time has come, the day being good, one of them tries.
	echo good > "$FLEET/day"
	cat > "$FLEET/wait" <<-SH
		#!/bin/sh
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	chmod +x "$FLEET/wait"
	ln -sf "$FLEET/wait" "$FLEET/meanwhile"
	: > "$FLEET/runs"
	wait_until 30 test -s "$FLEET/runs"
	other=loop-1
	[[ $(sql "SELECT probe_by FROM gates") == loop-2 ]] || other=loop-2
	wait_until 30 says "$other" "tries it"
	[[ $(wc -l < "$FLEET/runs") == 1 ]]
	touch "$FLEET/go"
	wait_until 90 all_passed
	sql_is 0 "SELECT count(*) FROM gates"
	alerts_are 1 rate_limited
	alert_stands rate_limited 0
	used_up 1
	[[ $(count_events "event_type = 'rate_limited'") == 1 ]]
}

says() {
	lk status "$1" | grep -qF "$2" || fail "$(lk status "$1")"
}

@test "rate_limited: in vain it is closed for longer, and nothing is used up" {
	echo limit > "$FLEET/day"
	preset claude
	add_test T-1 "test -e done" "$locking"
	export LK_RESET=$(($(date +%s) + 3))
	run_alone
	wait_until 30 sql_is rate_limited \
	    "SELECT outcome FROM attempts WHERE fence = 1"
	# It tries again by itself, and is refused again.
	wait_until 60 sql_is 2 "SELECT failures FROM gates"
	sql_is 1 "SELECT count(*) FROM gates
	    WHERE julianday(open_at) > julianday('now', '+50 seconds')"
	wait_until 10 ended 2
	used_up 0
	alerts_are 1 rate_limited
	# A session that was broken off from outside goes on.
	grep -q -e "^T-1 .*--resume 0199a213-" "$FLEET/runs"
	echo good > "$FLEET/day"
	lk gates --open claude
	wait_until 90 test_is T-1 passed
}

@test "rate_limited: who has trouble of his own leaves the trial to others" {
	echo limit > "$FLEET/day"
	fleet_config <<-CONF
		loops = { worker = "claude"; pause = "0"; retry_delay = "0";
		  repository = "$FLEET/repository"; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    loop = { setup = "test ! -e $FLEET/trouble";
		      setup_when_changed = [ "x" ]; }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    loop = { }; } );
	CONF
	add_test T-1 "test -e done"
	run_alone
	wait_until 20 ended 1
	stop_alone
	touch "$FLEET/trouble"
	rm -r "$FLEET/state/loop-1/worktree" "$FLEET/repository/.git/worktrees"
	echo good > "$FLEET/day"
	sql "UPDATE gates SET open_at = '2001-01-01T00:00:00Z'"
	run_alone loop-1
	wait_until 20 alert_stands setup 1
	sql_is "0" "SELECT count(*) FROM gates WHERE probe_by = 'loop-1'"
	sql "INSERT INTO tests (id, loop_id, status, verify)
	    VALUES ('U-1', 'loop-2', 'pending', 'test -e done')"
	run_alone loop-2
	wait_until 60 test_is U-1 passed
	sql_is 0 "SELECT count(*) FROM gates"
}

@test "rate_limited: whatever ends the worker that has told it" {
	local limit limits n=0
	echo hang-after-limit > "$FLEET/day"
	preset claude
	add_test T-1 "test -e done" "$locking"
	for limit in input progress time; do
		limits='silence = "1h"; input = "1h"; progress = "1h"; time = "1h";'
		limits=${limits/"$limit = \"1h\""/"$limit = \"1s\""}
		preset claude "${limits// =/_limit =}"
		run_alone
		wait_until 20 ended $((++n))
		[[ $(last_end) == "rate_limited: no file was changed; worker: "* ]] ||
		    fail "$(last_end)"
		stop_alone
		lk gates --open claude
	done
	used_up 0
	sql_is 1 "SELECT count(DISTINCT outcome) FROM attempts"
}

# told_in_vain DAY: while claude tells of that the mode is file-based.
told_in_vain() {
	preset claude
	echo "$1" > "$FLEET/day"
	rm "$FLEET/meanwhile"
	cat > "$FLEET/meanwhile" <<-SH
		#!/bin/sh
		touch "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	chmod +x "$FLEET/meanwhile"
	add_test T-1 "test -e work"
	echo normal > "$FLEET/mode"
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	run_alone
	wait_until 20 exists "$FLEET/started"
	echo "file-based recorder" > "$FLEET/mode"
	wait_until 10 file_has \
	    "$FLEET/state/loop-1/specs/health.json" file-based
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
}

# gate_is_closed OUTCOME REASON: and nobody is paid for to learn it anew.
gate_is_closed() {
	came_to "$1" 0 pending
	sql_is "claude|$2|1" "SELECT provider, reason, failures FROM gates"
	[[ $(wc -l < "$FLEET/runs") == 1 ]]
}

@test "rate_limited: the gate is closed, too, when the database is back" {
	told_in_vain limit
	echo normal > "$FLEET/mode"
	gate_is_closed rate_limited rate_limited
}

@test "rate_limited: and when the loop that was told has ended before" {
	told_in_vain auth
	stop_alone
	echo normal > "$FLEET/mode"
	run_alone
	gate_is_closed auth auth
	# What to run was kept, too.
	sql_is 1 "SELECT count(*) FROM alerts WHERE message LIKE
	    '%run ''claude /login'', then loopkeeper gates --open claude'"
}

@test "rate_limited: and of an outage" {
	told_in_vain outage
	stop_alone
	echo normal > "$FLEET/mode"
	run_alone
	gate_is_closed rate_limited unavailable
}

@test "rate_limited: a test's own worker tries nobody, a mute preset's does" {
	cat > "$FLEET/workers/mute.conf" <<-CONF
		argv = [ "/bin/sh", "-c", "touch done" ];
		prompt = "stdin";
		format = "text";
		provider = "mute";
		rules = ( { pattern = "^limit"; outcome = "rate_limited"; } );
	CONF
	preset mute
	cat > "$FLEET/own" <<-SH
		#!/bin/sh
		touch own "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	chmod +x "$FLEET/own"
	add_test T-1 "test -e own" "$(jq -n --arg own "$FLEET/own" \
	    '{worker: $own}')"
	sql "INSERT INTO gates (provider, reason, open_at)
	    VALUES ('mute', 'rate_limited', '2001-01-01T00:00:00Z')"
	run_alone
	wait_until 20 exists "$FLEET/started"
	sql_is 1 "SELECT count(*) FROM gates WHERE probe_by IS NULL"
	touch "$FLEET/go"
	wait_until 20 test_is T-1 passed
	sql_is 1 "SELECT count(*) FROM gates WHERE probe_by IS NULL"
	# All that this program tells is its end.
	add_test T-2 "test -e done"
	wait_until 20 test_is T-2 passed
	sql_is 0 "SELECT count(*) FROM gates"
}

@test "auth" {
	echo auth > "$FLEET/day"
	preset claude
	add_test T-1 "test -e done" "$locking"
	run_alone
	came_to auth 0 pending
	sql_is "critical" "SELECT severity FROM alerts WHERE alert_type = 'auth'"
	sql_is 1 "SELECT count(*) FROM alerts WHERE message LIKE
	    '%run ''claude /login'', then loopkeeper gates --open claude'"
	sql_is auth "SELECT reason FROM gates"
	echo good > "$FLEET/day"
	lk gates --open claude
	wait_until 90 test_is T-1 passed
	alert_stands auth 0
	used_up 1
}

@test "lost_lease" {
	one_loop <<-SH
		#!/bin/sh
		echo "\$LOOPKEEPER_ATTEMPT_ID" > half
		touch "$FLEET/started"
		test -e "$FLEET/again" || sleep 1000
		touch work
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	wait_until 20 exists "$FLEET/started"
	touch "$FLEET/again"
	# Somebody who knows only this table.
	sql "UPDATE tests SET status = 'skipped' WHERE id = 'T-1'"
	came_to lost_lease 0 skipped
	[[ $(attempt state) == parked ]]
	[[ $(snapshot half) == $(attempt id) ]]
	sql "UPDATE tests SET status = 'pending' WHERE id = 'T-1'"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	used_up 1
}

@test "interrupted: killed from outside, and going on where it was" {
	echo hang-on-question > "$FLEET/day"
	preset claude 'input_limit = "0"; silence_limit = "0";'
	add_test T-1 "test -e done" "$locking"
	run_alone
	wait_until 20 sql_is 1 "SELECT count(*) FROM attempts
	    WHERE session_id IS NOT NULL"
	echo good > "$FLEET/day"
	kill -9 "$(sql "SELECT pid FROM attempts")"
	wait_until 20 test_is T-1 passed
	sql_is interrupted,passed "SELECT group_concat(outcome) FROM
	    (SELECT outcome FROM attempts ORDER BY fence)"
	used_up 1
	[[ $(cut -d' ' -f1-2 "$FLEET/runs") == $'T-1 -p\nT-1 -p' ]]
	grep -q -e --resume "$FLEET/runs"
	[[ $(head -n 1 "$FLEET/runs") != *--resume* ]]
}

@test "interrupted: verify is killed from outside, and done again" {
	one_loop 'max_attempts = 1; slow_pause = "100ms";' <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		touch work
	SH
	printf '%s\n' KILL TERM INT HUP > "$FLEET/signals"
	add_test T-1 "test -e work || exit 1
	    signal=\$(head -n 1 '$FLEET/signals'); sed -i 1d '$FLEET/signals'
	    test -z \"\$signal\" || kill -\$signal \$\$" "$locking"
	run_alone
	wait_until 30 merged_exactly T-1
	used_up 1
	no_locks
	sql_is 4 "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"
	[[ $(wc -l < "$FLEET/worked") == 1 ]]
}

@test "interrupted: so it is on the base" {
	one_loop 'max_attempts = 1; slow_pause = "100ms";' <<-SH
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e '$FLEET/killed' ||
	    { touch '$FLEET/killed'; kill -9 \$\$; }; test -e work"
	run_alone
	wait_until 20 test_is T-1 passed
	used_up 1
	sql_is "interrupted" "SELECT outcome FROM attempts WHERE fence = 1"
}

@test "a test that passed before, and is killed once, blames nobody" {
	after_p "test -e '$FLEET/killed' || ! test -e work ||
	    { touch '$FLEET/killed'; kill -9 \$\$; }" <<-SH
		#!/bin/sh
		touch work
	SH
	came_to passed 1 passed
	exists "$FLEET/killed"
	sql_is 2 "SELECT count(*) FROM attempts"
}

@test "nor does one that is killed each time hold anybody up" {
	after_p "test ! -e '$FLEET/kill' || kill -9 \$\$" <<-SH
		#!/bin/sh
		touch "$FLEET/kill" work
	SH
	came_to passed 1 passed
	sql_is 2 "SELECT count(*) FROM attempts"
}

@test "interrupted: told to stop" {
	one_loop <<-SH
		#!/bin/sh
		touch half "$FLEET/started"
		sleep 1000
	SH
	add_test T-1 "test -e work" "$locking"
	run_alone
	wait_until 20 exists "$FLEET/started"
	stop_alone
	came_to interrupted 0 pending
	[[ $(attempt state) == parked ]]
	kept half
}

@test "done, but it doesn't go" {
	echo hang-after-result > "$FLEET/day"
	echo 'grace = "500ms";' >> "$FLEET/workers/claude.conf"
	preset claude 'input_limit = "0"; silence_limit = "0";'
	add_test T-1 "test -e done" "$locking"
	run_alone
	came_to passed 1 passed
	merged_exactly T-1
	file_has "$(attempt transcript)" "worker: done, but it didn't go"
}

@test "exit 0 is no success" {
	echo failed-exit-0 > "$FLEET/day"
	preset claude 'max_attempts = 1;'
	add_test T-1 "test -e done" "$locking"
	run_alone
	came_to failed 1 blocked
	detail_is "failed: no file was changed; worker: exit 0: It went wrong."
	# A session that failed isn't gone on with.
	lk reset T-1
	echo good > "$FLEET/day"
	wait_until 20 test_is T-1 passed
	run ! grep -e --resume "$FLEET/runs"
}

# A project with tests of its own.
tested_project() {
	commit tests/check.sh special
	echo 'test -e work' > "$FLEET/repository/tests/check.sh"
	in_repository commit -q -a -m "Check"
	one_loop 'max_attempts = 1;'
}

check="sh tests/check.sh"

@test "gamed: it changed a test" {
	tested_project <<-'SH'
		#!/bin/sh
		echo 'exit 0' > tests/check.sh
		touch half
	SH
	add_test T-1 "$check" "$locking"
	run_alone
	came_to gamed 1 blocked
	detail_is "gamed: it changed tests/check.sh, a file of tests"
	never_merged T-1
	kept half
	local diff
	diff=$(attempt transcript)
	diff=${diff%.log}.gamed.diff
	grep -qx -e '-test -e work' "$diff"
	grep -qx -e '+exit 0' "$diff"
	# What the next one is told.
	grep -q "it changed tests/check.sh" "${diff%.gamed.diff}.failure"
	next_passes
}

@test "gamed: it deleted a test, in a commit of its own" {
	tested_project <<-'SH'
		#!/bin/sh
		git rm -q -r tests
		git -c user.name=w -c user.email=w@w commit -q -m "Tidy up"
		touch work
	SH
	add_test T-1 "sh tests/check.sh || test -e work" "$locking"
	run_alone
	came_to gamed 1 blocked
	detail_is "gamed: it deleted tests/check.sh, a file of tests"
	never_merged T-1
}

@test "gamed: a file that only this test names" {
	tested_project <<-'SH'
		#!/bin/sh
		echo changed > special
		touch work
	SH
	add_test T-1 "$check" \
	    '{"files": ["work", "special"], "test_files": ["special"]}'
	run_alone
	came_to gamed 1 blocked
	detail_is "gamed: it changed special, a file of tests"
	add_test T-2 "$check"
	wait_until 20 test_is T-2 passed
}

@test "gamed: what the loop says is a file of tests, and only that" {
	tested_project <<-'SH'
		#!/bin/sh
		echo 'test -e other' > tests/check.sh
		touch other
		test "$LOOPKEEPER_TEST_ID" != T-1 || echo changed > special
	SH
	sed -i 's/max_attempts = 1;/& test_files = [ "spec*" ];/' \
	    "$LOOPKEEPER_CONFIG"
	add_test T-1 "$check" "$locking"
	run_alone
	came_to gamed 1 blocked
	detail_is "gamed: it changed special, a file of tests"
	never_merged T-1
	add_test T-2 "$check"
	wait_until 20 test_is T-2 passed
	[[ $(in_repository show loopkeeper/main:tests/check.sh) == \
	    'test -e other' ]]
}

@test "gamed: what a file of tests is where nobody says" {
	local path paths=(a.test.js src/a.test.ts a_test.go src/a_test.py
	    test_a.py src/test_b.py src/a.spec.ts tests/a/b test/c.rb spec/d.rb
	    src/__tests__/e.js __tests__/f.js src/__snapshots__/g h.snap)
	local others=(src/attest.c src/contest.c latest/x testing/x src/a.c)
	commit "${paths[@]}" "${others[@]}"
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		echo changed > "$(cat "$LOOPKEEPER_SPEC_FILE")"
	SH
	for path in "${paths[@]}" "${others[@]}"; do
		jq -n --arg id "T-${path//\//-}" --arg path "$path" \
		    '{id: $id, loop_id: "loop-1", spec_content: $path,
		    verify: "grep -qx changed \"\($path)\""}'
	done | add_tests
	run_alone
	wait_until 60 sql_is 0 "SELECT count(*) FROM tests
	    WHERE status IN ('pending', 'in_progress')"
	for path in "${paths[@]}"; do
		[[ $(last_end "T-${path//\//-}") == \
		    "gamed: it changed $path, a file of tests" ]] ||
		    fail "$path: $(last_end "T-${path//\//-}")"
	done
	for path in "${others[@]}"; do
		test_is "T-${path//\//-}" passed
	done
}

@test "a test that was added is left out" {
	tested_project <<-'SH'
		#!/bin/sh
		touch work tests/added.sh src_test.c
	SH
	add_test T-1 "$check && test ! -e tests/added.sh && test ! -e src_test.c" \
	    "$locking"
	run_alone
	came_to passed 1 passed
	[[ $(in_repository ls-tree -r --name-only loopkeeper/main) == \
	    $'README\nspecial\ntests/check.sh\nwork' ]]
	kept tests/added.sh src_test.c
	file_has "$(attempt transcript)" \
	    "left out, as it would be a file of tests: tests/added.sh"
}

@test "nor does one that is all that was added make a test pass" {
	tested_project <<-'SH'
		#!/bin/sh
		touch tests/work
	SH
	add_test T-1 "test -e tests/work" "$locking"
	run_alone
	came_to failed 1 blocked
	never_merged T-1
}

@test "a test that may be changed is merged with the rest" {
	tested_project <<-'SH'
		#!/bin/sh
		echo 'test -e other' > tests/check.sh
		touch other tests/added.sh
	SH
	add_test T-1 "$check && test -e tests/added.sh" "$locking"
	sql "UPDATE tests SET allow_test_changes = 1"
	run_alone
	came_to passed 1 passed
	[[ $(in_repository show loopkeeper/main:tests/check.sh) == \
	    'test -e other' ]]
}

# P-1 has passed; its verify is $1 beside that. T-1's worker stands on standard
# input.
after_p() {
	one_loop 'max_attempts = 1;'
	add_test P-1 "test -e P-1 && { $1; }" '{"worker": "touch P-1"}'
	run_alone
	wait_until 20 test_is P-1 passed
	add_test T-1 "test -e work" "$locking"
}

@test "failed: it breaks another test, whose file it deletes" {
	one_loop 'max_attempts = 1; recheck = 1; slow_pause = "100ms";' <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
		case $LOOPKEEPER_TEST_ID in T-*) rm shared ;; *) touch shared ;; esac
	SH
	add_test P-0 "test -e work-P-0"
	run_alone
	wait_until 20 test_is P-0 passed
	add_test P-1 "test -e shared" '{"files": ["shared", "work-P-1"]}'
	wait_until 20 test_is P-1 passed
	# Also what an earlier attempt had made is told by its files, and isn't
	# tried for ever.
	add_test T-1 "test -e work-T-1 || exit 1; test -e '$FLEET/killed' ||
	    { touch '$FLEET/killed'; kill -9 \$\$; }"
	wait_until 30 test_is T-1 blocked
	never_merged T-1
	detail_is "failed: it breaks P-1, which passed without it: verify: exit 1"
	sql_is 2 "SELECT count(*) FROM attempts WHERE test_id = 'T-1'"
}

@test "failed: it breaks another test, and has no verify of its own" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch "$LOOPKEEPER_TEST_ID"
	SH
	add_test P-1 "test -e P-1 && test ! -e T-1"
	run_alone
	wait_until 20 test_is P-1 passed
	add_test T-1 ""
	came_to failed 1 blocked
	never_merged T-1
}

@test "failed: it breaks another test" {
	after_p "echo looking; test ! -e broken" <<-'SH'
		#!/bin/sh
		touch work broken
	SH
	came_to failed 1 blocked
	detail_is "failed: it breaks P-1, which passed without it: verify: exit 1"
	never_merged T-1
	test_is P-1 passed
	local transcript
	transcript=$(attempt transcript)
	file_has "${transcript%.log}.failure" "it breaks P-1"
	file_has "${transcript%.log}.failure" looking
	# Once, then twice without it and twice with it.
	[[ $(grep -c '^looking' "$transcript") == 5 ]]
}

@test "a test that fails without it, too, is none of its business" {
	after_p "test ! -e '$FLEET/outage'" <<-SH
		#!/bin/sh
		touch work "$FLEET/outage"
	SH
	came_to passed 1 passed
	merged_exactly T-1
	file_has "$(attempt transcript)" "P-1 fails without it, too"
}

@test "one that fails by chance isn't either" {
	after_p "test -e '$FLEET/tried' || ! test -e work ||
	    { touch '$FLEET/tried'; false; }" <<-'SH'
		#!/bin/sh
		touch work
	SH
	came_to passed 1 passed
	merged_exactly T-1
	file_has "$(attempt transcript)" "P-1 fails by chance"
}

@test "nor is one that fails every second time" {
	after_p "n=\$(cat '$FLEET/n' || echo 0); echo \$((n + 1)) > '$FLEET/n'
	    exit \$((n % 2))" <<-'SH'
		#!/bin/sh
		touch work
	SH
	came_to passed 1 passed
	merged_exactly T-1
	# With it, without it, and without it once more.
	[[ $(< "$FLEET/n") == 4 ]]
}

@test "a loop that rechecks nothing merges it" {
	after_p "test ! -e broken" <<-'SH'
		#!/bin/sh
		touch work broken
	SH
	test_is T-1 pending || came_to failed 1 blocked
	stop_alone
	lk reset T-1
	sed -i 's/max_attempts = 1;/& recheck = 0;/' "$LOOPKEEPER_CONFIG"
	run_alone
	wait_until 20 test_is T-1 passed
}
