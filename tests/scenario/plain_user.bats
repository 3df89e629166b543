# All of it works without root: run by root, these tests become nobody first.

load lib

prepare() {
	become_plain_user
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "$PROGRAMS/client" ];
		    ready = "notify"; },
		  { name = "lost"; command = [ "$PROGRAMS/escape",
		    "$FLEET/state/lost" ]; stop_timeout = "200ms"; }
		);
	CONF
}

@test "a plain user's fleet starts, restarts what dies, and ends whole" {
	lk up -d
	wait_state one running
	wait_until 10 test -s "$FLEET/state/lost"
	local pid lost owner
	pid=$(pid_of one) lost=$(< "$FLEET/state/lost")
	owner=$(stat -c %u "/proc/$(status_field one keeper_pid)")
	((EUID != 0 && owner == EUID || EUID == 0 && owner == 65534))
	kill -9 "$pid"
	wait_until 15 has_pid_other_than one "$pid"
	wait_state one running
	lk down
	wait_until 5 gone "$lost"
	nothing_left
}

@test "who tries to be lost is found when only its component is stopped" {
	lk up -d
	wait_state lost running
	wait_until 10 test -s "$FLEET/state/lost"
	local lost
	lost=$(< "$FLEET/state/lost")
	lk stop lost
	wait_state lost stopped
	gone "$lost"
	wait_state one running
	[[ $(status_field lost tree) == reaper ||
	    $(status_field lost tree) == cgroup ]]
}

@test "a user that isn't ours is refused before anything starts" {
	((EUID == 0)) || skip "needs root to become nobody"
	cat > "$LOOPKEEPER_CONFIG" <<-CONF
		state_directory = "$FLEET/state";
		components = ( { name = "one"; command = [ "sleep", "1000" ];
		    user = "root"; } );
	CONF
	run lk up -d
	[[ $status == 1 ]]
	[[ $output == *root* ]]
}

@test "down --now leaves nothing either" {
	lk up -d
	wait_state one running
	wait_until 10 test -s "$FLEET/state/lost"
	local lost
	lost=$(< "$FLEET/state/lost")
	lk down --now
	gone "$lost"
	nothing_left
}

# Nobody of ours stands above the keepers then.
@test "guardian and daemon die: only best effort can be promised of a tree" {
	lk up -d
	wait_state lost running
	local daemon
	daemon=$(status_field @ daemon_pid)
	[[ $(status_field lost tree) == reaper ]] || skip "has a cgroup"
	kill -STOP "$daemon"
	kill -9 "$(status_field @ guardian_pid)" "$daemon"
	wait_until 5 gone "$daemon"
	lk up -d
	wait_until 5 tree_is lost best-effort
	lk down
	nothing_left
}

tree_is() {
	local tree
	tree=$(status_field "$1" tree)
	[[ $tree == "$2" ]] || fail "$1: $tree"
}
