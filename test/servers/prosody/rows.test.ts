// SPDX-License-Identifier: Apache-2.0
// Rows of PROTOCOL.md section 9 on Prosody: test/servers/both/rows.ts, and what a module says in the name of a user.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { freePort, HOST } from '../both/house.ts'
import { openProsody, prosody, roomsOfProsody } from '../both/prosody.ts'
import { rows, UPLOAD } from '../both/rows.ts'
import { ALICE, BOB } from '../both/scene.ts'

rows(prosody, {
  open: async () => {
    const http = await freePort()
    const upload = [`http_external_url = "http://127.0.0.1:${http}/"`, 'http_host = "127.0.0.1"']
    return openProsody(
      {},
      {
        modules: ['mam', 'adhoc', 'http', 'motd', 'gatehouse_rewriter', 'gatehouse_speaker'],
        pluginPaths: [join(import.meta.dirname, 'plugins')],
        global: [
          'motd_text = "the word of the day"',
          'default_archive_policy = true',
          'storage = { archive = "memory" }',
          `http_ports = { ${http} }`,
        ],
        components: [roomsOfProsody(), { name: UPLOAD, module: 'http_file_share', lines: upload }],
      },
    )
  },
  greeted: async ({ alice }) => alice,
  more: (on) => {
    it('what a module says in the name of a user is not covered: it passes, and nobody is asked', async () => {
      const { gated, alice, bob } = on
      const words = 'DENY what alice never said'
      await gated.shell(
        `> prosody.hosts["${HOST}"].modules.gatehouse_speaker.speak("${ALICE}/r", "${BOB}", "${words}")`,
      )
      assert.match(await bob.got(/what alice never said/), new RegExp(`from='${ALICE}/r'`))
      await on.fence(alice, 'behind what she never said')
      assert.equal(on.asked(words), 0)
    })
  },
})
