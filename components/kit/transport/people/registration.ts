// SPDX-License-Identifier: Apache-2.0
// Registering with the gateway, changing it, and leaving it: XEP-0077 as XEP-0100 §4 wants it.
import type { Iq, IqRoute } from '../../router/router.ts'
import type { Catalogue } from '../../text/catalogue.ts'
import type { Field } from '../../xep/data-forms.ts'
import { REGISTER, type RegistrationRequest, readRegistration, writeRegistration } from '../../xep/registration.ts'
import { bareOf } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Address } from '../address.ts'
import type { Network } from '../network.ts'
import type { Keep, LoginChange, PersonLogins } from './keep.ts'

/** `address`: of the gateway or of the network, with which he registered: it is the one whose presence he gets. */
export type Registration = { address: string; since: string }

export type RegistrationOptions = {
  network: Network
  /** Names of networks to choose from; the first one is meant where none is named. */
  networks: readonly string[]
  keep: Keep
  logins: PersonLogins
  read(address: string): Address | null
  /** Null: he may. Else why not. */
  mayUse(owner: string): Readonly<Record<string, string>> | string | null
  text: Catalogue
  now(): number
  /** Registered for the first time, or changed what he logs in with. */
  registered(owner: string, network: string, address: string, isNew: boolean): void
  /** Before anything of it is forgotten. */
  leaving(owner: string, network: string, address: string): Promise<void>
}

export type Registrations = {
  routes: readonly IqRoute[]
  of(owner: string, network: string): Registration | null
  /** Networks with which he is registered, with the addresses. */
  all(owner: string): readonly { network: string; address: string }[]
  everybody(): readonly { owner: string; network: string; address: string }[]
  remove(owner: string, network: string): Promise<void>
}

