# What stands between loops, in `status` and `status --stuck`: who has locked
# what, who waits, and what doesn't get on, each with the command to do about
# it. The rows are written by hand, as other programs do.

load lib

prepare() {
	need git
	repository "$FLEET/repository"
	fleet_config <<-CONF
		monitor = { stuck_after = "1s"; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { worker = [ "sleep", "1000" ];
		      repository = "$FLEET/repository"; pause = "0"; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { worker = [ "true" ]; branch = "two/working";
		      repository = "$FLEET/repository"; }; } );
	CONF
}

says() {
	local part
	for part; do
		[[ $output == *"$part"* ]] || fail "no '$part' in:" "$output"
	done
}

# behind TEXT COMMAND: below a line with that text stands the command.
behind() {
	grep -A 1 -F -- "$1" <<< "$output" | grep -qxF -- "    $2" ||
	    fail "no '$1' with '$2' in:" "$output"
}

rows() {
	sql "INSERT OR IGNORE INTO loops (id) VALUES ('loop-1'), ('loop-2');
	    INSERT INTO file_locks (file_path, locked_by, expires_at) VALUES
	    ('src/a.c', 'loop-1', '2999-01-01'), ('src/b.c', 'loop-1', NULL),
	    ('src/c.c', 'loop-2', NULL);
	    INSERT INTO wait_graph (waiter, holder, resource, waiting_since)
	    VALUES ('loop-2', 'loop-1', 'src/a.c',
	    strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-5 minutes'));
	    INSERT INTO conflicts (id, files, first_loop, second_loop,
	    paused_loop) VALUES ('CON-001', '[\"src/d.c\"]', 'loop-1', 'loop-2',
	    'loop-2');
	    INSERT INTO usage (loop_id, cost_usd, tokens_estimated) VALUES
	    ('loop-1', 1.25, 1000), ('loop-2', 0.5, 2000);
	    INSERT INTO decisions (id, status, summary, options, context) VALUES
	    ('DEC-001', 'pending', 'T-2 fails', '[{\"id\": \"A\"}]', '{}'),
	    ('DEC-002', 'pending', 'who knows', '[{\"id\": \"B\"}]', '{}');
	    INSERT INTO tests (id, loop_id, status, parked, reason, verify,
	    depends_on) VALUES
	    ('T-4', 'loop-2', 'blocked', NULL, 'no money', 'true', NULL),
	    ('T-2', 'loop-2', 'pending', 'DEC-001', NULL, 'true', 'T-4'),
	    ('T-3', 'loop-2', 'pending', 'CON-001', NULL, 'true', 'T-4')"
}

@test "status tells of locks, waiters, conflicts, branches and costs" {
	lk add T-0 --loop loop-1 --verify true
	rows
	run lk status
	says "locks: loop-1 2, loop-2 1" \
	    "  loop-2 waits for src/a.c of loop-1, for 5m" \
	    "CON-001: loop-1 and loop-2, about src/d.c; loop-2 waits" \
	    "today: 1.75 USD, 3k tokens"
	# There is room for it.
	says "PRIORITY  BRANCH" "  two/working"
	sql "UPDATE loops SET branch = 'two/' || hex(zeroblob(20))"
	run lk status
	[[ $output != *BRANCH* ]] || fail "$output"
	sql "UPDATE loops SET branch = 'two/working'"
	run lk status loop-2
	says "branch      two/working" "locks       1 file" \
	    "waits       for src/a.c of loop-1, for 5m" \
	    "conflict    CON-001: loop-1 and loop-2" \
	    "today       0.50 USD, 2k tokens"
	run lk status loop-1
	says "locks       2 files" "holds up    loop-2, at src/a.c, for 5m"
	{ lk status --json || true; } 2> /dev/null | jq -e '
	    (.locks.held | map(select(.holder == "loop-1"))[0].files) == 2 and
	    .locks.waiting[0].file == "src/a.c" and
	    .conflicts[0].paused_loop == "loop-2" and
	    .cost_today.usd == 1.75 and .cost_today.loops_usd["loop-2"] == 0.5
	    and (.components[] | select(.name == "loop-2") |
	    .loop.branch) == "two/working"'
}

@test "status without any of it says nothing of it" {
	lk add T-0 --loop loop-1 --verify true
	run lk status
	[[ $output != *locks* && $output != *conflicts* && $output != *today* ]]
}

@test "status --stuck lists what doesn't get on, each with a command" {
	lk add T-1 --loop loop-1 --verify false
	lk up -d --wait
	wait_until 15 test_is T-1 in_progress
	rows
	wait_until 15 stuck_has "loop-1: T-1 without output for "
	run lk status --stuck
	[[ $status == 0 ]]
	behind "loop-1: T-1 without output for " "loopkeeper transcript T-1"
	behind "loop-2: none of its 2 tests can be begun" \
	    "loopkeeper order --loop loop-2"
	behind "loop-2 waits for src/a.c of loop-1, for 5m" \
	    "loopkeeper force-unlock loop-1"
	behind "CON-001: loop-1 and loop-2 have changed src/d.c" \
	    "loopkeeper conflicts"
	behind "T-2 of loop-2 waits for DEC-001: T-2 fails" \
	    "loopkeeper decide DEC-001 A"
	behind "T-3 of loop-2 waits for CON-001" "loopkeeper reset T-3"
	behind "DEC-002: who knows" "loopkeeper decide DEC-002 B"
	behind "T-4 of loop-2 is blocked: no money" "loopkeeper reset T-4"
	# Each once.
	[[ $(grep -c DEC-001 <<< "$output") == 2 ]]
	# What the monitor says of it is better.
	sql "INSERT INTO alerts (alert_type, severity, message, context) VALUES
	    ('loop_stuck', 'warning', 'loop-1 makes no progress on T-1',
	    '{\"loop_id\": \"loop-1\", \"test_id\": \"T-1\"}')"
	run lk status --stuck
	behind "loop-1 makes no progress on T-1" "loopkeeper skip T-1"
	[[ $output != *"without output"* ]]
	lk status --stuck --json | jq -e 'length == 8 and
	    all(.text and .command and .kind)'
	sql "INSERT INTO alerts (alert_type, severity, source, message,
	    context) VALUES ('disk', 'error', 'loop-2', 'there is no room',
	    '{\"loop_id\": \"loop-2\"}')"
	lk pause loop-2
	run lk status --stuck
	behind "loop-2: there is no room" "loopkeeper status loop-2"
	behind "loop-2: paused, with 2 tests left" "loopkeeper resume loop-2"
	run lk status --stuck loop-1
	[[ $status == 2 ]]
}

@test "where the monitor calls nothing stuck, silence is none either" {
	sed -i 's/stuck_after = "1s"/stuck_after = "0"/' "$LOOPKEEPER_CONFIG"
	lk add T-1 --loop loop-1 --verify false
	lk up -d --wait
	wait_until 15 test_is T-1 in_progress
	wait_until 15 works_on T-1
	run lk status --stuck
	[[ $output == "nothing is stuck" ]] || fail "$output"
}

# Its loop says so.
works_on() {
	lk status --json 2> /dev/null |
	    jq -e "any(.components[]; .loop.test == \"$1\")"
}

stuck_has() {
	lk status --stuck | grep -F -- "$1"
}

@test "status --stuck of a fleet that gets on" {
	lk up -d --wait
	run lk status --stuck
	[[ $status == 0 && $output == "nothing is stuck" ]] || fail "$output"
	lk down
	run -3 lk status --stuck
	behind "the supervisor isn't running" "loopkeeper up -d"
	[[ $output != *"nothing is stuck"* ]] || fail "$output"
}
