# Where a loop works: worktrees that have what git ignores, checkouts that
# know nothing of one another, and the operator's own, which is never touched.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
	printf '%s\n' deps/ .env cache .cache/ > "$FLEET/repository/.gitignore"
	commit package-lock.json
	in_repository add .gitignore
	in_repository commit -q -m "Ignore"
}

# A project whose dependencies are a folder that git ignores, and which a
# command makes from the lock file, without network.
dependent_loop() {
	cat > "$FLEET/install" <<-SH
		#!/bin/sh
		echo "\$PWD" >> "$FLEET/installed"
		test ! -e "$FLEET/no-network" || { echo "no network"; exit 3; }
		mkdir -p deps
		cp package-lock.json deps/lock
		printf '#!/bin/sh\necho done\n' > deps/tool
		chmod +x deps/tool
	SH
	chmod +x "$FLEET/install"
	one_loop "setup = \"$FLEET/install\"; ${1:-}"
}

installed() {
	[[ $(cat "$FLEET/installed" 2>&1) == $(printf '%s\n' "$@") ]] ||
	    fail "$(cat "$FLEET/installed" 2>&1)"
}

up_to_date="cmp package-lock.json deps/lock"

@test "what git ignores is made where it is needed, once" {
	local work=$FLEET/state/loop-1/worktree check=$FLEET/state/loop-1/verify
	dependent_loop <<-'SH'
		#!/bin/sh
		deps/tool > "done-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "deps/tool && grep done done-T-1"
	run_alone
	wait_until 20 test_is T-1 passed
	installed "$work" "$check"
	# Not again for another test, nor in another run.
	add_test T-2 "deps/tool && grep done done-T-2"
	wait_until 20 test_is T-2 passed
	stop_alone
	add_test T-3 "deps/tool && grep done done-T-3"
	run_alone
	wait_until 20 test_is T-3 passed
	installed "$work" "$check"
	[[ -z $(in_repository ls-tree loopkeeper/main deps) ]]
	# But when what they depend on has changed.
	operator_commits package-lock.json
	operator_commits other
	add_test T-4 "$up_to_date && grep done done-T-4"
	wait_until 20 test_is T-4 passed
	installed "$work" "$check"
	echo 2 > "$FLEET/repository/package-lock.json"
	in_repository stash -q
	in_repository update-ref refs/heads/loopkeeper/main "$(
	    in_repository commit-tree -m "Update" -p loopkeeper/main \
	    'stash@{0}^{tree}')"
	add_test T-5 "$up_to_date && grep done done-T-5"
	wait_until 20 test_is T-5 passed
	installed "$work" "$check" "$work" "$check"
}

@test "an attempt that changes what setup depends on is verified with that" {
	dependent_loop 'max_attempts = 2;' <<-SH
		#!/bin/sh
		$up_to_date || echo "attempt \$LOOPKEEPER_ATTEMPT" >> "$FLEET/stale"
		echo "\$LOOPKEEPER_ATTEMPT" > package-lock.json
		"$FLEET/install" > /dev/null
		touch work
	SH
	add_test T-1 "test -e work && $up_to_date &&
	    test \$LOOPKEEPER_ATTEMPT = 2"
	run_alone
	wait_until 20 test_is T-1 passed
	used_up 2
	[[ $(in_repository show loopkeeper/main:package-lock.json) == 2 ]]
	# What the first one had installed wasn't left to the second one.
	[[ ! -e $FLEET/stale ]] || fail "stale: $(cat "$FLEET/stale")"
	# And the next test has what was merged.
	add_test T-2 "$up_to_date && test -e work-2"
	sed -i 's/touch work/touch work-2/' "$FLEET/worker"
	wait_until 20 test_is T-2 passed
	[[ ! -e $FLEET/stale ]] || fail "stale: $(cat "$FLEET/stale")"
}

@test "a setup that fails for a candidate spoils nothing for the next" {
	dependent_loop 'max_attempts = 2;' <<-'SH'
		#!/bin/sh
		[ "$LOOPKEEPER_ATTEMPT" != 1 ] || echo broken > package-lock.json
		touch work
	SH
	cat > "$FLEET/install" <<-'SH'
		#!/bin/sh
		rm -rf deps
		! grep broken package-lock.json || exit 4
		mkdir deps
	SH
	add_test T-1 "test -e work -a -d deps"
	run_alone
	wait_until 20 test_is T-1 passed
	used_up 2
}

