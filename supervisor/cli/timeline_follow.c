#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "base/clock.h"
#include "base/path.h"
#include "cli/seen.h"
#include "cli/spool_tail.h"
#include "cli/timeline.h"
#include "store/queries_events.h"

#define GLANCE_MS 50   /* for a lock of others; the foreground must go on */
#define REST_MS	  250  /* between two looks at a busy database */
#define BLIND_MS  500  /* between two looks for a run directory */
#define RETRY_MS  1000 /* after the database couldn't be read */
#define LINE_SIZE 2048

struct timeline {
	char state_directory[PATH_SIZE];
	struct timeline_request request;
	bool begun;  /* something was printed */
	bool silent; /* what comes in now is only remembered */
	struct spool_tail tail;
	struct seen seen;
	int64_t rowid;	       /* of the last row that was read; -1: none yet */
	char epoch[UUID_SIZE]; /* of the database that rowid belongs to */
	int64_t look_ms;       /* the database isn't looked at before this */
	json_t **items;	       /* events on their way to the screen */
	size_t nitems;
	bool exhausted; /* out of memory: one is missing */
	FILE *out;
};

struct timeline *
timeline_open_request(
    const char *state_directory, const struct timeline_request *request)
{
	struct timeline *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->request = *request;
	t->rowid = -1;
	if (path_format(t->state_directory, "%s", state_directory) == 0 &&
	    seen_init(&t->seen) == 0) {
		if (spool_tail_open(
			&t->tail, state_directory, request->follows) == 0)
			return t;
		seen_finish(&t->seen);
	}
	free(t);
	return NULL;
}

static void
drop_items(struct timeline *t)
{
	for (size_t i = 0; i < t->nitems; i++)
		json_decref(t->items[i]);
	t->nitems = 0;
}

void
timeline_close(struct timeline *t)
{
	int saved = errno;

	if (t == NULL)
		return;
	drop_items(t);
	free(t->items);
	spool_tail_close(&t->tail);
	seen_finish(&t->seen);
	free(t);
	errno = saved;
}

int
timeline_fd(const struct timeline *t)
{
	return t->tail.fd;
}

struct event_view
timeline_view(const json_t *event)
{
	return (struct event_view){
		.timestamp = print_json_get(event, "timestamp"),
		.source = print_json_get(event, "source"),
		.event_type = print_json_get(event, "event_type"),
		.payload = json_object_get(event, "payload"),
	};
}

static int
print_object(struct timeline *t, const json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);
	const char *before = "", *after = "\n";
	int n;

	if (t->request.format == TIMELINE_ARRAY) {
		before = t->begun ? ",\n" : "";
		after = "";
	}
	n = fprintf(
	    t->out, "%s%s%s", before, text != NULL ? text : "{}", after);
	free(text);
	t->begun = true;
	return n < 0 ? -1 : 0;
}

static int
print_event(struct timeline *t, const json_t *event)
{
	struct event_view view = timeline_view(event);
	char when[PRINT_TIME_SIZE], line[LINE_SIZE];
	enum print_colour colour = event_line_colour(&view);
	bool coloured = t->request.format == TIMELINE_COLOUR;

	if (t->request.format == TIMELINE_OBJECTS ||
	    t->request.format == TIMELINE_ARRAY)
		return print_object(t, event);
	t->begun = true;
	print_time(when, view.timestamp);
	event_line_text(line, sizeof(line), &view);
	return fprintf(t->out, "%s  %s%s%s\n", when,
		   print_begin(coloured, colour), line,
		   print_end(coloured, colour)) < 0
	    ? -1
	    : 0;
}

/* Whether it is new, and of those that are to be shown. */
static bool
is_wanted(struct timeline *t, const json_t *event)
{
	int64_t wall_ms;

	if (seen_add(&t->seen, print_json_get(event, "id")) || t->silent)
		return false;
	if (clock_parse_iso(print_json_get(event, "timestamp"), &wall_ms) ==
		0 &&
	    wall_ms < t->request.since_wall_ms)
		return false;
	return t->request.filter == NULL ||
	    event_filter_matches(t->request.filter, event);
}

/* Takes event over. */
static void
keep(struct timeline *t, json_t *event)
{
	json_t **items;

	if (!json_is_object(event) || !is_wanted(t, event)) {
		json_decref(event); /* torn ones are counted by the recorder */
		return;
	}
	items = reallocarray(t->items, t->nitems + 1, sizeof(*items));
	if (items == NULL) {
		t->exhausted = true;
		json_decref(event);
		return;
	}
	t->items = items;
	items[t->nitems++] = event;
}

static void
keep_line(char *line, void *argument)
{
	keep(argument, json_loads(line, 0, NULL));
}

#define FIELD(kind, member) PRINT_FIELD(struct event_row, kind, member)
static json_t *
event_json(const struct event_row *row)
{
	static const struct print_field fields[] = { FIELD(PRINT_TEXT, id),
		FIELD(PRINT_TEXT, timestamp), FIELD(PRINT_TEXT, source),
		FIELD(PRINT_TEXT, event_type), FIELD(PRINT_STORED, payload),
		FIELD(PRINT_TEXT, correlation_id),
		FIELD(PRINT_NUMBER, priority), FIELD(PRINT_FLAG, acknowledged),
		FIELD(PRINT_TEXT, acknowledged_by),
		FIELD(PRINT_TEXT, acknowledged_at) };

	return print_json_row(fields, sizeof(fields) / sizeof(fields[0]), row);
}

