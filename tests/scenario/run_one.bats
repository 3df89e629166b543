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

@test "another loop may try it, and the test stays whose it is" {
	sed -i '$d' "$LOOPKEEPER_CONFIG"
	cat >> "$LOOPKEEPER_CONFIG" <<-CONF
		  , { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    loop = { worker = [ "$FLEET/worker" ];
		      repository = "$FLEET/repository"; }; }
		);
	CONF
	run -0 lk run-one T-1 --loop loop-2
	says "passed: loopkeeper/main at "
	[[ $(sql "SELECT loop_id, status FROM tests WHERE id = 'T-1'") == \
	    "loop-1|passed" ]]
	[[ $(sql "SELECT loop_id FROM attempts") == loop-2 ]]
	git -C "$FLEET/repository" log -1 --format=%B loopkeeper/main |
	    grep -qx "Loop: loop-2"
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

# refused TEXT: run-one says that at once, and does nothing.
refused() {
	run -1 timeout 60 "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" run-one T-1 3>&-
	says "T-1 can't be taken now: $1"
	test_is T-1 pending
	[[ $(sql "SELECT count(*) FROM attempts") == 0 ]]
	[[ $(sql "SELECT count(*) FROM alerts
	    WHERE alert_type NOT LIKE 'budget%'") == 0 ]]
}

@test "who has to wait is told for what, and isn't left waiting" {
	local keys='pause = "0";'
	sed -i "1a budget = { day_usd = 1.0; };" "$LOOPKEEPER_CONFIG"
	sql "INSERT INTO usage (id, loop_id, cost_usd, recorded_at) VALUES
	    ('u', 'loop-1', 2.0, strftime('%Y-%m-%dT%H:%M:%fZ'))"
	refused "all loops spent 2.00 of 1.00 USD of today"
	sql "DELETE FROM usage"
	sed -i "s|$keys|& setup = \"exit 3\";|" "$LOOPKEEPER_CONFIG"
	refused "setup: exit 3: see "
	sed -i "s|exit 3|true|; s|$keys|& min_disk = \"1000T\";|" \
	    "$LOOPKEEPER_CONFIG"
	refused "less than "
	sed -i 's|min_disk = "1000T";||' "$LOOPKEEPER_CONFIG"
	git -C "$FLEET/repository" checkout -q loopkeeper/main
	refused "branch loopkeeper/main is checked out in "
	git -C "$FLEET/repository" checkout -q main
	echo "file-based recorder" > "$FLEET/mode"
	LOOPKEEPER_MODE_FILE=$FLEET/mode refused "the mode is file-based"
	run -0 lk run-one T-1
}

@test "nor where the provider's gate is closed" {
	ln -s "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/claude"
	export PATH=$FLEET:$PATH
	sed -i 's|worker = .*; pause|worker = "claude"; pause|' \
	    "$LOOPKEEPER_CONFIG"
	sql "INSERT INTO gates (provider, reason, closed_at, open_at, failures)
	    VALUES ('claude', 'rate_limited', '2000-01-01T00:00:00.000Z',
	    '2999-01-01T00:00:00.000Z', 1)"
	refused "rate-limited (claude, until "
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
