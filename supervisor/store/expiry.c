#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/expiry.h"
#include "store/statement.h"
#include "system/process.h"

/* Slewing moves a clock by less than this between two looks. */
#define JUMP_MS 2000

/* By ?1 ms, in the format that it has; what is no time stays as it is. */
#define MOVE(table, column, open)                                      \
	"UPDATE " table " SET " column " = strftime(CASE WHEN " column \
	" LIKE '%T%' THEN '%Y-%m-%dT%H:%M:%fZ'"                        \
	" ELSE '%Y-%m-%d %H:%M:%S' END, " column ", (?1 / 1000.0)"     \
	" || ' seconds') WHERE julianday(" column ") IS NOT NULL AND " open

#define REGRESSED \
	"id IN (SELECT test_id FROM regressions WHERE status = 'open')"

static const char *const moves[] = {
	MOVE("file_locks", "expires_at", "1"),
	MOVE("file_locks", "locked_at", "1"),
	MOVE("wait_graph", "expires_at", "1"),
	MOVE("wait_graph", "waiting_since", "1"),
	MOVE("attempts", "lease_until", "ended_at IS NULL"),
	MOVE("tests", "claimed_at", "status = 'in_progress'"),
	MOVE("tests", "retry_at", "retry_at IS NOT NULL"),
	/* By these is told whether one is over. */
	MOVE("tests", "verified_at", REGRESSED),
	MOVE("regressions", "detected_at", "status = 'open'"),
	MOVE("gates", "open_at", "1"),
	MOVE("gates", "probe_until", "1"),
	MOVE("decisions", "requested_at", "status = 'pending'"),
};

/* Wall minus monotonic clock as noted in this boot: 1, 0 none is, -1. */
static int
read_offset(struct store *s, int64_t *ret)
{
	char boot[PROCESS_BOOT_ID_SIZE];

	if (process_boot_id(boot) < 0)
		return 0;
	return statement_get(s,
	    "SELECT value FROM meta WHERE key = 'clock_offset_ms'"
	    " AND EXISTS (SELECT 1 FROM meta"
	    " WHERE key = 'clock_boot_id' AND value = ?1)",
	    "t>i", boot, ret);
}

static int
write_offset(struct store *s, int64_t offset_ms)
{
	char boot[PROCESS_BOOT_ID_SIZE], text[24];

	if (process_boot_id(boot) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%" PRId64, offset_ms);
	if (store_set_meta(s, "clock_boot_id", boot) < 0)
		return -1;
	return store_set_meta(s, "clock_offset_ms", text);
}

int64_t
expiry_now_ms(struct store *s)
{
	int64_t offset_ms;

	return read_offset(s, &offset_ms) == 1 ? clock_ms() + offset_ms
					       : clock_wall_ms();
}

void
expiry_format(struct store *s, char buf[static CLOCK_ISO_SIZE], int64_t in_ms)
{
	clock_format_iso(buf, expiry_now_ms(s) + in_ms);
}

/* Inside the transaction. 1, 0 or -1 as expiry_follow(). */
static int
follow(struct store *s, int64_t *ret_jump_ms)
{
	int64_t noted_ms, offset_ms = clock_wall_ms() - clock_ms();
	int known = read_offset(s, &noted_ms);

	if (known < 0)
		return -1;
	*ret_jump_ms = known == 1 ? offset_ms - noted_ms : 0;
	if (known == 1 && llabs(*ret_jump_ms) < JUMP_MS)
		return 0;
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (*ret_jump_ms != 0 &&
		    statement_run(s, moves[i], "i", *ret_jump_ms) < 0)
			return -1;
	return write_offset(s, offset_ms) < 0 ? -1 : 1;
}

int
expiry_follow(struct store *s, int64_t *ret_jump_ms)
{
	int64_t noted_ms, jump_ms = 0;
	int moved = read_offset(s, &noted_ms);

	if (moved < 0 ||
	    (moved == 1 &&
		llabs(clock_wall_ms() - clock_ms() - noted_ms) < JUMP_MS))
		return moved < 0 ? -1 : 0;
	moved = store_begin(s);
	if (moved != 0) /* another database: it is asked next time */
		return moved < 0 ? -1 : 0;
	moved = store_end(s, follow(s, &jump_ms));
	if (moved >= 0)
		*ret_jump_ms = jump_ms;
	return moved;
}
