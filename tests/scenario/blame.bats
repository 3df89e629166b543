# Histories with one bad commit among 2 to 64, made at random (SEED says which),
# with a test that fails by chance beside the one that breaks, which itself does
# so in some of them: the monitor finds the commit in each, and never blames one
# for chance.

load lib

HISTORIES=30
RATE=30 # failures by chance, in 100 runs

prepare() {
	need git sha1sum
	SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
	STATE=$SEED
	echo "SEED=$SEED"
	git init -q "$FLEET/repository"
}

# random N: RANDOM_IS is below N.
random() {
	STATE=$(((STATE * 6364136223846793005 + 1442695040888963407) &
	    0x7fffffffffffffff))
	RANDOM_IS=$(((STATE >> 33) % $1))
}

# Fails in RATE of 100 runs: `chance KEY`, the same each time for a SEED.
chance() {
	cat > "$FLEET/chance" <<-SH
		#!/bin/sh
		echo x >> "$FLEET/chance-\$1"
		set -- \$(echo "$SEED \$1 \$(wc -c < "$FLEET/chance-\$1")" |
		    sha1sum)
		test "\$((0x\${1%"\${1#???????}"} % 100))" -ge $RATE
	SH
	chmod 755 "$FLEET/chance"
}

# commit BRANCH MARK TEXT FILE CONTENT: for git fast-import, with trailers.
commit() {
	local message=$3$'\n'
	printf 'commit refs/heads/%s\nmark :%d\ncommitter t <t@t> %d +0000\n' \
	    "$1" "$2" $((1700000000 + $2))
	printf 'data %d\n%s\nM 100644 inline %s\ndata %d\n%s\n' \
	    "${#message}" "$message" "$4" "${#5}" "$5"
}

# history H: its commits on branch H for git fast-import; LENGTH and BAD.
history() {
	local i text file content
	random 63
	LENGTH=$((RANDOM_IS + 2))
	random "$LENGTH"
	BAD=$((RANDOM_IS + 1))
	commit "$1" "${1}000" "Begin" state good
	for ((i = 1; i <= LENGTH; i++)); do
		file=file-$i content=x
		((i != BAD)) || file=state content=bad
		printf -v text 'Make T-%d pass\n\nLoop: loop-%d\nTest: T-%d\nAttempt: attempt-%d-%d' \
		    "$i" "$1" "$i" "$1" "$i"
		commit "$1" "$1$(printf %03d "$i")" "$text" "$file" "$content"
	done
}

# rows H: what the database knows: both tests passed on the first commit. Each
# third history's is a test that fails by chance also where it should pass, of
# each second one it is known how often.
rows() {
	local verify='grep good state' known='40, 12' known_too='40, 0'
	(($1 % 3)) || {
		verify="$verify && $FLEET/chance R-$1"
		known_too=$known
	}
	(($1 % 2)) || known='0, 0' known_too='0, 0'
	cat <<-SQL
		INSERT OR IGNORE INTO loops (id) VALUES ('loop-$1');
		INSERT INTO tests (id, loop_id, status, verify, runs, flakes,
		  verified_at, verified_commit) VALUES
		  ('F-$1', 'loop-$1', 'passed', '$FLEET/chance F-$1', $known,
		   '2026-01-01T00:00:00.000Z', '$(hash_of "${1}000")'),
		  ('R-$1', 'loop-$1', 'passed', '$verify', $known_too,
		   '2026-01-02T00:00:00.000Z', '$(hash_of "${1}000")');
		INSERT INTO attempts (id, test_id, loop_id, fence, transcript)
		  VALUES ('attempt-$1-${BADS[$1]}', 'T-${BADS[$1]}', 'loop-$1',
		    2, '/transcript-$1');
	SQL
}

hash_of() {
	local mark=$((10#$1))
	echo "${MARKS[mark]}"
}

# part CONFIGURATION FIRST LAST: a fleet of its own for these histories.
part() {
	local i state=$FLEET/$1
	mkdir "$state"
	{
		echo "state_directory = \"$state\";"
		echo "loops = { worker = [ \"true\" ];"
		echo "  repository = \"$FLEET/repository\"; };"
		echo "monitor = { every = \"100ms\"; };"
		echo "components = ("
		for ((i = $2; i <= $3; i++)); do
			echo "{ name = \"loop-$i\"; command = [ \"true\" ];" \
			    "loop = { integration_branch = \"$i\"; }; }$(
				((i == $3)) || echo ,)"
		done
		echo ");"
	} > "$FLEET/$1.conf"
	"$LOOPKEEPER" -c "$FLEET/$1.conf" add none --loop "loop-$2" \
	    --verify true 3>&-
	for ((i = $2; i <= $3; i++)); do
		rows "$i"
	done | ask "$1"
	background "$1.log" loopkeeper-monitor -c "$FLEET/$1.conf"
}

ask() {
	sqlite3 -batch -cmd '.timeout 10000' "$FLEET/$1/coordination.db" 3>&-
}

# All have been looked at: none of them on its first commit any more.
looked_at() {
	local left
	left=$(ask "$1" <<< "SELECT count(*) FROM tests t WHERE t.status =
	    'passed' AND runs <= 40 AND NOT EXISTS (SELECT 1 FROM regressions g
	    WHERE g.test_id = t.id) AND verified_at < '2026-02'")
	[[ $left == 0 ]] || fail "$left left"
}

# right PART H
right() {
	local bad=${BADS[$2]} expected found
	expected="R-$2|$(hash_of "$2$(printf %03d $((bad - 1)))")"
	expected+="|$(hash_of "$2$(printf %03d "$bad")")|1|loop-$2|T-$bad"
	expected+="|attempt-$2-$bad|/transcript-$2"
	found=$(ask "$1" <<< "SELECT test_id, last_good_commit,
	    first_bad_commit, blamed_commits, blamed_loop, blamed_test,
	    blamed_attempt, blamed_transcript FROM regressions
	    WHERE loop_id = 'loop-$2'")
	[[ $found == "$expected" ]] || {
		echo "SEED=$SEED: $2: of ${LENGTHS[$2]} commits $bad is bad:"
		printf 'should be %s\n       is %s\n' "$expected" "$found"
		return 1
	}
}

@test "the right commit is blamed in each, and none for chance" {
	local i number mark hash wrong=0
	chance
	for ((i = 1; i <= HISTORIES; i++)); do
		history "$i" >> "$FLEET/stream"
		BADS[i]=$BAD LENGTHS[i]=$LENGTH
	done
	git -C "$FLEET/repository" fast-import --quiet \
	    --export-marks="$FLEET/marks" < "$FLEET/stream"
	while read -r mark hash; do
		number=${mark#:}
		MARKS[number]=$hash
	done < "$FLEET/marks"
	part one 1 $((HISTORIES / 2))
	part two $((HISTORIES / 2 + 1)) "$HISTORIES"
	wait_until 120 looked_at one
	wait_until 120 looked_at two
	for ((i = 1; i <= HISTORIES; i++)); do
		right "$( ((i <= HISTORIES / 2)) && echo one || echo two)" "$i" ||
		    ((++wrong))
	done
	echo "$((HISTORIES - wrong)) of $HISTORIES, SEED=$SEED"
	((wrong == 0))
}
