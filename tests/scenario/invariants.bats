# The invariants of an attempt, by the numbers that the design gives them. Each
# is broken here as hard as one test can: I3 by deaths at the moments that
# matter, the others by what an operator, a worker or another loop may do.

load attempts

# holder: a worker that notes when it starts beside anything of an earlier one.
# All that it starts shares a lock that ends with the last of them.
holder() {
	cat <<-SH
		#!/bin/bash
		for held in "$FLEET"/held-*; do
			[[ ! -e \$held ]] || flock -n "\$held" true ||
			    echo "beside \$held" >> "$FLEET/order"
		done
		trap '' TERM HUP INT
		exec 9> "$FLEET/held-\$\$"
		flock 9
		setsid bash -c "trap '' TERM HUP; while :; do sleep 1; done" &
		(setsid bash -c "setsid sleep 1000" &)
		$1
		sleep 0.3
		echo start >> "$FLEET/order"
		while :; do sleep 1; done
	SH
}

starts_are() {
	[[ $(grep -c '^start$' "$FLEET/order") == "$1" ]] ||
	    fail "$(cat "$FLEET/order")"
}

@test "I1: no worker starts before all of an earlier one is gone" {
	local i
	holder "" | one_loop
	add_test T-1 false
	for i in {1..4}; do
		run_alone
		wait_until 20 starts_are "$i"
		kill_alone
	done
	# An operator who clears away what is known of it changes nothing.
	lk recover > /dev/null
	test_is T-1 pending
	run_alone
	wait_until 20 starts_are 5
	run ! grep beside "$FLEET/order"
}

@test "I1: the same below a keeper, for processes that bear no mark" {
	local i pid
	holder "env -i setsid sleep 1000 &" | one_loop
	sed -i '1a defaults = { restart = { max_restarts = 0; delay = "10ms"; }; };' \
	    "$LOOPKEEPER_CONFIG"
	add_test T-1 false
	lk up -d
	for i in {1..3}; do
		wait_until 30 starts_are "$i"
		pid=$(pid_of loop-1)
		kill -9 "$pid"
		wait_until 10 has_pid_other_than loop-1 "$pid"
	done
	wait_until 30 starts_are 4
	run ! grep beside "$FLEET/order"
}

# until_verified FILE: a loop whose candidate for T-1 is verified, but which
# doesn't know that yet: it is stopped, and what it waited for is over.
until_verified() {
	one_loop <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_ATTEMPT_ID" > work
	SH
	add_test T-1 "test -e work && touch '$FLEET/verifying' &&
	    until test -e '$FLEET/go'; do sleep 0.05; done;
	    test -e work"
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	OLD=$(attempt id)
	kill -STOP "$LOOP"
	touch "$FLEET/go"
}

@test "I2: what was skipped meanwhile isn't merged" {
	local before
	until_verified
	before=$(tip)
	lk skip T-1
	kill -CONT "$LOOP"
	wait_until 20 file_has "$FLEET/loop-1.log" "isn't ours any more"
	test_is T-1 skipped
	never_merged T-1
	[[ $(tip) == "$before" ]]
	sql_is "interrupted|parked|1" "SELECT outcome, state,
	    (SELECT count(*) FROM attempts) FROM attempts"
	# What it had done isn't lost.
	[[ $(snapshot work "$OLD") == "$OLD" ]]
}

@test "I2: what was reset meanwhile is merged by the attempt after it" {
	until_verified
	lk reset T-1
	kill -CONT "$LOOP"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	[[ $(attempt id) != "$OLD" ]]
	[[ $(in_repository show loopkeeper/main:work) == $(attempt id) ]]
	sql_is "interrupted|parked" "SELECT outcome, state FROM attempts
	    WHERE id = '$OLD'"
}

