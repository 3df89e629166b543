# Two loops change the same file. What goes together is only told; where it
# doesn't, the one with the higher priority goes first, the other one takes
# other work, and then goes on with what it had done, or as a human decides.

load attempts

prepare() {
	need git cc make
	EXAMPLE=$LK_ROOT/examples/three-loops
	export SOLUTIONS=$EXAMPLE/solutions
	"$EXAMPLE/setup" "$FLEET/repository" 3>&-
	# What a worker does for a test stands in do-TEST. It sees what it finds
	# there, and goes on when it is told to.
	cat > "$FLEET/worker" <<-'SH'
		#!/bin/sh
		set -eu
		test=$LOOPKEEPER_TEST_ID
		solve() { cp "$SOLUTIONS/$1.c" src/; }
		headline() { sed -i "s/^ \* pocket: .*/ * pocket: $1/" \
		    include/pocket.h; }
		hold() { until [ -e "$FLEET/${1:-go}-$test" ]; do
		    sleep 0.05; done; }
		git status --porcelain > "$FLEET/found-$test"
		. "$FLEET/do-$test"
	SH
	chmod +x "$FLEET/worker"
	does A 'solve trim; headline "of A"; touch "$FLEET/began-A"; hold'
	does B 'solve size; headline "of B"; touch "$FLEET/began-B"; hold'
	does C 'solve push'
}

# does TEST COMMANDS
does() {
	echo "$2" > "$FLEET/do-$1"
}

# configure [LOOPS] [TOP] [PM]: the fleet and its tests; more keys of loops, of
# the whole, of the PM.
configure() {
	local top=${2:-} pm=${3:-}
	[[ -n $top ]] || top='pm = { every = "1s"; };'
	[[ -n $pm ]] || pm='command = [ "loopkeeper-pm" ];'
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; pause = "0";
		  retry_delay = "0"; worker = [ "$FLEET/worker" ]; ${1:-} };
		monitor = { every = "200ms"; };
		regressions = { every = "0"; };
		$top
		components = (
		  { name = "monitor"; command = [ "loopkeeper-monitor" ];
		    ready = "notify"; },
		  { name = "pm"; ready = "notify";
		    $pm },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { priority = 1; }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { priority = 2; }; }
		);
	CONF
	add_tests <<-'JSON'
		{"id": "A", "loop_id": "loop-1", "verify": "make -s check-trim"}
		{"id": "B", "loop_id": "loop-2", "sort_order": 1,
		 "verify": "make -s check-size && grep 'of B' include/pocket.h"}
		{"id": "C", "loop_id": "loop-2", "sort_order": 2,
		 "verify": "make -s check-push"}
	JSON
}

# Both workers are at it.
both_begin() {
	configure "$@"
	lk up -d
	wait_until 20 exists "$FLEET/began-A"
	wait_until 20 exists "$FLEET/began-B"
}

conflict_is() {
	sql_is "$1" "SELECT status FROM conflicts"
}

# B is paused, with what it had done kept, and its loop does C meanwhile.
second_is_paused() {
	wait_until 30 conflict_is paused
	wait_until 30 test_is C passed
	sql_is "loop-2|loop-1|CON-001" "SELECT paused_loop, first_loop, id
	    FROM conflicts"
	sql_is "pending|CON-001|0" "SELECT status, parked, attempts FROM tests
	    WHERE id = 'B'"
	sql_is "interrupted" "SELECT outcome FROM attempts WHERE test_id = 'B'"
	events_are 1 "event_type = 'file_conflict'"
	events_are 1 "event_type = 'paused' AND loop_id = 'loop-2'"
	lk timeline | grep -F "loop-2 lets B wait: CON-001: loop-1 goes first"
	first_work | grep -q "of B"
	test_is A in_progress
}

# What the first attempt at B left.
first_work() {
	in_repository show "$(sql "SELECT snapshot_ref FROM attempts
	    WHERE test_id = 'B' ORDER BY fence LIMIT 1"):include/pocket.h"
}

