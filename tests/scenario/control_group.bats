# Who may speak to the control socket of a fleet that isn't his own: members
# of control_group.

load lib

prepare() {
	need_root
	need setpriv /usr/bin/python3
	chmod 755 "$FLEET"
	PROGRAMS=$FLEET/programs
	mkdir "$PROGRAMS"
	cp "$BUILD"/bin/* "$PROGRAMS"
	chmod 755 "$PROGRAMS"
	fleet_config <<-CONF
		control_group = "daemon";
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; } );
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

# Runs loopkeeper as a member of the group, or as somebody who is in none.
member() {
	as_nobody --groups=daemon "$@"
}

stranger() {
	as_nobody --clear-groups "$@"
}

as_nobody() {
	local groups=$1
	shift
	setpriv --reuid=65534 --regid=65534 "$groups" \
	    env -u XDG_RUNTIME_DIR "HOME=$FLEET" "PATH=$PROGRAMS:$PATH" \
	    "$PROGRAMS/loopkeeper" -c "$LOOPKEEPER_CONFIG" "$@" 3>&-
}

# refused CODE PATTERN COMMAND...: it fails so, and says that.
refused() {
	local code=$1 pattern=$2
	shift 2
	run "$@"
	[[ $status == "$code" && $output == *$pattern* ]] ||
	    fail "$*: $status" "$output"
}

@test "a member may steer" {
	run ask_as_nobody --groups=daemon restart one
	[[ $output == ok* ]] || fail "$output"
	wait_until 10 has_pid_other_than one "$ONE"
}

who() {
	jq -c '[.fleet.daemon_pid, .components[0].pid,
	    .components[0].keeper_pid]'
}

@test "a member sees what the records tell" {
	run member status
	[[ $status == 0 && $output == *"mode: normal"* &&
	    $output == *one*healthy* && $output == *"only root"* ]] ||
	    fail "$status" "$output"
	[[ $(member status --json | who) == "$(lk status --json | who)" ]]
	member status one | grep -q "pid *$ONE"
	member health | grep -q "^one: healthy"
	member wait --for ready --timeout 1m
	# What is the owner's is said to be his, not to be missing.
	refused 1 "only root" member tests
	refused 1 "only root" member wait --for passed
	refused 1 "only root" member logs one
	kill -9 "$ONE"
	wait_until 10 has_pid_other_than one "$ONE"
	refused 1 "only root" member why one
}

@test "a member's words are done, and said to end with the supervisor" {
	run member stop one
	[[ $status == 0 && $output == *"one: stopped"* &&
	    $output == *"only root"*wanted* ]] || fail "$status" "$output"
	gone "$ONE"
	[[ $(member status --json | jq -r '.components[0].wanted') == stopped ]]
	run member start one
	[[ $status == 0 && $output == *"one: started"* ]] || fail "$output"
	ONE=$(pid_of one)
	run member restart one
	[[ $status == 0 && $output == *"one: restarted"* ]] || fail "$output"
	gone "$ONE"
	run member pause one two
	[[ $status == 0 && $output == *"two: paused"* ]] || fail "$output"
	[[ $(status_field two state) == stopped ]]
	member health | grep -q "^two: paused"
	run member resume two
	[[ $status == 0 && $output == *"two: resumed"* ]] || fail "$output"
	wait_state two running
	[[ ! -e $FLEET/state/wanted ]]
	# What the owner wrote down, a member can't lift for good.
	lk stop two
	run member start two
	[[ $status == 0 && $output == *"only root"* ]] || fail "$output"
	wait_state two running
	grep -q two "$FLEET/state/wanted"
}

@test "what only the owner may do is refused, and changes nothing" {
	refused 1 "only root may" member pause all
	refused 1 "only root may" member resume all
	refused 1 "only root may" member pause --after-test one
	refused 1 "only root may" member reload
	refused 1 "only root may" member recover
	refused 1 "only root may" member down --now
	[[ $(pid_of one) == "$ONE" ]]
	state_is two running
}

@test "a member may end the fleet" {
	run member down
	[[ $status == 0 && $output == *"nothing of the fleet is left"* ]] ||
	    fail "$status" "$output"
	wait_until 10 nothing_left
	refused 3 "isn't running" member stop one
}

@test "a directory that nobody else may pass through is said to be so" {
	chmod 700 "$FLEET/state"
	refused 1 "$FLEET/state/run: Permission denied" member status
	refused 1 "$FLEET/state/run: Permission denied" member down
	chmod 710 "$FLEET/state"
	chgrp daemon "$FLEET/state"
	member stop one
}

@test "strangers are told that it isn't theirs" {
	local word
	for word in stop restart pause; do
		refused 1 "only the owner" stranger "$word" one
	done
	refused 1 "only the owner" stranger down
	[[ $(pid_of one) == "$ONE" ]]
}

@test "others are refused" {
	run ask_as_nobody --clear-groups restart one
	[[ $output != ok* ]] || fail "$output"
	[[ $(pid_of one) == "$ONE" ]]
	[[ $(count_events "event_type = 'component_restarted'") == 0 ]]
}
