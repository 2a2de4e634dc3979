// SPDX-License-Identifier: Apache-2.0
// A record as a mail, RFC 5322: its text to be read, its stanzas and everything else as attachments.
import type { Row } from './row.ts'

/** `row`: as writeRecord gives it. The same record gives the same bytes. Lines end as RFC 5322 wants. */
export function writeMail(row: Row): string {
  const text = (name: string) => (row[name] === null || row[name] === undefined ? '' : String(row[name]))
  const id = text('full_id')
  const boundary = `=_gatehouse_${id}`
  const parts = [
    part('text/plain; charset=utf-8', '', bodyOf(row)),
    ...stanzasOf(row).map(([name, stanza]) => part('application/xml; charset=utf-8', name, stanza)),
    part('application/json', 'record.json', `${JSON.stringify(row)}\n`),
  ]
  const about = (row.about as { id?: string; target?: string }[] | undefined) ?? []
  const headers = [
    ['From', mailbox(text('from'))],
    ['To', mailbox(text('to'))],
    ['Date', dateOf(text('at') || text('recorded_at'))],
    ['Subject', word(`${text('what')}: ${text('from') || '-'} -> ${text('to') || '-'}`)],
    ['Message-ID', `<${id}@gatehouse.invalid>`],
    ['X-Gatehouse-Id', text('id')],
    ['X-Gatehouse-Settlement', text('settlement')],
    ['X-Gatehouse-Verdict', text('verdict')],
    ['X-Gatehouse-Rule', word(text('rule'))],
    ['X-Gatehouse-Tags', word(Array.isArray(row.tags) ? row.tags.join(', ') : '')],
    ['X-Gatehouse-From-Identity', word(text('from_identity'))],
    ['X-Gatehouse-To-Identity', word(text('to_identity'))],
    ['X-Gatehouse-From-Person', word(personOf(row.from_person))],
    ['X-Gatehouse-To-Person', word(personOf(row.to_person))],
    ['X-Gatehouse-Network', word(foreignOf(row))],
    ['X-Gatehouse-SHA256', text('sha256')],
    ...about.map(({ id: known, target }) => ['X-Gatehouse-About', word(known ?? target ?? '')]),
    ['Auto-Submitted', 'auto-generated'],
    ['MIME-Version', '1.0'],
    ['Content-Type', `multipart/mixed; boundary="${boundary}"`],
  ].filter(([, value]) => value !== '')
  const head = headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')
  return `${head}\r\n\r\n${parts.map((one) => `--${boundary}\r\n${one}`).join('')}--${boundary}--\r\n`
}

/** Name and department at that moment. */
function personOf(value: unknown): string {
  const { name, department } = (value ?? {}) as { name?: string; department?: string | null }
  return [name, department].filter(Boolean).join(', ')
}

function foreignOf({ network, foreign }: Row): string {
  const { server, nick, account, identity } = (foreign ?? {}) as Record<string, string | null>
  return [network, server, nick, account, identity].filter(Boolean).join(', ')
}

function bodyOf(row: Row): string {
  const lines = [row.text, row.replacement_text === null ? null : `\n${row.replacement_text}`]
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`
}

/** One of each try, and what took its place. */
function stanzasOf(row: Row): [name: string, stanza: string][] {
  const tries = (row.tries as { try: number; stanza: string; replacement: string | null }[] | undefined) ?? []
  return tries.flatMap(({ try: number, stanza, replacement }): [string, string][] => [
    ...(stanza ? [[`stanza-${number}.xml`, stanza] as [string, string]] : []),
    ...(replacement ? [[`replacement-${number}.xml`, replacement] as [string, string]] : []),
  ])
}

function part(type: string, name: string, content: string): string {
  const named = name === '' ? '' : `Content-Disposition: attachment; filename="${name}"\r\n`
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  return `Content-Type: ${type}\r\n${named}Content-Transfer-Encoding: base64\r\n\r\n${lines.join('\r\n')}\r\n`
}

const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const DOMAIN = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/

/** The address as it stands for people, and as a mail address where it can be one. */
function mailbox(jid: string): string {
  if (jid === '') return 'undisclosed-recipients:;'
  const [bare = ''] = jid.split('/')
  const at = bare.lastIndexOf('@')
  const local = at < 0 ? 'host' : bare.slice(0, at)
  const domain = bare.slice(at + 1)
  const shown = encoded(jid)
  if (!DOMAIN.test(domain)) return `${shown} <unknown@gatehouse.invalid>`
  return `${shown} <${DOT_ATOM.test(local) ? local : encodeURIComponent(local).replaceAll("'", '%27')}@${domain}>`
}

/** RFC 2047; short plain text as it is. */
function word(text: string): string {
  return /^[\x20-\x3e\x40-\x7e]{0,200}$/.test(text) && !text.includes('=?') ? text.trim() : encoded(text)
}

function encoded(text: string): string {
  const words: string[] = []
  let bytes = 0
  let piece = ''
  for (const character of text.toWellFormed()) {
    const size = Buffer.byteLength(character)
    if (bytes + size > 42) {
      words.push(piece)
      piece = ''
      bytes = 0
    }
    piece += character
    bytes += size
  }
  words.push(piece)
  return words.map((one) => `=?UTF-8?B?${Buffer.from(one).toString('base64')}?=`).join('\r\n ')
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function dateOf(iso: string): string {
  const date = new Date(iso)
  const two = (number: number) => String(number).padStart(2, '0')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  const day = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`
  return `${day} ${String(date.getUTCFullYear()).padStart(4, '0')} ${time} +0000`
}