@test "I2: an attempt of another database writes nothing into this one" {
	local old
	until_verified
	old=$FLEET/old
	mkdir "$old"
	mv "$FLEET"/state/coordination.db* "$old"
	lk import "$FLEET/tests.json" > /dev/null
	kill -CONT "$LOOP"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	sql_is 0 "SELECT count(*) FROM attempts WHERE id = '$OLD'"
	sql_is 1 "SELECT count(*) FROM attempts"
	[[ $(sqlite3 "$old/coordination.db" "SELECT state, ended_at IS NULL
	    FROM attempts") == "verifying|1" ]]
	[[ $(in_repository show loopkeeper/main:work) == $(attempt id) ]]
}

# points: the moments at which I3 kills; is_at POINT says when one has come.
POINTS=(check work before-snapshot after-snapshot verify recheck before-merge
    after-merge)

is_at() {
	case $1 in
	before-snapshot) file_has "$(attempt transcript)" "worker: exit 0" ;;
	after-snapshot)
		in_repository rev-parse -q --verify \
		    "refs/loopkeeper/attempts/$(attempt id)"
		;;
	before-merge) [[ $(attempt state) == integrating ]] ;;
	after-merge) [[ $(commits_of T-1) == 1 ]] ;;
	*) exists "$FLEET/at-$1" ;;
	esac
}

# Runs the loop and kills it there.
die_at() {
	local variable=${1^^} ms=0
	variable=LOOPKEEPER_DELAY_${variable/-/_}_MS
	[[ $1 != *-* ]] || ms=60000
	rm -f "$FLEET/no-"*
	touch "$FLEET/no-$1"
	export "$variable=$ms"
	run_alone
	unset "$variable"
	wait_until 30 is_at "$1"
	kill_alone
	rm -f "$FLEET/no-$1" "$FLEET/at-"*
}

# stop_here NAME: for a worker's and a verify's script, where die_at() waits.
stop_here() {
	echo "if test -e '$FLEET/no-$1'; then touch '$FLEET/at-$1'; sleep 60; fi"
}

# A loop with T-1, which passes as soon as it is left alone, and P-1, which
# has passed before.
mortal_loop() {
	use_points
	one_loop <<-SH
		#!/bin/sh
		$(stop_here work)
		echo "\$LOOPKEEPER_TEST_ID" > "done-\$LOOPKEEPER_TEST_ID"
	SH
	add_test P-1 "test -e done-P-1 || exit 1;
	    test ! -e done-T-1 || { $(stop_here recheck); }"
	run_alone
	wait_until 20 test_is P-1 passed
	stop_alone
	add_test T-1 "test -e done-T-1 || { $(stop_here check); exit 1; };
	    $(stop_here verify)"
}

half() {
	sql "SELECT t.status || ' ' || ifnull(group_concat(a.outcome), '')
	    FROM tests t LEFT JOIN attempts a ON a.test_id = t.id
	    AND a.ended_at IS NOT NULL AND a.outcome <> 'interrupted'
	    WHERE t.id = 'T-1' GROUP BY t.id"
}

@test "I3: wherever it dies, a test is pending, or passed and merged" {
	local point
	mortal_loop
	for point in "${POINTS[@]}"; do
		echo "--- $point"
		die_at "$point"
		lk recover > /dev/null
		if [[ $(commits_of T-1) == 1 ]]; then
			[[ $point == after-merge ]]
			merged_exactly T-1
			[[ $(half) == "passed passed" ]] || fail "$(half)"
		else
			[[ $(half) == "pending " ]] || fail "$(half)"
		fi
		no_locks
	done
	run_alone
	wait_until 5 file_has "$FLEET/loop-1.log" "the queue is empty"
	merged_exactly T-1
	used_up 1
}

@test "I3: whoever comes after it finds out by himself" {
	local point
	mortal_loop
	for point in "${POINTS[@]}"; do
		echo "--- $point"
		die_at "$point"
	done
	run_alone
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	used_up 1
	sql_is 0 "SELECT count(*) FROM attempts WHERE ended_at IS NULL"
	in_repository fsck --strict
}

@test "I3: died when it was verified, it needs no second worker" {
	mortal_loop
	die_at before-merge
	touch "$FLEET/no-work"
	run_alone
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	[[ ! -e $FLEET/at-work ]]
}