@test "who breaks a test through what setup makes is found out" {
	dependent_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		if [ "$LOOPKEEPER_TEST_ID" = T-1 ]; then
			echo nothing > package-lock.json
		fi
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test P-1 "test -e work-P-1 && grep -q package deps/lock"
	run_alone
	wait_until 20 test_is P-1 passed
	add_test T-1 "test -e work-T-1"
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: it breaks P-1, which passed without it: "* ]] ||
	    fail "$(last_end)"
	never_merged T-1
	# Its dependencies aren't those of the next one.
	add_test T-2 "test -e work-T-2 && $up_to_date"
	wait_until 20 test_is T-2 passed
	merged_exactly T-2
}

@test "a setup that fails stops claims, once told, and goes on by itself" {
	touch "$FLEET/no-network"
	dependent_loop <<-'SH'
		#!/bin/sh
		deps/tool > work
	SH
	add_test T-1 "deps/tool && test -e work"
	run_alone
	wait_until 20 alert_stands setup 1
	wait_until 20 installed_twice
	file_has "$FLEET/state/loop-1/specs/logs/setup.log" "no network"
	sql_is "loop-1|setup: exit 3: see $FLEET/state/loop-1/specs/logs/setup.log" \
	    "SELECT source, message FROM alerts"
	file_has "$FLEET/loop-1.log" "setup: exit 3"
	ended 0
	test_is T-1 pending
	rm "$FLEET/no-network"
	wait_until 20 test_is T-1 passed
	alerts_are 1 setup
	alert_stands setup 0
	sql_is 1 "SELECT count(*) FROM attempts"
	used_up 1
}

installed_twice() {
	(($(wc -l < "$FLEET/installed") >= 3))
}

@test "a setup that an attempt breaks is that attempt's failure" {
	dependent_loop 'max_attempts = 1;' <<-SH
		#!/bin/sh
		echo broken > package-lock.json
	SH
	sed -i '3i grep -qv broken package-lock.json || broken' "$FLEET/install"
	sed -i '2i broken() { rm -rf deps; echo "bad lock file"; exit 4; }' \
	    "$FLEET/install"
	add_test T-1 "test -e work"
	run_alone
	wait_until 20 test_is T-1 blocked
	[[ $(last_end) == "failed: setup fails after it changed what setup \
depends on: exit 4" ]] || fail "$(last_end)"
	alerts_are 0 setup
	file_has "$(attempt "replace(transcript, '.log', '.failure')")" \
	    "bad lock file"
	# And of what it left half done nothing is used.
	add_test T-2 "test -e work-2 && $up_to_date && deps/tool"
	sed -i 's/^echo.*/touch work-2/' "$FLEET/worker"
	wait_until 20 test_is T-2 passed
	alerts_are 0 setup
}

@test "what a setup that was killed had taken apart isn't used" {
	dependent_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		test "$LOOPKEEPER_TEST_ID" = T-2 || echo 2 > package-lock.json
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	sed -i '3i grep -qx 2 package-lock.json && apart' "$FLEET/install"
	sed -i "2i apart() { rm -r deps; touch '$FLEET/apart'; sleep 1000; }" \
	    "$FLEET/install"
	add_test T-1 "test -e work-T-1" '{"sort_order": 2}'
	run_alone
	wait_until 20 exists "$FLEET/apart"
	kill_alone
	add_test T-2 "deps/tool && test -e work-T-2" '{"sort_order": 1}'
	run_alone
	wait_until 20 test_is T-2 passed
}

# T-1's worker, which does that first, ends when there is $FLEET/go.
working_loop() {
	dependent_loop 'max_attempts = 1;' <<-SH
		#!/bin/sh
		echo once >> "$FLEET/working"
		${1:-true}
		touch work
		until test -e "$FLEET/go"; do sleep 0.05; done
	SH
	add_test T-1 "test -e work && $up_to_date"
	run_alone
	wait_until 20 exists "$FLEET/working"
}

