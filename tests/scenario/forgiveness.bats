# Nobody is judged for a time in which its output couldn't be written: a
# component that fills its pipe while the logger is away waits there, and can't
# beat meanwhile. When it can write again, it has its time, too: these need a
# good part of it.

load lib

prepare() {
	need systemd-notify
	cat > "$FLEET/talks" <<-'SH'
		#!/bin/bash
		# Beats by "$@" after each line that it could write; a line has
		# 4 kB. After one that took long it needs a moment.
		systemd-notify --ready
		printf -v tail '%4080s'
		for ((i = 1;; i++)); do
			then=$SECONDS
			echo "$i $tail"
			((SECONDS - then < 3)) || sleep 1.2
			"$@"
		done
	SH
	chmod 755 "$FLEET/talks"
	fleet_config <<-CONF
		defaults = { ready = "notify"; notify_access = "tree";
		    heartbeat = { timeout = "6s"; };
		    restart = { max_restarts = 0; delay = "10ms";
		      delay_max = "10ms"; }; };
		components = (
		  { name = "talks"; command = [ "$FLEET/talks",
		    "systemd-notify", "WATCHDOG=1" ]; },
		  { name = "touches"; command = [ "$FLEET/talks",
		    "touch", "$FLEET/beat" ];
		    heartbeat = { source = "file"; path = "$FLEET/beat"; }; },
		  { name = "begins"; start_timeout = "4s";
		    command = [ "/bin/bash", "-c",
		      "printf %99999s; sleep 1.2; systemd-notify --ready;
		       while sleep 1; do systemd-notify WATCHDOG=1; done" ]; },
		  { name = "silent"; command = [ "/bin/sh", "-c",
		    "systemd-notify --ready; exec sleep 1000" ]; } );
	CONF
	lk up -d
	wait_state logger running
	wait_state begins running
	wait_until 10 log_has talks ' 3 '
	wait_until 10 log_has touches ' 3 '
}

# In a pipe that is full one waits for ever.
is_blocked() {
	[[ $(< "/proc/$1/wchan") == *pipe_write* ]] ||
	    fail "waits in $(< "/proc/$1/wchan")"
}

restarts_exceed() {
	local restarts
	restarts=$(status_field "$1" restarts)
	((restarts > $2)) || fail "$1 has $restarts restarts"
}

beats_exceed() {
	local beats
	beats=$(status_field "$1" heartbeats)
	((beats > $2)) || fail "$1 has beaten $beats times"
}

# Blocked for as long as their neighbour, with the same limits, is judged.
outlast_neighbour() {
	local name restarts
	restarts=$(status_field silent restarts)
	for name; do
		wait_until 20 is_blocked "$(pid_of "$name")"
	done
	wait_until 30 restarts_exceed silent $((restarts + 1))
	for name; do
		is_blocked "$(pid_of "$name")"
	done
}

# COMMAND lets them write again.
live_on_after() {
	local name
	local -A pid beats
	outlast_neighbour talks touches
	for name in talks touches; do
		pid[$name]=$(pid_of "$name")
		beats[$name]=$(status_field "$name" heartbeats)
	done
	"$@"
	for name in talks touches; do
		wait_until 20 beats_exceed "$name" "${beats[$name]}"
		[[ $(pid_of "$name") == "${pid[$name]}" ]] ||
		    fail "$name was restarted"
	done
	[[ $(count_events "component IN ('talks', 'touches') AND
	    event_type IN ('component_late', 'component_stuck')") == 0 ]]
}

@test "a logger that hangs" {
	kill -STOP "$(pid_of logger)"
	live_on_after kill -CONT "$(pid_of logger)"
}

@test "a logger that is stopped" {
	lk stop logger
	live_on_after lk start logger
}

@test "a start while the logger is stopped" {
	lk stop begins logger
	lk start begins 3>&- &
	wait_state begins starting
	outlast_neighbour begins
	lk start logger
	wait_state begins running
	wait
	[[ $(status_field begins restarts) == 0 ]]
}

@test "who is silent of its own accord isn't excused by an absent logger" {
	lk stop logger
	restarts=$(status_field silent restarts)
	wait_until 20 restarts_exceed silent $((restarts + 1))
}

# slow_down PID: it gets on, but stands most of the time.
slow_down() {
	trap 'kill -CONT "$1"; exit' TERM
	while kill -CONT "$1"; do
		sleep 0.02
		kill -STOP "$1"
		sleep 0.2
	done
}

# Each look at its pipe finds the same: full, of the same line, which is as long
# as a page.
@test "who floods a logger that reads isn't excused" {
	lk down
	fleet_config <<-CONF
		components = ( { name = "floods"; ready = "notify";
		    notify_access = "tree"; heartbeat = { timeout = "6s"; };
		    command = [ "/bin/sh", "-c",
		      "systemd-notify --ready; exec yes \$(printf %04095d 0)" ]; } );
	CONF
	lk up -d --wait
	background slow.log slow_down "$(pid_of logger)"
	wait_event "component = 'floods' AND event_type = 'component_stuck'" 40
}
