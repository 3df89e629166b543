# Who may speak to the control socket of a fleet that isn't his own: members
# of control_group.

load lib

prepare() {
	need_root
	need setpriv /usr/bin/python3
	chmod 755 "$FLEET"
	fleet_config <<-CONF
		control_group = "daemon";
		components = ( { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d --wait
	ONE=$(pid_of one)
	CONTROL=$(readlink -f "$FLEET/state/run")/control
}

# ask_as_nobody GROUPS WORD...: the reply to a request, "" for none.
ask_as_nobody() {
	local groups=$1
	shift
	setpriv --reuid=65534 --regid=65534 "$groups" /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(("\t".join(sys.argv[2:]) + "\n").encode())
    print(s.makefile().read())
except (BrokenPipeError, ConnectionResetError):
    pass' "$CONTROL" "$@" 3>&-
}

@test "a member may steer" {
	run ask_as_nobody --groups=daemon restart one
	[[ $output == ok* ]] || fail "$output"
	wait_until 10 has_pid_other_than one "$ONE"
}

@test "others are refused" {
	run ask_as_nobody --clear-groups restart one
	[[ $output != ok* ]] || fail "$output"
	[[ $(pid_of one) == "$ONE" ]]
	[[ $(count_events "event_type = 'component_restarted'") == 0 ]]
}
