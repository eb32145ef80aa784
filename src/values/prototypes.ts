// Tells instances of the built-in classes of any realm (vm contexts, test runners) from instances of other classes, by their
// prototype. Touches nothing and runs no code of the value, except the traps of a proxy.

const functionSource = Function.prototype.toString

/**
 * Whether `prototype` is the prototype object of the built-in class `name`, of this realm (`own`) or another one. Only a native
 * constructor's source text reads `function Name() { [native code] }`, bound functions have no name in theirs.
 */
export function isBuiltInPrototype(prototype: object | null, name: string, own: object): boolean {
  if (prototype === own) return true
  if (prototype === null) return false
  const maker = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  if (typeof maker !== 'function' || maker.prototype !== prototype) return false
  return functionSource.call(maker) === `function ${name}() { [native code] }`
}

/** Whether it is an `Object.prototype` of any realm. */
export function isObjectPrototype(prototype: object): boolean {
  if (prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && isBuiltInPrototype(prototype, 'Object', Object.prototype)
}

/** The name of a value's class for messages; never runs getters. */
export function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (typeof prototype !== 'object' || prototype === null) return 'object'
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'an unnamed class'
}
