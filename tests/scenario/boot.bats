# The unit of config/init/ under a real systemd, as root allows: ready when
# the fleet is, deaf to a crash of the daemon, and gone with all when stopped.

load lib

prepare() {
	need systemctl nsenter unshare
	need_root
	[[ -x /usr/lib/systemd/systemd ]] || skip "needs systemd"
	skip_unless "may not mount" unshare -m mount -t tmpfs tmpfs /run
	# Its run directory is in the namespace's own /run.
	lk() {
		inside "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" "$@"
	}
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "$HELPERS/client" ];
		    ready = "notify"; },
		  { name = "lost"; command = [ "$HELPERS/escape",
		    "$FLEET/lost" ]; stop_timeout = "200ms"; }
		);
	CONF
	mkdir -p "$FLEET/config/systemd/user"
	sed "s,@BINDIR@,$BUILD/bin,g; s,%E/loopkeeper,$FLEET,g" \
	    "$LK_ROOT/config/init/loopkeeper-user.service" \
	    > "$FLEET/config/systemd/user/loopkeeper.service"
	setsid unshare -m "$LK_ROOT/tests/helpers/with-systemd" "$FLEET" \
	    > "$FLEET/systemd.log" 2>&1 3>&- &
	SYSTEMD_PID=$!
	wait_until 15 manager_answers
}

clean_up() {
	[[ -n ${SYSTEMD_PID:-} ]] || return 0
	[[ -n ${BATS_TEST_COMPLETED:-} ]] || {
		cat "$FLEET/systemd.log"
		unit status --no-pager -l || true
	}
	unit stop || true
	kill -TERM "$SYSTEMD_PID"
	wait_until 20 gone "$SYSTEMD_PID" || kill -9 -- "-$SYSTEMD_PID"
}

inside() {
	nsenter -t "$SYSTEMD_PID" -m env XDG_RUNTIME_DIR=/run/user "$@" 3>&-
}

# unit VERB [OPTION...]
unit() {
	local verb=$1
	shift
	inside systemctl --user "$verb" "$@" loopkeeper.service
}

manager_answers() {
	inside systemctl --user show --property=Version
}

property_is() {
	local value
	value=$(unit show --value --property="$1")
	[[ $value == "$2" ]] || fail "$1 is $value, not $2"
}

@test "systemd-analyze has no remark on the units" {
	local unit
	mkdir "$FLEET/units"
	for unit in loopkeeper loopkeeper-user; do
		sed "s,@BINDIR@,$BUILD/bin,g" \
		    "$LK_ROOT/config/init/$unit.service" \
		    > "$FLEET/units/$unit.service"
	done
	run inside systemd-analyze verify "$FLEET/units/loopkeeper.service"
	[[ $status == 0 && -z $output ]] || fail "$output"
	run inside systemd-analyze --user verify \
	    "$FLEET/units/loopkeeper-user.service"
	[[ $status == 0 && -z $output ]] || fail "$output"
}

@test "started means that it runs, and a stop ends the fleet, tree and all" {
	unit start
	property_is ActiveState active
	wait_state one running
	wait_until 10 test -s "$FLEET/lost"
	local lost
	lost=$(< "$FLEET/lost")
	unit stop
	property_is ActiveState inactive
	property_is Result success
	gone "$lost"
}

@test "a crash of the daemon, or of the guardian, leaves all alone" {
	unit start
	wait_state one running
	local one daemon guardian main
	one=$(pid_of one)
	main=$(unit show --value --property=MainPID)
	daemon=$(status_field @ daemon_pid)
	kill -9 "$daemon"
	wait_until 20 has_other daemon_pid @ "$daemon"
	guardian=$(status_field @ guardian_pid)
	kill -9 "$guardian"
	wait_until 20 has_other guardian_pid @ "$guardian"
	[[ $(pid_of one) == "$one" ]]
	property_is ActiveState active
	property_is MainPID "$main"
	property_is NRestarts 0
	unit stop
	property_is ActiveState inactive
}

@test "a reload applies the difference and says when it is done" {
	unit start
	wait_state one running
	local one
	one=$(pid_of one)
	sed -i 's/^);/, { name = "two"; command = [ "sleep", "1000" ]; } );/' \
	    "$LOOPKEEPER_CONFIG"
	unit reload
	wait_state two running
	property_is ActiveState active
	[[ $(pid_of one) == "$one" ]]
}

@test "what the fleet says of itself is the unit's status" {
	unit start
	[[ -n $(unit show --value --property=StatusText) ]]
}

@test "systemd's watchdog hears from the daemon" {
	local begun
	sed -i 's/^WatchdogSec=.*/WatchdogSec=2s/' \
	    "$FLEET/config/systemd/user/loopkeeper.service"
	inside systemctl --user daemon-reload
	unit start
	begun=$(watchdog_heard)
	wait_until 10 watchdog_heard_since "$begun"
	property_is NRestarts 0
}

watchdog_heard() {
	unit show --value --property=WatchdogTimestampMonotonic
}

watchdog_heard_since() {
	(($(watchdog_heard) > $1))
}
