#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/pristine.h"
#include "git/spares.h"

static int
fail(struct pristine *p, const char *path)
{
	return git_fail(
	    p->g, errno, "what setup made: %s: %s", path, strerror(errno));
}

static int
list_path(const struct worktree *w, char ret[static PATH_SIZE])
{
	return path_format(ret, "%s/loopkeeper-made", w->admin);
}

static int
full_path(
    const struct pristine *p, const char *path, char ret[static PATH_SIZE])
{
	return path_format(ret, "%s/%s", p->w->path, path);
}

/* Siblings by name, bytewise. */
static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The order in which a walk by_name() meets two paths. */
static int
compare(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b || *a == '\0' || *b == '\0')
		return (*a != '\0') - (*b != '\0');
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* A walk through a path that setup made. NULL with errno. */
static FTS *
walk_open(struct pristine *p, const char *made, char path[static PATH_SIZE])
{
	char *const paths[] = { path, NULL };

	if (full_path(p, made, path) < 0)
		return NULL;
	if (path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
}

/* How the walk calls it, from the top of the checkout. */
static const char *
path_of(const struct pristine *p, const FTSENT *met)
{
	return met->fts_path + strlen(p->w->path) + 1;
}

/* Whether another user owns it, so that it isn't ours to make as it was. */
static bool
is_anothers(const FTSENT *met)
{
	return met->fts_info != FTS_NS && met->fts_info != FTS_ERR &&
	    geteuid() != 0 && met->fts_statp->st_uid != geteuid();
}

/* ---- keeping ---- */

static int
keep_link(const char *path, struct manifest_entry *e)
{
	ssize_t n = readlink(path, e->target, sizeof(e->target) - 1);

	if (n < 0)
		return -1;
	e->target[n] = '\0';
	return 0;
}

static int
keep_met(struct pristine *p, FTS *walk, FTSENT *met, struct manifest_entry *e)
{
	const char *path = path_of(p, met);
	int result = 0;

	e->fixed = (struct manifest_fixed){ .top = e->fixed.top };
	e->target[0] = '\0';
	if (worktree_lies_in(path, p->own) || is_anothers(met))
		return fts_set(walk, met, FTS_SKIP);
	switch (met->fts_info) {
	case FTS_D: break;
	case FTS_F:
		result = spares_keep(p->g, p->w, met->fts_path, ++p->number, e);
		break;
	case FTS_SL:
	case FTS_SLNONE: result = keep_link(met->fts_path, e); break;
	case FTS_ERR:
	case FTS_NS: errno = met->fts_errno; return -1;
	default: return 0;
	}
	manifest_identify(&e->fixed.is, met->fts_statp);
	if (result < 0 || path_format(e->path, "%s", path) < 0 ||
	    git_tick(p->g) < 0)
		return -1;
	return manifest_put(&p->list, e);
}

static int
keep_path(struct pristine *p, size_t top, const char *made)
{
	struct manifest_entry e = { .fixed.top = top };
	char path[PATH_SIZE];
	FTSENT *met;
	FTS *walk = walk_open(p, made, path);
	int result = 0, saved;

	if (walk == NULL)
		return -1;
	while (result == 0 && (met = fts_read(walk)) != NULL)
		result = keep_met(p, walk, met, &e);
	saved = errno;
	(void)fts_close(walk);
	errno = saved;
	return result;
}

int
pristine_keep(struct git *g, const struct worktree *w, char *const *made,
    char *const *own)
{
	struct pristine p = { .g = g, .w = w, .own = own };
	char path[PATH_SIZE];
	int result = 0;

	if (list_path(w, path) < 0 || (unlink(path) < 0 && errno != ENOENT) ||
	    spares_begin(g, w) < 0 || manifest_create(&p.list, path) < 0)
		return fail(&p, w->path);
	for (size_t i = 0; result == 0 && made[i] != NULL; i++)
		result = keep_path(&p, i, made[i]);
	if (result < 0 || manifest_commit(&p.list) < 0)
		result = fail(&p, w->path);
	manifest_close(&p.list);
	return result;
}

/* ---- restoring ---- */

/* Reads the next entry of the old list. */
static int
advance(struct pristine *p)
{
	int found = manifest_next(&p->list, &p->entry);

	p->has_entry = found > 0;
	return found < 0 ? -1 : 0;
}

int
pristine_begin(struct pristine *p, struct git *g, const struct worktree *w,
    char *const *own)
{
	char path[PATH_SIZE];
	int whole;

	*p = (struct pristine){ .g = g, .w = w, .own = own };
	if (list_path(w, path) < 0)
		return fail(p, w->path);
	whole = manifest_open(&p->list, path);
	if (whole < 0 ||
	    (whole > 0 &&
		(manifest_create(&p->list, path) < 0 || advance(p) < 0)))
		return fail(p, path);
	return whole;
}

static int
make_link(const char *to, struct manifest_entry *e)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_NOW },
		manifest_mtime(e) };
	struct stat st;

	if (symlink(e->target, to) < 0 ||
	    utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) < 0 ||
	    lstat(to, &st) < 0)
		return -1;
	manifest_identify(&e->fixed.is, &st);
	return 0;
}

