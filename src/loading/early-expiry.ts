// Decides which of many callers renews an entry shortly before it expires, so that not all of them find it gone at once (XFetch, "optimal
// probabilistic cache stampede prevention"). Pure functions; touch nothing.

/**
 * Whether an entry that is fresh for another `freshFor` milliseconds and took `cost` milliseconds to load should be renewed by this caller
 * now. The longer a load takes and the more callers ask, the earlier one of them does; `beta` above 1 makes it earlier. `random` is
 * uniform in [0, 1).
 */
export function expiresEarly(freshFor: number, cost: number, beta: number, random: number): boolean {
  if (!(cost > 0) || freshFor === Infinity) return false
  // 1 − random is never 0, whose logarithm would renew everything at once.
  return -Math.log(1 - random) * beta * cost >= freshFor
}

/** Shortens a time to live by a random share of up to `share`: only ever shorter, nothing lives longer than was asked for. */
export function jittered(ttl: number, share: number, random: number): number {
  return share === 0 || ttl <= 1 ? ttl : Math.max(1, Math.ceil(ttl * (1 - random * share)))
}
