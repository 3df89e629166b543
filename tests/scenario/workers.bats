# A worker may be a preset: a file that says how one of the known programs is
# run. Stand-ins of these programs say what they say on good and bad days;
# what the loop understands of that is seen in what it does.

load lib

prepare() {
	local name
	need git
	mkdir "$FLEET/bin"
	for name in claude codex gemini aider opencode cursor-agent; do
		ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/$name"
	done
	ln -s "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	git init -q "$FLEET/repository"
	git -C "$FLEET/repository" -c user.name=a -c user.email=a@b \
	    commit -q --allow-empty -m base
	export PATH=$FLEET/bin:$PATH
	export LK_SEEN=$FLEET/seen LK_WORK="done $FLEET/worked"
}

# preset NAME [KEYS]: a configuration with one loop, whose worker that is.
preset() {
	fleet_config <<-CONF
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify";
		    loop = { worker = "$1"; pause = "0"; retry_delay = "0";
		      repository = "$FLEET/repository"; ${2:-} }; }
		);
	CONF
}

# add_test [SPEC]: one that the worker makes pass.
add_test() {
	jq -n --arg spec "${1:-}" '[{id: "T-1", loop_id: "loop-1",
	    verify: "test -e \"$FLEET/worked\"", spec_content: $spec}]' \
	    > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

run_alone() {
	background loop-1.log loopkeeper-loop -c "$LOOPKEEPER_CONFIG" loop-1
	LOOP=$PID
}

stop_alone() {
	kill "$LOOP"
	wait_until 10 gone "$LOOP"
}

kept_prompt() {
	local transcript
	transcript=$(sql "SELECT transcript FROM attempts WHERE test_id = 'T-1'
	    ORDER BY fence DESC LIMIT 1")
	cat "${transcript%.log}.prompt"
}

# given WORD...: the worker got exactly these arguments.
given() {
	diff -u <(printf '%s\n' "$@") "$FLEET/seen/arguments"
}

# One good day of a preset; each changes another file.
pass_with() {
	rm -rf "$FLEET/worked" "$FLEET/seen"
	preset "$@"
	export LK_WORK="done-$1 $FLEET/worked"
	add_test "Make it."
	lk reset T-1
	run_alone
	wait_until 15 test_is T-1 passed
	stop_alone
}

@test "claude, codex and gemini are run as documented, the prompt on standard input" {
	pass_with claude 'worker_options = [ "--model", "opus" ];'
	given -p --output-format stream-json --verbose \
	    --permission-mode acceptEdits --model opus
	cmp <(kept_prompt) "$FLEET/seen/stdin"
	grep -qx 'Make it.' "$FLEET/seen/stdin"
	local name
	for name in codex gemini; do
		pass_with "$name"
		cmp <(kept_prompt) "$FLEET/seen/stdin"
		grep -qx 'Make it.' "$FLEET/seen/stdin"
	done
	given --output-format stream-json --approval-mode yolo --skip-trust
}

@test "opencode and cursor get the prompt as an argument, aider as a file, and no input" {
	local name
	for name in opencode cursor aider; do
		pass_with "$name"
		[[ ! -s $FLEET/seen/stdin ]] || fail "$name has input"
		if [[ $name == aider ]]; then
			grep -qx -- --message-file "$FLEET/seen/arguments"
			grep -qx "$FLEET/state/.*/T-1-[0-9]*\.prompt" \
			    "$FLEET/seen/arguments"
		else
			grep -qx 'Make it.' "$FLEET/seen/arguments"
		fi
		kept_prompt | grep -qx 'Make it.'
	done
}

@test "what is too long for an argument is its input, and a file" {
	local name
	head -c 140000 /dev/zero | tr '\0' x > "$FLEET/spec"
	for name in opencode cursor; do
		preset "$name"
		export LK_WORK="done-$name $FLEET/worked"
		rm -f "$FLEET/worked"
		jq -n --rawfile spec "$FLEET/spec" '[{id: "T-1",
		    loop_id: "loop-1", verify: "test -e \"$FLEET/worked\"",
		    spec_content: $spec}]' > "$FLEET/tests.json"
		lk import "$FLEET/tests.json" > /dev/null
		lk reset T-1
		run_alone
		wait_until 15 test_is T-1 passed
		stop_alone
		cmp <(kept_prompt) "$FLEET/seen/stdin"
		(($(tr -cd x < "$FLEET/seen/stdin" | wc -c) >= 140000))
		grep -q '^Read .* standard input, and in the file /.*\.prompt$' \
		    "$FLEET/seen/arguments"
	done
}

