/*
 * A disk that fails: preloaded into a process, it answers writes and syncs of files in one directory
 * with an error, as the device would.
 *
 *   VIGIL_FAIL_DIRECTORY   files below it
 *   VIGIL_FAIL_FILE        while it is there, everything fails; where it has one byte, only syncs;
 *                          where it has two, only what is written to the first two pages of data.mdb;
 *                          where it has three, the first such write, and the file is removed
 *   VIGIL_FAIL_CALL        the call of this number, from 1, fails, and no other
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int calls;

static int is_ours(int fd, char *path) {
  const char *directory = getenv("VIGIL_FAIL_DIRECTORY");
  char link[64];
  if (!directory) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, 4095);
  if (n <= 0) return 0;
  path[n] = 0;
  return strncmp(path, directory, strlen(directory)) == 0;
}

static int fails(int fd, off_t at, int is_sync) {
  char path[4096];
  if (!is_ours(fd, path)) return 0;
  int call = __sync_add_and_fetch(&calls, 1);
  const char *nth = getenv("VIGIL_FAIL_CALL");
  struct stat file;
  if (nth && atoi(nth) == call) {
    errno = EIO;
    return 1;
  }
  const char *name = getenv("VIGIL_FAIL_FILE");
  if (!name || stat(name, &file) != 0) return 0;
  if (file.st_size == 1 && !is_sync) return 0;
  int is_meta = !is_sync && at >= 0 && at < 8192 && strstr(path, "data.mdb");
  if (file.st_size >= 2 && !is_meta) return 0;
  if (file.st_size == 3) unlink(name);
  errno = EIO;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *b, size_t n, off_t at) {
  return fails(fd, at, 0) ? -1 : NEXT(pwrite)(fd, b, n, at);
}
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) {
  return fails(fd, at, 0) ? -1 : NEXT(pwrite64)(fd, b, n, at);
}
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at) {
  return fails(fd, at, 0) ? -1 : NEXT(pwritev)(fd, v, n, at);
}
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at) {
  return fails(fd, at, 0) ? -1 : NEXT(pwritev64)(fd, v, n, at);
}
ssize_t write(int fd, const void *b, size_t n) {
  return fails(fd, -1, 0) ? -1 : NEXT(write)(fd, b, n);
}
ssize_t writev(int fd, const struct iovec *v, int n) {
  return fails(fd, -1, 0) ? -1 : NEXT(writev)(fd, v, n);
}
int fdatasync(int fd) { return fails(fd, -1, 1) ? -1 : NEXT(fdatasync)(fd); }
int fsync(int fd) { return fails(fd, -1, 1) ? -1 : NEXT(fsync)(fd); }
