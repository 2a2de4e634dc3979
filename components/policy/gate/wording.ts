// SPDX-License-Identifier: Apache-2.0
import type { Catalogue } from '../../kit/text/catalogue.ts'
import type { Wording } from './judged.ts'

/** The suite's own words in the languages asked for. Each is put together once: ids of rules are bounded by the rule files. */
export function createWording(catalogue: Catalogue, languages: readonly string[]): Wording {
  const known = new Map<string, Readonly<Record<string, string>>>()
  const inAll = (id: string, args: Readonly<Record<string, string>>) =>
    Object.fromEntries(languages.map((language) => [language, catalogue.say(id, language, args)]))
  const remember = (key: string, make: () => Readonly<Record<string, string>>) => {
    const said = known.get(key) ?? make()
    if (known.size >= 10_000) known.clear()
    known.set(key, said)
    return said
  }
  return {
    refusal: (rule) =>
      remember(`rule ${rule}`, () => {
        if (rule === 'unreadable' || rule === 'otherwise') return inAll(`policy-${rule}`, {})
        return inAll('policy-refused', { rule })
      }),
    error: (id) => remember(id, () => inAll(id, {})),
  }
}