@test "the shipped prompt reads well where there is nothing to say" {
	preset claude
	add_test
	run_alone
	wait_until 15 test_is T-1 passed
	grep -q '^Test: T-1 (attempt 1 of 3)$' "$FLEET/seen/stdin"
	# What fails is what is asked, where nothing else is.
	[[ $(< "$FLEET/seen/stdin") == \
	    *$'\n\n## What is asked\n\nBefore anything was changed, \'test -e '* ]]
	[[ $(< "$FLEET/seen/stdin") == \
	    *$'\n\n## What you did before\n\nnone\n\n'* ]]
	[[ $(grep -c '^none$' "$FLEET/seen/stdin") == 2 ]]
	grep -qx 'any: there is no restriction' "$FLEET/seen/stdin"
	run grep -n '{' "$FLEET/seen/stdin"
	[[ $status == 1 ]] || fail "$output"
}

@test "a loop's own prompt comes before the shipped one" {
	echo 'Only this: {test}, {spec}, {loop}, {unknown}' > "$FLEET/own.txt"
	pass_with claude 'prompt = "own.txt";'
	[[ $(< "$FLEET/seen/stdin") == \
	    'Only this: T-1, Make it., loop-1, {unknown}' ]]
}

@test "a worker's environment is clean, and tells which loop it is" {
	preset claude
	add_test
	CLAUDECODE=1 CLAUDE_CODE_ENTRYPOINT=cli CLAUDE_CODE_SSE_PORT=1 \
	    CLAUDE_CODE_OAUTH_TOKEN=secret GIT_DIR=/nowhere GIT_INDEX_FILE=x \
	    GIT_TERMINAL_PROMPT=1 run_alone
	wait_until 15 test_is T-1 passed
	run grep -E '^(CLAUDECODE|CLAUDE_CODE_(ENTRY|SSE)|GIT_(DIR|INDEX))' \
	    "$FLEET/seen/environment"
	[[ $status == 1 ]] || fail "$output"
	[[ $(grep -c '^GIT_TERMINAL_PROMPT=' "$FLEET/seen/environment") == 1 ]]
	grep -qx GIT_TERMINAL_PROMPT=0 "$FLEET/seen/environment"
	grep -qx LOOPKEEPER_LOOP_INDEX=1 "$FLEET/seen/environment"
	# What an agent is configured with is no sign of another agent.
	grep -qx CLAUDE_CODE_OAUTH_TOKEN=secret "$FLEET/seen/environment"
}

@test "whatever a worker says, verify decides" {
	# It fails with exit 0, and passes nothing.
	export LK_DAY=failed-exit-0
	preset claude 'max_attempts = 1;'
	add_test "Make it."
	run_alone
	wait_until 15 test_is T-1 blocked
	[[ ! -e $FLEET/worked ]]
}

@test "a changed preset restarts the loops that use it, and no others" {
	rm "$FLEET/workers"
	mkdir "$FLEET/workers"
	cp "$LK_ROOT/config/workers/claude.conf" "$FLEET/workers"
	preset claude
	sed -i 's|^components = (|&{ name = "a"; command = [ "sleep", "9" ]; },|' \
	    "$LOOPKEEPER_CONFIG"
	lk up -d
	wait_state loop-1 running
	local loop other
	loop=$(pid_of loop-1)
	other=$(pid_of a)
	echo 'grace = "3s";' >> "$FLEET/workers/claude.conf"
	lk reload
	wait_until 15 has_pid_other_than loop-1 "$loop"
	[[ $(pid_of a) == "$other" ]]
	# A faulty one changes nothing.
	loop=$(pid_of loop-1)
	echo 'grac = "3s";' >> "$FLEET/workers/claude.conf"
	run lk reload
	[[ $status == 1 ]]
	[[ $output == *'unknown key "grac": did you mean "grace"?'* ]] ||
	    fail "$output"
	[[ $(pid_of loop-1) == "$loop" ]]
}
