# loopkeeper as the first process of a pid namespace, as in a container.

load lib

prepare() {
	need unshare nsenter
	NEW=(unshare --pid --fork --kill-child --mount-proc)
	((EUID == 0)) || NEW+=(--user --map-root-user)
	skip_unless "may not make namespaces" "${NEW[@]}" true
}

start_inside() {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "lost"; command = [ "$HELPERS/escape",
		    "$FLEET/lost" ]; stop_timeout = "200ms"; } );
	CONF
	background up.log "${NEW[@]}" "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" up
	UNSHARE_PID=$PID
	wait_until 20 test -s "$FLEET/lost"
	wait_until 20 grep -q 'one is ready' "$FLEET/up.log"
	FIRST=$(pgrep -P "$UNSHARE_PID")
}

inside() {
	nsenter -t "$FIRST" -p -m -- "$@"
}

zombies() {
	inside ps -e -o stat= | grep -c '^Z'
}

no_zombies() {
	[[ $(zombies) == 0 ]] || fail "$(inside ps -ef)"
}

@test "what falls to it is reaped, and TERM ends all with status 0" {
	start_inside
	# An orphan of somebody else: its parent ends before it does.
	inside sh -c '(sleep 0.2; exit 3) & exit 0'
	inside sh -c 'for i in 1 2 3 4 5; do (true; true) & done; exit 0'
	wait_until 10 no_zombies
	kill -TERM "$FIRST"
	local status=0
	wait "$UNSHARE_PID" || status=$?
	[[ $status == 0 ]] || fail "status $status" "$(cat "$FLEET/up.log")"
}

@test "a fleet that can't start ends it with status 1" {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "no-such-program" ]; } );
	CONF
	run "${NEW[@]}" "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" up
	[[ $status == 1 ]]
	[[ $output == *no-such-program* ]]
}
