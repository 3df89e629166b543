/* What the control socket is asked for; the words are listed in control.h. */
#ifndef LOOPKEEPER_DAEMON_REQUESTS_H
#define LOOPKEEPER_DAEMON_REQUESTS_H

struct daemon;
struct server_client;

/* Does what a complete request asks, and answers, now or (reload) later. */
void requests_serve(struct daemon *d, struct server_client *client);

#endif
