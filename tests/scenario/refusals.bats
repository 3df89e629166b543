# Work that is refused before it is verified: what it did says that it isn't
# what was asked for, whatever verify would say.

load attempts

# refused TEXT: T-1's first attempt was, for that, and the next one is told. Its
# verify hasn't seen any of it.
refused() {
	local transcript
	wait_until 30 sql_is 1 "SELECT count(*) FROM attempts
	    WHERE outcome = 'failed' AND fence = 1 AND test_id = 'T-1'"
	sql_is "$1" "SELECT payload ->> 'detail' FROM events
	    WHERE event_type = 'attempt_ended' AND test_id = 'T-1'
	    AND payload ->> 'fence' = 1"
	transcript=$(sql "SELECT transcript FROM attempts
	    WHERE fence = 1 AND test_id = 'T-1'")
	file_has "${transcript%.log}.failure" "It was refused:"
	file_has "${transcript%.log}.failure" "$1"
	run ! grep -q '\bverify: ' "$transcript"
	in_repository rev-parse -q --verify "refs/loopkeeper/attempts/$(
	    sql "SELECT id FROM attempts WHERE fence = 1
	    AND test_id = 'T-1'")" > /dev/null
}

refused_for_good() {
	refused "$1"
	test_is T-1 blocked
	used_up 1
	never_merged T-1
}

# worker [KEYS]: the script on standard input has one attempt.
worker() {
	one_loop "max_attempts = 1; ${1:-}"
}

@test "what changes files outside its scope" {
	commit src/a.c src/b.c lib/x/y.c
	one_loop 'max_attempts = 2;' <<-'SH'
		#!/bin/sh
		cat "$LOOPKEEPER_SPEC_FILE" > lib/x/told
		echo >> src/a.c
		if [ "$LOOPKEEPER_ATTEMPT" = 1 ]; then
			touch aside
			echo >> src/b.c
		fi
	SH
	add_test T-1 "test -e lib/x/told" '{"files": ["src/a.c", "lib/**"]}'
	run_alone
	refused "it changed aside and 1 other file, which are outside its files \
(src/a.c, lib/**)"
	wait_until 20 test_is T-1 passed
	used_up 2
	[[ $(snapshot lib/x/told) == *"it changed aside and 1 other file"* ]]
	merged_exactly T-1
}

@test "a scope is what is locked, path by path" {
	local id path files
	worker <<-'SH'
		#!/bin/sh
		mkdir -p sub/src
		echo >> "$(cat "$LOOPKEEPER_SPEC_FILE")"
	SH
	# Those that may, and those that may not.
	while read -r id path files; do
		jq -n --arg id "$id" --arg path "$path" --argjson files "$files" \
		    '{id: $id, loop_id: "loop-1", spec_content: $path,
		    files: $files, verify: "test -s \($path)"}'
	done <<-'TESTS' | add_tests
		Y-1 sub/src/x.c ["*.c"]
		Y-2 sub/src/y.c ["sub"]
		Y-3 sub/src/z.c ["no", "sub/"]
		Y-4 anything []
		N-1 sub/Makefile ["Makefile"]
		N-2 sub/src/n ["src/"]
		N-3 sub/src/n.c ["sub/src/m.?"]
		N-4 other ["src/a.c"]
	TESTS
	run_alone
	wait_until 60 sql_is 0 "SELECT count(*) FROM tests
	    WHERE status IN ('pending', 'in_progress')"
	sql_is Y-1,Y-2,Y-3,Y-4 "SELECT group_concat(id) FROM
	    (SELECT id FROM tests WHERE status = 'passed' ORDER BY id)"
	[[ $(last_end N-1) == "failed: it changed sub/Makefile, which is outside \
its files (Makefile)" ]]
	[[ $(last_end N-4) == "failed: it changed other, which is outside \
its files (src/a.c)" ]]
	sql_is 4 "SELECT count(*) FROM events WHERE event_type = 'test_failed'
	    AND payload ->> 'detail' LIKE '%outside its files%'"
}