static int
keep_row(const struct event_row *row, void *argument)
{
	struct timeline *t = argument;

	if (row->rowid > t->rowid)
		t->rowid = row->rowid;
	keep(t, event_json(row));
	return 0;
}

/* History may be long: each row is printed as it comes. */
static int
print_row(const struct event_row *row, void *argument)
{
	struct timeline *t = argument;
	json_t *event = event_json(row);
	int result = 0;

	if (is_wanted(t, event))
		result = print_event(t, event);
	json_decref(event);
	return result;
}

/* By time; SQLite's form, with a blank for the T, is as good. */
static int
compare(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;
	const char *l = print_json_get(*left, "timestamp");
	const char *r = print_json_get(*right, "timestamp");

	while (*l != '\0' &&
	    (*l == *r || (*l == 'T' && *r == ' ') || (*l == ' ' && *r == 'T')))
		l++, r++;
	return (unsigned char)*l - (unsigned char)*r;
}

static int
print_items(struct timeline *t)
{
	int result = 0;

	/* Events of one writer in one millisecond keep their order: mergesort
	 * is stable, qsort need not be. */
	if (t->nitems > 1 &&
	    mergesort(t->items, t->nitems, sizeof(*t->items), compare) < 0)
		result = -1;
	for (size_t i = 0; i < t->nitems && result == 0; i++)
		result = print_event(t, t->items[i]);
	drop_items(t);
	if (t->exhausted) {
		errno = ENOMEM;
		return -1;
	}
	return result == 0 && fflush(t->out) == EOF ? -1 : result;
}

/* A new or restored database has rows of its own: only those that come from
 * now on are news. */
static int
meet_database(struct timeline *t, struct store *s)
{
	if (t->rowid >= 0 && strcmp(t->epoch, s->epoch) == 0)
		return 0;
	(void)strlcpy(t->epoch, s->epoch, sizeof(t->epoch));
	return queries_last_event_rowid(s, &t->rowid);
}

static void
read_database(struct timeline *t)
{
	int64_t now_ms = clock_ms();
	struct store s;

	if (!t->tail.stirred || now_ms < t->look_ms)
		return;
	t->look_ms = now_ms + REST_MS;
	if (store_open_within(&s, t->state_directory, STORE_READ, GLANCE_MS) <
	    0) {
		t->look_ms = now_ms + RETRY_MS;
		return;
	}
	/* Cleared first: what is written while it is read stirs it again. */
	t->tail.stirred = false;
	if (meet_database(t, &s) < 0 ||
	    queries_each_event_after(&s, t->rowid, keep_row, t) < 0)
		t->tail.stirred = true;
	store_close(&s);
}

int
timeline_due_ms(const struct timeline *t)
{
	int64_t left_ms = t->look_ms - clock_ms();

	if (t->tail.stirred)
		return left_ms > 0 ? (int)left_ms : 0;
	return t->tail.blind ? BLIND_MS : -1;
}

struct timeline *
timeline_open(const char *state_directory, bool colour)
{
	struct timeline *t = timeline_open_request(state_directory,
	    &(struct timeline_request){ .since_wall_ms = clock_wall_ms(),
		.format = colour ? TIMELINE_COLOUR : TIMELINE_PLAIN,
		.max = -1,
		.follows = true });

	if (t == NULL)
		return NULL;
	t->silent = true;
	spool_tail_read(&t->tail, keep_line, t);
	read_database(t);
	t->silent = false;
	return t;
}

int
timeline_print_new(struct timeline *t, FILE *out)
{
	t->out = out;
	spool_tail_read(&t->tail, keep_line, t);
	read_database(t);
	return print_items(t);
}

static int
print_rows(struct timeline *t, struct store *s)
{
	const struct timeline_request *r = &t->request;
	struct event_query query = { .since_wall_ms = r->since_wall_ms,
		.limit = r->max };
	int more = 0;

	if (r->filter != NULL && !event_filter_query(r->filter, &query))
		query.limit = -1; /* it can't count what it doesn't match */
	if (query.limit >= 0)
		more = queries_has_more_events(s, &query);
	if (more > 0)
		(void)fprintf(t->out,
		    "the newest %lld; --since shows the earlier ones, too\n",
		    (long long)query.limit);
	return more < 0 ? -1 : queries_each_event(s, &query, print_row, t);
}

int
timeline_print_history(struct timeline *t, struct store *s, FILE *out)
{
	bool array = t->request.format == TIMELINE_ARRAY;

	t->out = out;
	if (array && fputs("[", out) == EOF)
		return -1;
	if (meet_database(t, s) < 0 || print_rows(t, s) < 0)
		return -1;
	spool_tail_read(&t->tail, keep_line, t);
	if (print_items(t) < 0)
		return -1;
	return array && fputs("]\n", out) == EOF ? -1 : t->begun;
}
