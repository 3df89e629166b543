/*
 * The control protocol, one side for the daemon and one for its clients. A
 * request is one line of words separated by tabs, CONTROL_LINE_MAX bytes at
 * most; the reply is "ok" or "error TEXT", then lines, then the end.
 *
 * Requests (NAME is exact; the command line resolves prefixes):
 *   ping                  ok, then "pid PID"
 *   start|stop|restart NAME...      wanted state; `start` clears a circuit
 *   pause|resume NAME...            as stop/start, but shown as paused
 *   drain NAME...                   to be paused: it goes on, but when it ends
 *                         it isn't started again
 *   seen NAME AGE_MS...   from the recorder: heartbeat unchanged for AGE_MS
 *   heartbeat NAME        a sign of life, now
 *   database away|back    from the recorder: it can't be written, which holds
 *                         for CONTROL_DATABASE_MS; it can
 *   reload NAME=WANTED... answered when the helper has read the file: what
 *                         was changed, one line each; WANTED (stopped,
 *                         paused) holds for components that are new
 *   down                  answered at once; the caller watches the locks
 *
 * Of a refused reload the lines after the first are further errors.
 * Nothing of a request is done unless all of its names are known.
 */
#ifndef LOOPKEEPER_CONTROL_CONTROL_H
#define LOOPKEEPER_CONTROL_CONTROL_H

#include <stddef.h>

#define CONTROL_LINE_MAX   65536
#define CONTROL_CLIENTS	   64
#define CONTROL_TIMEOUT_MS 5000
#define CONTROL_REPLY_MAX  16384

#define CONTROL_DATABASE_MS (30 * 1000)

/*
 * Sends one request of nwords words to the daemon of state_directory and
 * reads the whole reply (blocks, CONTROL_TIMEOUT_MS at most per step).
 * Returns 0 for "ok", with the reply's further lines in reply (cut at size);
 * -1 otherwise: errno EPROTO with the daemon's error text in reply, or the
 * errno of connect(2), poll(2), EINVAL for a word with a tab or newline.
 */
int control_request(const char *state_directory, const char *const *words,
    size_t nwords, char *reply, size_t size);

/* The same, but waits timeout_ms for the reply: for `reload`, which lets a
 * helper read files and ask for users. */
int control_request_slow(const char *state_directory, const char *const *words,
    size_t nwords, char *reply, size_t size, int timeout_ms);

#endif