export function openRegistrations(options: RegistrationOptions): Registrations {
  const { network, networks, keep, logins, read, mayUse, text, now } = options

  function only(iq: Iq): { owner: string; address: string; named: string | null } {
    const to = read(iq.to)
    if (to === null || (to.kind !== 'gateway' && to.kind !== 'network') || to.resource !== '')
      throw new StanzaError('cancel', 'service-unavailable')
    const owner = bareOf(iq.from)
    const why = mayUse(owner)
    if (why !== null) throw new StanzaError('auth', 'forbidden', why)
    const named = to.kind === 'network' ? to.network : network.only
    if (named !== null && network.refuses(named) !== null)
      throw new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-unknown-network'))
    return { owner, address: bareOf(iq.to), named }
  }

  const find = (owner: string, of: string) => keep.read<Registration>('registration', nameOf(owner, of))
  /** Addresses by owner and network: asked for at each presence of each of our people. */
  const known = new Map<string, Map<string, string>>()
  for (const { name, body } of keep.list<Registration>('registration')) {
    const [owner = '', of = ''] = name.split(' ')
    knownOf(owner).set(of, body.address)
  }

  function knownOf(owner: string): Map<string, string> {
    const own = known.get(owner) ?? new Map<string, string>()
    known.set(owner, own)
    return own
  }

  async function form(iq: Iq): Promise<string> {
    const { owner, named } = only(iq)
    const of = named ?? firstOf(owner)
    const { nick, account, name, hasSecret } = await logins.shown(owner, of)
    const say = (id: string, args: Record<string, string> = {}) => text.say(id, iq.language, args)
    const choice: Field[] =
      named !== null || networks.length < 2
        ? []
        : [
            {
              type: 'list-single',
              var: 'network',
              label: say('kit-transport-register-network'),
              values: [of],
              options: networks.map((one) => ({ label: one, value: one })),
            },
          ]
    const line = (name: string, label: string, value: string | null): Field => {
      return { type: 'text-single', var: name, label, ...(value === null ? {} : { values: [value] }) }
    }
    return writeRegistration({
      title: say('kit-transport-register-title', { network: of }),
      instructions: say('kit-transport-register-instructions', { network: of }),
      isRegistered: find(owner, of) !== null,
      fields: [
        ...choice,
        line('nick', say('kit-transport-register-nick'), nick),
        line('username', say('kit-transport-register-account'), account),
        {
          type: 'text-private',
          var: 'password',
          label: say(hasSecret ? 'kit-transport-register-password-kept' : 'kit-transport-register-password'),
        },
        line('name', say('kit-transport-register-name'), name),
      ],
    })
  }

  function firstOf(owner: string): string {
    const of = all(owner)[0]?.network ?? networks[0]
    if (of === undefined) throw new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-unknown-network'))
    return of
  }

  async function take(iq: Iq): Promise<string> {
    const request = readRegistration(iq.payload)
    // Who may not use it any more may still leave it.
    if (request.kind === 'remove') return await leave(iq)
    const { owner, address, named } = only(iq)
    const of = named ?? networkOf(request, owner)
    const change = changeOf(request, of)
    if ((await logins.set(owner, of, change)) === 'no-key')
      throw new StanzaError('cancel', 'not-acceptable', text.inAll('kit-transport-no-key'))
    const isNew = find(owner, of) === null
    const since = find(owner, of)?.since ?? new Date(now()).toISOString()
    await keep.set('registration', nameOf(owner, of), { address, since } satisfies Registration)
    knownOf(owner).set(of, address)
    options.registered(owner, of, address, isNew)
    return ''
  }

  function networkOf({ values }: Extract<RegistrationRequest, { kind: 'submit' }>, owner: string): string {
    const said = values.get('network')?.trim().toLowerCase() ?? ''
    const of = said === '' ? firstOf(owner) : said
    if (network.refuses(of) !== null)
      throw new StanzaError('modify', 'not-acceptable', text.inAll('kit-transport-unknown-network'))
    return of
  }

  /** A blank field takes a part away, but for the password: nobody is shown it, so nobody can leave it as it stands. */
  function changeOf({ values }: Extract<RegistrationRequest, { kind: 'submit' }>, of: string): LoginChange {
    const said = (name: string) => {
      const value = values.get(name)
      return value === undefined ? undefined : value.trim() === '' ? null : value.trim()
    }
    const parts = { nick: said('nick'), account: said('username'), name: said('name') }
    for (const part of Object.values(parts))
      if (part !== null && part !== undefined && (part.length > 200 || /\p{Cc}/u.test(part)))
        throw new StanzaError('modify', 'not-acceptable', text.inAll('kit-transport-register-bad'))
    const wrong = parts.nick === null || parts.nick === undefined ? null : network.wrongNick(of, parts.nick)
    if (wrong !== null) throw new StanzaError('modify', 'not-acceptable', wrong)
    const secret = values.get('password') ?? ''
    return {
      ...Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)),
      ...(secret === '' ? {} : { secret }),
      // Without an account there is nothing to log in to.
      ...(parts.account === null && secret === '' ? { secret: null } : {}),
    }
  }

  async function leave(iq: Iq): Promise<string> {
    const to = read(iq.to)
    const owner = bareOf(iq.from)
    const address = bareOf(iq.to)
    const own = all(owner).filter(
      (one) => one.address === address || (to?.kind === 'network' && one.network === to.network),
    )
    if (own.length === 0)
      throw new StanzaError('auth', 'registration-required', text.inAll('kit-transport-not-registered'))
    for (const one of own) await remove(owner, one.network)
    return ''
  }

  async function remove(owner: string, of: string): Promise<void> {
    const registration = find(owner, of)
    if (registration === null) return
    await options.leaving(owner, of, registration.address)
    await logins.set(owner, of, {
      nick: null,
      account: null,
      secret: null,
      certificate: null,
      name: null,
      afterwards: null,
    })
    await keep.set('registration', nameOf(owner, of), null)
    const own = knownOf(bareOf(owner))
    own.delete(of)
    if (own.size === 0) known.delete(bareOf(owner))
  }

  function all(owner: string) {
    return [...(known.get(bareOf(owner)) ?? [])].map(([of, address]) => ({ network: of, address }))
  }

  function everybody() {
    return [...known.keys()].flatMap((owner) => all(owner).map((one) => ({ owner, ...one })))
  }

  return {
    routes: [
      { type: 'get', namespace: REGISTER, name: 'query', order: 'sender', answer: form },
      { type: 'set', namespace: REGISTER, name: 'query', order: 'sender', answer: take },
    ],
    of: find,
    all,
    everybody,
    remove,
  }
}

/** Neither holds a blank. */
function nameOf(owner: string, network: string): string {
  return `${bareOf(owner)} ${network}`
}
