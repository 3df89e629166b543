#include <fts.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/loop/vitals.h"
#include "base/hash.h"
#include "system/process.h"
#include "system/tree.h"

/* A hundredth of the time on the processor is life; an event loop that only
 * ticks uses less. */
#define CPU_SHARE 100

static int64_t
output_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

static void
add_cpu(void *context, pid_t pid)
{
	uint64_t *sum = context;
	struct process p;

	if (process_read(pid, &p) == 0)
		*sum += p.cpu_ms;
}

static uint64_t
timeval_ms(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

/* Of those that live and of those that were reaped by them or by us. */
static uint64_t
tree_cpu(void)
{
	struct rusage usage;
	uint64_t sum = 0;

	if (getrusage(RUSAGE_CHILDREN, &usage) == 0)
		sum = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	(void)tree_walk(getpid(), add_cpu, &sum);
	return sum;
}

static uint64_t
hash_entry(uint64_t hash, const FTSENT *entry)
{
	const struct stat *st = entry->fts_statp;

	hash = hash_bytes(hash, &st->st_ino, sizeof(st->st_ino));
	hash = hash_bytes(hash, &st->st_size, sizeof(st->st_size));
	return hash_bytes(hash, &st->st_mtim, sizeof(st->st_mtim));
}

/* A sum, so that the order in which files are found is of no account. */
static uint64_t
hash_files(const char *repository)
{
	char *copy = strdup(repository);
	char *const paths[] = { copy, NULL };
	uint64_t sum = 0;
	FTSENT *entry;
	FTS *walk;

	if (copy == NULL)
		return 0;
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D &&
		    strcmp(entry->fts_name, ".git") == 0)
			(void)fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info != FTS_DP &&
		    entry->fts_info != FTS_NS && entry->fts_info != FTS_ERR)
			sum += hash_entry(HASH_INIT, entry);
	}
	if (walk != NULL)
		(void)fts_close(walk);
	free(copy);
	return sum;
}

void
vitals_begin(
    struct vitals *v, int output_fd, const char *repository, int64_t now_ms)
{
	*v = (struct vitals){ .output_fd = output_fd,
		.repository = repository,
		.sign_ms = now_ms,
		.output_ms = now_ms,
		.looked_ms = now_ms,
		.output_size = output_size(output_fd),
		.cpu_ms = tree_cpu(),
		.files = hash_files(repository) };
}

static void
sign(struct vitals *v, uint64_t cpu_ms, int64_t now_ms)
{
	v->sign_ms = now_ms;
	v->cpu_ms = cpu_ms;
}

int64_t
vitals_silence(struct vitals *v, int64_t limit_ms, int64_t now_ms)
{
	int64_t size = output_size(v->output_fd);
	uint64_t cpu_ms = tree_cpu(), files;

	if (size != v->output_size) {
		v->output_size = size;
		v->output_ms = now_ms;
		sign(v, cpu_ms, now_ms);
	}
	if (cpu_ms > v->cpu_ms &&
	    (cpu_ms - v->cpu_ms) * CPU_SHARE >= (uint64_t)(now_ms - v->sign_ms))
		sign(v, cpu_ms, now_ms);
	if (now_ms - v->sign_ms < limit_ms / 4 ||
	    now_ms - v->looked_ms < limit_ms / 4)
		return now_ms - v->sign_ms;
	files = hash_files(v->repository);
	v->looked_ms = now_ms;
	if (files != v->files)
		sign(v, cpu_ms, now_ms);
	v->files = files;
	return now_ms - v->sign_ms;
}
