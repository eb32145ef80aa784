// What threads say to one another while they find a cache by its name: the channel's name, the messages, and the shape of what
// new workers inherit. May touch: types and the layout's version only.
import { LAYOUT_VERSION } from '../engine/layout.js'

/** Changes with every incompatible change of the messages or of the root memory, so that two versions in one process never talk. */
const PROTOCOL = 1

/** Name of the channel, key of the environment data and of the registry on `globalThis`. */
export const KEY = `ostraka/${LAYOUT_VERSION}.${PROTOCOL}`

/** Shared memories of one cache. They travel between threads by reference. */
export interface Regions {
  readonly control: WebAssembly.Memory
  readonly observed: SharedArrayBuffer
  readonly shards: readonly WebAssembly.Memory[]
  readonly owners?: SharedArrayBuffer | undefined
  readonly channel?: SharedArrayBuffer | undefined
}

/** Structured-cloneable and free of secrets: the creator's options, for others to compare theirs with. */
export type ComparableOptions = Readonly<Record<string, unknown>>

/** One life of one cache, as threads tell it each other. */
export interface KnownCache {
  readonly name: string
  /** Where it stands in the root memory. */
  readonly slot: number
  readonly incarnation: number
  readonly regions: Regions
  readonly options: ComparableOptions
}

export type Message =
  | { readonly type: 'root'; readonly root: SharedArrayBuffer }
  | { readonly type: 'cache'; readonly root: SharedArrayBuffer; readonly cache: KnownCache }
  | { readonly type: 'gone'; readonly rootId: string; readonly incarnation: number }
  /** `answered` is one shared word: 0 open, 1 somebody is answering, 2 the answer lies in the queue. */
  | { readonly type: 'ask'; readonly need: 'root' | 'cache'; readonly name: string; readonly answered: Int32Array }
  /** Posted by the winner of an election before it looks for the last time whether a root is known. */
  | { readonly type: 'claim'; readonly from: number }
  /** `to` is a thread (worker_threads.threadId), −1 for whoever contends for the node. */
  | { readonly type: 'tie'; readonly node: string; readonly from: number; readonly to: number }

/** What a new worker inherits from the thread that starts it. */
export interface Inheritance {
  readonly roots: readonly { readonly root: SharedArrayBuffer; readonly caches: readonly KnownCache[] }[]
}
