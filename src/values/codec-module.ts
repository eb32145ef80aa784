// Codecs of the user's own: a module that every thread loads for itself, since functions cannot be shared between threads. Runs the
// module's code; touches the list of what this thread has loaded.
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Codec, moduleOf } from '../options/codec.js'
import { invalidOptions } from '../options/validate.js'

/** What a codec module exports, by name or as its default. */
export interface CodecModule {
  /** Bytes that `decode` makes the value of again, in any thread. What it throws reaches the caller of `set` as `cause`. */
  encode(value: unknown): Uint8Array
  /** Gets bytes of its own. */
  decode(bytes: Uint8Array): unknown
}

const loaded = new Map<string, CodecModule>()

/**
 * The module behind a codec, undefined for those of our own. Loaded once a thread, synchronously, ES modules too. Throws
 * OSTRAKA_ERR_INVALID_OPTION for one that cannot be loaded or lacks `encode` or `decode`.
 */
export function codecModule(codec: Codec): CodecModule | undefined {
  const specifier = moduleOf(codec)
  if (specifier === undefined) return undefined
  const known = loaded.get(specifier)
  if (known !== undefined) return known
  const found = load(specifier)
  const module = [found, (found as { default?: unknown } | undefined)?.default].find(isCodec)
  if (module === undefined) throw fault(`'${specifier}' exports no functions encode and decode`)
  loaded.set(specifier, module)
  return module
}

function load(specifier: string): unknown {
  try {
    // Package names mean what they mean to the program.
    const require = createRequire(path.join(process.cwd(), 'program.js'))
    return require(specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier)
  } catch (cause) {
    throw fault(`'${specifier}' cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
}

function isCodec(found: unknown): found is CodecModule {
  if (typeof found !== 'object' || found === null) return false
  const { encode, decode } = found as Partial<CodecModule>
  return typeof encode === 'function' && typeof decode === 'function'
}

function fault(message: string, cause?: unknown): Error {
  const error = invalidOptions([{ path: 'codec.module', message }])
  if (cause !== undefined) error.cause = cause
  return error
}
