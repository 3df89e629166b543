# Where a cgroup of its own can be made, each component's tree is in one, and
# is ended by it: as root, and for a plain user to whom one was delegated.

load lib

prepare() {
	# Below our own, as the fleet's are; the mount's root is the same.
	MOUNT=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	GROUP=$MOUNT$(sed -n 's/^0:://p' /proc/self/cgroup)/lk-test.${FLEET##*.}
	[[ -n $MOUNT ]] && mkdir "$GROUP" 2> /dev/null ||
	    skip "needs a cgroup2 that may be written to"
	[[ -w $GROUP/cgroup.kill ]] || skip "needs cgroup.kill"
}

clean_up() {
	[[ -d $GROUP ]] || return 0
	lk down --now > /dev/null 2>&1 || true
	wait_until 10 find "$GROUP" -depth -type d -exec rmdir {} +
}

# up_inside COMMAND...: the command's start of the fleet is in $GROUP.
up_inside() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "lost"; stop_timeout = "200ms";
		    command = [ "${PROGRAMS:-$HELPERS}/escape",
		    "$FLEET/state/lost" ]; } );
	CONF
	(
		echo "$BASHPID" > "$GROUP/cgroup.procs"
		lk up -d --wait
	)
	wait_until 10 test -s "$FLEET/state/lost"
}

cgroup_of() {
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

no_group_of_a_component() {
	[[ -z $(find "$GROUP" -mindepth 1 -type d) ]] ||
	    fail "$(find "$GROUP" -mindepth 1 -type d)"
}

# Somebody who only shares the cgroup is ended with it: nothing else but its
# cgroup.kill would have found him.
check_trees() {
	local lost one group
	[[ $(status_field lost tree) == cgroup ]] ||
	    fail "tree: $(status_field lost tree)"
	lk status lost | grep -q cgroup
	lost=$(< "$FLEET/state/lost")
	one=$(pid_of one)
	group=$(cgroup_of "$(pid_of lost)")
	[[ $group == */lk-test.*/loopkeeper-*/lost ]] || fail "$group"
	[[ $(cgroup_of "$lost") == "$group" ]]
	[[ $(cgroup_of "$one") != "$group" ]]
	[[ $(cgroup_of "$(keeper_of lost)") != */loopkeeper-* ]]
	background sleep.out sleep 1000
	find "$GROUP" -path '*/lost/cgroup.procs' | {
		read -r group
		echo "$PID" > "$group"
	}
	lk stop lost
	gone "$lost"
	# It is nobody's child whose end the keeper would wait for.
	wait_until 5 gone "$PID"
	[[ $(pid_of one) == "$one" ]]
	rm "$FLEET/state/lost"
	lk start lost
	wait_until 10 test -s "$FLEET/state/lost"
	lost=$(< "$FLEET/state/lost")
	[[ $(cgroup_of "$lost") == */lost* ]]
	# A death leaves nobody behind either.
	kill -9 "$(pid_of lost)"
	wait_until 10 gone "$lost"
	wait_state lost running
	lk down
	no_group_of_a_component
	nothing_left
}

@test "root's fleet has them" {
	need_root
	up_inside
	check_trees
}

@test "a plain user's has them where one was delegated" {
	need_root
	become_plain_user
	chown 65534:65534 "$GROUP" "$GROUP"/cgroup.{procs,subtree_control}
	up_inside
	check_trees
}

@test "down --now takes them away, wherever it is called" {
	need_root
	need unshare
	up_inside
	lk down --now
	no_group_of_a_component
	rm "$FLEET/state/lost"
	up_inside
	# Where no cgroup2 is to be seen at all.
	unshare --mount --propagation unchanged bash -c 'mount --make-private \
	    "$1" && umount -l "$1" && shift && exec "$@"' - "$MOUNT" \
	    "$LOOPKEEPER" down --now 3>&-
	no_group_of_a_component
}

@test "a limit that can't be enforced is said, and stops only where required" {
	local keys='limits = { memory = "64M"; pids = 50; }'
	grep -qE '(^| )(memory|pids)( |$)' "$GROUP/cgroup.controllers" &&
	    skip "this machine can enforce it"
	fleet_config <<-CONF
		components = (
		  { name = "limited"; command = [ "sleep", "1000" ]; $keys; },
		  { name = "must"; command = [ "sleep", "1000" ];
		    restart = { max_restarts = 1; };
		    ${keys/%\}/required = true; \}}; } );
	CONF
	lk up -d
	wait_state limited running
	wait_state must failed
	lk status limited | grep -q memory
}
