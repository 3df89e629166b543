# What somebody reads who comes back in the morning: what was done, what it
# cost, what was decided meanwhile, and three commands to paste.

load lib

prepare() {
	need git
	repository "$FLEET/repository"
}

# sleeping_loops NUMBER: so many loops that don't run, with a test each.
sleeping_loops() {
	local i comma=
	{
		echo 'components = ('
		for ((i = 1; i <= $1; i++)); do
			echo "$comma{ name = \"loop-$i\";" \
			    'command = [ "sleep", "1000" ];' \
			    'loop = { worker = [ "true" ];' \
			    "repository = \"$FLEET/repository\"; }; }"
			comma=', '
		done
		echo ');'
	} | fleet_config
	for ((i = 1; i <= $1; i++)); do
		echo "{\"id\": \"T-$i\", \"loop_id\": \"loop-$i\","
		echo '"verify": "true"}'
	done | jq -s . > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

# past MINUTES TYPE JSON: an event that happened so long ago.
past() {
	sql "INSERT INTO events (id, timestamp, source, event_type, payload)
	    VALUES (hex(randomblob(8)), strftime('%Y-%m-%dT%H:%M:%fZ', 'now',
	    '-$1 minutes'), 'somebody', '$2', '$3')"
}

# summary ARGUMENT...: of a fleet that isn't running.
summary() {
	run --separate-stderr lk summary "$@"
	# shellcheck disable=SC2154 # it is bats that sets stderr
	[[ $status == 3 ]] || fail "exit $status" "$output" "$stderr"
}

says() {
	local part
	for part; do
		[[ $output == *"$part"* ]] || fail "no '$part' in:" "$output"
	done
}

# row PATTERN: a line of the output is this, its blanks squeezed.
row() {
	tr -s ' ' <<< "$output" | grep -qE -- "$1" ||
	    fail "no '$1' in:" "$output"
}

# pasted PATTERN: the command in the first line that has it, without what
# stands before or behind it.
pasted() {
	grep -m 1 -oE -- "$1" <<< "$output" || fail "no '$1' in:" "$output"
}

fits() {
	((${#lines[@]} <= 24)) || fail "${#lines[@]} lines:" "$output"
	((${#lines[@]} >= 1))
}

holds() {
	[[ $(sql "SELECT count(*) FROM $1") -ge 1 ]] || fail "none: $1"
}

@test "a night: passed, failed, blocked, and decided while nobody looked" {
	cat > "$FLEET/worker" <<-'WORKER'
		#!/bin/sh
		[ "$LOOPKEEPER_TEST_ID" = T-2 ] || echo it > "$LOOPKEEPER_TEST_ID"
	WORKER
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		pm = { decision_timeout = "1s"; every = "200ms"; };
		components = (
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; after = [ "pm" ];
		    loop = { worker = [ "$FLEET/worker" ]; pause = "0";
		      repository = "$FLEET/repository"; retry_delay = "0";
		      max_attempts = 2; }; } );
	CONF
	jq -n '[1, 2, 3 | {id: "T-\(.)", loop_id: "loop-1",
	    verify: "test -e T-\(.)"}]' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
	lk up -d --wait
	wait_until 30 holds "decisions WHERE status = 'auto_resolved'"
	wait_until 30 test_is T-3 passed
	wait_event "event_type = 'queue_empty'"

	run lk summary
	[[ $status == 0 ]] || fail "exit $status" "$output"
	fits
	[[ ${lines[0]} == "1 thing needs you: 2 passed, nothing left (since "* ]]
	row '^loop-1 2 2 1 0 - '
	row '^commits 2 commits on loopkeeper/main, not on main: 2 files changed'
	row '^decided DEC-001 of T-2: C, leave it blocked, by default; undo: '
	row '^waits T-2 of loop-1 is blocked: 2 of 2 attempts failed'
	row '^do loopkeeper show T-2 # T-2 of loop-1 is blocked'

	# What is there to be pasted does what it says.
	pasted 'git -C [^ ]* log -p HEAD\.\.loopkeeper/main$' | bash > "$FLEET/log"
	grep -q '^Test: T-1\|^    Test: T-1' "$FLEET/log"
	git config --global user.name > /dev/null ||
	    export GIT_AUTHOR_NAME=x GIT_COMMITTER_NAME=x EMAIL=x@localhost
	pasted 'git -C [^ ]* merge loopkeeper/main$' | bash
	[[ -e $FLEET/repository/T-3 ]]
	run lk summary
	[[ $output != *commits* ]]
	touch "$FLEET/repository/T-2"
	pasted 'loopkeeper reset T-2$' | bash
	wait_event "event_type = 'test_reset' AND test_id = 'T-2'"
}

@test "24 lines for 30 loops, and nothing of them is lost" {
	sleeping_loops 30
	past 60 supervisor_started '{}'
	for i in {1..30}; do
		past 30 test_passed \
		    "{\"test_id\": \"T-$i\", \"loop_id\": \"loop-$i\"}"
	done
	sql "UPDATE tests SET status = 'passed'"
	sql "INSERT INTO tests (id, loop_id, status, verify, reason)
	    SELECT 'B-' || id, id, 'blocked', 'true',
	    'for ' || replace(hex(zeroblob(200)), '00', 'very ') || 'long'
	    FROM loops"
	sql "INSERT INTO decisions (id, status, choice, decided_at, decided_by,
	    context) SELECT 'DEC-' || id, 'auto_resolved', 'C',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'pm',
	    json_object('test_id', id) FROM tests"
	sql "INSERT INTO regressions (test_id, loop_id, failing_commit)
	    SELECT id, loop_id, 'c0ffee' FROM tests WHERE status = 'passed'"
	git -C "$FLEET/repository" branch loopkeeper/main
	git -C "$FLEET/repository" checkout -q loopkeeper/main
	git -C "$FLEET/repository" commit -q --allow-empty -m "More"
	git -C "$FLEET/repository" checkout -q main
	summary
	fits
	((${#lines[@]} == 24)) || fail "${#lines[@]} lines:" "$output"
	row '^and [0-9]+ more loops '
	# 30 regressions that no question is about, and 30 blocked tests.
	[[ ${lines[0]} == "60 things need you: 30 passed, nothing left"* ]]
	awk 'NR > 1 && $0 !~ /loopkeeper|git/ && length > 100 { exit 1 }' \
	    <<< "$output"
	[[ $(tr -s ' ' <<< "$output" | awk '$1 ~ /^loop-/ { n += $2 }
	    $1 == "and" && /loops/ { n += $5 } END { print n }') == 30 ]]
	# What is folded is unfolded by what stands there.
	[[ $(pasted 'loopkeeper summary --markdown --since .*$' | bash |
	    grep -c 'by default; undo') == 60 ]]
	lk summary --json 2> /dev/null | jq -e '(.loops | length) == 30 and
	    (.decided | length) == 60 and (.broken | length) == 30 and
	    (.waiting | length) == 30 and (.next | length) == 3' || fail json
}

@test "24 lines, though every list is full, and of two repositories" {
	local name
	git init -q "$FLEET/other"
	for name in repository other; do
		git -C "$FLEET/$name" commit -q --allow-empty -m "Begin"
		git -C "$FLEET/$name" checkout -q -b loopkeeper/main
		git -C "$FLEET/$name" commit -q --allow-empty -m "More"
		git -C "$FLEET/$name" checkout -q main
	done
	sleeping_loops 6
	sed -i "0,/repository\"/s//other\"/" "$LOOPKEEPER_CONFIG"
	past 60 supervisor_started '{}'
	sql "UPDATE tests SET status = 'blocked';
	    INSERT INTO decisions (id, status, choice, decided_at, decided_by,
	    context) SELECT 'DEC-' || id, 'auto_resolved', 'C',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'pm', '{}' FROM tests;
	    INSERT INTO regressions (test_id, loop_id, failing_commit)
	    SELECT id, loop_id, 'c0ffee' FROM tests"
	summary
	says "and in 1 more repositories"
	fits
	((${#lines[@]} == 24)) || fail "${#lines[@]} lines:" "$output"
}

@test "it begins where it was read last, and at least 8 hours ago" {
	sleeping_loops 1
	past 3000 supervisor_started '{}'
	past 1200 test_passed '{"test_id": "T-1", "loop_id": "loop-1"}'
	sql "UPDATE tests SET status = 'passed'"
	summary
	[[ ${lines[0]} == "all well: 0 passed, "*", 8h)" ]] || fail "$output"
	# That was 30 hours ago.
	sql "UPDATE meta SET value = strftime('%Y-%m-%dT%H:%M:%fZ', 'now',
	    '-30 hours') WHERE key = 'summary_read'"
	summary --since 10h
	[[ ${lines[0]} == "all well: 0 passed, "*", 10h)" ]] || fail "$output"
	summary --markdown
	says "# all well: 1 passed, nothing left" "| loop-1 | 1 | 0 | 0 | 0 |"
	summary --json
	jq -e '.all.passed == 1 and .well' <<< "$output"
	# None of these was reading it.
	summary
	[[ ${lines[0]} == "all well: 1 passed, "*", 1d)" ]] || fail "$output"
	summary
	[[ ${lines[0]} == "all well: 0 passed, "*", 8h)" ]] || fail "$output"
	run lk summary --since 2999-01-01
	[[ $status == 2 ]]
	run lk summary --json --markdown
	[[ $status == 2 ]]
}

@test "costs by loop, per passed test and on what failed; hours lost" {
	sleeping_loops 2
	past 120 supervisor_started '{}'
	sql "UPDATE tests SET status = 'passed' WHERE id = 'T-1'"
	past 60 test_passed '{"test_id": "T-1", "loop_id": "loop-1"}'
	past 110 component_started '{"component": "loop-1"}'
	past 110 component_started '{"component": "loop-2"}'
	past 60 queue_empty '{"loop_id": "loop-1"}'
	past 90 paused '{"component": "loop-2"}'
	past 30 resumed '{"component": "loop-2"}'
	for i in passed/100/60 silent/30/0; do
		IFS=/ read -r outcome from to <<< "$i"
		sql "INSERT INTO attempts (id, test_id, loop_id, outcome,
		    started_at, ended_at) SELECT '$outcome', 'T-1',
		    iif('$outcome' = 'passed', 'loop-1', 'loop-2'), '$outcome',
		    datetime('now', '-$from minutes'),
		    datetime('now', '-$to minutes');
		    INSERT INTO usage (loop_id, attempt_id, cost_usd,
		    tokens_estimated, recorded_at) SELECT loop_id, id, 1.25,
		    1000, ended_at FROM attempts WHERE id = '$outcome'"
	done
	summary
	row '^loop-1 1 0 0 0 - 1.25 1k$'
	row '^loop-2 0 0 0 1 - 1.25 1k$'
	row 'cost 2.50 USD, 2k tokens; per passed test 2.50 USD, 2k; on what failed 1.25 USD, 1k$'
	row 'lost 2.8h of 4.0h: stuck 30m, paused 1.0h, stopped 20m, queue empty 1.0h$'
	lk summary --json 2> /dev/null | jq -e '.all.on_what_failed.usd == 1.25
	    and .all.spent.usd == 2.5 and (.loops[] |
	    select(.loop_id == "loop-2") | .lost.paused_ms / 60000 | round)
	    == 60'
	# What isn't known isn't nothing.
	sql "INSERT INTO usage (loop_id, recorded_at) VALUES ('loop-1',
	    datetime('now'))"
	summary
	row 'cost 2.50 \+ 1 unknown USD, .*; per passed test at least 2.50 USD'
}

@test "regressions, rollbacks and what a component moved, with the way back" {
	sleeping_loops 2
	past 60 supervisor_started '{}'
	sql "INSERT INTO component_health (component) VALUES ('pm')"
	sql "UPDATE tests SET status = 'passed'"
	sql "INSERT INTO regressions (test_id, loop_id, failing_commit,
	    first_bad_commit, blamed_loop, blamed_test) VALUES ('T-1',
	    'loop-1', 'c0ffee', 'abcdef0123456789', 'loop-2', 'T-2')"
	past 20 rollback_triggered '{"loop_id": "loop-2", "by": "pm",
	    "tests": ["T-2"], "commits": ["0123456789abcdef"]}'
	past 19 rollback_triggered '{"loop_id": "loop-2", "by": "ann",
	    "tests": ["T-2", "T-3"], "commits": ["abcd", "c0de"]}'
	past 10 test_moved '{"loop_id": "loop-1", "test_id": "T-2",
	    "from": "loop-2", "by": "pm"}'
	past 10 test_moved '{"loop_id": "loop-1", "test_id": "T-1",
	    "from": "loop-2", "by": "olaf"}'
	past 10 deadlock_resolved '{"victim": "loop-1", "test_id": "T-1"}'
	sql "INSERT INTO conflicts (id, first_loop, first_test, second_loop,
	    second_test, outcome, closed_at) VALUES ('CON-001', 'loop-1', 'T-1',
	    'loop-2', 'T-2', 'it goes on',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
	summary
	row '^1 thing needs you'
	row 'CON-001 of loop-1 and loop-2: it goes on: loopkeeper conflicts --all$'
	row 'a deadlock: loop-1 had to let go of T-1, and does it again: loopkeeper deadlocks$'
	row '^decided T-2 went from loop-2 to loop-1, by pm; undo: loopkeeper move T-2 loop-2$'
	[[ $output != *olaf* ]]
	row '^broken T-1 of loop-1 is broken by abcdef012345 of loop-2 for T-2: '
	row 'T-2 of loop-2 rolled back by pm; undo: loopkeeper rollback loop-2 --undo 0123456789ab$'
	row '2 commits of loop-2 rolled back by ann$'
	sql "UPDATE tests SET status = 'pending' WHERE id = 'T-2'"
	summary
	row 'it goes on; undo: loopkeeper rollback loop-1 --only T-1$'
	sql "INSERT INTO decisions (id, decision_type, status, options, choice,
	    context, decided_at) VALUES ('DEC-001', 'file_conflict',
	    'auto_resolved', '[{\"id\": \"C\", \"description\": \"by hand\"}]',
	    'C', '{\"test_id\": \"T-1\"}',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
	summary
	row '^decided DEC-001 of T-1: C, by hand, by default; undo: loopkeeper reset T-1$'
	sql "UPDATE decisions SET decision_type = 'regression', choice = 'A',
	    context = json_object('test_id', 'T-1', 'subject',
	    (SELECT id FROM regressions))"
	summary
	row '^decided DEC-001 of T-1: A, by default; undo: loopkeeper rollback loop-2 --undo abcdef012345$'
	sql "UPDATE regressions SET rollback_error = 'it conflicts'"
	summary
	row '^decided DEC-001 of T-1: A, by default: loopkeeper regressions --all$'
}

@test "without a repository, or with one of which nothing is known, the rest" {
	sleeping_loops 1
	past 60 supervisor_started '{}'
	rm -rf "$FLEET/repository"
	summary
	says "1 thing needs you" "the fleet isn't running"
	[[ $output != *commits* && $stderr != *git* ]]
	mkdir "$FLEET/slow"
	repository "$FLEET/repository"
	git -C "$FLEET/repository" branch loopkeeper/main
	printf '#!/bin/sh\nexec sleep 1000\n' > "$FLEET/slow/git"
	chmod 755 "$FLEET/slow/git"
	PATH=$FLEET/slow:$PATH summary
	says "git doesn't tell: it takes too long" "the fleet isn't running"
}

@test "of many blocked tests all are counted, whatever else is asked" {
	sleeping_loops 10
	past 60 supervisor_started '{}'
	sql "UPDATE tests SET status = 'blocked';
	    INSERT INTO decisions (id, summary, options, status, context)
	    VALUES ('DEC-1', 'one', '[{\"id\": \"A\"}]', 'pending', '{}'),
	    ('DEC-2', 'two', '[{\"id\": \"A\"}]', 'pending', NULL),
	    ('DEC-3', 'three', '[{\"id\": \"A\"}]', 'pending',
	    '{\"test_id\": \"T-1\"}')"
	summary
	row '^12 things need you'
	[[ $(lk summary --markdown 2> /dev/null | head -n 1) == *"12 things"* ]]
}

@test "what waits comes with the command that answers it" {
	sleeping_loops 1
	past 60 supervisor_started '{}'
	sql "INSERT INTO decisions (id, decision_type, summary, options,
	    status, context) VALUES ('DEC-007', 'test_blocked', 'T-1 is blocked',
	    '[{\"id\": \"A\", \"description\": \"retry\"},
	      {\"id\": \"B\", \"description\": \"skip it\"}]', 'pending',
	    '{\"test_id\": \"T-1\"}')"
	sql "INSERT INTO decisions (id, summary, options, default_option,
	    timeout_minutes, requested_at, status) VALUES ('DEC-008', 'really?',
	    '[{\"id\": \"C\"}]', 'C', 60, datetime('now', '-10 minutes'),
	    'pending')"
	sql "INSERT INTO decisions (id, summary, requested_at, status) VALUES
	    ('DEC-009', 'who knows?', datetime('now', '+1 hours'), 'pending')"
	sql "INSERT INTO loops (id) VALUES ('of-old')"
	sql "UPDATE tests SET status = 'blocked'"
	sql "INSERT INTO alerts (severity, alert_type, message, source, context)
	    VALUES ('critical', 'disk', 'the disk is full', 'recorder', NULL),
	    ('error', 'setup', 'setup fails', 'loop-1',
	    '{\"loop_id\": \"loop-1\"}'),
	    ('error', 'component_failed', 'one of these below', 'x', NULL),
	    ('warning', 'dependency_cycle', 'none of these can begin', 'pm', ''),
	    ('warning', 'mode_changed', 'it is warm', 'recorder', NULL)"
	summary
	row '^6 things need you'
	row 'DEC-008, else C in (50|49)m: really\? \(C\): loopkeeper decide DEC-008 C$'
	[[ $output != *of-old* ]]
	row '^waits the disk is full: loopkeeper alerts$'
	row 'T-1 is blocked \(A retry, B skip it\): loopkeeper decide DEC-007 A$'
	pasted 'loopkeeper decide DEC-007 A' | bash
	holds "decisions WHERE choice = 'A'"
	summary --json
	# Another program's question, of which it doesn't say what to answer.
	[[ $(jq -r '.waiting[] | select(.decision_id == "DEC-009") |
	    .text + "|" + .command' <<< "$output") == \
	    "DEC-009: who knows?|loopkeeper decisions" ]] || fail "$output"
	[[ $(jq -c '[.waiting[] | select(.kind == "alert") | .text]' \
	    <<< "$output") == '["the disk is full","none of these can begin","loop-1: setup fails"]' ]] ||
	    fail "$output"
}
