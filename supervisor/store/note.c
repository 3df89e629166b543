#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/note.h"
#include "store/statement.h"

#define PAYLOAD_SIZE 8192

/* Room for any value; longer ones are cut so that the payload stays JSON. */
#define VALUE_SIZE 1024

static void
add_text(struct buf *b, const char *key, const char *value)
{
	char cut[VALUE_SIZE];

	(void)snprintf(cut, sizeof(cut), "%s", value);
	buf_addf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
	buf_add_json(b, cut);
}

static void
add_millionths(struct buf *b, const char *key, int64_t value)
{
	if (value >= 0)
		buf_addf(b, "%s\"%s\":%" PRId64 ".%06" PRId64,
		    b->len > 1 ? "," : "", key, value / 1000000,
		    value % 1000000);
}

static void
build_payload(struct buf *b, const char *types, va_list ap)
{
	buf_add(b, "{");
	for (; *types != '\0'; types++) {
		const char *key = va_arg(ap, const char *);

		if (*types == 't') {
			const char *value = va_arg(ap, const char *);

			if (value != NULL && value[0] != '\0')
				add_text(b, key, value);
		} else if (*types == 'u') {
			add_millionths(b, key, va_arg(ap, int64_t));
		} else {
			buf_addf(b, "%s\"%s\":%" PRId64, b->len > 1 ? "," : "",
			    key, va_arg(ap, int64_t));
		}
	}
	buf_add(b, "}");
}

int
note_begin(struct store *s)
{
	int begun;

	while ((begun = store_begin(s)) == 1)
		continue;
	return begun;
}

int
note_event(struct store *s, const char *source, const char *type,
    const char *types, ...)
{
	char payload[PAYLOAD_SIZE];
	struct buf b;
	va_list ap;

	buf_init(&b, payload, sizeof(payload));
	va_start(ap, types);
	build_payload(&b, types, ap);
	va_end(ap);
	return statement_run(s,
	    "INSERT INTO events (id, timestamp, source, event_type, payload)"
	    " VALUES (" NOTE_NEW_ID ", " NOTE_NOW ", ?1, ?2, ?3)",
	    "ttt", source, type, b.cut ? "{}" : payload);
}
