// Preloaded into a daemon to count, from outside and without changing it, what it must not do for a
// message: take memory from the heap, and lock. The counts stand in the file that
// FAIRLEAD_BENCH_COUNTS names, as two native 64-bit numbers, and whoever maps it can read them at
// any time.
//
// Counted are malloc, calloc, realloc and the aligned ones (operator new comes to malloc), and
// locking a mutex or a read-write lock. Atomic instructions cannot be seen from here.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct Counts {
  _Atomic uint64_t allocations;
  _Atomic uint64_t locks;
};

static struct Counts unheard;  // until the file is mapped
static struct Counts* counts = &unheard;

__attribute__((constructor)) static void map_counts(void) {
  const char* path = getenv("FAIRLEAD_BENCH_COUNTS");
  if (path == NULL) return;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof(struct Counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped != MAP_FAILED) counts = mapped;
}

static void count(_Atomic uint64_t* what) {
  atomic_fetch_add_explicit(what, 1, memory_order_relaxed);
}

// ---- The heap. glibc offers its own allocator under these names to those who replace it, so that
// no dlsym, which allocates itself, is needed.

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t number, size_t size);
extern void* __libc_realloc(void* old, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  count(&counts->allocations);
  return __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  count(&counts->allocations);
  return __libc_calloc(number, size);
}

void* realloc(void* old, size_t size) {
  count(&counts->allocations);
  return __libc_realloc(old, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  count(&counts->allocations);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  count(&counts->allocations);
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

// ---- Locks. `real` is looked up once; two threads that do it at once find the same.

#define COUNTED_LOCK(name, lock_type)                                            \
  int name(lock_type* lock) {                                                    \
    static int (*_Atomic real)(lock_type*);                                      \
    int (*call)(lock_type*) = atomic_load_explicit(&real, memory_order_relaxed); \
    if (call == NULL) {                                                          \
      call = (int (*)(lock_type*))dlsym(RTLD_NEXT, #name);                       \
      atomic_store_explicit(&real, call, memory_order_relaxed);                  \
    }                                                                            \
    count(&counts->locks);                                                       \
    return call(lock);                                                           \
  }

COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNTED_LOCK(pthread_mutex_trylock, pthread_mutex_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
