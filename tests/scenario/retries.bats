# A test that has failed is tried again after a while, and others meanwhile.

load attempts

# fails [KEYS]: a loop whose worker fails until $FLEET/good is there, and notes
# each run.
fails() {
	one_loop "${1:-}" <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_TEST_ID" >> "$FLEET/runs"
		test ! -e "$FLEET/good" || touch "$LOOPKEEPER_TEST_ID"
	SH
}

runs_are() {
	local runs
	runs=$(tr '\n' ' ' < "$FLEET/runs")
	[[ $runs == "$1 " ]] || fail "$runs"
}

each_ran_twice() {
	[[ $(sort "$FLEET/runs" | uniq -c | tr -s ' \n' ' ') == \
	    ' 2 T-1 2 T-2 2 T-3 ' ]] || fail "$(< "$FLEET/runs")"
}

# Between T-1's first two attempts.
rested_ms() {
	sql "SELECT CAST((julianday(b.started_at) - julianday(a.ended_at))
	    * 86400000 AS INTEGER) FROM attempts a JOIN attempts b
	    USING (test_id) WHERE test_id = 'T-1' AND a.fence = 1
	    AND b.fence = 2"
}

says() {
	[[ $(status_field "$1" status_text) =~ $2 ]] ||
	    fail "$(status_field "$1" status_text)"
}

shows() {
	lk show T-1 | grep -qE "$1" || fail "$(lk show T-1)"
}

@test "a test that failed is tried again after its back-off, others before" {
	fails 'retry_delay = "4s";'
	add_test T-1 "test -e T-1"
	lk add T-2 --loop loop-1 --verify "test -e T-2"
	lk add T-3 --loop loop-1 --verify "test -e T-3"
	run_alone
	wait_until 15 ended 1 T-3
	runs_are "T-1 T-2 T-3"
	touch "$FLEET/good"
	# Who looks at the database would wake it.
	wait_until 10 each_ran_twice
	wait_until 10 all_passed
	(($(rested_ms) >= 3500))
	[[ $(sql "SELECT count(*) FROM tests WHERE retry_at IS NOT NULL") == 0 ]]
}

@test "while a test backs off its loop sleeps, and says what it waits for" {
	fails 'retry_delay = "8m";'
	add_test T-1 "test -e T-1"
	lk up -d
	wait_until 15 ended 1
	wait_until 10 says loop-1 'idle: next attempt of T-1 at [0-9:]{8}'
	shows 'next attempt +in [678]m'
	wait_until 20 sleeps loop-1
	[[ $(count_events "event_type = 'queue_empty'") == 0 ]]
	# A test that comes meanwhile is taken at once.
	lk add T-2 --loop loop-1 --verify "test -e T-2"
	wait_until 15 ended 1 T-2
	runs_are "T-1 T-2"
	# So is one that is reset.
	touch "$FLEET/good"
	lk reset T-1
	wait_until 15 test_is T-1 passed
	test_is T-2 pending
}

@test "run-one waits for no back-off" {
	fails 'retry_delay = "8m";'
	add_test T-1 "test -e T-1"
	run_alone
	wait_until 15 ended 1
	stop_alone
	touch "$FLEET/good"
	lk run-one T-1
	test_is T-1 passed
}

@test "a back-off outlives its loop" {
	fails 'retry_delay = "8m";'
	add_test T-1 "test -e T-1"
	run_alone
	wait_until 15 ended 1
	kill_alone
	lk add T-2 --loop loop-1 --verify "test -e T-2"
	run_alone
	wait_until 15 ended 1 T-2
	runs_are "T-1 T-2"
}

# prompt FENCE
prompt() {
	cat "$FLEET/state/loop-1/specs/logs/transcripts/T-1-$1.prompt"
}

