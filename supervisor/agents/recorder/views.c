#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "agents/recorder/views.h"
#include "base/io.h"
#include "system/lock.h"
#include "system/rundir.h"
#include "system/status.h"

static struct view *
find(struct views *v, const char *name)
{
	size_t at = v->next;

	if (at >= v->n || strcmp(v->list[at]->name, name) != 0)
		for (at = 0; at < v->n; at++)
			if (strcmp(v->list[at]->name, name) == 0)
				break;
	v->next = at + 1;
	return at < v->n ? v->list[at] : NULL;
}

static struct view *
add(struct views *v, const char *name)
{
	struct view *view = calloc(1, sizeof(*view));
	struct view **list;

	if (view == NULL)
		return NULL;
	list = reallocarray(v->list, v->n + 1, sizeof(struct view *));
	if (list == NULL) {
		free(view);
		return NULL;
	}
	(void)memcpy(view->name, name, strlen(name) + 1);
	v->list = list;
	v->list[v->n++] = view;
	return view;
}

static void
take_over(struct view *view, const struct status_record *r)
{
	struct component c;

	view->seen = true;
	view->left = false;
	view->is_loop = r->is_loop != 0;
	view->pid = r->pid;
	view->unkillable_pid = r->unkillable_pid;
	view->started_ms = r->started_ms;
	view->config_hash = r->config_hash;
	view->heartbeat = (enum config_heartbeat)r->heartbeat;
	view->heartbeat_timeout_ms = r->heartbeat_timeout_ms;
	(void)memcpy(&c, r->blob, sizeof(c));
	view->state = c.state;
	view->want = c.want;
	view->circuit = c.circuit;
	view->fallback = c.fallback;
	view->late = c.late;
	view->restarts = c.restarts;
	view->beat_ms = c.beat_ms;
	view->seen_ms = c.seen_ms;
	view->death = c.death;
}

static int
read_one(struct views *v, int run, const char *name)
{
	int dir = rundir_open_component(run, name);
	struct status_record r;
	struct view *view;

	if (dir < 0 || status_read(dir, &r) < 0 ||
	    r.blob_size != sizeof(struct component)) {
		/* Being made, or going, or of another version. */
		io_close(&dir);
		return 0;
	}
	view = find(v, name);
	if (view == NULL)
		view = add(v, name);
	if (view != NULL) {
		take_over(view, &r);
		view->keeper_lives = lock_holder(dir, "lock") > 0;
	}
	io_close(&dir);
	return view != NULL ? 0 : -1;
}

static int
read_all(struct views *v, int run)
{
	int fd = openat(run, "c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (dir == NULL) {
		io_close(&fd);
		return errno == ENOENT ? 0 : -1;
	}
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (text_is_name(entry->d_name))
			result = read_one(v, run, entry->d_name);
	(void)closedir(dir);
	return result;
}

static void
free_view(struct view *view)
{
	free(view->beat_path);
	free(view);
}

/* Whether there still is something to tell of one without a record. */
static bool
take_leave(struct view *view)
{
	if (view->left)
		return !view->told;
	view->left = true;
	view->told = view->keeper_lives = false;
	view->pid = view->unkillable_pid = 0;
	view->state = COMPONENT_STOPPED;
	view->want = WANT_STOP;
	view->circuit = CIRCUIT_CLOSED;
	view->fallback = view->late = false;
	view->restarts = 0;
	view->beat_ms = view->seen_ms = 0;
	return true;
}

int
views_read(struct views *v, const char *state_directory)
{
	int run = rundir_open(state_directory), result;
	size_t left = 0;

	if (run < 0)
		return errno == ENOENT ? 0 : -1;
	for (size_t i = 0; i < v->n; i++)
		v->list[i]->seen = false;
	result = read_all(v, run);
	io_close(&run);
	if (result < 0)
		return -1;
	for (size_t i = 0; i < v->n; i++) {
		if (v->list[i]->seen || take_leave(v->list[i]))
			v->list[left++] = v->list[i];
		else
			free_view(v->list[i]);
	}
	v->n = left;
	return 0;
}

void
views_untell(struct views *v)
{
	for (size_t i = 0; i < v->n; i++)
		v->list[i]->told = false;
}

void
views_free(struct views *v)
{
	for (size_t i = 0; i < v->n; i++)
		free_view(v->list[i]);
	free(v->list);
	*v = (struct views){ 0 };
}
