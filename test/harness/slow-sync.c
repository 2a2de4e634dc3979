/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a process under test: makes the sync to disk slow, and ends the process exactly around it.
 *   SYNC_DELAY_US=N      each fsync and fdatasync takes N microseconds longer
 *   SYNC_CRASH=FILE      when FILE exists, its first word says where the process ends by SIGKILL at the next sync of a path
 *                        that contains its second word: "before" or "after". FILE is removed first.
 * Build: gcc -O2 -shared -fPIC -o slow-sync.so slow-sync.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void delay(void) {
  const char *said = getenv("SYNC_DELAY_US");
  if (said == NULL) return;
  long us = atol(said);
  struct timespec wait = { us / 1000000, (us % 1000000) * 1000 };
  if (us > 0) nanosleep(&wait, NULL);
}

/* 1: end before, 2: end after, 0: neither. */
static int armed(int fd) {
  const char *file = getenv("SYNC_CRASH");
  if (file == NULL || access(file, F_OK) != 0) return 0;
  char link[64], path[4096], text[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  int said = open(file, O_RDONLY);
  if (said < 0) return 0;
  ssize_t got = read(said, text, sizeof text - 1);
  close(said);
  if (got <= 0) return 0;
  text[got] = 0;
  char *where = strtok(text, " \n"), *part = strtok(NULL, " \n");
  if (where == NULL || part == NULL || strstr(path, part) == NULL) return 0;
  int point = strcmp(where, "before") == 0 ? 1 : strcmp(where, "after") == 0 ? 2 : 0;
  if (point != 0) unlink(file);
  return point;
}

static int through(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int point = armed(fd);
  if (point == 1) kill(getpid(), SIGKILL);
  delay();
  int result = real(fd);
  if (point == 2) kill(getpid(), SIGKILL);
  return result;
}

int fsync(int fd) { return through("fsync", fd); }
int fdatasync(int fd) { return through("fdatasync", fd); }
