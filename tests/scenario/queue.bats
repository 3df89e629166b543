# The queue: what fails in a JUnit report becomes tests, and operators arrange
# them. Each with and without loops at work.

load lib

prepare() {
	REPORTS=$LK_ROOT/tests/unit/junit
	repository "$FLEET/repository"
	fleet_config <<-CONF
		loops = { repository = "$FLEET/repository"; worker = [ "true" ];
		  pause = "0"; retry_delay = "0"; };
		components = (
		  { name = "loop-1"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; title = "Critical Path";
		    loop = { priority = 4; }; },
		  { name = "loop-2"; command = [ "loopkeeper-loop" ];
		    ready = "notify"; loop = { }; },
		  { name = "loop-3"; command = [ "loopkeeper-loop" ];
		    enabled = false; loop = { }; } );
	CONF
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

# add LOOP TEST...
add() {
	local loop=$1 test
	shift
	for test; do
		lk add "$test" --loop "$loop" --verify true > /dev/null
	done
}

# queue_is LOOP "TEST TEST...": in the order in which they are taken.
queue_is() {
	local queue
	queue=$({ lk order --loop "$1" --json || true; } | jq -r 'map(.id) | join(" ")')
	[[ $queue == "$2" ]] || fail "the queue of $1 is $queue"
}

@test "import --junit: a test for each case that fails" {
	local verify='npx vitest run {file} -t {name}'
	run -0 lk import --junit "$REPORTS/vitest.xml" --verify "$verify" \
	    --dry-run
	says "3 of 5 cases fail: 3 tests would be added"
	says "npx vitest run 'src/io/read.test.ts' -t 'reads nothing$'"
	[[ $(sql "SELECT count(*) FROM tests") == 0 ]]
	run -0 lk import --junit "$REPORTS/vitest.xml" --verify "$verify"
	says "3 tests added (2 to loop-1, 1 to loop-2), 0 were there already"
	run -0 sql "SELECT loop_id, category, status, verify FROM tests
	    ORDER BY loop_id, sort_order"
	[[ ${lines[0]} == "loop-1|src/math|pending|npx vitest run \
'src/math/add.test.ts' -t 'add( > | )adds '\\''a'\\'' \\(and b\\)$'" ]]
	[[ ${lines[1]} == *"add( > | )carries$'" ]]
	[[ ${lines[2]} == "loop-2|src/io|"* ]]
	[[ $(sql "SELECT spec_content FROM tests WHERE loop_id = 'loop-2'") == \
	    $'no such file\nError: no such file' ]]
	[[ $(sql "SELECT name, priority FROM loops WHERE id = 'loop-1'") == \
	    "Critical Path|4" ]]
}

@test "import --junit: a later report adds only what is new" {
	local id new
	lk import --junit "$REPORTS/pytest.xml" --verify 'pytest {file} -k {name}'
	sql "UPDATE tests SET status = 'passed' WHERE verify LIKE '%test_read%'"
	sql "SELECT * FROM tests ORDER BY id" > "$FLEET/before"
	run -0 lk import --junit - --verify 'other {name}' \
	    < "$REPORTS/pytest.xml"
	says "4 of 6 cases fail: 0 tests added, 4 were there already"
	says "1 that has passed fails again in this report (tests-io-test_read"
	says "'loopkeeper reset TEST'"
	sql "SELECT * FROM tests ORDER BY id" | cmp - "$FLEET/before"
	# Once more in one report, and with one that is new in a directory
	# that is somebody's already, however much that one has to do.
	id=$(sql "SELECT loop_id FROM tests WHERE category = 'tests/unit'")
	id=${id%%$'\n'*}
	add "$id" A B C D E
	new='<testcase classname="tests.unit.test_new" name="n"><failure/>'
	new+='</testcase>'
	sed "s,</testsuite>,$new$new&," "$REPORTS/pytest.xml" \
	    > "$FLEET/later.xml"
	run -0 lk import --junit "$FLEET/later.xml" --verify 'x {name}'
	says "6 of 8 cases fail, 1 of them once more: 1 test added (1 to $id)"
	[[ $(sql "SELECT sort_order FROM tests WHERE verify = 'x ''n'''") == \
	    $(sql "SELECT max(sort_order) FROM tests WHERE loop_id = '$id'") ]]
}

@test "import --junit: spread by directory, or to one loop" {
	local i
	{
		echo '<testsuites><testsuite name="s">'
		for i in 1 2 3 4 5 6 7 8 9; do
			echo "<testcase name='n$i' file='$((i % 4))/a.rb'>" \
			    "<failure/></testcase>"
		done
		echo '</testsuite></testsuites>'
	} > "$FLEET/r.xml"
	add loop-1 T1 T2 T3
	run -0 lk import --junit "$FLEET/r.xml" --verify 'ruby {file}'
	says "(4 to loop-1, 5 to loop-2)"
	[[ $(sql "SELECT count(DISTINCT loop_id) FROM tests WHERE category
	    IS NOT NULL GROUP BY category" | sort -u) == 1 ]]
	# In the order of the report.
	[[ $(sql "SELECT group_concat(substr(verify, 7, 1)) FROM (SELECT verify
	    FROM tests WHERE loop_id = 'loop-2' ORDER BY sort_order)") == \
	    "1,3,1,3,1" ]]
	sql "DELETE FROM tests"
	run -0 lk import --junit "$FLEET/r.xml" --verify 'ruby {file}' \
	    --loop LOOP-3
	says "(9 to loop-3)"
	# No directory: each for itself.
	run -0 lk import --junit "$REPORTS/ctest.xml" \
	    --verify 'ctest -R {name}'
	says "(1 to loop-1, 1 to loop-2)"
	[[ $(sql "SELECT verify FROM tests WHERE id LIKE 'parser%'") == \
	    "ctest -R '^parser\\.c\$'" ]]
}

@test "import --junit: what can't be done is said, and changes nothing" {
	run -2 lk import --junit "$REPORTS/ctest.xml"
	says "npx vitest run {file}"
	run -0 lk help import
	says "ctest -R {name}"
	run -2 lk import --junit "$REPORTS/ctest.xml" --verify 't {nmae}'
	says "did you mean {name}; there are {file}, {name}"
	run -2 lk import --junit "$REPORTS/ctest.xml" --verify "t '{name}'"
	says "in quotes"
	run -2 lk import --junit
	run -2 lk import --junit x y
	run -2 lk import x --verify y
	says "--verify is for --junit"
	run -1 lk import --junit "$REPORTS/ctest.xml" --verify 't {file}'
	says "ctest.xml:16: add_negative: the report tells no {file} of it"
	says "2 cases can't be verified so: nothing was imported"
	run -1 lk import --junit "$FLEET/nothing.xml" --verify 't {name}'
	says "nothing.xml: No such file"
	run -1 lk import --junit "$LOOPKEEPER_CONFIG" --verify 't {name}'
	says "loopkeeper.conf:1: can't be read as XML: syntax error"
	echo '<!DOCTYPE testsuite SYSTEM "/etc/passwd"><testsuite/>' \
	    > "$FLEET/r.xml"
	run -1 lk import --junit - --verify 't {name}' < "$FLEET/r.xml"
	says "standard input:1: it has a DOCTYPE"
	run -1 lk import --junit "$REPORTS/ctest.xml" --verify 't {name}' \
	    --loop loop-9
	says "did you mean loop-1?"
	[[ ! -e $FLEET/state/coordination.db ||
	    $(sql "SELECT count(*) FROM tests") == 0 ]]
}

@test "import --junit: files are relative to the loops' repository" {
	printf '%s' "<testsuite name='Mocha Tests'><testcase classname='c'" \
	    " name='one' file='$FLEET/repository/test/a.js'><failure/>" \
	    "</testcase></testsuite>" > "$FLEET/r.xml"
	lk import --junit "$FLEET/r.xml" --verify 'mocha {file}'
	[[ $(sql "SELECT category, verify FROM tests") == \
	    "test|mocha 'test/a.js'" ]]
	sed -i 's,repository,elsewhere,; s,one,two,' "$FLEET/r.xml"
	run -1 lk import --junit "$FLEET/r.xml" --verify 'mocha {file}'
	says "its file $FLEET/elsewhere/test/a.js is in no loop's repository"
}

@test "a loop works through what was imported" {
	cat > "$FLEET/repository/check" <<-'SH'
		#!/bin/sh
		# check FILE NAME: whether the worker has written it.
		[ "$1" = "it's here.js" ] && grep -qxF "$2" done
	SH
	chmod 755 "$FLEET/repository/check"
	git -C "$FLEET/repository" add -A
	git -C "$FLEET/repository" commit -q -m "Check"
	printf '%s' "<testsuite name='s'><testcase name='\$(touch evil)'" \
	    " file='it&apos;s here.js'><failure message='\$(touch evil)'/>" \
	    "</testcase></testsuite>" > "$FLEET/r.xml"
	cat > "$FLEET/worker" <<-'SH'
		#!/bin/sh
		echo '$(touch evil)' > done
	SH
	chmod 755 "$FLEET/worker"
	sed -i "s|\"true\"|\"$FLEET/worker\"|" "$LOOPKEEPER_CONFIG"
	lk import --junit "$FLEET/r.xml" --verify './check {file} {name}'
	lk up -d
	wait_until 20 test_is "$(sql "SELECT id FROM tests")" passed
	[[ -z $(find "$FLEET" -name evil) ]]
}

@test "order: to the front, or behind another" {
	add loop-1 A B C D
	add loop-2 X
	run -0 lk order D b
	says "D: put first in the queue of loop-1"
	says "B: put behind D in the queue of loop-1"
	queue_is loop-1 "D B A C"
	run -0 lk order D C --after a --dry-run
	says "D: would be put behind A"
	queue_is loop-1 "D B A C"
	lk order D C --after a
	queue_is loop-1 "B A D C"
	sql "UPDATE tests SET status = 'passed' WHERE id = 'B'"
	run -0 lk order C X B
	says "X: put first in the queue of loop-2"
	says "B: put behind C in the queue of loop-1; it isn't pending but passed"
	queue_is loop-1 "C A D"
	[[ $(count_events "event_type = 'test_moved'") == 7 ]]
	run -3 lk timeline --filter event_type=test_moved
	says "loop-1 takes D next"
	says "loop-1 takes D after A"
	run -1 lk order X --after A
	says "'loopkeeper move X loop-1' comes first"
	run -1 lk order A --after A
	run -1 lk order A E
	says "there is no test E"
	run -2 lk order A a
	says "A is named twice"
	run -2 lk order
	run -2 lk order A --loop loop-1
	queue_is loop-1 "C A D"
}

@test "order --loop shows the queue as it will be taken" {
	run -3 lk order --loop loop-1
	says "there is no database"
	add loop-2 X
	run -1 lk order --loop loop-9
	says "did you mean loop-1?"
	add loop-1 A B C D E
	sql "UPDATE tests SET depends_on = 'D' WHERE id = 'A';
	    UPDATE tests SET depends_on = 'A' WHERE id = 'B';
	    UPDATE tests SET depends_on = 'X' WHERE id = 'C';
	    UPDATE tests SET automatable = 0 WHERE id = 'E'"
	run -3 lk order --loop LOOP-1
	[[ ${lines[1]} == "1  D"* ]]
	[[ ${lines[2]} == "2  A"*"after D" ]]
	[[ ${lines[3]} == "3  B"*"after A" ]]
	[[ ${lines[4]} == "-  C"*"waits for X" ]]
	[[ ${lines[5]} == "-  E"*"no loop takes it" ]]
	sql "DELETE FROM tests WHERE loop_id = 'loop-2'"
	run -3 lk order --loop loop-2
	says "the queue of loop-2 is empty"
}

@test "move: to the end of another loop's queue, all or none" {
	add loop-1 A B C D
	sql "UPDATE tests SET status = 'blocked' WHERE id = 'B';
	    UPDATE tests SET status = 'in_progress' WHERE id = 'C';
	    UPDATE tests SET status = 'passed' WHERE id = 'D'"
	run -1 lk move A B C D loop-2
	says "C is in progress: loop-1 works on it; 'loopkeeper pause loop-1'"
	says "D is passed: 'loopkeeper reset D'"
	[[ $(sql "SELECT count(*) FROM tests WHERE loop_id = 'loop-1'") == 4 ]]
	[[ $(sql "SELECT count(*) FROM loops") == 1 ]]
	run -0 lk move a b LOOP-2 --dry-run
	says "A: would be moved from loop-1"
	[[ $(sql "SELECT count(*) FROM loops") == 1 ]]
	run -0 lk move a b LOOP-2
	says "A: moved from loop-1 to the end of the queue of loop-2"
	[[ $(sql "SELECT id, status FROM tests WHERE loop_id = 'loop-2'
	    ORDER BY sort_order") == $'A|pending\nB|blocked' ]]
	[[ $(sql "SELECT priority FROM loops WHERE id = 'loop-2'") == 5 ]]
	run -0 lk move A loop-2
	says "A: is in the queue of loop-2 already"
	run -3 lk timeline --filter event_type=test_moved
	says "loop-2 takes A over from loop-1"
	run -1 lk move A loop-9
	says "did you mean loop-1?"
	run -2 lk move A
}

@test "move: a loop at work takes what it is given" {
	add loop-3 A
	lk up -d
	lk move A loop-1
	wait_until 20 test_is A passed
	[[ $(sql "SELECT loop_id FROM attempts WHERE test_id = 'A'") == loop-1 ]]
}

priority_of() {
	sql "SELECT priority FROM loops WHERE id = '$1'"
}

has_priority() {
	[[ $(priority_of "$1") == "$2" ]] || fail "$1: $(priority_of "$1")"
}

@test "priority: until the configuration says something else" {
	add loop-1 A
	lk up -d --wait
	run -0 lk priority loop-1 1
	says "loop-1: its priority is 1, was 4; the configuration says 4, and \
this holds until that is changed"
	run -0 lk priority loop-1 1
	says "loop-1: has priority 1 already"
	run -0 lk priority loop-1 9 --dry-run
	says "would be 9"
	lk restart loop-1
	wait_state loop-1 running
	has_priority loop-1 1
	[[ $(count_events "event_type = 'priority_changed'
	    AND loop_id = 'loop-1'") == 1 ]]
	sed -i 's,priority = 4,priority = 2,' "$LOOPKEEPER_CONFIG"
	lk reload
	wait_until 15 has_priority loop-1 2
	run -0 lk priority loop-1 2
	says "loop-1: has priority 2 already; the configuration says so too"
	run -2 lk priority loop-1 0
	says "from 1, the highest, to 1000"
	run -2 lk priority loop-1
	run -1 lk priority loop-9 1
	says "did you mean loop-1?"
	echo 'x' >> "$LOOPKEEPER_CONFIG"
	run -1 lk priority loop-1 1
	says "has faults"
	has_priority loop-1 2
}
