# What is verified gets to the integration branch, whichever that is, past the
# locks of nobody; and no hook of the operator's is woken by it.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
}

# A loop whose worker makes shared.c, once $FLEET/go is there, and counts how
# often it is run.
counted_loop() {
	one_loop "slow_pause = \"100ms\"; ${1:-}" <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		while test ! -e "$FLEET/go"; do sleep 0.05; done
		echo made > shared.c
	SH
}

# T-1, whose verify passes once $FLEET/verified is there.
add_held_test() {
	add_test T-1 "test -e shared.c || exit 1
	    echo >> '$FLEET/verifying'
	    while test ! -e '$FLEET/verified'; do sleep 0.05; done"
}

health_is_file_based() {
	jq -e '.mode == "file-based"' "$FLEET/state/loop-1/specs/health.json"
}

never_merged_to() {
	[[ -z $(in_repository log --format=%H --grep "^Test: $2$" "$1") ]]
}

# Another loop begins with a test whose files it declares.
lock() {
	sql "INSERT INTO file_locks (file_path, locked_by, test_id, locked_at,
	    expires_at) VALUES ('shared.*', 'loop-2', 'B-1', datetime('now'),
	    datetime('now', '1 hour'))"
}

verified() {
	[[ $(wc -l < "$FLEET/verifying") == "$1" ]]
}

worked() {
	[[ $(wc -l < "$FLEET/worked") == "$1" ]]
}

# parked: T-1 waits for the lock, with what was done for it.
parked() {
	[[ $(last_end) == "interrupted: it changed shared.c, which loop-2 has \
locked for B-1" ]]
}

@test "what was locked while it was verified is merged once it is free" {
	counted_loop
	touch "$FLEET/go"
	add_held_test
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	lock
	touch "$FLEET/verified"
	wait_until 20 ended 1
	parked
	never_merged T-1
	used_up 0
	# Nothing is done for it meanwhile, but for others.
	add_test T-2 true
	wait_until 20 test_is T-2 passed
	ended 1
	# One that can't know of it goes on with it, as far as it gets.
	stop_alone
	run_alone
	wait_until 20 ended 2
	parked
	verified 1
	used_up 0
	sql "DELETE FROM file_locks WHERE locked_by = 'loop-2'"
	wait_until 20 test_is T-1 passed
	merged_once T-1
	ended 3
	worked 1
}

@test "what was merged while work waited for a lock is run with it first" {
	one_loop 'slow_pause = "100ms"; recheck = 1;' <<-SH
		#!/bin/sh
		if [ "\$LOOPKEEPER_TEST_ID" = T-1 ]; then
			touch "$FLEET/working" shared.c
			while test ! -e "$FLEET/go"; do sleep 0.05; done
		fi
		touch "\$LOOPKEEPER_TEST_ID"
	SH
	add_test P-1 "test -e P-1"
	run_alone
	wait_until 20 test_is P-1 passed
	add_held_test
	wait_until 20 exists "$FLEET/working"
	touch "$FLEET/go"
	wait_until 20 exists "$FLEET/verifying"
	lock
	touch "$FLEET/verified"
	wait_until 20 ended 1
	parked
	add_test M-1 "test -e M-1 && test ! -e T-1"
	wait_until 20 test_is M-1 passed
	sql "DELETE FROM file_locks WHERE locked_by = 'loop-2'"
	wait_until 20 told "it breaks M-1, which passed without it"
	# However often it is tried, though one test only is run again.
	wait_until 20 test_is T-1 blocked
	never_merged T-1
	test_is M-1 passed
}

# told TEXT: some attempt of T-1 ended with that.
told() {
	has_event "event_type = 'attempt_ended' AND test_id = 'T-1'
	    AND payload ->> 'detail' LIKE '%$1%'"
}

@test "what was locked while nobody could tell isn't merged either" {
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	echo normal > "$FLEET/mode"
	counted_loop
	add_held_test
	run_alone
	wait_until 20 exists "$FLEET/worked"
	lock
	echo "file-based recorder" > "$FLEET/mode"
	wait_until 20 health_is_file_based
	touch "$FLEET/go"
	# It was judged, and nobody knew of the lock.
	wait_until 20 exists "$FLEET/verifying"
	echo normal > "$FLEET/mode"
	touch "$FLEET/verified"
	wait_until 20 parked
	never_merged T-1
	used_up 0
	worked 1
}

@test "what was verified while nobody could tell is rechecked before a merge" {
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	echo normal > "$FLEET/mode"
	counted_loop
	add_test P-1 "test ! -e shared.c"
	run_alone
	wait_until 20 test_is P-1 passed
	touch "$FLEET/go"
	add_held_test
	wait_until 20 exists "$FLEET/verifying"
	echo "file-based recorder" > "$FLEET/mode"
	wait_until 20 health_is_file_based
	touch "$FLEET/verified"
	wait_until 20 exists "$FLEET/state/spool/loop-1.outcome"
	echo normal > "$FLEET/mode"
	wait_until 20 ended 1
	[[ $(last_end) == "failed: it breaks P-1, which passed without it: \
verify: exit 1" ]] || fail "$(last_end)"
	never_merged T-1
}

