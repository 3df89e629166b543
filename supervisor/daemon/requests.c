#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/reload.h"
#include "daemon/requests.h"

struct request {
	const char *word;
	void (*apply)(struct daemon *d, struct link *l, int64_t age_ms);
	bool has_age; /* each name is followed by one */
};

static void
start(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	link_want(d, l, WANT_RUN, true);
}

static void
stop(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	link_want(d, l, WANT_STOP, true);
}

static void
restart(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	l->want = WANT_RUN;
	if (l->pid == 0)
		link_want(d, l, WANT_RUN, true);
	else
		link_tell(d, l, MESSAGE_RESTART);
	d->order_due = d->mode_due = true;
}

static void
pause_one(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	link_want(d, l, WANT_PAUSE, true);
}

/* The window and the circuit stay as they are: only a pause is over. */
static void
resume(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	link_want(d, l, WANT_RUN, false);
}

static void
seen(struct daemon *d, struct link *l, int64_t age_ms)
{
	link_seen(d, l, age_ms);
}

static void
heartbeat(struct daemon *d, struct link *l, int64_t unused)
{
	(void)unused;
	link_seen(d, l, -1);
}

static const struct request requests[] = {
	{ "start", start, false },
	{ "stop", stop, false },
	{ "restart", restart, false },
	{ "pause", pause_one, false },
	{ "resume", resume, false },
	{ "seen", seen, true },
	{ "heartbeat", heartbeat, false },
};
#define NREQUESTS (sizeof(requests) / sizeof(requests[0]))

/* The next component that is named, with its age. NULL: no more, or, with
 * *ret_wrong set, a word that is none. */
static struct link *
next_link(struct daemon *d, const struct request *r,
    struct server_client *client, int64_t *ret_age_ms, const char **ret_wrong)
{
	const char *name = server_word(client), *age;
	size_t i;

	*ret_age_ms = 0;
	*ret_wrong = NULL;
	if (name == NULL)
		return NULL;
	*ret_wrong = name;
	i = roster_find(&d->roster, name);
	if (i == d->roster.n)
		return NULL;
	if (r->has_age) {
		age = server_word(client);
		if (age == NULL ||
		    text_parse_int(age, 0, INT64_MAX / 2, ret_age_ms) < 0)
			return NULL;
	}
	*ret_wrong = NULL;
	return d->links[i];
}

/* First all names are looked at, then all is done: never a half. */
static void
serve_names(
    struct daemon *d, const struct request *r, struct server_client *client)
{
	const char *wrong;
	int64_t age_ms;
	struct link *l;
	size_t n = 0;

	while (next_link(d, r, client, &age_ms, &wrong) != NULL)
		n++;
	if (wrong != NULL) {
		server_refuse(&d->server, client,
		    "%s: no component of this fleet has that name", wrong);
		return;
	}
	if (n == 0) {
		server_refuse(&d->server, client, "%s: which one?", r->word);
		return;
	}
	server_rewind(client);
	(void)server_word(client);
	while ((l = next_link(d, r, client, &age_ms, &wrong)) != NULL)
		r->apply(d, l, age_ms);
	buf_add(&client->reply, "ok\n");
	server_answer(&d->server, client);
}

static const struct request *
find_request(const char *word)
{
	for (size_t i = 0; i < NREQUESTS; i++)
		if (strcmp(requests[i].word, word) == 0)
			return &requests[i];
	return NULL;
}

void
requests_serve(struct daemon *d, struct server_client *client)
{
	const char *word = server_word(client);
	const struct request *r = find_request(word);

	if (strcmp(word, "ping") == 0) {
		buf_addf(&client->reply, "ok\npid %d\n", (int)getpid());
		server_answer(&d->server, client);
	} else if (strcmp(word, "down") == 0) {
		buf_add(&client->reply, "ok\n");
		server_answer(&d->server, client);
		ending_begin(d);
	} else if (d->phase != PHASE_UP) {
		server_refuse(&d->server, client, "the fleet is being stopped");
	} else if (strcmp(word, "reload") == 0) {
		reload_begin(d, client);
	} else if (r != NULL) {
		serve_names(d, r, client);
	} else {
		server_refuse(&d->server, client, "no such request: %s", word);
	}
}
