// Fails the writes and syncs of one database as a test asks for, and records them. `tests/it/durability/` compiles it
// and loads it into the service with LD_PRELOAD. It is for Linux on 64 bits, and knows the calls that SQLite makes.
//
// FAULTS_FILES    path of the database; the files beside it whose names begin with its name belong to it
// FAULTS_CONTROL  file that names the fault: "full", "write errors", "sync errors", "checkpoint errors" (of writes to the
//                 database itself, except to its beginning), or "none". It is read at each call, so that the test can
//                 change it while the service runs
// FAULTS_TRACE    file to which each call that succeeds is appended, and each sync that fails, as a line and its data:
//                     write OFFSET LENGTH NAME     and then LENGTH bytes
//                     truncate LENGTH 0 NAME
//                     sync 0 0 NAME
//                     failed-sync 0 0 NAME
//                     unlink 0 0 NAME
//                 NAME is what follows FAULTS_FILES in the path of the file, such as -wal; it is / for their folder

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// A full disk takes the first half of a longer write, as there may be room for some of it.
#define SECTOR 512

static const char *files, *control;
static int trace;

// A checkpoint fails after some writes.
#define BEGINNING 65536

// One call at a time, so that they are recorded in the order in which they happen.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_TRACE");
    control = getenv("FAULTS_CONTROL");
    files = getenv("FAULTS_FILES");
    trace = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (trace < 0 || !control || !files || !strchr(files, '/')) {
        fputs("FAULTS_TRACE, FAULTS_CONTROL or FAULTS_FILES is missing or wrong\n", stderr);
        abort();
    }
}

// The NAME of the file at a path, or NULL if it does not belong to the database.
static const char *name_of(const char *path) {
    size_t length = strlen(files), folder = strrchr(files, '/') - files;
    if (strncmp(path, files, length) == 0) return path + length;
    return strlen(path) == folder && strncmp(path, files, folder) == 0 ? "/" : NULL;
}

// The same for an open file. Its path is read into `path`, which holds PATH_MAX bytes.
static const char *name_of_open(int fd, char *path) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return name_of(path);
}

static int is_fault(const char *name) {
    char asked[32] = "";
    int fd = open(control, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, asked, sizeof asked - 1) < 0) abort();
    close(fd);
    return strcmp(asked, name) == 0;
}

static void record(const char *call, off_t offset, size_t length, const char *name, const void *data) {
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%s %lld %zu %s\n", call, (long long)offset, length, name);
    struct iovec parts[] = {{line, size}, {(void *)data, length}};
    if (writev(trace, parts, 2) != (ssize_t)(size + length)) abort();
}

static int fail(int error) {
    errno = error;
    return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    char path[PATH_MAX];
    const char *name = name_of_open(fd, path);
    if (!name) return syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    int is_full = is_fault("full"), is_checkpoint = !*name && offset >= BEGINNING;
    ssize_t written;
    if (is_fault("write errors") || (is_fault("checkpoint errors") && is_checkpoint)) written = fail(EIO);
    else if (is_full && length <= SECTOR) written = fail(ENOSPC);
    else written = syscall(SYS_pwrite64, fd, data, is_full ? length / 2 : length, offset);
    if (written >= 0) record("write", offset, written, name, data);
    pthread_mutex_unlock(&lock);
    return written;
}

int ftruncate64(int fd, off_t length) {
    char path[PATH_MAX];
    const char *name = name_of_open(fd, path);
    if (!name) return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int failed = is_fault("write errors") ? fail(EIO) : syscall(SYS_ftruncate, fd, length);
    if (!failed) record("truncate", length, 0, name, NULL);
    pthread_mutex_unlock(&lock);
    return failed;
}

static int sync_file(int fd, long call) {
    char path[PATH_MAX];
    const char *name = name_of_open(fd, path);
    if (!name) return syscall(call, fd);
    pthread_mutex_lock(&lock);
    int failed = is_fault("sync errors") ? fail(EIO) : syscall(call, fd);
    record(failed ? "failed-sync" : "sync", 0, 0, name, NULL);
    pthread_mutex_unlock(&lock);
    return failed;
}

int unlink(const char *path) {
    const char *name = name_of(path);
    pthread_mutex_lock(&lock);
    int failed = unlinkat(AT_FDCWD, path, 0);
    if (!failed && name) record("unlink", 0, 0, name, NULL);
    pthread_mutex_unlock(&lock);
    return failed;
}

// The other names under which the C library has them.
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }
