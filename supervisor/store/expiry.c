#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/expiry.h"
#include "store/statement.h"
#include "system/process.h"

/* Slewing moves a clock by less than this between two looks. */
#define JUMP_MS 2000

static const struct {
	const char *select; /* key and stored time */
	const char *update; /* ?1 the new time, ?2 the key */
} kinds[] = {
	{ "SELECT rowid, expires_at FROM file_locks"
	  " WHERE expires_at IS NOT NULL",
	    "UPDATE file_locks SET expires_at = ?1 WHERE rowid = ?2" },
	{ "SELECT rowid, lease_until FROM attempts"
	  " WHERE ended_at IS NULL AND lease_until IS NOT NULL",
	    "UPDATE attempts SET lease_until = ?1 WHERE rowid = ?2" },
	{ "SELECT rowid, requested_at FROM decisions"
	  " WHERE status = 'pending' AND requested_at IS NOT NULL",
	    "UPDATE decisions SET requested_at = ?1 WHERE rowid = ?2" },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Wall minus monotonic clock as noted in this boot: 1, 0 none is, -1. */
static int
read_offset(struct store *s, int64_t *ret)
{
	char boot[PROCESS_BOOT_ID_SIZE], noted[PROCESS_BOOT_ID_SIZE] = "";
	char offset[24];
	int found;

	if (process_boot_id(boot) < 0)
		return 0;
	found = store_meta(s, "clock_boot_id", noted, sizeof(noted));
	if (found <= 0 || strcmp(boot, noted) != 0)
		return found < 0 ? -1 : 0;
	found = store_meta(s, "clock_offset_ms", offset, sizeof(offset));
	if (found == 1)
		*ret = strtoll(offset, NULL, 10);
	return found;
}

static int
write_offset(struct store *s, int64_t offset_ms)
{
	char boot[PROCESS_BOOT_ID_SIZE], text[24];

	if (process_boot_id(boot) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%" PRId64, offset_ms);
	return store_set_meta(s, "clock_boot_id", boot) < 0 ||
		store_set_meta(s, "clock_offset_ms", text) < 0
	    ? -1
	    : 0;
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

/* text moved by jump_ms, in the format that it had. False: it is no time. */
static bool
shift(const char *text, int64_t jump_ms, char ret[static CLOCK_ISO_SIZE])
{
	int64_t wall_ms;

	if (clock_parse_iso(text, &wall_ms) < 0)
		return false;
	clock_format_iso(ret, wall_ms + jump_ms);
	if (strchr(text, 'T') == NULL) {
		ret[10] = ' ';
		ret[19] = '\0';
	}
	return true;
}

static int
shift_kind(struct store *s, size_t kind, int64_t jump_ms)
{
	char moved[CLOCK_ISO_SIZE];
	struct sqlite3_stmt *rows;
	int more;

	rows = statement_query(s, kinds[kind].select, "");
	while ((more = statement_step(s, rows)) == 1) {
		if (shift(statement_text(rows, 1), jump_ms, moved) &&
		    statement_run(s, kinds[kind].update, "ti", moved,
			statement_int(rows, 0)) < 0) {
			more = -1;
			break;
		}
	}
	statement_end(rows);
	return more;
}

static int
shift_all(struct store *s, int64_t jump_ms)
{
	for (size_t i = 0; i < NKINDS; i++)
		if (shift_kind(s, i, jump_ms) < 0)
			return -1;
	return 0;
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
	if (*ret_jump_ms != 0 && shift_all(s, *ret_jump_ms) < 0)
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
	moved = follow(s, &jump_ms);
	if (moved < 0) {
		store_rollback(s);
		return -1;
	}
	if (store_commit(s) < 0)
		return -1;
	*ret_jump_ms = jump_ms;
	return moved;
}
