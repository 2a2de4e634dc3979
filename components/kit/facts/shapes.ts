// SPDX-License-Identifier: Apache-2.0
// What a field of a fact, or of an item of a snapshot, may be.

export type Shape = { wanted: string; fits(value: unknown): boolean }

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

export const text = shape('a text', (value) => typeof value === 'string')
export const word = shape('a text that is not empty', (value) => typeof value === 'string' && value !== '')
export const number = shape('a whole number from 0', (value) => Number.isSafeInteger(value) && Number(value) >= 0)
export const time = shape(
  'a time (RFC 3339, UTC, milliseconds)',
  (value) => typeof value === 'string' && TIME.test(value),
)
export const texts = shape('a list of texts', (value) => Array.isArray(value) && value.every(text.fits))
/** By name. */
export const namedTexts = shape(
  'an object of texts',
  (value) => isObject(value) && Object.values(value).every(text.fits),
)

export function shape(wanted: string, fits: (value: unknown) => boolean): Shape {
  return { wanted, fits }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
