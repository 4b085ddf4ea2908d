/* Listens on RYUK_PORT at once, and then becomes the program that serves it: usage: bind-then-run NODE SCRIPT [MODE ...].
 *
 * Node takes some 100 ms to come up. Until somebody listens, docker-proxy accepts what comes through a published port and
 * loses it, and clients that read no answer never notice. NODE finds the socket as descriptor CASTOFF_REAPER_LISTEN_FD.
 * Modes other than ryuk have no such port; which address CASTOFF_REAPER_HOST means is for the reaper to say. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what, const char *port, const char *why) {
  fprintf(stderr, "castoff reaper: %s %s: %s\n", what, port, why);
  return 1;
}

/* An empty variable is none, as Ryuk has it. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value == NULL ? "" : value;
}

/* -1: no port. */
static long read_port(const char *text) {
  char *end;
  if (strspn(text, "0123456789") != strlen(text)) return -1;
  long port = strtol(text, &end, 10);
  return port > 65535 ? -1 : port;
}

static int bind_to(int family, const struct sockaddr *address, socklen_t length) {
  int on = 1, off = 0, fd = socket(family, SOCK_STREAM, 0);
  if (fd == -1) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, address, length) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  close(fd); /* Leaves errno: the descriptor is good. */
  return -1;
}

static int listen_on(in_port_t port) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = bind_to(AF_INET6, (struct sockaddr *)&six, sizeof six);
  if (fd != -1 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)) return fd;
  return bind_to(AF_INET, (struct sockaddr *)&four, sizeof four); /* IPv6 is off here. */
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: bind-then-run NODE SCRIPT [MODE ...]\n");
    return 1;
  }
  if ((argc == 3 || strcmp(argv[3], "ryuk") == 0) && *variable("CASTOFF_REAPER_HOST") == '\0') {
    const char *given = variable("RYUK_PORT"), *text = *given == '\0' ? "8080" : given;
    char number[16];
    long port = read_port(text);
    if (port == -1) return fail("RYUK_PORT", text, "give a port from 0 to 65535");
    int fd = listen_on((in_port_t)port);
    if (fd == -1) return fail("listen on port", text, strerror(errno));
    snprintf(number, sizeof number, "%d", fd);
    setenv("CASTOFF_REAPER_LISTEN_FD", number, 1);
  }
  execvp(argv[1], argv + 1);
  return fail("run", argv[1], strerror(errno));
}
