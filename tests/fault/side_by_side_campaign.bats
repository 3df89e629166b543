# alone
# minutes: 20
# Six loops work side by side for MINUTES while everything goes wrong that may:
# workers hang, lie, crash, wait for each other's locks, change the same lines,
# break what others made, change far too much, or are refused by their
# provider; loops, monitor, PM and the rest are killed or frozen, the two can't
# be kept up for a while, the database is locked, and some questions are
# answered, others not. SEED repeats
# a run as far as chance allows; KEEP names a directory to which all of a run
# that fails is copied. The long form:
#   MINUTES=60 LK_LIMIT=7200 tests/run side_by_side_campaign

setup() {
	load ../scenario/lib
	load kills
	need jq sqlite3 git flock
	skip_unless "needs /proc/PID/task/PID/children" \
	    test -e "/proc/$$/task/$$/children"
	LOOPS=6 LISTS=3
	[[ -n ${MINUTES:-} ]] || MINUTES=${SANITIZE:+3}
	MINUTES=${MINUTES:-10}
	setup_campaign "MINUTES=$MINUTES"
	REPOSITORY=$FLEET/repository
	TESTS=0
	: > "$FLEET/faults"
	make_repository
	write_worker
	write_config
}

teardown() {
	if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
		[[ -z ${KEEP:-} ]] || cp -a "$FLEET" "$KEEP"
		show_fleet | tail -n 200 || true
	fi
	end_background
	teardown_fleet
}

# A test is a file of its own, a line in a list that others add to as well, or
# two of these.
make_repository() (
	git init -q "$REPOSITORY"
	cd "$REPOSITORY" || exit
	mkdir lists own junk
	seq "$LISTS" | sed 's,^,lists/,' | xargs touch
	touch own/README junk/README
	# check ID FILE...: each of these has the line ID.
	cat > check <<-'SH'
		#!/bin/sh
		id=$1
		shift
		for file; do
			grep -qx "$id" "$file" || exit 1
		done
		# One in a hundred fails by chance.
		[ "${id%77}" = "$id" ] || [ $(($$ % 3)) != 0 ]
	SH
	chmod +x check
	git add -A
	git commit -q -m "Begin"
)

# What a program that is called claude does on its days.
write_worker() {
	mkdir "$FLEET/bin" "$FLEET/stand-in"
	ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/stand-in/claude"
	ln -s "$LK_ROOT/config/workers" "$FLEET/workers"
	campaign_worker <<-SH
		exec "$FLEET/bin/day"
	SH
	mv "$FLEET/worker" "$FLEET/bin/claude"
	cat > "$FLEET/bin/day" <<-SH
		#!/bin/bash
		fleet=$FLEET
	SH
	cat >> "$FLEET/bin/day" <<-'SH'
		read -r id files < <(sed -n 's/^DO: //p')
		say() {
			LK_DAY=$1 LK_RESET=$(($(date +%s) + 5)) \
			    exec "$fleet/stand-in/claude" < /dev/null
		}
		write() {
			for file in $files; do
				echo "$id" >> "$file"
				sleep 0.$((RANDOM % 4))
			done
		}
		chance=$((RANDOM % 100))
		echo "$id $chance" >> "$fleet/days"
		if ((chance < 4)); then
			write
			say hang-without-output
		elif ((chance < 8)); then
			say good
		elif ((chance < 12)); then
			# Breaks something, and what is to be done isn't missed.
			other=$(ls own | grep '^T-' | shuf -n 1)
			[[ -z $other ]] || : > "own/$other"
		elif ((chance < 14)); then
			say limit
		elif ((chance < 16)); then
			kill -SEGV $$
		elif ((chance < 21)); then
			touch junk/$id-{1..25}
		fi
		if [[ $files == *lists*lists* ]]; then
			for file in $(shuf -e -- $files); do
				loopkeeper lock "$file" --wait 20s || say failed-exit-0
				sleep 0.$((RANDOM % 9))
			done
		fi
		write
		say good
	SH
	chmod +x "$FLEET/bin/day"
	export PATH=$FLEET/bin:$PATH
}

