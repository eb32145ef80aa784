// The types for `require('ostraka')`: those of the ESM package, which Node gives to require as it is. A file of its own since the compiler
// settings node16 and node18 know no `require` of an ES module. Whatever value src/index.ts exports has to stand here, too.
import type * as ostraka from '../dist/index.js' with { 'resolution-mode': 'import' }

export type * from '../dist/index.js' with { 'resolution-mode': 'import' }

export declare const createCache: typeof ostraka.createCache
export declare const Cache: typeof ostraka.Cache
export type Cache<S extends ostraka.Schema = ostraka.AnySchema> = ostraka.Cache<S>
export declare const CacheView: typeof ostraka.CacheView
export type CacheView<S extends ostraka.Schema = ostraka.AnySchema> = ostraka.CacheView<S>
export declare const Namespace: typeof ostraka.Namespace
export type Namespace<T = never> = ostraka.Namespace<T>
export declare const OstrakaError: typeof ostraka.OstrakaError
export type OstrakaError = ostraka.OstrakaError
export declare const currentLoad: typeof ostraka.currentLoad
