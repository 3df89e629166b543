# The daemon dies, or hangs: components neither notice nor stop, and the next
# one finds every keeper by its lock.

load lib

prepare() {
	sleepers one two
}

# kill_daemon [SIGNAL]
kill_daemon() {
	local daemon
	daemon=$(status_field @ daemon_pid)
	kill "-${1:-KILL}" "$daemon"
	wait_until 15 has_other daemon_pid @ "$daemon"
}

@test "a new daemon adopts all, and they never notice" {
	lk up -d --wait
	local before
	before=$(all_pids)
	kill_daemon
	wait_event "event_type = 'daemon_restarted'"
	[[ $(all_pids) == "$before" ]]
	[[ $(sql "SELECT json_extract(payload, '\$.adopted') FROM events
	    WHERE event_type = 'daemon_restarted'") == 4 ]]
	[[ $(count_events "event_type = 'component_restarted'") == 0 ]]
}

@test "the new one steers what the old one started" {
	lk up -d --wait
	kill_daemon
	local pid
	pid=$(pid_of one)
	lk restart one
	has_pid_other_than one "$pid"
	lk stop two
	state_is two stopped
	lk down
	wait_until 5 nothing_left
}

@test "a component that dies meanwhile is restarted all the same" {
	lk up -d --wait
	local guardian daemon pid
	guardian=$(status_field @ guardian_pid)
	daemon=$(status_field @ daemon_pid)
	pid=$(pid_of one)
	# So that no daemon comes back.
	kill -STOP "$guardian"
	kill -9 "$daemon"
	kill -9 "$pid"
	wait_until 5 has_pid_other_than one "$pid"
	kill -CONT "$guardian"
	wait_until 15 has_other daemon_pid @ "$daemon"
	wait_state one running
}

@test "a component that hangs meanwhile is found all the same" {
	fleet_config <<-CONF
		components = ( { name = "c"; command = [ "$HELPERS/client",
		    "hang" ]; ready = "notify"; heartbeat = { timeout = "1s"; };
		    restart = { delay = "10ms"; max_restarts = 0; }; } );
	CONF
	lk up -d --wait
	local guardian pid
	guardian=$(status_field @ guardian_pid)
	kill -STOP "$guardian"
	kill -9 "$(status_field @ daemon_pid)"
	pid=$(pid_of c)
	wait_until 15 has_pid_other_than c "$pid"
	wait_event "event_type = 'component_stuck' AND component = 'c'"
	kill -CONT "$guardian"
	wait_until 15 has_daemon
}

@test "it dies again and again, and comes back each time" {
	lk up -d --wait
	local before
	before=$(all_pids)
	kill_daemon
	kill_daemon ABRT
	kill_daemon
	[[ $(all_pids) == "$before" ]]
}

@test "guardian and daemon die: up adopts what lives" {
	lk up -d --wait
	local before guardian
	before=$(all_pids)
	guardian=$(status_field @ guardian_pid)
	kill -STOP "$(status_field @ daemon_pid)"
	kill -9 "$guardian" "$(status_field @ daemon_pid)"
	wait_until 5 gone "$guardian"
	run lk up -d
	[[ $status == 0 && $output == *"adopted 4 keepers"* ]] || fail "$output"
	[[ $(all_pids) == "$before" ]]
	wait_event "event_type = 'supervisor_adopted'"
	lk down
	wait_until 5 nothing_left
}

@test "down ends keepers whose daemon and guardian are dead" {
	lk up -d --wait
	kill -STOP "$(status_field @ daemon_pid)"
	kill -9 "$(status_field @ guardian_pid)" "$(status_field @ daemon_pid)"
	lk down
	wait_until 5 nothing_left
}

@test "everything dies at once: up repairs and starts" {
	lk up -d --wait
	kill_everything
	lk up -d --wait
	state_is one running
	[[ $(sql "PRAGMA integrity_check") == ok ]]
}

@test "a faulty file doesn't keep a daemon from coming back" {
	lk up -d --wait
	local before
	before=$(all_pids)
	echo 'components = ( { ' >> "$LOOPKEEPER_CONFIG"
	kill_daemon
	[[ $(all_pids) == "$before" ]]
	wait_until 10 lk restart one
	state_is one running
}

@test "a down that the daemon doesn't survive is finished by the next" {
	fleet_config <<-CONF
		components = ( { name = "slow"; stop_timeout = "2s";
		    command = [ "$HELPERS/stubborn" ]; },
		  { name = "one"; command = [ "sleep", "1000" ];
		    after = [ "slow" ]; } );
	CONF
	lk up -d --wait
	local daemon
	daemon=$(status_field @ daemon_pid)
	lk down > "$FLEET/down.log" 2>&1 &
	local down=$!
	wait_state slow stopping
	kill -9 "$daemon"
	wait "$down"
	wait_until 5 nothing_left
}

@test "a daemon that finds another configuration applies it" {
	lk up -d --wait
	local one
	one=$(pid_of one)
	sed -i 's/"two"; command = \[ "sleep"/"three"; command = [ "sleep"/' \
	    "$LOOPKEEPER_CONFIG"
	kill_daemon
	wait_state three running
	wait_until 10 test ! -d "$FLEET/state/run/c/two"
	[[ $(pid_of one) == "$one" ]]
	wait_event "event_type = 'supervisor_adopted'"
	[[ $(sql "SELECT json_extract(payload, '\$.dismissed') FROM events
	    WHERE event_type = 'supervisor_adopted'") == 1 ]]
}

@test "the mode stays what it was, and is told once" {
	fleet_config <<-CONF
		components = (
		  { name = "gone"; mode_when_down = "conservative";
		    command = [ "false" ];
		    restart = { max_restarts = 1; delay = "10ms"; }; },
		  { name = "late"; mode_when_down = "slow"; ready = "notify";
		    notify_access = "tree"; start_timeout = "1h";
		    command = [ "/bin/sh", "-c", "until [ -e $FLEET/well ]
		      do sleep 0.05; done; systemd-notify --ready
		      exec sleep 1000" ]; }
		);
	CONF
	need systemd-notify
	lk up -d
	wait_until 10 mode_is conservative
	kill_daemon
	wait_event "event_type = 'daemon_restarted'"
	mode_is conservative
	lk stop gone
	wait_until 10 mode_is normal
	wait_events 2 "event_type = 'mode_changed'"
	# As if it had been missing for longer than anybody must wait here.
	echo slow > "$FLEET/slow"
	mv "$FLEET/slow" "$FLEET/state/run/mode"
	kill_daemon
	wait_events 2 "event_type = 'daemon_restarted'"
	mode_is slow
	touch "$FLEET/well"
	wait_until 10 mode_is normal
	wait_events 3 "event_type = 'mode_changed'"
	has_event "event_type = 'mode_changed' AND payload LIKE
	    '%\"before\":\"slow\"%'"
}
