# alone
# kill -9 of any process of the fleet at random moments, KILLS times (200 is
# the full campaign) during a run of the example. SEED repeats a run: the
# order of victims and pauses follows from it.

setup() {
	load ../scenario/lib
	load kills
	need jq sqlite3 git cc
	KILLS=${KILLS:-30}
	setup_campaign "KILLS=$KILLS"
	mkdir "$FLEET/numbers"
	"$LK_ROOT/examples/three-loops/setup" "$FLEET/work"
	campaign_worker <<< "'$LK_ROOT/examples/three-loops/worker'"
	write_config
}

teardown() {
	teardown_fleet
}

write_config() {
	local i
	{
		cat <<-CONF
			{ name = "monitor"; command = [ "loopkeeper-monitor" ];
			  ready = "notify"; mode_when_down = "slow"; },
			{ name = "pm"; command = [ "loopkeeper-pm" ];
			  ready = "notify"; after = [ "monitor" ]; },
			{ name = "counts"; command = [ "$HELPERS/numbered",
			  "$FLEET/numbers/counts", "3" ]; }
		CONF
		for i in 1 2 3; do
			cat <<-CONF
				, { name = "loop-$i";
				    command = [ "loopkeeper-loop" ];
				    ready = "notify"; after = [ "pm" ];
				    environment = {
				      LOOPKEEPER_EXAMPLE_PACE = "0.3"; };
				    loop = { priority = $i;
				      directory = "$FLEET/state/loop-$i"; }; }
			CONF
		done
	} | campaign_config "$FLEET/work" 'pause = "10ms";'
}

# One more death, somewhere. What was killed is noted, once it is dead.
kill_one() {
	local lines what name pid
	mapfile -t lines < <(wait_victims)
	((${#lines[@]}))
	read -r what name pid <<< "${lines[RANDOM % ${#lines[@]}]}"
	kill_pid "$what" "$name" "$pid"
	tail -n 1 "$FLEET/killed"
	printf '    %(%T)T %s\n' -1 "line $(tail -n 1 \
	    "$FLEET/state/logs/counts.log" | sed 's/.*line //')"
	pause_ms $((RANDOM % 150 + 20))
}

none_is_left() {
	local left
	left=$(sql "SELECT id, status FROM tests
	    WHERE status IN ('pending', 'in_progress')")
	[[ -z $left || -n $(sql "SELECT id FROM tests
	    WHERE status IN ('blocked', 'failed')") ]] || fail "$left"
}

all_passed() {
	local left
	left=$(sql "SELECT id, status FROM tests WHERE status != 'passed'")
	[[ -z $left ]] || fail "$left"
}

# Of the numbers from 1 to the last, those that are in no log, as ranges.
numbers_missing() {
	cat "$FLEET"/state/logs/counts.log* | sed -n 's/.*line \([0-9]*\)$/\1/p' |
	    sort -nu | awk '++n < $1 { print n "-" $1 - 1; n = $1 }'
}

# What we killed has one event of its death, with its pid.
deaths_untold() {
	local what name pid type
	while read -r what name pid; do
		case $what in
		component) type=component_crashed ;;
		keeper) type=keeper_died ;;
		*) continue ;;
		esac
		[[ $(count_events "component = '$name' AND
		    event_type = '$type' AND
		    json_extract(payload, '\$.pid') = $pid") == 1 ]] ||
		    echo "$what $name $pid"
	done < "$FLEET/killed"
}

# Every attempt has begun once and ended once.
attempts_untold() {
	sql "SELECT test_id, fence, state, outcome FROM attempts a
	    WHERE (SELECT count(*) FROM events WHERE test_id = a.test_id
	    AND event_type = 'test_started'
	    AND payload ->> 'fence' = a.fence) != 1
	    OR (SELECT count(*) FROM events WHERE test_id = a.test_id
	    AND event_type = 'attempt_ended'
	    AND payload ->> 'fence' = a.fence) != 1"
}

# At each commit of the integration branch passes what was merged till then.
every_commit_passes() {
	local commit test verify=()
	check_out "$FLEET/result" "$FLEET/work"
	while read -r commit test; do
		git -C "$FLEET/result" checkout -q "$commit"
		verify+=("$(sql "SELECT verify FROM tests WHERE id = '$test'")")
		for test in "${verify[@]}"; do
			(cd "$FLEET/result" && $test) || fail "$commit: $test"
		done
	done < <(git -C "$FLEET/work" log --reverse \
	    --format='%H %(trailers:key=Test,valueonly,separator=)' \
	    loopkeeper/main | grep ' .')
	((${#verify[@]} == 9))
}

# Nothing but the branch and what belongs to it has come to the repository.
repository_is_whole() {
	git -C "$FLEET/work" fsck --strict
	[[ -z $(git -C "$FLEET/work" status --porcelain) ]]
	[[ $(git -C "$FLEET/work" rev-list --count HEAD) == 1 ]]
	[[ $(git -C "$FLEET/work" worktree list | wc -l) == 7 ]]
	# Of git, that is: ours are files that nobody has locked.
	run find "$FLEET/work/.git" -name '*.lock' \
	    ! -path "$FLEET/work/.git/loopkeeper/*"
	[[ -z $output ]] || fail "$output"
}

@test "everything ends passed, told once, with nothing lost" {
	lk up -d
	wait_state loop-3 running 30
	lk import "$LK_ROOT/examples/three-loops/tests.json"
	while (($(wc -l < "$FLEET/killed") < KILLS)); do
		kill_one
	done
	wait_until 240 none_is_left
	all_passed
	wait_until 60 fleet_is_whole
	lk down
	nothing_left
	none_was_run_twice
	[[ $(sql "SELECT count(*) FROM file_locks") == 0 ]]
	[[ $(sql "SELECT count(*) FROM wait_graph") == 0 ]]
	[[ $(sql "PRAGMA integrity_check") == ok ]]
	[[ -z $(numbers_missing) ]] || fail "lines missing:" "$(numbers_missing)"
	deaths_untold > "$FLEET/untold"
	[[ ! -s $FLEET/untold ]] || fail "untold, or told twice:" \
	    "$(< "$FLEET/untold")" "$(sql "SELECT event_type, payload
	    FROM events WHERE event_type IN ('keeper_died',
	    'component_crashed', 'daemon_restarted')")"
	[[ -z $(attempts_untold) ]] || fail "$(attempts_untold)"
	# What was spooled is in the database.
	[[ -z $(find "$FLEET/state/spool" -name '*.jsonl' -size +0) ]]
	[[ $(merged "$FLEET/work" | sort) == \
	    $(sql "SELECT id FROM tests ORDER BY id") ]]
	every_commit_passes
	repository_is_whole
}
