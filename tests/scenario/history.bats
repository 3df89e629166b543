# The history of a small project is made again by loops whose worker knows the
# patch of each commit: the tree at its end is the same.

load lib
load history

prepare() {
	need git make
}

# numbers: of the commits.
numbers() {
	sed -n 's/^\([0-9]\{2\}\) .*/\1/p' <<< "$HISTORY"
}

# checks COMMIT NUMBER: its test passes there.
checks() {
	git -C "$FLEET/project" checkout -q "$1"
	make -s -C "$FLEET/project" check "TEST=$2"
}

# Four loops: the first commits are spread, each strand has its own.
import_history() {
	jq -Rn '[inputs | select(. != "")
	    | capture("^(?<n>..) (?<after>..) (?<subject>.*)")
	    | (.n | tonumber) as $n
	    | {id: "H-\(.n)", spec_content: .subject,
	    verify: "make -s check TEST=\(.n)",
	    loop_id: "loop-\(if $n <= 8 then $n % 4 + 1 elif $n <= 14 then 1
	    elif $n <= 19 then 2 elif $n <= 24 then 3 else 4 end)"}
	    + (if .after == "--" then {} else {depends_on: "H-\(.after)"} end)
	    + (if .n == "28" then {allow_test_changes: true} else {} end)]' \
	    <<< "$HISTORY" > "$FLEET/tests.json"
	lk import "$FLEET/tests.json"
}

four_loops() {
	local i
	cat > "$FLEET/worker" <<-SH
		#!/bin/sh
		exec git apply "$FLEET/patches/\${LOOPKEEPER_TEST_ID#H-}.patch"
	SH
	chmod +x "$FLEET/worker"
	{
		cat <<-CONF
			loops = { worker = [ "$FLEET/worker" ]; pause = "0";
			  retry_delay = "0";
			    repository = "$FLEET/again"; };
			components = (
		CONF
		for i in 1 2 3 4; do
			((i == 1)) || echo ,
			cat <<-CONF
				{ name = "loop-$i";
				  command = [ "loopkeeper-loop" ]; ready = "notify";
				  loop = { priority = $i; }; }
			CONF
		done
		echo ');'
	} | fleet_config
}

no_test_is_left() {
	local left
	left=$(sql "SELECT id, status, last_result FROM tests
	    WHERE status <> 'passed'")
	[[ -z $left ]] || fail "$left"
}

@test "30 commits are made again, to the same tree" {
	local number before=begin
	history_make "$FLEET/project"
	for number in $(numbers); do
		run ! checks "$before" "$number"
		checks "$number" "$number"
		before=$number
	done
	[[ $before == 30 ]]
	make -s -C "$FLEET/project" check
	git init -q "$FLEET/again"
	git -C "$FLEET/again" pull -q "$FLEET/project" begin
	four_loops
	import_history
	lk up -d
	wait_until 120 no_test_is_left
	lk down
	[[ $(git -C "$FLEET/again" rev-parse 'loopkeeper/main^{tree}') == \
	    $(git -C "$FLEET/project" rev-parse 'main^{tree}') ]] ||
	    fail "$(git -C "$FLEET/again" diff loopkeeper/main \
	    "$(git -C "$FLEET/again" fetch -q "$FLEET/project" main &&
	    echo FETCH_HEAD)")"
	# One commit for each, made by a worker, after the one that it needs.
	[[ $(git -C "$FLEET/again" rev-list --count main..loopkeeper/main) == 30 ]]
	[[ $(sql "SELECT count(*) FROM attempts WHERE outcome = 'passed'
	    AND state = 'done' AND result_commit <> base_commit") == 30 ]]
	[[ $(sql "SELECT count(*) FROM tests t JOIN tests d
	    ON d.id = t.depends_on WHERE t.passed_at < d.passed_at") == 0 ]]
	[[ $(git -C "$FLEET/again" rev-parse main) == \
	    $(git -C "$FLEET/project" rev-parse begin) ]]
}