# Its setup failed and that isn't its doing: nothing is claimed, once told, and
# then it goes on with what was done.
was_parked() {
	wait_until 20 ended 1
	wait_until 20 alert_stands setup 1
	[[ $(last_end) == "interrupted: setup: exit 3" ]] || fail "$(last_end)"
	sql_is parked "SELECT state FROM attempts"
	used_up 0
	test_is T-1 pending
	wait_until 20 tried_in_vain
	ended 1
	rm "$FLEET/no-network"
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	[[ $(wc -l < "$FLEET/working") == 1 ]] || fail "worked twice"
	file_has "$(attempt transcript)" "which an earlier attempt had made"
	alerts_are 1 setup
	alert_stands setup 0
	sql_is 2 "SELECT count(*) FROM attempts"
	used_up 1
}

tried_in_vain() {
	file_has "$FLEET/state/loop-1/specs/logs/setup.log" "no network"
}

@test "a setup that fails for what another merged is nobody's failure" {
	working_loop
	echo 2 > "$FLEET/repository/package-lock.json"
	in_repository stash -q
	in_repository update-ref refs/heads/loopkeeper/main "$(
	    in_repository commit-tree -m "Update" -p loopkeeper/main \
	    'stash@{0}^{tree}')"
	touch "$FLEET/no-network" "$FLEET/go"
	was_parked
}

@test "nor is one that fails without the attempt, too" {
	working_loop "echo 2 > package-lock.json"
	touch "$FLEET/no-network" "$FLEET/go"
	was_parked
	[[ $(in_repository show loopkeeper/main:package-lock.json) == 2 ]]
}

@test "files to bring, folders to share, and a number of its own" {
	echo secret > "$FLEET/repository/.env"
	mkdir -p "$FLEET/repository/conf/local"
	echo mine > "$FLEET/repository/conf/local/x"
	one_loop 'copy = [ ".env", "conf/local" ]; shared = [ "cache" ];
	    max_attempts = 1;' <<-SH
		#!/bin/sh
		cat .env conf/local/x > work
		echo changed > .env
		echo changed > conf/local/x
		test -L cache && echo warm > cache/x
		rm cache
		mkdir cache
		env | grep ^LOOPKEEPER_LOOP_INDEX= > "$FLEET/index"
	SH
	add_test T-1 "test \"\$(cat work)\" = \"\$(printf 'secret\nmine')\" &&
	    grep -q secret .env && grep -q mine conf/local/x &&
	    grep -q warm cache/x && test \$LOOPKEEPER_LOOP_INDEX = 1"
	run_alone
	wait_until 20 test_is T-1 passed
	[[ $(in_repository ls-tree -r --name-only loopkeeper/main) == \
	    $'.gitignore\nREADME\npackage-lock.json\nwork' ]]
	[[ $(cat "$FLEET/repository/.env") == secret ]]
	[[ $(cat "$FLEET/index") == LOOPKEEPER_LOOP_INDEX=1 ]]
	# What a worker did to them isn't there for the next one.
	add_test T-2 "test -e work-2"
	cat > "$FLEET/worker" <<-'SH'
		#!/bin/sh
		grep -q secret .env && grep -q mine conf/local/x &&
		    test -L cache && touch work-2
	SH
	wait_until 20 test_is T-2 passed
}

@test "a folder that may not be written is copied by a plain user, too" {
	mkdir -p "$FLEET/repository/deps/in"
	echo mine > "$FLEET/repository/deps/in/x"
	chmod 555 "$FLEET/repository/deps/in"
	one_loop 'copy = [ "deps" ];' <<-'SH'
		#!/bin/sh
		cat deps/in/x > work
	SH
	add_test T-1 "cmp deps/in/x work"
	become_plain_user
	((EUID != 0)) || chown -R 65534:65534 "$FLEET"
	background loop-1.log "${AS[@]}" "$PROGRAMS/loopkeeper-loop" \
	    -c "$LOOPKEEPER_CONFIG" loop-1
	wait_until 20 test_is T-1 passed
	chmod 755 "$FLEET/repository/deps/in"
}

