# alone
# LOOPS loops work through TESTS short tests in one repository while workers,
# loops, keepers and the daemon are killed at random moments, KILLS times.
# SEED repeats a run, as far as chance allows; KEEP names a directory to which
# all of a run that fails is copied. The full campaign (LK_LIMIT is in seconds):
#   LOOPS=16 TESTS=1000 KILLS=400 LK_LIMIT=7200 tests/run loops_campaign

setup() {
	load ../scenario/lib
	load kills
	need jq sqlite3 git flock
	skip_unless "needs /proc/PID/task/PID/children" \
	    test -e "/proc/$$/task/$$/children"
	LOOPS=${LOOPS:-6} TESTS=${TESTS:-60} KILLS=${KILLS:-20}
	setup_campaign "LOOPS=$LOOPS TESTS=$TESTS KILLS=$KILLS"
	LISTS=8
	REPOSITORY=$FLEET/repository
	mkdir "$FLEET/facts"
	make_repository
	write_worker
	write_config
}

teardown() {
	if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
		[[ -z ${KEEP:-} ]] || cp -a "$FLEET" "$KEEP"
		show_fleet | tail -n 200 || true
	fi
	teardown_fleet
}

# Lines "ID HOW FILE DEPENDENCY" of tests: what one has to do to pass it. Lists
# are added to at the end, where two conflict; tables have a row for each test,
# and so seldom do; the rest have a file of their own, every other one with
# what its dependency has in its own.
list_tests() {
	local i id previous=-
	for ((i = 1; i <= TESTS; i++)); do
		id=$(printf 'T-%04d' "$i")
		case $((i % 4)) in
		0) echo "$id add lists/$((i / 4 % LISTS)) -" ;;
		1) echo "$id mark tables/$((i / 4 % LISTS)) -" ;;
		2) echo "$id make own/$id -" ;;
		3) echo "$id make own/$id $previous" ;;
		esac
		previous=$id
	done
	# What each of the loops still has to do when nobody is killed any more.
	for ((i = 1; i <= LOOPS; i++)); do
		echo "LAST-$i make own/LAST-$i -"
	done
}

# A subshell: who works in the fleet's directory would be taken for its own.
make_repository() (
	git init -q "$REPOSITORY"
	cd "$REPOSITORY" || exit
	mkdir lists tables own
	list_tests > tests.list
	seq 0 $((LISTS - 1)) | sed 's,^,lists/,' | xargs touch
	awk '$2 == "mark" { print $1 " open\n\n" >> $3 }' tests.list
	touch own/README
	echo "scratch/" > .gitignore
	write_check
	git add -A
	git commit -q -m "Begin"
	# What the operator is in the midst of.
	echo "an idea" >> .gitignore
	git stash -q
	echo "half a row" >> tables/1
	echo staged > staged
	git add staged
	echo "more of it" >> staged
	echo untracked > notes
	mkdir scratch
	echo ignored > scratch/notes
	git config user.name "The Operator"
	checkout_state > "$FLEET/before"
)

# check ID...: whether all of these tests pass.
write_check() {
	cat > check.awk <<-'AWK'
		function read_rows(file, row) {
			while (!known[file] && (getline row < file) > 0)
				rows[file, row]++
			close(file)
			known[file] = 1
		}
		function is_in(file, row) {
			read_rows(file)
			return rows[file, row] == 1
		}
		BEGIN {
			while ((getline < "tests.list") > 0) {
				how[$1] = $2
				file[$1] = $3
				dependency[$1] = $4
			}
			for (i = 1; i < ARGC; i++) {
				id = ARGV[i]
				d = dependency[id]
				if (!is_in(file[id], id) || (d != "-" &&
				    (!is_in(file[id], d) || !is_in(file[d], d)))) {
					print id " fails"
					failed = 1
				}
			}
			exit failed
		}
	AWK
	cat > check <<-'SH'
		#!/bin/sh
		exec awk -f check.awk "$@"
	SH
	chmod +x check
}

