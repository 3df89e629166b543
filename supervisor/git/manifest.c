#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "git/manifest.h"

#define TICK_LIMIT_MS 100

/* The file: this, the entries, the hash of both. It changes with their form. */
static const char begin[8] = "lk-made1";

void
manifest_identify(struct manifest_identity *ret, const struct stat *st)
{
	*ret = (struct manifest_identity){ .inode = st->st_ino,
		.mode = st->st_mode,
		.size = (uint64_t)st->st_size,
		.mtime = { st->st_mtim.tv_sec, st->st_mtim.tv_nsec },
		.ctime = { st->st_ctim.tv_sec, st->st_ctim.tv_nsec } };
}

struct timespec
manifest_mtime(const struct manifest_entry *entry)
{
	return (struct timespec){ .tv_sec = entry->fixed.is.mtime[0],
		.tv_nsec = entry->fixed.is.mtime[1] };
}

bool
manifest_is_same(
    const struct manifest_identity *a, const struct manifest_identity *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether the file is whole: 1, 0, or -1. */
static int
check(struct manifest *m)
{
	uint64_t hash = HASH_INIT, told;
	uint64_t left = m->left + sizeof(begin);
	char bytes[65536];
	size_t n;

	while (left > 0) {
		n = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
		if (fread(bytes, 1, n, m->in) != n)
			return ferror(m->in) ? -1 : 0;
		if (left == m->left + sizeof(begin) &&
		    memcmp(bytes, begin, sizeof(begin)) != 0)
			return 0;
		hash = hash_bytes(hash, bytes, n);
		left -= n;
	}
	if (fread(&told, sizeof(told), 1, m->in) != 1)
		return ferror(m->in) ? -1 : 0;
	if (told != hash)
		return 0;
	return fseek(m->in, (long)sizeof(begin), SEEK_SET) < 0 ? -1 : 1;
}

int
manifest_open(struct manifest *m, const char *path)
{
	const off_t least = (off_t)(sizeof(begin) + sizeof(m->hash));
	struct stat st;
	int whole = -1;

	*m = (struct manifest){ 0 };
	m->in = fopen(path, "re");
	if (m->in == NULL)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fileno(m->in), &st) == 0) {
		m->left =
		    st.st_size < least ? 0 : (uint64_t)(st.st_size - least);
		whole = st.st_size < least ? 0 : check(m);
	}
	if (whole <= 0)
		manifest_close(m);
	return whole;
}

/* Reads a text of that length. */
static bool
read_text(struct manifest *m, char *text, uint64_t len)
{
	if (len >= PATH_SIZE || fread(text, 1, len, m->in) != len)
		return false;
	text[len] = '\0';
	return true;
}

int
manifest_next(struct manifest *m, struct manifest_entry *ret)
{
	uint64_t len;

	if (m->left == 0)
		return 0;
	if (fread(&ret->fixed, sizeof(ret->fixed), 1, m->in) == 1 &&
	    read_text(m, ret->path, ret->fixed.path_len) &&
	    read_text(m, ret->target, ret->fixed.target_len)) {
		len = sizeof(ret->fixed) + ret->fixed.path_len +
		    ret->fixed.target_len;
		m->left -= len < m->left ? len : m->left;
		return 1;
	}
	errno = ferror(m->in) ? errno : ENODATA;
	return -1;
}

static void
write_bytes(struct manifest *m, const void *bytes, size_t n)
{
	m->hash = hash_bytes(m->hash, bytes, n);
	(void)fwrite(bytes, 1, n, m->out);
}

int
manifest_create(struct manifest *m, const char *path)
{
	char new[PATH_SIZE];

	if (path_format(m->path, "%s", path) < 0 ||
	    path_format(new, "%s.new", path) < 0)
		return -1;
	m->out = fopen(new, "we");
	if (m->out == NULL)
		return -1;
	m->hash = HASH_INIT;
	write_bytes(m, begin, sizeof(begin));
	return 0;
}

static bool
is_later(const int64_t a[2], const int64_t b[2])
{
	return a[0] > b[0] || (a[0] == b[0] && a[1] > b[1]);
}

int
manifest_put(struct manifest *m, struct manifest_entry *entry)
{
	if (is_later(entry->fixed.is.ctime, m->newest))
		(void)memcpy(
		    m->newest, entry->fixed.is.ctime, sizeof(m->newest));
	entry->fixed.path_len = strlen(entry->path);
	entry->fixed.target_len = strlen(entry->target);
	write_bytes(m, &entry->fixed, sizeof(entry->fixed));
	write_bytes(m, entry->path, entry->fixed.path_len);
	write_bytes(m, entry->target, entry->fixed.target_len);
	return ferror(m->out) ? -1 : 0;
}

/* File systems tell the time in ticks of some milliseconds: until the next one
 * a change could go unseen. */
static void
await_tick(const struct manifest *m)
{
	int64_t end_ms = clock_ms() + TICK_LIMIT_MS, is[2];
	struct timespec now;

	do {
		if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
			return;
		is[0] = now.tv_sec;
		is[1] = now.tv_nsec;
	} while (!is_later(is, m->newest) && clock_ms() < end_ms &&
	    poll(NULL, 0, 1) == 0);
}

int
manifest_commit(struct manifest *m)
{
	uint64_t hash = m->hash;
	char new[PATH_SIZE];

	write_bytes(m, &hash, sizeof(hash));
	if (fflush(m->out) != 0 || ferror(m->out) ||
	    path_format(new, "%s.new", m->path) < 0 || rename(new, m->path) < 0)
		return -1;
	(void)fclose(m->out);
	m->out = NULL;
	await_tick(m);
	return 0;
}

void
manifest_close(struct manifest *m)
{
	char new[PATH_SIZE];
	int saved = errno;

	if (m->in != NULL)
		(void)fclose(m->in);
	if (m->out != NULL) {
		(void)fclose(m->out);
		if (path_format(new, "%s.new", m->path) == 0)
			(void)unlink(new);
	}
	*m = (struct manifest){ 0 };
	errno = saved;
}
