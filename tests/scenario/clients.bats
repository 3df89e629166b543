# Unchanged clients of sd_notify as children: a C program on libsystemd,
# systemd-notify from a shell, Debian's python3-sdnotify.

load lib

beats_at_least() {
	local beats
	beats=$(status_field "$1" heartbeats)
	((beats >= $2)) || fail "$1 has sent ${beats:-no} heartbeats"
}

@test "a C program on libsystemd is ready, beats, and says that it stops" {
	fleet_config <<-CONF
		components = ( { name = "c"; command = [ "$HELPERS/client" ];
		    ready = "notify"; heartbeat = { timeout = "4s"; }; } );
	CONF
	lk up -d
	wait_state c running
	wait_until 15 beats_at_least c 3
	[[ $(status_field c restarts) == 0 ]]
	[[ $(status_field c refused) == 0 ]]
	# A client's interval is half of the time after which it is stuck.
	wait_until 10 grep -q 'ready, watchdog 2000000 us' \
	    "$FLEET/state/logs/c.log"
	lk stop c
	wait_state c stopped
	wait_event "event_type = 'component_stopped' AND component = 'c'"
}

@test "one that stops beating is aborted and started again" {
	fleet_config <<-CONF
		components = ( { name = "c"; command = [ "$HELPERS/client",
		    "hang" ]; ready = "notify"; heartbeat = { timeout = "1s"; };
		    restart = { delay = "100ms"; max_restarts = 0; }; } );
	CONF
	lk up -d
	wait_state c running
	local pid
	pid=$(pid_of c)
	wait_until 20 gone "$pid"
	wait_until 20 has_pid_other_than c "$pid"
	wait_event "event_type = 'component_stuck' AND component = 'c'"
	lk why c | grep -q 'no heartbeat'
}

shell_client() {
	cat > "$FLEET/client.sh" <<-'SH'
		#!/bin/sh
		systemd-notify --ready --status="in a shell" || exit 9
		while :; do
			systemd-notify WATCHDOG=1
			sleep 0.2
		done
	SH
	chmod +x "$FLEET/client.sh"
}

@test "systemd-notify in a shell is heard when the tree may speak" {
	need systemd-notify
	shell_client
	fleet_config <<-CONF
		components = ( { name = "sh"; command = [ "$FLEET/client.sh" ];
		    ready = "notify"; notify_access = "tree";
		    heartbeat = { timeout = "5s"; }; } );
	CONF
	lk up -d
	wait_state sh running
	wait_until 15 beats_at_least sh 3
	[[ $(status_field sh refused) == 0 ]]
	[[ $(status_field sh restarts) == 0 ]]
	lk status sh | grep -q 'in a shell'
}

# Run by root, systemd-notify speaks in its parent's name; this one doesn't.
@test "a grandchild is refused, with an event, when only main may speak" {
	fleet_config <<-CONF
		components = ( { name = "sh"; command = [ "/bin/sh", "-c",
		    "$HELPERS/beats 10; exit 0" ]; ready = "notify";
		    start_timeout = "1m"; } );
	CONF
	lk up -d
	wait_until 15 refused_some
	[[ $(status_field sh state) == starting ]]
	wait_event "event_type = 'notification_refused' AND component = 'sh'"
}

refused_some() {
	(($(status_field sh refused) > 0))
}

@test "python3-sdnotify is ready and beats" {
	skip_unless "needs python3-sdnotify" /usr/bin/python3 -c \
	    'import sdnotify'
	cat > "$FLEET/client.py" <<-'PY'
		import time
		import sdnotify

		notifier = sdnotify.SystemdNotifier(debug=True)
		notifier.notify("READY=1")
		while True:
		    notifier.notify("WATCHDOG=1")
		    time.sleep(0.1)
	PY
	fleet_config <<-CONF
		components = ( { name = "py"; command = [ "/usr/bin/python3",
		    "$FLEET/client.py" ]; ready = "notify";
		    heartbeat = { timeout = "5s"; }; } );
	CONF
	lk up -d
	wait_state py running
	wait_until 15 beats_at_least py 5
	[[ $(status_field py restarts) == 0 ]]
}

@test "a plain script that knows nothing is kept as well" {
	fleet_config <<-CONF
		components = ( { name = "plain"; command = [ "/bin/sh", "-c",
		    "echo begun; while :; do sleep 1; done" ]; } );
	CONF
	lk up -d
	wait_state plain running
	wait_until 10 grep -q begun "$FLEET/state/logs/plain.log"
}
