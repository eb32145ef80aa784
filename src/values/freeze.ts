// Freezes a decoded value as a whole, or not at all. Touches only the value it is given, which must be this thread's own copy.

/** Deep-freezes plain objects and arrays; leaves the value as it is when anything in it cannot be frozen. */
export function freezeIfPlain(value: unknown): boolean {
  const found = new Set<object>()
  if (!collect(value, found)) return false
  for (const object of found) Object.freeze(object)
  return true
}

function collect(value: unknown, found: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || found.has(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return false
  found.add(value)
  for (const member of Object.values(value)) if (!collect(member, found)) return false
  return true
}
