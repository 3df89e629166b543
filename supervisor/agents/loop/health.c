#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "agents/loop/health.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

static void
add_text(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, ",\n  \"%s\": ", key);
	if (value[0] != '\0')
		buf_add_json(b, value);
	else
		buf_add(b, "null");
}

static void
add_int(struct buf *b, const char *key, int64_t value)
{
	buf_addf(b, ",\n  \"%s\": %" PRId64, key, value);
}

static void
add_time(struct buf *b, const char *key, int64_t wall_ms)
{
	char text[CLOCK_ISO_SIZE] = "";

	if (wall_ms != 0)
		clock_format_iso(text, wall_ms);
	add_text(b, key, text);
}

int
health_write(const char *path, const struct health *h)
{
	char text[2048];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_add(&b, "{\n  \"component\": ");
	buf_add_json(&b, h->loop_id);
	add_text(&b, "loop_id", h->loop_id);
	add_text(&b, "status", h->status);
	add_text(&b, "current_test", h->current_test);
	add_int(&b, "attempt", h->attempt);
	add_time(&b, "started_at", h->started_wall_ms);
	add_time(&b, "last_heartbeat", clock_wall_ms());
	add_time(&b, "last_output_at", h->output_wall_ms);
	add_int(&b, "pid", getpid());
	add_int(&b, "worker_pid", h->worker_pid);
	add_int(&b, "passed", h->counts.passed);
	add_int(&b, "failed", h->counts.failed);
	add_int(&b, "pending", h->counts.pending);
	add_text(&b, "mode", mode_name(h->mode));
	buf_add(&b, "\n}\n");
	return io_replace_file(AT_FDCWD, path, b.data, b.len, 0);
}