# write_agent NAME MODE: one that can't be started while it is away.
write_agent() {
	cat > "$FLEET/bin/$1" <<-SH
		#!/bin/sh
		[ ! -e "$FLEET/away-$1" ] || exit 1
		exec loopkeeper-$1
	SH
	chmod +x "$FLEET/bin/$1"
	cat <<-CONF
		{ name = "$1"; command = [ "$FLEET/bin/$1" ]; ready = "notify";
		  restart = { max_restarts = 2; retry_every = "1s"; };
		  mode_when_down = "$2"; },
	CONF
}

# Hangs of the last loop are the monitor's to find.
write_config() {
	local i silence
	{
		write_agent monitor slow
		write_agent pm conservative
		for ((i = 1; i <= LOOPS; i++)); do
			silence=$( ((i == LOOPS)) && echo 0 || echo 4s)
			cat <<-CONF
				{ name = "loop-$i";
				  command = [ "loopkeeper-loop" ];
				  ready = "notify";
				  loop = { priority = $((i / 2 + 1));
				    silence_limit = "$silence"; }; },
			CONF
		done
	} > "$FLEET/components"
	fleet_config <<-CONF
		defaults = { restart = { max_restarts = 0;
		    delay = "10ms"; delay_max = "100ms"; };
		    heartbeat = { timeout = "6s"; }; };
		monitor = { every = "1s"; stuck_after = "8s";
		    stops_per_hour = 1000; };
		regressions = { every = "20s"; };
		pm = { every = "1s"; decision_timeout = "15s"; };
		loops = { worker = "claude"; repository = "$REPOSITORY";
		    failures_per_hour = 0; max_load = 0; retry_delay = "100ms";
		    pause = "0"; slow_pause = "1s"; recheck = 1;
		    time_limit = "60s";
		    min_disk = "0"; min_memory = "0"; };
		components = ( $(sed '$s/,$//' "$FLEET/components") );
	CONF
}

# One more test, as a line of JSON: of some loop, now and then after another one.
describe_test() {
	local id kind=$((RANDOM % 5)) files after=
	TESTS=$((TESTS + 1))
	id=$(printf 'T-%04d' "$TESTS")
	case $kind in
	0) files="lists/$((RANDOM % LISTS + 1))" ;;
	1 | 2) files=$(seq "$LISTS" | shuf -n 2 | sed 's,^,lists/,' | xargs) ;;
	*) files="own/$id" ;;
	esac
	((kind != 4 || TESTS < 9)) ||
	    after=$(printf 'T-%04d' $((TESTS - RANDOM % 8 - 1)))
	jq -nc --arg id "$id" --arg files "$files" --arg after "$after" \
	    --arg loop "loop-$((RANDOM % LOOPS + 1))" \
	    '{id: $id, loop_id: $loop, spec_content: "DO: \($id) \($files)",
	    verify: "./check \($id) \($files)"}
	    + (if $after == "" then {} else {depends_on: $after} end)'
}

import() {
	local n
	for ((n = 0; n < $1; n++)); do
		describe_test
	done > "$FLEET/lines"
	jq -s . "$FLEET/lines" > "$FLEET/tests.json"
	wait_until 60 lk import "$FLEET/tests.json"
}

# The database is locked for longer than anybody else waits.
sql() {
	sqlite3 -batch -cmd '.timeout 60000' "$FLEET/state/coordination.db" \
	    "$@" 3>&-
}

note_fault() {
	echo "$((SECONDS - BEGUN_S)) $*" >> "$FLEET/faults"
}

# away NAME SECONDS: it can't be kept up meanwhile.
away() {
	touch "$FLEET/away-$1"
	kill_some "^component $1"
	(sleep "$2"; rm -f "$FLEET/away-$1") 3>&- &
	BACKGROUND+=("$!")
}

lock_database() {
	(echo "BEGIN EXCLUSIVE;"; sleep "$1"; echo "COMMIT;") 3>&- |
	    sqlite3 -batch -cmd '.timeout 10000' \
	    "$FLEET/state/coordination.db" > /dev/null 3>&- &
	BACKGROUND+=("$!")
}

