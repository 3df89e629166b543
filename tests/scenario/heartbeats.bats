# alone
# A component that sends a hundred thousand heartbeats a second for ten
# seconds (five thousand under sanitizers, which are slow): every one is
# counted, and its neighbour doesn't suffer.

load lib

counted() {
	local heard
	heard=$(status_field many heartbeats)
	[[ $heard == "$1" ]] || fail "$heard of $1 were counted"
}

@test "every heartbeat of a hundred thousand a second is counted" {
	local rate=100000 pid
	[[ -z ${SANITIZE:-} ]] || rate=5000
	fleet_config <<-CONF
		components = (
		  { name = "many"; command = [ "$HELPERS/beats", "$rate", "10",
		    "$FLEET/sent" ]; ready = "notify"; },
		  { name = "other"; command = [ "$HELPERS/client" ];
		    ready = "notify"; heartbeat = { timeout = "6s"; }; }
		);
	CONF
	lk up -d
	wait_state many running
	wait_state other running
	pid=$(pid_of other)
	kill -9 "$pid"
	wait_until 5 has_pid_other_than other "$pid"
	wait_until 120 test -s "$FLEET/sent"
	wait_until 10 counted "$(< "$FLEET/sent")"
	[[ $(status_field many restarts) == 0 ]]
	[[ $(status_field other restarts) == 1 ]]
}
