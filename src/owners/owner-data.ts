// What an owner's worker is told when it starts. May touch: types only.
import type { Regions } from '../engine/create.js'

export interface OwnerData {
  /** Of the cache, for the thread's name and its errors. */
  readonly cache: string
  readonly index: number
  readonly epoch: number
  readonly engine: 'native' | 'js'
  readonly regions: Regions
  readonly memory: SharedArrayBuffer
  readonly channel: SharedArrayBuffer | undefined
}
