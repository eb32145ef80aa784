// What `cache.hotKeys()` and its like tell. Touches nothing.
import { show } from '../options/validate.js'
import type { Hot } from '../stats/heat.js'
import { invalidArgument } from './arguments.js'

export interface Heat {
  /** Cut where `whole` is false: longer than 56 bytes. */
  readonly name: string
  readonly whole: boolean
  /** Operations a second, over about the last minute. */
  readonly perSecond: number
  /** Milliseconds of loading that hits of getOrSet and wrap saved in a second. */
  readonly savedMsPerSecond: number
}

export interface HotKey {
  readonly key: string
  readonly namespace: string | undefined
  /** False where the key is cut: together with its namespace it is longer than 56 bytes. */
  readonly whole: boolean
  readonly perSecond: number
  readonly savedMsPerSecond: number
  /** Of key and value now; undefined where there is no entry, or its key is cut. */
  readonly bytes: number | undefined
  /** Milliseconds that each kilobyte saves in a second: what its place in memory is worth. */
  readonly savedMsPerKilobyte: number | undefined
}

export function heatOf({ name, whole, perSecond, savedMsPerSecond }: Hot): Heat {
  return { name, whole, perSecond, savedMsPerSecond }
}

export function readCount(count: unknown, what: string): number {
  if (typeof count === 'number' && count >= 0) return count
  throw invalidArgument(`${what} takes a number from 0 on, got ${show(count)}`)
}