@test "I3: a commit that the database refuses after the merge is made good" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work"
	# Only the end of its transaction meets this.
	sql "CREATE TABLE parent (id INTEGER PRIMARY KEY);
	    CREATE TABLE child (id INTEGER REFERENCES parent (id)
	        DEFERRABLE INITIALLY DEFERRED);
	    CREATE TRIGGER refuse AFTER UPDATE ON tests
	        WHEN new.status = 'passed' BEGIN
	        INSERT INTO child VALUES (1); END;"
	run_alone
	wait_until 20 is_at after-merge
	sql_is in_progress "SELECT status FROM tests"
	wait_until 20 file_has "$FLEET/loop-1.log" merging
	sql "DROP TRIGGER refuse"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	[[ $(tip) == $(attempt result_commit) ]]
}

# A worker that leaves work of every kind, and then does $1.
untidy() {
	one_loop "${2:-}" <<-SH
		#!/bin/bash
		git for-each-ref --format='%(refname)' refs/loopkeeper/attempts \
		    >> "$FLEET/refs"
		ls >> "$FLEET/refs"
		set -e
		echo "\$LOOPKEEPER_ATTEMPT_ID" > committed
		git add committed
		git -c user.name=w -c user.email=w@w commit -q -m "Own work"
		echo "\$LOOPKEEPER_ATTEMPT_ID" > staged
		git add staged
		mkdir -p new
		echo "\$LOOPKEEPER_ATTEMPT_ID" > new/untracked
		rm README
		git checkout -q --detach
		echo here >> "$FLEET/left"
		${1:-sleep 1000}
	SH
}

has_left() {
	[[ $(grep -c here "$FLEET/left") == "$1" ]] ||
	    fail "$(cat "$FLEET/left" 2>&1)"
}

# all_kept ID: what untidy() left in that attempt.
all_kept() {
	local path
	for path in committed staged new/untracked; do
		[[ $(snapshot "$path" "$1") == "$1" ]] || fail "no $path of $1"
	done
	run ! snapshot README "$1" 2> /dev/null
	[[ $(in_repository log -1 --format=%s \
	    "refs/loopkeeper/attempts/$1^") == "Own work" ]]
}

@test "I4: what a killed loop's worker left is safe before anything else" {
	local old
	untidy
	add_test T-1 false
	run_alone
	wait_until 20 has_left 1
	old=$(attempt id)
	# Somebody may have cleared away what is known of it.
	kill_alone
	lk recover > /dev/null
	run_alone
	wait_until 20 has_left 2
	all_kept "$old"
	# It was there when the next one began, in a clean place.
	[[ $(cat "$FLEET/refs") == $'README\nrefs/loopkeeper/attempts/'"$old"$'\nREADME' ]]
	[[ $(attempt id) != "$old" ]]
}

@test "I4: what skip, reset, stop, time and failure cut short is safe" {
	local old
	untidy '[[ $LOOPKEEPER_TEST_ID == *-1 ]] || exit 3; sleep 1000' \
	    'max_attempts = 1;'
	add_test T-1 false
	run_alone
	wait_until 20 has_left 1
	old=$(attempt id)
	lk reset T-1
	wait_until 20 has_left 2
	all_kept "$old"
	old=$(attempt id)
	lk skip T-1
	wait_until 20 ended 2
	wait_until 20 all_kept "$old"
	add_test U-1 false
	wait_until 20 has_left 3
	old=$(attempt id U-1)
	stop_alone
	all_kept "$old"
	sed -i 's/max_attempts = 1;/& time_limit = "1s";/' "$LOOPKEEPER_CONFIG"
	run_alone
	wait_until 30 test_is U-1 blocked
	[[ $(attempt outcome U-1) == timeout ]]
	all_kept "$(attempt id U-1)"
	add_test T-2 false
	wait_until 20 test_is T-2 blocked
	all_kept "$(attempt id T-2)"
}

@test "I4: where it can't be kept it isn't touched" {
	local old
	untidy
	add_test T-1 false
	run_alone
	wait_until 20 has_left 1
	old=$(attempt id)
	# No ref can be made below one.
	in_repository update-ref refs/loopkeeper/attempts HEAD
	kill_alone
	run_alone
	wait_until 20 alert_stands repository 1
	[[ $(cat "$WORK/new/untracked") == "$old" && ! -e $WORK/README ]]
	test_is T-1 pending
	in_repository update-ref -d refs/loopkeeper/attempts
	wait_until 20 has_left 2
	all_kept "$old"
	alert_stands repository 0
}

