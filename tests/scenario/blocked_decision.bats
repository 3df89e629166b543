# A test that is out of attempts becomes a question; its answer is done within
# seconds, survives everybody who waits for it, and is C where nobody answers.

load lib

prepare() {
	need git
	repository "$FLEET/repository"
}

# configure PM: loop-1 whose worker does nothing, and the given pm group.
configure() {
	fleet_config <<-CONF
		pm = { $1 };
		monitor = { every = "200ms"; ${2:-} };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify";
		    loop = { worker = [ "sh", "-c", "${3:-true}" ];
		      repository = "$FLEET/repository"; pause = "0";
		      retry_delay = "0"; }; }
		);
	CONF
	cat > "$FLEET/tests.json" <<-JSON
		[{"id": "T-1", "loop_id": "loop-1", "max_attempts": 2,
		  "verify": "test -e $FLEET/done"}]
	JSON
	lk import "$FLEET/tests.json" > /dev/null
}

alone() {
	background "${1##*-}.log" "$@"
}

holds() {
	[[ $(sql "SELECT count(*) FROM $1") -ge 1 ]] || fail "none: $1"
}

@test "A: the test gets fresh attempts" {
	configure ""
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "decisions WHERE id = 'DEC-001'
	    AND status = 'pending' AND default_option = 'C'"
	[[ $(sql "SELECT json_group_array(value ->> 'id') FROM decisions,
	    json_each(options)") == '["A","B","C"]' ]]
	# Once per blocking, however often the PM looks, or begins anew.
	kill -9 "$PID"
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 grep -q . "$FLEET/state/loop-1/specs/health.json"
	lk decide dec-001 a
	wait_until 10 holds "decisions WHERE id = 'DEC-002'"
	[[ $(sql "SELECT count(*) FROM attempts") == 4 ]]
	[[ $(sql "SELECT count(*) FROM decisions") == 2 ]]
	touch "$FLEET/done"
	lk decide DEC-002 A --comment "I have done it myself"
	wait_until 10 holds "tests WHERE status = 'passed'"
	[[ $(count_events "event_type = 'decision_needed'") == 2 ]]
	[[ $(count_events "event_type = 'decision_made'") == 2 ]]
	run -1 lk decide DEC-002 B
	run -1 lk decide DEC-002 A
}

@test "B: the test is skipped, also when the answer came while PM was away" {
	configure ""
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "decisions"
	kill "$PID"
	wait_until 10 gone "$PID"
	lk decide DEC-001 B
	holds "tests WHERE status = 'blocked'"
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "tests WHERE status = 'skipped'"
}

has_closed() {
	local files
	files=$(readlink "/proc/$1"/fd/*)
	[[ $files != *coordination.db* ]] || fail "$files"
}

@test "an answer that is given in mode file-based is done when that is over" {
	local pm
	echo normal > "$FLEET/mode"
	export LOOPKEEPER_MODE_FILE=$FLEET/mode
	configure 'every = "500ms";'
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	pm=$PID
	wait_until 10 holds "decisions"
	echo file-based > "$FLEET/mode"
	wait_until 10 has_closed "$pm"
	lk decide DEC-001 B
	has_closed "$pm"
	holds "tests WHERE status = 'blocked'"
	echo normal > "$FLEET/mode"
	wait_until 40 holds "tests WHERE status = 'skipped'"
}

@test "C is what nobody's answer means, and it is asked no second time" {
	configure 'decision_timeout = "1s";'
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 15 holds "decisions WHERE status = 'auto_resolved'
	    AND choice = 'C'"
	[[ $(count_events "event_type = 'decision_expired'") == 1 ]]
	kill "$PID"
	wait_until 10 gone "$PID"
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 grep -q queue "$FLEET/loop.log"
	holds "tests WHERE status = 'blocked'"
	[[ $(sql "SELECT count(*) FROM decisions") == 1 ]]
}

@test "what another program asks takes its default in time, too" {
	configure 'every = "1h";'
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "sqlite_master WHERE name = 'decisions'"
	sql "INSERT INTO decisions (id, decision_type, options,
	    default_option, timeout_minutes, status) VALUES ('DEC-001',
	    'merge', '[{\"id\": \"X\"}]', 'X', 0.03, 'pending')"
	wait_until 10 holds "decisions WHERE status = 'auto_resolved'
	    AND choice = 'X'"
}

# asked SET: another program asks something, and a PM takes note; that much of
# its row is changed before the next PM comes.
asked() {
	configure 'every = "1h";'
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "sqlite_master WHERE name = 'decisions'"
	sql "INSERT INTO decisions (id, options, default_option,
	    timeout_minutes, requested_at) VALUES ('Q-1',
	    '[{\"id\": \"X\"}]', 'X', 3, '2026-01-07 02:14:00')"
	wait_until 10 holds "decisions WHERE seen_ms IS NOT NULL"
	run -3 lk decisions
	[[ $output =~ takes\ X\ in\ (3m|2m) ]] || fail "$output"
	# After its end, what is written would be taken for another file's.
	kill -9 "$PID"
	wait_until 10 gone "$PID"
	sql "UPDATE decisions SET $1"
	alone loopkeeper-pm -c "$LOOPKEEPER_CONFIG"
}

@test "its time doesn't begin anew with each PM" {
	asked "seen_ms = 1, timeout_minutes = 1"
	wait_until 10 holds "decisions WHERE status = 'auto_resolved'"
}

@test "but after a boot" {
	asked "seen_ms = 1, seen_boot = 'another'"
	wait_until 10 holds "decisions WHERE seen_ms > 1
	    AND seen_boot = '$(< /proc/sys/kernel/random/boot_id)'"
	holds "decisions WHERE status = 'pending'"
}

@test "what another program gives no time waits for an answer" {
	asked "timeout_minutes = NULL, seen_ms = 1;
	    INSERT INTO decisions (id, options, default_option,
	    timeout_minutes) VALUES ('Q-2', '[{\"id\": \"X\"}]', 'X', 0)"
	wait_until 10 holds "decisions WHERE id = 'Q-2'
	    AND status = 'auto_resolved'"
	holds "decisions WHERE id = 'Q-1' AND status = 'pending'"
	run -3 lk decisions
	[[ $output == *"waits until it is answered"* ]] || fail "$output"
	lk decisions --json | jq -e '.[0].timeout_minutes == null'
	run -3 lk summary
	[[ $output == *"Q-1: "* ]] || fail "$output"
}

@test "the monitor tells of failures in a row, once, until they are over" {
	configure "" "failures_in_row = 2;"
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 10 holds "alerts WHERE alert_type = 'test_failing'"
	kill "$PID"
	wait_until 10 gone "$PID"
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	touch "$FLEET/done"
	lk reset T-1
	wait_until 10 holds "alerts WHERE acknowledged
	    AND context ->> 'cleared_at' IS NOT NULL"
	[[ $(count_events "event_type = 'stuck_detected'") == 1 ]]
	[[ $(count_events "event_type = 'alert_raised'") == 1 ]]
	[[ $(count_events "event_type = 'alert_cleared'") == 1 ]]
}

@test "the monitor sees a loop without progress" {
	configure "" 'stuck_after = "1s";' "sleep 1000"
	alone loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	alone loopkeeper-monitor -c "$LOOPKEEPER_CONFIG"
	wait_until 15 holds "alerts WHERE alert_type = 'loop_stuck'
	    AND NOT acknowledged"
	[[ $(count_events "event_type = 'stuck_detected'
	    AND test_id = 'T-1'") == 1 ]]
	lk skip T-1
	wait_until 15 holds "alerts WHERE alert_type = 'loop_stuck'
	    AND acknowledged"
	[[ $(count_events "event_type = 'stuck_detected'") == 1 ]]
}
