# No verdict depends on what an earlier one's tests did to what they ran in.

load attempts

prepare() {
	need git
	repository "$FLEET/repository"
	printf '%s\n' deps/ .env > "$FLEET/repository/.gitignore"
	echo "SECRET=right" > "$FLEET/repository/.env"
	commit package-lock.json
	in_repository add .gitignore
	in_repository commit -q -m "Ignore"
	cat > "$FLEET/install" <<-SH
		#!/bin/sh
		echo "\$PWD" >> "$FLEET/installed"
		mkdir -p deps/in
		printf 'grep right "\$1"\n' > deps/in/tool
	SH
	chmod +x "$FLEET/install"
}

# wrong_work TAMPERING [KEYS TOOL]: T-1, which passes and is merged, has tests that
# do this to what is around them; T-2's work is wrong, and its tests know.
wrong_work() {
	one_loop "${2-setup = \"$FLEET/install\";} copy = [ \".env\" ];
	    max_attempts = 1;" <<-SH
		#!/bin/sh
		echo wrong > "work-\$LOOPKEEPER_TEST_ID"
		[ \$LOOPKEEPER_TEST_ID = T-1 ] || exit 0
		cat > tests.sh <<'IT'
		$1
		IT
	SH
	add_test T-1 "sh -e ./tests.sh"
	run_alone
	wait_until 20 test_is T-1 passed
	merged_exactly T-1
	add_test T-2 "test -e work-T-2 && sh ${3:-deps/in/tool} work-T-2"
	wait_until 20 test_is T-2 blocked
	never_merged T-2
	[[ $(last_end T-2) == "failed: verify: exit 1" ]] || fail "$(last_end T-2)"
}

@test "a verify patches the dependencies of the next" {
	wrong_work "printf 'grep wrong \"\$1\"\\n' > new
		touch -r deps/in/tool new
		cp -p new deps/in/tool"
	# It needed no second setup for that.
	[[ $(wc -l < "$FLEET/installed") == 2 ]] || fail "set up again"
}

@test "a verify rewrites what was copied from the operator's checkout" {
	echo 'grep right "$1"' > "$FLEET/repository/.env"
	wrong_work "printf 'grep wrong \"\$1\"\\n' > new
		touch -r .env new
		cp -p new .env" "" .env
}

@test "setup's containers leave files of another user" {
	((EUID == 0)) || skip "can't make another user's files"
	cat > "$FLEET/install" <<-SH
		#!/bin/sh
		mkdir -p deps/data
		until test -e "$FLEET/state/go-\${PWD##*/}"; do sleep 0.05; done
	SH
	one_loop "setup = \"$FLEET/install\";" <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "test -e work-T-1"
	become_plain_user
	chown -R 65534:65534 "$FLEET"
	background loop-1.log "${AS[@]}" "$PROGRAMS/loopkeeper-loop" \
	    -c "$LOOPKEEPER_CONFIG" loop-1
	local tree
	for tree in worktree verify; do
		wait_until 20 exists "$FLEET/state/loop-1/$tree/deps/data"
		chown 0:0 "$FLEET/state/loop-1/$tree/deps/data"
		touch "$FLEET/state/go-$tree"
	done
	wait_until 20 test_is T-1 passed
	touch "$FLEET/state/loop-1/verify/deps/data/x"
	add_test T-2 "test -e work-T-2 -a -e deps/data/x"
	wait_until 20 test_is T-2 passed
}

@test "the name of what setup makes has a line break" {
	echo '*.o' >> "$FLEET/repository/.gitignore"
	in_repository commit -q -a -m "Ignore"
	echo "touch 'a" >> "$FLEET/install"
	echo "b.o'" >> "$FLEET/install"
	one_loop "setup = \"$FLEET/install\";" <<-'SH'
		#!/bin/sh
		touch "work-$LOOPKEEPER_TEST_ID"
	SH
	add_test T-1 "rm *.o deps/in/tool && test -e work-T-1"
	add_test T-2 "test -e *.o -a -e deps/in/tool -a -e work-T-2"
	run_alone
	wait_until 20 test_is T-2 passed
}
