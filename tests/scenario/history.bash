# A history of 30 commits, such as a small project has: a toolbox for text in
# shell. history_make makes it; of each commit there are a patch and a test
# that fails before it. Loaded after lib.

# Lines "NUMBER AFTER SUBJECT": AFTER is the commit that it needs. Eight in a
# row, then four strands that meet only in files which all of them touch.
HISTORY='
01 -- Say which commands there are
02 01 Turn letters into capitals
03 02 Refuse options that nobody has
04 03 Count lines
05 04 Print lines in reverse
06 05 Count a last line without a newline
07 06 Read files that are named
08 07 Read input in one place
09 08 Trim blanks at the end
10 09 Trim blanks at the beginning
11 10 Trim blanks at both ends
12 11 Squeeze empty lines
13 12 Trim tabs as well
14 13 Describe trimming
15 08 Count words
16 15 Count how often each word comes
17 16 Put the most frequent word first
18 17 Find the longest line
19 18 Describe counting
20 08 Wrap long lines
21 20 Wrap at 72 by default
22 21 Indent lines
23 22 Call it shift, as editors do
24 23 Describe wrapping
25 08 Pick a column
26 25 Align columns
27 26 Let columns be separated by anything
28 27 Add up a column
29 28 Complete commands in shells
30 29 Describe columns, and forget the notes
'

# history_make DIRECTORY: the repository, with a tag for each commit ("begin",
# "01" ...), and beside it patches/NUMBER.patch.
history_make() {
	local number subject
	git init -q "$1"
	(
		cd "$1" || exit
		begin
		history_tests
		git add -A
		git commit -q -m "Begin"
		git tag begin
	)
	mkdir "${1%/*}/patches"
	while read -r number _ subject; do
		[[ -n $number ]] || continue
		(
			cd "$1" || exit
			"change_$number"
			git add -A
			git commit -q -m "$subject"
			git tag "$number"
			git diff --binary HEAD^ HEAD
		) > "${1%/*}/patches/$number.patch"
	done <<< "$HISTORY"
}

# file PATH: from standard input.
file() {
	mkdir -p "$(dirname "$1")"
	cat > "$1"
}

