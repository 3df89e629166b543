# What the operator sees: words, formats, exit codes, JSON.

load lib

# A fleet of plain programs: two that are well, a loop, one that stays away.
plain_fleet() {
	fleet_config <<-CONF
		components = (
		  { name = "monitor"; command = [ "sleep", "1000" ];
		    mode_when_down = "slow"; },
		  { name = "pm"; command = [ "sleep", "1000" ];
		    after = [ "monitor" ]; },
		  { name = "loop-1-critical-path"; title = "Critical Path";
		    command = [ "sleep", "1000" ];
		    loop = { priority = 1; directory = "$FLEET/loop-1";
		      worker = [ "true" ]; }; },
		  { name = "loop-2"; command = [ "sleep", "1000" ];
		    loop = { priority = 2; directory = "$FLEET/loop-2";
		      worker = [ "true" ]; }; } );
	CONF
}

add_tests() {
	lk add CP-1 --loop loop-1 --verify true
	lk add CP-2 --loop loop-1 --verify true --depends-on CP-1
	lk add INF-1 --loop loop-2 --verify true
}

# answers CODE ARGUMENT...: exits with CODE; $output has both streams.
answers() {
	local code=$1
	shift
	run lk "$@"
	[[ $status == "$code" ]] || fail "exit $status, not $code: $*" "$output"
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

@test "health is one line per component in the order of the file" {
	plain_fleet
	lk up -d --wait
	answers 0 health
	[[ ${#lines[@]} == 4 ]]
	[[ ${lines[0]} =~ ^monitor:\ healthy\ \(up\ [0-9]+s\)$ ]]
	[[ ${lines[1]} =~ ^pm:\ healthy\ \(up\ [0-9]+s\)$ ]]
	[[ ${lines[2]} =~ ^loop-1-critical-path:\ [a-z]+\ \( ]]
	[[ ${lines[3]} == loop-2:* ]]
	answers 0 health --all
	says "recorder: healthy (last heartbeat: "
	says "logger: healthy (last heartbeat: "
	lk health --all --json | jq -e 'length == 6 and
	    all(.word and (.unhealthy == false))'
}

@test "health of what runs, idles, fails and is stopped" {
	plain_fleet
	add_tests
	cat >> "$LOOPKEEPER_CONFIG" <<-CONF
		include = [ "more.conf" ];
	CONF
	cat > "$FLEET/more.conf" <<-CONF
		components = ( { name = "fails"; command = [ "false" ];
		    restart = { max_restarts = 2; window = "1h";
		      retry_every = "1h"; delay = "10ms"; }; } );
	CONF
	lk up -d
	wait_state fails failed
	lk stop loop-2
	sql "UPDATE tests SET status = 'in_progress' WHERE id = 'CP-1'"
	answers 1 health
	says "loop-1-critical-path: running (current test: CP-1)"
	says "loop-2: stopped (since "
	says ", by "
	[[ $output =~ fails:\ failed\ \(2\ of\ 2\ restarts\ in\ 1h,\ last:\ exit\ 1, ]]
	sql "UPDATE tests SET status = 'passed'"
	answers 1 health
	says "loop-1-critical-path: idle (queue empty)"
}

@test "status shows mode, table, alerts and decisions in 80 columns" {
	plain_fleet
	add_tests
	lk up -d --wait
	sql "INSERT INTO alerts (severity, source, message) VALUES
	    ('error', 'monitor', 'loop-1 makes no progress');
	    INSERT INTO decisions (id, summary, options, default_option,
	    requested_by) VALUES ('DEC-001', 'CP-1 failed 3 times',
	    '[{\"id\":\"A\",\"description\":\"retry\"}]', 'A', 'pm');
	    UPDATE tests SET status = 'in_progress', attempts = 2
	    WHERE id = 'CP-1'"
	answers 0 status
	[[ ${lines[0]} == "mode: normal" ]]
	[[ ${lines[1]} =~ ^NAME\ +STATE\ +UPTIME\ +RESTARTS\ +TEST\ +QUEUE\ +PRIORITY$ ]]
	[[ $output =~ loop-1-critical-path\ +running\ +[0-9]+s\ +0\ +CP-1\ +0/2\ +1 ]]
	says "attempt 2"
	says "loop-1 makes no progress"
	says "loopkeeper decide DEC-001"
	# No colour where there is no terminal.
	[[ $output != *$'\033'* ]]
	run ! grep -nE '.{81}' <<< "$output"
}

# on_terminal COLUMNS COMMAND...: its output as a terminal of that width shows
# it, in $output.
on_terminal() {
	local columns=$1
	shift
	# Neither colour nor the terminal's own line ends.
	output=$(script -qec "stty cols $columns; $*" /dev/null < /dev/null |
	    tr -d '\r')
}

fits() {
	local line
	while IFS= read -r line; do
		((${#line} <= $1)) || fail "over $1 columns: $line"
	done <<< "$output"
}

@test "tables fit a terminal, a phone's too" {
	need script
	plain_fleet
	add_tests
	lk up -d --wait
	sql "INSERT INTO tests (id, loop_id, status, reason) VALUES
	    ('INF-LONG-001', 'loop-2', 'blocked',
	    '3 of 3 attempts failed; the last: verify: exit 1, with more')"
	local width
	for width in 50 80; do
		on_terminal "$width" "$LOOPKEEPER" tests
		[[ $output == *INF-LONG-001*blocked*"3 of 3"*...* ]] ||
		    fail "$output"
		fits "$width"
		on_terminal "$width" "$LOOPKEEPER" status
		fits "$width"
	done
}

@test "status --json is the contract" {
	plain_fleet
	lk up -d --wait
	lk status --json > "$FLEET/status"
	jq -e '.fleet | has("guardian_pid", "daemon_pid", "mode",
	    "mode_reason", "epoch", "run_directory", "version")' \
	    "$FLEET/status"
	jq -e '.components | length == 6 and all(has("name", "state",
	    "wanted", "pid", "pid_start", "keeper_pid", "keeper_version",
	    "tree", "restarts", "level", "circuit", "deaths_in_window",
	    "last_cause", "last_exit", "heartbeats", "refused",
	    "heartbeat_age_ms", "output_dropped", "log", "record"))' \
	    "$FLEET/status"
	jq -e '.components[0] | .name == "monitor" and .state == "running"
	    and .wanted == "running" and .circuit == "closed"' "$FLEET/status"
	[[ -e $(jq -r '.components[0].record' "$FLEET/status") ]]
	kill -0 "$(jq -r .fleet.guardian_pid "$FLEET/status")"
	kill -0 "$(jq -r .fleet.daemon_pid "$FLEET/status")"
}

@test "status needs neither daemon nor database" {
	plain_fleet
	lk up -d --wait
	local pid
	pid=$(pid_of monitor)
	kill -STOP "$(status_field @ guardian_pid)" \
	    "$(status_field @ daemon_pid)"
	mv "$FLEET/state/coordination.db" "$FLEET/kept.db"
	[[ $(pid_of monitor) == "$pid" ]]
	[[ $(status_field monitor state) == running ]]
	answers 1 health
	says "monitor: healthy"
	says "there is no database"
	mv "$FLEET/kept.db" "$FLEET/state/coordination.db"
	kill -CONT "$(status_field @ guardian_pid)" \
	    "$(status_field @ daemon_pid)"
}

@test "status while another process holds the database doesn't wait for it" {
	need python3
	plain_fleet
	lk up -d --wait
	python3 - "$FLEET" 3>&- <<-'PY' &
		import os, sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1] + "/state/coordination.db",
		    isolation_level=None, timeout=60)
		db.execute("BEGIN EXCLUSIVE")
		open(sys.argv[1] + "/locked", "w").close()
		while not os.path.exists(sys.argv[1] + "/release"):
		    time.sleep(0.05)
	PY
	wait_until 10 test -e "$FLEET/locked"
	answers 0 status
	says "monitor"
	answers 0 health
	: > "$FLEET/release"
	wait
}

@test "status NAME tells all about one, and what to do next" {
	plain_fleet
	lk up -d --wait
	wait_event "event_type = 'component_ready'
	    AND component = 'loop-1-critical-path'"
	answers 0 status LOOP-1
	says "loop-1-critical-path: "
	says "Critical Path"
	says "pid         $(pid_of loop-1-critical-path)"
	says "keeper      pid "
	says "memory "
	says "cpu "
	says "tree "
	says "state/logs/loop-1-critical-path.log"
	says "loop-1-critical-path is ready"
	says "  loopkeeper logs -f loop-1-critical-path"
	# Where the shell doesn't name the file, the command does.
	file=$LOOPKEEPER_CONFIG
	run env -u LOOPKEEPER_CONFIG "$LOOPKEEPER" -c "$file" status loop-1
	says "  loopkeeper -c $file logs -f loop-1-critical-path"
	lk status loop-1 --json | jq -e '.components | length == 1'
	answers 1 status loop
	says "loop may mean loop-1-critical-path, loop-2"
}

@test "the reason of a mode" {
	fleet_config <<-CONF
		components = (
		  { name = "monitor"; command = [ "false" ];
		    mode_when_down = "slow"; restart = { max_restarts = 1;
		      retry_every = "1h"; delay = "10ms"; }; } );
	CONF
	lk up -d
	wait_until 15 mode_is slow
	answers 0 status
	[[ ${lines[0]} =~ ^mode:\ slow\ \(monitor\ down\ [0-9]+s:\ 60s\ between\ tests,\ no\ overlapping\ files\)$ ]]
	# What is stopped on purpose isn't missing.
	lk stop monitor
	wait_until 15 mode_is normal
	answers 0 status
	[[ ${lines[0]} == "mode: normal" ]]
}

mode_is() {
	[[ $(status_field @ mode) == "$1" ]]
}

@test "without a fleet, reading commands say what they can and exit 3" {
	plain_fleet
	answers 3 tests
	says "no database"
	add_tests
	answers 3 status
	says "not running"
	says "loop-1-critical-path"
	answers 3 health
	says "monitor: stopped (the fleet is down)"
	answers 3 tests
	says "CP-1"
	answers 3 show cp-1
	says "CP-1: pending"
	says "CP-2 (pending)"
	answers 3 timeline
	answers 3 decisions
	answers 3 alerts
	answers 3 wait --for ready
	{ lk tests --json || true; } 2> /dev/null | jq -e 'length == 3'
	{ lk timeline --json || true; } 2> /dev/null | jq -e 'type == "array"'
	{ lk alerts --json || true; } 2> /dev/null | jq -e 'length == 0'
	{ lk decisions --json || true; } 2> /dev/null | jq -e 'length == 0'
}

@test "of very many, people see the first or the newest, programs all" {
	plain_fleet
	add_tests
	sql "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
	    INSERT INTO tests (id, loop_id, sort_order)
	    SELECT printf('N-%03d', i), 'loop-1-critical-path', 10 + i FROM n;
	    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
	    INSERT INTO events (id, timestamp, event_type, payload)
	    SELECT 'e' || i, datetime('now', '-2 hours', i || ' seconds'),
	      'test_passed', json_object('test_id', 'N-001', 'n', i) FROM n;
	    INSERT INTO events (id, source, event_type)
	    SELECT 'now' || id, 'me', 'test_failed' FROM events"
	answers 3 tests
	says "and 403 more: --all shows them"
	says "in all: 603 pending"
	sql "UPDATE tests SET depends_on = 'N-001' WHERE id > 'N-500'"
	answers 3 show N-001
	says "and 80 more"
	[[ $output != *N-200* ]]
	answers 3 tests --status passed
	says "no tests like that"
	answers 3 tests --loop loop-1 --all
	says N-600
	[[ $output != *more* ]]
	{ lk tests --json || true; } 2> /dev/null | jq -e 'length == 603'
	answers 3 order --loop loop-1
	says "and 402 more: --all shows them"
	answers 3 order --loop loop-1 --all
	says N-600
	{ lk order --loop loop-1 --json || true; } 2> /dev/null |
	    jq -e 'length == 602'
	answers 3 timeline
	[[ ${lines[0]} == "the newest 500; --since shows the earlier ones, too" ]]
	[[ $(grep -c ' failed' <<< "$output") == 500 ]]
	answers 3 timeline --since 1h
	[[ $output != *newest* ]]
	# Of a test it goes further back than an hour.
	answers 3 timeline --filter test_id=n-001
	says "the newest 500"
	{ lk timeline --filter test_id=N-001 --json || true; } 2> /dev/null |
	    jq -e 'length == 600'
	answers 3 timeline --filter test_id=N-002
	[[ $output == "no such events"* && $output != *--since* ]]
}

@test "words that mean nothing: the nearest, or the other kind" {
	plain_fleet
	add_tests
	answers 2 stauts
	says "did you mean 'status'?"
	answers 2 tests --lop loop-1
	says "did you mean --loop?"
	answers 1 status mointor
	says "did you mean monitor?"
	answers 1 status CP-1
	says "but a test: 'loopkeeper show CP-1'"
	answers 1 show loop-2
	says "but a component: 'loopkeeper status loop-2'"
	answers 1 show CP-3
	says "did you mean CP-1?"
	answers 2 tests --status "done"
	says "in_progress"
	answers 2 wait --for dinner
	answers 2 show
	says "usage: loopkeeper show TEST"
	answers 2
	answers 0 help
	says "Look:"
	says "Steer:"
	says "Repair:"
	says "Set up:"
	answers 0 help skip
	says "loopkeeper skip TEST"
	answers 0 version
	lk version --json | jq -e .version
}

@test "errors are one line on stderr" {
	plain_fleet
	lk show nothing > "$FLEET/out" 2> "$FLEET/err" || true
	[[ ! -s $FLEET/out ]]
	[[ $(wc -l < "$FLEET/err") == 1 ]]
	[[ $(< "$FLEET/err") == "loopkeeper: "* ]]
}

@test "a disk full of output is an error" {
	[[ -c /dev/full ]] || skip "needs /dev/full"
	plain_fleet
	run -1 bash -c '"$1" help 2>&1 > /dev/full 3>&-' - "$LOOPKEEPER"
	[[ $output == *"No space left"* ]]
}
