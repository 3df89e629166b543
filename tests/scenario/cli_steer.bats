# Tests in and out of the queue, decisions, alerts: from the command line, with
# and without a fleet.

load lib

prepare() {
	fleet_config <<-CONF
		components = (
		  { name = "loop-1"; command = [ "sleep", "1000" ];
		    title = "Critical Path"; loop = { priority = 1;
		      directory = "$FLEET/loop-1"; worker = [ "true" ]; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { priority = 7; directory = "$FLEET/loop-2";
		      worker = [ "true" ]; }; },
		  { name = "web"; command = [ "sleep", "1000" ]; } );
	CONF
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

column() {
	sql "SELECT $2 FROM tests WHERE id = '$1'"
}

@test "add: once, checked, behind what is there" {
	run -0 lk add CP-1 --loop loop-1 --verify "make check" \
	    --files 'src/*' --files 'include/*'
	says "CP-1 was added to the queue of loop-1"
	run -0 lk add cp-1 --loop loop-1 --verify other
	says "there already"
	printf 'Make it so.\n' > "$FLEET/spec"
	run -0 lk add CP-2 --loop LOOP-1 --verify true --depends-on cp-1 \
	    --spec "$FLEET/spec" --max-attempts 5
	[[ $(column CP-1 verify) == "make check" ]]
	[[ $(column CP-1 files) == '["src/*","include/*"]' ]]
	[[ $(column CP-2 depends_on) == CP-1 ]]
	[[ $(column CP-2 max_attempts) == 5 ]]
	[[ $(column CP-2 spec_content) == "Make it so." ]]
	[[ $(column CP-2 sort_order) -gt $(column CP-1 sort_order) ]]
	[[ $(sql "SELECT name || priority FROM loops") == "Critical Path1" ]]
}

@test "add: what is wrong is said" {
	run -2 lk add X-1 --loop loop-1
	says "--verify"
	run -2 lk add a/b --loop loop-1 --verify true
	says "can't be a test's id"
	run -2 lk add X-1 --verify true
	says "there are loop-1, loop-2"
	run -1 lk add X-1 --loop loop-3 --verify true
	says "did you mean loop-1?"
	run -1 lk add X-1 --loop web --verify true
	says "no loop web, but a component"
	run -1 lk add X-1 --loop loop-1 --verify true --depends-on X-9
	run -1 lk add X-1 --loop loop-1 --verify true --spec "$FLEET/nothing"
	run -2 lk add X-1 --loop loop-1 --verify true --max-attempts many
	run -0 lk add X-1 --loop loop-1 --verify true --dry-run
	says "would be added"
	[[ -z $(column X-1 id) ]]
}

@test "skip and reset: what it was, who waits, safe to repeat" {
	lk add CP-1 --loop loop-1 --verify true
	lk add CP-2 --loop loop-1 --verify true --depends-on CP-1
	run -0 lk skip cp-1 --dry-run
	says "CP-1: would be skipped, was pending"
	[[ $(column CP-1 status) == pending ]]
	run -0 lk skip cp-1 --reason "Regression from INF-3"
	says "CP-1: skipped"
	says "CP-2 depends on it"
	[[ $(column CP-1 status) == skipped ]]
	[[ $(column CP-1 reason) == "Regression from INF-3" ]]
	run -0 lk skip CP-1
	says "already"
	sql "UPDATE tests SET attempts = 3, status = 'blocked'
	    WHERE id = 'CP-1'"
	run -0 lk reset CP-1
	says "was blocked with 3 attempts used"
	[[ $(column CP-1 "status || attempts") == pending0 ]]
	run -0 lk reset CP-1
	says "already"
	run -1 lk reset CP-9
	says "did you mean CP-"
	run -0 sql "SELECT event_type FROM events ORDER BY rowid"
	[[ $output == $'test_skipped\ntest_reset' ]]
}

@test "skip of a running test ends its attempt, which isn't counted" {
	lk add CP-1 --loop loop-1 --verify true
	sql "UPDATE tests SET status = 'in_progress' WHERE id = 'CP-1';
	    INSERT INTO attempts (id, test_id, loop_id, fence, state)
	    VALUES ('a1', 'CP-1', 'loop-1', 1, 'running')"
	run -0 lk skip CP-1
	says "loop-1 ends its attempt"
	run -0 sql "SELECT state, outcome, ended_at IS NULL FROM attempts"
	[[ $output == "parked|interrupted|0" ]]
	[[ $(column CP-1 attempts) == 0 ]]
}

@test "decide: an option, once" {
	sql_decision
	run -0 lk decisions
	says "DEC-001"
	says "loopkeeper decide DEC-001 C   # leave it (the default)"
	run -1 lk decide DEC-001 X
	says "DEC-001 has no option X, but A (retry), C (leave it)"
	run -1 lk show DEC-001
	says "but a decision: 'loopkeeper decide DEC-001 CHOICE'"
	run -1 lk decide DEC-002 A
	says "did you mean DEC-001?"
	run -0 lk decide dec-001 a --comment "once more"
	[[ ${lines[0]} == "DEC-001: A (retry)" ]]
	run -0 sql "SELECT status, choice, comment FROM decisions"
	[[ $output == "decided|A|once more" ]]
	run -1 lk decide DEC-001 a
	says "DEC-001 was already answered: A by $(id -un) at 20"
	run -1 lk decide DEC-001 C
	says "DEC-001 was already answered: A by $(id -un) at 20"
	lk decisions --all --json 2> /dev/null | jq -e '.[0].choice == "A"'
}

sql_decision() {
	lk up -d --wait
	sql "INSERT INTO decisions (id, decision_type, summary, options,
	    default_option, requested_by) VALUES ('DEC-001', 'blocked',
	    'CP-1 failed', '[{\"id\":\"A\",\"description\":\"retry\"},
	    {\"id\":\"C\",\"description\":\"leave it\"}]', 'C', 'pm')"
}

@test "ack: one or all" {
	lk up -d --wait
	sql "INSERT INTO alerts (id, severity, source, message) VALUES
	    ('ab1', 'error', 'monitor', 'one'),
	    ('b2', 'warning', 'monitor', 'two'),
	    ('ab3', 'warning', 'monitor', 'three')"
	run -0 lk alerts
	says "error"
	says "one"
	run -1 lk ack ab
	says "may mean ab1, ab3"
	run -0 lk ack AB1
	run -0 lk ack ab1
	says "already"
	run -0 lk ack ab3
	run -0 lk ack AB3
	run -0 lk alerts
	[[ $output != *one* ]]
	says "two"
	run -0 lk ack all --dry-run
	says "1 alert would be marked"
	run -0 lk ack all
	says "1 alert marked"
	run -0 lk alerts --all
	says "seen by"
	run -1 lk ack c
}

@test "any unique beginning of an id will do" {
	sql_decision
	sql "INSERT INTO decisions (id, decision_type, summary, options,
	    default_option, requested_by) VALUES ('DEX-1', 'blocked', 'x',
	    '[{\"id\":\"A\",\"description\":\"a\"}]', 'A', 'pm')"
	lk add CP-UFS-001 --loop loop-1 --verify true
	lk add CP-UFS-0011 --loop loop-1 --verify true --depends-on cp-ufs-001
	lk add INF-1 --loop loop-2 --verify true --depends-on CP-UFS-0011
	run -0 lk show inf
	says "INF-1: "
	run -1 lk skip cp
	says "cp may mean CP-UFS-001, CP-UFS-0011; write more of it"
	[[ ${#lines[@]} == 1 ]]
	run -0 lk skip CP-UFS-001 --dry-run
	says "CP-UFS-001: would be skipped"
	run -0 lk reset cp-ufs-0011
	says "CP-UFS-0011:"
	run -1 lk decide de A
	says "de may mean DEC-001, DEX-1"
	run -0 lk decide dex a
	says "DEX-1: "
	run -1 lk show ""
}

@test "start, stop and restart say what has become of each" {
	lk up -d --wait
	pid=$(pid_of web)
	run -0 lk start web
	[[ $output == "web: was running already (pid $pid)" ]] || fail "$output"
	run -0 lk restart we
	[[ $output == "web: restarted (pid $(pid_of web))" ]] || fail "$output"
	run -0 lk stop web loop-1
	[[ $output == $'web: stopped\nloop-1: stopped' ]] || fail "$output"
	run -0 lk stop web
	[[ $output == "web: was stopped already (by "*")" ]] || fail "$output"
	run -0 lk start web
	[[ $output == "web: started (pid $(pid_of web))" ]] || fail "$output"
	lk pause web
	run -0 lk stop web
	[[ $output == "web: stopped" ]] || fail "$output"
}

@test "transcript: the last attempt, or the one that is named" {
	lk up -d --wait
	lk add CP-1 --loop loop-1 --verify true
	run -1 lk transcript CP-1
	says "has not been attempted"
	printf 'first\n' > "$FLEET/1.log"
	printf 'second\n' > "$FLEET/2.log"
	sql "INSERT INTO attempts (id, test_id, loop_id, fence, state,
	    transcript, started_at, ended_at) VALUES
	    ('a1', 'CP-1', 'loop-1', 1, 'failed', '$FLEET/1.log', 'x', 'x'),
	    ('a2', 'CP-1', 'loop-1', 2, 'running', '$FLEET/2.log', 'x',
	    NULL)"
	run -0 lk transcript cp-1
	[[ $output == second ]]
	run -0 lk transcript cp-1 1
	[[ $output == first ]]
	run -1 lk transcript cp-1 3
	run -2 lk transcript cp-1 x
	# -f ends with the attempt.
	background follow "$LOOPKEEPER" transcript CP-1 -f
	wait_until 10 grep -q second "$FLEET/follow"
	printf 'third\n' >> "$FLEET/2.log"
	wait_until 10 grep -q third "$FLEET/follow"
	printf 'last\n' >> "$FLEET/2.log"
	sql "UPDATE attempts SET ended_at = 'x' WHERE id = 'a2'"
	wait "$PID"
	[[ $(< "$FLEET/follow") == $'second\nthird\nlast' ]]
}

@test "a released database: said at once, with who and since when" {
	lk up -d --wait
	lk pause all
	local command
	for command in tests decisions alerts gates budget timeline "show X" \
	    "skip X" "reset X" "decide X A" "ack all" "transcript X" \
	    "add X --verify true --loop loop-1"; do
		# shellcheck disable=SC2086 # words of a command
		run -1 lk $command
		[[ ${#lines[@]} == 1 ]]
		says "paused: the database is released (since "
		says ", by "
		says "); resume first"
	done
	# What the PM tries again by itself.
	run -75 lk rollback loop-1 --yes
	says "); resume first"
	run -0 lk status
	says "paused: the database is released"
	says "loop-1"
	run -0 lk health
	says "loop-1: paused (since "
	lk resume all
	run -0 lk tests
}

@test "heartbeat: a sign of life from a script" {
	cat > "$FLEET/more.conf" <<-CONF
		components = ( { name = "beats"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "1h"; }; } );
	CONF
	echo "include = [ \"more.conf\" ];" >> "$LOOPKEEPER_CONFIG"
	run -3 lk heartbeat beats
	lk up -d --wait
	run -0 lk health
	says "beats: unknown (never heard)"
	local before
	before=$(status_field beats heartbeats)
	run -0 lk heartbeat BEA
	LOOPKEEPER_COMPONENT=beats run -0 lk heartbeat
	wait_until 10 has_beats $((before + 2))
	run -2 lk heartbeat
	run -1 lk heartbeat beat5
	says "did you mean beats?"
}

has_beats() {
	[[ $(status_field beats heartbeats) -ge $1 ]]
}

@test "wait: ready, idle, passed, paused, and in time" {
	lk add CP-1 --loop loop-1 --verify true
	lk add CP-2 --loop loop-1 --verify true
	lk up -d
	lk wait --for ready
	lk wait --for ready web
	run -1 lk wait --for idle loop-1 --timeout 300ms
	says "not in time: loop-1"
	run -1 lk wait --for passed CP-1 --timeout 300ms
	says "CP-1 is pending"
	sql "UPDATE tests SET status = 'passed' WHERE id = 'CP-1'"
	lk wait --for passed cp-1
	run -1 lk wait --for passed --timeout 300ms
	sql "UPDATE tests SET status = 'blocked' WHERE id = 'CP-2'"
	run -1 lk wait --for passed loop-1
	says "CP-2 is blocked"
	lk wait --for idle
	run -1 lk wait --for paused web --timeout 300ms
	lk pause web
	lk wait --for paused web
	run -1 lk wait --for ready web
	says "paused"
	run -2 lk wait --for ready --timeout soon
}

# A component that is never ready, and a restart that waits for it; $PID.
wait_for_slow() {
	fleet_config <<-CONF
		components = ( { name = "slow"; command = [ "sleep", "1000" ];
		    ready = "notify"; start_timeout = "1h"; } );
	CONF
	lk up -d
	wait_state slow starting
	local before
	before=$(pid_of slow)
	background restart "$LOOPKEEPER" restart slow
	wait_until 10 has_pid_other_than slow "$before"
}

@test "who waits for a start ends with the fleet" {
	wait_for_slow
	lk down --now
	wait_until 10 gone "$PID"
	run -3 wait "$PID"
	grep -q "isn't running" "$FLEET/restart"
}

@test "who waits for a start ends when somebody else stops it" {
	wait_for_slow
	lk stop slow
	wait_until 10 gone "$PID"
	run -1 wait "$PID"
	grep -q "slow: .*somebody" "$FLEET/restart"
}

@test "who waits for a stop ends when somebody else starts it" {
	fleet_config <<-CONF
		components = ( { name = "slow"; command = [ "$HELPERS/stubborn" ];
		    stop_timeout = "1s"; } );
	CONF
	lk up -d --wait
	background stop "$LOOPKEEPER" stop slow
	wait_state slow stopping
	lk start slow
	wait_until 10 gone "$PID"
	run -1 wait "$PID"
	grep -q "slow: somebody started it meanwhile" "$FLEET/stop"
}
