#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/user.h"

/* Keeps the nearer of two names in best. */
static void
keep_nearer(const char *word, char best[static 64], const char *name)
{
	const char *names[] = { best, name };
	size_t skip = best[0] == '\0';

	if (strlen(name) < 64 &&
	    text_nearest(word, names + skip, 2 - skip) == name)
		(void)memcpy(best, name, strlen(name) + 1);
}

static void
unknown_user(const struct draft *d, struct faults *f)
{
	const char *word = d->values[KEY_USER].text;
	const struct passwd *entry;
	char best[64] = "";

	setpwent();
	while ((entry = getpwent()) != NULL)
		keep_nearer(word, best, entry->pw_name);
	endpwent();
	draft_fault(f, d, KEY_USER, "\"%s\" doesn't exist%s%s%s", word,
	    best[0] != '\0' ? ": did you mean \"" : "", best,
	    best[0] != '\0' ? "\"?" : "");
}

static void
unknown_group(const struct draft *d, struct faults *f, enum key_id id)
{
	const char *word = d->values[id].text;
	const struct group *entry;
	char best[64] = "";

	setgrent();
	while ((entry = getgrent()) != NULL)
		keep_nearer(word, best, entry->gr_name);
	endgrent();
	draft_fault(f, d, id, "\"%s\" doesn't exist%s%s%s", word,
	    best[0] != '\0' ? ": did you mean \"" : "", best,
	    best[0] != '\0' ? "\"?" : "");
}

int64_t
user_group(const struct draft *d, struct faults *f, enum key_id id)
{
	const struct group *entry;

	errno = 0;
	entry = getgrnam(d->values[id].text);
	if (entry != NULL)
		return entry->gr_gid;
	if (errno != 0 && errno != ENOENT && errno != ESRCH)
		draft_fault(f, d, id, "\"%s\" can't be looked up: %s",
		    d->values[id].text, strerror(errno));
	else
		unknown_group(d, f, id);
	return -1;
}

/* Copies what the environment needs; the entry is libc's and short-lived. */
static int
copy_entry(
    const struct passwd *entry, struct arena *arena, struct identity *ret)
{
	ret->uid = entry->pw_uid;
	ret->gid = entry->pw_gid;
	ret->name = arena_copy(arena, entry->pw_name);
	ret->home = arena_copy(arena, entry->pw_dir);
	ret->shell = arena_copy(arena, entry->pw_shell);
	return ret->name == NULL || ret->home == NULL || ret->shell == NULL ? -1
									    : 0;
}

static void
resolve_groups(const struct draft *d, struct faults *f, struct identity *ret)
{
	int n = CONFIG_GROUPS_MAX;
	int64_t gid;

	if (d->values[KEY_GROUP].text[0] != '\0') {
		gid = user_group(d, f, KEY_GROUP);
		if (gid >= 0)
			ret->gid = (gid_t)gid;
	}
	if (ret->name == NULL) {
		ret->groups[0] = ret->gid;
		ret->ngroups = 1;
		return;
	}
	if (getgrouplist(ret->name, ret->gid, ret->groups, &n) < 0) {
		draft_fault(f, d, KEY_USER,
		    "\"%s\" is in %d groups; at most %d are supported",
		    ret->name, n, CONFIG_GROUPS_MAX);
		return;
	}
	ret->ngroups = (uint32_t)n;
}

int
user_resolve(const struct draft *d, struct faults *f, struct arena *arena,
    struct identity *ret)
{
	const char *user = d->values[KEY_USER].text;
	const char *group = d->values[KEY_GROUP].text;
	const struct passwd *entry;

	*ret = (struct identity){ .uid = geteuid(), .gid = getegid() };
	if (user[0] == '\0' && group[0] == '\0')
		return 0;
	if (user[0] != '\0') {
		errno = 0;
		entry = getpwnam(user);
		if (entry == NULL && errno == ENOMEM)
			return -1;
		if (entry == NULL) {
			unknown_user(d, f);
			return 0;
		}
		if (copy_entry(entry, arena, ret) < 0)
			return -1;
	}
	/* One's own name is no change, and harmless. */
	if (geteuid() != 0 && (group[0] != '\0' || ret->uid != geteuid())) {
		draft_fault(f, d, user[0] != '\0' ? KEY_USER : KEY_GROUP,
		    "can only be set when loopkeeper runs as root: take it "
		    "out, or start loopkeeper with sudo");
		return 0;
	}
	ret->taken_on = geteuid() == 0;
	resolve_groups(d, f, ret);
	return 0;
}
