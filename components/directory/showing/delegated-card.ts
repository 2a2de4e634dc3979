// SPDX-License-Identifier: Apache-2.0
// vcard-temp, where a host lets this component answer for it (XEP-0355): as the directory has it now, and to each asker what he may see.
import type { Delegate, DelegatedIq } from '../../kit/privilege/privileges.ts'
import type { Catalogue } from '../../kit/text/catalogue.ts'
import { AVATAR_DATA } from '../../kit/xep/avatar.ts'
import { type Photo, VCARD_TEMP, writeVcardTemp } from '../../kit/xep/vcard-temp.ts'
import { bareOf, localOf, sameBare } from '../../kit/xmpp/jid.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import { type CardTable, cardOf } from '../domain/card.ts'
import type { ProvisionedPerson } from '../domain/provisioned.ts'
import type { DirectoryStore } from '../storage/directory-store.ts'
import { photoOf } from './account.ts'
import type { ForUser } from './for-user.ts'
import type { Searching } from './searching.ts'

export type CardDeskOptions = {
  store: DirectoryStore
  sightOf: Searching['sightOf']
  table: CardTable
  managerLine(name: string): string
  user: ForUser
  text: Pick<Catalogue, 'inAll'>
}

export function cardDelegate(options: CardDeskOptions): Delegate {
  return {
    namespace: VCARD_TEMP,
    order: 'arrival',
    answer(iq) {
      if (iq.type === 'set')
        throw new StanzaError('cancel', 'not-allowed', options.text.inAll('directory-card-not-yours'))
      return writeCardFor(options, iq)
    },
  }
}

async function writeCardFor(
  { store, sightOf, table, managerLine, user }: CardDeskOptions,
  { from, to }: DelegatedIq,
): Promise<string> {
  const jid = bareOf(to)
  const nothing = () => new StanzaError('cancel', 'item-not-found')
  if (localOf(jid) === '') throw nothing()
  const found = await store.read('cardAt', jid)
  // His own card is empty where the directory has none: RFC 6121 knows accounts that are no person's.
  if (found === null) {
    if (sameBare(from, jid)) return `<vCard xmlns='${VCARD_TEMP}'/>`
    throw nothing()
  }
  const person = JSON.parse(found.body) as ProvisionedPerson
  const see = await sightOf(from)
  const sight = sameBare(from, jid) ? 'all' : person.disabled ? 'nothing' : see(person)
  if (sight === 'nothing') throw nothing()
  if (sight === 'name') return writeVcardTemp({ name: person.name, jid })
  const above = found.manager === '' ? null : (JSON.parse(found.manager) as ProvisionedPerson)
  const manager = above === null || see(above) === 'nothing' ? null : managerLine(above.name)
  const photo = found.isOwnPicture ? await ownPicture(user, jid) : photoOf(found.face)
  return writeVcardTemp({ ...cardOf(person, manager, table), ...(photo !== null && { photo }) })
}

/** A picture that cannot be had just now is missing; the card is there. */
async function ownPicture(user: ForUser, jid: string): Promise<Photo | null> {
  try {
    const base64 = (await user.read(jid, AVATAR_DATA))?.payload?.getText().replace(/\s+/g, '') ?? ''
    return base64 === '' ? null : { type: 'image/png', base64 }
  } catch (error) {
    if (error instanceof StanzaError) return null
    throw error
  }
}
