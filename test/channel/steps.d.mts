import type { Built } from './campaign.mjs'
export interface Opened {
  readonly built: Built
  discard(): void
}
export function open(edits?: readonly (readonly [file: string, find: string, by: string])[]): Promise<Opened>
export const scenarios: Readonly<Record<string, (built: Built) => Promise<{ problems: string[]; steps: number }>>>