# Some of those that wait; the others take their default.
answer_one() {
	local id choice
	id=$(sql "SELECT id FROM decisions WHERE status = 'pending'
	    ORDER BY random() LIMIT 1")
	choice=$(sql "SELECT o.value ->> 'id' FROM decisions d, json_each(options) o
	    WHERE d.id = '$id' ORDER BY random() LIMIT 1")
	[[ -z $choice ]] || lk decide "$id" "$choice" > /dev/null || true
}

# kill_some PATTERN: of the lines of victims.
kill_some() {
	local lines what name pid
	mapfile -t lines < <(wait_victims | grep "$1")
	((${#lines[@]})) || return 0
	read -r what name pid <<< "${lines[RANDOM % ${#lines[@]}]}"
	kill_pid "$what" "$name" "$pid"
}

inject() {
	local loop=loop-$((RANDOM % LOOPS + 1)) pid
	local faults=(worker kill kill keeper daemon monitor pm freeze away-monitor
	    away-pm database force-unlock pause answer answer answer)
	local fault=${faults[RANDOM % ${#faults[@]}]}
	note_fault "$fault" "$loop"
	case $fault in
	worker) pkill -9 -f "$FLEET/bin/day" || true ;;
	kill) kill_some "^component $loop" ;;
	keeper) kill_some "^keeper" ;;
	daemon) kill_some "^daemon" ;;
	monitor | pm) kill_some "^component $fault" ;;
	freeze)
		pid=$(pid_of "$loop")
		((${pid:-0} == 0)) || kill -STOP "$pid" 2> /dev/null || true
		;;
	away-*) away "${fault#away-}" 8 ;;
	database) ((RANDOM % 2)) || lock_database 20 ;;
	force-unlock) lk force-unlock "$loop" --yes > /dev/null || true ;;
	pause)
		lk pause "$loop" > /dev/null || true
		lk resume "$loop" > /dev/null || true
		;;
	answer) answer_one ;;
	esac
}

# What waits for a test that will never pass is nobody's work.
count_open() {
	sql "SELECT count(*) FROM tests WHERE status = 'in_progress'
	    OR (status = 'pending' AND waiting = 0)"
}

