/* Makes file operations under one folder fail, and remembers what has reached the disk.
 *
 * Loaded with LD_PRELOAD. Until one of the faults_… functions is called it only passes on.
 * What goes around the C library (a raw system call, or writes inside of stdio) is not seen.
 *
 * A power cut is modelled like this: names are safe at once, content is safe once it was
 * synced. Each fsync copies the file to the shadow folder, under its inode number; after a
 * kill the test puts the copies in place of what was written since.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_length;
static long fail_at, counted;      /* fail_at: 0 = count only */
static int failure, counting, full; /* failure: the errno */
static int journal = -1;           /* where operations are noted for a power cut, or -1 */
static char last_failed[PATH_MAX + 32];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- what the test calls ---------------------------------------------------------------- */

static void watch(const char *folder) {
    snprintf(root, sizeof root, "%s/", folder);
    root_length = strlen(root);
}

/* From now on count; let the n-th operation fail with error. n = 0 only counts. */
void faults_arm(const char *folder, long n, int error) {
    watch(folder);
    counted = 0, fail_at = n, failure = error, last_failed[0] = 0, counting = 1;
}

long faults_disarm(void) {
    counting = 0;
    return counted;
}

const char *faults_failed(void) { return last_failed; }

/* From now on nothing more fits under the folder, or it does again. */
void faults_fill(const char *folder, int on) {
    watch(folder);
    full = on;
}