@test "a worker makes the folder of a copy a link" {
	commit conf/tracked
	echo secret > "$FLEET/repository/conf/env"
	echo conf/env >> "$FLEET/repository/.gitignore"
	in_repository commit -q -a -m "Ignore"
	one_loop 'copy = [ "conf/env" ]; max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
		[ $LOOPKEEPER_TEST_ID = T-1 ] || exit 0
		mv conf moved
		rm moved/env
		ln -s moved conf
	SH
	add_test T-1 "test -e never"
	run_alone
	wait_until 20 test_is T-1 blocked
	kept work-T-1 moved/tracked
	[[ $(snapshot conf) == moved ]]
	add_test T-2 "test -e work-T-2 && grep -q secret conf/env"
	wait_until 20 test_is T-2 passed
}

@test "what an attempt leaves beside a copy isn't the next one's" {
	mkdir "$FLEET/repository/conf"
	echo secret > "$FLEET/repository/conf/env"
	echo conf/env >> "$FLEET/repository/.gitignore"
	in_repository commit -q -a -m "Ignore"
	one_loop 'copy = [ "conf/env" ]; max_attempts = 1;' <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
		[ $LOOPKEEPER_TEST_ID = T-2 ] || touch conf/bad
	SH
	add_test T-1 "false"
	run_alone
	wait_until 20 test_is T-1 blocked
	add_test T-2 "test -e work-T-2 && grep -q secret conf/env"
	wait_until 20 test_is T-2 passed
	[[ $(in_repository diff --name-only main loopkeeper/main) == work-T-2 ]]
}

# goes_nowhere SHELL: whatever that does to the folder of a shared path, what
# lies elsewhere stays.
goes_nowhere() {
	mkdir -p "$FLEET/elsewhere/cache"
	echo mine > "$FLEET/elsewhere/cache/x"
	one_loop 'shared = [ ".cache/cache", "deps/cache" ];
	    max_attempts = 1;' <<-SH
		#!/bin/sh
		touch "work-\$LOOPKEEPER_TEST_ID"
		[ \$LOOPKEEPER_TEST_ID = T-1 ] || exit 0
		$1
	SH
	printf '%s\n' deps .cache > "$FLEET/repository/.gitignore"
	in_repository commit -q -a -m "Ignore links, too"
	add_test T-1 "if test -e check; then sh ./check; fi; false"
	run_alone
	wait_until 20 test_is T-1 blocked
	add_test T-2 "test -e work-T-2 && test -L deps/cache &&
	    test -L .cache/cache"
	wait_until 20 test_is T-2 passed
	[[ $(cat "$FLEET/elsewhere/cache/x") == mine ]]
	[[ $(find "$FLEET/elsewhere" | wc -l) == 3 ]]
}

@test "a worker makes the folder of what is shared a link" {
	goes_nowhere "rm -rf deps .cache; ln -s '$FLEET/elsewhere' deps
	    ln -s '$FLEET/elsewhere' .cache"
}

@test "verify makes the folder of what is shared a link" {
	goes_nowhere "echo \"rm -rf deps .cache; ln -s '$FLEET/elsewhere' deps
	    ln -s '$FLEET/elsewhere' .cache\" > check"
}

# All that is the operator's, byte by byte: his files, index, configuration,
# HEAD, stashes, branches and hooks.
operators() {
	(
		cd "$FLEET/repository" || exit
		find . -path ./.git -prune -o -path ./.lk -prune -o \
		    -type f -print0 | sort -z | xargs -0 sha256sum
		find . -path ./.git -prune -o -path ./.lk -prune -o \
		    -printf '%p %m %T@ %i\n' | grep -v '^\. ' | sort
		sha256sum .git/index .git/config .git/HEAD .git/logs/HEAD \
		    .git/refs/stash .git/logs/refs/stash .git/info/exclude
		ls -A .git/hooks
	)
	in_repository for-each-ref refs/heads refs/tags refs/remotes |
	    grep -v 'refs/heads/\(loopkeeper\|loop-1\)/'
}

