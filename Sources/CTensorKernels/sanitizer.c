#include "CTensorKernels.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CTK_THREAD_SANITIZER
#endif
#endif

#ifdef CTK_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>

void ctk_lock_acquired(const void *lock) { __tsan_acquire((void *)lock); }
void ctk_lock_released(const void *lock) { __tsan_release((void *)lock); }
#else
void ctk_lock_acquired(const void *lock) { (void)lock; }
void ctk_lock_released(const void *lock) { (void)lock; }
#endif
