// The public surface of the package. Importing it joins the thread to the registry of names (src/attach), so that caches made in other
// threads are found; nothing else happens, and nothing of it keeps a process alive.
export type { EntryOptions } from './cache/arguments.js'
export { Cache } from './cache/cache.js'
export { createCache } from './cache/create-cache.js'
export type { EntryDescription } from './cache/inspect.js'
export { Namespace, type NamespaceStats } from './cache/namespace.js'
export type { NearStats } from './cache/near.js'
export type { AnySchema, EntryOf, KeyOf, NumberKeyOf, Read, Schema, UntypedKeyOf, ValueOf } from './cache/schema.js'
export type { CacheStats } from './cache/stats.js'
export { CacheView, type Entry } from './cache/view.js'
export { OstrakaError, type OstrakaErrorCode, type OstrakaFault } from './errors.js'
export type { CacheOptions, NamespaceOptions, NearOptions, NearValues } from './options/cache-options.js'
export type { Duration, Size } from './options/units.js'
