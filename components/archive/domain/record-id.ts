// SPDX-License-Identifier: Apache-2.0
// The name of a record among people: the start of its source and its number, 9d0c5a11-4711; what the server itself
// originated has a number made from its contents instead, 9d0c5a11-o88194712003456.

export type RecordName = { source: string; n: number }

/** Shown with the shortest start of the source that was nobody else's when the source was first heard of; 8 at least. */
export const SHORTEST = 8

export function writeRecordId(source: string, n: number): string {
  return n < 0 ? `${source}-o${-n}` : `${source}-${n}`
}

/** `source` may be a start of the source's id; null when the text is no record id. */
export function readRecordId(text: string): RecordName | null {
  const parts = /^([0-9a-z]{8,64})-(o?)([0-9]{1,15})$/.exec(text.trim().toLowerCase())
  if (!parts?.[1]) return null
  const number = Number(parts[3])
  return { source: parts[1], n: parts[2] ? -number : number }
}
