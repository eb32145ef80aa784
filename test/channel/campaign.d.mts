export type Built = Readonly<Record<string, unknown>>
export function load(folder: string): Promise<Built>
export function tell(built: Built, seed: number, steps?: number): Promise<string[]>
