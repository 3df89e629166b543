#include <errno.h>
#include <string.h>

#include "daemon/crew.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/start.h"
#include "daemon/systemd.h"

void
reload_begin(struct daemon *d, struct server_client *client)
{
	if (helper_is_busy(&d->reader) || d->phase != PHASE_UP) {
		/* A signal may not be lost, a client may ask again. */
		if (client == NULL)
			d->reload_again = d->phase <= PHASE_UP;
		else
			server_refuse(&d->server, client,
			    "another reload is under way; try again");
		return;
	}
	d->reload_client = client;
	d->reload_again = false;
	systemd_reloading(d);
	if (start_read_config(d) < 0)
		d->reader.failed = true;
}

static void
tell_refusal(struct daemon *d, const char *why)
{
	log_line(&d->log, "the configuration was not reloaded: %s", why);
	daemon_begin_event(d, "config_reloaded", NULL);
	event_text(&d->event, "result", "refused");
	event_text(&d->event, "error", why);
	daemon_tell(d);
	/* All that is wrong, one line each, after the first. */
	if (d->reload_client != NULL) {
		struct buf *b = &d->reload_client->reply;
		size_t head = strcspn(why, "\n");

		buf_addf(b, "error %.*s\n%s", (int)head, why,
		    why[head] == '\0' ? "" : why + head + 1);
		server_answer(&d->server, d->reload_client);
	}
}

static void
tell_success(struct daemon *d, const struct crew_change *change)
{
	daemon_begin_event(d, "config_reloaded", NULL);
	event_text(&d->event, "result", "applied");
	event_int(&d->event, "added", (int64_t)change->added);
	event_int(&d->event, "removed", (int64_t)change->removed);
	event_int(&d->event, "restarted", (int64_t)change->restarted);
	event_int(&d->event, "in_place", (int64_t)change->in_place);
	event_int(&d->event, "unchanged", (int64_t)change->unchanged);
	daemon_tell(d);
	if (d->reload_client != NULL)
		server_answer(&d->server, d->reload_client);
}

/* NAME=stopped, NAME=paused: for those who have just come. */
static void
apply_wishes(struct daemon *d, struct server_client *client)
{
	const char *word;

	while ((word = server_word(client)) != NULL) {
		size_t len = strcspn(word, "=");
		bool paused = strcmp(word + len, "=paused") == 0;

		for (size_t i = 0; i < d->roster.n; i++) {
			struct link *l = d->links[i];

			if (l->pid == 0 && strncmp(l->name, word, len) == 0 &&
			    l->name[len] == '\0')
				link_want(d, l, paused ? WANT_PAUSE : WANT_STOP,
				    false);
		}
	}
}

/* Returns NULL when it was applied, else why not. */
static const char *
apply(struct daemon *d, struct crew_change *ret)
{
	struct roster roster;

	if (!helper_is_good(&d->reader))
		return d->reader.errors_len > 0
		    ? d->reader.errors
		    : "the program that reads it failed";
	if (roster_read(&roster, d->reader.out, d->reader.out_len) < 0)
		return strerror(errno);
	if (strcmp(roster.fleet.state_directory,
		d->roster.fleet.state_directory) != 0) {
		roster_free(&roster);
		return "state_directory can't be changed while the fleet "
		       "runs: down, then up";
	}
	/* Saved first: should we die now, the next one goes by it. */
	crew_save_config(d, d->reader.out, d->reader.out_len);
	if (crew_take(d, &roster, ret) < 0) {
		roster_free(&roster);
		return strerror(errno);
	}
	return NULL;
}

void
reload_step(struct daemon *d)
{
	struct crew_change change = { 0 };
	const char *why;

	if (d->reload_again && d->phase == PHASE_UP &&
	    !helper_is_busy(&d->reader))
		reload_begin(d, NULL);
	if (d->phase < PHASE_UP ||
	    !(d->reader.failed || helper_is_done(&d->reader)))
		return;
	if (d->reload_client != NULL) {
		buf_add(&d->reload_client->reply, "ok\n");
		change.lines = &d->reload_client->reply;
	}
	why = d->phase == PHASE_UP ? apply(d, &change)
				   : "the fleet is being stopped";
	if (why == NULL && d->reload_client != NULL)
		apply_wishes(d, d->reload_client);
	if (why == NULL) {
		links_ask_soon(d);
		tell_success(d, &change);
	} else {
		if (d->reload_client != NULL)
			buf_init(&d->reload_client->reply,
			    d->reload_client->reply.data,
			    d->reload_client->reply.size);
		tell_refusal(d, why);
	}
	d->reload_client = NULL;
	helper_finish(&d->reader, &d->loop);
	systemd_ready(d);
}
