# Programs that know nothing but the database: one that they made is taken over
# without loss, and they run as components beside ours. tests/helpers/agents
# has one of each kind, their schema and some months of their rows.

load lib

prepare() {
	need git python3
	skip_unless "needs Python's sqlite3" python3 -c 'import sqlite3'
	AGENTS=$LK_ROOT/tests/helpers/agents
	export PYTHONDONTWRITEBYTECODE=1
}

# theirs FILE...: does that to the database, as one of their programs.
theirs() {
	local file
	for file; do
		sqlite3 -bail "$FLEET/state/coordination.db" \
		    < "$AGENTS/$file" 3>&-
	done
}

tables() {
	sql "SELECT name FROM sqlite_schema WHERE type = 'table'
	    AND name NOT LIKE 'sqlite_%' ORDER BY name"
}

# What their programs see: the columns that their schema has.
note_columns() {
	local table
	for table in $(tables); do
		sql "SELECT group_concat(name) FROM
		    pragma_table_info('$table')" > "$FLEET/$table.columns"
	done
}

# All of them, in one order, without our events.
their_rows() {
	local file table old
	for file in "$FLEET"/*.columns; do
		table=${file##*/}
		table=${table%.columns}
		old=1
		[[ $table != events ]] || old="timestamp < '2026-02'"
		sql -cmd '.mode quote' "SELECT '$table', $(< "$file")
		    FROM $table WHERE $old ORDER BY 1, 2, 3, 4"
	done
}

# agent KIND NAME [KEYS]: what stands in a list of components for one of theirs.
agent() {
	cat <<-CONF
		{ name = "$2"; command = [ "python3", "$AGENTS/$1.py", "$2" ];
		  heartbeat = { source = "database"; timeout = "1m"; };
		  ${3:-} }
	CONF
}

# our_loop NAME: its worker does what the test's spec says.
our_loop() {
	repository "$FLEET/repository"
	cat <<-CONF
		{ name = "$1"; command = [ "loopkeeper-loop" ];
		  ready = "notify"; loop = { pause = "0"; retry_delay = "0";
		    repository = "$FLEET/repository";
		    worker = [ "sh", "-c",
		      "echo \$LOOPKEEPER_TEST_ID > file-\$\$" ]; }; }
	CONF
}