found() {
	[[ $(sort "$FLEET/found-$1") == "$2" ]] || fail "$(< "$FLEET/found-$1")"
}

headline_is() {
	in_repository show loopkeeper/main:include/pocket.h |
	    grep -q "pocket: $1"
}

is_over() {
	conflict_is closed &&
	    events_are 1 "event_type = 'conflict_resolved'" &&
	    sql_is "0" "SELECT count(*) FROM tests WHERE parked IS NOT NULL"
}

# It doesn't go together, A is merged, and it is asked what is to become of B.
it_is_asked() {
	both_begin "" "${1:-}"
	second_is_paused
	touch "$FLEET/go-A" "$FLEET/go-B"
	wait_until 30 test_is A passed
}

@test "what goes together is told once, and both are merged" {
	does B 'solve size; echo "/* of B */" >> include/pocket.h
	    echo B > tests/new_test.c; touch "$FLEET/began-B"; hold'
	# Files of tests are in the way of nobody: they are never merged.
	does A 'echo A > tests/new_test.c; solve trim; headline "of A"
	    touch "$FLEET/began-A"; hold'
	both_begin
	wait_event "event_type = 'same_file_changed'" 30
	touch "$FLEET/go-A" "$FLEET/go-B"
	wait_until 60 all_passed
	events_are 1 "event_type = 'same_file_changed'"
	sql_is "0" "SELECT count(*) FROM conflicts"
	sql_is "3" "SELECT count(*) FROM attempts"
	lk timeline | grep "loop-2 changed what loop-1 changes as well: \
include/pocket.h"
}

@test "the strict rule pauses one, which then goes on with its work" {
	does B 'solve size; grep "of B" include/pocket.h ||
	    echo "/* of B */" >> include/pocket.h
	    touch "$FLEET/began-B"; hold'
	both_begin 'on_same_file = "pause";'
	second_is_paused
	lk conflicts | grep "loop-2 (priority 2), B: paused"
	lk conflicts --json | jq -e '.[0] | .id == "CON-001" and
	    .status == "paused" and .files == ["include/pocket.h"] and
	    .paused_loop == "loop-2" and .second_priority == 2'
	touch "$FLEET/go-A" "$FLEET/go-B"
	wait_until 60 all_passed
	wait_until 10 is_over
	events_are 1 "event_type = 'resumed'"
	found B $' M include/pocket.h\n M src/size.c'
	sql_is "0" "SELECT count(*) FROM decisions"
	sql_is "1" "SELECT attempts FROM tests WHERE id = 'B'"
	headline_is "of A"
	lk conflicts | grep "loop-2 goes on after loop-1"
}

@test "whoever goes first may end otherwise, and the other one goes on" {
	does A 'solve trim; headline "of A"; touch "$FLEET/began-A"; hold
	    git checkout include/pocket.h'
	both_begin
	second_is_paused
	# A PM that dies takes nothing with it.
	kill -9 "$(pid_of pm)"
	touch "$FLEET/go-A" "$FLEET/go-B"
	wait_until 60 all_passed
	wait_until 10 is_over
	found B $' M include/pocket.h\n M src/size.c'
	sql_is "0" "SELECT count(*) FROM decisions"
	headline_is "of B"
}

@test "what conflicts is asked; the first may be kept" {
	it_is_asked
	wait_until 30 sql_is pending "SELECT status FROM decisions"
	conflict_is deciding
	sql_is "DEC-001" "SELECT parked FROM tests WHERE id = 'B'"
	lk conflicts | grep -F "loopkeeper decide DEC-001 B   # "
	kill -9 "$(pid_of pm)"
	lk decide DEC-001 A
	wait_until 60 all_passed
	wait_until 10 is_over
	# It began afresh on top of the other one.
	found B ""
	headline_is "of B"
	in_repository show loopkeeper/main~1:include/pocket.h |
	    grep -q "pocket: of A"
}

