# Nobody is judged for a time in which its output couldn't be written: a
# component that fills its pipe while the logger is away waits there, and can't
# beat meanwhile.

load lib

prepare() {
	need systemd-notify
	cat > "$FLEET/talks" <<-'SH'
		#!/bin/bash
		# Beats after each line that it could write; a line has 4 kB.
		systemd-notify --ready
		printf -v tail '%4080s'
		for ((i = 1;; i++)); do
			echo "$i $tail"
			systemd-notify WATCHDOG=1
		done
	SH
	chmod 755 "$FLEET/talks"
	fleet_config <<-CONF
		defaults = { ready = "notify"; notify_access = "tree";
		    heartbeat = { timeout = "3s"; };
		    restart = { max_restarts = 0; delay = "10ms";
		      delay_max = "10ms"; }; };
		components = (
		  { name = "talks"; command = [ "$FLEET/talks" ]; },
		  { name = "silent"; command = [ "/bin/sh", "-c",
		    "systemd-notify --ready; exec sleep 1000" ]; } );
	CONF
	lk up -d
	wait_state talks running
	wait_state logger running
	wait_until 10 log_has talks ' 3 '
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

# Its neighbour, with the same limits, is judged three times over meanwhile.
outlasts_neighbour() {
	local pid restarts beats
	pid=$(pid_of talks)
	wait_until 20 is_blocked "$pid"
	restarts=$(status_field silent restarts)
	wait_until 30 restarts_exceed silent $((restarts + 2))
	is_blocked "$pid"
	beats=$(status_field talks heartbeats)
	"$@"
	wait_until 20 beats_exceed "$beats"
	[[ $(pid_of talks) == "$pid" ]] || fail "talks was restarted"
	[[ $(count_events "component = 'talks' AND
	    event_type IN ('component_late', 'component_stuck')") == 0 ]]
}

beats_exceed() {
	local beats
	beats=$(status_field talks heartbeats)
	((beats > $1)) || fail "talks has beaten $beats times"
}

@test "a logger that hangs" {
	kill -STOP "$(pid_of logger)"
	outlasts_neighbour kill -CONT "$(pid_of logger)"
}

@test "a logger that is stopped" {
	lk stop logger
	outlasts_neighbour lk start logger
}

@test "who is silent of its own accord isn't excused by an absent logger" {
	lk stop logger
	restarts=$(status_field silent restarts)
	wait_until 20 restarts_exceed silent $((restarts + 1))
}