# Work of the operator's that nothing holds but his checkout.
in_the_midst() {
	echo stashed > "$FLEET/repository/README"
	in_repository stash -q
	echo modified > "$FLEET/repository/README"
	echo staged > "$FLEET/repository/staged"
	in_repository add staged
	echo more >> "$FLEET/repository/staged"
	echo untracked > "$FLEET/repository/untracked"
	mkdir -p "$FLEET/repository/deps"
	echo ignored > "$FLEET/repository/deps/x"
	rm "$FLEET/repository/package-lock.json"
	in_repository config user.name operator
}

# A worker that passes with T-1, fails with T-2, and is at home everywhere.
busy_loop() {
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		echo "$LOOPKEEPER_TEST_ID" > README
		echo "$LOOPKEEPER_TEST_ID" > staged
		git add -A
		git -c user.name=w -c user.email=w@w commit -q -m "Own work"
		git stash list > /dev/null
		rm -rf deps
	SH
	add_test T-1 "grep -q T-1 staged"
	add_test T-2 "grep -q T-1 README && false"
	run_alone
	wait_until 20 test_is T-1 passed
	wait_until 20 test_is T-2 blocked
	stop_alone
}

@test "the operator's checkout stays as it is, to the byte" {
	in_the_midst
	operators > "$FLEET/before"
	busy_loop
	diff -u "$FLEET/before" <(operators)
	merged_exactly T-1
}

