# Questions hold nobody up: the test that one is about is parked, its loop takes
# others and holds no lock; whoever looks is told what it waits for.

load attempts

prepare() {
	local keys=
	need git
	[[ $BATS_TEST_DESCRIPTION != nobody* ]] ||
	    keys='decision_timeout = "2s";'
	repository "$FLEET/repository"
	fleet_config <<-CONF
		pm = { $keys };
		monitor = { failures_in_row = 2; };
		components = (
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; after = [ "pm" ];
		    loop = { worker = [ "sh", "-c", "touch {test}" ];
		      second_worker = [ "cp", "README", "T-1" ];
		      repository = "$FLEET/repository"; pause = "0";
		      max_attempts = 4; retry_delay = "2s"; }; }
		);
	CONF
	lk up -d --wait
}

decision_is() {
	sql_is "$2" "SELECT status FROM decisions WHERE id = '$1'"
}

says() {
	run lk "${@:2}"
	[[ $output == *"$1"* ]] || fail "$output"
}

# T-1 fails twice, and is parked on DEC-001; T-3 comes after it.
park() {
	add_tests <<-JSON
		{"id": "T-1", "loop_id": "loop-1", "files": ["T-1"],
		 "verify": "test -e $FLEET/mended || test -s T-1",
		 "sort_order": 1}
		{"id": "T-3", "loop_id": "loop-1", "depends_on": "T-1",
		 "verify": "test -e T-3", "sort_order": 3}
	JSON
	wait_until 20 decision_is DEC-001 pending
	wait_until 20 says "waiting: DEC-001" health
}

@test "its loop takes other tests, and all say what the one waits for" {
	park
	no_locks
	add_test T-2 "test -e T-2"
	wait_until 20 test_is T-2 passed
	wait_until 20 says "loop-1: idle (2 left, waiting: DEC-001)" health
	says "T-1 for DEC-001, T-3 for T-1" status loop-1
	says "waits for DEC-001" tests
	says "waits for    DEC-001" show T-1
	says "waits for DEC-001" order --loop loop-1
	lk order --loop loop-1 --json |
	    jq -e '[.[] | [.id, .parked, .will_be_taken]] ==
		[["T-1", "DEC-001", false], ["T-3", null, false]]'
	lk tests --json | jq -e 'sort_by(.id) | [.[] | [.id, .parked, .waits_for]] ==
	    [["T-1", "DEC-001", "DEC-001"], ["T-2", null, null],
	    ["T-3", null, "T-1"]]'
	[[ $(count_events "event_type = 'queue_empty'") -le 1 ]]
	no_locks
	used_up 2
	# What it is about, and what to paste.
	says "DEC-001  test_failing, T-1 of loop-1" decisions
	says "attempt 2: failed: verify: exit 1" decisions
	touch "$FLEET/mended"
	run -0 lk decide DEC-001 A
	[[ ${lines[1]} == "pm does it within seconds" ]] || fail "$output"
	wait_until 20 all_passed
	wait_until 10 says "loop-1: idle (queue empty)" health
	[[ $(count_events "event_type = 'decision_needed'") == 1 ]]
}

@test "the second worker tries it" {
	park
	lk decide DEC-001 D
	wait_until 20 all_passed
	sql_is 1 "SELECT second_worker FROM attempts WHERE test_id = 'T-1'
	    AND outcome = 'passed'"
}

@test "an answer that is given while the PM is away is done when it is back" {
	park
	lk stop pm
	run -0 lk decide DEC-001 C
	[[ ${lines[1]} == *"'loopkeeper start pm'"* ]] || fail "$output"
	says "it isn't done yet" decisions --all
	run -1 lk decide DEC-001 B
	test_is T-1 pending
	lk start pm
	wait_until 10 test_is T-1 blocked
	run lk decisions --all
	[[ $output == *"leave it blocked"* && $output != *"done yet"* ]] ||
	    fail "$output"
	sql_is "decision DEC-001: C" "SELECT reason FROM tests
	    WHERE id = 'T-1'"
	# Nobody is asked a second time.
	sql_is 1 "SELECT count(*) FROM decisions"
}

@test "an answer that is given while the fleet is down is done after up" {
	park
	lk down
	run -0 lk decide DEC-001 B
	[[ ${lines[1]} == *"after the next 'loopkeeper up'" ]] || fail "$output"
	test_is T-1 pending
	lk up -d
	wait_until 20 test_is T-1 skipped
}

@test "nobody answers: the default is taken, and told" {
	park
	wait_until 20 decision_is DEC-001 auto_resolved
	wait_event "event_type = 'decision_expired' AND test_id = 'T-1'"
	run -0 lk decisions --all
	[[ $output == *"nobody answered in time, the default was taken: A"* ]] ||
	    fail "$output"
	run -1 lk decide DEC-001 B
	[[ $output == *"DEC-001 was already auto_resolved: A by pm at 20"* ]] ||
	    fail "$output"
	# It goes on by itself, and nobody is asked again.
	wait_until 20 all_passed
	sql_is 1 "SELECT count(*) FROM decisions"
}

@test "it survives that everybody is killed" {
	park
	lk stop pm
	lk decide DEC-001 B
	kill_everything
	lk up -d
	lk start pm
	wait_until 20 test_is T-1 skipped
	sql_is 1 "SELECT count(*) FROM events WHERE event_type = 'test_skipped'"
}

@test "what another program asks is said to be for that to do" {
	sql "INSERT INTO decisions (id, decision_type, options, requested_by)
	    VALUES ('Q-1', 'merge', '[{\"id\": \"x\"}]', 'py'),
	    ('Q-2', 'merge', '[{\"id\": \"x\"}]', NULL)"
	run -0 lk decide q-1 X
	[[ ${lines[1]} == "py has asked, and does it" ]] || fail "$output"
	run -0 lk decide Q-2 x
	[[ ${#lines[@]} == 1 ]] || fail "$output"
}
