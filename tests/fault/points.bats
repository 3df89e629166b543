# A keeper dies between the fork and the exec of its component. Programs built
# for it (build/points) wait there, so that it can be hit.

setup() {
	BUILD=${BUILD:-build}/points
	load ../scenario/lib
	need jq sqlite3
	[[ -x $LOOPKEEPER ]] || skip "needs $LOOPKEEPER"
	setup_fleet
	export LOOPKEEPER_DELAY_BEFORE_EXEC_MS=1000
}

teardown() {
	teardown_fleet
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
