// Records that other tools read as plain MessagePack: self-contained, every map with its own names, no extension but that of timestamps.
// Touches the optional package msgpackr, which a thread loads when it first needs it.
import { createRequire } from 'node:module'
import type { Packr } from 'msgpackr'
import { invalidOptions } from '../options/validate.js'

const requireFrom = createRequire(import.meta.url)
let packr: Packr | undefined

/**
 * The one packer of this thread. Only values that the writer let through as MessagePack come back from it as they were.
 * Throws OSTRAKA_ERR_INVALID_OPTION where the package is not installed.
 */
export function msgpack(): Packr {
  packr ??= load()
  return packr
}

function load(): Packr {
  let found: typeof import('msgpackr')
  try {
    found = requireFrom('msgpackr') as typeof import('msgpackr')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
    const message = `'msgpack' needs the package msgpackr, which cannot be loaded (${why}); npm install msgpackr`
    const error = invalidOptions([{ path: 'codec', message }])
    error.cause = cause
    throw error
  }
  // No structures of records, which would have to be shared; 64-bit integers are always bigints, as numbers are never written so.
  return new found.Packr({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    int64AsType: 'bigint',
    copyBuffers: true,
  })
}
