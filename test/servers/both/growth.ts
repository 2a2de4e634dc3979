// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse keeps nothing of what it bounced in an outage, however long it lasts and however many sessions come and go.
// GATEHOUSE_LONG=1: 200,000 messages instead of 20,000.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Kind } from './gated.ts'
import { HOST, soon } from './house.ts'

const ROUNDS = 10
const PER_ROUND = process.env.GATEHOUSE_LONG === '1' ? 20_000 : 2_000
const LAB = 'lab.example'
/** 20 for each message. */
const LEAK_BYTES = 20 * ROUNDS * PER_ROUND

export function growth({ openGated, skip }: Kind): void {
  it('stays flat over an outage of two hosts, and tells it in one report each', { skip }, async () => {
    await using gated = await openGated({ hosts: [LAB], accounts: [`dora@${LAB}`] })
    const round = async (name: string) => {
      const people = [
        await gated.login('alice', { resource: name }),
        await gated.login('dora', { host: LAB, resource: name }),
      ]
      for (let i = 0; i < PER_ROUND / 2; i++) for (const one of people) one.say(`bob@${HOST}`, `${name} ${i}`)
      for (const one of people) {
        await one.got(new RegExp(`id='${name}-${PER_ROUND / 2 - 1}'`))
        await one.client.close()
      }
    }
    await round('warm')
    const before = await gated.heldBytes()
    for (let i = 0; i < ROUNDS; i++) await round(`r${i}`)
    // What the server itself still holds of sessions that have just ended goes within seconds; what leaks stays.
    const looks: number[] = []
    while (looks.length < 10 && !(Math.min(...looks) < before + LEAK_BYTES)) looks.push(await gated.heldBytes())
    assert.ok(Math.min(...looks) < before + LEAK_BYTES, `${before} -> ${looks.join(', ')} bytes`)
    const screen = await gated.asking()
    const total = ((ROUNDS + 1) * PER_ROUND) / 2
    for (const host of [HOST, LAB])
      await soon(
        screen.saw(new RegExp(`from='${host}'.*<outage [^>]*count='${total}' outcome='bounced'`)),
        `the report of ${host}`,
      )
  })
}
