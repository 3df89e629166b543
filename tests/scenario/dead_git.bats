# What a git leaves behind that died with its loop is no hindrance: it is set
# aside, and the work goes on.

load lib

prepare() {
	need git
}

run_alone() {
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	LOOP=$PID
}

@test "locks of a git that died while it saved the work" {
	one_loop <<-'SH'
		#!/bin/sh
		touch done
		[ ! -e "$FLEET/died" ] || exit 0
		echo "$LOOPKEEPER_ATTEMPT_ID" > "$FLEET/died"
		admin=$(git rev-parse --absolute-git-dir)
		common=$(git rev-parse --path-format=absolute --git-common-dir)
		mkdir -p "$common/refs/loopkeeper/attempts"
		touch "$admin/index.lock" "$admin/HEAD.lock" \
		    "$admin/loopkeeper-index.lock" \
		    "$common/refs/heads/loop-1/working.lock" \
		    "$common/refs/loopkeeper/attempts/$LOOPKEEPER_ATTEMPT_ID.lock"
		kill -9 "$PPID"
		sleep 1000
	SH
	lk add T-1 --loop loop-1 --verify "test -e done"
	run_alone
	wait_until 10 gone "$LOOP"
	run_alone
	wait_until 20 test_is T-1 passed
	local git=$FLEET/repository/.git
	[[ $(git -C "$FLEET/repository" ls-tree --name-only \
	    "refs/loopkeeper/attempts/$(< "$FLEET/died")") == *done* ]]
	[[ $(find "$git/loopkeeper/aside" -name '*.lock-*' | wc -l) == 5 ]]
	[[ -z $(find "$git" -path "$git/loopkeeper" -prune -o \
	    -name '*.lock' -print) ]]
	# Nobody was told of trouble.
	[[ $(sql "SELECT count(*) FROM alerts") == 0 ]]
}

@test "locks of one that died in verify cost no second worker" {
	one_loop <<-SH
		#!/bin/sh
		echo >> "$FLEET/worked"
		touch done
	SH
	# What asks whether it passes already is broken off in git, once.
	lk add T-1 --loop loop-1 --verify "test -e '$FLEET/once' || {
	    touch '$FLEET/once'
	    touch \"\$(git rev-parse --absolute-git-dir)/index.lock\"
	    exit 1
	}
	test -e done"
	run_alone
	wait_until 20 test_is T-1 passed
	[[ $(wc -l < "$FLEET/worked") == 1 ]]
	[[ $(sql "SELECT group_concat(outcome) FROM attempts") == passed ]]
}
