// The errors of attaching, worded once. May touch: src/errors.ts only.
import { OstrakaError } from '../errors.js'

export function attachTimeout(name: string): OstrakaError {
  return new OstrakaError(
    'OSTRAKA_ERR_ATTACH_TIMEOUT',
    `The cache '${name}' could not be attached: every thread that could hand it over is blocked in synchronous code. ` +
      'Import ostraka in the main thread first, and call createCache in this thread before the others block or start this worker after the cache was created.',
  )
}

export function noCache(name: string): OstrakaError {
  return new OstrakaError(
    'OSTRAKA_ERR_NO_CACHE',
    `No thread of this process holds a cache named '${name}'. Create it with options in one thread, or give options here too.`,
  )
}

export function tooManyCaches(name: string): OstrakaError {
  return new OstrakaError(
    'OSTRAKA_ERR_TOO_MANY_CACHES',
    `The cache '${name}' is one too many: 512 names are open in this process. Close some, or use namespaces of one cache.`,
  )
}

export function tooManyThreads(): OstrakaError {
  return new OstrakaError(
    'OSTRAKA_ERR_TOO_MANY_THREADS',
    'More than 1,024 living threads of this process use ostraka. Use fewer worker threads.',
  )
}

export function invalidName(why: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', `name: ${why}`, { faults: [{ path: 'name', message: why }] })
}
