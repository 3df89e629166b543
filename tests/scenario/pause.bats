# Pause and resume of single components and of all; what is known only by the
# database is asked in its own language first.

load lib

two_components() {
	sleepers one two
	lk up -d --wait
}

@test "a paused component stays so through down and up, and says who did it" {
	two_components
	local pid
	pid=$(pid_of one)
	run lk pause one --reason "looking into it"
	[[ $status == 0 && $output == *"one: paused"* ]] || fail "$output"
	gone "$pid"
	[[ $(status_field one wanted) == paused ]]
	run lk status one
	[[ $output == *"$(id -un)"* && $output == *"looking into it"* ]] ||
	    fail "$output"
	lk pause one
	lk down
	lk up -d --wait
	state_is one stopped
	state_is two running
	lk resume one
	wait_state one running
	wait_event "event_type = 'paused' AND component = 'one'"
	wait_event "event_type = 'resumed' AND component = 'one'"
	run lk resume one
	[[ $status == 0 && $output == *"is not paused"* ]] || fail "$output"
}

@test "resume lifts no stop" {
	two_components
	lk stop one
	run lk resume one
	[[ $status == 1 && $output == *"stopped"* ]] || fail "$output"
	lk pause two
	lk resume all
	wait_state two running
	state_is one stopped
}

@test "a pause doesn't count as a death, and clears no count" {
	two_components
	kill -9 "$(pid_of one)"
	wait_until 10 restarts_are one 1
	lk pause one
	lk resume one
	wait_state one running
	[[ $(status_field one deaths_in_window) == 1 ]]
}

@test "pause all --dry-run names them and does nothing" {
	two_components
	run lk pause all --dry-run
	[[ $status == 0 && $output != *one* && $output == *database* ]] ||
	    fail "$output"
	state_is one running
	[[ ! -e $FLEET/state/wanted ]]
}