# Notes when it begins and ends. One in four leaves something behind.
write_worker() {
	campaign_worker <<-SH
		facts=$FLEET/facts/\$LOOPKEEPER_TEST_ID
		echo "begin \$\$ \$LOOPKEEPER_ATTEMPT_ID" >> "\$facts"
		read -r id how file dependency || [ -n "\$dependency" ]
		mkdir -p scratch
		: > "scratch/\$LOOPKEEPER_ATTEMPT_ID"
		[ \$((\$\$ % 4)) != 0 ] || (setsid sleep 1000 &)
		sleep 0.\$((\$\$ % 6))
		case \$how in
		add) echo "\$id" >> "\$file" ;;
		mark) sed -i "s/^\$id open\$/\$id/" "\$file" ;;
		make)
			echo "\$id" > "\$file"
			[ "\$dependency" = - ] || echo "\$dependency" >> "\$file"
			;;
		esac
		echo "end \$\$ \$LOOPKEEPER_ATTEMPT_ID" >> "\$facts"
	SH
}

write_config() {
	local i
	{
		cat <<-CONF
			{ name = "monitor"; command = [ "loopkeeper-monitor" ];
			  ready = "notify"; },
			{ name = "pm"; command = [ "loopkeeper-pm" ];
			  ready = "notify"; }
		CONF
		for ((i = 1; i <= LOOPS; i++)); do
			cat <<-CONF
				, { name = "loop-$i";
				    command = [ "loopkeeper-loop" ];
				    ready = "notify"; loop = { priority = 1; }; }
			CONF
		done
	} | campaign_config "$REPOSITORY" 'pause = "0"; slow_pause = "1s";
	    max_attempts = 100; recheck = 2; min_disk = "0"; min_memory = "0";'
}

# import PATTERN: the tests whose lines match. Some say which file is theirs,
# and lock it.
import() {
	grep "$1" "$REPOSITORY/tests.list" | jq -Rn --argjson n "$LOOPS" '
	    [inputs | . as $line | split(" ") as [$id, $how, $file, $d]
	    | ($id | split("-")[1] | tonumber) as $i
	    | {id: $id, loop_id: "loop-\($i % $n + 1)", spec_content: $line,
	    verify: "./check \($id)"}
	    + (if $d == "-" then {} else {depends_on: $d} end)
	    + (if $how == "make" or $i % 8 == 0 then {files: [$file]}
	    else {} end)]' > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
}

