# alone
# The database is locked for a while by somebody else: components die and are
# restarted as fast as ever, those judged by the database are not judged, and
# afterwards every event is in it, once.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
	OUTAGE_S=${OUTAGE_S:-15}
	FOREIGNER=
}

teardown() {
	[[ -n $FOREIGNER ]] && kill "$FOREIGNER" 2> /dev/null
	teardown_fleet
}

# Another program takes the database for itself and says so in a file.
lock_database() {
	cat > "$FLEET/foreigner.py" <<-'PY'
		import sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1], isolation_level=None)
		db.execute("PRAGMA busy_timeout = 10000")
		db.execute("BEGIN EXCLUSIVE")
		open(sys.argv[2], "w").close()
		time.sleep(float(sys.argv[3]))
		db.execute("COMMIT")
		open(sys.argv[4], "w").close()
	PY
	/usr/bin/python3 "$FLEET/foreigner.py" \
	    "$FLEET/state/coordination.db" "$FLEET/locked" "$1" \
	    "$FLEET/unlocked" 3>&- &
	FOREIGNER=$!
	wait_until 15 test -e "$FLEET/locked"
}

@test "restarts go on, nobody is judged, no event is lost or doubled" {
	local pid row
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0; delay = "10ms";
		    delay_max = "50ms"; }; };
		components = (
		  { name = "dies"; command = [ "sleep", "1000" ]; },
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "3s"; }; }
		);
	CONF
	lk up -d
	wait_state dies running
	wait_state row running
	# A program that knows nothing but the table.
	while sleep 0.3; do
		sql "INSERT INTO component_health (component, last_heartbeat,
		    status) VALUES ('row', strftime('%Y-%m-%dT%H:%M:%fZ',
		    'now'), 'healthy') ON CONFLICT (component) DO UPDATE SET
		    last_heartbeat = excluded.last_heartbeat" \
		    > /dev/null 2>&1 || true
	done 3>&- &
	local beater=$!
	row=$(pid_of row)
	wait_event "event_type = 'component_started' AND component = 'dies'"
	lock_database "$OUTAGE_S"
	for _ in {1..10}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		wait_until 5 has_pid_other_than dies "$pid"
		wait_state dies running 5
	done
	[[ ! -e $FLEET/unlocked ]] || fail "the outage was too short"
	wait_until $((OUTAGE_S + 30)) test -e "$FLEET/unlocked"
	wait_until 30 all_deaths_told
	[[ $(pid_of row) == "$row" ]] || fail "row was judged"
	kill "$beater"
	lk down
	[[ $(count_events "event_type = 'component_crashed' AND
	    component = 'dies'") == 10 ]]
	[[ $(count_events "event_type IN ('component_stuck', 'component_late')
	    AND component = 'row'") == 0 ]]
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
}

all_deaths_told() {
	local n
	n=$(count_events "event_type = 'component_crashed' AND
	    component = 'dies'")
	[[ $n == 10 ]] || fail "$n of 10 deaths are in the database"
}
