# Those who would put a death right die before they can.

load lib

prepare() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; }
		);
	CONF
}

daemon_below() {
	pgrep -P "$1" -f 'loopkeeper: daemon'
}

has_other_below() {
	local pid
	pid=$(daemon_below "$1") && [[ $pid != "$2" ]]
}

# Kills it so often, before it has come up, that the next one waits for
# seconds: its configuration is a pipe that nobody writes to.
make_daemon_wait() {
	local guardian=$1 daemon i
	mv "$LOOPKEEPER_CONFIG" "$FLEET/conf"
	mkfifo "$LOOPKEEPER_CONFIG"
	for i in 1 2 3 4 5 6 7; do
		daemon=$(daemon_below "$guardian")
		kill -9 "$daemon"
		wait_until 10 has_other_below "$guardian" "$daemon"
	done
	mv "$FLEET/conf" "$LOOPKEEPER_CONFIG"
	[[ $(status_field @ daemon_pid) != [1-9]* ]]
}

deaths_told() {
	[[ $(count_events "event_type = 'keeper_died' AND component = 'one'
	    AND json_extract(payload, '\$.pid') = $1") == "$2" ]] ||
	    fail "$(sql "SELECT payload FROM events
	    WHERE event_type = 'keeper_died'")"
}

@test "the guardian dies while it has no daemon that is up" {
	lk up -d --wait
	local one guardian
	one=$(pid_of one)
	guardian=$(status_field @ guardian_pid)
	make_daemon_wait "$guardian"
	kill -9 "$guardian"
	wait_until 15 has_other guardian_pid @ "$guardian"
	wait_until 15 has_daemon
	[[ $(pid_of one) == "$one" ]]
}

@test "down --now while the daemon waits to come up" {
	lk up -d --wait
	make_daemon_wait "$(status_field @ guardian_pid)"
	lk down --now
	nothing_left
}

@test "down while the daemon waits to come up" {
	lk up -d --wait
	make_daemon_wait "$(status_field @ guardian_pid)"
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
