// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on ejabberd: hold, ask, obey, in order: test/servers/both/messages.ts.
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { messages } from '../both/messages.ts'

const QUOTED = /<body[^>]*>it(&apos;|')s &lt;b&gt; &amp; (&quot;|")c(&quot;|")<\/body>/

messages(ejabberd, {
  quoted: [QUOTED, QUOTED],
  alone: /<x xmlns='urn:x' xmlns:ns1='urn:y' ns1:k='a&apos;b&#(10|xA|xa);c'><z xmlns=''\/><\/x>/,
  // With `global_routes` the server would give each component what is for any of them.
  withLiar: (component) =>
    openEjabberd({ components: [component] }, { listeners: { component: { check_from: false, global_routes: true } } }),
})