has_heartbeat() {
	[[ $(sql "SELECT count(*) FROM component_health WHERE component = '$1'
	    AND last_heartbeat IS NOT NULL") == 1 ]]
}

heartbeat() {
	sql "SELECT last_heartbeat FROM component_health
	    WHERE component = '$1'"
}

# has_beaten_since TIME: loop-3.
has_beaten_since() {
	[[ $(heartbeat loop-3) > $1 ]] || fail "not since $1"
}

# add_theirs LOOP ID SPEC [NOTES]: a test, as their programs add one.
add_theirs() {
	sql "INSERT OR IGNORE INTO loops (id, name) VALUES ('$1', '$1');
	    INSERT INTO tests (id, loop_id, spec_content, notes)
	    VALUES ('$2', '$1', '$3', nullif('${4:-}', ''))"
}

@test "the database of another program is taken over, and nothing is lost" {
	sleepers one
	theirs schema.sql rows.sql
	chmod 640 "$FLEET/state/coordination.db"
	note_columns
	their_rows > "$FLEET/before"
	lk up -d --wait > "$FLEET/up.log"
	grep -q "reset 1 test of dead loops: CP-UFS-002" "$FLEET/up.log"
	wait_event "event_type = 'test_reset' AND test_id = 'CP-UFS-002'"
	sql "DELETE FROM component_health WHERE metadata LIKE '%\"by\":%'"
	their_rows > "$FLEET/after"
	# Only what the repair says, and no more than a column or two of a row.
	diff "$FLEET/before" "$FLEET/after" > "$FLEET/changes" || true
	[[ $(grep -c '^<' "$FLEET/changes") == 4 ]] ||
	    fail "$(< "$FLEET/changes")"
	[[ $(grep -c '^>' "$FLEET/changes") == 2 ]]
	grep -q "^> 'loops','loop-1','Critical Path',1,'loop-1/working','stopped',NULL,NULL," \
	    "$FLEET/changes"
	grep -q "^> 'tests','CP-UFS-002','loop-1','Critical Path','pending',2,3," \
	    "$FLEET/changes"
	grep -q "^< 'file_locks','src/upload.py','loop-1'" "$FLEET/changes"
	grep -q "^< 'wait_graph','loop-2'" "$FLEET/changes"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	[[ $(sql 'PRAGMA user_version') == 3 ]]
	[[ $(sql 'PRAGMA journal_mode') == wal ]]
	[[ $(stat -c %a "$FLEET/state/coordination.db") == 640 ]]
	[[ $(sql "SELECT count(*) FROM open_tests") == 6 ]]
	# It is not made anew each time it is opened.
	sql "DROP INDEX events_type"
	lk tests > /dev/null
	[[ -z $(sql "SELECT 1 FROM sqlite_schema WHERE name = 'events_type'") ]]
}

@test "what a program of theirs is about to write isn't taken from it" {
	sleepers one
	lk recover
	sql "INSERT INTO loops (id) VALUES ('theirs-1')"
	mkfifo "$FLEET/input"
	background theirs.log bash -c 'exec sqlite3 -batch "$0" < "$1"' \
	    "$FLEET/state/coordination.db" "$FLEET/input"
	exec 7> "$FLEET/input"
	echo "INSERT INTO loops (id) VALUES ('theirs-2'); SELECT 'written';" >&7
	wait_until 10 grep -q written "$FLEET/theirs.log"
	lk tests > /dev/null || true
	sql_is 2 "SELECT count(*) FROM loops WHERE id LIKE 'theirs-%'"
	echo "INSERT INTO loops (id) VALUES ('theirs-3');" >&7
	exec 7>&-
	wait "$PID"
	sql_is 3 "SELECT count(*) FROM loops WHERE id LIKE 'theirs-%'"
	sql_is ok "PRAGMA integrity_check"
	run ! compgen -G "$FLEET/state/*stray*"
}

@test "a number of theirs in user_version isn't taken for a newer loopkeeper's" {
	sleepers one
	theirs schema.sql
	sql "PRAGMA user_version = 20260107"
	run lk tests
	[[ $output != *newer* ]] || fail "$output"
	sql "INSERT INTO loops (id, name) VALUES ('loop-1', 'One')"
	run -0 lk add CP-1 --loop loop-1 --verify true
	[[ $(sql "PRAGMA user_version") == 20260107 ]]
}

@test "what they wrote is listed, and steered, as what we wrote" {
	local command
	sleepers one
	theirs schema.sql rows.sql
	for command in status health tests timeline \
	    decisions alerts "checkpoints loop-1" "order --loop loop-1" \
	    "show CP-UFS-001" "timeline --since 9999d" \
	    "timeline --filter test_id=CP-UFS-002"; do
		# Nothing runs here, which some of them say by their code.
		# shellcheck disable=SC2086 # a command is several words
		run lk $command
		[[ ($status == 0 || $status == 3) && -n $output ]] ||
		    fail "$command: $status" "$output"
	done
	run lk timeline --since 9999d
	[[ $output == *"moon phase"* && $output == *"numbers"* ]] ||
	    fail "$output"
	run lk decisions
	[[ $output == *"httpx – neuer"* && $output == *DEC-006* ]] ||
	    fail "$output"
	run -0 lk decide dec-007 b
	[[ $(sql "SELECT status || choice FROM decisions
	    WHERE id = 'DEC-007'") == decidedB ]]
	run -1 lk decide DEC-006 A
	run -0 lk ack 1
	[[ $(sql "SELECT acknowledged FROM alerts WHERE id = 1") == 1 ]]
	run -0 lk skip 'größe' || run -0 lk skip 'INF AUTH 1'
	run -0 lk reset 'tests/test_a.py::test_b[x-y]'
	test_is 'tests/test_a.py::test_b[x-y]' pending
	run -0 lk move 'tests/test_a.py::test_b[x-y]' 'Loop drei'
	run -0 lk move CP-UFS-004 loop-2
	run -0 lk order CP-UFS-003
	[[ $(sql "SELECT loop_id FROM tests
	    WHERE id = 'CP-UFS-004'") == loop-2 ]]
}

# One more row in the table, with their columns only.
write_another() {
	local columns
	columns=$(< "$FLEET/$1.columns")
	[[ $(sql "INSERT INTO $1 ($columns) SELECT CASE
	    typeof(${columns%%,*}) WHEN 'integer' THEN NULL
	    ELSE 'N-' || ${columns%%,*} END, ${columns#*,} FROM $1 LIMIT 1;
	    SELECT changes()") == 1 ]] || fail "$1"
}

@test "their queue is worked off by our loops, and they go on writing" {
	local table
	fleet_config <<-CONF
		components = ( $(our_loop loop-1) );
	CONF
	theirs schema.sql rows.sql
	note_columns
	tables > "$FLEET/tables"
	lk up -d --wait
	# They know no verify: a worker that is content, and a change, is all.
	wait_until 30 test_is CP-UFS-002 passed
	wait_until 30 test_is CP-UFS-003 passed
	wait_until 30 test_is CP-UFS-004 passed
	[[ $(sql "SELECT count(*) FROM usage WHERE test_id = 'CP-UFS-004'
	    AND typeof(id) = 'integer'") == 1 ]]
	[[ $(sql "SELECT count(*) FROM passing_tests") == 4 ]]
	lk checkpoint loop-1
	run -0 lk checkpoints loop-1
	[[ $output == *manual* && $output == *merge* ]] || fail "$output"
	sql "INSERT INTO wait_graph (waiter, holder, resource)
	    VALUES ('Loop drei', 'olaf', 'docs/größe.md')"
	for table in $(< "$FLEET/tables"); do
		write_another "$table"
	done
	[[ $(sql "SELECT count(*) FROM tests") == 8 ]]
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
}

@test "a loop of theirs is killed: its test is pending again, and it goes on" {
	fleet_config <<-CONF
		components = ( $(agent run_loop loop-3) );
	CONF
	theirs schema.sql
	add_theirs loop-3 POL-1 \
	    "echo begun >> $FLEET/begun; until [ -e $FLEET/go ]; do sleep 0.1; done" \
	    src/a.py
	lk up -d --wait
	wait_until 15 test -s "$FLEET/begun"
	test_is POL-1 in_progress
	run lk health
	[[ $output == *"loop-3: running (current test: POL-1)"* ]] ||
	    fail "$output"
	# Nobody wants the one that is killed in its place to wait.
	touch "$FLEET/go.later"
	local pid
	pid=$(pid_of loop-3)
	kill -9 "$pid"
	wait_until 15 has_pid_other_than loop-3 "$pid"
	wait_event "event_type = 'test_reset' AND test_id = 'POL-1'"
	touch "$FLEET/go"
	wait_until 15 test_is POL-1 passed
	[[ $(wc -l < "$FLEET/begun") == 2 ]]
	[[ $(count_events "event_type = 'recovery_done'
	    AND loop_id = 'loop-3'") == 1 ]]
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
}

@test "what a successor of theirs has begun is not taken from it" {
	fleet_config <<-CONF
		components = ( $(agent run_loop loop-3) );
	CONF
	theirs schema.sql
	add_theirs loop-3 POL-1 \
	    "until [ -e $FLEET/go-1 ]; do sleep 0.1; done" src/a.py
	add_theirs loop-3 POL-2 "echo begun >> $FLEET/begun;
	    until [ -e $FLEET/go-2 ]; do sleep 0.1; done" src/b.py
	lk up -d --wait
	wait_until 15 test_is POL-1 in_progress
	local pid recorder
	pid=$(pid_of loop-3) recorder=$(pid_of recorder)
	# It comes to it only when the successor is at work.
	kill -STOP "$recorder"
	kill -9 "$pid"
	wait_until 15 test -s "$FLEET/begun"
	kill -CONT "$recorder"
	wait_event "event_type = 'test_reset' AND test_id = 'POL-1'"
	test_is POL-2 in_progress
	[[ $(sql "SELECT group_concat(file_path) FROM file_locks") == src/b.py ]]
	touch "$FLEET"/go-{1,2}
	wait_until 15 test_is POL-1 passed
	test_is POL-2 passed
	[[ $(wc -l < "$FLEET/begun") == 1 ]]
	[[ $(count_events "event_type = 'test_reset'") == 1 ]]
}

@test "a loop of theirs that stays down leaves nothing behind" {
	fleet_config <<-CONF
		components = ( $(agent run_loop loop-3) );
	CONF
	theirs schema.sql
	add_theirs loop-3 POL-1 \
	    "touch $FLEET/begun; until [ -e $FLEET/go ]; do sleep 0.1; done" \
	    src/a.py
	lk up -d --wait
	wait_until 15 test -e "$FLEET/begun"
	lk priority loop-3 2
	[[ $(sql "SELECT priority FROM loops") == 2 ]]
	lk stop loop-3
	wait_until 10 test_is POL-1 pending
	[[ $(sql "SELECT (SELECT count(*) FROM file_locks) || status
	    || ifnull(current_test_id, '') FROM loops") == 0stopped ]]
	touch "$FLEET/go"
	lk start loop-3
	wait_until 15 test_is POL-1 passed
}

@test "a loop of theirs is paused by its own means, and resumed" {
	fleet_config <<-CONF
		components = ( $(agent run_loop loop-3 'stop_timeout = "5s";') );
	CONF
	theirs schema.sql
	add_theirs loop-3 POL-1 "touch $FLEET/begun;
	    until [ -e $FLEET/go ]; do sleep 0.1; done; sleep 0.5"
	add_theirs loop-3 POL-2 "touch $FLEET/second"
	lk up -d --wait
	wait_until 15 test -e "$FLEET/begun"
	background pause.log lk pause loop-3 --reason "lunch"
	wait_event "event_type = 'pause_requested' AND component = 'loop-3'
	    AND loop_id = 'loop-3'"
	touch "$FLEET/go"
	wait "$PID"
	# It brought to an end what it was at, and began nothing more.
	test_is POL-1 passed
	test_is POL-2 pending
	state_is loop-3 stopped
	[[ $(sql "SELECT status FROM loops") == paused ]]
	lk resume loop-3
	wait_event "event_type = 'resume_requested' AND component = 'loop-3'"
	wait_until 15 test_is POL-2 passed
	[[ $(sql "SELECT status FROM loops") == running ]]
	[[ $(sql "SELECT max(attempts) FROM tests") == 1 ]]
}

@test "pause --after-test waits for a loop of theirs as long as it takes" {
	fleet_config <<-CONF
		components = ( $(agent run_loop loop-3 'stop_timeout = "100ms";') );
	CONF
	theirs schema.sql
	add_theirs loop-3 POL-1 "touch $FLEET/begun;
	    until [ -e $FLEET/go ]; do sleep 0.1; done"
	add_theirs loop-3 POL-2 "touch $FLEET/second"
	lk up -d --wait
	wait_until 15 test -e "$FLEET/begun"
	background pause.log lk pause loop-3 --after-test
	wait_until 10 grep -q 'goes on with its test' "$FLEET/pause.log"
	wait_event "event_type = 'pause_requested' AND component = 'loop-3'"
	# Longer than its stop_timeout: it says that it lives to the second.
	for _ in 1 2; do
		wait_until 10 has_beaten_since "$(heartbeat loop-3)"
	done
	state_is loop-3 running
	touch "$FLEET/go"
	wait "$PID"
	test_is POL-1 passed
	test_is POL-2 pending
	[[ $(count_events "event_type = 'pause_requested'") == 1 ]]
	lk resume loop-3
	wait_until 15 test_is POL-2 passed
}

# The PM has looked at the whole queue when the second one is told.
pm_has_looked() {
	local i
	for i in 1 2; do
		add_theirs loop-1 "CP-$i" "touch it"
		sql "UPDATE tests SET depends_on = 'X-$i' WHERE id = 'CP-$i'"
		wait_until 20 sql_is "$i" "SELECT count(*) FROM alerts
		    WHERE alert_type = 'dependency_dead_end'"
	done
}

@test "a loop of theirs that doesn't run keeps its queue: it is configured" {
	fleet_config <<-CONF
		redistribute = true;
		pm = { every = "200ms"; };
		components = ( { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; },
		  $(our_loop loop-1), $(agent run_loop loop-3) );
	CONF
	theirs schema.sql
	lk up -d --wait
	wait_until 15 has_heartbeat loop-3
	lk stop loop-3
	add_theirs loop-3 POL-1 "touch it"
	pm_has_looked
	sql_is loop-3 "SELECT loop_id FROM tests WHERE id = 'POL-1'"
	sql_is 0 "SELECT count(*) FROM alerts
	    WHERE alert_type = 'tests_stranded'"
	lk start loop-3
	wait_until 15 test_is POL-1 passed
}

@test "all of theirs beside ours, one queue to its end, kills in between" {
	local i name
	fleet_config <<-CONF
		components = ( $(our_loop loop-1),
		  $(agent run_loop loop-3), $(agent monitor_agent watcher),
		  $(agent pm_agent manager),
		  { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; } );
	CONF
	theirs schema.sql
	for i in 1 2 3 4; do
		add_theirs loop-1 "CP-$i" "touch it"
		add_theirs loop-3 "POL-$i" "echo $i >> $FLEET/begun; sleep 0.2;
		    test $i != 3 || test -e $FLEET/mended" "src/$i.py"
	done
	sql "UPDATE tests SET depends_on = 'POL-4' WHERE id = 'CP-4';
	    UPDATE tests SET depends_on = 'CP-3' WHERE id = 'POL-4'"
	lk up -d --wait
	for name in loop-3 watcher manager; do
		wait_until 15 has_heartbeat "$name"
	done
	wait_until 15 grep -qx 2 "$FLEET/begun"
	for name in loop-3 watcher manager; do
		kill -9 "$(pid_of "$name")"
	done
	# What fails is told, asked about and answered in their own words.
	wait_until 20 test_is POL-3 failed
	wait_until 15 sql_is 1 "SELECT count(*) FROM alerts"
	run -0 lk alerts
	[[ $output == *"POL-3 failed"*"from watcher, id 1"* ]] || fail "$output"
	wait_until 15 sql_is 1 "SELECT count(*) FROM decisions"
	run lk decisions
	[[ $output == *"POL-3 failed. And now?"* ]] || fail "$output"
	touch "$FLEET/mended"
	run -0 lk decide "$(sql "SELECT id FROM decisions")" try-once-more
	wait_until 30 all_passed
	wait_events 1 "event_type = 'decision_made'"
	[[ $(count_events "event_type = 'test_passed'") == 8 ]]
	[[ $(sql "SELECT count(*) FROM passing_tests") == 8 ]]
	wait_until 5 sql_is 0 "SELECT count(*) FROM file_locks"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
	run -0 lk health
	[[ $output == *"loop-3: idle (queue empty)"* ]] || fail "$output"
}

@test "a question of theirs takes its default when its time is over" {
	fleet_config <<-CONF
		pm = { every = "200ms"; };
		components = ( { name = "pm"; command = [ "loopkeeper-pm" ];
		    ready = "notify"; } );
	CONF
	theirs schema.sql
	sql "INSERT INTO loops (id, name) VALUES ('loop-3', 'Three');
	    INSERT INTO tests (id, loop_id, status) VALUES
	    ('POL-1', 'loop-3', 'blocked');
	    INSERT INTO decisions (id, decision_type, summary, options,
	    default_option, context, timeout_minutes, requested_by) VALUES
	    ('8c4bd7f6-9a2b-4c53-8f0e-6d3a4be0a001', 'test_blocked', 'Now?',
	    '[{\"id\": \"A\", \"description\": \"paint it\"}]', 'A',
	    '{\"test_id\": \"POL-1\"}', 0, 'manager')"
	lk up -d --wait
	wait_until 15 sql_is auto_resolvedA "SELECT status || choice
	    FROM decisions WHERE requested_by = 'manager'"
	# Ours asks about the same, with a meaning of its own for A.
	wait_until 15 sql_is 1 "SELECT count(*) FROM decisions
	    WHERE requested_by = 'pm'"
	wait_until 15 sql_is 1 "SELECT applied_at IS NOT NULL FROM decisions
	    WHERE requested_by = 'manager'"
	test_is POL-1 blocked
}

# sql_is VALUE SQL
sql_is() {
	[[ $(sql "$2") == "$1" ]] || fail "$(sql "$2"), not $1: $2"
}

all_passed() {
	local left
	left=$(sql "SELECT id, status, reason FROM tests
	    WHERE status <> 'passed'")
	[[ -z $left ]] || fail "not passed:" "$left"
}
