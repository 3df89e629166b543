#include <stdio.h>
#include <string.h>

#include "agents/common/patterns.h"
#include "agents/monitor/monitor.h"
#include "base/buf.h"
#include "base/pattern.h"
#include "base/text.h"
#include "store/overlap.h"

/* Once per attempt: it stands until that is over. */
static struct finding *
add(struct monitor *m, const struct watched *w, const char *what)
{
	struct finding *f = findings_add(&m->findings);

	if (f == NULL)
		return NULL;
	(void)snprintf(
	    f->cause, sizeof(f->cause), "%s:%s", what, w->progress.attempt_id);
	f->event = "digression_detected";
	(void)snprintf(f->loop_id, sizeof(f->loop_id), "%s", w->config->name);
	(void)snprintf(
	    f->test_id, sizeof(f->test_id), "%s", w->progress.test_id);
	return f;
}

static void
look_at_number(struct monitor *m, struct watched *w)
{
	int max = m->agent.conf->monitor.max_files;
	bool is_now = max > 0 && w->changed.n > (size_t)max;
	struct finding *f;

	if (!is_now && !w->is_broad)
		return;
	f = add(m, w, "files");
	if (f == NULL || !is_now)
		return;
	w->is_broad = true;
	f->type = "digression";
	(void)snprintf(f->message, sizeof(f->message),
	    "%s: %zu files changed by %s, more than %d (monitor.max_files)",
	    w->config->name, w->changed.n, w->progress.test_id, max);
}

/* As locks are compared: what may be changed is what is locked for it. */
static bool
is_inside(const struct texts *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (overlap_patterns(patterns->items[i], path))
			return true;
	return false;
}

static void
say_outside(struct monitor *m, struct watched *w, const struct texts *files,
    const char *first, size_t n)
{
	struct finding *f = add(m, w, "outside");
	struct buf b;

	if (f == NULL)
		return;
	w->is_outside = true;
	f->type = "digression";
	buf_init(&b, f->message, sizeof(f->message));
	buf_addf(&b, "%s: %s has changed what is outside its files: %s",
	    w->config->name, w->progress.test_id, first);
	if (n > 1)
		buf_addf(&b, " and %zu other%s", n - 1, n > 2 ? "s" : "");
	buf_add(&b, " (its files are");
	for (size_t i = 0; i < files->n; i++)
		buf_addf(&b, "%s %s", i > 0 ? "," : "", files->items[i]);
	buf_add(&b, ")");
	text_clean(f->message);
}

/* What tests are made of is judged apart when the work is done. */
static size_t
count_outside(const struct watched *w, const struct texts *files,
    const struct texts *tests, const char **first)
{
	size_t n = 0;

	for (size_t i = 0; i < w->changed.n; i++) {
		const char *path = w->changed.files[i].path;

		if (is_inside(files, path) ||
		    pattern_any(w->config->test_files, path) ||
		    pattern_any(tests->items, path))
			continue;
		if (n++ == 0)
			*first = path;
	}
	return n;
}

static void
look_outside(struct monitor *m, struct watched *w)
{
	struct progress_scope scope = { 0 };
	struct texts files = { 0 }, tests = { 0 };
	const char *first = NULL;
	size_t n = 0;
	int found =
	    progress_scope(&m->agent.store, w->progress.test_id, &scope);

	if (found > 0) {
		patterns_read(&files, scope.files);
		patterns_read(&tests, scope.test_files);
	}
	if (found < 0 || files.failed || tests.failed)
		m->findings.failed = true;
	else if (files.n > 0)
		n = count_outside(w, &files, &tests, &first);
	if (n > 0)
		say_outside(m, w, &files, first, n);
	else if (w->is_outside)
		(void)add(m, w, "outside");
	texts_free(files.items);
	texts_free(tests.items);
	progress_scope_free(&scope);
}

void
rule_digression(struct monitor *m, struct watched *w)
{
	if (!w->is_busy)
		return;
	look_at_number(m, w);
	if (m->agent.conf->monitor.outside_files &&
	    (w->changed.n > 0 || w->is_outside))
		look_outside(m, w);
}
