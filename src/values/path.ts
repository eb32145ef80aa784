// Names the place inside a value that cannot be stored. Touches nothing.

/** A step into a Map or Set, which have no property to name. */
export interface InnerStep {
  readonly inside: 'map key' | 'map value' | 'set member'
  readonly at: unknown
}

/** A property name, an index, or a step into a Map or Set. */
export type Step = string | number | InnerStep

/** For example `value.users[3]["odd key"]`. */
export function describePath(steps: readonly Step[]): string {
  // A value nested hundreds of levels deep (a cycle would be no fault) needs no page for its path.
  const shown = steps.length > 40 ? [...steps.slice(0, 20), '…', ...steps.slice(-5)] : steps
  return `value${shown.map(describeStep).join('')}`
}

function describeStep(step: Step): string {
  if (typeof step === 'number') return `[${step}]`
  if (typeof step === 'object') return `<${step.inside} ${describeMember(step.at)}>`
  return /^[\p{L}_$…][\p{L}\p{N}_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

function describeMember(member: unknown): string {
  if (typeof member === 'string') return JSON.stringify(member.length > 40 ? `${member.slice(0, 37)}…` : member)
  if (typeof member === 'symbol' || typeof member === 'function') return `of type ${typeof member}`
  return typeof member === 'object' && member !== null ? 'of type object' : String(member)
}
