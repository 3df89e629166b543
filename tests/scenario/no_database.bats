# The database is gone, or can't be made or opened: components are started,
# kept and restarted all the same, everybody is told what is wrong, and what
# happened meanwhile is in the database as soon as there is one.

load lib

fleet() {
	fleet_config <<-CONF
		components = ( $(agents),
		  { name = "one"; command = [ "sleep", "1000" ]; } );
	CONF
}

# It dies once, and is there again.
die() {
	local pid
	pid=$(pid_of "$1")
	kill -9 "$pid"
	wait_until 10 has_pid_other_than "$1" "$pid"
	wait_state "$1" running
}

is_kept() {
	grep -qsF "$1" "$FLEET"/state/spool/kept-*.jsonl
}

status_says() {
	run lk status
	[[ $status == 0 && $output == *"$1"* ]] || fail "$output"
}

# refused WORDS COMMAND...: it ends at once, with an error that has these words.
refused() {
	local words=$1
	shift
	run timeout "$((2 * LK_PATIENCE))" \
	    "${AS[@]}" "${PROGRAMS:-$BUILD/bin}/loopkeeper" "$@" 3>&- < /dev/null
	[[ $status == 1 && $output == *"loopkeeper: "*"$words"* ]] ||
	    fail "$*: $status: $output"
}

# All that can't do without it.
all_refused() {
	local command
	echo '[]' > "$FLEET/tests.json"
	chmod 644 "$FLEET/tests.json"
	for command in tests timeline "show T-1" decisions "decide DEC-1 A" \
	    alerts gates budget "ack all" "skip T-1" "reset T-1" \
	    "transcript T-1" recover \
	    "add T-1 --loop loop-1 --verify true" "import $FLEET/tests.json" \
	    "wait --for passed loop-1"; do
		# shellcheck disable=SC2086 # words
		refused "$1" $command
	done
	refused "$1" health
	refused 'not in time' wait --for idle --timeout 200ms
}

works_again() {
	lk health > "$FLEET/health" 2>&1 || fail "$(< "$FLEET/health")"
	lk tests
}

deaths_are() {
	local n
	n=$(count_events "event_type = 'component_crashed' AND
	    component = '$1'")
	[[ $n == "$2" ]] || fail "$n deaths of $1"
}

@test "removed while the fleet is down: up makes a fresh one and says so" {
	local before
	fleet
	lk up -d --wait
	before=$(sql "SELECT value FROM meta WHERE key = 'epoch'")
	lk down
	rm "$FLEET/state/coordination.db"
	run lk up -d --wait
	[[ $status == 0 && $output == *"made a new database"* ]]
	[[ $(sql "SELECT value FROM meta WHERE key = 'epoch'") != "$before" ]]
	wait_event "event_type = 'component_started' AND component = 'one'"
	works_again
}

@test "a directory lies in its place: the fleet runs, and nothing is lost" {
	fleet
	mkdir "$FLEET/state/coordination.db"
	run lk up -d --wait
	[[ $status == 0 && $output == *"coordination.db: Is a directory"* ]]
	status_says "coordination.db: Is a directory"
	die one
	die loop-1
	die recorder
	wait_until 10 is_kept component_crashed
	all_refused "coordination.db: Is a directory"
	run lk status recorder
	[[ $output == *"keeps events on disk: "*": Is a directory"* ]]
	run lk pause one
	[[ $status == 0 ]]
	lk resume one
	rmdir "$FLEET/state/coordination.db"
	wait_until 15 works_again
	wait_until 15 deaths_are one 1
	wait_until 15 deaths_are loop-1 1
	wait_until 15 deaths_are recorder 1
	[[ $(count_events "event_type = 'supervisor_started'") == 1 ]]
	lk wait --for idle --timeout 1m
	run ! ls "$FLEET"/state/spool/*.jsonl
}

@test "a fleet without one ends as any other, and tells the next" {
	fleet
	mkdir "$FLEET/state/coordination.db"
	lk up -d --wait
	die one
	lk down
	wait_until 5 nothing_left
	is_kept supervisor_stopped
	rmdir "$FLEET/state/coordination.db"
	lk up -d --wait
	wait_until 15 deaths_are one 1
	[[ $(count_events "event_type = 'supervisor_stopped'") == 1 ]]
	[[ $(count_events "event_type = 'supervisor_started'") == 2 ]]
}

@test "what can't go to disk either stays where it is, and that is said once" {
	become_plain_user
	fleet
	mkdir "$FLEET/state/coordination.db"
	lk up -d --wait
	chmod -R a-w "$FLEET/state/spool"
	die one
	wait_until 10 log_has recorder 'cannot keep events in .*Permission'
	die one
	die recorder
	run lk down
	[[ $status == 0 && $output == *"they wait in "*/spool* ]] ||
	    fail "$output"
	chmod -R u+w "$FLEET/state/spool"
	[[ $(grep -c 'cannot keep' "$FLEET/state/logs/recorder.log") == 2 ]]
	rmdir "$FLEET/state/coordination.db"
	lk up -d
	wait_until 15 deaths_are one 2
	wait_until 15 deaths_are recorder 1
}

@test "somebody else's file: a plain user is told, and loses nothing" {
	become_plain_user
	fleet
	: > "$FLEET/state/coordination.db"
	chmod 000 "$FLEET/state/coordination.db"
	run lk up -d --wait
	[[ $status == 0 && $output == *"coordination.db: Permission denied"* ]]
	status_says "coordination.db: Permission denied"
	die one
	all_refused "coordination.db: Permission denied"
	rm -f "$FLEET/state/coordination.db"
	wait_until 15 works_again
	wait_until 15 deaths_are one 1
}

@test "removed while the fleet runs: it is said, and how to get another" {
	local state=$FLEET/state
	become_plain_user
	fleet
	lk up -d --wait
	wait_event "event_type = 'component_ready' AND component = 'loop-1'"
	rm "$state"/coordination.db*
	chmod 555 "$state"
	status_says "coordination.db: there is no database"
	refused "'loopkeeper recover' makes one" tests
	refused "'loopkeeper recover' makes one" health
	die one
	wait_until 10 is_kept component_crashed
	refused "coordination.db: Permission denied" recover
	die recorder
	wait_until 10 log_has recorder 'coordination.db: Permission denied'
	die one
	chmod 755 "$state"
	wait_until 15 works_again
	wait_until 15 deaths_are one 2
	lk down
}

@test "a state directory that can't be written is refused, by name" {
	become_plain_user
	fleet
	chmod 555 "$FLEET/state"
	refused "can't write to $FLEET/state: Permission denied" up -d
	nothing_left
	[[ -z $(ls -A "$FLEET/state") ]]
}