@test "also with the state directory inside of it, whatever a worker deletes" {
	in_the_midst
	mkdir -p "$FLEET/repository/.lk"
	echo '*' > "$FLEET/repository/.lk/.gitignore"
	rmdir "$FLEET/state"
	mkdir "$FLEET/repository/.lk/state"
	ln -s repository/.lk/state "$FLEET/state"
	operators > "$FLEET/before"
	busy_loop
	diff -u "$FLEET/before" <(operators)
	# It is the same place, by whichever name.
	[[ ! -e $(echo "$FLEET"/state/loop-1/*wreck*) ]]
	cat > "$FLEET/worker" <<-'SH'
		#!/bin/sh
		rm -f .git ../verify/.git
		git add -A
		git commit -q -m "Not here"
		touch work
	SH
	add_test T-3 "test -e work"
	run_alone
	wait_until 20 test_is T-3 passed
	stop_alone
	diff -u "$FLEET/before" <(operators)
	[[ ! -e $(echo "$FLEET"/state/loop-1/*wreck*) ]]
}

@test "nor through a worker's git, where configuration leads that to it" {
	one_loop <<-SH
		#!/bin/sh
		cd ../verify && git checkout -q -- . && cd ../worktree || exit
		git checkout -q -- .
		git rev-parse --show-toplevel > work
	SH
	add_test T-1 "grep -q '/loop-1/worktree$' work &&
	    git rev-parse --show-toplevel | grep '/loop-1/verify$'"
	in_repository config extensions.worktreeConfig true
	in_repository config core.worktree "$FLEET/repository"
	in_the_midst
	operators > "$FLEET/before"
	run_alone
	wait_until 20 test_is T-1 passed
	stop_alone
	diff -u "$FLEET/before" <(operators)
}

@test "that it is led there meanwhile is noticed before the next test" {
	one_loop <<-SH
		#!/bin/sh
		git checkout -q -- .
		touch "work-\$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1"
	run_alone
	wait_until 20 test_is T-1 passed
	in_repository config extensions.worktreeConfig true
	in_repository config core.worktree "$FLEET/repository"
	echo uncommitted > "$FLEET/repository/.gitignore"
	add_test T-2 "test -e work-T-2"
	wait_until 20 test_is T-2 passed
	[[ $(< "$FLEET/repository/.gitignore") == uncommitted ]]
}

@test "a bare repository is worked on like any other" {
	mv "$FLEET/repository" "$FLEET/source"
	command git clone -q --bare "$FLEET/source" "$FLEET/repository"
	in_repository config extensions.worktreeConfig true
	one_loop <<-'SH'
		#!/bin/sh
		git rev-parse --show-toplevel > work
	SH
	add_test T-1 "grep -q '/loop-1/worktree$' work && git status"
	run_alone
	wait_until 20 test_is T-1 passed
}

@test "what else git makes of a worktree is found before a worker is" {
	mkdir "$FLEET/bin"
	cat > "$FLEET/bin/git" <<-SH
		#!/bin/sh
		[ -n "\$GIT_DIR" ] || case \$* in *--show-toplevel*)
			[ -e "$FLEET/mended" ] || cd "$FLEET/repository"
		esac
		exec $(type -P git) "\$@"
	SH
	chmod +x "$FLEET/bin/git"
	one_loop <<-SH
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work"
	PATH=$FLEET/bin:$PATH run_alone
	refused_while "works on something else ($FLEET/repository"
	touch "$FLEET/mended"
	wait_until 20 test_is T-1 passed
	alert_stands repository 0
}

# refused_while MESSAGE: nothing is claimed as long as the branch is in use.
refused_while() {
	wait_until 20 alert_stands repository 1
	sql_is 1 "SELECT count(*) FROM alerts WHERE message LIKE '%$1%'"
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = 'T-1'"
}

@test "an integration branch that is checked out is left alone until it isn't" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work"
	in_repository checkout -q -b loopkeeper/main
	run_alone
	refused_while "branch loopkeeper/main is checked out in $FLEET/repository,"
	in_repository checkout -q main
	wait_until 20 test_is T-1 passed
	alerts_are 1 repository
	alert_stands repository 0
	used_up 1
}

@test "so is one that is checked out in a linked worktree" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	in_repository worktree add -q -b loopkeeper/main "$FLEET/linked"
	add_test T-1 "test -e work"
	run_alone
	refused_while "is checked out in $FLEET/linked,"
	git -C "$FLEET/linked" checkout -q --detach
	wait_until 20 test_is T-1 passed
	alerts_are 1 repository
	alert_stands repository 0
}

@test "one that is checked out meanwhile gets its commit when it isn't" {
	one_loop <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		touch work
	SH
	add_test T-1 "test -e work && touch '$FLEET/verifying' &&
	    until test -e '$FLEET/go'; do sleep 0.05; done" \
	    '{"files": ["work"]}'
	run_alone
	wait_until 20 exists "$FLEET/verifying"
	in_repository checkout -q loopkeeper/main
	touch "$FLEET/go"
	wait_until 20 alert_stands repository 1
	[[ $(commits_of T-1) == 0 && -z $(in_repository status --porcelain) ]]
	# Nothing is held while a person is waited for.
	wait_until 10 no_locks
	test_is T-1 pending
	in_repository checkout -q main
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	alerts_are 1 repository
	alert_stands repository 0
	# It needed no second worker for that.
	[[ $(wc -l < "$FLEET/worked") == 1 ]]
	used_up 1
}

@test "a loop's own branch that somebody works on is left alone, too" {
	one_loop <<-'SH'
		#!/bin/sh
		touch work
	SH
	add_test T-1 "test -e work"
	in_repository checkout -q -b loop-1/working
	commit operators-own
	local before
	before=$(in_repository rev-parse HEAD)
	run_alone
	wait_until 20 alert_stands repository 1
	[[ $(in_repository rev-parse HEAD) == "$before" ]]
	in_repository checkout -q main
	wait_until 20 test_is T-1 passed
	alert_stands repository 0
}

@test "no verify sees what an earlier one left" {
	one_loop <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1 && mkdir -p .cache/read-only left/below &&
	    touch .cache/read-only/x left/below/y && echo changed > README &&
	    chmod 500 .cache/read-only && git init -q left/repository &&
	    rm package-lock.json && ln -s / left/root && mkfifo left/fifo"
	run_alone
	wait_until 20 test_is T-1 passed
	add_test T-2 "test -e work-T-2 && test ! -e .cache && test ! -e left &&
	    grep -q 'a repository' README && test -e package-lock.json"
	wait_until 20 test_is T-2 passed
	[[ -e /bin/sh ]]
	# Nor is it collected for ever.
	[[ ! -e $(echo "$FLEET"/state/loop-1/*.inner-*) ]]
}

# hides FOLDER: a worker's ignore file, of which git sees nothing, neither
# hides work for good nor what others do after it.
hides() {
	commit src/tracked
	one_loop 'max_attempts = 1;' <<-SH
		#!/bin/sh
		mkdir -p $1
		[ "\$LOOPKEEPER_TEST_ID" != T-1 ] || echo '*' > $1/.gitignore
		touch "$1/work-\$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e nothing"
	run_alone
	wait_until 20 test_is T-1 blocked
	add_test T-2 "test -e $1/work-T-2 && test ! -e $1/work-T-1"
	wait_until 20 test_is T-2 passed
}

@test "what a worker hides by an ignore file is kept" {
	in_repository rm -q .gitignore
	in_repository commit -q -m "Ignore nothing"
	hides .
	snapshot work-T-1
}

@test "also beside files that git knows" {
	hides src
	snapshot src/work-T-1
}

@test "a folder that ignores itself is a cache, and goes with it" {
	hides new
	[[ $(in_repository ls-tree -r --name-only \
	    "refs/loopkeeper/attempts/$(attempt id)") != *new* ]]
}

@test "nothing is claimed while what a worker told git of all loops hides work" {
	cp "$FLEET/repository/.git/info/exclude" "$FLEET/exclude"
	one_loop 'max_attempts = 1;' <<-'SH'
		#!/bin/sh
		[ "$LOOPKEEPER_TEST_ID" != T-1 ] || echo 'work-*' >> \
		    "$(git rev-parse --git-path info/exclude)"
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e nothing"
	add_test T-2 "test -e work-T-2"
	run_alone
	wait_until 20 alert_stands repository 1
	sql_is 1 "SELECT count(*) FROM alerts WHERE message LIKE
	    '%/info/exclude has changed since the loop began%'"
	sql_is 0 "SELECT count(*) FROM attempts WHERE test_id = 'T-2'"
	[[ -e $WORK/work-T-1 ]]
	cp "$FLEET/exclude" "$FLEET/repository/.git/info/exclude"
	wait_until 20 test_is T-2 passed
	alert_stands repository 0
}

# survives SHELL: whatever a worker does to its worktree, it is an attempt as
# any other, its work is kept, and the next one has a place to work in.
survives() {
	one_loop 'max_attempts = 1;' <<-SH
		#!/bin/bash
		if [[ \$LOOPKEEPER_TEST_ID == T-1 ]]; then
			$1
		fi
		touch "work-\$LOOPKEEPER_TEST_ID" 2> /dev/null
		exit 0
	SH
	add_test T-1 "test -e work-T-1"
	add_test T-2 "test -e work-T-2 && test -e README"
	run_alone
	wait_until 30 test_is T-2 passed
	merged_exactly T-2
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = 'T-1'"
	[[ $(in_repository worktree list | wc -l) == 3 ]]
	in_repository fsck
}

@test "a worker deletes its worktree's .git" {
	survives 'rm .git'
	merged_exactly T-1
}

@test "a worker makes a repository of its own in place of it" {
	survives 'rm .git; git init -q .; git add -A; git commit -q -m x'
	merged_exactly T-1
}

@test "a worker makes repositories inside" {
	survives 'git init -q inner; touch inner/x; git init -q other;
	    git -C other -c user.name=w -c user.email=w@w commit -q \
	    --allow-empty -m x; touch other/y'
	merged_exactly T-1
}

@test "what a worker has in a repository in a new folder is kept" {
	survives 'mkdir -p new/deep; git init -q new/deep; echo mine > new/deep/x'
	[[ $(cat "$FLEET"/state/loop-1/worktree.inner-*/deep/x) == mine ]]
}