# Every passing verify notes the tree that it has seen.
noting() {
	echo "$1 && git rev-parse 'HEAD^{tree}' >> '$FLEET/verified'"
}

# Exactly what was merged was verified, of each attempt that has passed.
all_verified() {
	local commit
	for commit in $(sql "SELECT result_commit FROM attempts
	    WHERE outcome = 'passed'"); do
		in_repository merge-base --is-ancestor "$commit" loopkeeper/main
		grep -qx "$(in_repository rev-parse "$commit^{tree}")" \
		    "$FLEET/verified" || fail "$commit wasn't verified"
	done
}

# Waits in the first verify of a candidate until there is $FLEET/go.
waiting() {
	echo "test -e $1 || exit 1; touch '$FLEET/verifying';
	    until test -e '$FLEET/go'; do sleep 0.05; done;
	    $(noting "test -e $1")"
}

@test "I5: what is merged was verified as it is, also when the tip moved" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "$(waiting work)"
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	operator_commits by-hand
	touch "$FLEET/go"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	all_verified
	[[ $(wc -l < "$FLEET/verified") == 2 ]]
	in_repository cat-file -e loopkeeper/main:by-hand
	in_repository cat-file -e loopkeeper/main:work
	[[ $(sql "SELECT commit_hash FROM passing_tests") == $(tip) ]]
}

@test "I5: what the operator took back isn't brought back with it" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	in_repository branch loopkeeper/main
	operator_commits mistake
	add_test T-1 "$(waiting work)"
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	in_repository update-ref refs/heads/loopkeeper/main main
	operator_commits better
	touch "$FLEET/go"
	wait_until 20 test_is T-1 passed
	all_verified
	[[ $(in_repository ls-tree --name-only loopkeeper/main) == \
	    $'README\nbetter\nwork' ]]
}

@test "I5: what the change of another breaks isn't merged" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test ! -e by-hand || exit 1; $(waiting work)"
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	operator_commits by-hand
	touch "$FLEET/go"
	wait_until 20 test_is T-1 blocked
	never_merged T-1
	[[ $(last_end) == "failed: verify: exit 1" ]]
	snapshot work
}

@test "I5: what breaks the test of another, merged meanwhile, isn't merged" {
	one_loop <<-'SH'
		#!/bin/sh
		touch "$LOOPKEEPER_TEST_ID"
	SH
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; pause = "0";
		  retry_delay = "0";
		  worker = [ "$FLEET/worker" ]; max_attempts = 1; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ]; loop = {}; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ]; loop = {}; }
		);
	CONF
	add_test P-1 "test -e P-1"
	run_alone loop-1
	wait_until 20 test_is P-1 passed
	jq -n --arg verify "$(waiting T-2)" \
	    '{id: "T-2", loop_id: "loop-2", verify: $verify}' | add_tests
	run_alone loop-2
	wait_until 20 exists "$FLEET/verifying"
	add_test T-1 "test -e T-1 && test ! -e T-2"
	wait_until 20 test_is T-1 passed
	touch "$FLEET/go"
	wait_until 20 test_is T-2 blocked
	# It was well where it was verified first.
	file_has "$(attempt transcript T-2)" "T-1 fails without it, too"
	file_has "$(attempt transcript T-2)" "put on $(tip | cut -c 1-12)"
	[[ $(last_end T-2) == "failed: it breaks T-1, which passed without it: \
verify: exit 1" ]] || fail "$(last_end T-2)"
	never_merged T-2
	test_is T-1 passed
	# Nobody's turn is kept by that.
	add_test T-3 "test -e T-3"
	wait_until 20 test_is T-3 passed
}

