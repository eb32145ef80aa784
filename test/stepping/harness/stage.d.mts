export interface Scenario {
  readonly name: string
}

export const scenarios: readonly Scenario[]

export class Stage {
  static open(edits?: readonly (readonly [file: string, find: string | RegExp, by: string])[]): Promise<Stage>
  close(): Promise<void>
  play(
    number: number,
    schedule: unknown,
  ): { readonly problems: readonly string[]; readonly steps: readonly number[]; readonly died: boolean }
}
