# alone
# The database is locked for a while by somebody else: components die and are
# restarted as fast as ever, those judged by the database are not judged, and
# afterwards every event is in it, once.

load lib

prepare() {
	OUTAGE_S=${OUTAGE_S:-15}
}

has_lasted() {
	((SECONDS - $1 >= OUTAGE_S))
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
	background beats.log beat_row row %Y-%m-%dT%H:%M:%fZ
	row=$(pid_of row)
	wait_event "event_type = 'component_started' AND component = 'dies'"
	foreigner 'BEGIN EXCLUSIVE;'
	local begun_s=$SECONDS
	for _ in {1..10}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		wait_until 5 has_pid_other_than dies "$pid"
		wait_state dies running 5
	done
	wait_until $((OUTAGE_S + 5)) has_lasted "$begun_s"
	tell_foreigner 'COMMIT;'
	wait_until 30 all_deaths_told
	[[ $(pid_of row) == "$row" ]] || fail "row was judged"
	end_background
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
