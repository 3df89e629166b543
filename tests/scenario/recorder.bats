# The recorder: everything that happens is in the database, once; the tables
# that other programs read are true; its death costs nothing.

load lib

spool_files() {
	# After `down` there is no run directory any more.
	find "$FLEET/state/spool" "$FLEET/state/run/spool" -name '*.jsonl' \
	    2> /dev/null
}

health_is() {
	local word
	word=$(sql "SELECT status FROM component_health WHERE component='$1'")
	[[ $word == "$2" ]] || fail "component_health says $1 is $word"
}

health_pid_is() {
	local pid
	pid=$(sql "SELECT json_extract(metadata, '$.pid')
	    FROM component_health WHERE component = '$1'")
	[[ $pid == "$2" ]] || fail "component_health says pid $pid"
}

@test "a fleet's life is in the database, and the spool is empty after down" {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1000" ];
		    after = [ "one" ]; } );
	CONF
	lk up -d
	wait_state two running
	wait_event "event_type = 'component_started' AND component = 'two'"
	lk down
	run spool_files
	[[ -z $output ]] || fail "left in the spool: $output"
	[[ $(count_events "event_type = 'supervisor_started'") == 1 ]]
	[[ $(count_events "event_type = 'component_started'
	    AND component IN ('one', 'two')") == 2 ]]
	[[ $(count_events "event_type = 'component_stopped'
	    AND component IN ('one', 'two')") == 2 ]]
	[[ $(count_events "id IN (SELECT id FROM events GROUP BY id
	    HAVING count(*) > 1)") == 0 ]]
	[[ ! -e $FLEET/state/coordination.db-wal ]]
	[[ $(stat -c %a "$FLEET/state/coordination.db") == 600 ]]
}

@test "component_health follows deaths, stops and starts" {
	local pid
	sleepers one
	lk up -d
	wait_state one running
	wait_until 10 health_is one healthy
	pid=$(pid_of one)
	wait_until 10 health_pid_is one "$pid"
	kill -9 "$pid"
	wait_until 10 has_pid_other_than one "$pid"
	wait_until 10 health_pid_is one "$(pid_of one)"
	lk stop one
	wait_until 10 health_is one unknown
	lk start one
	wait_until 10 health_is one healthy
}

@test "one alert for one cause, cleared by itself" {
	fleet_config <<-CONF
		components = ( { name = "bad"; command = [ "sh", "-c",
		    "test -e '$FLEET/good' && exec sleep 1000; exit 1" ];
		    restart = { max_restarts = 1; window = "1h";
		    delay = "10ms"; retry_every = "1s"; stable_after = "1s"; };
		} );
	CONF
	lk up -d
	wait_until 15 alert_stands component_failed:bad
	wait_event "event_type = 'alert_raised'"
	[[ $(sql "SELECT count(*) FROM alerts
	    WHERE alert_type = 'component_failed'") == 1 ]]
	lk alerts | grep -q "bad can't be kept up (exit 1)"
	: > "$FLEET/good"
	wait_until 30 alert_is_over component_failed:bad
	wait_event "event_type = 'alert_cleared'"
	[[ $(sql "SELECT count(*) FROM alerts
	    WHERE alert_type = 'component_failed'") == 1 ]]
}

alert_stands() {
	[[ $(sql "SELECT count(*) FROM alerts WHERE acknowledged = 0
	    AND json_extract(context, '$.cause') = '$1'") == 1 ]]
}

alert_is_over() {
	! alert_stands "$1"
}

@test "killed again and again, it loses and doubles nothing" {
	local pid recorder n
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0; delay = "10ms";
		    delay_max = "20ms"; }; };
		components = ( { name = "dies"; command = [ "sleep", "1000" ]; }
		);
	CONF
	lk up -d
	wait_state dies running
	wait_state recorder running
	for n in {1..20}; do
		pid=$(pid_of dies)
		kill -9 "$pid"
		if ((n % 5 == 0)); then
			wait_until 15 has_pid_other_than recorder 0
			recorder=$(pid_of recorder)
			kill -9 "$recorder"
		fi
		wait_until 5 has_pid_other_than dies "$pid"
	done
	wait_until 15 events_are 20 "event_type = 'component_crashed'
	    AND component = 'dies'"
	wait_until 15 events_are 4 "event_type = 'component_crashed'
	    AND component = 'recorder'"
	[[ $(sql 'PRAGMA integrity_check') == ok ]]
}

events_are() {
	local n
	n=$(count_events "$2")
	[[ $n == "$1" ]] || fail "$n events, not $1"
}

@test "a heartbeat by file and one by the database are passed on" {
	local row file
	fleet_config <<-CONF
		components = (
		  { name = "file"; command = [ "sh", "-c", "while test ! -e \
		    '$FLEET/hang'; do touch '$FLEET/beat'; sleep 0.2; done;
		    rm '$FLEET/hang'; exec sleep 1000" ];
		    heartbeat = { source = "file"; timeout = "3s";
		    path = "$FLEET/beat"; }; },
		  { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "3s"; }; }
		);
	CONF
	lk up -d
	wait_state file running
	wait_state row running
	background beats.log beat_row row '%Y-%m-%d %H:%M:%f'
	file=$(pid_of file)
	: > "$FLEET/hang"
	wait_until 20 has_pid_other_than file "$file"
	wait_event "event_type = 'component_stuck' AND component = 'file'"
	# By now row would have been judged twice over.
	[[ $(count_events "event_type = 'component_stuck'
	    AND component = 'row'") == 0 ]]
	row=$(pid_of row)
	end_background
	wait_until 20 has_pid_other_than row "$row"
	wait_event "event_type = 'component_stuck' AND component = 'row'"
}

@test "a new recorder takes nobody's silence for a heartbeat" {
	local recorder
	fleet_config <<-CONF
		components = ( { name = "row"; command = [ "sleep", "1000" ];
		    heartbeat = { source = "database"; timeout = "10s"; }; } );
	CONF
	lk up -d
	wait_state row running
	wait_until 10 health_is recorder healthy
	recorder=$(pid_of recorder)
	kill -9 "$recorder"
	wait_until 10 has_pid_other_than recorder "$recorder"
	lk health | grep -q 'row: unknown (never heard)'
	# It is judged all the same, and by then was reported several times.
	wait_event "event_type = 'component_stuck' AND component = 'row'" 30
	[[ $(status_field row heartbeats) == 0 ]]
}

@test "where inotify isn't to be had, it looks by itself" {
	local without=(unshare --user --map-root-user sh -c
	    'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"' sh)
	skip_unless "may not make user namespaces" "${without[@]}" true
	sleepers one
	"${without[@]}" "$LOOPKEEPER" up -d --wait 3>&-
	run ! has_inotify
	local pid
	pid=$(pid_of one)
	kill -9 "$pid"
	wait_event "event_type = 'component_crashed' AND component = 'one'
	    AND payload ->> 'pid' = $pid"
	wait_until 10 health_is one healthy
	# What is wanted is a file that it watches as well.
	lk pause all
	[[ ! -e $FLEET/state/coordination.db-wal ]]
	lk resume all
	pid=$(pid_of one)
	kill -9 "$pid"
	wait_event "event_type = 'component_crashed' AND component = 'one'
	    AND payload ->> 'pid' = $pid"
}

has_inotify() {
	find "/proc/$(pid_of recorder)/fd" -lname '*inotify*' | grep .
}
