# run-one: one attempt of one test before one's eyes, and no other.

load lib

prepare() {
	need git
	one_loop "" <<-'SH'
		#!/bin/sh
		cat
		echo "I try $LOOPKEEPER_TEST_ID"
		[ ! -e "$FLEET/lazy" ] && echo done > "$LOOPKEEPER_TEST_ID"
		[ ! -e "$FLEET/hang" ] || exec sleep 1000
	SH
	# The second waits for the first.
	jq -n '["T-1", "T-2", "T-3"] | map({id: ., loop_id: "loop-1",
	    spec_content: "Make \(.).", verify: "test -e \(.)",
	    depends_on: (if . == "T-2" then "T-1" else null end)}
	    | with_entries(select(.value)))' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

@test "prompt, output, verdict and diff of one attempt" {
	run -0 lk run-one t-1
	says $'--- prompt\nMake T-1.'
	says "I try T-1"
	says "verify: test -e T-1"
	says "passed: loopkeeper/main at "
	says $'--- diff\n T-1 | 1 +'
	says "+done"
	test_is T-1 passed
	test_is T-2 pending
	test_is T-3 pending
	[[ $(sql "SELECT count(*) FROM attempts") == 1 ]]
	[[ $(git -C "$FLEET/repository" log --format=%B loopkeeper/main |
	    grep -c '^Test: T-1$') == 1 ]]
}

@test "one that fails says so, and is tried no second time" {
	touch "$FLEET/lazy"
	run -1 lk run-one T-1
	says "failed: verify: exit 1"
	test_is T-1 pending
	[[ $(sql "SELECT attempts FROM tests WHERE id = 'T-1'") == 1 ]]
}

@test "what can't be tried is said, and nothing is done" {
	run -1 lk run-one T-9
	says "T-9"
	run -1 lk run-one T-2
	says "T-2 can't be taken now"
	lk skip T-1 > /dev/null
	run -1 lk run-one T-1
	says "T-1 is skipped: 'loopkeeper reset T-1' makes it pending"
	[[ $(sql "SELECT count(*) FROM attempts") == 0 ]]
}

@test "a loop that runs is to be paused first" {
	touch "$FLEET/hang"
	lk up -d
	wait_until 20 test_is T-1 in_progress
	run -1 lk run-one T-3
	says "loopkeeper pause loop-1"
	run -1 lk run-one T-1
	says "T-1 is being worked on by loop-1"
	lk pause loop-1 > /dev/null
	rm "$FLEET/hang"
	run -0 lk run-one T-3
	test_is T-3 passed
	test_is T-1 pending
	lk resume loop-1 > /dev/null
	wait_until 20 test_is T-2 passed
}