work_in_the_midst_of_it() {
	while ((SECONDS - BEGUN_S < MINUTES * 60)); do
		(($(count_open) >= LOOPS)) || import $((2 * LOOPS))
		inject
		sleep $((RANDOM % 3))
	done
	# Faults that last are over only now.
	((${#BACKGROUND[@]} == 0)) || wait "${BACKGROUND[@]}" || true
}

# Somebody is there again: he leaves things as they are, but skips what would
# wait for ever, as the alerts about it say.
answer_all() {
	local id choice
	while read -r id choice; do
		lk decide "$id" "$choice" > /dev/null || true
	done < <(sql -separator ' ' "SELECT id, default_option
	    FROM decisions WHERE status = 'pending'")
	while read -r id; do
		lk skip "$id" --reason "decision: $IN_VAIN" > /dev/null || true
	done < <(sql "SELECT t.id FROM tests t
	    JOIN tests d ON d.id = t.depends_on WHERE t.status = 'pending'
	    AND d.status IN ('blocked', 'skipped') AND EXISTS (SELECT 1
	    FROM alerts WHERE acknowledged = 0
	    AND context LIKE '%dependency:%' AND message LIKE '%' || d.id || '%')")
}
IN_VAIN="it waited in vain"

# The last sweep is over when all that passed did so on the tip, or was found
# not to.
is_settled() {
	local left
	answer_all
	left=$(sql "SELECT id, loop_id, status, attempts, parked, depends_on
	    FROM tests WHERE status NOT IN ('passed', 'skipped', 'blocked')
	    LIMIT 20")
	[[ -z $left ]] || fail "not settled:" "$left" || return
	left=$(sql "SELECT id, verified_commit FROM tests
	    WHERE status = 'passed' AND verified_commit <> '$(tip)'
	    AND id NOT IN (SELECT test_id FROM regressions) LIMIT 20")
	[[ -z $left ]] || fail "not swept on $(tip):" "$left"
}

tip() {
	git -C "$REPOSITORY" rev-parse loopkeeper/main
}

# Whatever is said to pass does; those that fail by chance now and then.
passed_tests_pass() {
	local id verify n
	git -C "$REPOSITORY" worktree add -q --detach "$FLEET/tip" "$(tip)"
	while IFS='|' read -r id verify; do
		for ((n = 0; n < 9; n++)); do
			(cd "$FLEET/tip" && sh -c "$verify") && break
		done
		((n < 9)) || fail "$id is passed, and fails"
	done < <(sql "SELECT id, verify FROM tests WHERE status = 'passed'
	    AND id NOT IN (SELECT test_id FROM regressions)")
}

# In so long a time each has happened, or it can't be found out any more.
all_went_wrong() {
	local type
	((MINUTES >= 10)) || return 0
	for type in deadlock_resolved file_conflict conflict_resolved \
	    regression_detected decision_made decision_expired \
	    digression_detected attempt_stopped rate_limited; do
		has_event "event_type = '$type'"
	done
	for type in slow conservative file-based; do
		has_event "event_type = 'mode_changed'
		    AND json_extract(payload, '$.mode') = '$type'"
	done
}

none_of() {
	local found
	found=$(sql "$2")
	[[ -z $found ]] || fail "$1:" "$found"
}

queue_is_sound() {
	none_of "neither passed, nor skipped by decision, nor blocked with a reason" \
	    "SELECT id, status, reason FROM tests WHERE NOT
	    (status = 'passed' OR (status = 'skipped'
	    AND (reason LIKE 'decision%' OR reason LIKE 'Regression %'))
	    OR (status = 'blocked' AND reason <> ''))"
	none_of "open attempts" "SELECT test_id, id FROM attempts
	    WHERE ended_at IS NULL"
	none_of "locks" "SELECT * FROM file_locks"
	none_of "wait edges" "SELECT * FROM wait_graph"
	none_of "open conflicts" "SELECT * FROM conflicts
	    WHERE closed_at IS NULL"
	none_of "decisions that nobody did" "SELECT id, status, choice
	    FROM decisions WHERE status = 'pending' OR (applied_at IS NULL
	    AND status IN ('decided', 'auto_resolved'))"
	[[ $(sql "PRAGMA integrity_check") == ok ]]
}

# For whoever runs the long one.
print_figures() {
	{
		echo "$TESTS tests, $((SECONDS - BEGUN_S)) s; faults:" \
		    "$(cut -d' ' -f2 "$FLEET/faults" | sort | uniq -c | xargs)"
		sql "SELECT count(*) || ' ' || status FROM tests GROUP BY status"
		sql "SELECT count(*) || ' attempts ' || outcome FROM attempts
		    GROUP BY outcome"
		sql "SELECT count(*) || ' ' || event_type FROM events
		    WHERE event_type IN ('deadlock_detected', 'file_conflict',
		    'conflict_resolved', 'regression_detected',
		    'rollback_triggered', 'decision_made', 'decision_expired',
		    'digression_detected', 'stuck_detected', 'rate_limited',
		    'attempt_stopped')
		    GROUP BY event_type"
		sql "SELECT count(*) || ' deadlocks of ' || n FROM (SELECT (
		    length(cycle) - length(replace(cycle, '-(', ''))) / 2 AS n
		    FROM (SELECT json_extract(payload, '$.cycle') AS cycle
		    FROM events WHERE event_type = 'deadlock_detected'))
		    GROUP BY n"
		sql "SELECT count(*) || ' times mode '
		    || json_extract(payload, '$.mode') FROM events
		    WHERE event_type = 'mode_changed'
		    GROUP BY json_extract(payload, '$.mode')"
	} | sed 's/^/# /' >&3
}

@test "whatever goes wrong, each test is settled, and nothing is left over" {
	BEGUN_S=$SECONDS
	lk up -d
	wait_state "loop-$LOOPS" running 60
	work_in_the_midst_of_it
	wait_until 60 fleet_is_whole
	wait_until 300 is_settled
	lk down
	nothing_left
	print_figures
	queue_is_sound
	none_was_run_twice
	passed_tests_pass
	all_went_wrong
	[[ -z $(git -C "$REPOSITORY" fsck --no-dangling 2>&1) ]]
}
