// SPDX-License-Identifier: Apache-2.0
// What comes from another server past mod_gatehouse: to people, asked about; to a screen, a trusted component or a transport, nothing. The other
// server (at port 5269) is played by test/servers/both/far.ts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openFar, streamOf } from './far.ts'
import type { Gated, Kind } from './gated.ts'
import { bodies, SCREEN, soon } from './house.ts'

export const ARCHIVE = 'archive.gatehouse.internal'
export const IRC = 'irc.corp.example'

export type Between = {
  /** Address of the other server. */
  far: string
  /** Patient, with the archive as a trusted component, a transport, and a port of its own for other servers. */
  open(): Promise<Gated>
}

export function between({ skip }: Kind, { far, open }: Between): void {
  describe('between servers', { skip }, () => {
    it('another server writes to people, asked about, and to no screen, no trusted component and no transport', async () => {
      await using other = await openFar(far)
      await using gated = await open()
      const screen = await gated.asking()
      const archive = await gated.screen(ARCHIVE)
      const irc = await gated.screen(IRC)
      const bob = await gated.login('bob')
      using stream = await streamOf(other, gated.ports.s2s ?? assert.fail())
      stream.say('HOLD this')
      stream.say('behind it')
      const question = await soon(screen.saw(/behind it/), 'the question behind')
      assert.match(question, /<ask n='\d+' direction='received' via='s2s' at=/)
      assert.deepEqual(bodies(bob), [])
      screen.release()
      await bob.got(/behind it/)
      assert.deepEqual(bodies(bob), ['HOLD this', 'behind it'])

      // What is asked of them is asked by people of this server: the server says who they are.
      for (const to of [SCREEN, ARCHIVE, IRC])
        stream.write(
          `<iq type='set' id='door' from='eve@${far}/x' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='door'/></iq>`,
        )
      stream.say('fence')
      await bob.got(/fence/)
      // What the server had routed to them before the fence, they have read before these.
      bob.client.send(`<iq type='get' id='last' to='${SCREEN}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      bob.client.send(`<iq type='get' id='last' to='${ARCHIVE}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      bob.client.send(`<iq type='get' id='last' to='${IRC}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await soon(Promise.all([screen, archive, irc].map((one) => one.saw(/id='last'/))), 'the pings')
      assert.ok(![...screen.seen, ...archive.seen, ...irc.seen].some((iq) => iq.includes('door')))
    })
  })
}
