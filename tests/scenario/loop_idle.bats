# A loop and a PM that have nothing to do sleep, and are awake at once when
# there is something.

load lib

prepare() {
	need git
	repository "$FLEET/repository"
	fleet_config <<-CONF
		components = (
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify";
		    loop = { worker = [ "sh", "-c", "touch {test}" ];
		      repository = "$FLEET/repository"; pause = "0";
		      retry_delay = "0"; }; } );
	CONF
	lk up -d --wait
	wait_event "event_type = 'queue_empty'"
	wait_until 10 says loop-1 "idle: queue empty"
	wait_until 20 sleeps loop-1
	wait_until 20 sleeps pm
}

says() {
	lk status "$1" | grep -qF "$2" || fail "$(lk status "$1")"
}

new_test() {
	echo "INSERT INTO tests (id, loop_id, status, verify, max_attempts)
	    VALUES ('$1', 'loop-1', 'pending', '${2:-test -e $1}', 1);"
}

# It may take its time to pass.
is_taken() {
	[[ $(sql "SELECT count(*) FROM attempts WHERE test_id = '$1'") == 1 ]]
}

@test "a new test is taken within a second, whoever wrote it" {
	lk add T-1 --loop loop-1 --verify "test -e T-1"
	wait_until 3 is_taken T-1
	wait_until 20 test_is T-1 passed
	wait_until 20 sleeps loop-1
	sql "$(new_test T-2)"
	wait_until 3 is_taken T-2
	wait_until 20 test_is T-2 passed
	wait_until 20 sleeps loop-1
	# And by one that stays, with a transaction that takes its time.
	foreigner "BEGIN IMMEDIATE;" "$(new_test T-3)"
	tell_foreigner "COMMIT;"
	wait_until 3 is_taken T-3
	wait_until 20 test_is T-3 passed
}

@test "a question is asked, and its answer taken, within a second" {
	sql "$(new_test T-1 false)"
	wait_until 5 decision_is pending
	wait_until 20 sleeps pm
	lk decide DEC-001 B
	wait_until 3 test_is T-1 skipped
}

decision_is() {
	[[ $(sql "SELECT status FROM decisions") == "$1" ]]
}

@test "one that is idle is paused after its test at once" {
	timeout $((5 * LK_PATIENCE)) "$LOOPKEEPER" pause all --after-test 3>&-
	state_is loop-1 stopped
	lk resume all
	wait_state loop-1 running
}

@test "recorder and logger sleep, too" {
	wait_until 20 sleeps recorder
	wait_until 20 sleeps logger
}
