# Each preset on good and bad days of its program, through a real loop: six
# loops, one for each preset, whose programs are stand-ins. What is told is
# believed where the program is documented to tell it, and nothing else is.

load lib

PRESETS=(claude codex gemini aider opencode cursor)
SESSION=0199a213-81c0-7800-8aa1-bbab2a035a53

# Tokens and money that are told by the end of a good day, of one on which the
# work failed, of one whose limit was reached, and of a sudden end. "-": unknown,
# which isn't 0.
declare -gA GOOD=(
	[claude]='2250|0.0375' [codex]='24885|-' [gemini]='2500|-'
	[aider]='9400|0.05' [opencode]='14200|0.015' [cursor]='-|-')
declare -gA FAILED=(
	[claude]='2250|0.0375' [codex]='-|-' [gemini]='900|-'
	[aider]='-|-' [opencode]='7065|0.012' [cursor]='-|-')
declare -gA CRASHED=(
	[claude]='1115|-' [codex]='-|-' [gemini]='-|-'
	[aider]='-|-' [opencode]='7065|0.012' [cursor]='-|-')

# Why it failed, in its own words.
declare -gA WHY=(
	[claude]='It went wrong.'
	[codex]='Codex ran out of room in the model'"'"'s context window.'
	[gemini]='[API Error: The input token count exceeds the maximum'
	[aider]='litellm.BadRequestError: OpenAIException'
	[opencode]='Unexpected server error. Check server logs'
	[cursor]='It went wrong.')

# How far the end of a limit may lie from the one that its provider means, in
# seconds: some name a time, others say how long, one of them in minutes.
declare -gA RESET=(
	[claude]='0 0' [codex]='0 0' [gemini]='-60 59' [aider]='0 59'
	[opencode]='0 59')

declare -gA LOGIN=(
	[claude]='claude /login' [codex]='codex login' [gemini]='gemini'
	[aider]='export the key of its model'"'"'s provider'
	[opencode]='opencode auth login' [cursor]='cursor-agent login')

# What a session is continued with, among the other arguments; aider has none,
# and begins anew.
declare -gA RESUME=(
	[claude]="--resume $SESSION" [codex]="resume $SESSION -"
	[gemini]="--resume $SESSION" [opencode]="--session $SESSION"
	[cursor]="--resume $SESSION" [aider]='--yes-always')

prepare() {
	local name
	need git
	mkdir "$FLEET/bin"
	for name in "${PRESETS[@]/%cursor/cursor-agent}"; do
		ln -s "$LK_ROOT/tests/helpers/stand-in" "$FLEET/bin/$name"
	done
	export PATH=$FLEET/bin:$PATH
	cp -r "$LK_ROOT/config/workers" "$FLEET/workers"
	ln -s "$LK_ROOT/config/prompt.txt" "$FLEET/prompt.txt"
	repository "$FLEET/repository"
	# On a whole minute, as some say no more.
	RESET_S=$(((EPOCHSECONDS / 60 + 61) * 60))
}

# fleet DAY [KEYS [TOP]]: a loop for each preset, of the same name, on such a
# day; TOP stands above.
fleet() {
	local name comma=
	day "$1"
	{
		cat <<-CONF
			loops = { repository = "$FLEET/repository"; pause = "0";
			  retry_delay = "0";
			  ${2:-} };
			${3:-}
			components = (
		CONF
		for name in "${PRESETS[@]}"; do
			cat <<-CONF
				$comma{ name = "$name"; ready = "notify";
				  command = [ "loopkeeper-loop" ];
				  environment = ( "LK_DAY=$FLEET/day",
				    "LK_SEEN=$FLEET/seen/$name",
				    "LK_WORK=done-$name", "LK_HALF=half-$name",
				    "LK_RESET=$RESET_S" );
				  loop = { worker = "$name"; }; }
			CONF
			comma=', '
		done
		echo ');'
	} | fleet_config
	lk up -d
}

day() {
	echo "$1" > "$FLEET/day"
}

# add_tests ROUND [ATTEMPTS [VERIFY]]: one for each loop, ROUND-PRESET; NAME in
# VERIFY is the preset.
add_tests() {
	printf '%s\n' "${PRESETS[@]}" |
	    jq -R --arg round "$1" --argjson max "${2:-1}" \
	    --arg verify "${3:-test -e done-NAME}" '. as $name | {
		id: "\($round)-\(.)", loop_id: ., max_attempts: $max,
		verify: ($verify | gsub("NAME"; $name)),
		spec_content: "Make it."}' |
	    jq -s . > "$FLEET/tests.json"
	lk import "$FLEET/tests.json" > /dev/null
}

