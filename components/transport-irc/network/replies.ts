// SPDX-License-Identifier: Apache-2.0
// What refusals of servers mean: numerics (RFC 1459, RFC 2812, Modern IRC, InspIRCd, ngircd, hybrid) and codes of FAIL (IRCv3).
import { IrcFault, type IrcReason } from './irc.ts'
import type { Line } from './wire/line.ts'

const NUMERICS: Readonly<Record<string, IrcReason>> = {
  '263': 'busy',
  '401': 'no-such-person',
  '402': 'no-such-person',
  '403': 'no-such-room',
  '404': 'not-allowed',
  '405': 'too-many',
  '406': 'no-such-person',
  '407': 'too-many',
  '408': 'not-allowed',
  '411': 'other',
  '412': 'other',
  '413': 'not-allowed',
  '416': 'too-many',
  '417': 'too-long',
  '421': 'unsupported',
  '431': 'nick-invalid',
  '432': 'nick-invalid',
  '433': 'nick-taken',
  '435': 'not-allowed',
  '436': 'nick-taken',
  '437': 'nick-reserved',
  '438': 'busy',
  '439': 'busy',
  '440': 'down',
  '441': 'not-there',
  '442': 'not-there',
  '443': 'other',
  '447': 'not-allowed',
  '448': 'no-such-room',
  '461': 'other',
  '464': 'password',
  '465': 'banned',
  '467': 'other',
  '470': 'other',
  '471': 'full',
  '472': 'unsupported',
  '473': 'members-only',
  '474': 'banned',
  '475': 'password',
  '476': 'no-such-room',
  '477': 'login',
  '478': 'full',
  '479': 'no-such-room',
  '480': 'busy',
  '481': 'not-allowed',
  '482': 'not-allowed',
  '484': 'not-allowed',
  '485': 'not-allowed',
  '486': 'login',
  '489': 'protection',
  '492': 'not-allowed',
  '494': 'not-allowed',
  '495': 'busy',
  '499': 'not-allowed',
  '500': 'busy',
  '501': 'unsupported',
  '502': 'not-allowed',
  '520': 'not-allowed',
  '524': 'other',
  '531': 'not-allowed',
  '696': 'other',
  '707': 'too-many',
  '716': 'not-allowed',
  '723': 'not-allowed',
  '742': 'not-allowed',
  '743': 'other',
  '902': 'login',
  '903': 'login',
  '904': 'login',
  '905': 'login',
  '906': 'login',
  '907': 'login',
  '926': 'banned',
  '937': 'not-allowed',
  '972': 'not-allowed',
}

const CODES: Readonly<Record<string, IrcReason>> = {
  ACCOUNT_EXISTS: 'nick-reserved',
  ACCOUNT_REQUIRED: 'login',
  ACCOUNT_REQUIRED_TO_CONNECT: 'login',
  CANNOT_SEND: 'not-allowed',
  INVALID_TARGET: 'no-such-person',
  INVALID_UTF8: 'unreadable',
  MESSAGE_ERROR: 'other',
  MULTILINE_MAX_BYTES: 'too-long',
  MULTILINE_MAX_LINES: 'too-long',
  NEED_MORE_PARAMS: 'other',
  REDACT_FORBIDDEN: 'not-allowed',
  REDACT_WINDOW_EXPIRED: 'not-allowed',
  TEMPORARILY_UNAVAILABLE: 'busy',
  UNKNOWN_COMMAND: 'unsupported',
  UNKNOWN_MSGID: 'not-there',
}

/** Null: no refusal. The words of the server, and what of the line before them says what it is about. */
/** Before anybody is let in servers say why not in words only (Modern IRC: ERROR), InspIRCd, ngIRCd and ircd-hybrid each in their own. */
const REJECTED: readonly [RegExp, IrcReason][] = [
  [/throttl|too (?:fast|many|often)|reconnect|flood/i, 'down'],
  [/\b[dgkqz][-: ]?lined?\b|\bbanned\b/i, 'banned'],
  [/password|access denied|not authori[sz]ed|webirc/i, 'access'],
]

/** What ERROR says. */
export function farewellOf(text: string, wasUp: boolean): IrcFault {
  const rejected = wasUp ? undefined : REJECTED.find(([words]) => words.test(text))
  return IrcFault.said(rejected?.[1] ?? 'down', text, 'ERROR')
}

export function readRefusal(
  line: Line,
): { reason: IrcReason; code: string; text: string; about: readonly string[] } | null {
  const { command, params } = line
  const text = params.at(-1) ?? ''
  if (command === 'FAIL') {
    const code = params[1] ?? ''
    return {
      reason: Object.hasOwn(CODES, code) ? (CODES[code] ?? 'other') : 'other',
      code,
      text,
      about: [params[0] ?? '', ...params.slice(2, -1)],
    }
  }
  const refuses =
    command === '263' ||
    ((command[0] === '4' || command[0] === '5') && command !== '422') ||
    NUMERICS[command] !== undefined
  if (!refuses || command === '903') return null
  return { reason: NUMERICS[command] ?? 'other', code: command, text, about: params.slice(1, -1) }
}
