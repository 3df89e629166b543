# Processes that can't be ended: in state D, because the file system that they
# write to is frozen, or beyond their keeper's rights. They are named, nobody
# waits for them for ever, and no successor starts while they are there.

load lib

clean_up() {
	[[ -d $FLEET/frozen ]] || return 0
	thaw 2> /dev/null || true
	lk down --now > /dev/null 2>&1 || true
	wait_until 10 umount "$FLEET/frozen"
}

thaw() {
	fsfreeze --unfreeze "$FLEET/frozen"
}

# A fleet with a component, "writes", that is in state D.
freeze_one() {
	PATH=$PATH:/usr/sbin:/sbin
	need_root
	need mkfs.ext4 fsfreeze
	truncate -s 8M "$FLEET/image"
	mkfs.ext4 -q "$FLEET/image"
	mkdir "$FLEET/frozen"
	mount -o loop "$FLEET/image" "$FLEET/frozen" || {
		rmdir "$FLEET/frozen"
		skip "may not mount"
	}
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "writes"; command = [ "/bin/sh", "-c",
		    "while :; do echo more >> $FLEET/frozen/file; done" ];
		    stop_timeout = "200ms"; } );
	CONF
	lk up -d --wait
	wait_until 10 test -s "$FLEET/frozen/file"
	fsfreeze --freeze "$FLEET/frozen"
	WRITER=$(pid_of writes)
	wait_until 10 is_in_state "$WRITER" D
}

is_in_state() {
	local state
	state=$(ps -o stat= -p "$1")
	[[ $state == "$2"* ]] || fail "$1 is in state $state"
}

@test "down --now names a process in state D, and fails" {
	local one
	freeze_one
	one=$(pid_of one)
	run lk down --now
	[[ $status == 1 && $output == *"process $WRITER (sh, state D,"* &&
	    $output == *"survives SIGKILL"* ]] || fail "$status: $output"
	gone "$one"
	is_in_state "$WRITER" D
	thaw
	wait_until 10 gone "$WRITER"
}

@test "stop returns, with an error, and no successor starts before it is gone" {
	freeze_one
	local code=0
	background restart.out lk restart writes
	wait_until 20 gone "$PID"
	wait "$PID" || code=$?
	[[ $code == 1 ]] && grep -q "process $WRITER survives SIGKILL" \
	    "$FLEET/restart.out" || fail "$code" "$(< "$FLEET/restart.out")"
	wait_event "event_type = 'component_unkillable'
	    AND payload ->> 'unkillable_pid' = $WRITER"
	state_is writes stopping
	[[ $(pid_of writes) == "$WRITER" ]]
	lk status writes | grep -q "$WRITER"
	thaw
	wait_until 10 has_pid_other_than writes "$WRITER"
	wait_state writes running
}

@test "down says why it isn't done, and the fleet ends when it can" {
	freeze_one
	run lk down
	[[ $status == 1 && $output == *"writes: process $WRITER survives"* ]] ||
	    fail "$status: $output"
	thaw
	wait_until 20 nothing_left
}

# A program that becomes root, in a fleet that isn't.
start_privileged() {
	need_root
	become_plain_user
	cp "$(command -v setpriv)" "$PROGRAMS/become"
	chmod 4755 "$PROGRAMS/become"
	PRIVILEGED=("$PROGRAMS/become" --reuid=0 --regid=0 --clear-groups)
	[[ $("${AS[@]}" "${PRIVILEGED[@]}" id -ru 2>&1) == 0 ]] ||
	    skip "programs gain no privileges here"
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "root"; stop_timeout = "10m";
		    command = [ "$PROGRAMS/become", "--reuid=0", "--regid=0",
		    "--clear-groups", "sleep", "1000" ]; } );
	CONF
	lk up -d --wait
	ROOT=$(pid_of root)
	wait_until 10 grep -q '^Uid:.0.0.0.0$' "/proc/$ROOT/status"
}

@test "what may not be signalled is unkillable at once, and says why" {
	start_privileged
	[[ $(status_field root tree) == reaper ]] || skip "has cgroups"
	background stop.out lk stop root
	wait_event "event_type = 'component_unkillable' AND component = 'root'
	    AND payload ->> 'unkillable_pid' = $ROOT
	    AND payload ->> 'reason' = 'it may not be signalled (EPERM)'"
	local code=0
	wait "$PID" || code=$?
	[[ $code == 1 && $(< "$FLEET/stop.out") == *"$ROOT"* ]] ||
	    fail "$code" "$(< "$FLEET/stop.out")"
	state_is root stopping
	kill -9 "$ROOT"
	wait_state root stopped
	state_is one running
}

@test "down --now names it as well" {
	start_privileged
	run lk down --now
	[[ $status == 1 && $output == *"process $ROOT (sleep,"* ]] ||
	    fail "$status: $output"
	kill -9 "$ROOT"
}