# each COMMAND...: for all presets, with the name of one as its last argument.
each() {
	local name
	for name in "${PRESETS[@]}"; do
		"$@" "$name" || return
	done
}

# sql_is VALUE SQL
sql_is() {
	local is
	is=$(sql "$2")
	[[ $is == "$1" ]] || fail "$is, not $1: $2"
}

# row ROUND PRESET FIELDS: of the last attempt of that test.
row() {
	sql "SELECT $3 FROM attempts WHERE test_id = '$1-$2'
	    ORDER BY fence DESC LIMIT 1"
}

# is ROUND STATUS PRESET
is() {
	test_is "$1-$3" "$2"
}

# ended ROUND OUTCOME ATTEMPTS PRESET: so did all of its attempts, and so many of
# them count.
ended() {
	sql_is "$2" "SELECT DISTINCT ifnull(outcome, state) FROM attempts
	    WHERE test_id = '$1-$4'" &&
	sql_is "$3" "SELECT attempts FROM tests WHERE id = '$1-$4'"
}

# detail_has ROUND TEXT PRESET
detail_has() {
	local detail
	detail=$(sql "SELECT payload ->> 'detail' FROM events
	    WHERE event_type = 'attempt_ended' AND test_id = '$1-$3'
	    ORDER BY rowid DESC LIMIT 1")
	[[ $detail == *"$2"* ]] || fail "$3: $detail"
}

# told ROUND USAGE PRESET: and the session, by all who have one.
told() {
	local session=$SESSION is
	[[ $3 == aider || $1 == no-output ]] && session=-
	is=$(row "$1" "$3" "ifnull(tokens, '-'), ifnull(cost_usd, '-'),
	    ifnull(session_id, '-')")
	[[ $is == "$2|$session" ]] || fail "$3: $is, not $2|$session"
}

# transcript_has ROUND TEXT PRESET
transcript_has() {
	grep -qF -- "$2" "$(row "$1" "$3" transcript)" ||
	    fail "$3:" "$(cat "$(row "$1" "$3" transcript)")"
}

# was_given TEXT PRESET: the words of it among its arguments.
was_given() {
	local words
	words=$(tr '\n' ' ' < "$FLEET/seen/$2/arguments")
	[[ " $words" == *" $1 "* ]] || fail "$2: $words"
}

all_merged() {
	diff <(printf "$1-%s\n" "${PRESETS[@]}" | sort) \
	    <(merged | grep "^$1-" | sort)
}

@test "good: it passes and is merged, and what is told of costs is kept" {
	local name
	fleet good
	add_tests good
	wait_until 60 each is good passed
	for name in "${PRESETS[@]}"; do
		told good "${GOOD[$name]}" "$name"
		[[ $(row good "$name" provider) == "$name" ]]
	done
	all_merged good
}

@test "hang after the result: the work counts, the program is ended" {
	local name note
	for name in "${PRESETS[@]}"; do
		echo 'grace = "1s";' >> "$FLEET/workers/$name.conf"
	done
	fleet hang-after-result 'input_limit = "5s";'
	add_tests hang
	wait_until 60 each is hang passed
	for name in "${PRESETS[@]}"; do
		note="worker: done, but it didn't go"
		# It has no mark of its end: it looks as if it waited.
		[[ $name == aider ]] && note="worker: it waits for input"
		transcript_has hang "$note" "$name"
		told hang "${GOOD[$name]}" "$name"
	done
	all_merged hang
	run fleet_processes
	[[ $output != *stand-in* ]]
}

# over_budget PRESET: in its first attempt.
over_budget() {
	sql_is budget "SELECT outcome FROM attempts
	    WHERE test_id = 'tokens-$1' AND fence = 1"
}

@test "more tokens than an attempt may use, by whom they are told" {
	local name none='input_limit = "0"; silence_limit = "0";'
	# In the midst of their work only these tell them; the day's good end
	# is where the others do, and cursor doesn't at all.
	fleet hang-on-question "$none" 'budget = { attempt_tokens = 1000; };'
	add_tests tokens 1 false
	for name in claude opencode; do
		wait_until 60 over_budget "$name"
	done
	for name in codex gemini aider cursor; do
		sql_is '' "SELECT outcome FROM attempts
		    WHERE test_id = 'tokens-$name'"
	done
	lk down
	day hang-after-result
	lk up -d
	for name in codex gemini aider; do
		wait_until 60 sql_is 1 "SELECT count(*) > 0 FROM attempts
		    WHERE test_id = 'tokens-$name' AND outcome = 'budget'"
	done
	sql_is 0 "SELECT sum(attempts) FROM tests WHERE loop_id <> 'cursor'"
}

@test "exit 0 on failure, no output, a crash: each uses up an attempt" {
	local name
	fleet failed-exit-0
	add_tests failed
	wait_until 60 each is failed blocked
	day no-output
	add_tests no-output
	wait_until 60 each is no-output blocked
	day crash
	add_tests crash
	wait_until 60 each is crash blocked
	for name in "${PRESETS[@]}"; do
		ended failed failed 1 "$name"
		told failed "${FAILED[$name]}" "$name"
		detail_has failed "${WHY[$name]}" "$name"
		ended no-output failed 1 "$name"
		told no-output '-|-' "$name"
		ended crash crashed 1 "$name"
		told crash "${CRASHED[$name]}" "$name"
	done
	[[ -z $(merged) ]]
}

@test "a program that never says anything is ended soon" {
	fleet hang-without-output 'startup_limit = "1s";'
	add_tests mute
	wait_until 60 each is mute blocked
	each ended mute silent 1
	each detail_has mute "no output within 1s"
}

@test "hang on a question: named, and no attempt is used up" {
	fleet hang-on-question 'input_limit = "1s";'
	add_tests asked
	# It would ask for ever: after three times a person is to look.
	wait_until 90 each is asked blocked
	each ended asked waiting_for_input 0
	sql_is 18 "SELECT count(*) FROM attempts"
	each detail_has asked "it waits for input: nothing for 1s"
}

# closed REASON PRESET: its gate is, and one alert says so.
closed() {
	sql_is "$1" "SELECT reason FROM gates WHERE provider = '$2'" &&
	sql_is 1 "SELECT count(*) FROM alerts WHERE source = '$2'
	    AND alert_type = '$1'"
}

# reopens PRESET: when it is said to be used again, in seconds.
reopens() {
	lk gates --json | jq -r --arg name "$1" '.[] |
	    select(.provider == $name).until | sub("[.].*"; "Z") | fromdate'
}

# knows_of NUMBER PRESET: the loop has seen so many tests, and works on none.
knows_of() {
	local file=$FLEET/state/$2/specs/health.json
	jq -e --argjson n "$1" '.status == "idle" and .pending == $n' "$file" ||
	    fail "$(cat "$file")"
}

# nothing_taken ROUND: of tests that come while all gates are closed.
nothing_taken() {
	add_tests "$1"
	wait_until 30 each knows_of 2
	sql_is 6 "SELECT count(*) FROM attempts"
}

# says TEXT: status does.
says() {
	lk status > "$FLEET/status" || true
	grep -qF -- "$1" "$FLEET/status" ||
	    fail "no '$1' in:" "$(< "$FLEET/status")"
}

open_gate() {
	lk gates --open "$1"
}

# go_on FIRST SECOND: all is well again, and all gates are opened by hand. The
# first round does the work of both.
go_on() {
	day good
	each open_gate
	wait_until 30 each is "$1" passed
	wait_until 30 each is "$2" passed
	all_merged "$1"
}

@test "limit: the gate is closed until the time that was told, or opened by hand" {
	local name at from to late
	fleet limit
	add_tests limit
	wait_until 60 each closed rate_limited
	wait_until 20 each ended limit rate_limited 0
	for name in "${PRESETS[@]}"; do
		told limit "${FAILED[$name]}" "$name"
		at=$(reopens "$name")
		says "rate-limited ($name, until $(date -d "@$at" +%H:%M))"
		# Nothing was told: it is tried again after a minute.
		[[ $name == cursor ]] && continue
		read -r from to <<< "${RESET[$name]}"
		late=$((at - RESET_S))
		((late >= from && late <= to)) || fail "$name: $late s late"
	done
	sql_is 60 "SELECT cast(round((julianday(open_at) - julianday(closed_at))
	    * 86400) AS int) FROM gates WHERE provider = 'cursor'"
	nothing_taken later
	go_on limit later
}