/* From now on note in the journal, and keep in the shadow folder, what would outlast a power cut. */
void faults_remember(const char *folder, const char *journal_path, const char *shadow_folder) {
    watch(folder);
    snprintf(shadow, sizeof shadow, "%s", shadow_folder);
    journal = syscall(SYS_openat, AT_FDCWD, journal_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/* --- where an operation takes place ------------------------------------------------------ */

static int of_descriptor(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int watched(void) { return counting || full || journal >= 0; }

static int inside(const char *path) {
    return !strncmp(path, root, root_length) || (strlen(path) == root_length - 1 && !strncmp(path, root, root_length - 1));
}

static int path_inside(int folder, const char *name, char *path) {
    if (!watched()) return 0;
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        char base[PATH_MAX];
        if (folder == AT_FDCWD ? !getcwd(base, sizeof base) : !of_descriptor(folder, base)) return 0;
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
    }
    return inside(path);
}

static int fd_inside(int fd, char *path) { return watched() && of_descriptor(fd, path) && inside(path); }

/* --- failing ----------------------------------------------------------------------------- */

/* Whether this operation is the one that fails; then errno is set. */
static int fails(const char *operation, const char *path, int needs_space) {
    int error = 0;
    pthread_mutex_lock(&lock);
    if (counting && ++counted == fail_at) {
        error = failure;
        snprintf(last_failed, sizeof last_failed, "%s %s", operation, path);
    }
    pthread_mutex_unlock(&lock);
    if (!error && full && needs_space) error = ENOSPC;
    if (error) errno = error;
    return error != 0;
}

/* --- remembering ------------------------------------------------------------------------- */

static void note(char operation, unsigned long inode, const char *path, const char *to) {
    char line[2 * PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%c\t%lu\t%s\t%s\n", operation, inode, path, to);
    syscall(SYS_write, journal, line, (size_t)length);
}

static unsigned long inode_of(const char *path) {
    struct stat about;
    return syscall(SYS_newfstatat, AT_FDCWD, path, &about, AT_SYMLINK_NOFOLLOW) ? 0 : about.st_ino;
}

static void shadow_path(unsigned long inode, char *path) { snprintf(path, PATH_MAX, "%.4000s/%lu", shadow, inode); }

static void remember_write(int fd, const char *path) {
    struct stat about;
    if (journal >= 0 && !fstat(fd, &about) && S_ISREG(about.st_mode)) note('w', about.st_ino, path, "");
}

static void remember_sync(int fd, const char *path) {
    struct stat about;
    char copy[PATH_MAX], unfinished[PATH_MAX], source[64], buffer[65536];
    if (journal < 0 || fstat(fd, &about)) return;
    if (S_ISREG(about.st_mode)) {
        shadow_path(about.st_ino, copy);
        snprintf(unfinished, sizeof unfinished, "%.4000s/unfinished", shadow);
        snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
        pthread_mutex_lock(&lock);
        int in = syscall(SYS_openat, AT_FDCWD, source, O_RDONLY, 0);
        int out = syscall(SYS_openat, AT_FDCWD, unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        for (long got; (got = syscall(SYS_read, in, buffer, sizeof buffer)) > 0;) syscall(SYS_write, out, buffer, got);
        syscall(SYS_close, in);
        syscall(SYS_close, out);
        syscall(SYS_renameat2, AT_FDCWD, unfinished, AT_FDCWD, copy, 0); /* a kill may come at any moment */
        pthread_mutex_unlock(&lock);
    }
    note('s', about.st_ino, path, "");
}

/* A name goes, by unlink or because another file takes it: its inode number may come again. */
static void remember_end(const char *path) {
    char copy[PATH_MAX];
    unsigned long inode = journal >= 0 ? inode_of(path) : 0;
    if (!inode) return;
    shadow_path(inode, copy);
    syscall(SYS_unlinkat, AT_FDCWD, copy, 0);
    note('u', inode, path, "");
}

/* --- the C library's functions ----------------------------------------------------------- */

#define REAL(type, name, ...)                                     \
    static type (*real)(__VA_ARGS__);                             \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int opening_fails(const char *operation, int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!(flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) || !path_inside(folder, name, path)) return 0;
    struct stat about;
    int is_new = (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &about, 0);
    return fails(operation, path, is_new);
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(symbol)                                              \
    int symbol(const char *path, int flags, ...) {                \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        mode_t mode = mode_of(flags, rest);                       \
        va_end(rest);                                             \
        REAL(int, #symbol, const char *, int, ...);               \
        return opening_fails("open", AT_FDCWD, path, flags) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol)                                            \
    int symbol(int folder, const char *path, int flags, ...) {    \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        mode_t mode = mode_of(flags, rest);                       \
        va_end(rest);                                             \
        REAL(int, #symbol, int, const char *, int, ...);          \
        return opening_fails("open", folder, path, flags) ? -1 : real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(symbol)                                             \
    FILE *symbol(const char *path, const char *mode) {            \
        REAL(FILE *, #symbol, const char *, const char *);        \
        int flags = strpbrk(mode, "wa+") ? O_WRONLY | (strchr(mode, 'r') ? 0 : O_CREAT) : O_RDONLY; \
        return opening_fails("open", AT_FDCWD, path, flags) ? NULL : real(path, mode); \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define WRITE(symbol, parameters, types, arguments, size)         \
    ssize_t symbol parameters {                                   \
        char path[PATH_MAX];                                      \
        REAL(ssize_t, #symbol, types);                            \
        if (!fd_inside(fd, path)) return real arguments;          \
        if (fails("write", path, (size) > 0)) return -1;          \
        ssize_t written = real arguments;                         \
        remember_write(fd, path);                                 \
        return written;                                           \
    }
#define TYPES(...) __VA_ARGS__
WRITE(write, (int fd, const void *data, size_t size), TYPES(int, const void *, size_t), (fd, data, size), size)
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), TYPES(int, const void *, size_t, off_t), (fd, data, size, at), size)
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), TYPES(int, const void *, size_t, off64_t), (fd, data, size, at), size)
WRITE(writev, (int fd, const struct iovec *parts, int count), TYPES(int, const struct iovec *, int), (fd, parts, count), count)
WRITE(pwritev, (int fd, const struct iovec *parts, int count, off_t at), TYPES(int, const struct iovec *, int, off_t), (fd, parts, count, at), count)
WRITE(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), TYPES(int, const struct iovec *, int, off64_t), (fd, parts, count, at), count)

#define TRUNCATE(symbol, offset)                                  \
    int symbol(int fd, offset length) {                           \
        char path[PATH_MAX];                                      \
        REAL(int, #symbol, int, offset);                          \
        if (!fd_inside(fd, path)) return real(fd, length);        \
        if (fails("truncate", path, length > 0)) return -1;       \
        int done = real(fd, length);                              \
        remember_write(fd, path);                                 \
        return done;                                              \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(symbol)                                              \
    int symbol(int fd) {                                          \
        char path[PATH_MAX];                                      \
        REAL(int, #symbol, int);                                  \
        if (!fd_inside(fd, path)) return real(fd);                \
        if (fails("sync", path, 0)) return -1;                    \
        int done = real(fd);                                      \
        if (!done) remember_sync(fd, path);                       \
        return done;                                              \
    }
SYNC(fsync)
SYNC(fdatasync)

static int renaming_fails(int from_folder, const char *from, int to_folder, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    if (!path_inside(to_folder, to, target) || !path_inside(from_folder, from, source)) return 0;
    if (fails("rename", target, 0)) return 1;
    remember_end(target);
    if (journal >= 0) note('r', inode_of(source), source, target);
    return 0;
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return renaming_fails(AT_FDCWD, from, AT_FDCWD, to) ? -1 : real(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return renaming_fails(from_folder, from, to_folder, to) ? -1 : real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
    return renaming_fails(from_folder, from, to_folder, to) ? -1 : real(from_folder, from, to_folder, to, flags);
}

static int unlinking_fails(int folder, const char *name) {
    char path[PATH_MAX];
    if (!path_inside(folder, name, path)) return 0;
    if (fails("unlink", path, 0)) return 1;
    remember_end(path);
    return 0;
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return unlinking_fails(AT_FDCWD, path) ? -1 : real(path);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return unlinking_fails(folder, path) ? -1 : real(folder, path, flags);
}

int mkdir(const char *name, mode_t mode) {
    char path[PATH_MAX];
    REAL(int, "mkdir", const char *, mode_t);
    return path_inside(AT_FDCWD, name, path) && fails("mkdir", path, 1) ? -1 : real(name, mode);
}

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    REAL(int, "mkdirat", int, const char *, mode_t);
    return path_inside(folder, name, path) && fails("mkdir", path, 1) ? -1 : real(folder, name, mode);
}
