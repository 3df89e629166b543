# What the campaigns of kills have in common: the run, the worker that sees
# whether it is alone, who may be killed, and how.

# setup_campaign WORD...: a fleet; SEED, and the words, are told.
setup_campaign() {
	setup_fleet
	RANDOM=${SEED:=$RANDOM}
	echo "SEED=$SEED $*"
	mkdir "$FLEET/running"
	: > "$FLEET/killed"
}

# campaign_worker < SCRIPT: notes when one test is run by two at once, and does
# its work. The lock goes with the last process that could still work on it.
campaign_worker() {
	{
		cat <<-SH
			#!/bin/sh
			set -e
			exec 9> "$FLEET/running/\$LOOPKEEPER_TEST_ID"
			flock -n 9 || echo "\$LOOPKEEPER_TEST_ID" >> "$FLEET/twice"
		SH
		cat
	} > "$FLEET/worker"
	chmod +x "$FLEET/worker"
}

# campaign_config REPOSITORY SETTINGS < COMPONENTS: who dies comes again, however
# often.
campaign_config() {
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0;
		    delay = "10ms"; delay_max = "100ms"; }; };
		monitor = { every = "1s"; };
		loops = { worker = [ "$FLEET/worker" ]; repository = "$1";
		    failures_per_hour = 0; max_load = 0; retry_delay = "0"; $2 };
		components = ( $(cat) );
	CONF
}

# Tests were run again on the branch all along: none was told to fail.
nothing_is_blamed() {
	[[ -z $(sql "SELECT * FROM regressions") ]] ||
	    fail "regressions:" "$(sql "SELECT * FROM regressions")"
	[[ $(sql "SELECT count(*) FROM tests WHERE verified_commit NOT IN
	    (SELECT commit_hash FROM passing_tests
	    WHERE test_id = tests.id)") -gt 0 ]]
}

none_was_run_twice() {
	[[ ! -e $FLEET/twice ]] || fail "at work at once:" "$(< "$FLEET/twice")"
}

# Lines "WHAT NAME PID" of all that may be killed.
victims() {
	{ lk status --all --json || true; } | jq -r '
	    (.fleet | "guardian - \(.guardian_pid)", "daemon - \(.daemon_pid)"),
	    (.components[] | "keeper \(.name) \(.keeper_pid)",
	    "component \(.name) \(.pid)")' | grep -E ' [1-9][0-9]*$'
}

# The same, once there are any.
wait_victims() {
	local begun_s=$SECONDS
	until victims; do
		((SECONDS - begun_s < 20 * LK_PATIENCE)) ||
		    fail "everybody is dead" || return
		sleep 0.02
	done
}

pause_ms() {
	sleep "$(printf '0.%03d' "$1")"
}

# kill_pid WHAT NAME PID: kills it and notes that, once it is dead.
kill_pid() {
	kill -9 "$3" 2> /dev/null || return 0
	wait_until 10 gone "$3"
	echo "$1 $2 $3" >> "$FLEET/killed"
}

fleet_is_whole() {
	local left
	left=$({ lk status --json || true; } | jq -r '.components[] |
	    select(.state != "running") | "\(.name) is \(.state)"')
	[[ -z $left && $(status_field @ daemon_pid) -gt 0 ]] || fail "$left"
}
