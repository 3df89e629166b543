# down --now: everything is stopped, killed, and proved to be gone.

load lib

@test "it kills all, trees that escape too, and says so" {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "$HELPERS/stubborn" ]; },
		  { name = "lost"; command = [ "$HELPERS/escape",
		    "$FLEET/lost" ]; }
		);
	CONF
	lk up -d --wait
	wait_until 10 test -s "$FLEET/lost"
	run lk down --now
	[[ $status == 0 && $output == *"nothing of the fleet is left"* ]] ||
	    fail "$output"
	wait_until 5 nothing_left
	gone "$(< "$FLEET/lost")"
	[[ $(sql "PRAGMA integrity_check") == ok ]]
	# And it can be started again, with every event kept.
	lk up -d --wait
	wait_events 2 "event_type = 'supervisor_started'"
}

@test "what dies and comes back all the time doesn't get away" {
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0; delay = "1ms";
		    delay_max = "1ms"; }; };
		components = ( { name = "mill"; command = [ "/bin/sh", "-c",
		    "(setsid sleep 1000 &) ; exit 1" ]; } );
	CONF
	lk up -d
	wait_until 10 died_often mill
	lk down --now
	wait_until 5 nothing_left
}

died_often() {
	local restarts
	restarts=$(status_field "$1" restarts)
	((restarts > 3)) || fail "$restarts restarts"
}

@test "stopped processes are no hindrance" {
	sleepers one
	lk up -d --wait
	kill -STOP "$(status_field @ daemon_pid)" \
	    "$(status_field one keeper_pid)" "$(pid_of one)" \
	    "$(status_field @ guardian_pid)"
	lk down --now
	wait_until 5 nothing_left
}

@test "guardian and daemon dead, keepers alive" {
	sleepers one
	lk up -d --wait
	kill -STOP "$(status_field @ daemon_pid)"
	kill -9 "$(status_field @ guardian_pid)" "$(status_field @ daemon_pid)"
	lk down --now
	wait_until 5 nothing_left
}

@test "from inside the fleet it wants --yes" {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "inside"; restart = { policy = "never"; };
		    command = [ "/bin/sh", "-c",
		    "$LOOPKEEPER down --now > $FLEET/no 2>&1; echo \$? >> $FLEET/no;
		     until [ -e $FLEET/go ]; do sleep 0.05; done;
		     $LOOPKEEPER down --now --yes > $FLEET/yes 2>&1" ]; } );
	CONF
	lk up -d
	wait_until 15 ends_with_code
	grep -q -- --yes "$FLEET/no"
	[[ $(tail -n 1 "$FLEET/no") == 1 ]]
	wait_state one running
	touch "$FLEET/go"
	wait_until 15 grep -q "nothing of the fleet is left" "$FLEET/yes"
	wait_until 10 nothing_left
}

ends_with_code() {
	tail -n 1 "$FLEET/no" | grep -qx '[0-9]'
}

@test "a second Ctrl-C is down --now" {
	fleet_config <<-CONF
		components = ( { name = "slow"; stop_timeout = "1m";
		    command = [ "$HELPERS/stubborn" ]; } );
	CONF
	background up.log "$LOOPKEEPER" up
	local up=$PID
	wait_state slow running
	kill -INT "$up"
	wait_state slow stopping
	kill -INT "$up"
	wait_until 20 gone "$up"
	wait "$up"
	wait_until 5 nothing_left
}
