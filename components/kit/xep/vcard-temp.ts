// SPDX-License-Identifier: Apache-2.0
// XEP-0054: vcard-temp (1.3.0)
import type { Element } from '../xml/element.ts'
import { escapeText } from '../xml/writer.ts'

export const VCARD_TEMP = 'vcard-temp'

/** A person's card, as this and XEP-0292 write it. What is absent or empty is not written. */
export type Card = {
  name: string
  given?: string
  family?: string
  nick?: string
  /** The first is the preferred one. */
  mail?: readonly string[]
  phone?: readonly string[]
  company?: string
  /** Of the company, from the largest down. */
  units?: readonly string[]
  title?: string
  role?: string
  office?: string
  url?: string
  note?: string
  /** Bare. */
  jid?: string
  photo?: Photo
}

export type Photo = { type: 'image/png' | 'image/jpeg'; base64: string }

/** The element. */
export function writeVcardTemp(card: Card): string {
  const { photo, mail = [], phone = [], company = '', units = [] } = card
  return [
    `<vCard xmlns='${VCARD_TEMP}'>`,
    line('FN', card.name),
    around('N', [line('FAMILY', card.family), line('GIVEN', card.given)]),
    line('NICKNAME', card.nick),
    photo === undefined ? '' : `<PHOTO>${line('TYPE', photo.type)}${line('BINVAL', photo.base64)}</PHOTO>`,
    around('ADR', [line('EXTADD', card.office)], '<WORK/>'),
    ...phone.map((number) => around('TEL', [line('NUMBER', number)], '<WORK/><VOICE/>')),
    ...mail.map((address, index) =>
      around('EMAIL', [line('USERID', address)], `<WORK/><INTERNET/>${index === 0 ? '<PREF/>' : ''}`),
    ),
    line('JABBERID', card.jid),
    line('TITLE', card.title),
    line('ROLE', card.role),
    around('ORG', [line('ORGNAME', company), ...units.map((unit) => line('ORGUNIT', unit))]),
    line('URL', card.url),
    line('DESC', card.note),
    '</vCard>',
  ].join('')
}

/** The photo of a card as base64 without white space, with the type that the card names; null where it has none of its own bytes. */
export function readPhoto(vcard: Element): { type: string; base64: string } | null {
  const photo = vcard.getChild('PHOTO', VCARD_TEMP)
  const base64 = (photo?.getChildText('BINVAL', VCARD_TEMP) ?? '').replace(/\s+/g, '')
  return base64 === '' ? null : { type: photo?.getChildText('TYPE', VCARD_TEMP) ?? '', base64 }
}

function line(name: string, text = ''): string {
  return text === '' ? '' : `<${name}>${escapeText(text)}</${name}>`
}

function around(name: string, inside: readonly string[], before = ''): string {
  const text = inside.join('')
  return text === '' ? '' : `<${name}>${before}${text}</${name}>`
}