@test "a worker deletes its worktree altogether" {
	survives 'git -c user.name=w -c user.email=w@w commit -q --allow-empty \
	    -m "Own work"; rm -rf "$PWD"'
	[[ $(attempt outcome) == failed ]] || fail "$(last_end)"
	[[ $(in_repository log -1 --format=%s \
	    "refs/loopkeeper/attempts/$(attempt id)^") == "Own work" ]]
}

@test "a worker has git take its worktree away" {
	survives 'cd ..; git -C worktree worktree remove --force worktree'
	[[ $(attempt outcome) == failed ]] || fail "$(last_end)"
}

@test "a worker deletes what git knows of its worktree" {
	survives 'touch kept; rm -rf "$(git rev-parse --absolute-git-dir)"'
	snapshot kept
}

@test "a worker works where it has no business" {
	in_the_midst
	operators > "$FLEET/before"
	survives 'touch ../../here "$PWD/../verify/work-T-1" ../verify/.cache
	    echo changed > ../verify/README; rm ../verify/.git
	    git -C .. status; exit 0'
	diff -u "$FLEET/before" <(operators)
	[[ $(attempt outcome) == failed ]] || fail "$(last_end)"
	never_merged T-1
}

@test "a worker that is killed where it has deleted .git has lost nothing" {
	one_loop <<-SH
		#!/bin/sh
		echo "\$LOOPKEEPER_ATTEMPT_ID" > work
		rm .git
		touch "$FLEET/started"
		test -e "$FLEET/go" || sleep 1000
	SH
	add_test T-1 "test -e work"
	run_alone
	wait_until 20 exists "$FLEET/started"
	local old
	old=$(attempt id)
	kill_alone
	touch "$FLEET/go"
	run_alone
	wait_until 20 test_is T-1 passed
	[[ $(snapshot work "$old") == "$old" ]]
}

