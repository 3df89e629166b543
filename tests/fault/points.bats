# What takes too short or too long to be seen: programs built for it
# (build/points) wait, or hurry, where the environment says so.

load ../scenario/lib

prepare() {
	use_points
}

# The keeper's child that hasn't become its program yet.
child_before_exec() {
	local keeper pid
	keeper=$(status_field one keeper_pid)
	[[ $keeper =~ ^[1-9] ]] || fail "no keeper yet"
	for pid in $(pgrep -P "$keeper"); do
		[[ $(readlink "/proc/$pid/exe") == */loopkeeperd ]] && {
			KEEPER=$keeper CHILD=$pid
			return
		}
	done
	fail "no child before its exec"
}

@test "a keeper killed between fork and exec leaves no second component" {
	export LOOPKEEPER_DELAY_BEFORE_EXEC_MS=1000
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "/bin/sh", "-c",
		    "echo \$\$ >> $FLEET/started; exec sleep 1000" ];
		    restart = { max_restarts = 0; delay = "10ms"; }; } );
	CONF
	lk up -d
	wait_state one running 30
	local before
	before=$(pid_of one)
	kill -9 "$before"
	local limit=$((SECONDS + 30))
	until child_before_exec 2> /dev/null; do
		((SECONDS < limit)) || fail "it was never seen before its exec"
		sleep 0.01
	done
	kill -9 "$KEEPER"
	wait_until 10 gone "$CHILD"
	wait_state one running 30
	[[ $(status_field one keeper_pid) != "$KEEPER" ]]
	# The first, and the one of the new keeper; never the one between.
	[[ $(wc -l < "$FLEET/started") == 2 ]]
	[[ $(tail -n 1 "$FLEET/started") == "$(pid_of one)" ]]
	run ! grep -qx "$CHILD" "$FLEET/started"
}

@test "a keeper that hangs is found when the daemon asks, and replaced" {
	export LOOPKEEPER_ASK_EVERY_MS=500
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "$HELPERS/escape",
		    "$FLEET/lost" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d --wait
	wait_until 10 test -s "$FLEET/lost"
	local keeper daemon two lost
	keeper=$(keeper_of one)
	daemon=$(status_field @ daemon_pid)
	two=$(pid_of two)
	lost=$(< "$FLEET/lost")
	kill -STOP "$keeper"
	wait_event "event_type = 'keeper_stuck' AND component = 'one'
	    AND payload ->> 'pid' = $keeper AND payload ->> 'state' = 'T'
	    AND payload ->> 'silent_ms' >= 10000" 30
	wait_until 10 gone "$keeper"
	wait_until 10 gone "$lost"
	wait_until 10 has_other keeper_pid one "$keeper"
	wait_state one running
	wait_event "event_type = 'keeper_died' AND component = 'one'"
	[[ $(count_events "event_type IN ('keeper_stuck', 'keeper_died')") == 2 ]]
	[[ $(status_field one restarts) == 1 ]]
	# Nobody else noticed, and those who answer are asked on in peace.
	[[ $(pid_of two) == "$two" ]]
	[[ $(status_field @ daemon_pid) == "$daemon" ]]
}
