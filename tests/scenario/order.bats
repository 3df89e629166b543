# `after` orders the start by readiness and the end by what is gone.

setup() {
	load lib
	need jq sqlite3
	setup_fleet
}

teardown() {
	teardown_fleet
}

# Times of events as text that sorts.
time_of() {
	sql "SELECT timestamp FROM events WHERE event_type = '$1'
	    AND component = '$2' ORDER BY timestamp LIMIT 1"
}

before() {
	[[ ! $1 > $2 ]] || fail "$1 is after $2"
}

@test "each starts when all it comes after are ready, and ends before them" {
	fleet_config <<-CONF
		components = (
		  { name = "web"; command = [ "sleep", "1000" ];
		    after = [ "base", "db" ]; },
		  { name = "db"; ready = "notify"; notify_access = "tree";
		    after = [ "base" ]; command = [ "/bin/sh", "-c",
		    "sleep 0.4; systemd-notify --ready; exec sleep 1000" ]; },
		  { name = "base"; command = [ "sleep", "1000" ]; }
		);
	CONF
	lk up -d --wait
	lk down
	before "$(time_of component_ready base)" "$(time_of component_started db)"
	before "$(time_of component_ready db)" "$(time_of component_started web)"
	before "$(time_of component_stopped web)" "$(time_of component_stopped db)"
	before "$(time_of component_stopped db)" \
	    "$(time_of component_stopped base)"
	before "$(time_of component_stopped base)" \
	    "$(time_of component_stopped logger)"
	before "$(time_of component_stopped logger)" \
	    "$(time_of component_stopped recorder)"
}

@test "one that can't start holds nobody up" {
	fleet_config <<-CONF
		components = (
		  { name = "bad"; command = [ "/bin/false" ];
		    restart = { max_restarts = 1; delay = "10ms"; }; },
		  { name = "next"; command = [ "sleep", "1000" ];
		    after = [ "bad" ]; },
		  { name = "job"; command = [ "/bin/true" ];
		    restart = { policy = "on-failure"; }; },
		  { name = "later"; command = [ "sleep", "1000" ];
		    after = [ "job" ]; }
		);
	CONF
	lk up -d
	wait_state bad failed
	wait_state next running
	wait_state later running
}

@test "what an operator stopped or paused holds nobody up" {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; },
		  { name = "last"; command = [ "sleep", "1000" ];
		    after = [ "one", "two" ]; }
		);
	CONF
	lk up -d --wait
	lk stop one
	lk pause two
	lk down
	lk up -d
	wait_state last running
	state_is one stopped
	state_is two stopped
}

@test "a missing monitor makes the mode slow, and its return normal" {
	fleet_config <<-CONF
		components = ( { name = "monitor"; mode_when_down = "slow";
		    command = [ "/bin/sh", "-c",
		      "[ -e $FLEET/well ] && exec sleep 1000; exit 1" ];
		    restart = { max_restarts = 1; delay = "10ms";
		      retry_every = "300ms"; stable_after = "100ms"; }; },
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d
	wait_until 10 mode_is slow
	[[ $(status_field @ mode) == slow ]]
	wait_event "event_type = 'mode_changed' AND component = 'monitor'"
	state_is one running
	touch "$FLEET/well"
	wait_until 10 mode_is normal
	lk stop monitor
	mode_is normal
}

mode_is() {
	[[ $(< "$FLEET/state/run/mode") == "$1" ]]
}
