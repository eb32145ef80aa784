export interface Effort {
  readonly random: number
  readonly priorities: number
  readonly once: number
  readonly twice: number
  readonly deaths: number
  readonly early: number
  readonly visits: number
  readonly milliseconds: number
}

export interface Result {
  readonly played: number
  readonly died: number
  readonly failure: { readonly schedule: unknown; readonly problems: readonly string[] } | undefined
}

export const efforts: { readonly short: Effort; readonly mutant: Effort; readonly soak: Effort }
export function campaign(stage: import('./stage.mjs').Stage, number: number, effort: Effort, seed: number): Result