@test "outage: the gate is closed, says so, and opens when all is well again" {
	local name at
	fleet outage
	add_tests outage
	wait_until 60 each closed unavailable
	wait_until 20 each ended outage rate_limited 0
	for name in "${PRESETS[@]}"; do
		told outage "${FAILED[$name]}" "$name"
		at=$(date -d "@$(reopens "$name")" +%H:%M)
		says "unavailable ($name, next try at $at)"
	done
	sql_is 60 "SELECT DISTINCT cast(round((julianday(open_at) -
	    julianday(closed_at)) * 86400) AS int) FROM gates"
	nothing_taken later
	day good
	sql "UPDATE gates SET open_at = '2001-01-01T00:00:00Z'"
	wait_until 60 each is later passed
	each answers_again
}

# tried_again ROUND PRESET: its gate is still closed, and free to be tried.
tried_again() {
	sql_is 1 "SELECT count(*) FROM gates WHERE provider = '$2'
	    AND probe_by IS NULL" &&
	sql_is 1 "SELECT count(*) FROM attempts WHERE test_id = '$1-$2'
	    AND outcome = 'failed'"
}

# answers_again PRESET: its gate is open, and no alert says otherwise.
answers_again() {
	sql_is 0 "SELECT count(*) FROM gates WHERE provider = '$1'"
	sql_is 0 "SELECT count(*) FROM alerts WHERE source = '$1'
	    AND context ->> 'cleared_at' IS NULL"
}