@test "I5: two loops, one branch, every commit verified on the one before" {
	local i
	one_loop <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_TEST_ID" > "$LOOPKEEPER_TEST_ID"
	SH
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; pause = "0";
		  retry_delay = "0";
		  worker = [ "$FLEET/worker" ]; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ]; loop = {}; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ]; loop = {}; }
		);
	CONF
	for i in {1..10}; do
		jq -n --arg id "T-$i" --arg loop "loop-$((i % 2 + 1))" \
		    --arg verify "$(noting "test -e T-$i")" \
		    '{id: $id, loop_id: $loop, verify: $verify}'
	done | add_tests
	run_alone loop-1
	run_alone loop-2
	wait_until 60 all_passed
	for i in {1..10}; do
		merged_exactly "T-$i"
	done
	all_verified
	[[ $(in_repository rev-list --count --min-parents=2 \
	    loopkeeper/main) == 0 ]]
	[[ $(in_repository ls-tree --name-only loopkeeper/main | wc -l) == 11 ]]
}

locked() {
	sql_is "$1" "SELECT group_concat(file_path || ' ' || locked_by)
	    FROM file_locks"
}

@test "I6: locks die with their attempts" {
	one_loop 'max_attempts = 1;' <<-SH
		#!/bin/sh
		touch "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	add_test T-1 false '{"files": ["src/a.c"]}'
	run_alone
	wait_until 20 exists "$FLEET/started"
	locked "src/a.c loop-1"
	# With the loop, found by the next one or by hand.
	kill_alone
	lk recover
	no_locks
	rm "$FLEET/started"
	run_alone
	wait_until 20 exists "$FLEET/started"
	locked "src/a.c loop-1"
	# Told to stop, parked.
	stop_alone
	no_locks
	test_is T-1 pending
	# Skipped: not before its worker is gone.
	rm "$FLEET/started"
	run_alone
	wait_until 20 exists "$FLEET/started"
	lk skip T-1
	wait_until 20 no_locks
	wait_until 20 ended 3
}

# goes_on TABLE COLUMN: its time is put off.
goes_on() {
	local before
	before=$(sql "SELECT $2 FROM $1")
	wait_until 20 sql_is 1 "SELECT $2 > '$before' FROM $1"
}

@test "I6: they live as long as they do, lease by lease" {
	use_points
	export LOOPKEEPER_RENEW_MS=100
	one_loop <<-SH
		#!/bin/sh
		touch "$FLEET/started" work
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	add_test T-1 "test -e work || exit 1; touch '$FLEET/verifying'
	    until test -e '$FLEET/verified'; do sleep 0.05; done" \
	    '{"files": ["work"]}'
	run_alone
	wait_until 20 exists "$FLEET/started"
	goes_on attempts lease_until
	goes_on file_locks expires_at
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/verifying"
	goes_on attempts lease_until
	goes_on file_locks expires_at
	touch "$FLEET/verified"
	wait_until 20 test_is T-1 passed
}

@test "I6: none is held while somebody is asked" {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
	SH
	sed -i 's/components = (/&{ name = "pm"; command = [ "loopkeeper-pm" ]; },/' \
	    "$LOOPKEEPER_CONFIG"
	add_test T-1 false '{"files": ["src/a.c"]}'
	lk up -d
	wait_until 30 sql_is pending "SELECT status FROM decisions"
	test_is T-1 blocked
	no_locks
	sql_is 0 "SELECT count(*) FROM wait_graph"
}

@test "I7: records that lie change nothing" {
	local stranger start
	one_loop <<-SH
		#!/bin/sh
		touch "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
		touch work
	SH
	add_test T-1 "test -e work"
	add_test T-2 "test -e work"
	run_alone
	wait_until 20 exists "$FLEET/started"
	kill_alone
	# A dead loop's: that its worker lives, as a process that is another's.
	background stranger.log sleep 1000
	stranger=$PID
	start=$(cut -d' ' -f22 "/proc/$stranger/stat")
	sql "UPDATE attempts SET pid = $stranger, pid_start = $start,
	        lease_until = '2999-01-01T00:00:00Z';
	    UPDATE loops SET status = 'running', pid = $stranger;
	    UPDATE tests SET status = 'in_progress' WHERE id = 'T-2'"
	sed -i "s/\"pid\": [0-9]*/\"pid\": $stranger/" \
	    "$FLEET/state/loop-1/specs/health.json"
	rm "$FLEET/started"
	run_alone
	wait_until 20 exists "$FLEET/started"
	sql_is 2 "SELECT count(*) FROM attempts"
	kill -0 "$stranger"
	# A living one's: that its worker is gone, and its lease long over.
	sql "UPDATE attempts SET pid = 1, pid_start = 1, state = 'claimed',
	        lease_until = '2001-01-01T00:00:00Z' WHERE ended_at IS NULL;
	    UPDATE loops SET status = 'stopped', pid = NULL"
	touch "$FLEET/go"
	wait_until 20 all_passed
	merged_exactly T-1
	sql_is passed "SELECT group_concat(outcome) FROM attempts
	    WHERE test_id = 'T-1' AND outcome <> 'interrupted'"
	kill -0 "$stranger"
}

