// Which schedules are played. Each is a plain object that `Stage.play` understands and that can be printed and played again.

/** Any thread may be interrupted anywhere: often, now and then, or rarely. */
export function random(seed) {
  return { mode: 'random', seed, odds: [2, 6, 20, 80][seed % 4], first: seed % 2 }
}

/** Few changes at random places, between threads of random priority (Burckhardt et al.'s probabilistic concurrency testing). */
export function priorities(seed, threads, length) {
  const dice = stream(seed)
  const order = Array.from({ length: threads }, () => 1 + dice(1000))
  const changes = Array.from({ length: 1 + dice(3) }, () => [1 + dice(length), 0])
  return { mode: 'priorities', seed, priorities: order, changes, first: dice(threads) }
}

/** Each thread is interrupted once, at each of its first steps; the others then run to their ends. */
export function* early(threads, steps) {
  for (let first = 0; first < threads; first++) {
    for (let step = 1; step <= steps; step++) {
      for (let to = 0; to < threads; to++) if (to !== first) yield { mode: 'changes', first, changes: [[step, to]] }
    }
  }
}

/** One thread is interrupted by a few steps of another one, which then stands still: until the end, or for a while. */
export function visit(seed, threads, length) {
  const dice = stream(seed)
  const first = dice(threads)
  const guest = (first + 1 + dice(threads - 1)) % threads
  const step = 1 + dice(length)
  const changes = [
    [step, guest],
    [step + 1 + dice(16), first],
  ]
  if (dice(4) !== 0) changes.push([changes[1][0] + 1 + dice(150), guest])
  return { mode: 'changes', first, changes }
}

/** The same schedule with a death in it. */
export function dying(schedule, thread, step) {
  return { ...schedule, death: { thread, step } }
}

/** All schedules with exactly one interruption, or two; beginning with each thread. */
export function* interrupted(threads, length, times, stride = 1) {
  for (let first = 0; first < threads; first++) {
    for (let step = 1; step <= length; step += stride) {
      for (let to = 0; to < threads; to++) {
        if (times === 1) yield { mode: 'changes', first, changes: [[step, to]] }
        else {
          for (let second = step + 1; second <= length; second += stride) {
            for (let back = 0; back < threads; back++) {
              if (back !== to)
                yield {
                  mode: 'changes',
                  first,
                  changes: [
                    [step, to],
                    [second, back],
                  ],
                }
            }
          }
        }
      }
    }
  }
}

function stream(seed) {
  let state = Math.imul(seed + 1, 0x85ebca6b) | 1
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
}