begin() {
	file Makefile <<'MAKE'
# make check [TEST=NUMBER]
TEST = *

check:
	@for t in tests/$(TEST).sh; do sh -e $$t || exit 1; done

.PHONY: check
MAKE
	file README.md <<'MD'
# text

`text COMMAND [FILE...]` works on lines of text.

## Trimming

To be written.

## Counting

To be written.

## Wrapping

To be written.

## Columns

To be written.
MD
	file NOTES <<'TXT'
columns: awk?
TXT
	file text <<'SH'
#!/bin/sh
# text COMMAND [FILE...]
here=$(dirname "$(readlink -f "$0")")

command=${1:-help}
[ $# = 0 ] || shift
if [ ! -f "$here/lib/$command.sh" ]; then
	echo "text: there is no command $command" >&2
	exit 2
fi
. "$here/lib/$command.sh"
"text_$command" "$@"
SH
	chmod +x text
	# Where a shell finds it without ./
	mkdir contrib
	ln -s ../text contrib/text
}

# Lines "NUMBER SCRIPT". The test of commit 28 comes with it.
history_tests() {
	local number script
	while read -r number script; do
		echo "$script" | file "tests/$number.sh"
	done <<'TESTS'
01 ./text help | grep -qx help
02 test "$(echo abc | ./text upper)" = ABC
03 ./text -x 2>&1 | grep -q "^usage: text COMMAND"
04 test "$(printf 'a\nb\n' | ./text lines)" = 2
05 test "$(printf 'a\nb\n' | ./text reverse | xargs)" = "b a"
06 test "$(printf 'a\nb' | ./text lines)" = 2
07 test "$(./text upper README.md | head -n 1)" = "# TEXT"
08 test -f lib/common.sh && ./text lines Makefile README.md > /dev/null
09 test "$(printf 'a  \n' | ./text rtrim)" = a
10 test "$(printf '  a\n' | ./text ltrim)" = a
11 test "$(printf '  a b  \n' | ./text trim)" = "a b"
12 test "$(printf 'a\n\n\nb\n' | ./text squeeze | ./text lines)" = 3
13 test "$(printf '\ta\t\n' | ./text trim)" = a
14 grep -q '^`text trim`' README.md
15 test "$(echo a b c | ./text words)" = 3
16 echo b a b | ./text frequency | grep -qx '2 b'
17 test "$(echo a b c c | ./text frequency | head -n 1)" = "2 c"
18 test "$(printf 'a\nccc\nbb\n' | ./text longest)" = ccc
19 grep -q '^`text lines`' README.md
20 test "$(echo aa bb cc | WIDTH=6 ./text wrap | head -n 1)" = "aa bb "
21 test "$(seq 1 60 | xargs | ./text wrap | ./text lines)" = 3
22 ./text help | grep -qE 'indent|shift'
23 test "$(echo a | ./text shift)" = "    a" && test ! -e lib/indent.sh
24 grep -q '^`text wrap`' README.md
25 test "$(echo a b c | COLUMN=2 ./text column)" = b
26 test "$(printf 'a b\nccc d\n' | ./text align | head -n 1)" = "a   b"
27 test "$(echo a:b | COLUMN=2 BETWEEN=: ./text column)" = b
29 contrib/complete | grep -qw align && contrib/text help | grep -qx sum
30 grep -q '^`text column`' README.md && test ! -e NOTES
TESTS
}

# command NAME: its function's body from standard input.
command_file() {
	{
		echo "text_$1() {"
		sed 's/^/\t/'
		echo "}"
	} | file "lib/$1.sh"
}

# describe SECTION: what stands below it from now on.
describe() {
	local text
	text=$(sed 's/$/\\n/' | tr -d '\n')
	sed -i "/^## $1/,/^To be/s/^To be written\\.\$/${text%\\n}/" README.md
}

change_01() {
	command_file help <<'SH'
for file in "$here"/lib/*.sh; do
	basename "$file" .sh
done
SH
}

change_02() {
	command_file upper <<'SH'
tr '[:lower:]' '[:upper:]'
SH
}

change_03() {
	sed -i '/^command=/i\
case ${1:-} in\
-*)\
	echo "usage: text COMMAND [FILE...]" >\&2\
	exit 2\
	;;\
esac' text
}

change_04() {
	command_file lines <<'SH'
wc -l | tr -d ' '
SH
}

change_05() {
	command_file reverse <<'SH'
awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }'
SH
}

change_06() {
	command_file lines <<'SH'
awk 'END { print NR }'
SH
}

change_07() {
	sed -i 's/^\t\(tr\|awk\)/\tcat -- "$@" | \1/' lib/*.sh
}

change_08() {
	file lib/common.sh <<'SH'
# The files that are named, or standard input.
text_input() {
	[ $# = 0 ] && set -- -
	cat -- "$@"
}
SH
	sed -i 's/cat -- "\$@" |/text_input "$@" |/' lib/{upper,lines,reverse}.sh
	sed -i 's,^\. .*,. "$here/lib/common.sh"\n&,' text
	# It is no command.
	sed -i 's,^\t\tbasename,\t\t[ "$file" = "$here/lib/common.sh" ] ||\n\t\t\tbasename,' \
	    lib/help.sh
}

change_09() {
	command_file rtrim <<'SH'
text_input "$@" | sed 's/ *$//'
SH
}

change_10() {
	command_file ltrim <<'SH'
text_input "$@" | sed 's/^ *//'
SH
}

change_11() {
	command_file trim <<'SH'
. "$here/lib/ltrim.sh"
. "$here/lib/rtrim.sh"
text_ltrim "$@" | text_rtrim
SH
}

change_12() {
	command_file squeeze <<'SH'
text_input "$@" | cat -s
SH
}

change_13() {
	sed -i 's/\^ \*/^[[:blank:]]*/; s/ \*\$/[[:blank:]]*$/' lib/[lr]trim.sh
}

change_14() {
	describe Trimming <<'MD'
`text trim` takes blanks and tabs away from both ends of each line,
`text ltrim` and `text rtrim` from one; `text squeeze` leaves one empty
line where there are several.
MD
}

change_15() {
	command_file words <<'SH'
text_input "$@" | wc -w | tr -d ' '
SH
}

change_16() {
	command_file frequency <<'SH'
text_input "$@" | tr -s ' \t' '\n\n' | sort | uniq -c |
    sed 's/^ *//'
SH
}

change_17() {
	sed -i "s/sed 's.*/sed 's\/^ *\/\/' | sort -k1,1nr -k2/" lib/frequency.sh
}

change_18() {
	command_file longest <<'SH'
text_input "$@" | awk 'length > length(best) { best = $0 }
    END { print best }'
SH
}

change_19() {
	describe Counting <<'MD'
`text lines` and `text words` count; `text frequency` counts each word,
the most frequent first; `text longest` prints the longest line.
MD
}

change_20() {
	command_file wrap <<'SH'
text_input "$@" | fold -s -w "$WIDTH"
SH
}

change_21() {
	sed -i 's/"$WIDTH"/"${WIDTH:-72}"/' lib/wrap.sh
}

change_22() {
	command_file indent <<'SH'
text_input "$@" | sed 's/^/    /'
SH
}

change_23() {
	git mv lib/indent.sh lib/shift.sh
	sed -i 's/text_indent/text_shift/' lib/shift.sh
}

change_24() {
	describe Wrapping <<'MD'
`text wrap` breaks lines at $WIDTH (72); `text shift` moves them to the
right.
MD
}

change_25() {
	command_file column <<'SH'
text_input "$@" | awk -v n="$COLUMN" '{ print $n }'
SH
}

change_26() {
	command_file align <<'SH'
text_input "$@" | awk '{ for (i = 1; i <= NF; i++) {
	cell[NR, i] = $i
	if (length($i) > width[i])
		width[i] = length($i)
} last[NR] = NF }
END { for (r = 1; r <= NR; r++) {
	for (i = 1; i < last[r]; i++)
		printf "%-" width[i] "s ", cell[r, i]
	print cell[r, last[r]]
} }'
SH
}

change_27() {
	sed -i 's/awk -v n/awk -F "${BETWEEN:- }" -v n/' lib/column.sh
}

change_28() {
	command_file sum <<'SH'
. "$here/lib/column.sh"
text_column "$@" | awk '{ sum += $1 } END { print sum + 0 }'
SH
	file tests/28.sh <<'SH'
test "$(printf 'a 1\nb 2\n' | COLUMN=2 ./text sum)" = 3
SH
}

change_29() {
	# Without a newline at its end.
	printf '#!/bin/sh\n"$(dirname "$0")/../text" help | xargs' |
	    file contrib/complete
	chmod +x contrib/complete
}

change_30() {
	describe Columns <<'MD'
`text column` prints column $COLUMN of lines whose columns stand between
$BETWEEN (a blank); `text sum` adds it up; `text align` puts columns in
line.
MD
	git rm -q NOTES
}
