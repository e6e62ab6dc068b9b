/* SPDX-License-Identifier: MIT */
#ifndef AIO_API_VERSION_H
#define AIO_API_VERSION_H
/*
 * Chooses the release of QEMU whose API the headers declare. A program defines
 * AIO_API_VERSION as major * 100 + minor before it includes a header of the library,
 * best on the command line (-DAIO_API_VERSION=801):
 *
 *   601   6.1, the default
 *   700   aio_set_fd_handler and aio_set_event_notifier take io_poll_ready
 *   701   aio_context_set_thread_pool_params (declared at every level)
 *   801   no external handlers; the functions of the thread pool take no pool; a
 *         bottom half may have a guard; AIOCBInfo has no get_aio_context
 *   900   no aio_context_acquire and aio_context_release
 *   1000  the thread pool is called ThreadPoolAio
 *   1002  aio_context_setup can fail
 *
 * A number in between selects the level below it; a higher number selects the last.
 * The library is the same for all levels, and files of different levels can be linked
 * together.
 */
#ifndef AIO_API_VERSION
#define AIO_API_VERSION 601
#endif

#if AIO_API_VERSION < 601
#error "AIO_API_VERSION is major * 100 + minor of a release of QEMU, 601 (6.1) or later: -DAIO_API_VERSION=801 is 8.1"
#endif

#endif
