// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on Prosody: hold, ask, obey, in order: test/servers/both/messages.ts.
import { messages } from '../both/messages.ts'
import { openProsody, prosody } from '../both/prosody.ts'

messages(prosody, {
  quoted: [/<body>it&apos;s &lt;b&gt; &amp; &quot;c&quot;<\/body>/, /<body>it's &lt;b&gt; &amp; "c"<\/body>/],
  alone: /<x xmlns='urn:x' xmlns:ns1='urn:y' ns1:k='a&apos;b&#10;c'><z xmlns=''\/><\/x>/,
  withLiar: (name) =>
    openProsody({}, { components: [{ name, secret: 'gate', lines: ['validate_from_addresses = false'] }] }),
})
