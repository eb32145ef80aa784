// The methods of Buffer that work natively and allocate no view in between; Node has them, its types do not.

export interface StringBuffer extends Uint8Array {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
  utf8Write(text: string, offset: number, length: number): number
  ucs2Write(text: string, offset: number, length: number): number
  fill(value: number | Uint8Array, start?: number, end?: number): this
}
