// SPDX-License-Identifier: Apache-2.0
// What people see beside their rosters: search, cards, photos, rooms.
import type { Holds, Words } from '../kit/process/words.ts'
import { parseJid } from '../kit/xmpp/jid.ts'
import { CARD_FIELDS, type CardTable, DEFAULT_CARD, PERSON_ATTRIBUTES } from './domain/card.ts'
import type { ShowingSettings } from './showing/showing.ts'

const FIELD = new RegExp(`^(${CARD_FIELDS.join('|')})$`)
const SIGHTS = ['nothing', 'name'] as const

export function showingFields(words: Words) {
  return {
    language: words.choice(['en', 'de'], { default: 'en', about: 'Of the words on cards and in names of rooms.' }),
    search: words.group({
      outsiders: words.choice(SIGHTS, { default: 'nothing', about: 'What people of other servers may see of others.' }),
      unknown: words.choice(['outsiders', 'colleagues'], {
        default: 'outsiders',
        about: 'What accounts of our hosts are of which the directory knows nothing.',
      }),
      walled_off: words.choice(SIGHTS, { default: 'nothing', about: 'What one side of a wall sees of the other.' }),
      hidden_groups: words.list(words.text({}), { default: [], atMost: 1_000 }),
      most: words.whole({ min: 1, max: 1_000, default: 100 }),
    }),
    cards: words.group({
      publish: words.choice(['yes', 'no'], { default: 'yes' }),
      readable_by: words.choice(['contacts', 'everybody'], { default: 'contacts' }),
      fields: words.map(words.list(words.choice(PERSON_ATTRIBUTES, {}), { atMost: PERSON_ATTRIBUTES.length }), {
        key: FIELD,
        wanted: { id: 'directory-wanted-card-field' },
      }),
    }),
    photos: words.group({
      publish: words.choice(['yes', 'no'], { default: 'yes' }),
      own: words.choice(['wins', 'loses'], { default: 'wins' }),
      most_pixels: words.whole({ min: 10_000, max: 100_000_000, default: 20_000_000 }),
    }),
    rooms: words.group({
      service: words.maybe(words.text({ about: 'Domain of the rooms; without it there are none.' })),
      groups: words.list(words.text({}), { default: [], atMost: 1_000 }),
      name: words.text({ default: '{name}' }),
      subject: words.text({ default: '{description}' }),
      bookmarks: words.choice(['autojoin', 'yes', 'no'], { default: 'yes' }),
    }),
    publish_per_second: words.whole({ min: 1, max: 10_000, default: 200 }),
  }
}

type Said = { [K in keyof ReturnType<typeof showingFields>]: Holds<{ it: ReturnType<typeof showingFields>[K] }>['it'] }

/** `largest`: bytes of the largest photo that any directory gives. */
export function showingSettings(
  { language, search, cards, photos, rooms, publish_per_second }: Said,
  largest: number,
  tell: (path: (string | number)[], id: string) => void,
): ShowingSettings {
  const service = rooms.service?.toLowerCase()
  const jid = service === undefined ? null : parseJid(service)
  if (service !== undefined && (jid === null || jid.local !== '' || jid.resource !== ''))
    tell(['rooms', 'service'], 'directory-wanted-room-service')
  if (service === undefined && rooms.groups.length > 0) tell(['rooms', 'service'], 'directory-wanted-room-service')
  return {
    language,
    search: {
      outsiders: search.outsiders,
      unknown: search.unknown,
      walledOff: search.walled_off,
      hidden: search.hidden_groups,
      most: search.most,
    },
    cards: cards.publish === 'no' ? null : { table: tableOf(cards.fields), readableBy: cards.readable_by },
    photos:
      photos.publish === 'no' || largest === 0
        ? null
        : { ownWins: photos.own === 'wins', mostBytes: largest, mostPixels: photos.most_pixels },
    rooms:
      service === undefined
        ? null
        : { service, groups: rooms.groups, name: rooms.name, subject: rooms.subject, bookmarks: rooms.bookmarks },
    perSecond: publish_per_second,
  }
}

/** A field that is named holds what is said, in that order; the others what they hold by default. */
function tableOf(said: Said['cards']['fields']): CardTable {
  return CARD_FIELDS.flatMap((field) => {
    const attributes = said[field]
    if (attributes !== undefined) return attributes.map((attribute) => ({ attribute, field }))
    return DEFAULT_CARD.filter((one) => one.field === field)
  })
}
