// How settings name a codec: by a string also where it is a module, so that threads can compare and share it. Touches nothing.

/** One of our own, or `module:` and what names the module of the user's (values/codec-module.ts). */
export type Codec = 'auto' | 'json' | 'msgpack' | 'v8' | `module:${string}`

const PREFIX = 'module:'

/** Those that are named by a word. */
export const ownCodecs = ['auto', 'json', 'msgpack', 'v8'] as const

/** The codec that `{ module }` means; undefined unless it is a file URL, an absolute path or a package name. */
export function moduleCodec(specifier: unknown): Codec | undefined {
  if (typeof specifier !== 'string' || specifier === '' || specifier.startsWith('.')) return undefined
  return `${PREFIX}${specifier}`
}

/** What names the module, undefined for a codec of our own. */
export function moduleOf(codec: Codec): string | undefined {
  return codec.startsWith(PREFIX) ? codec.slice(PREFIX.length) : undefined
}