@test "I8: a jump of the clock takes no lease and ends no worker" {
	local offset
	fake_clock
	one_loop 'time_limit = "1h"; silence_limit = "1h"; input_limit = "1h";' \
	    <<-SH
		#!/bin/sh
		n=\$(ls "$FLEET" | grep -c started-)
		touch "$FLEET/started-\$n"
		until test -e "$FLEET/go-\$n"; do sleep 0.05; done
		touch "work-\$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1" '{"files": ["work-T-1"]}'
	add_test T-2 "test -e work-T-2" '{"files": ["work-T-2"]}'
	set_clock +0d
	background loop-1.log "${FAKE_CLOCK[@]}" FAKETIME_NO_CACHE=1 \
	    FAKETIME_TIMESTAMP_FILE="$FLEET/clock" loopkeeper-loop \
	    -c "$LOOPKEEPER_CONFIG" loop-1
	local n=0
	for offset in +2d -2d; do
		wait_until 30 exists "$FLEET/started-$n"
		set_clock "$offset"
		# It has looked at its lease, its worker and its clocks since.
		wait_until 30 beaten_since "$(now_ms)"
		touch "$FLEET/go-$n"
		n=$((n + 1))
	done
	wait_until 30 all_passed
	merged_exactly T-1
	merged_exactly T-2
	sql_is 2 "SELECT count(*) FROM attempts"
}

set_clock() {
	echo "$1" > "$FLEET/clock.new"
	mv "$FLEET/clock.new" "$FLEET/clock"
}

# Its health.json, which is rewritten every few seconds, is newer than that.
beaten_since() {
	(($(stat -c %Y "$FLEET/state/loop-1/specs/health.json") * 1000 > $1))
}

@test "I8: after a boot no pid means anything" {
	local stranger
	one_loop <<-SH
		#!/bin/sh
		touch "$FLEET/started"
		until test -e "$FLEET/go"; do sleep 0.05; done
		touch work
	SH
	add_test T-1 "test -e work" '{"files": ["work"]}'
	run_alone
	wait_until 20 exists "$FLEET/started"
	kill_everything
	background stranger.log sleep 1000
	stranger=$PID
	sql "UPDATE attempts SET boot_id = 'another', pid = $stranger,
	        lease_until = '2999-01-01T00:00:00Z';
	    UPDATE file_locks SET expires_at = '2999-01-01T00:00:00Z';
	    UPDATE meta SET value = 'another' WHERE key = 'clock_boot_id'"
	touch "$FLEET/go"
	run_alone
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	no_locks
	kill -0 "$stranger"
}

# A loop whose first worker runs, and has another test waiting behind it.
working_loop() {
	one_loop <<-SH
		#!/bin/sh
		touch "$FLEET/started-\$LOOPKEEPER_TEST_ID"
		until test -e "$FLEET/go"; do sleep 0.05; done
		touch "$FLEET/finished-\$LOOPKEEPER_TEST_ID"
		touch "work-\$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1" '{"sort_order": 1}'
	add_test T-2 "test -e work-T-2" '{"sort_order": 2}'
}

# Verified, and waiting: not merged, and nothing else begun.
only_waits() {
	wait_until 30 exists "$FLEET/state/spool/loop-1.outcome"
	[[ -e $FLEET/finished-T-1 && ! -e $FLEET/started-T-2 ]]
	[[ $(tip) == "$1" ]]
}

both_merged() {
	wait_until 30 all_passed
	merged_exactly T-1
	merged_exactly T-2
	sql_is 2 "SELECT count(*) FROM attempts"
	[[ ! -e $FLEET/state/spool/loop-1.outcome ]]
}

