/* SPDX-License-Identifier: MIT */
/* Emscripten's <setjmp.h>, whose sigsetjmp() does not keep the mask of signals. */
#include_next <setjmp.h>
#ifndef AIO_SETJMP_H
#define AIO_SETJMP_H
#ifdef sigsetjmp
#undef sigsetjmp
#undef siglongjmp
#ifdef __cplusplus
extern "C" {
#endif
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save);
_Noreturn void aio_priv_siglongjmp(sigjmp_buf buffer, int value);
#ifdef __cplusplus
}
#endif
#define sigsetjmp(buffer, save) (aio_priv_sigsetjmp(buffer, save), setjmp(buffer))
#define siglongjmp(buffer, value) aio_priv_siglongjmp(buffer, value)
#endif
#endif
