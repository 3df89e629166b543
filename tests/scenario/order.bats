# `after` orders the start by readiness and the end by what is gone.

load lib

# A component that says in a log when it is up, and when it goes.
cat_diary() {
	cat > "$FLEET/diary" <<-'SH'
		#!/bin/sh
		# diary NAME [SECONDS until it is ready]
		trap 'echo "$1 down" >> "$FLEET/log"; exit 0' TERM
		sleep "${2:-0}"
		echo "$1 up" >> "$FLEET/log"
		systemd-notify --ready
		while :; do sleep 0.05; done
	SH
	chmod 755 "$FLEET/diary"
}

@test "each starts when all it comes after are ready, and ends before them" {
	need systemd-notify
	cat_diary
	fleet_config <<-CONF
		defaults = { ready = "notify"; notify_access = "tree"; };
		components = (
		  { name = "web"; command = [ "$FLEET/diary", "web" ];
		    after = [ "base", "db" ]; },
		  { name = "db"; command = [ "$FLEET/diary", "db", "0.4" ];
		    after = [ "base" ]; },
		  { name = "base"; command = [ "$FLEET/diary", "base", "0.2" ]; }
		);
	CONF
	lk up -d --wait
	lk down
	[[ $(tr '\n' ',' < "$FLEET/log") == \
	    "base up,db up,web up,web down,db down,base down," ]] ||
	    fail "$(cat "$FLEET/log")"
	# Housekeeping outlives them all, the recorder its companions.
	[[ $(sql "SELECT group_concat(component) FROM (SELECT component FROM
	    events WHERE event_type = 'component_stopped'
	    ORDER BY timestamp, component)") == *,logger,recorder ]]
}

@test "one that can't start holds nobody up" {
	fleet_config <<-CONF
		components = (
		  { name = "bad"; command = [ "/bin/false" ];
		    restart = { max_restarts = 1; delay = "10ms"; }; },
		  { name = "next"; command = [ "sleep", "1000" ];
		    after = [ "bad" ]; },
		  { name = "job"; command = [ "/bin/true" ];
		    restart = { policy = "on-failure"; }; },
		  { name = "later"; command = [ "sleep", "1000" ];
		    after = [ "job" ]; }
		);
	CONF
	lk up -d
	wait_state bad failed
	wait_state next running
	wait_state later running
}

@test "what an operator stopped or paused holds nobody up" {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ]; },
		  { name = "last"; command = [ "sleep", "1000" ];
		    after = [ "one", "two" ]; }
		);
	CONF
	lk up -d --wait
	lk stop one
	lk pause two
	lk down
	lk up -d
	wait_state last running
	wait_state one stopped
	wait_state two stopped
}

@test "a missing monitor makes the mode slow, and its return normal" {
	fleet_config <<-CONF
		components = ( { name = "monitor"; mode_when_down = "slow";
		    command = [ "/bin/sh", "-c",
		      "[ -e $FLEET/well ] && exec sleep 1000; exit 1" ];
		    restart = { max_restarts = 1; delay = "10ms";
		      retry_every = "300ms"; stable_after = "100ms"; }; },
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
	lk up -d
	wait_until 10 mode_is slow
	[[ $(status_field @ mode) == slow ]]
	wait_event "event_type = 'mode_changed' AND component = 'monitor'"
	wait_state one running
	touch "$FLEET/well"
	wait_until 10 mode_is normal
	lk stop monitor
	mode_is normal
}
