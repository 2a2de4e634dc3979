// SPDX-License-Identifier: Apache-2.0
// Whether an account is switched off, and from when it will be without anybody writing to the directory.
import type { RawEntry } from './entry.ts'
import type { DisabledWhen } from './layout.ts'

/** `expiresAt`: UTC, milliseconds, in the future. */
export function disabledAt(
  entry: RawEntry,
  rules: readonly DisabledWhen[],
  now: number,
): { disabled: boolean; expiresAt?: number } {
  let first = Number.POSITIVE_INFINITY
  for (const rule of rules) {
    const values = (entry.attributes.get(rule.attribute.toLowerCase()) ?? []).map(({ latin1 }) => latin1.trim())
    if (rule.kind === 'expiry') first = Math.min(first, ...values.map((value) => expiryOf(value, rule.unit)))
    else if (values.some((value) => isSet(value, rule))) return { disabled: true }
  }
  if (first <= now) return { disabled: true }
  return Number.isFinite(first) ? { disabled: false, expiresAt: first } : { disabled: false }
}

function isSet(value: string, rule: Exclude<DisabledWhen, { kind: 'expiry' }>): boolean {
  if (rule.kind === 'bit') return /^-?\d{1,10}$/.test(value) && (Number(value) & rule.bit) !== 0
  return rule.values.length === 0 || rule.values.some((word) => word.toLowerCase() === value.toLowerCase())
}

/** 1601-01-01 in milliseconds since 1970, where FILETIME starts ([MS-DTYP] §2.3.3). */
const FILETIME_START = -11_644_473_600_000
const DAY_MS = 86_400_000

/** Infinity for what never comes and for what is no time. */
function expiryOf(value: string, unit: 'filetime' | 'days' | 'time'): number {
  const never = Number.POSITIVE_INFINITY
  if (unit === 'time') return generalizedTime(value) ?? never
  if (!/^\d{1,19}$/.test(value)) return never
  const number = Number(value)
  // [MS-ADA1] accountExpires: 0 and 0x7FFFFFFFFFFFFFFF never expire. shadow(5): a field that is empty or negative does not.
  if (unit === 'filetime') return number === 0 || number >= 2 ** 63 ? never : FILETIME_START + number / 10_000
  return number === 0 ? never : number * DAY_MS
}

/** RFC 4517 §3.3.13, as servers write it: UTC, seconds with or without a fraction. Null when it is none. */
export function generalizedTime(value: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,](\d{1,9}))?Z$/.exec(value)
  if (parts === null) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1, 7).map(Number)
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  return Number.isFinite(time) ? time + Math.floor(Number(`0.${parts[7] ?? '0'}`) * 1_000) : null
}