@test "I9: while the database is locked nothing is merged nor claimed" {
	local before
	working_loop
	run_alone
	wait_until 20 exists "$FLEET/started-T-1"
	before=$(tip)
	foreigner 'BEGIN EXCLUSIVE;'
	touch "$FLEET/go"
	only_waits "$before"
	tell_foreigner 'ROLLBACK;'
	both_merged
}

@test "I9: in mode file-based nothing is merged nor claimed" {
	local before
	working_loop
	echo normal > "$FLEET/mode"
	LOOPKEEPER_MODE_FILE=$FLEET/mode run_alone
	wait_until 20 exists "$FLEET/started-T-1"
	before=$(tip)
	echo "file-based recorder" > "$FLEET/mode"
	touch "$FLEET/go"
	only_waits "$before"
	test_is T-1 in_progress
	test_is T-2 pending
	echo normal > "$FLEET/mode"
	both_merged
}

# checked_loop: T-1's worker is due when the file go is there.
checked_loop() {
	one_loop 'slow_pause = "0";' <<-'SH'
		#!/bin/sh
		touch "$FLEET/spawned" work
	SH
	add_test T-1 "touch '$FLEET/checking'
	    until test -e '$FLEET/go'; do sleep 0.05; done; test -e work"
	run_alone
	wait_until 20 exists "$FLEET/checking"
}

# Its worker isn't started until the database is back, which is no fault of the
# test's.
no_worker_unwritten() {
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
	[[ ! -e $FLEET/spawned ]]
	"$@"
	wait_until 30 test_is T-1 passed
	sql_is parked "SELECT state FROM attempts WHERE fence = 1"
	used_up 1
}

@test "I9: while the database is locked no worker is started" {
	checked_loop
	foreigner 'BEGIN EXCLUSIVE;'
	no_worker_unwritten tell_foreigner 'ROLLBACK;'
}

@test "I9: in mode file-based no worker is started" {
	echo normal > "$FLEET/mode"
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	checked_loop
	echo "file-based recorder" > "$FLEET/mode"
	wait_until 10 file_has "$WORK/../specs/health.json" file-based
	no_worker_unwritten eval 'echo normal > "$FLEET/mode"'
}

@test "I9: a loop that dies while it waits has merged nothing" {
	local before
	working_loop
	run_alone
	wait_until 20 exists "$FLEET/started-T-1"
	before=$(tip)
	foreigner 'BEGIN EXCLUSIVE;'
	touch "$FLEET/go"
	only_waits "$before"
	kill_alone
	[[ $(tip) == "$before" ]]
	rm "$FLEET/started-T-1"
	tell_foreigner 'ROLLBACK;'
	run_alone
	wait_until 30 all_passed
	merged_exactly T-1
	merged_exactly T-2
	# It was verified: no second worker.
	[[ ! -e $FLEET/started-T-1 ]]
}

worked() {
	wc -l < "$FLEET/worked"
}

@test "I10: a test that fails is tried max_attempts times" {
	one_loop 'max_attempts = 2;' <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
	SH
	add_test T-1 false
	add_test T-2 false '{"max_attempts": 3}'
	run_alone
	wait_until 30 test_is T-1 blocked
	wait_until 30 test_is T-2 blocked
	[[ $(worked) == 5 ]]
}

status_tells() {
	lk status --json 2> /dev/null | grep -qF "$1"
}

@test "I10: a loop that gets nowhere rests for the hour" {
	one_loop 'failures_per_hour = 4; max_attempts = 2;' <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		[ "\$LOOPKEEPER_TEST_ID" != K-1 ] || kill -9 \$\$
	SH
	add_test P-1 true
	add_test F-1 false
	add_test K-1 false
	add_test F-2 false
	run_alone
	wait_until 30 alert_stands failures 1
	sql_is 4 "SELECT count(*) FROM attempts WHERE outcome <> 'passed'"
	stop_alone
	# One of them is older now, and the loop goes on with one more.
	sql "UPDATE attempts SET ended_at = '2026-01-07T02:14:00.000Z'
	    WHERE id = (SELECT min(id) FROM attempts
	    WHERE outcome <> 'passed')"
	lk up -d
	wait_until 30 sql_is 5 "SELECT count(*) FROM attempts
	    WHERE outcome <> 'passed' AND ended_at IS NOT NULL"
	wait_until 30 status_tells "idle: 4 attempts within an hour"
	alert_stands failures 1
	sql_is 5 "SELECT count(*) FROM attempts WHERE outcome <> 'passed'"
}

