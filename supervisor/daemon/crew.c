#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "daemon/circuits.h"
#include "daemon/crew.h"
#include "daemon/daemon.h"
#include "daemon/memory.h"

/* The arrays that go with a roster. */
struct crew {
	struct fleet_member *members;
	struct link **links;
	bool *passes;
	pid_t *children;
	size_t children_size;
};

static void
free_arrays(struct crew *c)
{
	memory_free(c->members);
	memory_free(c->links);
	memory_free(c->passes);
	memory_free(c->children);
}

static int
make_arrays(struct crew *ret, size_t n)
{
	struct crew c = { .children_size = 4 * n + 1024 };

	c.members = memory_new(n + 1, sizeof(*c.members));
	c.links = memory_new(n + 1, sizeof(struct link *));
	c.passes = memory_new(n + 1, sizeof(*c.passes));
	c.children = memory_new(c.children_size, sizeof(*c.children));
	if (c.members == NULL || c.links == NULL || c.passes == NULL ||
	    c.children == NULL) {
		free_arrays(&c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* Links for those of roster that d doesn't know yet. On failure all that were
 * made are freed again. */
static int
make_links(struct daemon *d, struct crew *c, const struct roster *roster)
{
	int64_t now_ms = clock_ms();

	for (size_t i = 0; i < roster->n; i++) {
		const char *name = roster->components[i]->name;

		if (roster_find(&d->roster, name) < d->roster.n)
			continue;
		c->links[i] = link_new(d, name, (int)i, now_ms);
		if (c->links[i] != NULL)
			continue;
		while (i-- > 0)
			if (c->links[i] != NULL)
				link_free(d, c->links[i]);
		return -1;
	}
	return 0;
}

static void
add_line(struct crew_change *change, const char *mark, const char *name,
    const char *what)
{
	if (change->lines != NULL)
		buf_addf(change->lines, "%s %s%s\n", mark, name, what);
}

/* Tells a keeper of its new configuration, if it is one. */
static void
compare(struct daemon *d, struct link *l, const struct component_config *old,
    const struct component_config *new, struct crew_change *change)
{
	if (old->hash == new->hash) {
		change->unchanged++;
		return;
	}
	link_configure(d, l);
	if (old->start_hash == new->start_hash) {
		change->in_place++;
		add_line(change, "~", new->name, ": in place");
	} else {
		change->restarted++;
		add_line(change, "~", new->name, ": restart");
	}
}

static void
begin_member(struct daemon *d, size_t i, struct crew_change *change)
{
	struct fleet_member *m = &d->members[i];

	component_init(&m->component, WANT_RUN, clock_ms());
	fleet_note(m, clock_ms());
	change->added++;
	add_line(change, "+", d->links[i]->name, "");
}

static void
dismiss_member(struct daemon *d, struct link *l, struct crew_change *change)
{
	l->member = -1;
	change->removed++;
	add_line(change, "-", l->name, "");
	TAILQ_INSERT_TAIL(&d->leaving, l, entry);
	link_dismiss(d, l);
}

/* Moves what goes on from the old arrays to the new ones; neither fails. */
static void
move_over(struct daemon *d, struct crew *old_crew, const struct roster *old,
    struct crew_change *change)
{
	for (size_t i = 0; i < d->roster.n; i++) {
		const struct component_config *c = d->roster.components[i];
		size_t k = roster_find(old, c->name);

		if (k < old->n) {
			d->links[i] = old_crew->links[k];
			d->links[i]->member = (int)i;
			d->members[i] = old_crew->members[k];
			old_crew->links[k] = NULL;
		}
		d->members[i].config = c;
		if (k < old->n)
			compare(d, d->links[i], old->components[k], c, change);
		else
			begin_member(d, i, change);
	}
	for (size_t k = 0; k < old->n; k++)
		if (old_crew->links[k] != NULL)
			dismiss_member(d, old_crew->links[k], change);
}

int
crew_take(struct daemon *d, struct roster *roster, struct crew_change *ret)
{
	struct crew fresh,
	    old = { .members = d->members,
		    .links = d->links,
		    .passes = d->passes,
		    .children = d->children };
	struct roster old_roster = d->roster;
	struct crew_change change = { .lines = ret ? ret->lines : NULL };
	size_t leaving = d->roster.n;
	struct link *l;

	TAILQ_FOREACH (l, &d->leaving, entry)
		leaving++;
	if (make_arrays(&fresh, roster->n) < 0)
		return -1;
	if (daemon_open_loop(d, roster->n + leaving + 64) < 0 ||
	    make_links(d, &fresh, roster) < 0) {
		free_arrays(&fresh);
		return -1;
	}
	d->members = fresh.members;
	d->links = fresh.links;
	d->passes = fresh.passes;
	d->children = fresh.children;
	d->children_size = fresh.children_size;
	d->roster = *roster;
	move_over(d, &old, &old_roster, &change);
	free_arrays(&old);
	roster_free(&old_roster);
	d->server.gid = (gid_t)d->roster.fleet.control_gid;
	d->first_turn_done = false;
	d->order_due = d->mode_due = true;
	daemon_sooner(&d->care_ms, clock_ms());
	if (ret != NULL)
		*ret = change;
	if (circuits_build(d) < 0)
		log_line(&d->log, "no memory for the fleet's circuits: %s",
		    strerror(errno));
	return 0;
}

bool
crew_is_recorder(const struct daemon *d, size_t i)
{
	const struct component_config *c = d->roster.components[i];

	return c->housekeeping && c->mode_when_down == MODE_FILE_BASED;
}

void
crew_save_config(struct daemon *d, const char *bytes, size_t size)
{
	if (io_replace_file(d->rundir, ROSTER_FILE, bytes, size, 0) < 0)
		log_line(&d->log, "%s/%s: %s", d->run_directory, ROSTER_FILE,
		    strerror(errno));
}
