# Jobs with a schedule: they run, end, and run again when it is time, whoever
# of the supervisor dies meanwhile; nobody counts that as a death.

load lib

# job NAME KEYS [COMMAND]: a component whose every run leaves a line in
# $FLEET/NAME.
job() {
	echo "{ name = \"$1\"; command = [ \"sh\", \"-c\"," \
	    "\"echo ran >> $FLEET/$1; ${3:-true}\" ]; $2 },"
}

# jobs JOB...: the configuration of these, beside one that isn't.
jobs_config() {
	{
		echo 'components = ('
		printf '%s\n' "$@"
		echo '{ name = "one"; command = [ "sleep", "1000" ]; } );'
	} | fleet_config
}

runs() {
	[[ ! -e $FLEET/$1 ]] || wc -l < "$FLEET/$1"
}

has_run() {
	(($(runs "$1") >= $2)) || fail "$1 has run $(runs "$1") times"
}

health_says() {
	run lk health
	[[ $output =~ $1 ]] || fail "$output"
}

@test "every second, again and again, and no run is a death" {
	jobs_config "$(job tick 'schedule = { every = "1s"; };')" \
	    "$(job hour 'schedule = { every = "1h"; };')" \
	    "$(job long 'schedule = { every = "1s"; };' 'sleep 1.5')"
	lk up -d --wait
	wait_until 10 has_run tick 3
	# One that takes longer than that runs to its end, and then again.
	wait_until 10 has_run long 2
	wait_until 5 health_says 'hour: done \(exit 0, .* ago, again in (59m|1h)\)'
	wait_event "event_type = 'component_stopped' AND component = 'tick'"
	[[ $(count_events "event_type IN ('component_crashed',
	    'component_restarted')") == 0 ]]
	restarts_are tick 0
	restarts_are long 0
	[[ $(status_field tick deaths_in_window) == 0 ]]
	[[ $(runs hour) == 1 ]]
}

@test "a run that fails is tried again at once, one that ends well is over" {
	jobs_config "$(job hour 'schedule = { every = "1h"; };
	    restart = { delay = "10ms"; delay_max = "100ms";
	    max_restarts = 0; };' "test -e $FLEET/good")"
	lk up -d
	wait_until 10 has_run hour 3
	: > "$FLEET/good"
	wait_until 10 health_says 'hour: done \(exit 0, .* again in'
	lk down
	[[ $(count_events "event_type = 'component_crashed'") -ge 2 ]]
}

@test "a daily job waits for its hour, also after a pause" {
	fake_clock
	jobs_config "$(job daily 'schedule = { daily = "03:30"; };')" \
	    "{ name = \"after\"; command = [ \"sleep\", \"1000\" ];
	    after = [ \"daily\" ]; },"
	# Only the wall clock, by whose hours it goes, is another one.
	TZ=UTC FAKETIME="@2026-01-07 03:29:45" \
	    faked "$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" up -d --wait 3>&-
	health_says 'daily: waiting \(starts in [0-9]+s\)'
	state_is after running
	lk pause daily
	lk resume daily
	[[ $(runs daily) == "" ]]
	wait_until 30 has_run daily 1
	wait_until 5 health_says 'daily: done \(exit 0, .* again in 23h\)'
	[[ $(runs daily) == 1 ]]
}

@test "start runs it now; pause and resume don't" {
	jobs_config "$(job hour 'schedule = { every = "1h"; };')"
	lk up -d --wait
	wait_until 5 health_says 'hour: done'
	lk pause hour
	health_says 'hour: paused'
	lk resume hour
	health_says 'hour: waiting \(exit 0; starts in (59m|1h)\)'
	lk wait --for ready --timeout 1m
	lk start hour
	wait_until 5 has_run hour 2
	wait_until 5 health_says 'hour: done'
	[[ $(runs hour) == 2 ]]
}

@test "another schedule holds at once, also for who waits by the old one" {
	local keys='schedule = { every = "1h"; };'
	jobs_config "$(job hour "$keys")" "$(job gone "$keys")"
	lk up -d --wait
	wait_until 5 health_says 'hour: done'
	wait_until 5 health_says 'gone: done'
	jobs_config "$(job hour "${keys/1h/1s}")" "$(job gone '
	    restart = { policy = "on-failure"; };')"
	run lk reload
	[[ $output == *"~ hour: in place (schedule.every)"* ]] || fail "$output"
	wait_until 10 has_run hour 3
	health_says 'gone: done \(exit 0, [^,]*ago\)'
	[[ $(runs gone) == 1 ]]
}

@test "who waits for its time goes on waiting when a keeper or daemon dies" {
	local keeper daemon
	jobs_config "$(job hour 'schedule = { every = "1h"; };')" \
	    "$(job soon 'schedule = { every = "4s"; };')"
	lk up -d --wait
	for name in hour soon; do
		wait_until 5 health_says "$name: done"
		keeper=$(keeper_of "$name")
		kill -9 "$keeper"
		wait_until 10 has_other keeper_pid "$name" "$keeper"
	done
	daemon=$(status_field @ daemon_pid)
	kill -9 "$daemon"
	wait_until 10 has_other daemon_pid @ "$daemon"
	health_says 'hour: done \(exit 0, .* ago, again in (59m|1h)\)'
	wait_until 15 has_run soon 3
	[[ $(runs hour) == 1 ]]
}
