// Tags as users give them, and the counters in shared memory that stand for them. Touches the engine it is given: hashing only.
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import { show } from '../options/validate.js'

/** Most tags of one entry. */
export const MAX_TAGS = 256
/** Most UTF-16 units of one tag. */
export const MAX_TAG_LENGTH = 1024

const none = new Uint32Array(0)

/** What is wrong with these tags, as a sentence; undefined when nothing is. */
export function tagFault(tags: unknown): string | undefined {
  if (!Array.isArray(tags)) return `got ${show(tags)}; use an array of strings`
  if (tags.length > MAX_TAGS) return `got ${tags.length} tags; an entry has at most ${MAX_TAGS}`
  for (const tag of tags) {
    if (typeof tag !== 'string') return `got ${show(tag)} among them; a tag is a string`
    if (tag === '') return 'a tag must not be empty'
    if (tag.length > MAX_TAG_LENGTH) return `a tag has at most ${MAX_TAG_LENGTH} characters, got ${tag.length}`
  }
  return undefined
}

/** Throws OSTRAKA_ERR_INVALID_ARGUMENT unless these are tags; `where` says who asks. */
export function checkTags(tags: unknown, where: string): asserts tags is readonly string[] {
  const fault = tagFault(tags)
  if (fault !== undefined) throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', `${where}: ${fault}`)
}

/** The counters of these tags, each once. */
export function tagCounters(engine: Engine, tags: readonly string[]): Uint32Array {
  if (tags.length === 0) return none
  const counters = new Set<number>()
  for (const tag of tags) counters.add(engine.tagCounter(tag))
  return Uint32Array.from(counters)
}
