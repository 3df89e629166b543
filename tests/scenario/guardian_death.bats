# The guardian dies: the daemon takes its place, and a new daemon below it
# adopts all. Components notice nothing.

load lib

prepare() {
	sleepers one two
	lk up -d --wait
}

@test "the daemon becomes the guardian, and has a daemon below it" {
	local before guardian daemon
	before=$(all_pids)
	guardian=$(status_field @ guardian_pid)
	daemon=$(status_field @ daemon_pid)
	kill -9 "$guardian"
	wait_until 10 has_other guardian_pid @ "$guardian"
	wait_until 10 has_other daemon_pid @ "$daemon"
	[[ $(status_field @ guardian_pid) == "$daemon" ]]
	[[ $(all_pids) == "$before" ]]
	wait_event "event_type = 'daemon_restarted'"
	[[ $(pgrep -P "$daemon" -f 'loopkeeper: daemon') == \
	    "$(status_field @ daemon_pid)" ]]
	local pid
	pid=$(pid_of two)
	lk restart two
	has_pid_other_than two "$pid"
	lk down
	wait_until 5 nothing_left
}

@test "again and again" {
	local before guardian
	before=$(all_pids)
	for _ in 1 2 3; do
		guardian=$(status_field @ guardian_pid)
		kill -9 "$guardian"
		wait_until 10 has_other guardian_pid @ "$guardian"
		wait_until 10 has_daemon
	done
	[[ $(all_pids) == "$before" ]]
}

@test "the new guardian guards: a daemon that dies comes back" {
	local guardian daemon
	guardian=$(status_field @ guardian_pid)
	daemon=$(status_field @ daemon_pid)
	kill -9 "$guardian"
	wait_until 10 has_other daemon_pid @ "$daemon"
	wait_until 10 has_daemon
	daemon=$(status_field @ daemon_pid)
	kill -9 "$daemon"
	wait_until 10 has_other daemon_pid @ "$daemon"
	local before
	before=$(all_pids)
	# And a keeper that dies is replaced, whoever is its parent now.
	kill -9 "$(status_field one keeper_pid)"
	wait_until 10 is_replaced "$before"
	wait_state one running
}

is_replaced() {
	[[ $(all_pids) != "$1" ]] && state_is one running
}

@test "what a dead keeper leaves below the guardian is ended" {
	fleet_config <<-CONF
		components = ( { name = "lost";
		    command = [ "$HELPERS/escape", "$FLEET/lost" ]; } );
	CONF
	lk reload
	wait_until 10 test -s "$FLEET/lost"
	local keeper lost daemon
	lost=$(< "$FLEET/lost")
	keeper=$(status_field lost keeper_pid)
	daemon=$(status_field @ daemon_pid)
	# Its keeper's parent is the guardian then.
	kill -9 "$daemon"
	wait_until 10 has_other daemon_pid @ "$daemon"
	wait_until 10 has_daemon
	kill -9 "$keeper"
	wait_until 10 gone "$lost"
	wait_until 10 has_other keeper_pid lost "$keeper"
	wait_state lost running
}

@test "guardian, then daemon: nothing is started twice" {
	local before guardian daemon
	before=$(all_pids)
	guardian=$(status_field @ guardian_pid)
	daemon=$(status_field @ daemon_pid)
	kill -9 "$guardian"
	kill -9 "$daemon"
	wait_until 5 gone "$daemon"
	# Whether the daemon was faster or not: up makes it whole.
	lk up -d
	wait_until 10 has_daemon
	[[ $(all_pids) == "$before" ]]
	lk down
	wait_until 5 nothing_left
}

kill_its_daemons() {
	while [[ -d /proc/$1 ]]; do
		pkill -9 -P "$1" -f 'loopkeeper: daemon'
		sleep 0.01
	done
}

@test "told to end, it gives up when no daemon lives long enough for that" {
	local guardian
	guardian=$(status_field @ guardian_pid)
	kill -STOP "$(status_field @ daemon_pid)"
	kill "$guardian"
	background killer.log kill_its_daemons "$guardian"
	wait_until 20 gone "$guardian"
	lk down
	nothing_left
}
