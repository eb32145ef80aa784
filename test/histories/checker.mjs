// Decides whether what several threads did to one key can be put into one order: each operation at an instant between its begin and its
// end, each answer as a cache's would be at that instant. Touches nothing.
//
// The search is Wing and Gong's with Lowe's memory: take any operation that nothing unplaced precedes, apply it, go on; turn back where
// nothing fits, and never look at a configuration twice. The operations of a thread follow each other, so a configuration is one position
// per thread and the value. An entry may vanish at any instant (eviction); an operation that finds nothing is therefore always possible
// and leaves nothing, which needs no branching of its own.

const IMPOSSIBLE = -1

/** The value after the operation; IMPOSSIBLE when it cannot have answered so at this value. */
function apply(value, operation, { strict, vanishes, takesOver }) {
  const { kind, argument, result, done } = operation
  // Finding nothing is possible where nothing is, or where things may vanish. Below 0: nothing, and bound to the load of that number.
  const nothing = value <= 0 ? value : vanishes ? 0 : IMPOSSIBLE
  switch (kind) {
    case 'get':
      return result === 0 ? nothing : result === value ? value : IMPOSSIBLE
    case 'set':
      // What could not be kept leaves nothing older behind.
      return done ? argument : 0
    case 'add':
      if (done) return nothing === IMPOSSIBLE ? IMPOSSIBLE : argument
      return value <= 0 && strict ? IMPOSSIBLE : value
    case 'update':
      // What could not be kept takes whatever is there with it, or finds that nothing is.
      if (!done) return 0
      if (result === 0) return nothing === IMPOSSIBLE ? IMPOSSIBLE : argument
      return result === value ? argument : IMPOSSIBLE
    case 'delete':
      if (result === 0) return nothing === IMPOSSIBLE ? IMPOSSIBLE : 0
      return value <= 0 ? IMPOSSIBLE : 0
    case 'take':
      if (result === 0) return nothing === IMPOSSIBLE ? IMPOSSIBLE : 0
      return value === result ? 0 : IMPOSSIBLE
    case 'increment':
      if (!done) return value
      if (result === argument && nothing !== IMPOSSIBLE) return result
      return value > 0 && value + argument === result ? result : IMPOSSIBLE
    case 'clear':
      return 0
    case 'lease':
      // Refused where something is, or another load runs; what is bound does not vanish.
      if (result === 0) return value !== 0 || vanishes ? value : IMPOSSIBLE
      if (value < 0 && !takesOver) return IMPOSSIBLE
      return nothing === IMPOSSIBLE ? IMPOSSIBLE : -argument
    case 'fill':
      if (done) return value === -argument ? argument : IMPOSSIBLE
      return value === -argument ? IMPOSSIBLE : value
  }
}

/** One list of operations per thread, each in the order of execution. The key is absent at first. */
export function check(threads, rules) {
  const total = threads.reduce((sum, operations) => sum + operations.length, 0)
  const seen = new Set()
  const stack = [{ positions: threads.map(() => 0), value: 0 }]
  let furthest = -1
  let deepest = stack[0]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const placed = at.positions.reduce((sum, position) => sum + position, 0)
    if (placed > furthest) {
      furthest = placed
      deepest = at
    }
    if (placed === total) return { linearizable: true, stuckAt: [], value: at.value, configurations: seen.size }
    for (const next of successors(threads, at, rules)) {
      const name = `${next.value}:${next.positions.join()}`
      if (seen.has(name)) continue
      seen.add(name)
      stack.push(next)
    }
  }
  const stuckAt = threads.flatMap((operations, thread) => {
    const position = deepest.positions[thread]
    return operations.slice(Math.max(0, position - 1), position + 1)
  })
  return { linearizable: false, stuckAt, value: deepest.value, configurations: seen.size }
}

function successors(threads, at, rules) {
  const heads = threads.map((operations, thread) => operations[at.positions[thread]])
  // Whatever begins after another one's end comes after it.
  const limit = Math.min(...heads.map((operation) => operation?.end ?? Number.POSITIVE_INFINITY))
  const order = heads.map((_, thread) => thread).filter((thread) => (heads[thread]?.begin ?? Infinity) < limit)
  // The one that ended first is tried first: it is pushed last.
  order.sort((a, b) => heads[b].end - heads[a].end)
  const next = []
  for (const thread of order) {
    const value = apply(at.value, heads[thread], rules)
    if (value === IMPOSSIBLE) continue
    next.push({ positions: at.positions.map((position, index) => position + (index === thread ? 1 : 0)), value })
  }
  return next
}

/** One line a fault, for people. */
export function describe(operation) {
  const { kind, thread, argument, result, done, begin, end } = operation
  return `thread ${thread} [${begin}, ${end}] ${kind}(${argument}) → ${result}${done ? '' : ' not kept'}`
}