@test "who polls the database is asked by an event, and may end by itself" {
	need python3
	cat > "$FLEET/poller.py" <<-'PY'
		import os, sqlite3, sys, time
		db = sqlite3.connect(os.environ["LOOPKEEPER_DB"], timeout=10)
		name = os.environ["LOOPKEEPER_COMPONENT"]
		begun = db.execute(
		    "SELECT ifnull(max(rowid), 0) FROM events").fetchone()[0]
		while True:
		    db.execute("INSERT INTO component_health (component, "
		        "last_heartbeat, status) VALUES (?, datetime('now'), "
		        "'healthy') ON CONFLICT (component) DO UPDATE SET "
		        "last_heartbeat = datetime('now')", (name,))
		    db.commit()
		    asked = db.execute("SELECT count(*) FROM events WHERE "
		        "event_type = 'pause_requested' AND component = ? AND "
		        "rowid > ?", (name, begun)).fetchone()[0]
		    if asked:
		        open(sys.argv[1], "a").write("obeyed\n")
		        sys.exit(0)
		    time.sleep(0.1)
	PY
	fleet_config <<-CONF
		components = ( { name = "poller"; command = [ "sh", "-c",
		    "echo begun >> $FLEET/begun;
		    exec python3 $FLEET/poller.py $FLEET/obeyed" ];
		    heartbeat = { source = "database"; timeout = "1m"; }; } );
	CONF
	lk up -d --wait
	wait_until 10 has_heartbeat
	lk pause all
	grep -qx obeyed "$FLEET/obeyed"
	state_is poller stopped
	# It ended as it was asked to: no death, and nothing that began anew.
	[[ $(cat "$FLEET/begun") == begun ]]
	[[ $(status_field poller deaths_in_window) == 0 ]]
	lk resume all
	wait_state poller running
	[[ $(count_events "event_type = 'component_crashed'") == 0 ]]
}

@test "who doesn't obey is ended, also where its stop_timeout is an hour" {
	local name
	cat > "$FLEET/deaf" <<-'SH'
		#!/bin/sh
		trap 'touch "$FLEET/$LOOPKEEPER_COMPONENT"; exit' TERM
		while :; do sleep 0.1; done
	SH
	chmod +x "$FLEET/deaf"
	fleet_config <<-CONF
		defaults = { heartbeat = { source = "database"; timeout = "1h"; };
		};
		components = (
		  { name = "short"; command = [ "$FLEET/deaf" ];
		    stop_timeout = "1s"; },
		  { name = "long"; command = [ "$FLEET/deaf" ];
		    stop_timeout = "1h"; } );
	CONF
	lk up -d --wait
	timeout $((60 * LK_PATIENCE)) "$LOOPKEEPER" pause short 3>&-
	state_is short stopped
	timeout $((60 * LK_PATIENCE)) "$LOOPKEEPER" pause all 3>&-
	state_is long stopped
	lk resume all
	for name in short long; do
		wait_event "event_type = 'pause_requested'
		    AND component = '$name'"
		test -e "$FLEET/$name"
	done
}

has_heartbeat() {
	[[ $(sql "SELECT count(*) FROM component_health WHERE
	    component = 'poller'") == 1 ]]
}

# A loop whose worker waits for a file; two tests.
begin_waiting_test() {
	one_loop <<-SH
		#!/bin/sh
		echo "\$LOOPKEEPER_TEST_ID" >> "$FLEET/begun"
		until [ -e "$FLEET/go" ]; do echo waits; sleep 0.1; done
		touch "\$LOOPKEEPER_TEST_ID"
	SH
	lk up -d --wait
	lk add X-1 --loop loop-1 --verify "test -e X-1"
	lk add X-2 --loop loop-1 --verify "test -e X-2"
	wait_until 15 test -s "$FLEET/begun"
}

@test "pause all pauses who works on the database, and nobody else" {
	local name
	fleet_config <<-CONF
		components = ( $(agents),
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "1h"; };
		    stop_timeout = "1s"; },
		  { name = "plain"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d --wait
	run lk pause all
	[[ $status == 0 ]]
	for name in monitor pm loop-1 row; do
		[[ $output == *"$name: paused"* ]] || fail "$output"
		state_is "$name" stopped
	done
	[[ $output != *plain* ]] || fail "$output"
	for name in plain recorder logger; do
		state_is "$name" running
	done
	# What the records tell is told without the database.
	run lk health
	[[ $output == *"loop-1: paused"* && $output == *"plain: healthy"* ]] ||
	    fail "$output"
	lk resume all
	for name in monitor pm loop-1 row; do
		wait_state "$name" running
	done
}

@test "pause all loses no work: the test is pending again, not counted" {
	need git
	begin_waiting_test
	test_is X-1 in_progress
	left=$(sql "SELECT count(*) FROM tests WHERE status <> 'passed'")
	lk pause all
	state_is loop-1 stopped
	# Told by the loop's file now: nobody may open the database.
	[[ $(lk status --json | jq '.components[] |
	    select(.name == "loop-1").loop.left') == "$left" ]]
	[[ -z $(pgrep -f "$FLEET/worker") ]]
	touch "$FLEET/go"
	lk resume all
	lk wait --for passed --timeout 2m
	[[ $(sql "SELECT attempts FROM tests WHERE id = 'X-1'") == 1 ]]
	[[ $(sql "SELECT outcome FROM attempts WHERE test_id = 'X-1'
	    ORDER BY fence LIMIT 1") == interrupted ]]
}

@test "a loop that couldn't ask for its queue doesn't call it empty" {
	need git
	begin_waiting_test
	test_is X-1 in_progress
	lk pause all
	lk start loop-1
	wait_until 10 health_file_is_of "$(pid_of loop-1)"
	lk status --json | jq -e '.components[] | select(.name == "loop-1") |
	    .loop.left == null'
}

health_file_is_of() {
	jq -e --argjson pid "$1" '.pid == $pid' \
	    "$FLEET"/state/*/specs/health.json
}

@test "pause --after-test lets the test finish, and takes no other" {
	need git
	begin_waiting_test
	lk pause all --after-test > "$FLEET/pause.log" 2>&1 &
	local pause=$!
	wait_until 10 grep -q 'goes on with its test' "$FLEET/pause.log"
	[[ $(status_field loop-1 wanted) == draining ]]
	state_is loop-1 running
	touch "$FLEET/go"
	wait "$pause"
	state_is loop-1 stopped
	[[ $(sort -u "$FLEET/begun") == X-1 ]]
	lk resume all
	lk wait --for passed --timeout 2m
	[[ $(sql "SELECT count(*) FROM attempts") == 2 ]]
	[[ $(sort -u "$FLEET/begun" | wc -l) == 2 ]]
}
