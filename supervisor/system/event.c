#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "system/event.h"

#define VALUE_MAX    1024 /* of one text; the rest is cut */
#define ID_BEGINS    "{\"id\":\""
#define STAMP_BEGINS "\",\"timestamp\":\""
#define END_SIZE     4 /* "}}\n" and a NUL always find room */

void
event_begin(
    struct event *e, const char *source, const char *type, const char *epoch)
{
	char id[UUID_SIZE], stamp[CLOCK_ISO_SIZE];

	uuid_new(id);
	clock_format_iso(stamp, clock_wall_ms());
	buf_init(&e->line, e->data, sizeof(e->data) - END_SIZE);
	buf_addf(&e->line, ID_BEGINS "%s" STAMP_BEGINS "%s\",\"source\":", id,
	    stamp);
	buf_add_json(&e->line, source);
	buf_add(&e->line, ",\"event_type\":");
	buf_add_json(&e->line, type);
	if (epoch != NULL) {
		buf_add(&e->line, ",\"epoch\":");
		buf_add_json(&e->line, epoch);
	}
	buf_add(&e->line, ",\"payload\":{");
}

void
event_identify(struct event *e, const char id[static UUID_SIZE])
{
	(void)memcpy(e->data + sizeof(ID_BEGINS) - 1, id, UUID_SIZE - 1);
}

void
event_stamp(struct event *e, int64_t wall_ms)
{
	const size_t at =
	    sizeof(ID_BEGINS) - 1 + UUID_SIZE - 1 + sizeof(STAMP_BEGINS) - 1;
	char stamp[CLOCK_ISO_SIZE];

	clock_format_iso(stamp, wall_ms);
	(void)memcpy(e->data + at, stamp, CLOCK_ISO_SIZE - 1);
}

static void
add_key(struct event *e, const char *key)
{
	if (e->data[e->line.len - 1] != '{')
		buf_add(&e->line, ",");
	buf_add_json(&e->line, key);
	buf_add(&e->line, ":");
}

/* Takes back what did not fit, so that the line stays JSON. */
static bool
fits(struct event *e, size_t len)
{
	if (!e->line.cut)
		return true;
	e->line.cut = false;
	e->line.len = len;
	e->data[len] = '\0';
	return false;
}

void
event_text(struct event *e, const char *key, const char *value)
{
	char copy[VALUE_MAX];
	size_t len = e->line.len, n = strnlen(value, sizeof(copy) - 1);

	for (; n > 0 || value[0] == '\0'; n /= 2) {
		(void)memcpy(copy, value, n);
		copy[n] = '\0';
		add_key(e, key);
		buf_add_json(&e->line, copy);
		if (fits(e, len) || n == 0)
			return;
	}
}

void
event_number(struct event *e, const char *key, const char *number)
{
	size_t len = e->line.len;

	add_key(e, key);
	buf_add(&e->line, number);
	(void)fits(e, len);
}

void
event_int(struct event *e, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	event_number(e, key, text);
}

void
event_bool(struct event *e, const char *key, bool value)
{
	event_number(e, key, value ? "true" : "false");
}

void
event_end(struct event *e)
{
	e->line.size = sizeof(e->data); /* event_begin() kept this room free */
	buf_add(&e->line, "}}\n");
}
