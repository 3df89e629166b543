# Mode conservative: without its PM nobody would settle what two loops both
# want, so that a loop stops at the first such conflict.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
	cat > "$FLEET/worker" <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_TEST_ID" >> "$FLEET/worked"
		touch "$FLEET/started-$LOOPKEEPER_TEST_ID"
		until test -e "$FLEET/go"; do sleep 0.05; done
		echo "$LOOPKEEPER_TEST_ID" > shared.c
		touch "$LOOPKEEPER_TEST_ID"
	SH
	chmod +x "$FLEET/worker"
	fleet_config <<-CONF
		components = (
		  { name = "gone"; mode_when_down = "conservative";
		    command = [ "false" ];
		    restart = { max_restarts = 1; delay = "10ms"; }; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { worker = [ "$FLEET/worker" ];
		      pause = "0"; max_attempts = 2; retry_delay = "0";
		      repository = "$FLEET/repository"; }; }
		);
	CONF
	lk up -d
	wait_until 10 mode_is conservative
	wait_state loop-1 running
}

# lock FILE: it is another loop's.
lock() {
	sql "INSERT INTO file_locks (file_path, locked_by, test_id, locked_at,
	    expires_at) VALUES ('$1', 'loop-2', 'B-1', datetime('now'),
	    datetime('now', '1 hour'))"
}

says() {
	lk status loop-1 | grep -qF "$1" || fail "$(lk status loop-1)"
}

# stops_at TEXT [TEST]: that is said, and nothing but that test was ever claimed
# until the mode is over.
stops_at() {
	wait_until 20 says "mode conservative, and $1"
	[[ $(cat "$FLEET/worked") == "${2:-}" ]]
	lk stop gone
	wait_until 10 mode_is normal
	wait_until 20 test_is T-2 passed
	wait_until 10 says "idle"
	! lk status loop-1 | grep "mode conservative"
}

@test "nothing is claimed past a test whose files are locked" {
	touch "$FLEET/go" "$FLEET/worked"
	lock README
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "sort_order": 1,
		 "files": ["README"], "verify": "test -e T-1"}
		{"id": "T-2", "loop_id": "loop-1", "sort_order": 2,
		 "verify": "test -e T-2"}
	JSON
	stops_at "the next test's files are locked"
	test_is T-1 pending
}

# both_begun: T-1 is at work, and T-2 comes after it.
both_begun() {
	add_test T-1 "test -e T-1" '{"sort_order": 1}'
	wait_until 10 exists "$FLEET/started-T-1"
	add_test T-2 "test -e T-2" \
	    '{"sort_order": 0, "worker": "touch T-2"}'
}

@test "nor after an attempt that changed what another loop has locked" {
	both_begun
	lock shared.c
	touch "$FLEET/go"
	stops_at "stopped at a conflict: T-1: it changed shared.c, which" T-1
}

@test "nor after one that conflicts with what was merged meanwhile" {
	both_begun
	operator_commits shared.c
	touch "$FLEET/go"
	stops_at "stopped at a conflict: T-1: it conflicts with what was " T-1
}