# admin_of TREE: what git keeps of that worktree.
admin_of() {
	git -C "$FLEET/state/loop-1/$1" rev-parse --absolute-git-dir
}

# One that has worked before, and doesn't run.
seasoned_loop() {
	one_loop <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1"
	run_alone
	wait_until 20 test_is T-1 passed
	stop_alone
}

@test "locks that a dead git left are set aside" {
	local lock
	seasoned_loop
	for lock in "$(admin_of worktree)"/{index,HEAD} "$(admin_of verify)/index" \
	    "$FLEET"/repository/.git/{packed-refs,refs/heads/loopkeeper/main}; do
		echo "dead" > "$lock.lock"
	done
	# The operator's are his.
	: > "$FLEET/repository/.git/index.lock"
	add_test T-2 "test -e work-T-2"
	run_alone
	wait_until 20 test_is T-2 passed
	[[ $(cat "$FLEET"/repository/.git/loopkeeper/aside/* |
	    grep -c dead) == 5 ]]
	[[ -e $FLEET/repository/.git/index.lock ]]
	alerts_are 0 repository
	file_has "$FLEET/loop-1.log" "set aside what a dead git left"
}

@test "one that a live git may own isn't" {
	local lock
	seasoned_loop
	lock=$(admin_of worktree)/index.lock
	# One that waits for its input.
	mkfifo "$FLEET/objects"
	background feed.log bash -c "exec sleep 1000 > '$FLEET/objects'"
	background git.log bash -c "exec git -C '$WORK' cat-file --batch \
	    < '$FLEET/objects'"
	wait_until 10 file_has "/proc/$PID/comm" git
	: > "$lock"
	local holder=$PID
	add_test T-2 "test -e work-T-2"
	run_alone
	wait_until 20 alert_stands repository 1
	[[ -e $lock ]]
	test_is T-2 pending
	kill "$holder"
	wait_until 20 test_is T-2 passed
	[[ ! -e $lock ]]
	alert_stands repository 0
}

@test "nothing is pushed" {
	local hook
	git init -q --bare "$FLEET/remote"
	for hook in "$FLEET"/remote/hooks/{pre-receive,update,post-receive} \
	    "$FLEET/repository/.git/hooks/pre-push"; do
		printf '#!/bin/sh\necho %s >> %s/pushed\n' "$hook" "$FLEET" \
		    > "$hook"
		chmod +x "$hook"
	done
	in_repository remote add origin "$FLEET/remote"
	in_repository push -q -u origin main
	[[ $(wc -l < "$FLEET/pushed") == 4 ]]
	in_repository config push.default matching
	in_repository config push.autoSetupRemote true
	in_repository config branch.autoSetupMerge always
	git -C "$FLEET/remote" for-each-ref > "$FLEET/before"
	busy_loop
	diff "$FLEET/before" <(git -C "$FLEET/remote" for-each-ref)
	[[ $(wc -l < "$FLEET/pushed") == 4 ]]
	run ! in_repository config --get-regexp '^branch\.loop'
}