@test "what deletes many files; but they may be moved" {
	local i
	for i in {1..6}; do
		mkdir -p "$FLEET/repository/src"
		seq "$i" "$((i * 20))" > "$FLEET/repository/src/$i"
	done
	in_repository add src
	in_repository commit -q -m "Add src"
	worker 'max_deleted = 2;' <<-'SH'
		#!/bin/sh
		case $LOOPKEEPER_TEST_ID in
		T-1) rm src/[1-3] ;;
		T-2) rm src/[1-2] ;;
		T-3)
			mkdir to
			mv src/* to
			echo more >> to/5
			;;
		esac
		touch "$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e T-1"
	add_test T-2 "test -e T-2"
	add_test T-3 "test -e T-3"
	run_alone
	refused_for_good "it deleted 3 files, more than 2 (max_deleted)"
	wait_until 20 test_is T-2 passed
	wait_until 20 test_is T-3 passed
	stop_alone
	sed -i 's/max_deleted = 2/max_deleted = 0/' "$LOOPKEEPER_CONFIG"
	add_test T-4 "test ! -e to" '{"worker": "rm -r to"}'
	run_alone
	wait_until 20 test_is T-4 passed
}

@test "what has conflict markers" {
	commit docs/merging
	echo "docs/merging conflict-marker-size=32" \
	    > "$FLEET/repository/.gitattributes"
	worker <<-'SH'
		#!/bin/sh
		touch work
		printf 'Heading\n=======\n' > notes.md
		printf '<<<<<<< HEAD\n=======\n>>>>>>> b\n' >> docs/merging
		test "$LOOPKEEPER_TEST_ID" != T-1 ||
			printf 'a\n<<<<<<< HEAD\nb\n=======\n>>>>>>> c\n' > a.c
	SH
	add_test T-1 "test -e work"
	add_test T-2 "test -e work"
	run_alone
	refused_for_good "it left a conflict marker: a.c, line 2"
	wait_until 20 test_is T-2 passed
}

@test "tests that are left out anyway are in nobody's way" {
	worker <<-'SH'
		#!/bin/sh
		mkdir -p tests
		touch a_test.c tests/new work
		printf '<<<<<<< HEAD\n' > z_test.c
	SH
	add_test T-1 "test -e work" '{"files": ["work"]}'
	run_alone
	wait_until 20 test_is T-1 passed
}

@test "whom the provider cuts off in the middle isn't blamed for what lies there" {
	mkdir "$FLEET/bin"
	ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/opencode"
	cp -r "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	export PATH=$FLEET/bin:$PATH LK_WORK=aside LK_DAY=$FLEET/day
	export LK_HALF=aside
	echo half-done > "$LK_DAY"
	worker < /dev/null
	sed -i "s|worker = \[.*\];|worker = \"opencode\";|" "$LOOPKEEPER_CONFIG"
	add_test T-1 "test -e aside" '{"files": ["src/a.c"]}'
	run_alone
	wait_until 20 exists "$WORK/aside"
	echo limit > "$LK_DAY"
	wait_until 20 ended 1
	[[ $(last_end) == "rate_limited: it changed aside, which is outside its \
files (src/a.c)" ]] || fail "$(last_end)"
	used_up 0
	alert_stands rate_limited 1
}

@test "a prompt says which files, or that any may be changed" {
	local id
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	worker "prompt = \"$FLEET/prompt.txt\";" <<-SH
		#!/bin/sh
		cat > "$FLEET/prompt-\$LOOPKEEPER_TEST_ID"
		touch work
	SH
	add_test T-1 "test -e work" '{"files": ["work", "src/*"]}'
	add_test T-2 "test -e more" '{"worker": "touch more"}'
	add_test T-3 false '{"files": []}'
	add_test T-4 false
	run_alone
	wait_until 30 sql_is 0 "SELECT count(*) FROM tests
	    WHERE status IN ('pending', 'in_progress')"
	grep -A3 '^## Files you may' "$FLEET/prompt-T-1" |
	    diff - <(printf '%s\n' '## Files you may change' '' work 'src/*')
	for id in T-3 T-4; do
		grep -A2 '^## Files you may' "$FLEET/prompt-$id" |
		    diff - <(printf '%s\n' '## Files you may change' '' \
		    'any: there is no restriction')
	done
}

@test "a new file of tests is left out, and so is whose it is" {
	worker <<-SH
		#!/bin/sh
		mkdir tests && touch tests/new work
	SH
	add_test T-1 "test -e work"
	sql "INSERT INTO file_locks (file_path, locked_by, locked_at, expires_at)
	    VALUES ('tests/new', 'loop-2', datetime('now'),
	    datetime('now', '1 hour'))"
	run_alone
	wait_until 20 test_is T-1 passed
}
