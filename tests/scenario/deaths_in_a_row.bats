# Those who would put a death right die before they can.

load lib

prepare() {
	use_points
	sleepers one two
}

# Kills it; the next one waits for a while before it comes up.
make_daemon_wait() {
	local daemon
	daemon=$(status_field @ daemon_pid)
	kill -9 "$daemon"
	wait_until 5 gone "$daemon"
	wait_until 5 pgrep -P "$(status_field @ guardian_pid)" \
	    -f 'loopkeeper: daemon'
	[[ $(status_field @ daemon_pid) != [1-9]* ]]
}

deaths_told() {
	[[ $(count_events "event_type = 'keeper_died' AND component = 'one'
	    AND json_extract(payload, '\$.pid') = $1") == "$2" ]] ||
	    fail "$(sql "SELECT payload FROM events
	    WHERE event_type = 'keeper_died'")"
}

@test "the guardian dies while it has no daemon that is up" {
	export LOOPKEEPER_DAEMON_DELAY_MS=9000
	lk up -d --wait
	local one guardian
	one=$(pid_of one)
	guardian=$(status_field @ guardian_pid)
	make_daemon_wait
	kill -9 "$guardian"
	wait_until 15 has_other guardian_pid @ "$guardian"
	wait_until 15 has_daemon
	[[ $(pid_of one) == "$one" ]]
}

@test "down --now while the daemon waits to come up" {
	export LOOPKEEPER_DAEMON_DELAY_MS=9000
	lk up -d --wait
	make_daemon_wait
	lk down --now
	nothing_left
}

@test "down while the daemon waits to come up" {
	export LOOPKEEPER_DAEMON_DELAY_MS=9000
	lk up -d --wait
	make_daemon_wait
	lk down
	nothing_left
}

@test "a keeper that nobody saw dying is told by the next daemon, once" {
	lk up -d --wait
	local guardian daemon keeper
	guardian=$(status_field @ guardian_pid)
	daemon=$(status_field @ daemon_pid)
	keeper=$(keeper_of one)
	kill -STOP "$guardian"
	kill -9 "$daemon" "$keeper"
	wait_until 5 gone "$keeper"
	kill -CONT "$guardian"
	wait_until 15 has_other keeper_pid one "$keeper"
	wait_until 15 deaths_told "$keeper" 1
	lk down
	deaths_told "$keeper" 1
}
