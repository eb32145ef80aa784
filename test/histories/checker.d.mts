// Types of checker.mjs, which is plain JavaScript so that programs run without a build can use it too.
export type Kind = 'get' | 'set' | 'delete' | 'add' | 'update' | 'take' | 'increment' | 'clear' | 'lease' | 'fill'

/** Values are whole numbers above 0; 0 stands for "nothing". */
export interface Operation {
  readonly kind: Kind
  readonly thread: number
  /** What was to be written, or added. */
  readonly argument: number
  /** lease: 1 if it was given; its fill has the same argument. get, take: the value. update: the value that the new one was made from. increment: the sum. delete: 1 if there was one. */
  readonly result: number
  /** set, add, update: whether it was stored. increment: whether the sum was kept. */
  readonly done: boolean
  readonly begin: number
  readonly end: number
}

export interface Verdict {
  readonly linearizable: boolean
  /** Where the longest order that could be found ends: the operations that were open there, each with the one before it. */
  readonly stuckAt: readonly Operation[]
  readonly value: number
  readonly configurations: number
}

export interface Rules {
  /** No write was refused for want of room, so a refused `add` proves an entry. */
  readonly strict: boolean
  /** Entries may vanish at any instant, as evicted ones do. */
  readonly vanishes: boolean
  /** A lease may be of a thread that died, and is then given to another. */
  readonly takesOver?: boolean
}

/** One list of operations per thread, each in the order of execution. The key is absent at first. */
export function check(threads: readonly (readonly Operation[])[], rules: Rules): Verdict
export function describe(operation: Operation): string