@test "I10: one that is always broken off is tried ten times" {
	one_loop <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		kill -9 \$\$
	SH
	add_test T-1 false
	run_alone
	wait_until 60 test_is T-1 blocked
	[[ $(worked) == 10 ]]
	used_up 0
}

@test "I10: one whose verify is always killed is verified ten times" {
	one_loop 'slow_pause = "0";' <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		touch work
	SH
	add_test T-1 "test -e work || exit 1; kill -9 \$\$"
	run_alone
	wait_until 60 test_is T-1 blocked
	[[ $(worked) == 1 ]]
	sql_is 10 "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"
	used_up 0
}

@test "I10: work that git can't take isn't paid for twice" {
	one_loop 'slow_pause = "0";' <<-SH
		#!/bin/bash
		echo >> "$FLEET/worked"
		# No object can be made any more.
		for i in {0..9} {a..f}; do
			for j in {0..9} {a..f}; do
				d="$FLEET/repository/.git/objects/\$i\$j"
				[[ -e \$d ]] || : > "\$d"
			done
		done
		date +%N > work
	SH
	add_test T-1 "test -e work"
	run_alone
	wait_until 20 alert_stands repository 1
	# It is kept, and nothing is claimed meanwhile.
	[[ -e $WORK/work && $(worked) == 1 ]]
	find "$FLEET/repository/.git/objects" -maxdepth 1 -type f -delete
	wait_until 20 file_has "$FLEET/loop-1.log" "kept what an earlier run left"
}

@test "I10: nor one that can never be verified more than ten times" {
	one_loop 'slow_pause = "0";' <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		echo 'work filter=broken' > .gitattributes
		date +%N > work
	SH
	in_repository config filter.broken.clean cat
	in_repository config filter.broken.smudge false
	in_repository config filter.broken.required true
	add_test T-1 "test -e work"
	run_alone
	wait_until 60 test_is T-1 blocked
	[[ $(worked) == 10 ]]
	sql_is 10 "SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"
	snapshot work
}

@test "I10: questions and empty purses are tried three times" {
	mkdir "$FLEET/bin"
	ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/claude"
	ln -s "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	export PATH=$FLEET/bin:$PATH LK_DAY=hang-on-question
	one_loop 'input_limit = "300ms";' < /dev/null
	sed -i "s|worker = .*; pause|worker = \"claude\"; pause|" \
	    "$LOOPKEEPER_CONFIG"
	add_test T-1 false
	run_alone
	wait_until 60 test_is T-1 blocked
	sql_is "waiting_for_input|3" "SELECT outcome, count(*) FROM attempts
	    GROUP BY 1"
	used_up 0
	stop_alone
	sed -i 's/input_limit = "300ms";//; 1a budget = { attempt_tokens = 1000; };' \
	    "$LOOPKEEPER_CONFIG"
	add_test T-2 false
	run_alone
	wait_until 60 test_is T-2 blocked
	sql_is "budget|3" "SELECT outcome, count(*) FROM attempts
	    WHERE test_id = 'T-2' GROUP BY 1"
	# A closed gate lets nobody in, and costs nothing.
	stop_alone
	sed -i '2d' "$LOOPKEEPER_CONFIG"
	add_test T-3 false
	LK_DAY=limit run_alone
	wait_until 30 ended 1 T-3
	wait_until 10 sql_is 1 "SELECT count(*) FROM gates"
	add_test T-4 false
	wait_until 20 file_has "$FLEET/state/loop-1/specs/health.json" '"idle"'
	stop_alone
	run_alone
	wait_until 20 file_has "$FLEET/state/loop-1/specs/health.json" '"idle"'
	sql_is "rate_limited|1" "SELECT outcome, count(*) FROM attempts
	    WHERE test_id IN ('T-3', 'T-4') GROUP BY 1"
}
