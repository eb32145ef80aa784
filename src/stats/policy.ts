// Which mode of the policy is in force in each shard, what the others would give, and which changes led there. Reads the memory of the policy
// in the shards; touches nothing. Advisory: taken while others write.
import type { Regions } from '../engine/create.js'
import {
  PolicyNumber,
  RIVAL_BYTES,
  RIVALS,
  Rival,
  SAMPLE_BYTES,
  SAMPLE_SLOTS,
  Shard,
  SKETCH_LINE_BYTES,
  SWITCH_BYTES,
  SWITCH_SLOTS,
  Tournament,
} from '../engine/layout.js'

/** A mode that can be in force (docs/cache.md, 'What is kept'). */
export type PolicyModeName = Exclude<keyof typeof PolicyNumber, 'adaptive'>

/** One candidate, as its miniature over sampled keys does. */
export interface PolicyRival {
  readonly mode: PolicyModeName
  /** Share of sampled requests that its miniature had, lately; NaN before the first were compared. */
  readonly hitRatio: number
  /** Hits of its miniature more than those of the mode in force, fading, */
  readonly lead: number
  /** and that in standard errors. 1.4 of them, or 2 without `maxEntries`, make it take over. */
  readonly standardErrors: number
}

/** One change of mode. */
export interface PolicySwitch {
  /** After so many sampled requests. */
  readonly at: number
  readonly from: PolicyModeName
  readonly to: PolicyModeName
  /** The lead, in hits and in standard errors, that decided. */
  readonly lead: number
  readonly standardErrors: number
}

export interface ShardPolicy {
  readonly mode: PolicyModeName
  /** Undefined where the mode is fixed by the option `policy`, */
  readonly choosing:
    | {
        /** Share of keys that the miniatures see, 0 to 1. */
        readonly sampled: number
        /** Requests of those keys so far (wraps at 2^32). */
        readonly requests: number
        readonly rivals: readonly PolicyRival[]
        readonly switches: number
        /** The last of them, newest first. */
        readonly lastSwitches: readonly PolicySwitch[]
      }
    | undefined
}

const names = Object.keys(PolicyNumber) as (keyof typeof PolicyNumber)[]

function nameOf(number: number): PolicyModeName {
  const name = names.find((one) => PolicyNumber[one] === number)
  return name === undefined || name === 'adaptive' ? 's3-fifo-main-first' : name
}

/** One for each shard. */
export function policyOf(regions: Regions): ShardPolicy[] {
  return regions.shards.map(({ buffer }) => shardPolicy(new DataView(buffer)))
}

function shardPolicy(view: DataView): ShardPolicy {
  const word = (at: number) => view.getUint32(at, true)
  const mode = nameOf(word(Shard.mode))
  if (word(Shard.miniEntries) === 0) return { mode, choosing: undefined }
  const samples = word(Shard.policyOffset) + word(Shard.sketchLines) * SKETCH_LINE_BYTES
  const at = samples + SAMPLE_SLOTS * SAMPLE_BYTES
  const requests = word(at + Tournament.sampled)
  const judged = word(at + Tournament.judged)
  const rivals: PolicyRival[] = []
  for (let index = 0; index < RIVALS; index++) {
    const rival = at + Tournament.rivals + index * RIVAL_BYTES
    const number = word(rival + Rival.mode)
    if (number >= PolicyNumber.adaptive || number < PolicyNumber.balanced) continue
    const lead = view.getFloat64(rival + Rival.lead, true)
    const noise = view.getFloat64(rival + Rival.noise, true)
    rivals.push({
      mode: nameOf(number),
      hitRatio: word(rival + Rival.allHits) / judged,
      lead,
      standardErrors: lead / Math.max(1, Math.sqrt(noise)),
    })
  }
  const switches = word(at + Tournament.switches)
  return {
    mode,
    choosing: {
      sampled: (word(Shard.sampleBelow) + 1) / 2 ** 32,
      requests,
      rivals,
      switches,
      lastSwitches: Array.from({ length: Math.min(switches, SWITCH_SLOTS) }, (_, back) =>
        switchAt(view, at + Tournament.history + ((switches - 1 - back) % SWITCH_SLOTS) * SWITCH_BYTES),
      ),
    },
  }
}

function switchAt(view: DataView, at: number): PolicySwitch {
  const modes = view.getUint32(at + 4, true)
  return {
    at: view.getUint32(at, true),
    from: nameOf(modes & 0xffff),
    to: nameOf(modes >>> 16),
    lead: view.getFloat32(at + 8, true),
    standardErrors: view.getFloat32(at + 12, true),
  }
}
