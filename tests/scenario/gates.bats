# What must be given before anything is claimed: room on the machine.

load attempts

# A loop whose worker makes what T-1 wants; KEYS are its.
ready_loop() {
	one_loop "$1" <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work"
}

# held TYPE WORDS: nothing is claimed, which is told by an alert and an event.
held() {
	wait_event "event_type = 'resource_warning'"
	sql_is 1 "SELECT count(*) FROM alerts WHERE alert_type = '$1'
	    AND message LIKE '%$2%'"
	sql_is 0 "SELECT count(*) FROM attempts"
	test_is T-1 pending
}

# no_room KEY: T-1 isn't claimed as long as it asks for that much.
no_room() {
	ready_loop "min_$1 = \"900T\";"
	run_alone
	held "$1" "min_$1"
	stop_alone
	sed -i "s/min_$1 = \"900T\"/min_$1 = \"1M\"/" "$LOOPKEEPER_CONFIG"
	run_alone
	wait_until 20 test_is T-1 passed
	alert_stands "$1" 0
}

@test "without room on the disk nothing is claimed" {
	no_room disk
}

@test "without memory nothing is claimed" {
	no_room memory
}

# run_with FILE: the loop, for which what the kernel tells in FILE is what
# $FLEET/told says.
run_with() {
	local new=(unshare --mount)
	((EUID == 0)) || new+=(--map-root-user)
	need unshare
	skip_unless "may not mount" "${new[@]}" \
	    mount --bind "$FLEET/told" "$1"
	background loop-1.log "${new[@]}" sh -c "mount --bind '$FLEET/told' $1
	    exec loopkeeper-loop -c '$LOOPKEEPER_CONFIG' loop-1"
}

# tell TEXT: from now on the kernel says so.
tell() {
	echo "$1" > "$FLEET/told"
}

@test "with too high a load nothing is claimed" {
	local processors
	processors=$(getconf _NPROCESSORS_ONLN)
	ready_loop 'max_load = 3;'
	tell "$((3 * processors)).01 0.00 0.00 1/100 12345"
	run_with /proc/loadavg
	held load "above 3 per processor (max_load)"
	tell "$((3 * processors)).00 99999.00 99999.00 1/100 12345"
	wait_until 20 test_is T-1 passed
	alert_stands load 0
}

@test "the alert of the load goes when nothing is to be done any more" {
	ready_loop 'max_load = 3;'
	tell "99999.00 0.00 0.00 1/100 12345"
	run_with /proc/loadavg
	held load "(max_load)"
	lk skip T-1
	wait_until 20 alert_stands load 0
}

@test "the alert of the load goes with it, though something else holds" {
	ready_loop 'max_load = 3;'
	echo 'regressions = { hold_claims = true; };' >> "$LOOPKEEPER_CONFIG"
	add_test T-2 true
	sql "UPDATE tests SET status = 'passed' WHERE id = 'T-2'"
	sql "INSERT INTO regressions (test_id, loop_id, failing_commit)
	    VALUES ('T-2', 'loop-1', 'abc')"
	tell "99999.00 0.00 0.00 1/100 12345"
	run_with /proc/loadavg
	held load "(max_load)"
	tell "0.00 0.00 0.00 1/100 12345"
	wait_until 20 alert_stands load 0
	# Also one that an earlier run has raised.
	tell "99999.00 0.00 0.00 1/100 12345"
	add_test T-3 true
	wait_until 20 alert_stands load 1
	stop_alone "$PID"
	tell "0.00 0.00 0.00 1/100 12345"
	run_with /proc/loadavg
	wait_until 20 alert_stands load 0
	sql_is 0 "SELECT count(*) FROM attempts"
}

@test "0 is no limit of the load" {
	ready_loop 'max_load = 0;'
	tell "99999.00 0.00 0.00 1/100 12345"
	run_with /proc/loadavg
	wait_until 20 test_is T-1 passed
	alerts_are 0 load
}

@test "without files that can be opened nothing is claimed" {
	ready_loop ""
	tell "8977	0	10000"
	run_with /proc/sys/fs/file-nr
	held files "fewer than 1024 more files"
	tell "8976	0	10000"
	wait_until 20 test_is T-1 passed
	alert_stands files 0
}

@test "what can't be known holds nobody up" {
	ready_loop ""
	tell "who knows"
	run_with /proc/sys/fs/file-nr
	wait_until 20 test_is T-1 passed
}