@test "what another loop locks while it works is the attempt's failure, once" {
	counted_loop 'retry_delay = "0";'
	add_test T-1 "test -e shared.c"
	run_alone
	wait_until 20 exists "$FLEET/worked"
	lock
	touch "$FLEET/go"
	wait_until 20 ended 1
	[[ $(last_end) == "failed: it changed shared.c, which loop-2 has locked \
for B-1" ]]
	never_merged T-1
	# It isn't tried again before that lock is gone.
	add_test T-2 "true"
	wait_until 20 test_is T-2 passed
	worked 1
	used_up 1
	sql "DELETE FROM file_locks WHERE locked_by = 'loop-2'"
	wait_until 20 test_is T-1 passed
	worked 2
}

@test "what conflicts with a merge uses up no attempt, and is told why" {
	local first
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		cat >> "$FLEET/prompts"
		echo mine > shared.c
		touch work
	SH
	add_test T-1 "test -e work || exit 1; touch '$FLEET/verifying'
	    until test -e '$FLEET/verified'; do sleep 0.05; done"
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	first=$(attempt id)
	operator_commits shared.c
	touch "$FLEET/verified"
	wait_until 20 test_is T-1 passed
	used_up 1
	file_has "$FLEET/prompts" \
	    "it conflicts with what was merged meanwhile: shared.c"
	[[ $(snapshot shared.c "$first") == mine ]]
}

@test "another integration branch is kept, built on and merged to" {
	local id
	in_repository branch his/line
	one_loop 'integration_branch = "his/line";' <<-SH
		#!/bin/sh
		git update-ref refs/heads/his/line HEAD~0 2> "$FLEET/told" ||
		    touch "$FLEET/refused"
		cat "done-T-1" >> "done-\$LOOPKEEPER_TEST_ID"
		echo x >> "done-\$LOOPKEEPER_TEST_ID"
		git add . && git commit -q -m "By myself"
		git branch -f his/line HEAD
	SH
	add_test T-1 "test -e done-T-1"
	run_alone
	wait_until 20 test_is T-1 passed
	add_test T-2 "grep x done-T-1 && test \$(wc -l < done-T-2) = 2"
	wait_until 20 test_is T-2 passed
	for id in T-1 T-2; do
		[[ $(in_repository log --format=%H --grep "^Test: $id$" \
		    his/line) == $(attempt result_commit "$id") ]]
	done
	[[ $(in_repository rev-list --count his/line) == 3 ]]
	file_has "$FLEET/told" "his/line isn't to be moved from here"
	exists "$FLEET/refused"
	# The default one isn't made.
	run -1 in_repository show-ref --verify -q refs/heads/loopkeeper/main
	# Where it is checked out it isn't moved under anybody.
	in_repository checkout -q his/line
	add_test T-3 "test -e done-T-3"
	wait_until 20 alert_stands repository 1
	never_merged_to his/line T-3
}

@test "no hook of the operator's runs for what a loop does with git" {
	local name hooks=$FLEET/repository/.git/hooks
	mkdir -p "$hooks"
	for name in pre-commit prepare-commit-msg commit-msg post-commit \
	    post-checkout post-index-change post-merge post-rewrite \
	    pre-rebase pre-merge-commit reference-transaction; do
		printf '#!/bin/sh\necho %s >> "%s"\nexit 1\n' "$name" \
		    "$FLEET/hooked" > "$hooks/$name"
		chmod 755 "$hooks/$name"
	done
	counted_loop
	touch "$FLEET/go"
	add_test T-1 "test -e shared.c"
	run_alone
	wait_until 20 test_is T-1 passed
	[[ ! -e $FLEET/hooked ]] || fail "$(sort "$FLEET/hooked" | uniq -c)"
	merged_once T-1
}

# two_loops: that recheck one test; P-1, P-2 and P-3 have passed longest ago.
# The worker of T-2 waits for $FLEET/work.
two_loops() {
	one_loop <<-SH
		#!/bin/sh
		touch "\$LOOPKEEPER_TEST_ID"
		test "\$LOOPKEEPER_TEST_ID" = T-2 || exit 0
		touch "$FLEET/worked"
		while test ! -e "$FLEET/work"; do sleep 0.05; done
	SH
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; pause = "0";
		  worker = [ "$FLEET/worker" ]; max_attempts = 1; recheck = 1; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ]; loop = {}; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ]; loop = {}; }
		);
	CONF
	local id
	for id in P-1 P-2 P-3; do
		add_test "$id" "test -e $id"
	done
	run_alone loop-1
	wait_until 20 all_passed
}

# add_second VERIFY: T-2, and starts its loop.
add_second() {
	jq -n --arg verify "$1" '{id: "T-2", loop_id: "loop-2",
	    verify: $verify}' | add_tests
	run_alone loop-2
}

breaks_first() {
	[[ $(last_end T-2) == "failed: it breaks T-1, which passed without it: \
verify: exit 1" ]] || fail "$(last_end T-2)"
	never_merged T-2
	test_is T-1 passed
}

@test "what was merged while the worker worked is run again first" {
	two_loops
	add_second "test -e T-2"
	wait_until 20 exists "$FLEET/worked"
	add_test T-1 "test -e T-1 && test ! -e T-2"
	wait_until 20 test_is T-1 passed
	touch "$FLEET/work"
	wait_until 20 ended 1 T-2
	breaks_first
}

@test "what was merged while the work was verified is run again first" {
	two_loops
	touch "$FLEET/work"
	add_second "test -e T-2 || exit 1; touch '$FLEET/verifying'
	    while test ! -e '$FLEET/verified'; do sleep 0.05; done"
	wait_until 20 exists "$FLEET/verifying"
	add_test T-1 "test -e T-1 && test ! -e T-2"
	wait_until 20 test_is T-1 passed
	touch "$FLEET/verified"
	wait_until 20 ended 1 T-2
	breaks_first
}
