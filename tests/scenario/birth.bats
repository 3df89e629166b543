# What keepers and components are born with: nothing of whoever started the
# fleet, whatever he has open, ignores or stands in.

load lib

descriptors() {
	find "/proc/$1/fd" -type l -printf '%l\n'
}

signals_of() {
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"
}

# All but 32 and 33, which libc keeps for itself: nobody can reset them, and
# make starts its children with both ignored.
ignored_by() {
	printf '%x\n' $((0x$(signals_of "$1" SigIgn) & ~(3 << 31)))
}

session_of() {
	ps -o sid= -p "$1" | tr -d ' '
}

begin_untidily() {
	trap '' INT HUP USR1
	cd "$FLEET" || return
	exec 7> not-theirs
	LISTEN_FDS=1 LISTEN_PID=$BASHPID lk up -d --wait
}

@test "neither has anything of who started the fleet" {
	local one keeper
	sleepers one
	(begin_untidily)
	one=$(pid_of one)
	keeper=$(keeper_of one)
	[[ $(descriptors "$one" | wc -l) == 3 ]]
	[[ $(readlink "/proc/$one/fd/0") == /dev/null ]]
	[[ $(descriptors "$keeper") != *not-theirs* ]]
	[[ $(readlink "/proc/$keeper/cwd") == / ]]
	[[ $(session_of "$one") == "$one" ]]
	[[ $(session_of "$keeper") == "$keeper" ]]
	[[ $(signals_of "$one" SigBlk) =~ ^0+$ ]]
	[[ $(ignored_by "$one") == 0 ]]
	[[ $(ignored_by "$keeper") == 0 ]]
	[[ $(signals_of "$keeper" Threads) == 1 ]]
	[[ $(< "/proc/$one/oom_score_adj") == 100 ]]
	[[ $(tr '\0' '\n' < "/proc/$one/environ") != *LISTEN_* ]]
	[[ $(tr '\0' ' ' < "/proc/$keeper/cmdline") == \
	    "loopkeeper: keeper one"* ]]
}
