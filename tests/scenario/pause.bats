# Pause and resume of single components and of all; what is known only by the
# database is asked in its own language first.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
}

teardown() {
	teardown_fleet
}

two_components() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; } );
	CONF
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
	wait_until 10 has_restarts one 1
	lk pause one
	lk resume one
	wait_state one running
	[[ $(status_field one deaths_in_window) == 1 ]]
}

has_restarts() {
	[[ $(status_field "$1" restarts) == "$2" ]]
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
		begun = time.time()
		while True:
		    db.execute("INSERT INTO component_health (component, "
		        "last_heartbeat, status) VALUES (?, datetime('now'), "
		        "'healthy') ON CONFLICT (component) DO UPDATE SET "
		        "last_heartbeat = datetime('now')", (name,))
		    db.commit()
		    asked = db.execute("SELECT count(*) FROM events WHERE "
		        "event_type = 'pause_requested' AND component = ? AND "
		        "strftime('%s', timestamp) + 1 > ?",
		        (name, begun)).fetchone()[0]
		    if asked:
		        open(sys.argv[1], "a").write("obeyed\n")
		        sys.exit(0)
		    time.sleep(0.1)
	PY
	fleet_config <<-CONF
		components = ( { name = "poller"; command = [ "python3",
		    "$FLEET/poller.py", "$FLEET/obeyed" ];
		    heartbeat = { source = "database"; timeout = "1m"; }; } );
	CONF
	lk up -d --wait
	wait_until 10 has_heartbeat
	lk pause all
	grep -qx obeyed "$FLEET/obeyed"
	state_is poller stopped
	lk resume all
	wait_state poller running
}

has_heartbeat() {
	[[ $(sql "SELECT count(*) FROM component_health WHERE
	    component = 'poller'") == 1 ]]
}

# A loop whose worker waits for a file; two tests.
one_loop() {
	mkdir "$FLEET/repository"
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		echo "\$LOOPKEEPER_TEST_ID" >> "$FLEET/begun"
		until [ -e "$FLEET/go" ]; do echo waits; sleep 0.1; done
		touch "\$LOOPKEEPER_TEST_ID"
	SH
	chmod 755 "$FLEET/worker"
	fleet_config <<-CONF
		components = ( { name = "loop-1"; ready = "notify";
		    command = [ "loopkeeper-loop" ];
		    loop = { worker = [ "$FLEET/worker" ];
		      repository = "$FLEET/repository"; pause = "0"; }; } );
	CONF
	lk up -d --wait
	lk add X-1 --loop loop-1 --verify "test -e X-1"
	lk add X-2 --loop loop-1 --verify "test -e X-2"
	wait_until 15 test -s "$FLEET/begun"
}

test_is() {
	local status
	status=$(sql "SELECT status FROM tests WHERE id = '$1'")
	[[ $status == "$2" ]] || fail "$1 is $status"
}

@test "pause all loses no work: the test is pending again, not counted" {
	need git
	one_loop
	test_is X-1 in_progress
	lk pause all
	state_is loop-1 stopped
	[[ -z $(pgrep -f "$FLEET/worker") ]]
	touch "$FLEET/go"
	lk resume all
	lk wait --for passed --timeout 30s
	[[ $(sql "SELECT attempts FROM tests WHERE id = 'X-1'") == 1 ]]
	[[ $(sql "SELECT outcome FROM attempts WHERE test_id = 'X-1'
	    ORDER BY fence LIMIT 1") == interrupted ]]
}

@test "pause --after-test lets the test finish, and takes no other" {
	need git
	one_loop
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
	lk wait --for passed --timeout 30s
	[[ $(sql "SELECT count(*) FROM attempts") == 2 ]]
	[[ $(sort -u "$FLEET/begun" | wc -l) == 2 ]]
}
