# What a component may say by sd_notify in the course of its life, besides
# that it is ready and alive: each word does what systemd's manual says.

load lib

prepare() {
	need systemd-notify
}

# speaker [KEYS]: a fleet of one component, whose script is on standard input.
speaker() {
	{
		printf '#!/bin/sh\ncd "%s" || exit\n' "$FLEET"
		cat
	} > "$FLEET/script"
	chmod 755 "$FLEET/script"
	fleet_config <<-CONF
		components = ( { name = "sh"; command = [ "$FLEET/script" ];
		    ready = "notify"; notify_access = "tree"; ${1:-} } );
	CONF
	lk up -d
}

says() {
	[[ $(lk status sh) == *"$1"* ]]
}

@test "EXTEND_TIMEOUT_USEC gives more time to start" {
	speaker 'start_timeout = "2s";' <<-'SH'
		systemd-notify EXTEND_TIMEOUT_USEC=60000000
		sleep 3
		systemd-notify --ready
		exec sleep 1000
	SH
	wait_state sh running
	[[ $(status_field sh deaths_in_window) == 0 ]]
}

@test "EXTEND_TIMEOUT_USEC gives more time to stop" {
	speaker 'stop_timeout = "2s";' <<-'SH'
		trap 'systemd-notify EXTEND_TIMEOUT_USEC=60000000
		    sleep 3; touch tidy; exit' TERM
		systemd-notify --ready
		while :; do sleep 0.1; done
	SH
	wait_state sh running
	lk stop sh
	[[ -e $FLEET/tidy ]]
}

@test "STOPPING=1: after stop_timeout it is ended, and started again" {
	speaker 'stop_timeout = "500ms";' <<-'SH'
		systemd-notify --ready
		[ -e once ] && exec sleep 1000
		touch once
		trap "" TERM
		systemd-notify STOPPING=1
		while :; do sleep 0.1; done
	SH
	wait_until 15 restarts_are sh 1
	wait_state sh running
	wait_event "event_type = 'component_crashed' AND
	    json_extract(payload, '\$.code') = 9"
	[[ $(lk why sh) == *"processes of its tree"*script* ]]
}

# Its heart needn't beat any more while it tidies up.
@test "STOPPING=1 and EXTEND_TIMEOUT_USEC: it may take its time" {
	speaker 'stop_timeout = "2s"; heartbeat = { timeout = "2s"; };' \
	    <<-'SH'
		systemd-notify --ready
		[ -e tidy ] && exec "$HELPERS/beats" 1000
		systemd-notify STOPPING=1 EXTEND_TIMEOUT_USEC=60000000
		systemd-notify WATCHDOG=1
		sleep 4
		touch tidy
	SH
	wait_until 15 test -e "$FLEET/tidy"
	wait_until 15 restarts_are sh 1
	[[ $(count_events "event_type IN ('component_stuck',
	    'component_late')") == 0 ]]
}

@test "WATCHDOG_USEC changes the interval while it runs" {
	speaker 'heartbeat = { timeout = "1h"; };' <<-'SH'
		systemd-notify --ready
		[ -e once ] && exec sleep 1000
		touch once
		systemd-notify WATCHDOG_USEC=200000
		exec sleep 1000
	SH
	wait_event "event_type = 'component_stuck' AND component = 'sh'"
	wait_until 15 restarts_are sh 1
	# The next one has said nothing: it has its hour again.
	wait_state sh running
	[[ $(count_events "event_type = 'component_stuck'") == 1 ]]
}

# longer_interval MAX_RESTARTS [USEC]: one that says it beats once in half an
# hour, and one that is stuck each second: the clock of the test.
longer_interval() {
	fleet_config <<-CONF
		defaults = { ready = "notify"; notify_access = "tree";
		    heartbeat = { timeout = "1s"; };
		    restart = { delay = "10ms"; max_restarts = $1; }; };
		components = ( { name = "sh"; command = [ "/bin/sh", "-c",
		      "systemd-notify --ready WATCHDOG_USEC=${2:-3600000000}
		      exec sleep 1000" ]; },
		  { name = "clock"; command = [ "$HELPERS/client", "hang" ]; }
		);
	CONF
}

@test "what WATCHDOG_USEC has changed outlives a reload in place" {
	local stuck
	longer_interval 0
	lk up -d --wait
	longer_interval 63
	[[ $(lk reload) == *"~ sh: in place"* ]]
	stuck=$(status_field clock restarts)
	wait_until 20 restarted_since clock $((stuck + 2))
	[[ $(status_field sh restarts) == 0 ]]
}

@test "WATCHDOG_USEC=0 ends the watch until the next start" {
	longer_interval 0 0
	lk up -d --wait
	wait_until 20 restarted_since clock 2
	[[ $(status_field sh restarts) == 0 ]]
	[[ $(count_events "event_type = 'component_late'
	    AND component = 'sh'") == 0 ]]
}

restarted_since() {
	(($(status_field "$1" restarts) > $2))
}

@test "RESTART_RESET=1: as if it had never died" {
	speaker 'restart = { max_restarts = 2; delay = "10ms"; };' <<-'SH'
		systemd-notify --ready RESTART_RESET=1
		exit 1
	SH
	wait_until 20 restarted_since sh 5
	[[ $(count_events "event_type = 'component_failed'") == 0 ]]
}

@test "MAINPID is believed of a process of its own only" {
	background other sleep 1000
	local other=$PID
	speaker <<-SH
		systemd-notify --ready MAINPID=$other
		exec sleep 1000
	SH
	wait_state sh running
	wait_event "event_type = 'notification_refused'"
	[[ $(pid_of sh) != "$other" ]]
	lk stop sh
	[[ -d /proc/$other ]]
}

@test "a status is one line without control characters" {
	speaker <<-'SH'
		systemd-notify --ready --status="$(printf 'all\033[31m\rwell\tnow')"
		exec sleep 1000
	SH
	wait_state sh running
	wait_until 10 says well
	if lk status sh | grep "$(printf '[\033\r]')"; then
		fail "control characters"
	fi
}
