// SPDX-License-Identifier: Apache-2.0
// What people log in with on networks. Passwords and keys are sealed before they reach the disk; without a key none are taken.
import type { LoginChange, PersonLogins } from '../kit/transport/people/keep.ts'
import type { Seal } from '../kit/transport/secrets.ts'
import type { LoginShown, Logins } from './desk.ts'
import { type Memory, placeOf } from './storage/memory.ts'

/** `sealed`: JSON of what is secret. */
type Kept = {
  nick?: string
  account?: string
  name?: string
  afterwards?: readonly string[]
  hasSecret?: boolean
  hasCertificate?: boolean
  sealed?: string
}

type Sealed = { secret?: string; certificate?: { key: string; cert: string } }

export type OpenLogins = Logins & Pick<PersonLogins, 'login'>

/** `nickOf`: of who has not named one. */
export function openLogins(
  memory: Memory,
  seal: Seal | null,
  nickOf: (owner: string, network: string) => string,
): OpenLogins {
  const read = (owner: string, network: string) => memory.read<Kept>('login', placeOf(owner, network))
  const unseal = ({ sealed }: Kept, place: string): Sealed | null => {
    if (sealed === undefined) return {}
    const text = seal?.open(sealed, place) ?? null
    return text === null ? null : (JSON.parse(text) as Sealed)
  }
  return {
    async set(owner, network, change) {
      const place = placeOf(owner, network)
      const before = read(owner, network) ?? {}
      const needsKey = change.secret != null || change.certificate != null
      if (needsKey && seal === null) return 'no-key'
      const secrets = withoutNulls({
        ...(unseal(before, place) ?? {}),
        ...pick(change, ['secret', 'certificate']),
      }) as Sealed
      const open = withoutNulls({
        ...pick(before, ['nick', 'account', 'name', 'afterwards']),
        ...pick(change, ['nick', 'account', 'name', 'afterwards']),
      }) as Kept
      const kept: Kept = {
        ...open,
        ...(secrets.secret === undefined ? {} : { hasSecret: true }),
        ...(secrets.certificate === undefined ? {} : { hasCertificate: true }),
        ...(seal === null || Object.keys(secrets).length === 0
          ? {}
          : { sealed: seal.seal(JSON.stringify(secrets), place) }),
      }
      await memory.set('login', place, Object.keys(kept).length === 0 ? null : kept)
      return 'kept'
    },
    async shown(owner, network): Promise<LoginShown> {
      const { nick = null, account = null, name = null, afterwards = [], ...has } = read(owner, network) ?? {}
      return {
        nick,
        account,
        name,
        afterwards,
        hasSecret: has.hasSecret === true,
        hasCertificate: has.hasCertificate === true,
      }
    },
    login(owner, network) {
      const kept = read(owner, network)
      if (kept === null) return null
      const secrets = unseal(kept, placeOf(owner, network))
      if (secrets === null) return 'sealed'
      const { nick = nickOf(owner, network), account, name, afterwards } = kept
      return {
        nick,
        ...(account === undefined ? {} : { account }),
        ...(name === undefined ? {} : { name }),
        ...(afterwards === undefined ? {} : { afterwards }),
        ...secrets,
      }
    },
  }
}

/** What was sealed with a key that does not seal any more is sealed anew, so that the old key can be taken out of the file. Gives how many. */
export async function sealAnew(memory: Memory, seal: Seal): Promise<number> {
  let count = 0
  for (const { name, body } of memory.list<Kept>('login')) {
    if (body.sealed === undefined || seal.isCurrent(body.sealed)) continue
    const text = seal.open(body.sealed, name)
    if (text === null) continue
    await memory.set('login', name, { ...body, sealed: seal.seal(text, name) })
    count += 1
  }
  return count
}

function pick<T extends object, K extends keyof T>(of: T, names: readonly K[]): Partial<T> {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(of, name)).map((name) => [name, of[name]]),
  ) as unknown as Partial<T>
}

function withoutNulls(of: LoginChange): object {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== null && value !== undefined))
}
