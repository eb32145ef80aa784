// XXH64, over keys (their place) and over everything that is written (whether to believe it). Loaded once a thread; touches nothing.
import xxhash from 'xxhash-wasm'

/** 64 bits as two unsigned halves: cheaper to compare and to cut than a bigint. */
export interface Hash64 {
  readonly high: number
  readonly low: number
}

export type Xxh64 = (bytes: Uint8Array, seed: bigint) => bigint

let loading: Promise<Xxh64> | undefined

export function loadXxh64(): Promise<Xxh64> {
  loading ??= xxhash().then(
    ({ h64Raw }) =>
      (bytes, seed) =>
        h64Raw(bytes, seed),
  )
  return loading
}

export function halves(hash: bigint): Hash64 {
  return { high: Number(hash >> 32n), low: Number(hash & 0xffffffffn) }
}
