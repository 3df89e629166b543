#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "system/notify.h"

struct line {
	const char *value; /* not NUL-ended */
	size_t len;
};

static bool
is(const struct line *l, const char *text)
{
	return l->len == strlen(text) && memcmp(l->value, text, l->len) == 0;
}

/* A decimal number without sign in [min, max]. */
static bool
number(const struct line *l, int64_t min, int64_t max, int64_t *ret)
{
	char text[24];

	if (l->len == 0 || l->len >= sizeof(text) || l->value[0] < '0' ||
	    l->value[0] > '9')
		return false;
	(void)memcpy(text, l->value, l->len);
	text[l->len] = '\0';
	return text_parse_int(text, min, max, ret) == 0;
}

static void
take_status(const struct line *l, struct notify_message *m)
{
	char text[NOTIFY_STATUS_SIZE + 4];
	size_t n = l->len < sizeof(text) ? l->len : sizeof(text) - 1, end = 0;

	(void)memcpy(text, l->value, n);
	text[n] = '\0';
	text_clean(text);
	/* Cut between two characters, not within one. */
	while (text[end] != '\0') {
		size_t step = text_utf8_len(text + end);

		if (end + step >= sizeof(m->status))
			break;
		end += step;
	}
	(void)memcpy(m->status, text, end);
	m->status[end] = '\0';
	m->keys |= NOTIFY_STATUS;
}

static void
take_watchdog(const struct line *l, struct notify_message *m)
{
	if (is(l, "1"))
		m->keys |= NOTIFY_WATCHDOG;
	else if (is(l, "trigger"))
		m->keys |= NOTIFY_TRIGGER;
}

static void
take_ready(const struct line *l, struct notify_message *m)
{
	m->keys |= is(l, "1") ? NOTIFY_READY : 0U;
}

static void
take_reloading(const struct line *l, struct notify_message *m)
{
	m->keys |= is(l, "1") ? NOTIFY_RELOADING : 0U;
}

static void
take_stopping(const struct line *l, struct notify_message *m)
{
	m->keys |= is(l, "1") ? NOTIFY_STOPPING : 0U;
}

static void
take_reset(const struct line *l, struct notify_message *m)
{
	m->keys |= is(l, "1") ? NOTIFY_RESET : 0U;
}

static void
take_barrier(const struct line *l, struct notify_message *m)
{
	m->keys |= is(l, "1") ? NOTIFY_BARRIER : 0U;
}

static void
take_errno(const struct line *l, struct notify_message *m)
{
	int64_t n;

	if (!number(l, 0, INT32_MAX, &n))
		return;
	m->error = (int)n;
	m->keys |= NOTIFY_ERRNO;
}

static void
take_main_pid(const struct line *l, struct notify_message *m)
{
	int64_t n;

	if (!number(l, 2, INT32_MAX, &n))
		return;
	m->main_pid = (pid_t)n;
	m->keys |= NOTIFY_MAINPID;
}

static void
take_watchdog_usec(const struct line *l, struct notify_message *m)
{
	if (number(l, 0, INT64_MAX, &m->watchdog_usec))
		m->keys |= NOTIFY_WATCHDOG_USEC;
}

static void
take_extend(const struct line *l, struct notify_message *m)
{
	if (number(l, 1, INT64_MAX, &m->extend_usec))
		m->keys |= NOTIFY_EXTEND;
}

static const struct {
	const char *key;
	void (*take)(const struct line *l, struct notify_message *m);
} keys[] = {
	{ "WATCHDOG=", take_watchdog }, /* by far the most frequent one */
	{ "STATUS=", take_status },
	{ "READY=", take_ready },
	{ "RELOADING=", take_reloading },
	{ "STOPPING=", take_stopping },
	{ "ERRNO=", take_errno },
	{ "MAINPID=", take_main_pid },
	{ "WATCHDOG_USEC=", take_watchdog_usec },
	{ "EXTEND_TIMEOUT_USEC=", take_extend },
	{ "RESTART_RESET=", take_reset },
	{ "BARRIER=", take_barrier },
};

static void
take_line(const char *bytes, size_t n, struct notify_message *m)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t len = strlen(keys[i].key);

		if (n >= len && memcmp(bytes, keys[i].key, len) == 0) {
			keys[i].take(&(struct line){ .value = bytes + len,
					 .len = n - len },
			    m);
			return;
		}
	}
}

bool
notify_parse(const char *bytes, size_t n, struct notify_message *ret)
{
	ret->keys = 0;
	if (n == 0 || memchr(bytes, '\0', n) != NULL)
		return false;
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t len = end != NULL ? (size_t)(end - bytes) : n;

		take_line(bytes, len, ret);
		len += end != NULL;
		bytes += len;
		n -= len;
	}
	/* A barrier stands alone, or all of its message is ignored. */
	if ((ret->keys & NOTIFY_BARRIER) != 0 && ret->keys != NOTIFY_BARRIER)
		return false;
	return true;
}