@test "a closed gate opens by itself, once its provider has answered" {
	fleet limit
	add_tests limit
	wait_until 60 each closed rate_limited
	wait_until 20 each ended limit rate_limited 0
	# A trial that proves nothing leaves it to the next one.
	day no-output
	sql "UPDATE gates SET open_at = '2001-01-01T00:00:00Z'"
	wait_until 60 each tried_again limit
	wait_until 20 each is limit blocked
	day good
	add_tests later
	wait_until 60 each is later passed
	each answers_again
}

@test "no login: told as critical with what to run, and the gate is closed" {
	local name message
	fleet auth
	add_tests auth
	wait_until 60 each closed auth
	wait_until 20 each ended auth auth 0
	for name in "${PRESETS[@]}"; do
		message=$(sql "SELECT message FROM alerts
		    WHERE source = '$name' AND severity = 'critical'")
		[[ $message == *": run '${LOGIN[$name]}"* ]] || fail "$message"
		says "login needed ($name: run '${LOGIN[$name]}"
	done
	nothing_taken later
	go_on auth later
}

@test "one that hangs after it has told of either uses up nothing" {
	local name
	for name in "${PRESETS[@]}"; do
		echo 'grace = "1s";' >> "$FLEET/workers/$name.conf"
	done
	fleet hang-after-limit 'silence_limit = "2s"; input_limit = "0";'
	add_tests hang
	wait_until 60 each closed rate_limited
	wait_until 20 each ended hang rate_limited 0
	day hang-after-auth
	each open_gate
	wait_until 60 each closed auth
	wait_until 20 each last_is hang auth
	go_on hang hang
}

# last_is ROUND OUTCOME PRESET: the last attempt's; none has counted yet.
last_is() {
	local is
	is=$(row "$1" "$3" outcome)
	[[ $is == "$2" ]] || fail "$3: $is, not $2" || return
	sql_is 0 "SELECT attempts FROM tests WHERE id = '$1-$3'"
}

# is_at_work PRESET: its program has begun to speak, and told its session.
is_at_work() {
	transcript_has paused "${BEGUN[$1]:-$SESSION}" "$1"
}

@test "a paid session that was interrupted is continued" {
	local name
	local -A BEGUN=([aider]="Repo-map:")
	fleet hang-on-question
	add_tests paused
	wait_until 60 each is_at_work
	lk pause "${PRESETS[@]}"
	wait_until 20 each ended paused interrupted 0
	rm -rf "$FLEET/seen"
	day good
	lk resume "${PRESETS[@]}"
	wait_until 60 each is paused passed
	for name in "${PRESETS[@]}"; do
		was_given "${RESUME[$name]}" "$name"
		told paused "${GOOD[$name]}" "$name"
	done
	all_merged paused
}

HALVES="cat half-NAME && echo half of it is there; test -e half-NAME -a -e done-NAME"

# half_done PRESET: its program has told its session, and begun to work.
half_done() {
	is_at_work "$1" &&
	    [[ -e $FLEET/state/$1/worktree/half-$1 ]]
}

# ends_while_paused OUTCOME DAY: all are told to pause after their tests, in the
# midst of which the day becomes such a one.
ends_while_paused() {
	local pause name
	local -A BEGUN=([aider]="Repo-map:")
	fleet half-done
	add_tests paused 3 "$HALVES"
	wait_until 60 each half_done
	lk pause "${PRESETS[@]}" --after-test > "$FLEET/pause.log" 2>&1 &
	pause=$!
	wait_until 20 grep -q 'goes on with its test' "$FLEET/pause.log"
	day "$2"
	wait "$pause"
	each ended paused "$1" 1
	rm -rf "$FLEET/seen"
	day good
	# It is known to nobody but the database.
	lk down
	lk up -d
	lk resume "${PRESETS[@]}"
}

# begins_anew PRESET: the second attempt did, with nothing of the first one.
begins_anew() {
	local words
	sql_is 'failed' "SELECT outcome FROM attempts
	    WHERE test_id = 'paused-$1' AND fence = 2"
	words=$(tr '\n' ' ' < "$FLEET/seen/$1/arguments")
	[[ $1 == aider || " $words" != *" ${RESUME[$1]} "* ]] ||
	    fail "$1: $words"
	prompt_has "$1" $'## What you did before\n\nnone'
}

# prompt_has PRESET TEXT: that of the last attempt.
prompt_has() {
	local transcript prompt
	transcript=$(row paused "$1" transcript)
	prompt=$(< "${transcript%.log}.prompt")
	[[ $prompt == *"$2"* ]] || fail "$1: $prompt"
}

@test "a session that failed is continued after pause --after-test" {
	local name
	ends_while_paused failed failed-exit-0
	for name in "${PRESETS[@]}"; do
		# It has no sessions.
		[[ $name == aider ]] && continue
		wait_until 60 is paused passed "$name"
		was_given "${RESUME[$name]}" "$name"
		prompt_has "$name" "You go on with your session."
		prompt_has "$name" "half of it is there"
		sql_is 2 "SELECT attempts FROM tests WHERE id = 'paused-$name'"
	done
	wait_until 60 is paused blocked aider
	begins_anew aider
}

@test "one that crashed isn't, nor one that failed without a pause" {
	local name
	ends_while_paused crashed crash
	wait_until 60 each is paused blocked
	each begins_anew
	rm -rf "$FLEET/seen"
	day failed-exit-0
	add_tests failed 2 "$HALVES"
	wait_until 60 each is failed blocked
	each ended failed failed 2
	for name in "${PRESETS[@]}"; do
		[[ $name == aider ]] && continue
		run was_given "${RESUME[$name]}" "$name"
		((status != 0))
	done
}
