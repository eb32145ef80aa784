// What must hold of the raw memory when everybody rests and the dead have been reaped (docs/slab.md). Reads only.

/** Everything that is wrong, as sentences. `size`: what the engine says. */
export function validate(layout, world, size) {
  const control = new Int32Array(world.control.buffer)
  const problems = []
  const members = world.shards.flatMap((memory) => validateShard(layout, memory, control, problems))
  const keys = members.map(({ key }) => key)
  for (const key of new Set(keys)) if (keys.indexOf(key) !== keys.lastIndexOf(key)) problems.push(`${key} stands twice`)
  const present = members.filter(({ isCurrent }) => isCurrent).length
  if (size !== present) problems.push(`size is ${size}, and ${present} members are there`)
  validateControl(layout, control, present, problems)
  return problems
}

const MARKER = 31

function validateControl(layout, control, present, problems) {
  const { Control, ControlHeader, Thread, THREAD_BYTES, THREADS, LEASES, LEASE_BYTES, LeaseLine } = layout
  for (let line = 0; line < LEASES; line++) {
    const owner = control[(Control.leases + line * LEASE_BYTES + LeaseLine.owner) >> 2]
    if (owner !== 0) problems.push(`lease ${line} is still held by thread ${owner - 1}`)
  }
  for (let thread = 0; thread < THREADS; thread++) {
    const line = (Control.threads + thread * THREAD_BYTES) >> 2
    if (control[line + (Thread.pin >> 2)] !== 0) problems.push(`thread ${thread} is still pinned`)
    if (control[line + (Thread.intentKind >> 2)] !== 0) problems.push(`thread ${thread} still announces a step`)
    if ((control[line + (Thread.sequence >> 2)] & 1) !== 0) problems.push(`thread ${thread} is still counting`)
  }
  if (control[Control.reaper >> 2] !== 0) problems.push('the reaper lock is held')
  const most = control[ControlHeader.maxEntries >> 2]
  if (most === 0) return
  if (present > most) problems.push(`${present} entries, ${most} are allowed`)
  const isOfNow = control[Control.reservedWorld >> 2] === control[Control.world >> 2]
  const reserved = isOfNow ? control[Control.reservedCount >> 2] : 0
  // Too high it may be after a death, until an evictor takes the excess off; too low never.
  const drifts = control[Control.drift >> 2] !== 0
  if (reserved < present || (!drifts && reserved !== present)) {
    problems.push(`${reserved} places are reserved for ${present} entries`)
  }
}

function validateShard(layout, memory, control, problems) {
  const { Control, Shard, Segment, SegmentState, SLOTS, BUCKET_BYTES, BUCKET_SLOTS, SLOT_BYTES, SlotState } = layout
  const words = new Int32Array(memory.buffer)
  const field = (offset) => words[offset >> 2]
  const segments = field(Shard.segments)
  const shift = field(Shard.segmentShift)
  const first = field(Shard.segmentsOffset)
  const header = (index) => (field(Shard.segmentHeaders) >> 2) + index * (layout.SEGMENT_HEADER_BYTES >> 2)
  const kindOf = (index) => words[header(index)] & layout.SEGMENT_STATE_MASK
  if (field(Shard.evictor) !== 0) problems.push('the evictor lock is held')
  for (let index = 0; index < segments; index++) {
    const kind = kindOf(index)
    if (kind === SegmentState.opening || kind === SegmentState.building) problems.push(`segment ${index} is half open`)
    if (kind !== SegmentState.free) continue
    const from = (first + (index << shift)) >> 2
    // What its last life left up to the cursor is cleared by whoever opens it.
    const used = words[header(index) + (Segment.cursor >> 2)] * 2
    const dirty = words.subarray(from + used, from + (1 << (shift - 2))).findIndex((word) => word !== 0)
    if (dirty >= 0) problems.push(`free segment ${index} holds something at word ${used + dirty}`)
  }
  const members = []
  for (let slot = 0; slot < field(Shard.buckets) * SLOTS; slot++) {
    const at =
      field(Shard.bucketOffset) + Math.floor(slot / SLOTS) * BUCKET_BYTES + BUCKET_SLOTS + (slot % SLOTS) * SLOT_BYTES
    const low = words[at >> 2]
    const state = low & layout.SLOT_STATE_MASK
    if (low === 0 && words[(at >> 2) + 1] === 0) continue
    if (state !== SlotState.member) {
      problems.push(`slot ${slot} is in state ${state}`)
      continue
    }
    const location = words[(at >> 2) + 1] & layout.LOCATION_MASK
    const segment = (location * 8 - first) >> shift
    const kind = segment >= 0 && segment < segments ? kindOf(segment) : -1
    if (kind !== SegmentState.open && kind !== SegmentState.sealed) {
      problems.push(`slot ${slot} points into segment ${segment} in state ${kind}`)
      continue
    }
    const w1 = words[location * 2 + 1]
    const length = w1 & layout.KEY_LENGTH_MASK
    // These scenarios use no times and no options, so the key follows the header; of a marker, its expiry and its lease.
    const isMarker = ((words[location * 2] >>> layout.KIND_SHIFT) & layout.KIND_MASK) === MARKER
    const options = isMarker ? 12 : 0
    if (isMarker === ((w1 & layout.RECORD_LEASE) === 0)) problems.push(`slot ${slot} holds half a lease`)
    const at8 = location * 8 + layout.RECORD_HEADER_BYTES + options
    const key = Buffer.from(memory.buffer, at8, length).toString('latin1')
    if (length === 0) problems.push(`slot ${slot} points at no record`)
    if ((w1 & layout.RECORD_DEAD) !== 0) problems.push(`slot ${slot} points at a dead record of ${key}`)
    const isOfNow = words[header(segment) + (Segment.world >> 2)] === control[Control.world >> 2]
    members.push({ key, isCurrent: isOfNow && !isMarker })
  }
  return members
}
