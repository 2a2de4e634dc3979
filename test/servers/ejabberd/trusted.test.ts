// SPDX-License-Identifier: Apache-2.0
// A component that the host trusts and that may speak for people (XEP-0356): trust goes before.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, soon } from '../both/house.ts'
import { wrapped } from '../both/trusted.ts'
import { noEjabberd, openGated } from './gated.ts'
import { PRIVILEGE, privilegeOf } from './privilege.ts'

const ARCHIVE = 'archive.gatehouse.internal'

describe('a trusted component', { skip: noEjabberd }, () => {
  it('that speaks for a person (XEP-0356) is not asked about; one that is not trusted is', async () => {
    const { modules, options } = privilegeOf(ARCHIVE)
    for (const trusted of [[ARCHIVE], []]) {
      await using gated = await openGated({
        options: { trusted },
        modules,
        components: [ARCHIVE],
        settings: { options },
      })
      const screen = await gated.asking()
      const archive = await gated.screen(ARCHIVE)
      await soon(archive.heard(new RegExp(`from='${HOST}'.*<perm `)), 'its privilege')
      const bob = await gated.login('bob')
      archive.write(wrapped(ARCHIVE, PRIVILEGE, 'DENY for alice'))
      archive.write(wrapped(ARCHIVE, PRIVILEGE, 'said for alice'))
      await bob.got(/said for alice/)
      const isTrusted = trusted.length > 0
      assert.deepEqual(bodies(bob), isTrusted ? ['DENY for alice', 'said for alice'] : ['said for alice'])
      assert.equal(screen.seen.filter((iq) => iq.includes('for alice')).length > 0, !isTrusted)
    }
  })
})