@test "the second time that an attempt fails alike its successor is told" {
	printf '{failure}' > "$FLEET/template"
	fails 'prompt = "template";'
	# What differs from run to run is no difference.
	add_test T-1 'echo "$(date +%s%N): no T-1 in $PWD (pid $$)"; test -e T-1' \
	    '{"max_attempts": 5}'
	run_alone
	wait_until 15 ended 2
	sql_is 1 "SELECT count(DISTINCT fingerprint) FROM attempts
	    WHERE ended_at IS NOT NULL"
	wait_until 15 test_is T-1 blocked
	[[ $(prompt 2) != *"same failure"* && $(prompt 2) == *"no T-1 in"* ]]
	[[ $(prompt 3) == "The same failure as the attempt before:
verify: exit 1:"*"no T-1 in"* ]]
}

# two KEYS: a loop whose first worker does nothing; claude, a stand-in, is its
# second, unless KEYS say another.
two() {
	mkdir -p "$FLEET/bin"
	ln -sf "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/claude"
	ln -sf "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/codex"
	ln -sfn "$LK_ROOT/config/workers" "$FLEET/workers"
	export PATH=$FLEET/bin:$PATH LK_SEEN=$FLEET/seen LK_WORK=T-1
	printf '{failure}' > "$FLEET/template"
	one_loop "max_attempts = 9; prompt = \"template\"; $1" <<-'SH'
		#!/bin/sh
		echo first >> "$FLEET/runs"
	SH
}

notes() {
	cat "$FLEET"/state/loop-1/specs/logs/transcripts/T-1-"$1".log
}

@test "what failed twice alike is tried by the second worker, from then on" {
	two 'second_worker = "claude";
	    second_worker_options = [ "--model", "other" ];'
	LK_DAY=$FLEET/day
	export LK_DAY
	echo no-output > "$LK_DAY"
	add_test T-1 'echo "$(date +%s)"; test -e T-1'
	run_alone
	wait_until 20 ended 4
	echo good > "$LK_DAY"
	wait_until 20 test_is T-1 passed
	[[ $(< "$FLEET/runs") == $'first\nfirst' ]]
	grep -qx other "$FLEET/seen/arguments"
	[[ $(prompt 3) == "The same failure as the attempt before:"* ]]
	sql_is '||claude|claude' "SELECT group_concat(ifnull(provider, ''),
	    '|') FROM (SELECT * FROM attempts ORDER BY fence LIMIT 4)"
	[[ $(notes 3) == *"same failure twice: by the second worker"* ]]
	[[ $(notes 2) != *"same failure"* ]]
}

@test "an attempt that changed nothing is a failure that is known again" {
	two 'second_worker = [ "sh", "-c", "touch T-1" ];'
	sed -i 's/worker = .*worker" \];/worker = "claude";/' "$LOOPKEEPER_CONFIG"
	export LK_DAY=no-output
	add_test T-1 'test -e T-1'
	run_alone
	wait_until 20 test_is T-1 passed
	ended 3
}

@test "failures that differ, and a test's own worker, are no matter for it" {
	two 'second_worker = [ "sh", "-c", "echo second >> $FLEET/runs" ];'
	add_test T-1 'date +%s%N | tr 0-9 a-j; false' '{"max_attempts": 4}'
	run_alone
	wait_until 20 test_is T-1 blocked
	[[ $(sort -u "$FLEET/runs") == first ]]
	add_test T-2 'false' \
	    '{"max_attempts": 4, "worker": "echo own >> $FLEET/runs"}'
	wait_until 20 test_is T-2 blocked
	[[ $(sort "$FLEET/runs" | uniq -c | tr -s ' \n' ' ') == \
	    ' 4 first 4 own ' ]]
}

@test "while the second worker's provider is closed the first goes on" {
	two 'second_worker = "codex";'
	lk recover > /dev/null
	sql "INSERT INTO gates (provider, reason, open_at) VALUES ('codex',
	    'rate_limited', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 hour'))"
	add_test T-1 'false' '{"max_attempts": 4}'
	run_alone
	wait_until 20 test_is T-1 blocked
	[[ $(< "$FLEET/runs") == $'first\nfirst\nfirst\nfirst' ]]
	[[ $(notes 4) == *"by the first worker again: "*codex* ]]
}

@test "the second worker doesn't go on with a session of the first" {
	two 'second_worker = "claude"; second_worker_options = [ "other" ];'
	sed -i 's/ worker = .*worker" \];/ worker = "claude";/' \
	    "$LOOPKEEPER_CONFIG"
	export LK_DAY=failed-exit-0
	add_test T-1 'test -e T-1' '{"max_attempts": 9}'
	lk run-one T-1 || true
	lk run-one T-1 || true
	# As if its loop had been told to pause after it.
	sql "UPDATE attempts SET draining = 1"
	lk run-one T-1 || true
	grep -qx other "$FLEET/seen/arguments"
	[[ $(< "$FLEET/seen/arguments") != *--resume* ]]
	sql "UPDATE attempts SET draining = 1"
	lk run-one T-1 || true
	grep -qx other "$FLEET/seen/arguments"
	grep -qxe --resume "$FLEET/seen/arguments"
}

@test "a preset as second worker of a plain command has a prompt of its own" {
	two 'second_worker = "claude";'
	sed -i 's/ prompt = "template";//' "$LOOPKEEPER_CONFIG"
	ln -sfn "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	add_test T-1 'test -e T-1' '{"spec_content": "make it so"}'
	run_alone
	wait_until 20 test_is T-1 passed
	[[ $(prompt 1) == "make it so" ]]
	[[ $(prompt 3) == *"make it so"*"verify: exit 1"* ]]
}