@test "or the second" {
	does B 'grep "of B" include/pocket.h || headline "of B"; solve size
	    touch "$FLEET/began-B"; hold'
	it_is_asked
	wait_until 30 sql_is pending "SELECT status FROM decisions"
	lk decide DEC-001 B
	wait_until 60 all_passed
	wait_until 10 is_over
	found B $' M include/pocket.h\n M src/size.c'
	headline_is "of B"
}

@test "nobody answers: the test is blocked and says how to put it right" {
	local reason push
	it_is_asked 'pm = { every = "1s"; decision_timeout = "1s"; };'
	wait_until 30 test_is B blocked
	wait_until 10 is_over
	reason=$(sql "SELECT reason FROM tests WHERE id = 'B'")
	# As it says.
	reason=${reason#*To put it right: }
	(
		cd "$FLEET/repository"
		eval "${reason%%; in there*}" 3>&-
		cd ../by-hand
		reason=${reason#*in there }
		eval "${reason%%; mend*}" 3>&- || true
		git checkout -q --theirs include/pocket.h
		git add -A
		git commit -q -m "By hand"
		push=$(grep -o 'git push \. HEAD:loopkeeper/main' \
		    <<< "$reason")
		# What was merged meanwhile isn't lost by it.
		git branch -f before loopkeeper/main
		git branch -f loopkeeper/main "$(git commit-tree \
		    -p before -m "Meanwhile" 'before^{tree}')"
		! eval "$push" 3>&- 2> /dev/null
		git branch -f loopkeeper/main before
		eval "$push" 3>&-
		eval "lk ${reason##*then loopkeeper }"
	)
	wait_until 30 all_passed
	sql_is "1" "SELECT count(*) FROM decisions"
	headline_is "of B"
}

@test "what was merged between their beginnings is no conflict of theirs" {
	does A 'touch "$FLEET/began-A"; hold early'
	both_begin 'max_attempts = 2;'
	# Somebody merges something to the same file, of which only A knows.
	does A 'solve trim; headline "of A"; touch "$FLEET/again-A"; hold'
	(
		check_out "$FLEET/his"
		cd "$FLEET/his"
		echo "/* of him */" >> include/pocket.h
		git commit -q -a -m "His"
		git push -q origin loopkeeper/main
	)
	touch "$FLEET/early-A"
	wait_until 20 exists "$FLEET/again-A"
	second_is_paused
	touch "$FLEET/go-A" "$FLEET/go-B"
	wait_until 30 test_is A passed
	wait_until 30 conflict_is deciding
}

@test "a test that is skipped meanwhile ends it" {
	both_begin
	second_is_paused
	lk skip B
	wait_until 20 is_over
	touch "$FLEET/go-A"
	wait_until 30 test_is A passed
}

@test "what was merged first is met at the merge, and shown" {
	configure "max_attempts = 1;"
	sed -i 's/same_file_within.*//; s/every = "200ms";/& same_file_within = "0";/' \
	    "$LOOPKEEPER_CONFIG"
	lk up -d
	wait_until 20 exists "$FLEET/began-A"
	wait_until 20 exists "$FLEET/began-B"
	touch "$FLEET/go-A"
	wait_until 30 test_is A passed
	touch "$FLEET/go-B"
	wait_until 60 all_passed
	wait_until 10 is_over
	sql_is "A|loop-1|B|loop-2|[\"include/pocket.h\"]" "SELECT first_test,
	    first_loop, second_test, second_loop, files FROM conflicts"
	sql_is "$(sql "SELECT id FROM attempts WHERE test_id = 'A'")" \
	    "SELECT first_attempt FROM conflicts"
	events_are 1 "event_type = 'file_conflict'"
	lk conflicts | grep "done again on the new tip"
}

# says LOOP TEXT: the status of the loop, or of the whole without one.
says() {
	lk status ${1:+"$1"} | grep -qF "$2" || fail "$(lk status ${1:+"$1"})"
}

@test "without a PM a loop stops at a conflict, and goes on when it is back" {
	# It can't be kept up for now.
	cat > "$FLEET/pm" <<-'SH'
		#!/bin/sh
		[ ! -e "$FLEET/pm-is-dead" ] || exit 1
		exec loopkeeper-pm
	SH
	chmod +x "$FLEET/pm"
	touch "$FLEET/pm-is-dead"
	configure "" "" "command = [ \"$FLEET/pm\" ];
	    mode_when_down = \"conservative\"; restart = { max_restarts = 1;
	    delay = \"10ms\"; retry_every = \"1s\"; };"
	lk up -d
	wait_until 30 mode_is conservative
	wait_until 20 exists "$FLEET/began-A"
	wait_until 20 exists "$FLEET/began-B"
	wait_until 30 conflict_is open
	touch "$FLEET/go-B"
	wait_until 30 test_is B passed
	wait_until 20 says loop-2 "mode conservative, and stopped at a conflict"
	test_is C pending
	rm "$FLEET/pm-is-dead"
	wait_until 30 test_is C passed
	mode_is normal
	wait_until 10 is_over
	# It leaves the other one's line alone from now on.
	does A 'solve trim'
	touch "$FLEET/go-A"
	wait_until 60 all_passed
}

# waiting NUMBER TEST REPOSITORY: a conflict that only lacks the PM's look at
# what the second one had done, there.
waiting() {
	sql "INSERT INTO tests (id, loop_id, parked, verify)
	    VALUES ('$2', 'loop-2', 'CON-00$1', 'true');
	    INSERT INTO attempts (id, test_id, loop_id, fence, state, outcome,
	    repository, integration_branch, base_commit, snapshot_ref, ended_at)
	    VALUES ('$2-1', '$2', 'loop-2', 1, 'parked', 'interrupted',
	    '$3', 'loopkeeper/main', 'HEAD', 'refs/none', datetime('now'));
	    INSERT INTO conflicts (id, files, first_loop, first_test,
	    second_loop, second_test, second_attempt, status, paused_loop)
	    VALUES ('CON-00$1', '[\"f\"]', 'loop-1', 'A', 'loop-2', '$2',
	    '$2-1', 'paused', 'loop-2')"
}

@test "one that can't be settled is told, and holds up no other" {
	configure
	lk up -d --wait
	lk stop loop-1 loop-2 monitor
	lk skip A
	lk stop pm
	waiting 1 X "$FLEET/nowhere"
	waiting 2 Y "$FLEET/repository"
	lk start pm
	wait_until 20 sql_is closed "SELECT status FROM conflicts
	    WHERE id = 'CON-002'"
	sql_is paused "SELECT status FROM conflicts WHERE id = 'CON-001'"
	wait_until 10 alert_stands conflict_unsettled 1
	lk alerts | grep "CON-001: X waits ('loopkeeper reset X' has it begun afresh)"
	lk reset X
	wait_until 20 alert_stands conflict_unsettled 0
	alerts_are 1 conflict_unsettled
}

@test "an answer that isn't done yet is shown as one" {
	configure
	waiting 1 X "$FLEET/repository"
	sql "UPDATE conflicts SET status = 'deciding', decision_id = 'DEC-001';
	    INSERT INTO decisions (id, decision_type, options, status) VALUES
	    ('DEC-001', 'file_conflict',
	    '[{\"id\": \"A\"}, {\"id\": \"C\"}]', 'pending')"
	run -3 lk conflicts
	[[ $output == *"X: waits for an answer"*"
    loopkeeper decide DEC-001 A   # "*"
    loopkeeper decide DEC-001 C   # "* ]] || fail "$output"
	run env -u LOOPKEEPER_CONFIG loopkeeper -c "$LOOPKEEPER_CONFIG" \
	    conflicts
	[[ $output == *"loopkeeper -c $LOOPKEEPER_CONFIG decide DEC-001 A "* ]] ||
	    fail "$output"
	says "" "loop-2 waits; DEC-001 is to be decided"
	lk decide DEC-001 a
	says "" "loop-2 waits; DEC-001 is decided, but not done yet"
	run -3 lk conflicts
	[[ $output == *"X: waits for the PM"*"DEC-001: A, by "*"; it isn't \
done yet"* && $output != *"decide DEC"* ]] || fail "$output"
}
