// SPDX-License-Identifier: Apache-2.0
// Which hosts ask: said by mod_gatehouse when one comes or goes, while the connection stays up and nobody says a word. And what
// one owes that goes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Kind } from './gated.ts'
import { bodies, HOST, soon } from './house.ts'

const LAB = 'lab.example'
const OTHER = 'other.gatehouse.internal'

export function hosts({ openGated, skip }: Kind): void {
  describe('which hosts ask', { skip }, () => {
    it('announces its hosts again when one is unloaded or loaded while all are idle, by one that stays; not when one is reloaded', async () => {
      await using gated = await openGated({ hosts: [LAB] })
      const screen = await gated.asking()
      const said = () =>
        screen.seen.flatMap((iq) =>
          [...iq.matchAll(/^<iq [^>]*from='([^']*)'.*<source [^>]* hosts='([^']*)'/g)].map(([, from, hosts]) => ({
            from,
            hosts,
          })),
        )
      assert.deepEqual(
        said().map(({ hosts }) => hosts),
        [`${HOST} ${LAB}`],
      )
      await gated.reload(LAB)
      await gated.unload(LAB)
      await soon(screen.saw(new RegExp(`<source [^>]* hosts='${HOST}'`)), 'the one that stays')
      await gated.load(LAB)
      const both = { test: () => said().filter(({ hosts }) => hosts === `${HOST} ${LAB}`).length >= 2 }
      await soon(screen.saw(both as unknown as RegExp), 'both again')
      assert.deepEqual(
        said().map(({ hosts }) => hosts),
        [`${HOST} ${LAB}`, HOST, `${HOST} ${LAB}`],
      )
      assert.equal(said()[1]?.from, HOST)
      assert.equal(
        new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1])).size,
        1,
        'one source all the time',
      )
    })

    for (const [how, fails] of [
      ['while the screen is away', true],
      ['while the screen is there and acknowledges nothing of it', false],
    ] as const)
      it(`tells what a host owes that left ${how}, so that done goes on for the others`, async () => {
        await using gated = await openGated({
          options: { try: 0.5, hold_max: 1 },
          hosts: [LAB],
          accounts: [`dora@${LAB}`],
        })
        const first = await gated.asking({ silent: /<settle/ })
        const alice = await gated.login('alice')
        alice.say(`bob@${HOST}`, 'MUTE one')
        await alice.got(/id='MUTE-one'/)
        await soon(first.saw(/<settle n='1'/), 'the settlement')
        if (fails) await first.close()
        await gated.unload(HOST)
        if (!fails) await first.close()
        const second = await gated.screen()
        const told = await soon(second.saw(/<settle n='1' try='0' outcome='bounced'/), 'the settlement again')
        assert.match(told, new RegExp(`^<iq [^>]*from='${HOST}'`))
        const dora = await gated.login('dora', { host: LAB })
        // The screen has just come: until it has answered three times nothing is asked.
        for (let i = 0; !second.seen.some((iq) => iq.includes('<ask')); i++) {
          dora.say(`dora@${LAB}`, `word ${i}`)
          await dora.got(new RegExp(`id='word-${i}'`))
        }
        const asked = /<ask n='(\d+)'/.exec(second.seen.find((iq) => iq.includes('<ask')) ?? '')?.[1]
        const reached = { test: (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0) >= Number(asked) }
        await soon(second.saw(reached as unknown as RegExp), 'done')
        await gated.load(HOST)
        const bob = await gated.login('bob')
        alice.say(`bob@${HOST}`, 'back again')
        await bob.got(/back again/)
      })

    it('an open host that has no answer opens no other one: whom they write to is asked for by his own host, also for those who left', async () => {
      const dora = `dora@${LAB}`
      await using gated = await openGated({
        options: { on_outage: 'open', try: 2, hold_max: 2 },
        neighbours: { [LAB]: OTHER },
        accounts: [dora],
      })
      const first = await gated.asking()
      const other = await gated.screen(OTHER)
      await soon(gated.server.logged(new RegExp(`${OTHER} answers; questions are asked`)), 'the other screen')
      const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
      const reader = await gated.login('dora', { host: LAB })
      const asked = (words: string) =>
        soon(other.saw(new RegExp(`<ask [^>]*direction='received'.*${words}`)), `the question about ${words}`)
      bob.say(dora, 'HOLD and gone')
      await soon(first.saw(/HOLD and gone/), 'the question of his own host')
      await bob.client.close()
      await first.close()
      await asked('HOLD and gone')
      other.release()
      await reader.got(/HOLD and gone/)
      alice.say(dora, 'DENY over the yard')
      assert.match(await alice.got(/id='DENY-over-the-yard'/), /policy-violation/)
      alice.say(dora, 'over the yard')
      await reader.got(/over the yard/)
      await asked('over the yard')
      assert.deepEqual(bodies(reader), ['HOLD and gone', 'over the yard'])
    })
  })
}