# kill_child PID...: kills what one of these loops has started: a worker,
# verify, git. It will be gone soon: nothing may come between finding and
# killing it.
kill_child() {
	local tries pid child comm
	for ((tries = 0; tries < 100; tries++)); do
		pid=$((RANDOM % $# + 1))
		pid=${!pid}
		child=
		read -r child _ < "/proc/$pid/task/$pid/children" || true
		if [[ -n $child ]] && read -r comm < "/proc/$child/comm" &&
		    kill -9 "$child"; then
			wait_until 10 gone "$child"
			echo "$comm - $child" >> "$FLEET/killed"
			return
		fi
	done 2> /dev/null
}

# One more death, of a kind that comes as often as it is named here.
kill_one() {
	local all lines kind what name pid
	local kinds=(child child child 'component loop' 'component loop'
	    'component loop' keeper keeper daemon .)
	kind=${kinds[RANDOM % ${#kinds[@]}]}
	all=$(wait_victims)
	if [[ $kind == child ]]; then
		mapfile -t lines < <(sed -n 's/^component loop-.* //p' <<< "$all")
		((${#lines[@]})) && kill_child "${lines[@]}"
		return
	fi
	mapfile -t lines < <(grep "^$kind" <<< "$all")
	((${#lines[@]})) || return 0
	read -r what name pid <<< "${lines[RANDOM % ${#lines[@]}]}"
	kill_pid "$what" "$name" "$pid"
}

passed_are() {
	local passed
	passed=$(sql "SELECT count(*) FROM tests WHERE status = 'passed'")
	((passed >= $1)) || fail "$passed passed"
}

# Spread over the whole run, as far as that goes on beneath it.
kill_all_along() {
	local killed=0
	while ((killed < KILLS)); do
		wait_until 1 passed_are $((TESTS * killed / KILLS * 9 / 10)) \
		    2> /dev/null || true
		pause_ms $((RANDOM % 50))
		kill_one
		killed=$(wc -l < "$FLEET/killed")
	done
	sql "SELECT count(*) || ' passed by then' FROM tests
	    WHERE status = 'passed'" > "$FLEET/last"
}

# All tests have passed, or one never will.
is_decided() {
	local left
	left=$(sql "SELECT status, count(*) FROM tests WHERE status != 'passed'
	    GROUP BY status")
	[[ -z $left || $left == *blocked* || $left == *failed* ]] ||
	    fail "$left"
}

# wait_passed SECONDS
wait_passed() {
	wait_until "$1" is_decided
	none_of "not passed" "SELECT id, status, reason FROM tests
	    WHERE status != 'passed' LIMIT 20"
}

# The working tree, and what of .git is the operator's, to the byte.
checkout_state() (
	cd "$REPOSITORY" || exit
	find . -path ./.git -prune -o -printf '%p %y %m %s %T@\n' | sort
	find . -path ./.git -prune -o -type f -print0 | sort -z |
	    xargs -0 sha256sum
	cd .git || exit
	sha256sum config index HEAD logs/HEAD refs/heads/main refs/stash \
	    logs/refs/stash info/exclude
	find hooks -type f | sort | xargs sha256sum
)

# none_of WHAT SQL: it finds nothing.
none_of() {
	local found
	found=$(sql "$2")
	[[ -z $found ]] || fail "$1:" "$found"
}

attempts_are_sound() {
	none_of "not one passed attempt" "SELECT t.id, count(a.id) FROM tests t
	    LEFT JOIN attempts a ON a.test_id = t.id AND a.outcome = 'passed'
	    GROUP BY t.id HAVING count(a.id) != 1"
	none_of "open attempts" "SELECT test_id, id FROM attempts
	    WHERE ended_at IS NULL"
	none_of "attempts of a test at the same time" "SELECT a.test_id, a.fence,
	    a.ended_at, b.started_at FROM attempts a JOIN attempts b
	    ON b.test_id = a.test_id AND b.fence > a.fence
	    WHERE b.started_at < a.ended_at"
	none_of "locks" "SELECT * FROM file_locks"
	none_of "wait edges" "SELECT * FROM wait_graph"
	[[ $(sql "PRAGMA integrity_check") == ok ]]
}

# The same from the workers' own notes.
workers_are_sound() {
	none_was_run_twice
	awk '$1 == "begin" { last[FILENAME] = $2 }
	    $1 == "end" && $2 != last[FILENAME] { print FILENAME, $0; bad = 1 }
	    END { exit bad }' "$FLEET"/facts/*
}

# Who has done his work has left it under a ref.
work_is_kept() {
	local id
	cat "$FLEET"/facts/* | awk '$1 == "end" { print $3 }' |
	    sort > "$FLEET/worked"
	git -C "$REPOSITORY" for-each-ref --format='%(refname:lstrip=3)' \
	    refs/loopkeeper/attempts | sort > "$FLEET/kept"
	id=$(comm -23 "$FLEET/worked" "$FLEET/kept")
	[[ -z $id ]] || fail "work that no ref has:" \
	    "$(sql "SELECT test_id, fence, loop_id, state, outcome, id
	    FROM attempts WHERE instr('$id', id)")"
}

# One commit for each test, that of the attempt which passed.
commits_are_sound() {
	local value=valueonly,separator=%x2C
	git -C "$REPOSITORY" log --first-parent --reverse --format="%H
	    %(trailers:key=Test,$value) %(trailers:key=Attempt,$value)" \
	    main..loopkeeper/main | paste - - | tr -s '\t ' ' ' \
	    > "$FLEET/commits"
	cut -d' ' -f2 "$FLEET/commits" | sort > "$FLEET/committed"
	cut -d' ' -f1 "$REPOSITORY/tests.list" | sort |
	    diff - "$FLEET/committed"
	sql -separator ' ' "SELECT result_commit, test_id, id FROM attempts
	    WHERE outcome = 'passed'" | sort > "$FLEET/told"
	sort "$FLEET/commits" | diff "$FLEET/told" -
	[[ -z $(git -C "$REPOSITORY" log --merges main..loopkeeper/main) ]]
}

# Each of them passes its test, and those of all before it.
commits_pass() {
	local commit id _ ids=()
	git clone -q -s "$REPOSITORY" "$FLEET/clone"
	while read -r commit id _; do
		ids+=("$id")
		git -C "$FLEET/clone" checkout -q "$commit"
		(cd "$FLEET/clone" && ./check "${ids[@]}") ||
		    fail "of $id, ${#ids[@]}. commit: $commit"
	done < "$FLEET/commits"
}

# A worktree that a git was killed in making lies beside it, whole. Nobody had
# worked in it: there is nothing of a worker's.
repository_is_clean() {
	local found
	found=$(git -C "$REPOSITORY" fsck --no-dangling 2>&1) || fail "$found"
	[[ -z $found ]] || fail "$found"
	found=$(find "$REPOSITORY/.git" -path '*/.git/loopkeeper' -prune \
	    -o -name '*.lock' -print)
	[[ -z $found ]] || fail "lock files:" "$found"
	found=$(find "$FLEET"/state/loop-* -path '*.wreck-*/scratch')
	[[ -z $found ]] || fail "work in a wreck:" "$found"
	found=$(find "$FLEET"/state/loop-* -mindepth 1 -maxdepth 1 |
	    grep -vE '/(specs|hooks|bin|(worktree|verify)(\.wreck-[0-9]+)?)$' || true)
	[[ -z $found ]] || fail "left over:" "$found"
	found=$(git -C "$REPOSITORY" worktree list)
	(($(wc -l <<< "$found") == 2 + 2 * LOOPS)) || fail "$found"
	checkout_state | diff "$FLEET/before" - || fail "the checkout differs"
}

# For whoever runs the full one.
print_figures() {
	{
		echo "$1 s; killed: $(sed 's/component loop-.*/loop/;
		    s/ .*//' "$FLEET/killed" | sort | uniq -c | xargs);" \
		    "$(< "$FLEET/last")"
		sql "SELECT count(*) || ' ' || ifnull(outcome, 'open') ||
		    ' (' || state || ')' FROM attempts
		    GROUP BY outcome, state"
		echo "set aside: $(find "$REPOSITORY/.git/loopkeeper/aside" \
		    -mindepth 1 -maxdepth 1 -printf '%f\n' 2> /dev/null |
		    sed 's/-[0-9]*$//' | sort | uniq -c | xargs)," \
		    "$(find "$FLEET"/state/loop-* -maxdepth 1 \
		    -name '*.wreck-*' | wc -l) wrecks"
	} | sed 's/^/# /' >&3
}

@test "each test passes once, is merged once, and nothing is left over" {
	local begun_s=$SECONDS
	lk up -d
	wait_state "loop-$LOOPS" running 60
	import '^T-'
	kill_all_along
	wait_passed $((120 + TESTS * 2))
	wait_until 60 fleet_is_whole
	import '^LAST-'
	wait_passed 60
	lk down
	nothing_left
	print_figures $((SECONDS - begun_s))
	attempts_are_sound
	workers_are_sound
	work_is_kept
	commits_are_sound
	commits_pass
	repository_is_clean
	nothing_is_blamed
}
