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
