#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/circuits.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/modes.h"
#include "daemon/reload.h"
#include "daemon/requests.h"

enum request_kind { REQUEST_WANT, REQUEST_RESTART, REQUEST_SEEN };

struct request {
	const char *word;
	enum request_kind kind;
	enum component_want want;
	bool by_operator; /* want: clears window and circuit */
	bool has_age;	  /* each name is followed by one; else it is -1 */
};

static const struct request requests[] = {
	{ "start", REQUEST_WANT, WANT_RUN, true, false },
	{ "stop", REQUEST_WANT, WANT_STOP, true, false },
	{ "pause", REQUEST_WANT, WANT_PAUSE, true, false },
	{ "drain", REQUEST_WANT, WANT_DRAIN, true, false },
	{ "resume", REQUEST_WANT, WANT_RUN, false, false },
	{ "restart", REQUEST_RESTART, WANT_RUN, true, false },
	{ "seen", REQUEST_SEEN, WANT_RUN, false, true },
	{ "heartbeat", REQUEST_SEEN, WANT_RUN, false, false },
};
#define NREQUESTS (sizeof(requests) / sizeof(requests[0]))

static void
restart(struct daemon *d, struct link *l)
{
	l->want = WANT_RUN;
	if (l->pid == 0)
		link_want(d, l, WANT_RUN, true);
	else
		link_tell(d, l, MESSAGE_RESTART);
	d->order_due = d->mode_due = true;
}

static void
apply(struct daemon *d, struct link *l, const struct request *r, int64_t age_ms)
{
	switch (r->kind) {
	case REQUEST_WANT: link_want(d, l, r->want, r->by_operator); break;
	case REQUEST_RESTART: restart(d, l); break;
	case REQUEST_SEEN: link_seen(d, l, age_ms); break;
	}
	if (r->by_operator && r->want == WANT_RUN)
		circuits_let_try(d, (size_t)l->member);
}

/* The next component that is named, with its age. NULL: no more, or, with
 * *ret_wrong set, a word that is none. */
static struct link *
next_link(struct daemon *d, const struct request *r,
    struct server_client *client, int64_t *ret_age_ms, const char **ret_wrong)
{
	const char *name = server_word(client), *age;
	size_t i;

	*ret_age_ms = -1;
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
		apply(d, l, r, age_ms);
	if (r->kind != REQUEST_SEEN)
		links_ask_soon(d);
	buf_add(&client->reply, "ok\n");
	server_answer(&d->server, client);
}

static void
serve_database(struct daemon *d, struct server_client *client)
{
	const char *word = server_word(client);
	bool away = word != NULL && strcmp(word, "away") == 0;

	if (!away && (word == NULL || strcmp(word, "back") != 0)) {
		server_refuse(&d->server, client, "database: away or back?");
		return;
	}
	modes_database(d, away, clock_ms());
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
	} else if (strcmp(word, "database") == 0) {
		serve_database(d, client);
	} else if (strcmp(word, "reload") == 0) {
		reload_begin(d, client);
	} else if (r != NULL) {
		serve_names(d, r, client);
	} else {
		server_refuse(&d->server, client, "no such request: %s", word);
	}
}
