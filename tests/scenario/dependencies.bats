# Tests that wait for others: they are begun as soon as these have passed,
# whoever made them pass; what nothing would ever wake is told. Tests of a loop
# that failed for good are listed, or moved where that is wanted.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
}

# two_loops [KEYS OF THE FILE] [COMMAND OF LOOP-2]
two_loops() {
	fleet_config <<-CONF
		pm = { every = "300ms"; }; ${1:-}
		loops = { worker = [ "sh", "-c", "touch {test}" ]; pause = "0";
		    repository = "$FLEET/repository"; };
		components = (
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { priority = 1; }; },
		  { name = "loop-2"; command = [ ${2:-"\"loopkeeper-loop\""} ];
		    ready = "${3:-notify}"; loop = { priority = 2; };
		    restart = { max_restarts = 1; delay = "10ms"; }; }
		);
	CONF
	lk up -d
	wait_state loop-1 running
	wait_state pm running
}

says() {
	run lk "${@:2}"
	[[ $output == *"$1"* ]] || fail "$output"
}

alert_says() {
	local message
	message=$(sql "SELECT message FROM alerts
	    WHERE alert_type = '$1' AND context ->> 'cleared_at' IS NULL")
	[[ $message == *"$2"* ]] || fail "$message"
}

begun() {
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = '$1'"
}

@test "a loop takes others meanwhile, and wakes within seconds when it passes" {
	two_loops
	lk pause loop-2
	add_tests <<-JSON
		{"id": "A-1", "loop_id": "loop-2", "verify": "test -e A-1"}
		{"id": "B-1", "loop_id": "loop-1", "depends_on": "A-1",
		 "verify": "test -e B-1 && test -e A-1", "sort_order": 1}
		{"id": "B-2", "loop_id": "loop-1", "verify": "test -e B-2",
		 "sort_order": 2}
		{"id": "B-3", "loop_id": "loop-1", "depends_on": "X-1",
		 "verify": "test -e B-3", "sort_order": 3}
		{"id": "X-1", "loop_id": "loop-2", "automatable": false,
		 "verify": "true"}
	JSON
	wait_until 20 test_is B-2 passed
	test_is B-1 pending
	wait_until 20 says "waiting: A-1" health
	says "waits for A-1" tests
	says "waits for    A-1" show B-1
	lk resume loop-2
	wait_until 20 test_is B-1 passed
	# Whoever says that it passed: here a program that knows only the table.
	wait_until 20 says "waiting: X-1" health
	sql "UPDATE tests SET status = 'passed' WHERE id = 'X-1'"
	wait_until 5 begun B-3
	wait_until 20 all_passed
}

@test "what waits in vain is told once, with the commands, until it doesn't" {
	two_loops
	add_tests <<-JSON
		{"id": "A-1", "loop_id": "loop-1", "automatable": false,
		 "verify": "false"}
		{"id": "B-1", "loop_id": "loop-1", "depends_on": "A-1",
		 "verify": "test -e B-1"}
		{"id": "C-1", "loop_id": "loop-2", "depends_on": "B-1",
		 "verify": "test -e C-1"}
	JSON
	lk skip A-1
	wait_until 20 alert_says dependency_dead_end \
	    "B-1 waits for A-1, which is skipped: 'loopkeeper reset A-1'"
	run -1 lk depends B-1 C-1
	[[ $output == *"can't wait for C-1, which waits for it"* ]]
	run -0 lk depends B-1 none
	wait_until 20 test_is C-1 passed
	wait_until 20 alert_stands dependency_dead_end 0
	alerts_are 1 dependency_dead_end
	# No command makes a cycle; another program does.
	sql "INSERT INTO tests (id, loop_id, depends_on, verify) VALUES
	    ('D-1', 'loop-1', 'D-2', 'test -e D-1'),
	    ('D-2', 'loop-2', 'D-1', 'test -e D-2')"
	wait_until 20 alert_says dependency_cycle "D-1 -> D-2 -> D-1"
	lk depends D-2 none
	wait_until 20 test_is D-1 passed
	wait_until 20 alert_stands dependency_cycle 0
	alerts_are 1 dependency_cycle
	# What no loop will ever claim.
	sql "INSERT INTO tests (id, loop_id, verify)
	    VALUES (printf('%0128d', 1), 'loop-1', 'true')"
	wait_until 20 alert_says test_id_too_long "Shorten the id"
	sql "UPDATE tests SET id = 'E-1' WHERE length(id) = 128"
	wait_until 20 test_is E-1 passed
	wait_until 20 alert_stands test_id_too_long 0
}

@test "a loop of another program that paused for one is asked to go on" {
	two_loops
	sql "INSERT INTO loops (id, name, status, current_test_id)
	    VALUES ('py-1', 'In Python', 'paused', 'P-1');
	    INSERT INTO tests (id, loop_id, automatable)
	    VALUES ('A-1', 'py-1', 0);
	    INSERT INTO tests (id, loop_id, depends_on, automatable)
	    VALUES ('P-1', 'py-1', 'A-1', 0)"
	sql "UPDATE tests SET status = 'passed',
	    passed_at = datetime('now') WHERE id = 'A-1'"
	wait_event "event_type = 'resume_requested' AND loop_id = 'py-1'
	    AND test_id = 'P-1'"
	lk timeline --since 1h | grep "asked to go on by pm: A-1 has passed"
}

# Three tests of loop-2, whose program dies at once.
strand() {
	two_loops "$1" '"false"' exec
	add_tests <<-JSON
		{"id": "A-1", "loop_id": "loop-2", "verify": "test -e A-1",
		 "sort_order": 1}
		{"id": "A-2", "loop_id": "loop-2", "verify": "test -e A-2",
		 "depends_on": "A-1", "sort_order": 2}
		{"id": "A-3", "loop_id": "loop-2", "verify": "test -e A-3",
		 "sort_order": 3}
	JSON
	wait_state loop-2 failed
}

@test "tests of a loop that failed for good stay, listed with the command" {
	strand ""
	wait_until 20 alert_says tests_stranded \
	    "'loopkeeper move A-1 A-2 A-3 loop-1'"
	says "loopkeeper move A-1 A-2 A-3 loop-1" status
	says $'next\n  loopkeeper move A-1 A-2 A-3 loop-1' status loop-2
	sql_is 3 "SELECT count(*) FROM tests WHERE loop_id = 'loop-2'
	    AND status = 'pending'"
	lk move A-1 A-2 A-3 loop-1
	wait_until 20 all_passed
	wait_until 20 alert_stands tests_stranded 0
	alerts_are 1 tests_stranded
}

@test "where redistribute says so, the PM moves them" {
	strand "redistribute = true;"
	wait_until 20 all_passed
	sql_is 3 "SELECT count(*) FROM events WHERE event_type = 'test_moved'
	    AND source = 'pm' AND payload ->> 'from' = 'loop-2'"
	wait_until 10 alert_stands tests_stranded 0
}

@test "so are those of a loop that a reload removes" {
	two_loops
	lk stop loop-2
	add_test A-1 "test -e A-1"
	sql "UPDATE tests SET loop_id = 'loop-2'"
	awk '/name = "loop-2"/ { skip = 3 } skip-- <= 0' "$LOOPKEEPER_CONFIG" |
	    sed 's/priority = 1; }; },/priority = 1; }; }/' > "$FLEET/new"
	mv "$FLEET/new" "$LOOPKEEPER_CONFIG"
	run -0 lk reload
	[[ $output == *"- loop-2"* ]] || fail "$output"
	wait_until 20 alert_says tests_stranded "loop-2 isn't in the \
configuration any more, and 1 test waits for it: 'loopkeeper move A-1 loop-1'"
}

@test "a loop that somebody stopped keeps its tests" {
	two_loops "redistribute = true;"
	lk stop loop-2
	add_test A-1 "test -e A-1"
	sql "UPDATE tests SET loop_id = 'loop-2'"
	# The PM has looked in between.
	sql "INSERT INTO tests (id, loop_id, depends_on)
	    VALUES ('B-1', 'loop-1', 'nobody')"
	wait_until 20 alert_stands dependency_dead_end 1
	sql_is loop-2 "SELECT loop_id FROM tests WHERE id = 'A-1'"
	alerts_are 0 tests_stranded
	# Its command can be pasted, whatever another program calls its tests.
	sql "UPDATE tests SET depends_on = 'no body' WHERE id = 'B-1'"
	wait_until 20 alert_says dependency_dead_end \
	    "add it with 'loopkeeper add 'no body''"
}
