// Turns what a user passed to `namespace` into settings, or throws one error that lists every fault. Touches nothing.
import * as v from 'valibot'
import type { EntryDefaults, LoadBounds, NearSettings } from './cache-options.js'
import { ownCodecs } from './codec.js'
import {
  check,
  defaultsEntries,
  invalidOptions,
  namedOptions,
  nearSettings,
  oneOf,
  show,
  withoutUndefined,
} from './validate.js'

/** Sets namespaces apart from keys; ASCII "unit separator": one byte, and hardly ever in a key. */
export const reservedCharacter = '\u001f'

export interface NamespaceSettings {
  /** What the caller named. */
  readonly given: Partial<EntryDefaults>
  readonly near: NearSettings | undefined
  readonly loads: LoadBounds
}

const MOST_NAME_CHARACTERS = 255
const nameHint = `use a non-empty, well-formed string of at most ${MOST_NAME_CHARACTERS} characters without U+001F`
const entries = {
  ...defaultsEntries,
  // A module stands in the cache's own options, which all threads share; the row of a namespace has no room for its name.
  codec: oneOf(ownCodecs),
}
const schema = v.object(entries, 'use an object with options, or nothing')

/** The settings of a namespace whose parent has this near cache and these bounds. Throws OSTRAKA_ERR_INVALID_OPTION with all faults at once. */
export function readNamespaceOptions(
  name: unknown,
  options: unknown,
  near: NearSettings | undefined,
  loads: LoadBounds,
): NamespaceSettings {
  const { faults, output } = check(schema, Object.keys(entries), options === undefined ? {} : options)
  if (!isName(name)) faults.unshift({ path: 'name', message: `got ${show(name)}; ${nameHint}` })
  if (output === undefined || faults.length > 0) throw invalidOptions(faults)
  const { near: nearGiven, loads: loadsGiven, ...rest } = output
  return {
    given: Object.fromEntries(namedOptions(rest)),
    near: nearSettings(nearGiven, near),
    loads: { ...loads, ...withoutUndefined(loadsGiven ?? {}) },
  }
}

function isName(name: unknown): boolean {
  if (typeof name !== 'string' || name === '' || name.length > MOST_NAME_CHARACTERS) return false
  return name.isWellFormed() && !name.includes(reservedCharacter)
}