/* Makes anew what the next entry is of, where there is nothing. ESTALE where
 * there is something: then the list isn't of what is there. */
static int
make(struct pristine *p, const char *to)
{
	struct manifest_entry *e = &p->entry;
	mode_t mode = (mode_t)e->fixed.is.mode;
	int result;

	p->is_changed = true;
	if (S_ISDIR(mode))
		result = mkdir(to, 0700) < 0
		    ? -1
		    : folders_note(&p->folders, to, mode, manifest_mtime(e));
	else if (S_ISLNK(mode))
		result = make_link(to, e);
	else
		result = spares_make(p->g, p->w, to, e);
	if (result < 0 && errno == EEXIST)
		errno = ESTALE;
	return result < 0 ? -1 : 0;
}

/* The next entry is done with. */
static int
pass(struct pristine *p)
{
	return manifest_put(&p->list, &p->entry) < 0 ? -1 : advance(p);
}

/* It isn't there. */
static int
make_missing(struct pristine *p)
{
	char path[PATH_SIZE];

	if (!worktree_lies_in(p->entry.path, p->own) &&
	    (git_tick(p->g) < 0 || full_path(p, p->entry.path, path) < 0 ||
		folders_open(&p->folders, path) < 0 || make(p, path) < 0))
		return -1;
	return pass(p);
}

/* 0 gone, 1 something in it that another user owns is still there, -1. */
static int
take_away(struct pristine *p, FTS *walk, FTSENT *met)
{
	if (fts_set(walk, met, FTS_SKIP) < 0 ||
	    folders_open(&p->folders, met->fts_path) < 0)
		return -1;
	if (worktree_delete(p->g, met->fts_path) == 0)
		return 0;
	return errno == ENOTEMPTY && geteuid() != 0 ? 1 : -1;
}

/* A folder is the same when it has its mode and time again. */
static int
keep_folder(struct pristine *p, const FTSENT *met)
{
	const struct manifest_identity *is = &p->entry.fixed.is;
	const struct stat *st = met->fts_statp;

	if ((st->st_mode != is->mode || st->st_mtim.tv_sec != is->mtime[0] ||
		st->st_mtim.tv_nsec != is->mtime[1]) &&
	    folders_note(&p->folders, met->fts_path, (mode_t)is->mode,
		manifest_mtime(&p->entry)) < 0)
		return -1;
	/* One that setup left unreadable has nothing in it that was listed. */
	return st->st_mode == is->mode ||
		(st->st_mode & (S_IRUSR | S_IXUSR)) == (S_IRUSR | S_IXUSR)
	    ? 0
	    : chmod(met->fts_path, S_IRWXU);
}

/* The next entry is of what was met. */
static int
check_met(struct pristine *p, FTS *walk, FTSENT *met)
{
	const struct manifest_entry *e = &p->entry;
	struct manifest_identity is;
	int result = 0;

	manifest_identify(&is, met->fts_statp);
	if (S_ISDIR(is.mode) && !S_ISDIR(e->fixed.is.mode) &&
	    worktree_is_kept(e->path, p->own))
		result = 0;
	else if (S_ISDIR(is.mode) && S_ISDIR(e->fixed.is.mode))
		result = keep_folder(p, met);
	else if (!manifest_is_same(&is, &e->fixed.is)) {
		result = take_away(p, walk, met);
		if (result == 0)
			result = make(p, met->fts_path);
	}
	return result < 0 ? -1 : pass(p);
}

static bool
is_next(const struct pristine *p, size_t top)
{
	return p->has_entry && p->entry.fixed.top == top;
}

/* It stays as it is, and so does what is known of what was there before. */
static int
leave(struct pristine *p, size_t top, FTS *walk, FTSENT *met)
{
	char *const paths[] = { (char *)(uintptr_t)path_of(p, met), NULL };

	while (is_next(p, top) && worktree_lies_in(p->entry.path, paths))
		if (pass(p) < 0)
			return -1;
	return fts_set(walk, met, FTS_SKIP);
}

static int
restore_met(struct pristine *p, size_t top, FTS *walk, FTSENT *met)
{
	const char *path = path_of(p, met);
	int order = 1;
	bool is_listed;

	if (met->fts_info == FTS_DP || met->fts_info == FTS_DNR)
		return 0;
	if (met->fts_info == FTS_NS || met->fts_info == FTS_ERR) {
		errno = met->fts_errno;
		return errno == ENOENT ? 0 : -1;
	}
	if (git_tick(p->g) < 0)
		return -1;
	if (worktree_lies_in(path, p->own))
		return fts_set(walk, met, FTS_SKIP);
	while (is_next(p, top) && (order = compare(p->entry.path, path)) < 0)
		if (make_missing(p) < 0)
			return -1;
	is_listed = is_next(p, top) && order == 0;
	/* Of a file whose folder is ours there is one that is ours again. */
	if (is_anothers(met) && (!is_listed || met->fts_info == FTS_D))
		return leave(p, top, walk, met);
	if (is_listed)
		return check_met(p, walk, met);
	/* It may hold what isn't ours. */
	if (met->fts_info == FTS_D && worktree_is_kept(path, p->own))
		return 0;
	return take_away(p, walk, met) < 0 ? -1 : 0;
}

/* A copy that can't be relied on is no error. */
static int
judge(struct pristine *p, const char *path, int result)
{
	if (result == 0)
		return 1;
	return errno == ESTALE ? 0 : fail(p, path);
}

int
pristine_restore(struct pristine *p, size_t top, const char *made)
{
	char path[PATH_SIZE], folder[PATH_SIZE];
	FTSENT *met;
	FTS *walk = walk_open(p, made, path);
	int result = walk == NULL ? -1 : 0, saved;

	while (result == 0 && p->has_entry && p->entry.fixed.top < top)
		result = pass(p);
	if (result == 0 &&
	    (path_dirname(folder, path) < 0 || path_make(folder, 0777) < 0))
		result = -1;
	while (result == 0 && (met = fts_read(walk)) != NULL)
		result = restore_met(p, top, walk, met);
	while (result == 0 && is_next(p, top))
		result = make_missing(p);
	saved = errno;
	if (walk != NULL)
		(void)fts_close(walk);
	if (folders_set(&p->folders) == 0 || result < 0)
		errno = saved;
	else
		result = -1;
	return judge(p, path, result);
}

int
pristine_end(struct pristine *p, int result)
{
	while (result > 0 && p->has_entry)
		if (pass(p) < 0)
			result = fail(p, p->w->path);
	if (result > 0 && p->is_changed && manifest_commit(&p->list) < 0)
		result = fail(p, p->w->path);
	manifest_close(&p->list);
	return result;
}
